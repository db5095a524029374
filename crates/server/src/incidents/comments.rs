//! Comments of an incident.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_base::{OsSystem, System as _};
use castellan_detect::incident::{Command, Comment, Incident, Order};
use castellan_incident::store::Role;
use serde_json::{Value, json};

use super::arm::{Part, Work, json_of, only};
use super::shape;
use crate::workspaces::Failure;

pub(super) fn answer(work: &Work, incident: &Incident, part: &Part) -> Result<Response, Failure> {
    match (part.rest.get(1), &part.method) {
        (None, &Method::GET) => {
            let value: Vec<Value> = incident.comments.iter().map(|each| told(work, incident, each)).collect();
            Ok(json_of(json!({ "value": value })))
        }
        (Some(name), &Method::GET) => {
            let found = find(work, incident, name);
            let missing =
                || Failure::missing(format!("incident {} has no comment `{name}`", incident.number));
            Ok(json_of(told(work, incident, found.ok_or_else(missing)?)))
        }
        (Some(name), &Method::PUT) => put(work, incident, name),
        (Some(_), &Method::DELETE) => Err(Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "comments are not deleted, since they are part of the record; add one that corrects it",
        )),
        _ => Err(only("GET and PUT")),
    }
}

fn find<'i>(work: &Work, incident: &'i Incident, name: &str) -> Option<&'i Comment> {
    let number = work.desk.number_of(incident.number, Role::Comment, name);
    let is_it = |comment: &&Comment| match number {
        Some(number) => comment.number == number,
        None => shape::name(incident, "comment", comment.number).eq_ignore_ascii_case(name),
    };
    incident.comments.iter().find(is_it)
}

/// Adds a comment; the same one again changes nothing.
fn put(work: &Work, incident: &Incident, name: &str) -> Result<Response, Failure> {
    let message = work.body.pointer("/properties/message").and_then(Value::as_str).unwrap_or_default();
    if let Some(known) = find(work, incident, name) {
        return if known.text == message {
            Ok(json_of(told(work, incident, known)))
        } else {
            let message = "comments are not changed, since they are part of the record; add another one";
            Err(Failure::new(StatusCode::CONFLICT, "Conflict", message))
        };
    }
    let order = Order::Comment { text: message.to_owned() };
    let command = Command { incident: incident.number, seen: None, by: work.by.clone(), order };
    let changed = work.desk.order(&command, Some((Role::Comment, name)), OsSystem.now())?;
    let made = find(work, &changed, name)
        .ok_or_else(|| Failure::missing("the comment was not kept; send it again"))?;
    Ok((StatusCode::CREATED, axum::Json(told(work, &changed, made))).into_response())
}

fn told(work: &Work, incident: &Incident, comment: &Comment) -> Value {
    let own = work.desk.name_of(incident.number, Role::Comment, comment.number);
    let name = own.unwrap_or_else(|| shape::name(incident, "comment", comment.number));
    json!({
        "id": format!("{}/comments/{name}", shape::id(&work.workspace, incident)), "name": name,
        "type": "Microsoft.SecurityInsights/incidents/comments", "etag": shape::etag(u64::from(comment.number)),
        "properties": {
            "message": comment.text, "author": shape::client(&comment.by),
            "createdTimeUtc": shape::time(comment.at), "lastModifiedTimeUtc": shape::time(comment.at),
        },
    })
}
