//! How events come in over the network, and from a folder.
//!
//! | way | what | where |
//! |---|---|---|
//! | Logs Ingestion API | arrays of JSON, by data collection rules | `POST /dataCollectionRules/{id}/streams/{stream}` |
//! | OTLP over HTTP | logs, traces, metrics | `POST /v1/logs`, `/v1/traces`, `/v1/metrics` |
//! | OTLP over gRPC | the same | [`grpc_router`], on a listener of its own |
//! | diagnostic settings | `{"records": [...]}` | `POST /api/v1/diagnostics` |
//! | syslog and CEF | TCP, TLS and UDP | [`syslog`] |
//! | a folder | JSON Lines, CSV, Parquet, diagnostic logs | [`folder`] |
//! | Kafka and Event Hubs | topics of JSON, diagnostic logs, OTLP | `kafka`, with the feature of that name |
//!
//! *Invariant (acknowledged is durable):* a request is answered with success, and a file is moved away, once the lake has
//! what came in it on the disk. *Invariant (repeated adds nothing):* what a client sends again because it did not hear the
//! answer is kept once. *Invariant (told):* what is not kept as it came is part of the answer.
//!
//! Deliberately absent: what telemetry means (`castellan-ingest`), how rows are kept (`castellan-lake`).

mod body;
mod diagnostics;
pub mod files;
pub mod folder;
#[cfg(feature = "kafka")]
pub mod kafka;
pub(crate) mod keep;
pub(crate) mod logs;
pub(crate) mod otlp;
mod rules;
pub mod syslog;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use castellan_base::{OsSystem, System as _, Ticks};
use castellan_ingest::diagnostic::{ColumnType, Mapper};
use castellan_kql::ScalarType;
use castellan_lake::{Lake, TableSchema};
use castellan_query::{Answers, Engine};

use crate::{Gate, Refusal};

pub use rules::{BUILT_IN, Rules};

/// How often files of rules are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Who is told what happens to nobody's request: a line for a person, without content of events.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What the ways in share.
#[derive(Clone)]
pub(crate) struct Intake {
    lake: Arc<Lake>,
    rules: Arc<Rules>,
    gate: Gate,
    mapper: Arc<Mapper>,
    tell: Tell,
}

impl Intake {
    fn new(lake: Arc<Lake>, rules: Arc<Rules>, gate: Gate, tell: Tell) -> Intake {
        Intake { lake, rules, gate, mapper: Arc::new(mapper()), tell }
    }

    /// Tells what a client is not told: what the storage says, with the names of files.
    fn tell_of(&self, error: &castellan_lake::Error) {
        if keep::is_own(error) {
            (self.tell)(&format!("events could not be kept: {error}"));
        }
    }
}

/// The routes of the Logs Ingestion API, of OTLP over HTTP and of diagnostic logs. What the storage does not take is told
/// to `tell` too, since clients learn no names of files.
pub fn router(lake: Arc<Lake>, rules: Arc<Rules>, gate: Gate, tell: Tell) -> Router {
    let intake = Intake::new(lake, rules, gate, tell);
    logs::routes().merge(otlp::routes()).merge(diagnostics::routes()).with_state(intake)
}

/// The services of OTLP over gRPC, for a server that speaks HTTP/2: see [`crate::Server::with_http2`].
pub fn grpc_router(lake: Arc<Lake>, gate: Gate, tell: Tell) -> Router {
    otlp::grpc::routes(Intake::new(lake, Arc::new(Rules::built_in()), gate, tell))
}

/// Keeps rules as their files are, until it is dropped: looks every two seconds, and tells what it finds.
pub async fn follow_rules(rules: Arc<Rules>, lake: Arc<Lake>, tell: Tell) {
    let mut trouble = None;
    loop {
        tokio::time::sleep(LOOK).await;
        match rules.refresh(&lake).await {
            Ok(told) => {
                trouble = None;
                told.iter().for_each(|line| tell(line));
            }
            Err(error) => {
                let error =
                    format!("the folder of rules cannot be read, and the rules stay as they are: {error}");
                // Said once, not every two seconds.
                if trouble.as_ref() != Some(&error) {
                    tell(&error);
                }
                trouble = Some(error);
            }
        }
    }
}

/// An answer to a request without the right token, in the form of the API that it is for.
pub(crate) fn refused(path: &str, refusal: &Refusal) -> Option<Response> {
    if logs::is_at(path) {
        return Some(logs::Failure::from(refusal.clone()).into_response());
    }
    otlp::is_at(path).then(|| refusal.clone().into_response())
}

/// Tells diagnostic logs to tables, as content declares them.
pub fn mapper() -> Mapper {
    Mapper::new(|table| {
        let schema = TableSchema::declared(table)?;
        let columns = schema.columns().iter();
        Some(columns.map(|column| (column.name.to_string(), column_type(column.scalar_type))).collect())
    })
}

fn column_type(scalar_type: ScalarType) -> ColumnType {
    match scalar_type {
        ScalarType::Bool => ColumnType::Bool,
        ScalarType::Int => ColumnType::Int,
        ScalarType::Long => ColumnType::Long,
        ScalarType::Real => ColumnType::Real,
        ScalarType::DateTime => ColumnType::Time,
        ScalarType::Dynamic => ColumnType::Dynamic,
        ScalarType::String | ScalarType::Guid | ScalarType::TimeSpan | ScalarType::Decimal => {
            ColumnType::Text
        }
    }
}

/// The answers of a query, worked out away from the threads that serve connections.
///
/// # Errors
/// What the engine says.
async fn queried(engine: Engine, query: String) -> Result<Answers, String> {
    let handle = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || handle.block_on(engine.query(&query)));
    let done = work.await.map_err(|_| "the query broke off".to_owned())?;
    done.map_err(|error| error.to_string())
}

/// Now.
fn now() -> Ticks {
    OsSystem.now()
}

/// Now, in microseconds since 1970, as the lake counts.
fn received() -> i64 {
    i64::try_from(now().unix_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}
