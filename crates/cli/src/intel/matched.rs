//! `castellan intel match`: events of a lake or of files against indicators.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use castellan_base::{System, Ticks};
use castellan_detect::rule::Rule;
use castellan_detect::run::Alert;
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::import::file;
use castellan_intel::look::{Looked, Window, look};
use castellan_intel::matching::{Index, LIVE, Never, Places, alerts, rule};
use castellan_lake::Lake;
use castellan_query::{Engine, Progress, Settings};
use castellan_stix::list::Made;

use super::hunt::{journal, queue};
use super::import::files;
use super::live::{Live, holding};
use super::{format, lake, lake_for_reading, warn};
use crate::Ending;
use crate::arguments::{IntelMatchArguments, IntelOutput};
use crate::detect::run::show;
use crate::output::{complain, inert_lines};
use crate::query::known_columns;

pub(super) async fn run(arguments: &IntelMatchArguments, system: &dyn System) -> Result<Ending> {
    let rule = rule(LIVE).context("the rule of matches is not in this program")?;
    match &arguments.lake {
        Some(folder)
            if arguments.from.is_none() && arguments.to.is_none() && arguments.indicators.is_empty() =>
        {
            let lake = Arc::new(lake(folder, false, system).await?);
            let ending = since(&lake, arguments, rule, system).await;
            if let Some(lake) = Arc::into_inner(lake) {
                lake.close().await?;
            }
            ending
        }
        Some(folder) => {
            let lake = lake_for_reading(folder).await?;
            over(Some(&lake), arguments, rule, system).await
        }
        None => over(None, arguments, rule, system).await,
    }
}

/// What came in since the last match; alerts are kept.
async fn since(
    lake: &Arc<Lake>,
    arguments: &IntelMatchArguments,
    rule: &Rule,
    system: &dyn System,
) -> Result<Ending> {
    let mut live =
        Live::open(Arc::clone(lake), Never::built_in().clone(), arguments.minimum_confidence).await?;
    let (mut made, mut rows, mut failed) = (Vec::new(), 0, false);
    if !live.has_begun() && !arguments.output.quiet {
        complain(
            "this is the first match: it begins now; `castellan intel hunt` looks through what was before",
        );
    }
    loop {
        let until = live.reached(system.now());
        let turn = live.turn(system.now()).await?;
        // What arrived is hunted up to where matching takes over, whenever that is asked for.
        queue(&journal(lake)?, &turn.arrived, until, &castellan_intel::retro::Options::default())?;
        turn.refused.iter().for_each(|line| warn(line, &arguments.output));
        for (table, error) in &turn.failed {
            failed = true;
            complain(&inert_lines(&format!("error: {table} cannot be read: {error}")));
        }
        rows += turn.rows;
        made.extend(turn.alerts.into_iter().map(|alert| (rule, alert)));
        if !turn.has_more {
            break;
        }
    }
    tell(&made, live.indicators(), rows, &arguments.output);
    show(&made, format(&arguments.output), system)?;
    Ok(if failed { Ending::Findings } else { Ending::Fine })
}

fn tell(made: &[(&Rule, Alert)], indicators: usize, rows: u64, output: &IntelOutput) {
    if !output.quiet {
        let raised = made.len();
        complain(&format!(
            "{rows} rows were matched against {indicators} indicators and raised {raised} alerts"
        ));
    }
}

/// A time that is named, or files; nothing is kept.
async fn over(
    lake: Option<&Lake>,
    arguments: &IntelMatchArguments,
    rule: &Rule,
    system: &dyn System,
) -> Result<Ending> {
    let now = system.now();
    let to = arguments.to.unwrap_or(now);
    // Of files all is meant, of a lake a day.
    let first =
        if lake.is_some() { to.checked_add(-Ticks::PER_DAY).unwrap_or(Ticks::MIN) } else { Ticks::MIN };
    let window = Window::happened(arguments.from.unwrap_or(first), to);
    let settings = Settings { now: Some(now), ..Settings::default() };
    let (engine, tables) = match lake {
        Some(lake) => (lake.engine(settings), Some(holding(lake))),
        None => (of_files(&arguments.tables, settings).await?, None),
    };
    let indicators = match (lake, arguments.indicators.as_slice()) {
        (Some(_), []) => held(&engine, &Asked::default()).await.map_err(|error| anyhow!("{error}"))?,
        (_, paths) => read(paths, &arguments.output, system)?,
    };
    let mut index = Index::default();
    for held in &indicators {
        if held.confidence.is_some_and(|confidence| confidence < arguments.minimum_confidence) {
            continue;
        }
        let added = index.add(&held.sign(), Never::built_in())?;
        for (value, why) in added.never {
            warn(&format!("{} of {} is never matched: {why}", value.value, held.id), &arguments.output);
        }
    }
    let looked = looked(&index, &engine, tables.as_ref(), &window).await?;
    for (table, error) in &looked.failed {
        complain(&inert_lines(&format!("error: {table} cannot be read: {error}")));
    }
    let made: Vec<_> =
        alerts(rule, &looked.run, window.from, window.until).into_iter().map(|alert| (rule, alert)).collect();
    let rows = looked.tables.iter().map(|(_, searched)| searched.rows).sum();
    tell(&made, index.indicators(), rows, &arguments.output);
    show(&made, format(&arguments.output), system)?;
    Ok(if looked.failed.is_empty() { Ending::Fine } else { Ending::Findings })
}

async fn looked(
    index: &Index,
    engine: &Engine,
    tables: Option<&BTreeSet<Arc<str>>>,
    window: &Window,
) -> Result<Looked> {
    let looked = look(index, Places::built_in(), engine, tables, window, &mut |_, _| true).await;
    looked.map_err(|error| anyhow!("{error}"))
}

async fn of_files(tables: &[(String, PathBuf)], settings: Settings) -> Result<Engine> {
    let mut engine = Engine::new(settings);
    for (name, path) in tables {
        if Places::built_in().of(name).is_empty() {
            complain(&format!(
                "warning: of `{name}` no columns are known that hold what indicators name; docs/intel.md"
            ));
        }
        let added = engine.add_path(name, path, &known_columns(name), &Progress::default()).await;
        added.map_err(|error| anyhow!("{error}"))?;
    }
    Ok(engine)
}

/// The indicators of files.
fn read(paths: &[PathBuf], output: &IntelOutput, system: &dyn System) -> Result<Vec<Held>> {
    // Values of lists count whenever events happened.
    let made = Made { source: "file".to_owned(), at: Ticks::MIN, until: None, confidence: None, tlp: None };
    let mut found = Vec::new();
    for path in files(paths, system)? {
        let imported = file(&path, &made, system)?;
        imported.outcome.told.iter().for_each(|line| warn(line, output));
        found.extend(imported.objects.iter().filter_map(|object| Held::of_object(object).ok()));
    }
    found.retain(|held| held.is_active);
    Ok(found)
}
