//! Alerts as an incident keeps them.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use castellan_detect::entity::Entity;
use castellan_detect::incident::Firing;
use castellan_detect::rule::{Severity, Tactic};
use serde::Serialize;

use super::entities::Shown;

/// Alerts that say the same: of one rule, under one name, about the same entities.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The id of the first of them: `SystemAlertId` of `SecurityAlert`.
    pub id: String,
    /// The ids of all of them, as far as the incident lists them.
    pub ids: Vec<String>,
    /// How many there are.
    pub count: u64,
    /// What people call it.
    pub name: String,
    /// What happened.
    pub description: String,
    /// How bad it is.
    #[serde(serialize_with = "super::word")]
    pub severity: Severity,
    /// The id of the rule that raised it.
    pub rule: String,
    /// When the first was raised.
    pub raised: Ticks,
    /// The first event that they are about.
    pub start: Ticks,
    /// The last one.
    pub end: Ticks,
    /// Tactics of ATT&CK.
    #[serde(serialize_with = "super::words")]
    pub tactics: Vec<Tactic>,
    /// Techniques of ATT&CK and ATLAS.
    pub techniques: Vec<String>,
    /// What they are about.
    #[serde(serialize_with = "shown")]
    pub entities: Vec<Entity>,
    /// How many entities are not listed.
    pub entities_not_listed: u64,
    /// What they tell beside.
    pub details: BTreeMap<String, Vec<String>>,
    /// How many results they stand for.
    pub results: u64,
}

fn shown<S: serde::Serializer>(list: &[Entity], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(Shown::of))
}

impl Alert {
    /// What an incident keeps of alerts that say the same.
    pub fn of(firing: &Firing) -> Alert {
        let alert = &firing.alert;
        let time = |ticks: i64| Ticks::new(ticks).unwrap_or(Ticks::MIN);
        let details = alert.details.iter().map(|(name, values)| (name.to_string(), values.clone()));
        Alert {
            id: alert.id.clone(),
            ids: firing.ids.clone(),
            count: firing.count,
            name: alert.name.clone(),
            description: alert.description.clone(),
            severity: alert.severity,
            rule: alert.rule.to_string(),
            raised: time(alert.raised),
            start: time(alert.start),
            end: time(alert.end.max(alert.start)),
            tactics: alert.tactics.iter().copied().collect(),
            techniques: alert.techniques.iter().map(ToString::to_string).collect(),
            entities: alert.entities.clone(),
            entities_not_listed: alert.entities_beyond,
            details: details.collect(),
            results: alert.results,
        }
    }
}
