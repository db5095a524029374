//! `text/categories`: categories that are trained from examples, as operations with a status.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path as At, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_base::{OsSystem, System as _};
use castellan_shield::harm::{Category, Examples, FEWEST, NamedCategory, is_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operations::{Status, accepted};
use super::store::{All, CategoryVersion, Custom, MOST, MOST_VERSIONS, Trained, now};
use super::{Versioned, operation_id};
use crate::contentsafety::page::{Page, base};
use crate::contentsafety::{Asked, Failure, Operation, Service, limits, no_content, told};
use crate::{Gate, Refusal};

/// Fewest and most characters of a text, where limits are kept.
const TEXT: (usize, usize) = (1, 1_000);
/// Largest file of examples, in bytes.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fresh {
    category_name: Option<String>,
    definition: String,
    #[serde(default)]
    sample_blob_url: String,
    castellan: Option<Inline>,
}

/// What the service of the same shape does not take: the examples themselves.
#[derive(Debug, Deserialize)]
struct Inline {
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    text: String,
    is_positive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analyze {
    text: String,
    category_name: String,
    version: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analyzed {
    custom_category_analysis: Analysis,
    castellan: More,
}

#[derive(Debug, Serialize)]
struct Analysis {
    detected: bool,
}

#[derive(Debug, Serialize)]
struct More {
    probability: f32,
    version: u32,
}

/// A version as answers say it.
fn shown(name: &str, version: &CategoryVersion) -> Value {
    let held_out = version.trained.as_ref().map(Trained::held_out);
    json!({
        "categoryName": name,
        "definition": version.definition,
        "sampleBlobUrl": version.blob,
        "sampleBlobSnapshotUrl": version.blob,
        "version": version.version,
        "createdTime": version.created,
        "status": version.status,
        "castellan": { "heldOut": held_out },
    })
}

pub(crate) async fn list(
    State(service): State<Service>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    told(page.has(Operation::Categories).map(|()| {
        let all = service.custom.read();
        let latest: Vec<Value> = (all.categories.iter())
            .filter_map(|(name, versions)| versions.last().map(|version| shown(name, version)))
            .collect();
        page.of(latest.into_iter(), (&service, &headers), "/text/categories")
    }))
}

pub(crate) async fn get(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Versioned>,
) -> Response {
    told(asked.has(Operation::Categories).and_then(|()| {
        let all = service.custom.read();
        let version = all.version(&name, asked.version)?;
        Ok(json!({ "value": [shown(&name, version)] }))
    }))
}

pub(crate) async fn put(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Versioned>,
    request: Request,
) -> Response {
    if let Err(failure) = asked.has(Operation::Categories) {
        return failure.into_response();
    }
    let custom = Arc::clone(&service.custom);
    let work = move |fresh: Fresh| create(&custom, &name, fresh);
    let done: Result<(bool, Value), Failure> =
        service.gate.worked(request, StatusCode::BAD_REQUEST, work).await;
    match done {
        Ok((true, version)) => (StatusCode::CREATED, Json(version)).into_response(),
        Ok((false, version)) => Json(version).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// Adds a version. Says whether the category is a new one.
fn create(custom: &Custom, name: &str, fresh: Fresh) -> Result<(bool, Value), Failure> {
    if !is_name(name) {
        let message = format!("`{name}` is no name; use up to 64 letters, digits and hyphens");
        return Err(Failure::name(message));
    }
    if fresh.category_name.as_ref().is_some_and(|own| own != name) {
        return Err(Failure::body("`categoryName` is not the name in the path; send the same, or none"));
    }
    let examples = examples(custom, &fresh)?;
    let (yes, no) = (examples.positive.len(), examples.negative.len());
    if yes < FEWEST || no < FEWEST || yes + no > castellan_shield::harm::MOST {
        let most = castellan_shield::harm::MOST;
        return Err(Failure::body(format!(
            "there are {yes} samples that belong to the category and {no} that do not; send at least {FEWEST} of each, \
             {most} at most"
        )));
    }
    custom.change(|all| {
        if !all.categories.contains_key(name) && all.categories.len() >= MOST {
            return Err(Failure::body(format!("there are {MOST} categories; delete one")));
        }
        let versions = all.categories.entry(name.to_owned()).or_default();
        if versions.len() >= MOST_VERSIONS {
            return Err(Failure::body(format!("`{name}` has {MOST_VERSIONS} versions; delete one")));
        }
        let version = CategoryVersion {
            version: versions.last().map_or(1, |last| last.version + 1),
            definition: fresh.definition,
            blob: fresh.sample_blob_url,
            created: now(),
            status: Status::NotStarted,
            examples,
            trained: None,
        };
        let answer = shown(name, &version);
        versions.push(version);
        Ok((versions.len() == 1, answer))
    })
}

/// The examples of a request: its own, or those of a file that it may name.
fn examples(custom: &Custom, fresh: &Fresh) -> Result<Examples, Failure> {
    let inline = fresh.castellan.as_ref().map(|inline| &inline.samples);
    match (inline, fresh.sample_blob_url.as_str()) {
        (Some(samples), "") => {
            let mut examples = Examples::default();
            samples.iter().for_each(|sample| examples.add(sample.text.clone(), sample.is_positive));
            Ok(examples)
        }
        (Some(_), _) => Err(Failure::body("send `sampleBlobUrl` or `castellan.samples`, not both")),
        (None, url) => match (url.strip_prefix("file:"), &custom.samples) {
            (Some(name), Some(folder)) => file(folder, name),
            _ => Err(Failure::body(
                "this server fetches no samples; send them as `\"castellan\": {\"samples\": [{\"text\", \"isPositive\"}]}`, \
                 or start it with `castellan up --category-samples FOLDER` and name a file there as `file:NAME.jsonl`",
            )),
        },
    }
}

fn file(folder: &Path, name: &str) -> Result<Examples, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(Failure::body(format!(
            "`{name}` is no name of a file; use letters, digits, `.`, `_` and `-`"
        )));
    }
    let bytes = OsSystem
        .read(&folder.join(name), LARGEST)
        .map_err(|error| Failure::body(format!("`{name}` cannot be read: {error}")))?;
    let lines = String::from_utf8(bytes).map_err(|_| Failure::body(format!("`{name}` is not UTF-8")))?;
    Examples::read(&lines).map_err(|error| Failure::body(format!("`{name}`, {error}")))
}

pub(crate) async fn delete(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Versioned>,
) -> Response {
    if let Err(failure) = asked.has(Operation::Categories) {
        return failure.into_response();
    }
    let custom = Arc::clone(&service.custom);
    let work = move || {
        custom.change(|all| {
            all.version(&name, asked.version)?;
            match asked.version {
                None => drop(all.categories.remove(&name)),
                Some(version) => remove(all, &name, version),
            }
            Ok(())
        })
    };
    no_content(service.gate.aside(work).await)
}

fn remove(all: &mut All, name: &str, version: u32) {
    let Some(versions) = all.categories.get_mut(name) else { return };
    versions.retain(|known| known.version != version);
    if versions.is_empty() {
        all.categories.remove(name);
    }
}

/// `POST text/categories/{name}:build`.
pub(crate) async fn build(
    State(service): State<Service>,
    At(target): At<String>,
    Query(asked): Query<Versioned>,
    request: Request,
) -> Response {
    let begun = asked.has(Operation::Categories).and_then(|()| {
        Gate::no_page(&request)?;
        let Some((name, "build")) = target.rsplit_once(':') else {
            return Err(Failure::missing("there is no such operation on a category"));
        };
        begin(&service, name, asked.version, operation_id(request.headers()))
    });
    match begun {
        Ok(id) => {
            let version = asked.api.unwrap_or_default();
            let path = format!("/text/categories/operations/{id}?api-version={version}");
            let location = format!("{}{path}", base(&service, request.headers()));
            match service.custom.categories.told(&id, "error") {
                Ok(told) => accepted(&id, told, &location),
                Err(failure) => failure.into_response(),
            }
        }
        Err(failure) => failure.into_response(),
    }
}

/// Has a version built once those before it are.
fn begin(service: &Service, name: &str, version: Option<u32>, id: Option<&str>) -> Result<String, Failure> {
    let custom = Arc::clone(&service.custom);
    let version = {
        let all = custom.read();
        let found = all.version(name, version)?;
        match found.status {
            Status::NotStarted | Status::Failed => found.version,
            Status::Running => return Err(Failure::body("this version is being built")),
            Status::Succeeded => return Err(Failure::body("this version is built; PUT makes another one")),
        }
    };
    let busy = |_| {
        Failure::from(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many builds are waiting; try again"))
    };
    let place = Arc::clone(&custom.waiting).try_acquire_owned().map_err(busy)?;
    let id = custom.categories.begin(id)?;
    let (gate, name, operation) = (service.gate.clone(), name.to_owned(), id.clone());
    tokio::spawn(async move {
        let turn = Arc::clone(&custom.building).acquire_owned().await;
        let worker = Arc::clone(&custom);
        let under = operation.clone();
        let done = gate.aside(move || train(&worker, &name, version, &under)).await;
        match done {
            Ok(()) => custom.categories.set(&operation, Status::Succeeded, None),
            Err(failure) => {
                custom.categories.set(&operation, Status::Failed, Some(failure.message().to_owned()))
            }
        }
        drop((turn, place));
    });
    Ok(id)
}

/// Builds a version, and keeps what came of it.
fn train(custom: &Custom, name: &str, version: u32, operation: &str) -> Result<(), Failure> {
    custom.categories.set(operation, Status::Running, None);
    let (definition, examples) = custom.change(|all| {
        let found = version_of(all, name, version)?;
        // Another build of it may have been waiting before this one.
        if matches!(found.status, Status::Running | Status::Succeeded) {
            return Err(Failure::body("this version is built by another operation"));
        }
        found.status = Status::Running;
        Ok((found.definition.clone(), found.examples.clone()))
    })?;
    let trained = NamedCategory::train(name, &definition, &examples);
    let trained = trained.map_err(|error| Failure::body(error.to_string())).and_then(Trained::new);
    custom.change(|all| {
        let found = version_of(all, name, version)?;
        match &trained {
            Ok(trained) => {
                found.status = Status::Succeeded;
                found.trained = Some(trained.clone());
                found.examples = Examples::default();
            }
            Err(_) => found.status = Status::Failed,
        }
        Ok(())
    })?;
    trained.map(drop)
}

fn version_of<'a>(all: &'a mut All, name: &str, version: u32) -> Result<&'a mut CategoryVersion, Failure> {
    let versions = all.categories.get_mut(name).into_iter().flatten();
    let gone = || Failure::missing(format!("version {version} of `{name}` was deleted"));
    versions.into_iter().find(|known| known.version == version).ok_or_else(gone)
}

pub(crate) async fn operation(
    State(service): State<Service>,
    At(id): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Categories).and_then(|()| service.custom.categories.told(&id, "error")))
}

pub(crate) async fn analyze(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::Categories), request, analyzed).await
}

fn analyzed(service: &Service, asked: Analyze) -> Result<Analyzed, Failure> {
    limits::within(service, "text", &asked.text, TEXT)?;
    let (version, trained) = {
        let all = service.custom.read();
        let found = all.version(&asked.category_name, asked.version)?;
        let name = &asked.category_name;
        let trained = found.trained.clone().ok_or_else(|| {
            Failure::body(format!(
                "version {} of `{name}` is not built; POST text/categories/{name}:build",
                found.version
            ))
        })?;
        (found.version, trained)
    };
    let probability = trained.category.category().probability(&asked.text);
    Ok(Analyzed {
        custom_category_analysis: Analysis { detected: probability >= Category::BELONGS },
        castellan: More { probability, version },
    })
}
