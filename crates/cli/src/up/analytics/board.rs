//! How rules run, for whoever shows it, and what whoever shows it wants of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use castellan_base::Ticks;
use castellan_detect::check::Schemas;
use castellan_detect::content::BUILT_IN;
use castellan_detect::rule::Rule;
use castellan_detect::schedule::{Ran, State};
use castellan_detect::stream::{How, Streams};

use crate::detect::Read;

/// What is shown of the rules that run.
#[derive(Debug, Default)]
pub(in crate::up) struct Board {
    shown: Mutex<Shown>,
    is_stale: AtomicBool,
}

#[derive(Debug, Default)]
struct Shown {
    rules: Vec<Arc<Line>>,
    /// What rules are checked against, without the tables of the lake.
    schemas: Schemas,
    ran: BTreeMap<Arc<str>, Progress>,
    /// What somebody else raised by these rules.
    recalled: Vec<(Arc<str>, State)>,
    /// Rules that wait until somebody else has looked at what is there.
    resting: BTreeSet<Arc<str>>,
}

/// A rule, where it stands, and how it is told of events.
#[derive(Debug)]
pub(in crate::up) struct Line {
    pub(in crate::up) rule: Rule,
    /// `built in`, or its file.
    pub(in crate::up) source: String,
    /// Nothing until it has begun.
    pub(in crate::up) how: Option<How>,
}

/// How a rule runs.
#[derive(Clone, Debug, Default)]
pub(in crate::up) struct Progress {
    /// When it looked last.
    pub(in crate::up) last: Option<Ticks>,
    /// What it has looked at ends here.
    pub(in crate::up) until: Option<Ticks>,
    /// Alerts since the start.
    pub(in crate::up) alerts: u64,
    /// Why its last run failed.
    pub(in crate::up) failure: Option<String>,
}

impl Board {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rules that run from now on.
    pub(super) fn has(&self, read: &Read) {
        let Read { rules, schemas, sources, .. } = read;
        let line = |rule: &Rule| {
            let file = sources.locate(rule.span).map(|place| place.file.to_string()).unwrap_or_default();
            let source =
                if file.starts_with(BUILT_IN) { BUILT_IN.trim_end_matches('/').to_owned() } else { file };
            Arc::new(Line { rule: rule.clone(), source, how: None })
        };
        let mut shown = self.shown();
        (shown.rules, shown.schemas) = (rules.iter().map(line).collect(), schemas.clone());
    }

    /// What a rule is checked against, without the tables of the lake: the catalog, and functions of one's own.
    pub(in crate::up) fn schemas(&self) -> Schemas {
        self.shown().schemas.clone()
    }

    /// How they are told of events.
    pub(super) fn told(&self, streams: &Streams) {
        let mut shown = self.shown();
        for (at, line) in shown.rules.iter_mut().enumerate() {
            let (rule, source) = (line.rule.clone(), line.source.clone());
            *line = Arc::new(Line { rule, source, how: streams.how(at).cloned() });
        }
    }

    /// What a run came to.
    pub(super) fn ran(&self, rule: &Rule, ran: &Ran, now: Ticks) {
        let mut shown = self.shown();
        let progress = shown.ran.entry(Arc::clone(&rule.id)).or_default();
        progress.last = Some(now);
        progress.until = ran.windows.last().map(|looked| looked.window.until).or(progress.until);
        progress.alerts += ran.alerts.len() as u64;
        progress.failure = ran.failure.as_ref().map(ToString::to_string);
    }

    /// All rules, and how each runs.
    pub(in crate::up) fn list(&self) -> Vec<(Arc<Line>, Progress)> {
        let shown = self.shown();
        let of =
            |line: &Arc<Line>| (Arc::clone(line), shown.ran.get(&line.rule.id).cloned().unwrap_or_default());
        shown.rules.iter().map(of).collect()
    }

    /// Has rules know what was raised by them elsewhere, so that they do not raise it again.
    pub(in crate::up) fn recall(&self, states: Vec<(Arc<str>, State)>) {
        self.shown().recalled.extend(states);
    }

    /// That, once.
    pub(super) fn recalled(&self) -> Vec<(Arc<str>, State)> {
        std::mem::take(&mut self.shown().recalled)
    }

    /// Has rules wait, until they are told of others that wait.
    pub(in crate::up) fn rest(&self, rules: BTreeSet<Arc<str>>) {
        self.shown().resting = rules;
    }

    /// Whether a rule waits: it was told to, or does not know yet what was raised elsewhere.
    pub(super) fn is_resting(&self, rule: &str) -> bool {
        let shown = self.shown();
        shown.resting.contains(rule) || shown.recalled.iter().any(|(known, _)| **known == *rule)
    }

    /// Has rules read again.
    pub(in crate::up) fn changed(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// Whether they have to be; asked once a change.
    pub(super) fn is_changed(&self) -> bool {
        self.is_stale.swap(false, Ordering::AcqRel)
    }
}
