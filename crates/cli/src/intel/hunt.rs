//! `castellan intel hunt`, and what `castellan up --intel` does of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use castellan_base::{System, Ticks};
use castellan_detect::rule::Rule;
use castellan_detect::run::Alert;
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::matching::{Never, Places, RETRO, alerts, rule};
use castellan_intel::retro::{Arrived, Entry, Hunted, Journal, Options, step};
use castellan_lake::{Append, Lake};
use castellan_query::Settings;

use super::live::{Live, holding};
use super::{FOLDER, format, lake};
use crate::Ending;
use crate::arguments::IntelHuntArguments;
use crate::detect::run::show;
use crate::output::{complain, inert_lines};
use crate::progress::Bar;
use castellan_incident::desk::{append, known};
use castellan_incident::rows::{ALERTS, alert_json, calls};

/// What is still to hunt, shared by who queues and who hunts.
pub(crate) type Shared = Arc<Mutex<Journal>>;

/// Opens the journal of a lake.
pub(crate) fn journal(lake: &Lake) -> Result<Shared> {
    let journal = Journal::open(&lake.folder().join(FOLDER).join("hunts.jsonl"))?;
    Ok(Arc::new(Mutex::new(journal)))
}

/// Queues what has to be hunted of indicators that arrived by a time; each with whether it was watched before. How many
/// hunts that makes.
pub(crate) fn queue(
    journal: &Shared,
    arrived: &[(Held, bool)],
    until: Ticks,
    options: &Options,
) -> Result<usize> {
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let mut entries = Vec::new();
    for (held, was_watched) in arrived {
        for what in journal.queue().arrive(held, until, *was_watched, options) {
            if let Arrived::Hunt(hunt) = what {
                entries.push(Entry::Queued(*hunt));
            }
        }
    }
    let count = entries.len();
    journal.keep(entries)?;
    Ok(count)
}

/// Hunts the next batch and keeps its alerts; nothing where nothing is left to hunt. A batch of which a table cannot be read
/// stays.
pub(crate) async fn next(
    lake: &Lake,
    journal: &Shared,
    options: &Options,
    never: &Never,
) -> Result<Option<(Hunted, Vec<Alert>)>> {
    let hunts = journal.lock().unwrap_or_else(PoisonError::into_inner).queue().next(options.batch);
    if hunts.is_empty() {
        return Ok(None);
    }
    let (rule, count) = (rule(RETRO).context("the rule of hunts is not in this program")?, hunts.len());
    let engine = lake.engine(Settings::default());
    let tables: BTreeSet<Arc<str>> = holding(lake);
    let hunted = step(hunts, &engine, Places::built_in(), never, Some(&tables)).await?;
    let made = match hunted.window {
        Some(window) => alerts(rule, &hunted.run, window.from, window.until),
        None => Vec::new(),
    };
    if hunted.is_whole() {
        keep(lake, rule, &made).await?;
        journal.lock().unwrap_or_else(PoisonError::into_inner).keep(vec![Entry::Done(count)])?;
    }
    Ok(Some((hunted, made)))
}

/// Adds alerts to the lake that it does not have: a hunt that was cut off finds the same again, with the same ids.
async fn keep(lake: &Lake, rule: &Rule, made: &[Alert]) -> Result<()> {
    let ids: Vec<String> = made.iter().map(|alert| alert.id.to_string()).collect();
    let known = known(lake, &ids).await?;
    let fresh = made.iter().filter(|alert| !known.contains(&alert.id.to_string()));
    let rows: Vec<_> = fresh.map(|alert| alert_json(rule, alert)).collect();
    for call in calls(&rows) {
        append(lake, ALERTS, &call, Append::default()).await?;
    }
    Ok(())
}

pub(super) async fn run(arguments: &IntelHuntArguments, system: &dyn System) -> Result<Ending> {
    let lake = Arc::new(lake(&arguments.folder.lake, false, system).await?);
    let hunted = all(&lake, arguments, system).await;
    if let Some(lake) = Arc::into_inner(lake) {
        lake.close().await?;
    }
    hunted
}

async fn all(lake: &Arc<Lake>, arguments: &IntelHuntArguments, system: &dyn System) -> Result<Ending> {
    let now = system.now();
    let seconds = i64::try_from(arguments.window.as_secs()).unwrap_or(i64::MAX);
    let options = Options { window: seconds.saturating_mul(Ticks::PER_SECOND), batch: arguments.batch };
    let live = Live::open(Arc::clone(lake), Never::built_in().clone(), 0).await?;
    // Where events are matched as they come, the past ends where that is.
    let until = if live.has_begun() { live.reached(now) } else { now };
    let engine = lake.engine(Settings { now: Some(now), ..Settings::default() });
    let found = held(&engine, &Asked::default()).await.map_err(|error| anyhow!("{error}"))?;
    let arrived: Vec<(Held, bool)> = found.into_iter().map(|held| (held, live.has_begun())).collect();
    let journal = journal(lake)?;
    let queued = queue(&journal, &arrived, until, &options)?;
    drop(live);
    let rule = rule(RETRO).context("the rule of hunts is not in this program")?;
    let (mut made, mut done, mut failed) = (Vec::new(), 0_usize, 0_usize);
    let bar = Bar::new(arguments.output.quiet);
    while let Some((hunted, alerts)) = next(lake, &journal, &options, Never::built_in()).await? {
        for (table, error) in &hunted.failed {
            complain(&inert_lines(&format!("error: {table} cannot be read: {error}")));
        }
        failed = hunted.failed.len();
        if failed > 0 {
            break;
        }
        done += hunted.hunts.len();
        bar.rows("hunting indicators", u64::try_from(done).unwrap_or_default(), 0);
        made.extend(alerts.into_iter().map(|alert| (rule, alert)));
    }
    bar.finish();
    show(&made, format(&arguments.output), system)?;
    if !arguments.output.quiet {
        let known = arrived.len().saturating_sub(queued);
        let raised = made.len();
        complain(&format!(
            "{done} indicators were hunted and raised {raised} alerts; {known} were hunted before, or cannot be"
        ));
    }
    Ok(if failed > 0 { Ending::Findings } else { Ending::Fine })
}
