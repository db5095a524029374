//! The Logs Ingestion API of Azure Monitor.
//!
//! `POST /dataCollectionRules/{id}/streams/{stream}?api-version=2023-01-01` takes an array of objects, packed with gzip or
//! not, and answers 204. Source: Azure Monitor, "Logs Ingestion API in Azure Monitor" and "Azure Monitor service limits".
//!
//! A request that is repeated with its `x-ms-client-request-id` adds nothing. What was not kept as it came (values beyond
//! 64 KB, members without a column) is told in the header `x-castellan-notes`, since 204 has no body.

mod failure;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use castellan_lake::{Append, Error, Form, Key, Origin, rows};
use serde::Deserialize;

use super::body::{Body, content_type};
use super::keep::Kept;
use super::rules::{Found, Stream, table_of};
use super::{Intake, received};
use crate::Refusal;
use crate::gate::thrown_away;

pub(crate) use failure::Failure;

/// Largest body, in bytes.
const MOST: usize = 1 << 20;
/// Most bytes that a packed body unpacks to. Azure says 1 MB here as well, but its clients count objects without what
/// stands between them, so that what they send may be up to twice as large.
const UNPACKED: usize = 2 * MOST + 2;
/// Longest value of a column, in bytes; what is beyond is cut.
const LONGEST: usize = 64 << 10;
/// The versions of the API that are taken.
const VERSIONS: [&str; 2] = ["2023-01-01", "2021-11-01-preview"];
/// The header by which clients repeat a request.
const REQUEST_ID: &str = "x-ms-client-request-id";
/// The header that says what was not kept as it came.
const NOTES: &str = "x-castellan-notes";

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/dataCollectionRules/")
}

pub(super) fn routes() -> Router<Intake> {
    Router::new().route("/dataCollectionRules/{rule}/streams/{stream}", post(upload))
}

#[derive(Debug, Deserialize)]
struct Version {
    #[serde(rename = "api-version")]
    version: Option<String>,
}

async fn upload(
    State(intake): State<Intake>,
    Path((rule, stream)): Path<(String, String)>,
    Query(version): Query<Version>,
    request: Request,
) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = match taken(&intake, &rule, &stream, version, request).await {
        Ok(kept) => no_content(&kept),
        Err(failure) => failure.into_response(),
    };
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn no_content(kept: &Kept) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(notes) = kept.notes().and_then(|notes| HeaderValue::from_str(&notes).ok()) {
        response.headers_mut().insert(NOTES, notes);
    }
    response
}

async fn taken(
    intake: &Intake,
    rule: &str,
    stream: &str,
    version: Version,
    request: Request,
) -> Result<Kept, Failure> {
    let found = match checked(intake, rule, &version, &request) {
        Ok(found) => found,
        Err(failure) => {
            thrown_away(request).await;
            return Err(failure);
        }
    };
    let announced = header_text(request.headers(), header::CONTENT_LENGTH.as_str());
    let id = header_text(request.headers(), REQUEST_ID);
    let body = Body::read(&intake.gate.at_most(MOST), request, UNPACKED).await;
    let body = body.map_err(|refused| match refused.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::length(announced.as_deref()),
        _ => refused.into(),
    })?;
    let (bytes, held) = body.parts();
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return Err(Failure::json("the body is no JSON array; send `[{...}, {...}]`"));
    }
    let call = Call { intake: intake.clone(), key: id.map(|id| key(rule, stream, &id, &bytes)), bytes };
    let stream = stream.to_owned();
    // What was begun is brought to its end, even if the client has gone.
    let work = tokio::spawn(async move {
        let kept = match found {
            Found::BuiltIn => call.direct(&stream).await,
            Found::Rule(rule) => match rule.stream(&stream) {
                Some(declared) => call.through(declared).await,
                None => Err(unknown_stream(&stream)),
            },
        };
        drop(held);
        kept
    });
    work.await.unwrap_or_else(|_| Err(Refusal::failed("the request could not be worked on").into()))
}

/// What can be said of a request without its body.
fn checked(intake: &Intake, rule: &str, version: &Version, request: &Request) -> Result<Found, Failure> {
    let version = version.version.as_deref().unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return Err(Failure::version(format!("`api-version` has to be {}", VERSIONS.join(" or "))));
    }
    let found = intake.rules.find(rule).ok_or_else(|| Failure::rule(rule))?;
    if content_type(request) != "application/json" {
        let message = "the content type is not `application/json`; say so in the header `Content-Type`";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into());
    }
    Ok(found)
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What tells a call from others. The body is part of it, since a caller may give one id to all parts of an upload.
fn key(rule: &str, stream: &str, id: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [b"logs".as_slice(), rule.as_bytes(), stream.as_bytes(), id.as_bytes(), body] {
        hasher.update(&part.len().to_le_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

fn unknown_stream(stream: &str) -> Failure {
    let stream: String = stream.chars().take(128).collect();
    Failure::stream(format!(
        "the stream `{stream}` is not one of the rule's; declare it and send it somewhere"
    ))
}

/// One call, ready to be worked on.
struct Call {
    intake: Intake,
    key: Option<[u8; 32]>,
    bytes: Vec<u8>,
}

impl Call {
    /// Rows straight to the table that the stream is named after. A table of one's own is made, and given columns.
    async fn direct(&self, stream: &str) -> Result<Kept, Failure> {
        let table = table_of(stream).map_err(Failure::stream)?;
        let is_custom = table.ends_with("_CL");
        let how = Append { adds_columns: is_custom, ..self.how(table, 0) };
        let lake = &self.intake.lake;
        let appended = match lake.append(table, &self.bytes, Form::Array, how.clone()).await {
            Err(Error::UnknownTable { .. }) if is_custom => {
                lake.create_table(table, Vec::new()).await?;
                lake.append(table, &self.bytes, Form::Array, how).await
            }
            done => done,
        };
        let appended = appended.inspect_err(|error| self.intake.tell_of(error))?;
        let mut kept = Kept::default();
        kept.add(&appended);
        Ok(kept)
    }

    /// Rows through the flows of a rule.
    async fn through(&self, stream: &Stream) -> Result<Kept, Failure> {
        let received = received();
        let origin = Origin { received, resource: None, keeps_times: true, longest: None };
        let read = rows::from_json(&stream.schema, &self.bytes, Form::Array, &origin)?;
        let mut kept = Kept::default();
        kept.misfit(&read.misfits);
        if read.batch.num_rows() == 0 {
            return Ok(kept);
        }
        for (place, flow) in stream.flows.iter().enumerate() {
            let Some(batch) = flow.transformed(&stream.schema, &read).await.map_err(Failure::output)? else {
                continue;
            };
            let how = self.how(&flow.table, place);
            let appended = self.intake.lake.append_batch(&flow.table, &batch, how).await;
            kept.add(&appended.inspect_err(|error| self.intake.tell_of(error))?);
        }
        Ok(kept)
    }

    fn how(&self, table: &str, flow: usize) -> Append {
        let key = self.key.map(|key| Key::of(&[&key, table.as_bytes(), &flow.to_le_bytes()]));
        Append { key, longest: Some(LONGEST), ..Append::default() }
    }
}
