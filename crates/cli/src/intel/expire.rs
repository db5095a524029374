//! `castellan intel expire`: what does not count any more is said not to, and what counts for long is said again.

use anyhow::{Result, anyhow};
use castellan_base::{System, Ticks};
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::rows::{INDICATORS, LEGACY, Rows, Writing, ended};
use castellan_kql::Value;
use castellan_lake::Lake;
use castellan_query::Settings;
use serde_json::{Map, Value as Json};

use super::kept::{write, write_to};
use super::lake;
use crate::Ending;
use crate::arguments::IntelExpireArguments;
use crate::output::complain;
use crate::query::render::cell;

/// Rules look back fourteen days for indicators; what is older than this is written again, in ticks.
const REFRESH: i64 = 7 * Ticks::PER_DAY;
/// Indicators that are written again at once.
const BATCH: usize = 500;

pub(super) async fn run(arguments: &IntelExpireArguments, system: &dyn System) -> Result<Ending> {
    let lake = lake(&arguments.folder.lake, false, system).await?;
    let done = expire(&lake, &arguments.ids, !arguments.no_refresh, system.now()).await;
    lake.close().await?;
    let done = done?;
    if !arguments.output.quiet {
        complain(&format!(
            "{} indicators do not count any more; {} rows are written again",
            done.ended, done.refreshed
        ));
    }
    let missing = arguments.ids.len().saturating_sub(done.ended);
    if !arguments.ids.is_empty() && missing > 0 {
        complain(&format!("{missing} ids are of no indicator that counts"));
        return Ok(Ending::Findings);
    }
    Ok(Ending::Fine)
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) ended: usize,
    pub(crate) refreshed: usize,
}

/// Marks what has expired, or what is named, and writes again what still counts and was written long ago.
pub(crate) async fn expire(lake: &Lake, ids: &[String], refreshes: bool, now: Ticks) -> Result<Done> {
    let engine = lake.engine(Settings::default());
    let all = held(&engine, &Asked { ids, ..Asked::default() }).await.map_err(|error| anyhow!("{error}"))?;
    let writing = Writing { at: now, source: String::new(), method: "castellan expire", legacy: true };
    let mut done = Done::default();
    let mut rows = Rows::default();
    let is_over =
        |held: &&Held| held.is_active && (!ids.is_empty() || held.until.is_some_and(|until| until <= now));
    for held in all.iter().filter(is_over) {
        let mut own = ended(held, &held.alternatives, &writing);
        rows.indicators.append(&mut own.indicators);
        rows.legacy.append(&mut own.legacy);
        done.ended += 1;
    }
    write(lake, rows).await?;
    if refreshes && ids.is_empty() {
        let is_old = |held: &&Held| held.counts_at(now) && held.written.get() + REFRESH <= now.get();
        let old: Vec<&str> = all.iter().filter(is_old).map(|held| held.id.as_str()).collect();
        for some in old.chunks(BATCH) {
            done.refreshed += refresh(lake, some, now).await?;
        }
    }
    Ok(done)
}

/// Writes the newest rows of indicators again, as of now.
async fn refresh(lake: &Lake, ids: &[&str], now: Ticks) -> Result<usize> {
    let list: Vec<String> =
        ids.iter().map(|id| format!("'{}'", id.replace('\\', "\\\\").replace('\'', "\\'"))).collect();
    let list = list.join(", ");
    let queries = [
        (
            INDICATORS,
            format!(
                "{INDICATORS} | where Id in ({list}) | summarize arg_max(TimeGenerated, *) by Id, ObservableValue | where IsActive"
            ),
        ),
        (
            LEGACY,
            format!(
                "{LEGACY} | where ExternalIndicatorId in ({list}) | summarize arg_max(TimeGenerated, *) by IndicatorId | where Active"
            ),
        ),
    ];
    let mut count = 0;
    for (table, query) in queries {
        let answers =
            lake.engine(Settings::default()).query(&query).await.map_err(|error| anyhow!("{error}"))?;
        let mut rows = Vec::new();
        for answer in &answers.answers {
            for values in answer.values()? {
                let members = answer.columns.iter().zip(&values).filter(|(column, value)| {
                    let is_own =
                        !column.name.starts_with('_') && !["TenantId", "Type"].contains(&&*column.name);
                    is_own && !value.is_null() && value.as_str() != Some("")
                });
                let mut row: Map<String, Json> = members
                    .map(|(column, value): (_, &Value)| (column.name.to_string(), cell(value)))
                    .collect();
                row.insert("TimeGenerated".to_owned(), now.to_string().into());
                rows.push(Json::Object(row));
            }
        }
        count += rows.len();
        write_to(lake, table, &rows).await?;
    }
    Ok(count)
}
