//! What a gate does for a control.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::facts::strength;
use super::source::{Kind, Says, Source, list};
use super::{Control, Facts, GateEvidence, GateFacts, GateModel, Workload};

/// The models of a gate that a workload is asked through.
fn fronting<'g>(gate: &'g GateFacts, workload: &Workload) -> Vec<&'g GateModel> {
    let is_front = |model: &&GateModel| {
        let is_declared =
            model.fronts.contains(&workload.name) || model.fronts.contains(workload.id.as_str());
        let is_reached = model.members.iter().any(|(host, deployment)| {
            let is_named = deployment
                .as_ref()
                .is_none_or(|name| workload.deployments.is_empty() || workload.deployments.contains(name));
            workload.hosts.contains(host) && is_named
        });
        is_declared || is_reached
    };
    gate.models.iter().filter(is_front).collect()
}

pub(super) fn gate(control: &Control, workload: &Workload, facts: &Facts) -> Option<Source> {
    let wanted = control.gate.as_ref()?;
    let source = |says: Says, reason: &str| Source {
        says,
        what: Kind::Gate,
        reason: reason.to_owned(),
        evidence: Vec::new(),
        next: None,
        query: None,
        doubled: None,
    };
    let Some(gate) = &facts.gate else {
        let next = "name the gate's configuration: castellan scan --gate castellan.toml".to_owned();
        return Some(Source {
            next: Some(next),
            ..source(Says::Unknown, "No gate's configuration was read.")
        });
    };
    if let GateEvidence::Servers = wanted {
        let is_behind = workload.hosts.iter().any(|host| gate.servers.contains(host));
        return Some(match is_behind {
            true => source(Says::Protects, "Its calls go through the gate."),
            false => source(Says::Not, "The gate is not in front of it."),
        });
    }
    let models = fronting(gate, workload);
    if models.is_empty() {
        return Some(source(Says::Not, "The gate is not in front of it."));
    }
    let names: Vec<&str> = models.iter().map(|model| model.alias.as_str()).collect();
    let query = format!(
        "CastellanGateDecisions\n| where ModelName in ({})\n| summarize Requests = count() by Action, ModelName",
        list(names.iter().copied())
    );
    let through = format!("the gate, where it is `{}`,", names.join("`, `"));
    let source = match wanted {
        GateEvidence::Credentials if gate.authenticates => {
            source(Says::Protects, &format!("Whoever comes through {through} shows who they are."))
        }
        GateEvidence::Credentials => {
            source(Says::Not, &format!("Anybody may ask through {through} without a credential."))
        }
        GateEvidence::Limits if gate.limits => {
            source(Says::Protects, &format!("What is asked through {through} is limited."))
        }
        GateEvidence::Limits => {
            source(Says::Not, &format!("What is asked through {through} is not limited."))
        }
        GateEvidence::Servers => return None,
        GateEvidence::Check { check, points, action } => inspected(&models, check, points, action),
    };
    Some(Source { query: Some(query), ..source })
}

/// What the gate's profiles do at the points, for the model for which they do least.
fn inspected(models: &[&GateModel], check: &str, points: &[Arc<str>], action: &str) -> Source {
    let (mut held, mut told, mut open) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut evidence = Vec::new();
    let mut doubled = None;
    for model in models {
        let strongest = model.strongest(check);
        for point in points {
            match strongest.get(point.as_ref()) {
                Some(rule) if strength(&rule.action) >= strength(action) => {
                    held.insert(point.as_ref());
                    evidence.push(json!({
                        "source": "gate", "name": rule.name, "model": model.alias, "point": point, "says": rule.action,
                    }));
                }
                Some(rule) => {
                    told.insert(point.as_ref());
                    evidence.push(json!({
                        "source": "gate", "name": rule.name, "model": model.alias, "point": point, "says": rule.action,
                        "wanted": action,
                    }));
                }
                None => {
                    open.insert(point.as_ref());
                }
            }
            let same: Vec<&str> = model
                .rules
                .iter()
                .filter(|rule| rule.check == check && rule.points.contains(point.as_ref()))
                .filter(|rule| strength(&rule.action) >= strength(action))
                .map(|rule| rule.name.as_str())
                .collect();
            let profiles: BTreeSet<&str> = same.iter().filter_map(|name| name.split('/').next()).collect();
            if profiles.len() > 1 {
                doubled = Some(same.join(", "));
            }
        }
    }
    let (says, reason) = match (held.is_empty(), told.is_empty(), open.is_empty()) {
        (false, true, true) => (Says::Protects, format!("The gate acts on it ({}).", joined(&held))),
        (true, true, _) => (Says::Not, "The gate does not look for it.".to_owned()),
        (true, false, _) => (Says::Tells, format!("The gate only tells of it ({}).", joined(&told))),
        (false, _, _) => {
            let rest: BTreeSet<&str> = told.union(&open).copied().collect();
            (Says::Partly, format!("The gate acts on it in {}, not in {}.", joined(&held), joined(&rest)))
        }
    };
    let reason = match &doubled {
        Some(rules) => format!("{reason} Several profiles do: {rules}."),
        None => reason,
    };
    Source { says, what: Kind::Gate, reason, evidence, next: None, query: None, doubled }
}

fn joined(points: &BTreeSet<&str>) -> String {
    points.iter().copied().collect::<Vec<_>>().join(", ").replace('_', " ")
}
