//! `castellan detect run` and `castellan detect backtest`: rules over the events of a lake.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_detect::backtest::{Backtest, Backtested, backtest as over};
use castellan_detect::rule::Rule;
use castellan_detect::run::{Alert, once as evaluated};
use castellan_incident::desk::{append, known};
use castellan_incident::rows::{ALERTS, alert_json, calls};
use castellan_lake::{Append, Lake, Options};
use serde_json::{Value, json};

use super::events::Workspace;
use super::{Read, ending, format, open, print, print_lines};
use crate::Ending;
use crate::arguments::{BacktestArguments, DetectFormat, EventsArguments, RunArguments};
use crate::lake::tell_damages;
use crate::output::{complain, inert_lines, to_stdout, width};
use crate::tables::plain;

/// Opens the lake of a command; for reading alone where nothing is kept.
async fn workspace(
    arguments: &EventsArguments,
    read: &mut Read,
    is_for_reading: bool,
    system: &dyn System,
) -> Result<Workspace> {
    let options = Options { upkeep: false, ..Options::default() };
    let lake = if is_for_reading {
        Lake::open_for_reading(&arguments.lake, options).await?
    } else {
        if !system.is_dir(&arguments.lake) {
            bail!("there is no lake `{}`; `castellan ingest` makes one", arguments.lake.display());
        }
        let opened = Lake::open(&arguments.lake, options).await;
        opened.context("alerts cannot be kept; --dry-run reads a lake that another process has open")?
    };
    tell_damages(&lake);
    let functions = std::mem::take(&mut read.functions);
    Workspace::open(Arc::new(lake), arguments.watchlists.as_deref(), functions, system)
}

pub(super) async fn once(arguments: &RunArguments, system: &dyn System) -> Result<Ending> {
    let Some(mut read) = open(&arguments.rules, system)? else { return Ok(Ending::BadInput) };
    read.tell(arguments.rules.quiet);
    let workspace = workspace(&arguments.events, &mut read, arguments.dry_run, system).await?;
    let now = arguments.at.unwrap_or_else(|| system.now());
    let (mut made, mut failures) = (Vec::new(), 0);
    for rule in read.rules.iter().filter(|rule| rule.enabled) {
        match evaluated(rule, &workspace, now).await {
            Ok((_, alerts)) => made.extend(alerts.into_iter().map(|alert| (rule, alert))),
            Err(failure) => {
                failures += 1;
                complain(&inert_lines(&format!("error: {failure}")));
            }
        }
    }
    show(&made, format(&arguments.rules), system)?;
    if !arguments.rules.quiet {
        let off = read.rules.iter().filter(|rule| !rule.enabled).count();
        let ran = read.rules.len() - off - failures;
        let count = made.len();
        complain(&format!(
            "{ran} rules ran and raised {count} alerts; {failures} could not be run, {off} are turned off"
        ));
    }
    if !arguments.dry_run {
        keep(&workspace, &made, arguments.rules.quiet).await?;
    }
    if let Some(lake) = workspace.into_lake() {
        lake.close().await?;
    }
    Ok(ending(failures > 0 || read.has_errors()))
}

/// Adds alerts to the lake that it does not have.
async fn keep(workspace: &Workspace, made: &[(&Rule, Alert)], quiet: bool) -> Result<()> {
    let ids: Vec<String> = made.iter().map(|(_, alert)| alert.id.to_string()).collect();
    let known = known(workspace.lake(), &ids).await?;
    let fresh = made.iter().filter(|(_, alert)| !known.contains(&alert.id.to_string()));
    let rows: Vec<Value> = fresh.map(|(rule, alert)| alert_json(rule, alert)).collect();
    for call in calls(&rows) {
        append(workspace.lake(), ALERTS, &call, Append::default()).await?;
    }
    if !quiet {
        let there = made.len() - rows.len();
        complain(&format!("{} alerts are kept in {ALERTS}; {there} were there already", rows.len()));
    }
    Ok(())
}

pub(crate) fn show(made: &[(&Rule, Alert)], format: DetectFormat, system: &dyn System) -> Result<()> {
    let rows = || made.iter().map(|(rule, alert)| alert_json(rule, alert)).collect::<Vec<_>>();
    match format {
        DetectFormat::Json => print(&Value::Array(rows())),
        DetectFormat::Jsonl => print_lines(&rows()),
        DetectFormat::Table if made.is_empty() => Ok(()),
        DetectFormat::Table => {
            let rows = made.iter().map(|(_, alert)| line(alert));
            let header = ["severity", "alert", "about", "results", "from", "until"];
            to_stdout(plain(&header, rows, width(system)).as_bytes())
        }
    }
}

/// Entities that a line of a table names.
const NAMED: usize = 3;

fn line(alert: &Alert) -> Vec<String> {
    let list = alert.entities.list();
    let mut about: Vec<String> = list.iter().take(NAMED).map(|entity| entity.label()).collect();
    if list.len() > NAMED {
        about.push(format!("and {} more", list.len() - NAMED));
    }
    vec![
        alert.severity.to_string(),
        inert_lines(&alert.name),
        inert_lines(&about.join(", ")),
        alert.results.to_string(),
        alert.start.to_string(),
        alert.end.to_string(),
    ]
}

pub(super) async fn backtest(arguments: &BacktestArguments, system: &dyn System) -> Result<Ending> {
    if arguments.from > arguments.to {
        bail!("--from is later than --to");
    }
    let Some(mut read) = open(&arguments.rules, system)? else { return Ok(Ending::BadInput) };
    read.tell(arguments.rules.quiet);
    let workspace = workspace(&arguments.events, &mut read, true, system).await?;
    let asked = Backtest::new(arguments.from, arguments.to);
    let mut made = Vec::new();
    for rule in &read.rules {
        made.push((rule, over(rule, &workspace, &asked).await));
    }
    match format(&arguments.rules) {
        DetectFormat::Table => {
            let rows = made.iter().map(|(rule, tested)| tested_line(rule, tested));
            let header = ["rule", "alerts", "results", "windows", "rows read", "seconds", "slowest"];
            to_stdout(plain(&header, rows, width(system)).as_bytes())?;
        }
        DetectFormat::Json => {
            print(&made.iter().map(|(rule, tested)| tested_json(rule, tested)).collect())?;
        }
        DetectFormat::Jsonl => {
            print_lines(&made.iter().map(|(rule, tested)| tested_json(rule, tested)).collect::<Vec<_>>())?;
        }
    }
    let mut is_wrong = read.has_errors();
    for (rule, tested) in &made {
        if let Some(failure) = &tested.failure {
            is_wrong = true;
            complain(&inert_lines(&format!("error: {failure}")));
        }
        let left_out = [
            (tested.skipped, "windows were missed and are too many to make up for"),
            (tested.late_left, "windows that events came late for are too many to look at again"),
            (tested.given_up, "windows could not be looked at"),
            (tested.forgotten, "results were forgotten: they may have raised alerts once more"),
        ];
        for (count, words) in left_out.into_iter().filter(|(count, _)| *count > 0) {
            is_wrong = true;
            complain(&inert_lines(&format!("error: `{}`: {count} {words}", rule.name)));
        }
        if tested.left > 0 {
            is_wrong = true;
            let message = format!(
                "error: `{}` runs too often for so long a time: {} runs were left out; ask for a shorter time",
                rule.name, tested.left
            );
            complain(&inert_lines(&message));
        }
    }
    Ok(ending(is_wrong))
}

fn tested_line(rule: &Rule, tested: &Backtested) -> Vec<String> {
    vec![
        inert_lines(&rule.name),
        tested.alerts.len().to_string(),
        tested.results.to_string(),
        tested.windows.to_string(),
        tested.scanned.to_string(),
        format!("{:.2}", tested.seconds),
        format!("{:.2}", tested.slowest),
    ]
}

fn tested_json(rule: &Rule, tested: &Backtested) -> Value {
    json!({
        "rule": &*rule.id,
        "ruleName": &*rule.name,
        "windows": tested.windows,
        "windowsAgain": tested.again,
        "windowsSuppressed": tested.suppressed,
        "windowsSkipped": tested.skipped,
        "windowsGivenUp": tested.given_up,
        "windowsLateLeft": tested.late_left,
        "resultsForgotten": tested.forgotten,
        "runsLeftOut": tested.left,
        "results": tested.results,
        "resultsRepeated": tested.repeated,
        "rowsRead": tested.scanned,
        "seconds": tested.seconds,
        "slowest": tested.slowest,
        "failure": tested.failure.as_ref().map(ToString::to_string),
        "alerts": tested.alerts.iter().map(|alert| alert_json(rule, alert)).collect::<Vec<_>>(),
    })
}
