//! The installation for the console.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use castellan_lake::Lake;
use castellan_server::console::{AnalyticsState, GateState, Installation, LakeState, Settings, WayIn};

use crate::arguments::UpArguments;
use crate::up::analytics::board::Board;

/// The installation as the console sees it.
pub(super) struct Shown {
    pub(super) arguments: UpArguments,
    /// Where the server and the gate listen.
    pub(super) listen: Arc<OnceLock<String>>,
    pub(super) gate: Option<String>,
    pub(super) lake: Weak<Lake>,
    pub(super) board: Arc<Board>,
}

#[async_trait]
impl Settings for Shown {
    async fn settings(&self) -> Installation {
        let arguments = &self.arguments;
        let listen = self.listen.get().cloned().unwrap_or_default();
        let path = |path: &std::path::Path| path.display().to_string();
        let lake = self.lake.upgrade();
        let tables = lake.as_ref().map(|lake| lake.tables()).unwrap_or_default();
        let filled = tables.iter().filter(|table| table.rows > 0);
        let data = arguments.lake.as_deref().and_then(|lake| lake.parent()).filter(|_| arguments.built_in);
        let mut ways_in = vec![
            WayIn { kind: "logs-ingestion".to_owned(), at: listen.clone() },
            WayIn { kind: "otlp-http".to_owned(), at: listen.clone() },
        ];
        for (kind, at) in [
            ("otlp-grpc", arguments.otlp_grpc.map(|at| at.to_string())),
            ("syslog", arguments.syslog.map(|at| at.to_string())),
            ("syslog-tls", arguments.syslog_tls.map(|at| at.to_string())),
            ("syslog-udp", arguments.syslog_udp.map(|at| at.to_string())),
            ("folder", arguments.watch.as_deref().map(path)),
            ("kafka", arguments.kafka.as_deref().map(path)),
            ("gate", self.gate.clone()),
        ] {
            ways_in.extend(at.map(|at| WayIn { kind: kind.to_owned(), at }));
        }
        Installation {
            listen,
            tls: arguments.tls_certificate.is_some(),
            folder: data.map(path),
            lake: LakeState {
                folder: arguments.lake.as_deref().map(path),
                tables: filled.count() as u64,
                rows: Some(tables.iter().map(|table| table.rows).sum()),
                bytes: Some(tables.iter().map(|table| table.bytes).sum()),
                free_bytes: lake.as_ref().and_then(|lake| lake.free_bytes()),
            },
            gate: GateState {
                open: self.gate.is_some(),
                listen: self.gate.clone(),
                file: arguments.gate.as_deref().map(path),
            },
            analytics: AnalyticsState {
                rules: self.board.list().len() as u64,
                folder: arguments.analytics.as_deref().map(path),
            },
            ways_in,
            problems: lake
                .iter()
                .flat_map(|lake| lake.problems())
                .map(|(what, why)| format!("{what}: {why}"))
                .collect(),
        }
    }
}
