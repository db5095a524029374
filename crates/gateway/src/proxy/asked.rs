//! What is asked: the body, read once.

use bytes::Bytes;
use castellan_wire::form::Form;
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::{Api, Body, Direction, Reading, Route, passages};

use http::header::CONTENT_TYPE;

use super::body::speaks_unicode;
use super::stop::Stop;
use crate::record::Stage;

/// A request, read.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) api: Api,
    /// The alias of the model.
    pub(super) model: String,
    /// Whether a stream is asked for.
    pub(super) is_stream: bool,
    /// Most tokens of the answer, where the request says it.
    pub(super) most_tokens: Option<u64>,
    /// How many answers are asked for.
    pub(super) answers: u64,
    /// The session, where the client names one.
    pub(super) session: Option<String>,
    /// Names of tools that the model may call.
    pub(super) tools: Vec<String>,
    /// The body.
    pub(super) bytes: Bytes,
    /// Its texts.
    pub(super) reading: Reading,
}

fn stop(code: &'static str, message: impl Into<String>) -> Stop {
    Stop::new(Stage::Read, 400, code, message)
}

/// Reads the body of a request.
pub(super) fn read(route: &Route, head: &http::request::Parts, bytes: Bytes) -> Result<Asked, Stop> {
    let mut asked = Asked {
        api: route.api,
        model: route.deployment.clone().unwrap_or_default(),
        is_stream: route.api.streams_by_default(),
        most_tokens: None,
        answers: 1,
        session: session(head),
        tools: Vec::new(),
        bytes,
        reading: Reading::default(),
    };
    is_unicode(head)?;
    match route.api.request() {
        Body::Empty if asked.bytes.is_empty() => asked.model = stored_model(head).unwrap_or(asked.model),
        Body::Empty => return Err(stop("unexpected_body", "this request has no body")),
        Body::Form => form(&mut asked, head)?,
        _ => json(&mut asked)?,
    }
    if asked.model.is_empty() && (route.api.invokes() || route.api == Api::OllamaShow) {
        return Err(stop("model_missing", "the request names no model"));
    }
    if asked.model.len() > 256 {
        return Err(stop("model_missing", "the name of the model is too long"));
    }
    Ok(asked)
}

/// A body is read as UTF-8 here. An upstream that is told of another character set (UTF-7 looks like ASCII) would read another text.
fn is_unicode(head: &http::request::Parts) -> Result<(), Stop> {
    let mut kinds = head.headers.get_all(CONTENT_TYPE).into_iter();
    let told = kinds.next().is_none_or(speaks_unicode);
    if told && kinds.next().is_none() {
        return Ok(());
    }
    let message = "the gate reads bodies as UTF-8; send one `Content-Type` that names no other character set";
    Err(Stop::new(Stage::Read, 415, "charset", message))
}

/// What was kept at a provider does not say of which model it is: the client does.
fn stored_model(head: &http::request::Parts) -> Option<String> {
    head.headers.get("x-castellan-model").and_then(|model| model.to_str().ok()).map(str::to_owned)
}

fn session(head: &http::request::Parts) -> Option<String> {
    let names = ["x-castellan-session", "session_id", "x-session-id"];
    let value =
        names.iter().find_map(|name| head.headers.get(*name)).and_then(|value| value.to_str().ok())?;
    (value.len() <= 256).then(|| value.to_owned())
}

/// Reads a body anew that was changed.
pub(super) fn read_again(asked: &mut Asked) -> Result<(), Stop> {
    match asked.api.request() {
        Body::Json => json(asked),
        // Other bodies are never changed.
        _ => Ok(()),
    }
}

fn json(asked: &mut Asked) -> Result<(), Stop> {
    let bytes = asked.bytes.clone();
    let tree = Tree::read(&bytes, &Bounds { bytes: bytes.len(), ..Bounds::default() })
        .map_err(|error| stop("invalid_json", error.to_string()))?;
    let root = tree.root();
    let text = |name: &str| root.get(name).and_then(|item| item.text()).map(std::borrow::Cow::into_owned);
    if asked.model.is_empty() {
        asked.model = text("model").unwrap_or_default();
    }
    if let Some(stream) = root.get("stream") {
        asked.is_stream = stream.truth().unwrap_or(asked.is_stream);
    }
    let number = |names: &[&str]| names.iter().find_map(|name| root.get(name)?.integer());
    asked.most_tokens = number(&["max_completion_tokens", "max_output_tokens", "max_tokens"])
        .or_else(|| root.at(&["options", "num_predict"])?.integer());
    asked.answers = number(&["n"]).unwrap_or(1).clamp(1, 128);
    if asked.session.is_none() {
        let kept = root.at(&["metadata", "session_id"]).or_else(|| root.get("session_id"));
        asked.session =
            kept.and_then(|item| item.text()).map(std::borrow::Cow::into_owned).filter(|id| id.len() <= 256);
    }
    asked.tools.clear();
    for tool in root.get("tools").into_iter().flat_map(|tools| tools.items()).take(1_024) {
        let name = tool.get("name").or_else(|| tool.at(&["function", "name"]));
        asked.tools.extend(name.and_then(|name| name.text()).map(std::borrow::Cow::into_owned));
    }
    asked.reading = passages(&tree, asked.api, Direction::Request);
    Ok(())
}

fn form(asked: &mut Asked, head: &http::request::Parts) -> Result<(), Stop> {
    let kind =
        head.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let form = Form::read(&asked.bytes, kind).map_err(|error| stop("invalid_form", error.to_string()))?;
    if asked.model.is_empty() {
        asked.model = form.field("model").unwrap_or_default().to_owned();
    }
    asked.is_stream = form.field("stream") == Some("true");
    asked.reading = form.reading();
    Ok(())
}
