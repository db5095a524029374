//! What rules judge: an incident or alert by the names that Sentinel's conditions have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What rules wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An incident is new.
    IncidentCreated,
    /// An incident changed.
    IncidentUpdated,
    /// An alert is new.
    AlertCreated,
}

/// An incident or alert: values by property, such as `IncidentTitle` or `IPAddress`. A property may have many values, one
/// for each entity. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    properties: BTreeMap<String, Vec<String>>,
    /// Custom details of alerts by key.
    #[serde(default)]
    details: BTreeMap<String, Vec<String>>,
}

impl Subject {
    /// With the values of a property.
    #[must_use]
    pub fn with<T: Into<String>>(mut self, property: &str, values: impl IntoIterator<Item = T>) -> Subject {
        self.set(property, values.into_iter().map(Into::into).collect());
        self
    }

    /// With a custom detail.
    #[must_use]
    pub fn with_detail<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Subject {
        self.details.insert(key.to_owned(), values.into_iter().map(Into::into).collect());
        self
    }

    pub(super) fn set(&mut self, property: &str, values: Vec<String>) {
        self.properties.insert(property.to_ascii_lowercase(), values);
    }

    pub(super) fn add(&mut self, property: &str, values: &[String]) {
        let own = self.properties.entry(property.to_ascii_lowercase()).or_default();
        for value in values {
            if !own.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                own.push(value.clone());
            }
        }
    }

    /// The values of a property; none where it has none.
    pub fn values(&self, property: &str) -> &[String] {
        self.properties.get(&property.to_ascii_lowercase()).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn details(&self) -> &BTreeMap<String, Vec<String>> {
        &self.details
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// What.
    pub trigger: Trigger,
    /// The incident or alert as it is now.
    pub subject: Subject,
    /// As it was before an update.
    pub before: Option<Subject>,
    /// What was added by the update: `Alerts`, `Labels`, `Tactics`, `Comments`.
    pub added: Vec<String>,
}
