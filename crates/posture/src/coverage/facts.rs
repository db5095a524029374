//! What is known beside the estate: the gate, the analytics rules, and which events arrive.
//!
//! Whoever has a gate or rules fills these in; what is `None` was not collected, which is something else than there being
//! none.

use std::collections::{BTreeMap, BTreeSet};

/// What stands beside the estate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The gate; [`GateFacts::default`] says that there is none.
    pub gate: Option<GateFacts>,
    /// The analytics rules that run.
    pub rules: Option<Vec<RuleFacts>>,
    /// The event tables that hold rows.
    pub received: Option<BTreeSet<String>>,
}

/// A gate for model traffic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateFacts {
    /// The models that it serves.
    pub models: Vec<GateModel>,
    /// Hosts of the servers of tools behind it, in lower case.
    pub servers: BTreeSet<String>,
    /// Whether whoever asks has to show who they are.
    pub authenticates: bool,
    /// Whether somebody's requests, tokens or cost are limited.
    pub limits: bool,
}

/// A model as the gate serves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateModel {
    /// What clients call it.
    pub alias: String,
    /// Where it is served: host names in lower case, and the deployment that is asked for there.
    pub members: Vec<(String, Option<String>)>,
    /// Names of workloads that are declared to be reached through it.
    pub fronts: BTreeSet<String>,
    /// Rules of all profiles that hold for it.
    pub rules: Vec<GateRule>,
}

/// A rule of a guardrail profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateRule {
    /// `profile/rule`.
    pub name: String,
    /// What it looks for: `attack`, `harm`, `sensitive`, ...
    pub check: String,
    /// Where: `user`, `document`, `tool_result`, `output`, ...
    pub points: BTreeSet<String>,
    /// What follows: `annotate`, `redact`, `require_approval`, `block`.
    pub action: String,
}

/// An analytics rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The tables that it reads.
    pub tables: BTreeSet<String>,
    /// Whether it runs.
    pub enabled: bool,
}

/// How restrictive an action is; what is no action is nothing.
pub(super) fn strength(action: &str) -> u8 {
    match action {
        "annotate" => 1,
        "redact" => 2,
        "require_approval" => 3,
        "block" => 4,
        _ => 0,
    }
}

impl GateModel {
    /// The strongest rule of a kind at each point where there is one.
    pub(super) fn strongest(&self, check: &str) -> BTreeMap<&str, &GateRule> {
        let mut found: BTreeMap<&str, &GateRule> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.check == check) {
            for point in &rule.points {
                let known = found.entry(point).or_insert(rule);
                if strength(&rule.action) > strength(&known.action) {
                    *known = rule;
                }
            }
        }
        found
    }
}
