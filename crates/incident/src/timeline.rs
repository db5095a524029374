//! What happened and what was done about it, in the order of time.

use castellan_base::Ticks;
use castellan_detect::rule::Severity;
use serde::Serialize;

use crate::case::Case;

/// Something on a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// When it began.
    pub at: Ticks,
    /// When it ended, where it lasted.
    pub until: Option<Ticks>,
    /// What it is.
    pub kind: Kind,
    /// In a few words.
    pub title: String,
    /// More about it.
    pub told: String,
    /// How bad it is, for alerts.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "severity")]
    pub severity: Option<Severity>,
    /// Who did it, for what people did.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// The id of the alert or of the evidence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
}

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An alert: events from one time to another.
    Alert,
    /// A text that was kept, at the time of its event.
    Evidence,
    /// Something that was done to the incident.
    Step,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Alert => "alert",
            Kind::Evidence => "evidence",
            Kind::Step => "step",
        }
    }
}

fn severity<S: serde::Serializer>(value: &Option<Severity>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// The timeline of an incident: oldest first, at the same time alerts before evidence before steps.
pub fn timeline(case: &Case) -> Vec<Moment> {
    let alerts = case.alerts.iter().map(|alert| Moment {
        at: alert.start,
        until: (alert.end > alert.start).then_some(alert.end),
        kind: Kind::Alert,
        title: alert.name.clone(),
        told: alert.description.clone(),
        severity: Some(alert.severity),
        by: String::new(),
        id: alert.id.clone(),
    });
    let evidence = case.evidence.iter().map(|exhibit| Moment {
        at: Ticks::new(exhibit.at).unwrap_or(Ticks::MIN),
        until: None,
        kind: Kind::Evidence,
        title: exhibit.kind.clone(),
        told: exhibit.source.clone(),
        severity: None,
        by: exhibit.by.clone(),
        id: exhibit.id.clone(),
    });
    let steps = case.trail.iter().map(|step| Moment {
        at: step.at,
        until: None,
        kind: Kind::Step,
        title: step.what.clone(),
        told: step.told.clone(),
        severity: None,
        by: step.by.clone(),
        id: String::new(),
    });
    let mut moments: Vec<Moment> = alerts.chain(evidence).chain(steps).collect();
    moments.sort_by_key(|moment| (moment.at, moment.kind));
    moments
}
