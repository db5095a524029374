//! Which alerts of a rule come together by the rule's own `incidentConfiguration`.

use super::model::{Incident, Status};
use super::record::digest;
use super::state::Latest;
use crate::entity::Entity;
use crate::rule::{IncidentConfiguration, Matching};
use crate::run::Alert;

/// Whether an incident may take an alert of its kind.
pub(super) fn is_open_for(
    incident: &Incident,
    latest: Latest,
    configuration: &IncidentConfiguration,
    alert: &Alert,
) -> bool {
    // By when alerts were raised, not by when they are looked at: windows that were missed are made up for later.
    let age = alert.raised.get().abs_diff(latest.since);
    let is_open = incident.status != Status::Closed || configuration.reopen;
    is_open
        && incident.merged_into.is_none()
        && i64::try_from(age).is_ok_and(|age| age <= configuration.lookback)
}

/// A digest of what alerts that come together have in common; nothing where an alert stays by itself.
pub(super) fn group(configuration: &IncidentConfiguration, alert: &Alert) -> Option<String> {
    if !configuration.grouped {
        return None;
    }
    let mut parts: Vec<String> = Vec::new();
    match configuration.matching {
        Matching::AnyAlert => return Some(digest([alert.rule.to_string()])),
        Matching::AllEntities => parts.extend(alert.entities.list().iter().map(Entity::identity)),
        Matching::Selected => selected(configuration, alert, &mut parts),
    }
    if parts.is_empty() {
        return None;
    }
    parts.sort();
    parts.dedup();
    Some(digest(std::iter::once(alert.rule.to_string()).chain(parts)))
}

fn selected(configuration: &IncidentConfiguration, alert: &Alert, parts: &mut Vec<String>) {
    for entity in alert.entities.list() {
        let name = entity.entity.name();
        if configuration.by_entities.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) {
            parts.push(entity.identity());
        }
    }
    for wanted in &configuration.by_alert {
        match wanted.to_ascii_lowercase().as_str() {
            "displayname" => parts.push(format!("name={}", alert.name)),
            "severity" => parts.push(format!("severity={}", alert.severity)),
            _ => {}
        }
    }
    for wanted in &configuration.by_details {
        let values = alert.details.values(wanted);
        if !values.is_empty() {
            parts.push(format!("{wanted}={}", values.join("\u{1e}")));
        }
    }
}
