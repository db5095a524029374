//! A case out of an incident, and its audit trail in words.

use castellan_base::Ticks;
use castellan_detect::incident::{Change, FieldChange, Incident, Verdict, What};

use crate::Case;
use crate::case::{Alert, Comment, Link, Step, Task};
use crate::store::{Act, AuditEntry, State};

pub(super) fn time(ticks: i64) -> Ticks {
    Ticks::new(ticks).unwrap_or(Ticks::MIN)
}

/// An incident with all that belongs to it.
pub(super) fn case(incident: &Incident, state: &State, trail: &[Change], audit: &[AuditEntry]) -> Case {
    let verdict = incident.verdict.as_ref();
    let firings = incident.in_order();
    let link = |alert: &str, link: &castellan_detect::incident::correlate::Link| Link {
        alert: alert.to_owned(),
        weight: link.weight,
        reason: link.says.clone(),
    };
    let links =
        firings.iter().flat_map(|firing| firing.links.iter().map(|each| link(&firing.alert.id, each)));
    let mut case = Case {
        number: incident.number,
        id: incident.id.clone(),
        version: incident.version,
        title: incident.title.clone(),
        description: incident.description.clone(),
        severity: incident.severity,
        status: incident.status.as_str().to_owned(),
        classification: verdict.map_or("", |verdict| verdict.classification.as_str()).to_owned(),
        classification_reason: verdict
            .and_then(|verdict| verdict.reason)
            .map_or("", castellan_detect::incident::Reason::as_str)
            .to_owned(),
        classification_comment: verdict.map(|verdict| verdict.comment.clone()).unwrap_or_default(),
        owner: owner(incident),
        labels: incident.labels.iter().map(|label| label.name.clone()).collect(),
        tactics: incident.tactics.iter().copied().collect(),
        techniques: incident.techniques.iter().map(ToString::to_string).collect(),
        first_activity: time(incident.first_activity),
        last_activity: time(incident.last_activity),
        created: time(incident.created),
        modified: time(incident.modified),
        closed: incident.closed.map(time),
        modified_by: incident.modified_by.clone(),
        links: links.collect(),
        alerts: firings.iter().map(|firing| Alert::of(firing)).collect(),
        alerts_not_listed: incident.unlisted,
        merged_into: incident.merged_into,
        split_from: incident.split_from,
        proposals: incident.proposals.iter().map(|proposal| proposal.with).collect(),
        entities: Vec::new(),
        tasks: tasks(incident),
        comments: comments(incident),
        evidence: state.exhibits_of(incident.number).to_vec(),
        trail: steps(incident.number, trail, audit),
    };
    case.gather();
    case
}

/// Who works on an incident, by whatever is known of them.
pub fn owner(incident: &Incident) -> String {
    let owner = &incident.owner;
    let known = [&owner.assigned_to, &owner.user_principal_name, &owner.email, &owner.object_id];
    known.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default()
}

fn tasks(incident: &Incident) -> Vec<Task> {
    let told = |task: &castellan_detect::incident::Task| Task {
        id: task.number.to_string(),
        title: task.title.clone(),
        description: task.description.clone(),
        is_done: task.done.is_some(),
        created: time(task.at),
        by: task.by.to_string(),
        done_by: task.done.as_ref().map(|(by, _)| by.to_string()),
        done: task.done.as_ref().map(|(_, at)| time(*at)),
    };
    incident.tasks.iter().map(told).collect()
}

fn comments(incident: &Incident) -> Vec<Comment> {
    let told = |comment: &castellan_detect::incident::Comment| Comment {
        id: comment.number.to_string(),
        text: comment.text.clone(),
        at: time(comment.at),
        by: comment.by.to_string(),
    };
    incident.comments.iter().map(told).collect()
}

/// What was done to an incident, and which of its evidence was opened, oldest first.
pub(super) fn steps(number: u32, trail: &[Change], audit: &[AuditEntry]) -> Vec<Step> {
    let mut steps: Vec<Step> = trail
        .iter()
        .map(|change| {
            let (what, told) = words(number, change);
            Step { at: time(change.at), by: change.by.to_string(), what: what.to_owned(), told }
        })
        .collect();
    for entry in audit {
        if let Act::Revealed { by, reason, incident, evidence, .. } = &entry.act
            && *incident == number
        {
            let short = evidence.get(..16).unwrap_or(evidence);
            let told = format!("the original of {short}: {reason}");
            steps.push(Step { at: time(entry.at), by: by.clone(), what: "revealed".to_owned(), told });
        }
    }
    steps.sort_by_key(|step| step.at);
    steps
}

/// A change in words: one for what it is, and a few more.
fn words(number: u32, change: &Change) -> (&'static str, String) {
    match &change.what {
        What::Opened { alert, .. } => ("opened", format!("by the alert `{}`", alert.name)),
        What::Joined { alert, score, .. } => ("joined", format!("the alert `{}`, score {score}", alert.name)),
        What::Repeated { repeat, .. } => {
            ("repeated", format!("the alert {} says what one said before", repeat.id))
        }
        What::Reopened => ("reopened", String::new()),
        What::Updated { fields } => ("updated", fields.iter().map(field).collect::<Vec<_>>().join("; ")),
        What::Commented { text } => ("commented", text.clone()),
        What::Tagged { labels } => {
            ("tagged", labels.iter().map(|label| label.name.as_str()).collect::<Vec<_>>().join(", "))
        }
        What::Untagged { names } => ("untagged", names.join(", ")),
        What::Assigned { new, .. } => {
            let name = if new.assigned_to.is_empty() { &new.user_principal_name } else { &new.assigned_to };
            ("assigned", if name.is_empty() { "to nobody".to_owned() } else { format!("to {name}") })
        }
        What::TaskAdded { title, .. } => ("task added", title.clone()),
        What::TaskDone { task } => ("task done", format!("task {task}")),
        What::StatusChanged { old, new } => ("status", format!("{} to {}", old.as_str(), new.as_str())),
        What::Classified { new, .. } => ("classified", verdict(new)),
        What::EvidenceAdded { name, digest, .. } => ("evidence", format!("{name}, {digest}")),
        What::MergeProposed(proposal) => {
            ("merge proposed", format!("with incident {}, score {}", proposal.with, proposal.score))
        }
        What::ProposalDeclined { with } => ("merge declined", format!("with incident {with}")),
        What::Merged { from, .. } if *from == number => {
            ("merged", format!("into incident {}", change.incident))
        }
        What::Merged { from, .. } => ("merged", format!("incident {from} into this one")),
        What::Split { to, alerts, .. } if *to == number => {
            ("split", format!("from incident {} with {} alerts", change.incident, alerts.len()))
        }
        What::Split { to, alerts, .. } => ("split", format!("{} alerts to incident {to}", alerts.len())),
        What::Archived => ("archived", String::new()),
    }
}

fn verdict(verdict: &Verdict) -> String {
    let reason = verdict.reason.map_or("", castellan_detect::incident::Reason::as_str);
    let parts = [verdict.classification.as_str(), reason, &verdict.comment];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn field(field: &FieldChange) -> String {
    match field {
        FieldChange::Title { new, .. } => format!("title: {new}"),
        FieldChange::Description { new, .. } => format!("description: {new}"),
        FieldChange::Severity { old, new } => format!("severity: {old} to {new}"),
        FieldChange::SeverityComputed { old, new } => format!("severity: {old} to {new}, as the alerts say"),
    }
}
