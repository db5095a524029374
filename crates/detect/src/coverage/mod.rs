//! What a set of rules looks for, by the lists that people compare such sets with: tactics and techniques of ATT&CK,
//! techniques of MITRE ATLAS, entries of OWASP.
//!
//! Coverage says what rules are about, not how well they find it: fixtures and [`crate::backtest`] say that.

pub mod frameworks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::FrameworkId;
use serde::Serialize;

use crate::rule::{Rule, Severity, Tactic};

/// What rules look for.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// How many rules there are.
    pub rules: usize,
    /// How many of them are turned on.
    pub enabled: usize,
    /// Each tactic of ATT&CK for enterprises, those too that no rule has, and others that rules have.
    pub tactics: Vec<TacticCoverage>,
    /// Each entry of MITRE ATLAS that a rule has, or that is a technique by its id.
    pub atlas: Vec<EntryCoverage>,
    /// Each entry of OWASP's lists, by list.
    pub owasp: BTreeMap<String, Vec<EntryCoverage>>,
    /// Rules without a tactic, by id.
    pub without_tactic: Vec<Arc<str>>,
}

/// What rules have for a tactic.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TacticCoverage {
    /// The tactic.
    pub tactic: Tactic,
    /// How many rules have it.
    pub rules: usize,
    /// How many of each severity.
    pub severities: BTreeMap<Severity, usize>,
    /// Techniques of these rules, each with how many have it.
    pub techniques: BTreeMap<Arc<str>, usize>,
}

/// What rules have for an entry of a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryCoverage {
    /// Its id.
    pub id: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// The rules that have it, by id.
    pub rules: Vec<Arc<str>>,
}

/// The lists of OWASP, the newest first.
const OWASP: [&str; 3] = ["owasp-llm:2026", "owasp-llm:2025", "owasp-agentic:2026"];

/// Tactics that every matrix has.
const ENTERPRISE: usize = 14;

/// What rules look for.
pub fn coverage(rules: &[Rule]) -> Coverage {
    let lists = OWASP.iter().map(|list| ((*list).to_owned(), entries(list, |rule| owasp(rule, list), rules)));
    Coverage {
        rules: rules.len(),
        enabled: rules.iter().filter(|rule| rule.enabled).count(),
        tactics: tactics(rules),
        atlas: entries(
            "atlas",
            |rule| rule.atlas.iter().map(|entry| entry.text.to_string()).collect(),
            rules,
        )
        .into_iter()
        .filter(|entry| {
            entry.id.starts_with("AML.T0") || entry.id.starts_with("AML.T1") || !entry.rules.is_empty()
        })
        .collect(),
        owasp: lists.collect(),
        without_tactic: rules
            .iter()
            .filter(|rule| rule.tactics.is_empty())
            .map(|rule| Arc::clone(&rule.id))
            .collect(),
    }
}

fn tactics(rules: &[Rule]) -> Vec<TacticCoverage> {
    let mut found = Vec::new();
    for (at, tactic) in Tactic::ALL.iter().copied().enumerate() {
        let own: Vec<&Rule> = rules.iter().filter(|rule| rule.tactics.contains(&tactic)).collect();
        if own.is_empty() && at >= ENTERPRISE {
            continue;
        }
        let mut made = TacticCoverage {
            tactic,
            rules: own.len(),
            severities: BTreeMap::new(),
            techniques: BTreeMap::new(),
        };
        for rule in own {
            *made.severities.entry(rule.severity).or_default() += 1;
            for technique in &rule.techniques {
                *made.techniques.entry(Arc::clone(&technique.text)).or_default() += 1;
            }
        }
        found.push(made);
    }
    found
}

/// The entries of a list that a rule names.
fn owasp(rule: &Rule, list: &str) -> BTreeSet<String> {
    let ids = rule.owasp.iter().filter_map(|entry| entry.text.parse::<FrameworkId>().ok());
    ids.filter(|id| id.pack() == list).map(|id| id.control().to_owned()).collect()
}

fn entries(list: &str, named: impl Fn(&Rule) -> BTreeSet<String>, rules: &[Rule]) -> Vec<EntryCoverage> {
    let named: Vec<(Arc<str>, BTreeSet<String>)> =
        rules.iter().map(|rule| (Arc::clone(&rule.id), named(rule))).collect();
    let own = |id: &str| {
        named.iter().filter(|(_, entries)| entries.contains(id)).map(|(rule, _)| Arc::clone(rule)).collect()
    };
    frameworks::entries(list)
        .iter()
        .map(|(id, title)| EntryCoverage { id: Arc::clone(id), title: Arc::clone(title), rules: own(id) })
        .collect()
}
