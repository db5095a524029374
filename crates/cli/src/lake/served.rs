//! The tables of a lake, and those of a scan, for the faces that answer queries.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use axum::Router;
use castellan_base::System;
use castellan_lake::Lake;
use castellan_query::{Access, Engine, Settings};
use castellan_server::{Bounds, Gate, Queries, Refusal, Tables, kusto, loganalytics, mcp, resourcegraph};

use crate::survey::Held;

/// What queries over HTTP see.
struct Served {
    lake: Arc<Lake>,
    survey: Arc<Held>,
}

#[async_trait]
impl Tables for Served {
    async fn engine(&self, settings: Settings) -> Result<Engine, Refusal> {
        let mut engine = self.lake.engine(settings);
        let survey = self.survey.now();
        for (name, rows) in survey.iter().flat_map(|survey| &survey.rows) {
            let added = engine.add_batches(name, rows.schema(), vec![rows.clone()]);
            added.map_err(|error| Refusal::failed(error.to_string()))?;
        }
        Ok(engine)
    }
}

/// Queries over the lake and the estate.
///
/// Errors: a role that cannot be used, and no threads.
pub(crate) fn queries(
    lake: &Arc<Lake>,
    survey: &Arc<Held>,
    role: Option<&Path>,
    gate: &Gate,
    system: &dyn System,
) -> Result<Queries> {
    let tables = Arc::new(Served { lake: Arc::clone(lake), survey: Arc::clone(survey) });
    let queries = Queries::new(tables, gate.clone(), Bounds::default()).context("cannot start threads")?;
    Ok(match role {
        Some(file) => queries.restricted(read_role(file, system)?),
        None => queries,
    })
}

/// The faces that answer queries: Log Analytics, Kusto, Resource Graph, MCP.
pub(crate) fn routes(queries: Queries) -> Router {
    loganalytics::router(queries.clone(), loganalytics::Options::default())
        .merge(kusto::router(queries.clone(), kusto::Options::default()))
        .merge(resourcegraph::router(queries.clone()))
        .merge(mcp::router(queries, mcp::Options::default()))
}

/// Largest file of a role, in bytes.
const ROLE: u64 = 1 << 20;

/// Errors: a file that cannot be read, or is no role.
fn read_role(file: &Path, system: &dyn System) -> Result<Access> {
    let text = crate::output::read_text(file, ROLE, system)?;
    toml::from_str(&text).with_context(|| format!("{}: this is no role", file.display()))
}
