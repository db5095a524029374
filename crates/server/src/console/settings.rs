//! How this server is set up, for people who look after it. No secret is in it.

use async_trait::async_trait;
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use serde::Serialize;

use super::estate::EstateState;
use super::failure::Failure;
use super::request::Request;
use super::role::Role;
use super::session::{OidcWay, SessionState};

/// What is known of the installation beside the console.
#[async_trait]
pub trait Settings: Send + Sync {
    /// How things are now.
    async fn settings(&self) -> Installation;
}

/// An installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Where management listens, as an address.
    pub listen: String,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// The data folder.
    pub folder: Option<String>,
    /// The lake.
    pub lake: LakeState,
    /// The gate.
    pub gate: GateState,
    /// Analytics rules.
    pub analytics: AnalyticsState,
    /// Ways in which events come.
    pub ways_in: Vec<WayIn>,
    /// What does not work now.
    pub problems: Vec<String>,
}

/// The lake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LakeState {
    /// Its folder.
    pub folder: Option<String>,
    /// How many tables have rows.
    pub tables: u64,
    /// Rows, where that is known.
    pub rows: Option<u64>,
    /// Bytes on disk, where that is known.
    pub bytes: Option<u64>,
    /// Bytes that are free there.
    pub free_bytes: Option<u64>,
}

/// The gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GateState {
    /// Whether it is open.
    pub open: bool,
    /// Where it listens.
    pub listen: Option<String>,
    /// Its configuration.
    pub file: Option<String>,
}

/// Analytics rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnalyticsState {
    /// How many there are.
    pub rules: u64,
    /// Where they are saved.
    pub folder: Option<String>,
}

/// A way in which events come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WayIn {
    /// `logs-ingestion`, `otlp-http`, `otlp-grpc`, `syslog`, `syslog-tls`, `syslog-udp`, `folder`, `kafka`, `gate`.
    pub kind: String,
    /// An address or a folder.
    pub at: String,
}

#[derive(Serialize)]
struct Told {
    version: &'static str,
    demo: bool,
    started: Ticks,
    #[serde(flatten)]
    installation: Installation,
    estate: EstateState,
    access: Access,
}

#[derive(Serialize)]
struct Access {
    token: bool,
    oidc: OidcWay,
    roles: Vec<RoleState>,
    sessions: Vec<SessionState>,
}

#[derive(Serialize)]
struct RoleState {
    role: Role,
    operations: Vec<&'static str>,
}

impl Request {
    pub(super) async fn get_settings(self) -> Result<Response, Failure> {
        let console = &self.console;
        let mut installation = match &console.settings {
            Some(settings) => settings.settings().await,
            None => Installation::default(),
        };
        installation.problems.extend(console.oidc.as_ref().and_then(|oidc| oidc.problem()));
        let roles = Role::ALL.map(|role| RoleState { role, operations: console.roles.allowed(role) });
        let access = Access {
            token: console.token.is_some(),
            oidc: console.oidc_way(true),
            roles: roles.into(),
            sessions: console.sessions.list(console.now()),
        };
        let estate = console.estate.as_ref().map(|estate| estate.state()).unwrap_or_default();
        let told = Told {
            version: env!("CARGO_PKG_VERSION"),
            demo: console.is_demo,
            started: console.started,
            installation,
            estate,
            access,
        };
        Ok(axum::Json(told).into_response())
    }
}
