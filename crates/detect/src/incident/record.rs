//! What is kept of alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::correlate::{Correlation, Key};
use crate::entity::Entity;
use crate::rule::{Rule, Severity, Tactic};
use crate::run::{Alert, earlier};

/// The most entities of an alert that an incident keeps. The alert itself lists more.
pub const MAX_KEPT_ENTITIES: usize = 200;
/// The most values of a detail that an incident keeps.
pub const MAX_KEPT_VALUES: usize = 20;
/// The most keys of alerts that say the same.
pub const MAX_KEYS: usize = 500;
/// The longest text of an alert that an incident keeps, in bytes.
const MAX_TEXT: usize = 2_048;

/// An alert, as far as incidents need it. Times are ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertRecord {
    /// Its id.
    pub id: String,
    /// A digest of what it says: rule, name and entities. Alerts of one signature are counted and not copied.
    pub signature: String,
    /// The rule's id.
    pub rule: Arc<str>,
    /// What people call it.
    pub name: String,
    /// What happened.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// Tactics of ATT&CK.
    pub tactics: BTreeSet<Tactic>,
    /// Techniques of ATT&CK.
    pub techniques: BTreeSet<Arc<str>>,
    /// The first event that it is about.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// Since when what raised it can be: rules look back for weeks, and find what is new in the last run.
    pub from: i64,
    /// When it was raised.
    pub raised: i64,
    /// How many results it stands for.
    pub results: u64,
    /// What it is about, the first [`MAX_KEPT_ENTITIES`].
    pub entities: Vec<Entity>,
    /// How many entities are not kept.
    pub entities_beyond: u64,
    /// What it tells beside, the first [`MAX_KEPT_VALUES`] of each.
    pub details: BTreeMap<Arc<str>, Vec<String>>,
    /// By what it is linked to others.
    pub keys: BTreeSet<Key>,
}

/// An alert that says what another said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // As of the alert.
pub struct Repeat {
    pub id: String,
    pub signature: String,
    pub start: i64,
    pub end: i64,
    pub from: i64,
    pub raised: i64,
    pub results: u64,
    pub severity: Severity,
    /// What it is linked by and the others are not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keys: BTreeSet<Key>,
}

impl AlertRecord {
    /// What incidents need of an alert.
    pub fn of(rule: &Rule, alert: &Alert, correlation: &Correlation) -> AlertRecord {
        let all = alert.entities.list();
        let entities: Vec<Entity> = all.iter().take(MAX_KEPT_ENTITIES).cloned().collect();
        let left = u64::try_from(all.len() - entities.len()).unwrap_or(u64::MAX);
        let last_run = earlier(alert.raised, rule.frequency);
        let kept = |values: &[String]| values.iter().take(MAX_KEPT_VALUES).map(|value| text(value)).collect();
        AlertRecord {
            id: alert.id.to_string(),
            signature: signature(alert),
            rule: Arc::clone(&alert.rule),
            name: text(&alert.name),
            description: text(&alert.description),
            severity: alert.severity,
            tactics: alert.tactics.iter().copied().collect(),
            techniques: alert.techniques.iter().cloned().collect(),
            start: alert.start.get(),
            end: alert.end.get(),
            from: alert.start.max(last_run).min(alert.end).get(),
            raised: alert.raised.get(),
            results: alert.results,
            keys: correlation.keys(alert),
            entities_beyond: left.saturating_add(alert.entities.beyond()),
            entities,
            details: alert.details.iter().map(|(name, values)| (Arc::clone(name), kept(values))).collect(),
        }
    }

    /// What is its own where another says the same, which has these keys.
    pub(super) fn repeat(&self, known: &BTreeSet<Key>) -> Repeat {
        let place = MAX_KEYS.saturating_sub(known.len());
        Repeat {
            id: self.id.clone(),
            signature: self.signature.clone(),
            start: self.start,
            end: self.end,
            from: self.from,
            raised: self.raised,
            results: self.results,
            severity: self.severity,
            keys: self.keys.difference(known).take(place).cloned().collect(),
        }
    }

    /// The alert without what it is about, for those that there is no place for: they are counted by rule.
    pub(super) fn bare(mut self) -> AlertRecord {
        self.signature = format!("rule:{}", self.rule);
        self.entities_beyond =
            self.entities_beyond.saturating_add(u64::try_from(self.entities.len()).unwrap_or(u64::MAX));
        self.entities = Vec::new();
        self.details = BTreeMap::new();
        self.keys = BTreeSet::new();
        self
    }
}

fn text(text: &str) -> String {
    crate::entity::cut(text, MAX_TEXT).to_owned()
}

/// A digest of rule, name and entities. What changes from run to run, such as traces and counts, is not in it.
fn signature(alert: &Alert) -> String {
    let mut entities: Vec<String> = alert.entities.list().iter().map(Entity::identity).collect();
    entities.sort();
    let parts = [alert.rule.to_string(), alert.name.clone()].into_iter().chain(entities);
    digest(parts)
}

/// A digest of texts, 32 hexadecimal digits.
pub(super) fn digest(parts: impl IntoIterator<Item = String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}
