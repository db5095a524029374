//! Tasks of an incident.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_base::{OsSystem, System as _};
use castellan_detect::incident::{Command, Incident, Order, Task};
use castellan_incident::store::Role;
use serde_json::{Value, json};

use super::arm::{Part, Work, json_of, only};
use super::shape;
use crate::workspaces::Failure;

pub(super) fn answer(work: &Work, incident: &Incident, part: &Part) -> Result<Response, Failure> {
    match (part.rest.get(1), &part.method) {
        (None, &Method::GET) => {
            let value: Vec<Value> = incident.tasks.iter().map(|each| told(work, incident, each)).collect();
            Ok(json_of(json!({ "value": value })))
        }
        (Some(name), &Method::GET) => {
            let missing = || Failure::missing(format!("incident {} has no task `{name}`", incident.number));
            Ok(json_of(told(work, incident, find(work, incident, name).ok_or_else(missing)?)))
        }
        (Some(name), &Method::PUT) => put(work, incident, name),
        (Some(_), &Method::DELETE) => Err(Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "tasks are not deleted, since they are part of the record; complete it",
        )),
        _ => Err(only("GET and PUT")),
    }
}

fn find<'i>(work: &Work, incident: &'i Incident, name: &str) -> Option<&'i Task> {
    let number = work.desk.number_of(incident.number, Role::Task, name);
    let is_it = |task: &&Task| match number {
        Some(number) => task.number == number,
        None => shape::name(incident, "task", task.number).eq_ignore_ascii_case(name),
    };
    incident.tasks.iter().find(is_it)
}

/// Adds a task, or completes one.
fn put(work: &Work, incident: &Incident, name: &str) -> Result<Response, Failure> {
    let said = |member: &str| work.body.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
    let is_done = match said("status").unwrap_or("New").to_ascii_lowercase().as_str() {
        "new" => false,
        "completed" => true,
        other => return Err(Failure::bad(format!("`status` is `{other}`; it is New or Completed"))),
    };
    let (title, description) = (said("title").unwrap_or_default(), said("description").unwrap_or_default());
    let (changed, is_new) = match find(work, incident, name) {
        Some(known) => {
            let is_same =
                title == known.title && (said("description").is_none() || description == known.description);
            if !is_same || known.done.is_some() && !is_done {
                let message =
                    "the words of a task are not changed, and one that is done stays done; add another one";
                return Err(Failure::new(StatusCode::CONFLICT, "Conflict", message));
            }
            (incident.clone(), false)
        }
        None => {
            let order = Order::AddTask { title: title.to_owned(), description: description.to_owned() };
            (ordered(work, incident, order, Some((Role::Task, name)))?, true)
        }
    };
    let lost = || Failure::missing("the task was not kept; send it again");
    let number = find(work, &changed, name).ok_or_else(lost)?;
    let finish = is_done && number.done.is_none();
    let number = number.number;
    let changed =
        if finish { ordered(work, incident, Order::FinishTask { task: number }, None)? } else { changed };
    let made = told(work, &changed, find(work, &changed, name).ok_or_else(lost)?);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(made)).into_response())
}

fn ordered(
    work: &Work,
    incident: &Incident,
    order: Order,
    name: Option<(Role, &str)>,
) -> Result<Incident, Failure> {
    let command = Command { incident: incident.number, seen: None, by: work.by.clone(), order };
    Ok(work.desk.order(&command, name, OsSystem.now())?)
}

fn told(work: &Work, incident: &Incident, task: &Task) -> Value {
    let own = work.desk.name_of(incident.number, Role::Task, task.number);
    let name = own.unwrap_or_else(|| shape::name(incident, "task", task.number));
    let (by, at) = task.done.as_ref().map_or((&task.by, task.at), |(by, at)| (by, *at));
    json!({
        "id": format!("{}/tasks/{name}", shape::id(&work.workspace, incident)), "name": name,
        "type": "Microsoft.SecurityInsights/incidents/tasks",
        "etag": shape::etag(u64::from(task.number) * 2 + u64::from(task.done.is_some())),
        "properties": {
            "title": task.title, "description": task.description,
            "status": if task.done.is_some() { "Completed" } else { "New" },
            "createdTimeUtc": shape::time(task.at), "createdBy": shape::client(&task.by),
            "lastModifiedTimeUtc": shape::time(at), "lastModifiedBy": shape::client(by),
        },
    })
}
