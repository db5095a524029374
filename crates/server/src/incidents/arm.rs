//! Incidents as Azure Resource Manager has them.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_base::{OsSystem, System as _};
use castellan_detect::incident::{By, Incident};
use castellan_incident::Desk;
use castellan_incident::api::{Failure as Fault, FailureKind};
use castellan_incident::desk::DeskError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::{Face, comments, entities, order, shape, tasks};
use crate::queries::parameter;
use crate::workspaces::Failure;

/// Incidents of a page, and the most of one.
const USUAL: usize = 50;
const MOST: usize = 1_000;
/// The header that says who a gateway before us knows the client as.
const PRINCIPAL: &str = "x-ms-client-principal-name";

/// What a request works on.
pub(super) struct Work {
    pub(super) desk: Arc<Desk>,
    /// The id of the workspace.
    pub(super) workspace: String,
    pub(super) by: By,
    /// The version that the client looked at.
    pub(super) seen: Option<u64>,
    pub(super) body: Value,
}

/// What a request asks for, once its incident is known.
pub(super) struct Part {
    pub(super) method: Method,
    /// The segments behind the incident; those that are words have no case.
    pub(super) rest: Vec<String>,
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Failure {
        let fault = Fault::from(error);
        let (code, status) = (code(fault.kind), super::status(fault.kind));
        Failure::new(status, code, fault.message)
    }
}

fn code(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Bad => "BadRequest",
        FailureKind::Forbidden => "Forbidden",
        FailureKind::Missing | FailureKind::Gone => "NotFound",
        FailureKind::Conflict => "Conflict",
        FailureKind::Failed => "InternalServerError",
    }
}

/// Answers a request for a resource of the provider: `rest` follows its name.
pub(crate) async fn resource(
    face: &Face,
    workspace: &str,
    rest: &[&str],
    request: Request,
) -> Result<Response, Failure> {
    let nothing =
        || Failure::missing("this resource is not here; `docs/incidents.md` says which operations there are");
    let [kind, rest @ ..] = rest else { return Err(nothing()) };
    if !kind.eq_ignore_ascii_case("incidents") {
        return Err(nothing());
    }
    let method = request.method().clone();
    let headers = request.headers().clone();
    let by = headers.get(PRINCIPAL).and_then(|name| name.to_str().ok()).filter(|name| !name.is_empty());
    let by = By::Person(by.unwrap_or("api").chars().take(256).collect());
    let uri = request.uri().clone();
    let body = if method == Method::PUT {
        face.gate.read::<Value>(request, StatusCode::BAD_REQUEST).await?.0
    } else {
        Value::Null
    };
    let seen = seen(&headers, &body)?;
    let work = Work { desk: Arc::clone(&face.desk), workspace: workspace.to_owned(), by, seen, body };
    let Some((name, rest)) = rest.split_first() else {
        if method != Method::GET {
            return Err(only("GET"));
        }
        let page = Page::of(uri.query(), format!("{}{}", face.base(&headers), uri.path()))?;
        return face.gate.aside(move || list(&work, &page)).await.map(json_of);
    };
    let part = Part { method, rest: rest.iter().map(|part| (*part).to_owned()).collect() };
    let name = (*name).to_owned();
    face.gate.aside(move || one(&work, &name, &part)).await
}

pub(super) fn json_of(value: Value) -> Response {
    axum::Json(value).into_response()
}

pub(super) fn only(methods: &'static str) -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", format!("here there are {methods}"))
}

/// The version that a client looked at, out of the header or the body. `*` is any.
fn seen(headers: &HeaderMap, body: &Value) -> Result<Option<u64>, Failure> {
    let header = headers.get(IF_MATCH).and_then(|tag| tag.to_str().ok());
    let tag = header.or(body.get("etag").and_then(Value::as_str));
    let tag = tag.map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    match tag {
        None | Some("" | "*") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Failure::bad(format!("the etag `{text}` was never given here; get the incident to see its own"))
        }),
    }
}

fn one(work: &Work, name: &str, part: &Part) -> Result<Response, Failure> {
    // A name that is a number is none of ours: names of resources are ids.
    let number = Some(name).filter(|name| name.parse::<u32>().is_err()).and_then(|name| work.desk.find(name));
    let missing = || {
        let told = format!(
            "there is no incident `{name}`; incidents are made by alerts, and cannot be created here"
        );
        Failure::missing(told)
    };
    let incident = work.desk.incident(number.ok_or_else(missing)?)?;
    let words: Vec<String> = part.rest.iter().map(|part| part.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (words.as_slice(), &part.method) {
        ([], &Method::GET) => Ok(json_of(shape::incident(&work.workspace, &incident))),
        ([], &Method::PUT) => put(work, &incident),
        ([], &Method::DELETE) => Err(Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "incidents are not deleted, since they are the record of what happened; close it instead",
        )),
        (["alerts"], &Method::POST) => Ok(json_of(json!({ "value": entities::alerts(work, &incident) }))),
        (["bookmarks"], &Method::POST) => Ok(json_of(json!({ "value": [] }))),
        (["entities"], &Method::POST) => Ok(json_of(entities::entities(work, &incident))),
        (["relations"], &Method::GET) => {
            Ok(json_of(json!({ "value": entities::relations(work, &incident) })))
        }
        (["comments", ..], _) => comments::answer(work, &incident, part),
        (["tasks", ..], _) => tasks::answer(work, &incident, part),
        _ => Err(Failure::missing("this is not here; `docs/incidents.md` says which operations there are")),
    }
}

/// Changes an incident to what the body says.
fn put(work: &Work, incident: &Incident) -> Result<Response, Failure> {
    let orders = order::orders(incident, &work.body)?;
    let changed = work.desk.orders(incident.number, work.seen, &work.by, orders, OsSystem.now());
    let stale = |error: DeskError| match error {
        DeskError::Incident(stale @ castellan_detect::incident::IncidentError::Stale { .. }) => {
            Failure::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", stale.to_string())
        }
        other => other.into(),
    };
    Ok(json_of(shape::incident(&work.workspace, &changed.map_err(stale)?)))
}

/// Which incidents of the list are asked for.
struct Page {
    filter: Option<Filter>,
    by: String,
    is_rising: bool,
    top: usize,
    skip: usize,
    /// Where the next page is, without the token.
    link: String,
}

#[derive(Deserialize)]
struct Numbers {
    skip: usize,
}

impl Page {
    fn of(query: Option<&str>, address: String) -> Result<Page, Failure> {
        let said = |name: &str| parameter(query, name).filter(|value| !value.is_empty());
        let filter = said("$filter").map(|text| Filter::read(&text)).transpose();
        let filter = filter.map_err(|why| Failure::bad(format!("`$filter` cannot be used: {why}")))?;
        let order = said("$orderby").unwrap_or_else(|| "properties/incidentNumber desc".to_owned());
        let (by, direction) = order.trim().split_once(' ').unwrap_or((order.trim(), "asc"));
        let is_rising = match direction.trim().to_ascii_lowercase().as_str() {
            "asc" => true,
            "desc" => false,
            other => return Err(Failure::bad(format!("`$orderby` says `{other}`; it is asc or desc"))),
        };
        let top = match said("$top") {
            None => USUAL,
            Some(text) => {
                text.parse().map_err(|_| Failure::bad(format!("`$top` is `{text}`, which is no number")))?
            }
        };
        let skip = match said("$skipToken") {
            None => 0,
            Some(text) => {
                let read = serde_json::from_str::<Numbers>(&text)
                    .or_else(|_| text.parse().map(|skip| Numbers { skip }));
                read.map_err(|_| {
                    Failure::bad("`$skipToken` was never given here; begin with the first page")
                })?
                .skip
            }
        };
        let kept = ["api-version", "$filter", "$orderby", "$top"].iter();
        let kept = kept.filter_map(|name| Some(format!("{name}={}", encoded(&said(name)?))));
        let link = format!("{address}?{}", kept.collect::<Vec<_>>().join("&"));
        Ok(Page { filter, by: by.to_owned(), is_rising, top: top.clamp(1, MOST), skip, link })
    }
}

/// A value of a parameter as an address has it.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn list(work: &Work, page: &Page) -> Result<Value, Failure> {
    let mut found: Vec<(Key, u32)> = Vec::new();
    work.desk.each(|incident| {
        let told = shape::incident(&work.workspace, incident);
        if page.filter.as_ref().is_none_or(|filter| filter.fits(&told)) {
            found.push((Key::of(super::filter::at(&told, &page.by)), incident.number));
        }
    });
    found.sort();
    if !page.is_rising {
        found.reverse();
    }
    let numbers = found.iter().map(|(_, number)| *number).skip(page.skip).take(page.top);
    let value: Vec<Value> = numbers
        .filter_map(|number| work.desk.incident(number).ok())
        .map(|incident| shape::incident(&work.workspace, &incident))
        .collect();
    let next = page.skip.saturating_add(page.top);
    let mut answer = json!({ "value": value });
    if next < found.len()
        && let Some(members) = answer.as_object_mut()
    {
        members.insert("nextLink".to_owned(), format!("{}&%24skipToken={next}", page.link).into());
    }
    Ok(answer)
}

/// A value to sort by: numbers before texts, nothing first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nothing,
    Number(i64),
    Text(String),
}

impl Key {
    fn of(value: &Value) -> Key {
        match value {
            Value::Number(number) => number.as_i64().map_or(Key::Nothing, Key::Number),
            Value::String(text) => match ["informational", "low", "medium", "high"]
                .iter()
                .position(|word| word.eq_ignore_ascii_case(text))
            {
                // Severities are in the order of how bad they are.
                Some(place) => Key::Number(i64::try_from(place).unwrap_or_default()),
                None => Key::Text(text.to_lowercase()),
            },
            _ => Key::Nothing,
        }
    }
}
