//! `text/incidents`: what is worded like a few samples. There is nothing to train: a deployed incident is effective at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path as At, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_shield::harm::{MOST_SAMPLES, is_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::operation_id;
use super::operations::{Status, accepted};
use super::store::{All, Custom, Deployed, KeptIncident, MOST, Sample, now};
use crate::Gate;
use crate::contentsafety::page::{Page, base};
use crate::contentsafety::{Asked, Failure, Operation, Service, limits, no_content, told};

/// Most bytes of a sample.
const LONGEST: usize = 8_000;
/// Most bytes of a text: it is compared with every sample of every incident.
const LONGEST_TEXT: usize = 400_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fresh {
    incident_name: Option<String>,
    incident_definition: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    // A how-to of the service writes it with a capital.
    #[serde(alias = "IncidentSamples")]
    incident_samples: Vec<Text>,
}

#[derive(Debug, Deserialize)]
struct Text {
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Removed {
    incident_sample_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detect {
    text: String,
    incident_names: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detected {
    incident_matches: Vec<Match>,
    castellan: More,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    incident_name: String,
}

#[derive(Debug, Serialize)]
struct More {
    similarities: Vec<Similarity>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Similarity {
    incident_name: String,
    similarity: f32,
}

fn shown(name: &str, incident: &KeptIncident) -> Value {
    let mut shown = json!({
        "incidentName": name,
        "created": incident.created,
        "lastUpdated": incident.updated,
    });
    if let (Some(definition), Some(members)) = (&incident.definition, shown.as_object_mut()) {
        members.insert("incidentDefinition".to_owned(), json!(definition));
    }
    shown
}

fn named<'a>(all: &'a All, name: &str) -> Result<&'a KeptIncident, Failure> {
    all.incidents.get(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::missing(format!("there is no incident `{name}`; PATCH text/incidents/{name} makes one"))
}

pub(crate) async fn list(
    State(service): State<Service>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    told(page.has(Operation::Incidents).map(|()| {
        let all = service.custom.read();
        let incidents: Vec<Value> =
            all.incidents.iter().map(|(name, incident)| shown(name, incident)).collect();
        page.of(incidents.into_iter(), (&service, &headers), "/text/incidents")
    }))
}

pub(crate) async fn get(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Incidents).and_then(|()| {
        let all = service.custom.read();
        named(&all, &name).map(|incident| shown(&name, incident))
    }))
}

pub(crate) async fn patch(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    if let Err(failure) = asked.has(Operation::Incidents) {
        return failure.into_response();
    }
    let custom = Arc::clone(&service.custom);
    let work = move |fresh: Fresh| update(&custom, &name, fresh);
    let done: Result<(bool, Value), Failure> =
        service.gate.worked(request, StatusCode::BAD_REQUEST, work).await;
    match done {
        Ok((true, incident)) => (StatusCode::CREATED, Json(incident)).into_response(),
        Ok((false, incident)) => Json(incident).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// Makes or changes an incident. Says whether it is a new one.
fn update(custom: &Custom, name: &str, fresh: Fresh) -> Result<(bool, Value), Failure> {
    if !is_name(name) {
        let message = format!("`{name}` is no name; use up to 64 letters, digits and hyphens");
        return Err(Failure::name(message));
    }
    if fresh.incident_name.as_ref().is_some_and(|own| own != name) {
        return Err(Failure::body("`incidentName` is not the name in the path; send the same, or none"));
    }
    custom.change(|all| {
        let is_new = !all.incidents.contains_key(name);
        if is_new && all.incidents.len() >= MOST {
            return Err(Failure::body(format!("there are {MOST} incidents; delete one")));
        }
        let fresh_one = || KeptIncident { created: now(), ..KeptIncident::default() };
        let incident = all.incidents.entry(name.to_owned()).or_insert_with(fresh_one);
        incident.updated = now();
        if fresh.incident_definition.is_some() {
            incident.definition = fresh.incident_definition;
        }
        Ok((is_new, shown(name, incident)))
    })
}

pub(crate) async fn delete(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    if let Err(failure) = asked.has(Operation::Incidents) {
        return failure.into_response();
    }
    let custom = Arc::clone(&service.custom);
    let work =
        move || custom.change(|all| all.incidents.remove(&name).map(drop).ok_or_else(|| missing(&name)));
    no_content(service.gate.aside(work).await)
}

/// `POST text/incidents/{name}:addIncidentSamples`, `:removeIncidentSamples` and `:deploy`.
pub(crate) async fn act(
    State(service): State<Service>,
    At(target): At<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    if let Err(failure) = asked.has(Operation::Incidents) {
        return failure.into_response();
    }
    let custom = Arc::clone(&service.custom);
    match target.rsplit_once(':') {
        Some((name, "addIncidentSamples")) => {
            let name = name.to_owned();
            let work = move |added: Added| custom.change(|all| add(all, &name, added.incident_samples));
            told(service.gate.worked(request, StatusCode::BAD_REQUEST, work).await)
        }
        Some((name, "removeIncidentSamples")) => {
            let name = name.to_owned();
            let work =
                move |removed: Removed| custom.change(|all| remove(all, &name, &removed.incident_sample_ids));
            no_content(service.gate.worked(request, StatusCode::BAD_REQUEST, work).await)
        }
        Some((name, "deploy")) => deploy(&service, name.to_owned(), &asked, request).await,
        _ => Failure::missing("there is no such operation on an incident").into_response(),
    }
}

/// The incident, which changes now.
fn changing<'a>(all: &'a mut All, name: &str) -> Result<&'a mut KeptIncident, Failure> {
    let incident = all.incidents.get_mut(name).ok_or_else(|| missing(name))?;
    incident.updated = now();
    Ok(incident)
}

fn add(all: &mut All, name: &str, texts: Vec<Text>) -> Result<Value, Failure> {
    let incident = changing(all, name)?;
    if texts.is_empty() || incident.samples.len() + texts.len() > MOST_SAMPLES {
        let message = format!("there are {} samples to add to {}", texts.len(), incident.samples.len());
        return Err(Failure::body(format!("{message}; an incident has 1 to {MOST_SAMPLES}")));
    }
    let wrong = |text: &&Text| text.text.trim().is_empty() || text.text.len() > LONGEST;
    if let Some(wrong) = texts.iter().find(wrong) {
        return Err(Failure::body(format!("a sample has {} bytes; send 1 to {LONGEST}", wrong.text.len())));
    }
    let samples: Vec<Sample> = texts
        .into_iter()
        .map(|text| Sample { incident_sample_id: Uuid::now_v7().to_string(), text: text.text })
        .collect();
    incident.samples.extend(samples.iter().cloned());
    Ok(json!({ "incidentSamples": samples }))
}

fn remove(all: &mut All, name: &str, ids: &[String]) -> Result<(), Failure> {
    let incident = changing(all, name)?;
    for id in ids {
        let place = incident.samples.iter().position(|sample| sample.incident_sample_id == *id);
        let place = place.ok_or_else(|| {
            Failure::missing(format!("there is no sample `{id}` in `{name}`; nothing was removed"))
        })?;
        incident.samples.remove(place);
    }
    Ok(())
}

/// Has texts compared with the samples that there are now. That takes no time, so the operation has ended when it is
/// answered.
async fn deploy(service: &Service, name: String, asked: &Asked, request: Request) -> Response {
    let custom = Arc::clone(&service.custom);
    let work = move || {
        custom.change(|all| {
            let incident = changing(all, &name)?;
            if incident.samples.is_empty() {
                let message =
                    format!("`{name}` has no samples; POST text/incidents/{name}:addIncidentSamples");
                return Err(Failure::body(message));
            }
            let texts: Vec<String> = incident.samples.iter().map(|sample| sample.text.clone()).collect();
            incident.deployed = Some(Deployed::from(texts));
            Ok(())
        })
    };
    let operations = &service.custom.incidents;
    let begun = Gate::no_page(&request)
        .map_err(Failure::from)
        .and_then(|()| operations.begin(operation_id(request.headers())));
    let id = match begun {
        Ok(id) => id,
        Err(failure) => return failure.into_response(),
    };
    if let Err(failure) = service.gate.aside(work).await {
        operations.set(&id, Status::Failed, Some(failure.message().to_owned()));
        return failure.into_response();
    }
    operations.set(&id, Status::Succeeded, None);
    let path = format!("/text/incidents/operations/{id}?api-version={}", asked.name());
    let location = format!("{}{path}", base(service, request.headers()));
    match operations.told(&id, "error") {
        Ok(told) => accepted(&id, told, &location),
        Err(failure) => failure.into_response(),
    }
}

pub(crate) async fn operation(
    State(service): State<Service>,
    At(id): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Incidents).and_then(|()| service.custom.incidents.told(&id, "errorMessage")))
}

pub(crate) async fn samples(
    State(service): State<Service>,
    At(name): At<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    told(page.has(Operation::Incidents).and_then(|()| {
        let all = service.custom.read();
        let incident = named(&all, &name)?;
        let path = format!("/text/incidents/{name}/incidentSamples");
        Ok(page.of(incident.samples.iter(), (&service, &headers), &path))
    }))
}

pub(crate) async fn sample(
    State(service): State<Service>,
    At((name, id)): At<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Incidents).and_then(|()| {
        let all = service.custom.read();
        let mut samples = named(&all, &name)?.samples.iter();
        let found = samples.find(|sample| sample.incident_sample_id == id).cloned();
        found.ok_or_else(|| Failure::missing(format!("there is no sample `{id}` in an incident `{name}`")))
    }))
}

pub(crate) async fn detect(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::Incidents), request, detected).await
}

fn detected(service: &Service, asked: Detect) -> Result<Detected, Failure> {
    limits::text(service, "text", &asked.text)?;
    if asked.incident_names.len() > MOST {
        return Err(Failure::body(format!("there are more than {MOST} names")));
    }
    if asked.text.len() > LONGEST_TEXT {
        let length = asked.text.len();
        return Err(Failure::body(format!("`text` has {length} bytes; send up to {LONGEST_TEXT} at once")));
    }
    let mut incidents = Vec::new();
    {
        let all = service.custom.read();
        for name in asked.incident_names {
            let deployed = named(&all, &name)?.deployed.as_ref().ok_or_else(|| {
                Failure::body(format!("`{name}` is not deployed; POST text/incidents/{name}:deploy"))
            })?;
            incidents.push((name, Arc::clone(&deployed.incident)));
        }
    }
    let (mut incident_matches, mut similarities) = (Vec::new(), Vec::new());
    for (incident_name, incident) in incidents {
        let similarity = incident.similarity(&asked.text);
        if similarity >= castellan_shield::harm::Incident::ALIKE {
            incident_matches.push(Match { incident_name: incident_name.clone() });
        }
        similarities.push(Similarity { incident_name, similarity });
    }
    Ok(Detected { incident_matches, castellan: More { similarities } })
}
