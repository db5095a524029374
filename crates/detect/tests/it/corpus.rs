//! The analytics rules of Microsoft Sentinel: each is read, checked, and run over small tables whose values are partly
//! those that it looks for. Those that cannot be are listed one by one in `tests/data/exceptions.txt`.

#[path = "../../../query/tests/it/rules/rows.rs"]
mod rows;
#[path = "../../../query/tests/it/rules/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use async_trait::async_trait;
use castellan_base::{OsSystem, Sources, Ticks};
use castellan_detect::check::{Schemas, Verdict, check};
use castellan_detect::coverage::coverage;
use castellan_detect::rule::Rule;
use castellan_detect::rule::read::read_folder;
use castellan_detect::run::{Events, Window, alert_columns, alert_row, alerts, evaluate};
use castellan_query::{Engine, Error};

use world::World;

/// Tables that were made for a rule.
struct Generated(World);

#[async_trait]
impl Events for Generated {
    async fn engine(&self, _now: Ticks) -> Result<Engine, Error> {
        Ok(self.0.engine(1))
    }
}

const EXCEPTIONS: &str = include_str!("../data/exceptions.txt");

/// Rules that cannot be run here, with the reason.
fn exceptions() -> BTreeMap<&'static str, &'static str> {
    EXCEPTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .collect()
}

/// What came of rules.
#[derive(Default)]
struct Counts {
    ran: usize,
    triggered: usize,
    alerts: usize,
    with_entities: usize,
    wrong: Vec<String>,
}

impl Counts {
    async fn take(&mut self, name: &str, rule: &Rule) -> Result<(), String> {
        let world = World::of(name, &rule.query.text)?;
        let now = Ticks::new(world::now()).unwrap();
        // The rows are of three weeks: a longer time has more rules find something.
        let window = Window { from: Some("2026-10-31".parse().unwrap()), ..Window::of(rule, now) };
        let evaluation =
            evaluate(rule, &Generated(world), window).await.map_err(|error| error.to_string())?;
        self.ran += 1;
        if !evaluation.is_triggered {
            return Ok(());
        }
        self.triggered += 1;
        let made = alerts(rule, &evaluation, None);
        let stands_for: u64 = made.iter().map(|alert| alert.results).sum();
        if stands_for != evaluation.results.count() {
            self.wrong.push(format!("{name}: {stands_for} of {} results", evaluation.results.count()));
        }
        let ids: BTreeSet<_> = made.iter().map(|alert| alert.id).collect();
        if ids.len() != made.len() {
            self.wrong.push(format!("{name}: {} ids of {} alerts", ids.len(), made.len()));
        }
        for alert in &made {
            let row = alert_row(rule, alert);
            assert_eq!(row.len(), alert_columns().len());
            self.alerts += 1;
            self.with_entities += usize::from(!alert.entities.list().is_empty());
            if alert.start > alert.end {
                self.wrong.push(format!("{name}: {} is after {}", alert.start, alert.end));
            }
        }
        Ok(())
    }
}

/// Rules and the names of their files.
fn rules(folder: &Path) -> Vec<(String, Rule)> {
    let mut sources = Sources::default();
    let loaded = read_folder(folder, &OsSystem, &mut sources);
    let name = |rule: &Rule| {
        let path = sources.path(rule.span.source).unwrap();
        Path::new(&*path).file_stem().unwrap().to_string_lossy().into_owned()
    };
    loaded.rules.into_iter().map(|rule| (name(&rule), rule)).collect()
}

/// Runs some rules on this thread.
fn run_all<'r>(rules: impl Iterator<Item = &'r (String, Rule)>) -> Counts {
    let exceptions = exceptions();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut counts = Counts::default();
    for (name, rule) in rules {
        let is_listed = exceptions.contains_key(name.as_str());
        match runtime.block_on(counts.take(name, rule)) {
            Ok(()) if is_listed => counts.wrong.push(format!("{name} runs now")),
            Err(reason) if !is_listed => counts.wrong.push(format!("{name}: {reason}")),
            _ => {}
        }
    }
    counts
}

#[test]
fn every_rule_runs() {
    let Some(folder) = crate::corpus("sentinel/rules") else { return };
    let begun = Instant::now();
    let only = std::env::var("CASTELLAN_RULE").unwrap_or_default();
    let all: Vec<(String, Rule)> =
        rules(&folder).into_iter().filter(|(name, _)| name.contains(&only)).collect();
    let mut counts = Counts::default();
    let half = |first: usize| run_all(all.iter().skip(first).step_by(2));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        for part in [half(0), other.join().unwrap()] {
            counts.ran += part.ran;
            counts.triggered += part.triggered;
            counts.alerts += part.alerts;
            counts.with_entities += part.with_entities;
            counts.wrong.extend(part.wrong);
        }
    });
    let (files, listed) = (std::fs::read_dir(&folder).unwrap().count(), exceptions().len());
    eprintln!(
        "{} of {files} rules run, {} raise {} alerts, {} of them with entities; {listed} are listed; {:.1} s",
        counts.ran,
        counts.triggered,
        counts.alerts,
        counts.with_entities,
        begun.elapsed().as_secs_f64()
    );
    assert!(counts.wrong.is_empty(), "{}: {:#?}", counts.wrong.len(), counts.wrong);
    if only.is_empty() {
        assert_eq!(counts.ran + listed, files, "each file runs or is listed");
        assert!(counts.ran * 100 >= files * 95, "{} of {files}", counts.ran);
        assert!(counts.triggered >= 300 && counts.with_entities * 2 >= counts.alerts);
    }
}

#[test]
fn every_rule_is_checked() {
    let Some(folder) = crate::corpus("sentinel/rules") else { return };
    let mut sources = Sources::default();
    let loaded = read_folder(&folder, &OsSystem, &mut sources);
    let schemas = Schemas::default();
    let begun = Instant::now();
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for rule in &loaded.rules {
        let checked = check(rule, &schemas, &sources);
        *verdicts.entry(checked.verdict).or_default() += 1;
        let is_sound = checked.verdict == Verdict::Sound;
        if std::env::var("CASTELLAN_SHOW").is_ok() && !is_sound {
            for found in &checked.diagnostics {
                let place = sources.locate(found.span).map(|place| place.to_string()).unwrap_or_default();
                eprintln!("{:?} {place} {} ({})", checked.verdict, found.message, found.help);
            }
        }
        for found in &checked.diagnostics {
            assert!(sources.locate(found.span).is_some(), "{}: {}", rule.name, found.message);
        }
    }
    eprintln!("{verdicts:?} in {:.1} s", begun.elapsed().as_secs_f64());
    let count = |verdict| verdicts.get(&verdict).copied().unwrap_or_default();
    assert!(count(Verdict::Broken) + count(Verdict::Wrong) < 60, "{verdicts:?}");
    let covered = coverage(&loaded.rules);
    assert_eq!(covered.rules, loaded.rules.len());
    assert!(covered.tactics.iter().filter(|tactic| tactic.rules > 0).count() >= 12);
}
