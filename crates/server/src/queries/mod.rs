//! Queries over tables, which several faces ask for: Azure Monitor's, Kusto's, Resource Graph's and MCP's.
//!
//! A face reads a request and says what it wants as [`Asked`]; [`Queries`] has it run by an engine that sees no more than
//! the role may, on threads of its own, within bounds; the face writes the answers in the shape of its API.
//!
//! *Invariant (no waiting):* threads that serve connections never run queries, so that a long one holds nobody up.
//! *Invariant (ended with the client):* a query whose client has gone is ended at its next step.

mod bounds;
mod fault;
mod json;
mod pool;
mod read;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use castellan_kql::bind::Database;
use castellan_query::{Access, Answers, Cancellation, Engine, Limits, Overflow, Settings, Watch};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{Gate, Refusal};
use pool::Pool;

pub use bounds::Bounds;
pub(crate) use fault::{Fault, Kind};
pub(crate) use json::{Style, columns, object, type_names, value_of, write_rows};
pub(crate) use read::{body_of, no_other_site, parameter, parameters};

/// Where queries find their tables: the lake, a folder, or tables in memory.
#[async_trait]
pub trait Tables: Send + Sync {
    /// An engine with all tables, as they are now.
    ///
    /// # Errors
    /// Why the tables cannot be read.
    async fn engine(&self, settings: Settings) -> Result<Engine, Refusal>;
}

/// A query as a face wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The query.
    pub(crate) text: String,
    /// Values of its parameters.
    pub(crate) parameters: Vec<(String, String)>,
    /// How long it may run; as long as the bounds say where nothing is said.
    pub(crate) time: Option<Duration>,
    /// The most rows of a result; as many as the bounds say where nothing is said.
    pub(crate) rows: Option<usize>,
    /// What it may see besides what the role says.
    pub(crate) accesses: Vec<Access>,
    /// The name of the database.
    pub(crate) database: Option<String>,
    /// Further names of the database.
    pub(crate) aliases: Vec<String>,
}

/// Answers, and how long they took.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answers: Answers,
    pub(crate) took: Duration,
}

/// The way of the faces to the tables.
#[derive(Clone)]
pub struct Queries {
    tables: Arc<dyn Tables>,
    role: Option<Arc<Access>>,
    bounds: Arc<Bounds>,
    turns: Arc<Semaphore>,
    pool: Arc<Pool>,
    pub(crate) gate: Gate,
}

impl std::fmt::Debug for Queries {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Queries").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

/// Ends a query when nobody waits for it any more.
struct Waiting(Cancellation);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Queries {
    /// Queries over tables.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(tables: Arc<dyn Tables>, gate: Gate, bounds: Bounds) -> std::io::Result<Queries> {
        let pool = Arc::new(Pool::new(bounds.threads)?);
        let turns = Arc::new(Semaphore::new(bounds.parallel.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Queries { tables, role: None, bounds: Arc::new(bounds), turns, pool, gate })
    }

    /// The same for those who may see less. Threads and bounds are shared.
    #[must_use]
    pub fn restricted(&self, role: Access) -> Queries {
        Queries { role: Some(Arc::new(role)), ..self.clone() }
    }

    /// What queries may cost.
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Runs a query, and has its answers written by `write`, away from the threads that serve connections.
    ///
    /// # Errors
    /// Those of the query and of `write`; there is no turn, or the tables cannot be read.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asked: Asked,
        write: impl FnOnce(Answered) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        if asked.text.len() > self.bounds.text {
            return Err(Fault::TooLong { most: self.bounds.text });
        }
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = timeout(self.bounds.patience, turn).await.ok().and_then(Result::ok).ok_or(Fault::Busy)?;
        let watch = Watch::default();
        let waiting = Waiting(watch.cancellation.clone());
        let own = self.clone();
        let done = self.pool.run(async move {
            // The turn is over when the work is, whether or not anybody still waits.
            let _turn = turn;
            let begun = Instant::now();
            let text = asked.text.clone();
            let engine = own.engine(asked).await?;
            let answers = engine.query_watched(&text, watch).await?;
            write(Answered { answers, took: begun.elapsed() })
        });
        let told = done.await;
        drop(waiting);
        told.map_err(|fault| if self.role.is_some() { fault.discreet() } else { fault })
    }

    /// An engine for a query: what it sees, and what it may cost.
    ///
    /// # Errors
    /// The tables cannot be read, or a condition cannot be used.
    pub(crate) async fn engine(&self, asked: Asked) -> Result<Engine, Fault> {
        let bounds = &self.bounds;
        let limits = Limits {
            time: asked.time.unwrap_or(bounds.time).min(bounds.most_time),
            memory: bounds.memory,
            rows: asked.rows.unwrap_or(bounds.rows).min(bounds.rows),
        };
        let mut settings = Settings {
            limits,
            threads: bounds.threads,
            parameters: asked.parameters,
            overflow: Overflow::Cut,
            aliases: asked.aliases,
            ..Settings::default()
        };
        if let Some(database) = asked.database {
            settings.database = database;
        }
        let mut engine = self.tables.engine(settings).await?;
        for access in self.role.iter().map(|role| &**role).chain(&asked.accesses) {
            engine = engine.restrict(access)?;
        }
        Ok(engine)
    }

    /// Looks at the tables and functions that may be seen, as an editor does.
    ///
    /// # Errors
    /// The tables cannot be read, and those of the look.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Database) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let own = self.clone();
        let looked = async move { look(own.engine(Asked::default()).await?.database()) };
        self.pool.run(looked).await
    }

    /// The tables and columns that may be seen.
    ///
    /// # Errors
    /// The tables cannot be read.
    pub(crate) async fn schema(&self, accesses: Vec<Access>) -> Result<Vec<TableSchema>, Fault> {
        let own = self.clone();
        self.pool
            .run(async move {
                let engine = own.engine(Asked { accesses, ..Asked::default() }).await?;
                let tables = engine.shapes().into_iter();
                Ok(tables.map(|(name, columns)| TableSchema { name: name.to_string(), columns }).collect())
            })
            .await
    }
}

/// A table as it is seen.
#[derive(Clone, Debug)]
pub(crate) struct TableSchema {
    pub(crate) name: String,
    pub(crate) columns: Vec<castellan_kql::plan::Field>,
}
