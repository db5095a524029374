//! How a workload stands to a control.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::{ResourceId, Verdict};
use serde_json::Value;

use super::control::EXAMPLE;
use super::gate::gate;
use super::source::{Kind, OfCheck, Said, Says, Source, checks, received, relations, watched};
use super::{Control, Example, Facts, State, Workload};

/// What was decided of a workload and a control.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// How it stands.
    pub state: State,
    /// Why, in a sentence or two.
    pub reason: String,
    /// What was looked at: `[{source, name, says, resource?, location?}]`.
    pub evidence: Vec<Value>,
    /// What to do; empty where nothing is to be done.
    pub next: String,
    /// KQL that shows it.
    pub query: String,
}

/// How a workload stands to a control; nothing where the control has nothing to say about it.
pub(super) fn decide(control: &Control, workload: &Workload, said: &Said, facts: &Facts) -> Option<Decided> {
    if !control.applies.contains(&workload.kind) {
        return None;
    }
    let sources: Vec<Source> = [
        checks(control, said),
        relations(control, workload),
        gate(control, workload, facts),
        watched(control, facts),
        received(control, facts),
    ]
    .into_iter()
    .flatten()
    .collect();
    if sources.is_empty() {
        return None;
    }
    let state = if control.any { any(control, &sources) } else { all(&sources) };
    Some(Decided {
        state,
        reason: sources.iter().map(|source| source.reason.as_str()).collect::<Vec<_>>().join(" "),
        next: next(control, state, &sources),
        query: query(&sources),
        evidence: sources.into_iter().flat_map(|source| source.evidence).collect(),
    })
}

/// One of the sources is enough.
fn any(control: &Control, sources: &[Source]) -> State {
    let has = |says: Says| sources.iter().any(|source| source.says == says);
    let of = |what: Kind| sources.iter().find(|source| source.what == what).map(|source| source.says);
    match (of(Kind::Checks), of(Kind::Gate)) {
        // Whoever reaches the model past the gate is not held up; whoever comes through it is told, and passes.
        (Some(Says::Not), Some(Says::Protects)) | (Some(Says::Protects), Some(Says::Tells)) => {
            return State::Contradiction;
        }
        (Some(Says::Protects), Some(Says::Protects)) if control.overlaps => return State::Overlap,
        _ => {}
    }
    if has(Says::Protects) {
        let is_doubled = sources.iter().any(|source| source.doubled.is_some());
        return if control.overlaps && is_doubled { State::Overlap } else { State::Covered };
    }
    if has(Says::Partly) || has(Says::Tells) {
        return State::Partial;
    }
    if has(Says::Not) && (!has(Says::Unknown) || of(Kind::Checks) == Some(Says::Not)) {
        return State::Gap;
    }
    State::Unknown
}

/// All of the sources are needed.
fn all(sources: &[Source]) -> State {
    let count = |says: Says| sources.iter().filter(|source| source.says == says).count();
    if count(Says::Protects) == sources.len() {
        return State::Covered;
    }
    if count(Says::Not) > 0 {
        return if count(Says::Not) == sources.len() { State::Gap } else { State::Partial };
    }
    if count(Says::Unknown) > 0 { State::Unknown } else { State::Partial }
}

fn next(control: &Control, state: State, sources: &[Source]) -> String {
    let own = || control.next.to_string();
    match state {
        State::Covered => String::new(),
        State::Contradiction => control.contradiction.as_deref().map_or_else(own, str::to_owned),
        State::Overlap => control.overlap.as_deref().map_or_else(own, str::to_owned),
        State::Gap | State::Partial => own(),
        State::Unknown => {
            let told = sources.iter().filter(|source| source.says == Says::Unknown);
            told.filter_map(|source| source.next.clone()).next().unwrap_or_else(own)
        }
    }
}

/// The query of the source that has most to show.
fn query(sources: &[Source]) -> String {
    let with = sources.iter().filter(|source| source.query.is_some());
    let chosen = with.max_by_key(|source| (source.says != Says::Protects, source.evidence.len()));
    chosen.and_then(|source| source.query.clone()).unwrap_or_default()
}

/// What comes out for an example.
pub(super) fn of_example(control: &Control, example: &Example) -> Option<State> {
    let id = ResourceId::build("", "Castellan.External/examples", &[EXAMPLE]);
    let workload = Workload {
        name: EXAMPLE.to_owned(),
        kind: example.workload,
        members: vec![id.clone()],
        relations: ["runs-as", "reached-through", "fronted-by", "encrypted-by"]
            .into_iter()
            .filter(|kind| example.relations.iter().any(|own| &**own == *kind))
            .collect(),
        hosts: [EXAMPLE.to_owned()].into(),
        deployments: BTreeSet::new(),
        id,
    };
    let mut said = Said::default();
    for (check, verdict) in &example.checks {
        let verdict = match verdict.as_ref() {
            "compliant" => Verdict::Compliant,
            "non-compliant" => Verdict::NonCompliant,
            "exempt" => Verdict::Exempt,
            _ => Verdict::Unknown(castellan_base::UnknownReason {
                kind: castellan_base::UnknownKind::NotCollected,
                message: String::new(),
                next_step: String::new(),
            }),
        };
        let one = OfCheck { verdict, resource: EXAMPLE.to_owned(), place: None, says: String::new() };
        said.of.entry(Arc::clone(check)).or_default().push(one);
    }
    decide(control, &workload, &said, &example.facts).map(|decided| decided.state)
}
