//! Commands that change an incident.

use anyhow::Result;
use castellan_base::System;
use serde_json::{Value, json};

use super::place::Place;
use super::render;
use crate::Ending;
use crate::arguments::{IncidentCommand, OrderArguments};

pub(super) fn run(command: &IncidentCommand, system: &dyn System) -> Result<Ending> {
    let (of, orders) = match command {
        IncidentCommand::Assign { order, owner } => (order, vec![assign(owner)]),
        IncidentCommand::Comment { order, text } => {
            (order, vec![json!({ "order": "comment", "text": text })])
        }
        IncidentCommand::Tag { order, labels, remove } => {
            let kind = if *remove { "untag" } else { "tag" };
            (order, vec![json!({ "order": kind, "names": labels })])
        }
        IncidentCommand::Task { order, done: Some(task), .. } => {
            (order, vec![json!({ "order": "finishTask", "task": task })])
        }
        IncidentCommand::Task { order, title, description, .. } => {
            (order, vec![json!({ "order": "addTask", "title": title, "description": description })])
        }
        IncidentCommand::Status { order, status, severity, title } => {
            let mut orders = Vec::new();
            if severity.is_some() || title.is_some() {
                let severity = severity.map(|severity| severity.as_str());
                orders.push(json!({ "order": "update", "severity": severity, "title": title }));
            }
            orders.extend(status.map(|status| json!({ "order": "setStatus", "status": status.as_str() })));
            (order, orders)
        }
        IncidentCommand::Close { order, classification, reason, comment } => {
            let reason = reason.map(|reason| reason.as_str());
            let verdict =
                json!({ "classification": classification.as_str(), "reason": reason, "comment": comment });
            (order, vec![json!({ "order": "setStatus", "status": "Closed", "verdict": verdict })])
        }
        IncidentCommand::Merge { order, from, decline: false } => {
            (order, vec![json!({ "order": "merge", "from": from })])
        }
        IncidentCommand::Merge { order, from, .. } => {
            (order, from.iter().map(|with| json!({ "order": "declineMerge", "with": with })).collect())
        }
        IncidentCommand::Split { order, alerts } => {
            (order, vec![json!({ "order": "split", "alerts": alerts })])
        }
        // The others change nothing and are done elsewhere.
        _ => return Ok(Ending::BadInput),
    };
    sent(of, orders, system)
}

/// `-` is nobody; what looks like an address is one.
fn assign(owner: &str) -> Value {
    let name = if owner == "-" { "" } else { owner };
    let address = if name.contains('@') { name } else { "" };
    json!({ "order": "assign", "owner": { "assignedTo": name, "email": address, "userPrincipalName": address } })
}

fn sent(of: &OrderArguments, orders: Vec<Value>, system: &dyn System) -> Result<Ending> {
    let place = Place::of(&of.place, system)?;
    let mut seen = of.seen;
    let mut told = Value::Null;
    for order in orders {
        let body = json!({ "by": of.by, "seen": seen.take(), "order": order });
        told = place.post(&[&of.incident, "orders"], body)?;
    }
    render::changed(&told)
}
