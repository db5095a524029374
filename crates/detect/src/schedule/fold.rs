//! Results that an earlier run raised.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;

use super::state::{Raised, State};
use crate::run::{Alert, Evaluation, Identity, Window, identity};

/// Results that an alert of an earlier run stands for already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The id of the alert, where it is known.
    pub alert: Option<String>,
    /// How many results.
    pub results: u64,
    /// When they were found again: the end of the window.
    pub seen: Ticks,
}

/// The results of a run, apart.
pub(super) struct Folded {
    /// The numbers of the results that are new; all where there is no such list.
    pub(super) fresh: Option<BTreeSet<u64>>,
    /// Whether there is anything new.
    pub(super) is_new: bool,
    pub(super) repeated: Vec<Repeated>,
    /// How many results of each identity there are.
    counts: BTreeMap<Identity, u64>,
}

/// Takes results that are new apart from those that windows gave which overlap with a time.
pub(super) fn fold(state: &State, evaluation: &Evaluation, span: Span) -> Folded {
    let mut folded = Folded { fresh: None, is_new: true, repeated: Vec::new(), counts: BTreeMap::new() };
    let mut fresh = BTreeSet::new();
    let mut again: BTreeMap<Option<String>, u64> = BTreeMap::new();
    // Batches that an evaluation gave have its columns.
    let _ = evaluation.results.each(|number, values| {
        let id = identity(&values, evaluation.keys.as_deref());
        let known = known(state, &id, span);
        let count = folded.counts.entry(id).or_default();
        *count += 1;
        match known {
            Some(raised) if *count <= raised.count => *again.entry(raised.alert.clone()).or_default() += 1,
            _ => {
                fresh.insert(number);
            }
        }
    });
    if evaluation.results.count() == 0 {
        // That nothing is there is one result, which overlapping windows give again.
        let id = nothing();
        match known(state, &id, span) {
            Some(raised) => *again.entry(raised.alert.clone()).or_default() += 1,
            None => {
                fresh.insert(0);
            }
        }
        folded.counts.insert(id, 1);
    }
    let seen = evaluation.window.until;
    folded.repeated = again.into_iter().map(|(alert, results)| Repeated { alert, results, seen }).collect();
    folded.is_new = !fresh.is_empty();
    folded.fresh = Some(fresh);
    folded
}

/// What makes it the same that there is no result.
fn nothing() -> Identity {
    identity(&[], None)
}

/// The time that results are of, in ticks: from, and until. What overlaps with it may give the same results again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Span {
    /// Of a window: when events happened, or when they were taken in.
    pub(super) fn of(window: &Window) -> Span {
        let from = window.from.or(window.received_from);
        Span { from: from.map_or(i64::MIN, Ticks::get), until: window.until.get() }
    }
}

/// What an overlapping window raised; the most where there are several.
fn known<'s>(state: &'s State, id: &str, span: Span) -> Option<&'s Raised> {
    let overlaps = |raised: &&Raised| span.from < raised.until && raised.from < span.until;
    state.raised.get(id)?.iter().filter(overlaps).max_by_key(|raised| raised.count)
}

/// Remembers what raised alerts.
pub(super) fn remember(state: &mut State, span: Span, folded: &Folded, alerts: &[Alert]) {
    let mut of: BTreeMap<&str, String> = BTreeMap::new();
    for alert in alerts {
        of.extend(alert.identities.iter().map(|identity| (identity.as_str(), alert.id.to_string())));
    }
    // Of a single alert, all results are its own, those too whose identities it does not keep.
    let only = if let [alert] = alerts { Some(alert.id.to_string()) } else { None };
    for (identity, count) in &folded.counts {
        let is_counted = known(state, identity, span).is_some_and(|raised| raised.count >= *count);
        if is_counted {
            continue;
        }
        let alert = of.get(identity.as_str()).or(only.as_ref()).cloned();
        let own = state.raised.entry(identity.clone()).or_default();
        own.push(Raised { from: span.from, until: span.until, count: *count, alert });
    }
}
