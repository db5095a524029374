//! What the body of a PUT changes.

use castellan_detect::incident::{Classification, Incident, Order, Owner, Reason, Status, Update, Verdict};
use castellan_detect::rule::Severity;
use serde::Deserialize;
use serde_json::Value;

use crate::workspaces::Failure;

/// An incident as a request has it. What is not said stays; members that say nothing here are left alone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    title: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    status: Option<String>,
    classification: Option<String>,
    classification_reason: Option<String>,
    classification_comment: Option<String>,
    owner: Option<Said>,
    labels: Option<Vec<Word>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    assigned_to: Option<String>,
    email: Option<String>,
    object_id: Option<String>,
    user_principal_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Word {
    label_name: String,
}

/// The orders that make an incident what a body says.
pub(super) fn orders(incident: &Incident, body: &Value) -> Result<Vec<Order>, Failure> {
    let properties = body.get("properties").cloned().unwrap_or(Value::Null);
    let wrong =
        |error: serde_json::Error| Failure::bad(format!("`properties` are not as they should be: {error}"));
    let said: Properties = serde_json::from_value(properties).map_err(wrong)?;
    let mut orders = Vec::new();
    orders.extend(update(incident, &said)?);
    orders.extend(words(incident, &said));
    if let Some(owner) = said.owner.as_ref().map(owner).filter(|owner| *owner != incident.owner) {
        orders.push(Order::Assign { owner });
    }
    orders.extend(moved(incident, &said)?);
    Ok(orders)
}

fn named<T: Copy>(what: &str, text: &str, known: &[(T, &str)]) -> Result<T, Failure> {
    let found = known.iter().find(|(_, word)| word.eq_ignore_ascii_case(text)).map(|(value, _)| *value);
    found.ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(_, word)| *word).collect();
        Failure::bad(format!("`{what}` is `{text}`; it is one of {}", words.join(", ")))
    })
}

fn update(incident: &Incident, said: &Properties) -> Result<Option<Order>, Failure> {
    let severity = |text: &String| {
        let known: Vec<(Severity, &str)> = Severity::ALL.iter().map(|each| (*each, each.as_str())).collect();
        named("severity", text, &known)
    };
    let severity = said.severity.as_ref().map(severity).transpose()?;
    let update = Update {
        title: said.title.clone().filter(|title| *title != incident.title),
        description: said.description.clone().filter(|text| *text != incident.description),
        severity: severity.filter(|severity| *severity != incident.severity),
    };
    Ok((update != Update::default()).then_some(Order::Update(update)))
}

/// Words to add and to take away: the list is what the incident is to have.
fn words(incident: &Incident, said: &Properties) -> Vec<Order> {
    let Some(labels) = &said.labels else { return Vec::new() };
    let wanted: Vec<&str> =
        labels.iter().map(|label| label.label_name.trim()).filter(|name| !name.is_empty()).collect();
    let has = |name: &str| incident.labels.iter().any(|label| label.name.eq_ignore_ascii_case(name));
    let more: Vec<String> = wanted.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect();
    let less: Vec<String> = incident
        .labels
        .iter()
        .filter(|label| {
            !label.is_automatic && !wanted.iter().any(|name| name.eq_ignore_ascii_case(&label.name))
        })
        .map(|label| label.name.clone())
        .collect();
    let mut orders = Vec::new();
    if !less.is_empty() {
        orders.push(Order::Untag { names: less });
    }
    if !more.is_empty() {
        orders.push(Order::Tag { names: more });
    }
    orders
}

fn owner(said: &Said) -> Owner {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Owner {
        assigned_to: text(&said.assigned_to),
        email: text(&said.email),
        object_id: text(&said.object_id),
        user_principal_name: text(&said.user_principal_name),
    }
}

const CLASSIFICATIONS: [(Classification, &str); 4] = [
    (Classification::Undetermined, "Undetermined"),
    (Classification::TruePositive, "TruePositive"),
    (Classification::BenignPositive, "BenignPositive"),
    (Classification::FalsePositive, "FalsePositive"),
];

const REASONS: [(Reason, &str); 4] = [
    (Reason::SuspiciousActivity, "SuspiciousActivity"),
    (Reason::SuspiciousButExpected, "SuspiciousButExpected"),
    (Reason::IncorrectAlertLogic, "IncorrectAlertLogic"),
    (Reason::InaccurateData, "InaccurateData"),
];

const STATUSES: [(Status, &str); 3] =
    [(Status::New, "New"), (Status::Active, "Active"), (Status::Closed, "Closed")];

fn moved(incident: &Incident, said: &Properties) -> Result<Vec<Order>, Failure> {
    let not_empty = |text: &&String| !text.is_empty();
    let classification = said.classification.as_ref().filter(not_empty);
    let classification =
        classification.map(|text| named("classification", text, &CLASSIFICATIONS)).transpose()?;
    let reason = said.classification_reason.as_ref().filter(not_empty);
    let reason = reason.map(|text| named("classificationReason", text, &REASONS)).transpose()?;
    let comment = said.classification_comment.clone().unwrap_or_default();
    let verdict = classification.map(|classification| Verdict { classification, reason, comment });
    let status = said.status.as_ref().map(|text| named("status", text, &STATUSES)).transpose()?;
    let mut orders = Vec::new();
    match (status.filter(|status| *status != incident.status), verdict) {
        (Some(status), verdict) => orders.push(Order::SetStatus { status, verdict }),
        (None, Some(verdict)) if incident.verdict.as_ref() != Some(&verdict) => {
            orders.push(Order::Classify { verdict })
        }
        _ => {}
    }
    Ok(orders)
}
