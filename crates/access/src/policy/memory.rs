//! Answers that were given before.
//!
//! An answer depends on who asks, for what, and on those attributes of the context that policies read. Which ones they
//! read stands in the policies: where they are all of a kind that few values occur of, answers are remembered, for as long
//! as these policies hold. Policies that look at the time or at how much a request may cost are asked each time.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::Policy;
use serde_json::Value;

use super::Party;
use super::ask::{Action, Asked, Resource};
use super::decide::Decision;

/// Most answers that are kept; then all are forgotten.
const MOST: usize = 4_096;

/// Which attributes of the context policies read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// These.
    Named(BTreeSet<String>),
    /// Nobody knows: the context is handed on as a whole.
    Whole,
}

impl Default for Reads {
    fn default() -> Reads {
        Reads::Named(BTreeSet::new())
    }
}

impl Reads {
    /// Adds what a policy reads.
    pub(super) fn add(&mut self, policy: &Policy) {
        match policy.to_json() {
            Ok(json) => self.walk(&json),
            Err(_) => *self = Reads::Whole,
        }
    }

    /// Walks over a policy in Cedar's JSON: `{".": {"left": {"Var": "context"}, "attr": "hour"}}`, and `has` alike.
    fn walk(&mut self, node: &Value) {
        let is_context = |node: &Value| node.get("Var").and_then(Value::as_str) == Some("context");
        if is_context(node) {
            *self = Reads::Whole;
            return;
        }
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                for (operator, inner) in members {
                    let attribute = inner.get("attr").and_then(Value::as_str);
                    match (operator.as_str(), inner.get("left"), attribute) {
                        ("." | "has", Some(left), Some(attribute)) if is_context(left) => {
                            self.named(attribute)
                        }
                        _ => self.walk(inner),
                    }
                }
            }
            _ => {}
        }
    }

    fn named(&mut self, attribute: &str) {
        if let Reads::Named(names) = self {
            names.insert(attribute.to_owned());
        }
    }
}

/// What an answer depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Where the terms of whoever asks stand in memory: an entry keeps them there.
    party: usize,
    action: Action,
    resource: Resource,
    /// What policies read of the context.
    read: Vec<u8>,
}

/// Answers of one version of the policies.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) reads: Reads,
    known: RwLock<HashMap<Key, (Arc<Party>, Decision)>>,
}

impl Memory {
    /// The answer that is known, or the one that `decide` gives.
    pub(super) fn or(&self, asked: &Asked<'_>, decide: impl FnOnce() -> Decision) -> Decision {
        let (Reads::Named(names), Ok(party)) = (&self.reads, &asked.party) else { return decide() };
        let Some(read) = read(asked, names) else { return decide() };
        let place = Arc::as_ptr(party).addr();
        let key = Key { party: place, action: asked.action, resource: asked.resource.clone(), read };
        if let Some((_, decision)) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return decision.clone();
        }
        let decision = decide();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (Arc::clone(party), decision.clone()));
        decision
    }
}

/// The values of some attributes of the context; `None` where one of them differs with nearly each question.
fn read(asked: &Asked<'_>, names: &BTreeSet<String>) -> Option<Vec<u8>> {
    // Arguments are entities beside the context.
    if asked.action == Action::Call {
        return None;
    }
    let (circumstances, held) = (&asked.circumstances, &asked.held);
    let mut read = Vec::new();
    for name in names {
        match name.as_str() {
            "labels" => texts(&mut read, &circumstances.labels),
            "taint" => texts(&mut read, &circumstances.taint),
            "risk" => read.push(circumstances.risk),
            "hour" | "weekday" => read.extend(asked.hours().to_le_bytes()),
            "ip" => text(&mut read, &circumstances.ip.map(|ip| ip.to_string()).unwrap_or_default()),
            "api" => text(&mut read, &circumstances.api),
            "stream" => read.push(u8::from(circumstances.stream)),
            // Who asks and for what decide that.
            "inScope" => {}
            "granted" => read.push(u8::from(!held.ids.is_empty())),
            "grants" => texts(&mut read, &held.ids),
            "grantedLabels" => texts(&mut read, &held.labels),
            "ungrantedLabels" => {
                texts(&mut read, &circumstances.labels);
                texts(&mut read, &held.labels);
            }
            _ => return None,
        }
    }
    Some(read)
}

fn texts(to: &mut Vec<u8>, values: &BTreeSet<String>) {
    to.extend(values.len().to_le_bytes());
    values.iter().for_each(|value| text(to, value));
}

fn text(to: &mut Vec<u8>, value: &str) {
    to.extend(value.len().to_le_bytes());
    to.extend(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policies, Source};

    fn reads(policy: &str) -> Reads {
        let text = format!("permit (principal, action, resource) when {{ {policy} }};");
        let mut reads = Reads::default();
        reads.add(&text.parse().unwrap());
        reads
    }

    #[test]
    fn what_policies_read_is_known() {
        let named = |names: &[&str]| Reads::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(reads("true"), named(&[]));
        assert_eq!(
            reads("context.granted && (context has ip || context.labels.contains(\"a\"))"),
            named(&["granted", "ip", "labels"])
        );
        assert_eq!(reads("if context.hour > 3 then context.risk < 5 else false"), named(&["hour", "risk"]));
        assert_eq!(reads("context == {\"a\": 1}"), Reads::Whole);
        assert_eq!(reads("[context].contains({\"a\": 1})"), Reads::Whole);
        assert_eq!(reads("{\"c\": context}.c.granted"), Reads::Whole);
    }

    #[test]
    fn built_in_policies_are_remembered() {
        for policies in [Policies::built_in().unwrap(), Policies::for_trials().unwrap()] {
            let Reads::Named(names) = policies.compiled().memory.reads.clone() else { unreachable!() };
            assert!(names.iter().all(|name| ["inScope", "granted"].contains(&name.as_str())), "{names:?}");
        }
    }

    #[test]
    fn each_attribute_of_the_schema_is_read_or_not_remembered() {
        // A policy over an attribute answers as it would without a memory, whatever else was asked before.
        let source = |text: &str| Source { name: "a.cedar".to_owned(), text: text.to_owned() };
        let policy = "permit (principal, action, resource) when { context.hour < 12 && !context.stream };";
        let policies = Policies::new(&[source(policy)]).unwrap();
        let principal = crate::principal::Principal::anonymous();
        let party = Party::new(&principal).map(Arc::new);
        for (hour, stream) in [(3, false), (13, false), (3, true), (3, false), (13, true)] {
            let now = castellan_base::Ticks::new(hour * 3600 * castellan_base::Ticks::PER_SECOND).unwrap();
            let mut asked = Asked::new(&principal, Action::Invoke, Resource::model("m", "p"), now);
            asked.party.clone_from(&party);
            asked.circumstances.stream = stream;
            assert_eq!(policies.decide(&asked).allow, hour < 12 && !stream, "{hour} {stream}");
        }
    }
}
