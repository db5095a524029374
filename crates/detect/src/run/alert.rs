//! Alerts.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::Ticks;
use uuid::Uuid;

use crate::entity::Entities;
use crate::rule::{Severity, Tactic};

use super::Identity;

/// The most values of a detail. Those beyond are counted.
pub const MAX_DETAIL_VALUES: usize = 100;

/// The most results whose identities an alert keeps; the others are counted.
pub const MAX_IDENTITIES: usize = 1_000;

/// Something that a rule found.
#[derive(Clone, Debug)]
pub struct Alert {
    /// What identifies it; the same whenever the same results of the same window make it.
    pub id: Uuid,
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's name.
    pub rule_name: Arc<str>,
    /// What people call it.
    pub name: String,
    /// What happened.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// Tactics of ATT&CK.
    pub tactics: Vec<Tactic>,
    /// Techniques of ATT&CK.
    pub techniques: Vec<Arc<str>>,
    /// When it was raised: the end of the window.
    pub raised: Ticks,
    /// The first event that it is about.
    pub start: Ticks,
    /// The last one.
    pub end: Ticks,
    /// What it is about.
    pub entities: Entities,
    /// What it tells beside.
    pub details: Details,
    /// How many results it stands for.
    pub results: u64,
    /// Which results, the first [`MAX_IDENTITIES`] of them.
    pub identities: Vec<Identity>,
    /// Properties that columns said: `AlertLink`, ...
    pub properties: BTreeMap<Arc<str>, String>,
    /// What it was run with, for the column `ExtendedProperties`; alerts of one run share it.
    pub context: Arc<BTreeMap<&'static str, String>>,
}

/// Values by name, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    values: BTreeMap<Arc<str>, Vec<String>>,
    beyond: BTreeMap<Arc<str>, u64>,
}

impl Details {
    /// Adds a value; an empty one, or one that is there, changes nothing.
    pub fn add(&mut self, name: &Arc<str>, value: String) {
        if value.is_empty() {
            return;
        }
        let own = self.values.entry(Arc::clone(name)).or_default();
        if own.contains(&value) {
            return;
        }
        if own.len() < MAX_DETAIL_VALUES {
            own.push(value);
        } else {
            *self.beyond.entry(Arc::clone(name)).or_default() += 1;
        }
    }

    /// The values of a name.
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// All names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &[String])> {
        self.values.iter().map(|(name, values)| (name, values.as_slice()))
    }

    /// How many values of a name there was no place for, as far as they were seen.
    pub fn beyond(&self, name: &str) -> u64 {
        self.beyond.get(name).copied().unwrap_or_default()
    }

    /// As JSON: `{"name":["value"]}`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(
            &self.values.iter().map(|(name, values)| (&**name, values)).collect::<BTreeMap<_, _>>(),
        )
        .unwrap_or_default()
    }
}
