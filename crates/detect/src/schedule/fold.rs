//! Results that an earlier run raised.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;

use super::state::{Raised, State};
use crate::rule::{Kind, Rule};
use crate::run::{Alert, Evaluation, Identity, identity};

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

/// Takes results that are new apart from those that are not. A rule in near real time gives none twice.
pub(super) fn fold(rule: &Rule, state: &State, evaluation: &Evaluation) -> Folded {
    let mut folded = Folded { fresh: None, is_new: true, repeated: Vec::new(), counts: BTreeMap::new() };
    if rule.kind == Kind::NearRealTime {
        return folded;
    }
    let mut fresh = BTreeSet::new();
    let mut again: BTreeMap<Option<String>, u64> = BTreeMap::new();
    // Batches that an evaluation gave have its columns.
    let _ = evaluation.results.each(|number, values| {
        let id = identity(&values, evaluation.keys.as_deref());
        let known = known(state, &id, evaluation);
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
        match known(state, &id, evaluation) {
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

/// What an overlapping window raised; the most where there are several.
fn known<'s>(state: &'s State, id: &str, evaluation: &Evaluation) -> Option<&'s Raised> {
    let (from, until) = bounds(evaluation);
    let overlaps = |raised: &&Raised| from < raised.until && raised.from < until;
    state.raised.get(id)?.iter().filter(overlaps).max_by_key(|raised| raised.count)
}

fn bounds(evaluation: &Evaluation) -> (i64, i64) {
    let window = &evaluation.window;
    (window.from.map_or(i64::MIN, Ticks::get), window.until.get())
}

/// Remembers what raised alerts.
pub(super) fn remember(
    rule: &Rule,
    state: &mut State,
    evaluation: &Evaluation,
    folded: &Folded,
    alerts: &[Alert],
) {
    if rule.kind == Kind::NearRealTime {
        return;
    }
    let mut of: BTreeMap<&str, String> = BTreeMap::new();
    for alert in alerts {
        of.extend(alert.identities.iter().map(|identity| (identity.as_str(), alert.id.to_string())));
    }
    // Of a single alert, all results are its own, those too whose identities it does not keep.
    let only = if let [alert] = alerts { Some(alert.id.to_string()) } else { None };
    let (from, until) = bounds(evaluation);
    for (identity, count) in &folded.counts {
        let is_counted = known(state, identity, evaluation).is_some_and(|raised| raised.count >= *count);
        if is_counted {
            continue;
        }
        let alert = of.get(identity.as_str()).or(only.as_ref()).cloned();
        let own = state.raised.entry(identity.clone()).or_default();
        own.push(Raised { from, until, count: *count, alert });
    }
}
