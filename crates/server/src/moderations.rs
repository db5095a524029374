//! `POST /v1/moderations`, as OpenAI's clients ask it.
//!
//! Thirteen categories are answered; four of them are judged, and `category_applied_input_types` is empty for those that
//! are not, as it is there for inputs that a category does not apply to.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use castellan_shield::harm::{Harm, Harms};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::judge::Judge;
use crate::{Gate, Refusal};

/// The least severity that is flagged.
const FLAGGED: u8 = 4;

/// The name of the model that answers say.
const MODEL: &str = "castellan-shield";

#[derive(Clone)]
struct Service {
    gate: Gate,
    judge: Arc<dyn Judge>,
}

/// The route.
pub fn router(judge: Arc<dyn Judge>, gate: Gate) -> Router {
    Router::new().route("/v1/moderations", post(moderate)).with_state(Service { gate, judge })
}

#[derive(Debug, Deserialize)]
struct Asked {
    input: Input,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<Piece>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Typed {
        #[serde(rename = "type")]
        kind: String,
        text: Option<String>,
    },
}

async fn moderate(State(service): State<Service>, request: Request) -> Response {
    let judge = Arc::clone(&service.judge);
    let work = move |asked: Asked| {
        let texts = texts(asked.input)?;
        let results: Vec<Value> = texts.iter().map(|text| result(&judge.harm(text))).collect();
        Ok(json!({ "id": identity(&texts), "model": MODEL, "results": results }))
    };
    let done: Result<Value, Refusal> = service.gate.worked(request, StatusCode::BAD_REQUEST, work).await;
    match done {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => failure(&refusal),
    }
}

/// The texts of a request. Typed pieces are one input together, as they are one message.
fn texts(input: Input) -> Result<Vec<String>, Refusal> {
    let pieces = match input {
        Input::One(text) => return Ok(vec![text]),
        Input::Many(pieces) => pieces,
    };
    let mut texts = Vec::new();
    let mut message = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => texts.push(text),
            Piece::Typed { kind, text: Some(text) } if kind == "text" => {
                message.push_str(&text);
                message.push('\n');
            }
            Piece::Typed { kind, .. } => {
                return Err(Refusal::bad(format!(
                    "inputs of type `{kind}` are not judged; send texts alone"
                )));
            }
        }
    }
    if !message.is_empty() {
        texts.push(message);
    }
    match texts.is_empty() {
        true => Err(Refusal::bad("`input` holds no text")),
        false => Ok(texts),
    }
}

/// The categories, and which of the harms each is; nothing where it is not judged.
fn categories(harms: &Harms) -> [(&'static str, Option<Harm>); 13] {
    [
        ("harassment", None),
        ("harassment/threatening", None),
        ("hate", Some(harms.hate)),
        ("hate/threatening", None),
        ("illicit", None),
        ("illicit/violent", None),
        ("self-harm", Some(harms.self_harm)),
        ("self-harm/intent", None),
        ("self-harm/instructions", None),
        ("sexual", Some(harms.sexual)),
        ("sexual/minors", None),
        ("violence", Some(harms.violence)),
        ("violence/graphic", None),
    ]
}

fn result(harms: &Harms) -> Value {
    let (mut flags, mut scores, mut kinds) = (Map::new(), Map::new(), Map::new());
    let mut flagged = false;
    for (name, harm) in categories(harms) {
        let flag = harm.is_some_and(|harm| harm.severity >= FLAGGED);
        flagged |= flag;
        flags.insert(name.to_owned(), json!(flag));
        scores.insert(name.to_owned(), json!(harm.map_or(0.0, |harm| harm.probability)));
        kinds.insert(name.to_owned(), if harm.is_some() { json!(["text"]) } else { json!([]) });
    }
    json!({
        "flagged": flagged,
        "categories": flags,
        "category_scores": scores,
        "category_applied_input_types": kinds,
    })
}

/// The same texts have the same name, so answers can be compared.
fn identity(texts: &[String]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("modr-{hex}")
}

/// A refusal in the shape of that API.
pub(crate) fn failure(refusal: &Refusal) -> Response {
    let kind = if refusal.status().is_server_error() { "server_error" } else { "invalid_request_error" };
    let body =
        json!({ "error": { "message": refusal.message(), "type": kind, "param": null, "code": null } });
    (refusal.status(), Json(body)).into_response()
}
