//! Streamable HTTP: which era a request is of and whether its headers say what its body says.
//!
//! The era is decided for each request. A header or a body that says 2026-07-28 makes a request modern, and then both
//! have to say it: a proxy that believed one and a server that believed the other would judge different calls.

use ::http::{HeaderMap, Method as HttpMethod};
use serde::Deserialize;

use crate::json::{Limits, Value};
use crate::message::{
    META_CAPABILITIES, META_VERSION, Message, MessageError, Method, Payload, Sender, Shape,
};

use super::header::{HeaderAnnotation, agrees, decode};
use super::{Reason, Refusal, Version};

const VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const SESSION: &str = "mcp-session-id";
const LAST_EVENT: &str = "last-event-id";

/// What the transport takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Pages of browsers that may use the address, as `https://host[:port]`. Empty by default: every request with an
    /// `Origin` is refused, which programs do not send.
    pub origins: Vec<String>,
    /// Revisions that clients may speak. All by default.
    pub versions: Vec<Version>,
    /// Methods beyond the protocol's own that are passed on, inspected like all others. None by default.
    pub extra_methods: Vec<String>,
    /// Most bytes of a body: 4 MiB by default.
    pub body_bytes: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            origins: Vec::new(),
            versions: Version::ALL.to_vec(),
            extra_methods: Vec::new(),
            body_bytes: Limits::default().bytes,
        }
    }
}

impl Config {
    fn has_legacy(&self) -> bool {
        self.versions.iter().any(|version| !version.is_modern())
    }

    /// The bounds of a body.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { bytes: self.body_bytes, ..Limits::default() }
    }
}

/// A POST whose headers and body agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// The revision, where the request says it. `None` for one of a session whose revision the session knows; without
    /// a session that is 2025-03-26.
    pub version: Option<Version>,
    /// The session that was named (never of a modern request, which has none).
    pub session: Option<String>,
    /// What was sent.
    pub payload: Payload,
}

/// A request that is one of the transport's.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// Messages.
    Post(Posted),
    /// GET of the earlier revisions: the client listens.
    Stream {
        /// The session.
        session: Option<String>,
        /// The last event that the client has seen.
        last_event: Option<String>,
    },
    /// DELETE of the earlier revisions: the session ends.
    End {
        /// The session.
        session: Option<String>,
    },
}

/// Looks at one HTTP request.
///
/// # Errors
/// The answer, if it goes no further.
pub fn check(
    config: &Config,
    method: &HttpMethod,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Accepted, Refusal> {
    origin(config, headers)?;
    let session = plain(headers, SESSION)?;
    if *method == HttpMethod::POST {
        return post(config, headers, session, body).map(Accepted::Post);
    }
    let allowed = if config.has_legacy() { "GET, POST, DELETE" } else { "POST" };
    let is_modern = plain(headers, VERSION)?.as_deref().and_then(Version::of).is_some_and(Version::is_modern);
    if !config.has_legacy() || is_modern {
        return Err(Refusal::http_method(allowed));
    }
    if *method == HttpMethod::GET {
        if !accepts(headers, "text/event-stream") {
            return Err(Refusal::new(
                Reason::NotAcceptable,
                None,
                "a stream needs `Accept: text/event-stream`",
            ));
        }
        return Ok(Accepted::Stream { session, last_event: plain(headers, LAST_EVENT)? });
    }
    if *method == HttpMethod::DELETE {
        return Ok(Accepted::End { session });
    }
    Err(Refusal::http_method(allowed))
}

fn origin(config: &Config, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut all = headers.get_all("origin").iter();
    let is_known = |value: &::http::HeaderValue| {
        let said = value.to_str().unwrap_or_default();
        config.origins.iter().any(|known| known.eq_ignore_ascii_case(said))
    };
    if all.all(is_known) {
        return Ok(());
    }
    Err(Refusal::new(Reason::Origin, None, "this origin may not use the address; list it in `origins`"))
}

/// A header that may stand once, its value in visible characters.
fn plain(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Refusal> {
    let mut all = headers.get_all(name).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text =
        first.to_str().ok().map(|text| text.trim_matches([' ', '\t'])).filter(|text| text.len() <= 1024);
    match text {
        Some(text) if all.next().is_none() => Ok(Some(text.to_owned())),
        _ => Err(mismatch(None, format!("the header `{name}` stands more than once or has no valid value"))),
    }
}

fn mismatch(message: Option<&Message>, what: impl Into<String>) -> Refusal {
    Refusal::new(
        Reason::HeaderMismatch,
        message.and_then(Message::id),
        format!("Header mismatch: {}", what.into()),
    )
}

fn post(
    config: &Config,
    headers: &HeaderMap,
    session: Option<String>,
    body: &[u8],
) -> Result<Posted, Refusal> {
    if body.len() > config.body_bytes {
        let most = config.body_bytes;
        return Err(Refusal::new(Reason::TooLarge, None, format!("a body has at most {most} bytes")));
    }
    media(headers)?;
    let payload = Payload::parse(body, &config.limits()).map_err(|error| unreadable(&error))?;
    let said = plain(headers, VERSION)?;
    let single = match &payload {
        Payload::Single(message) => Some(&**message),
        Payload::Batch(_) => None,
    };
    let in_body = single.and_then(|message| message.meta(META_VERSION));
    let version = match &said {
        None => None,
        Some(name) => {
            let known = Version::of(name).filter(|version| config.versions.contains(version));
            let id = single.and_then(Message::id);
            Some(known.ok_or_else(|| Refusal::version(id, name, &config.versions))?)
        }
    };
    if version.is_some_and(Version::is_modern) {
        let Some(message) = single else {
            return Err(Refusal::new(Reason::NotAMessage, None, "a body is one request or notification"));
        };
        modern(config, headers, message, said.as_deref().unwrap_or_default())?;
        return Ok(Posted { version, session: None, payload });
    }
    if in_body.is_some() {
        return Err(mismatch(
            single,
            format!("the body says `{META_VERSION}` and the header {VERSION} does not"),
        ));
    }
    // Who only speaks 2025-06-18 or later cannot tell what a request without the header is.
    let is_first = single.is_some_and(|message| message.method() == Some(Method::Initialize));
    let speaks_old = config.versions.iter().any(|version| *version <= Version::V2025_03_26);
    if version.is_none() && !is_first && session.is_none() && !speaks_old {
        return Err(mismatch(single, format!("the header {VERSION} is missing")));
    }
    if payload_is_batch(&payload) && version.is_some_and(|version| !version.has_batches()) {
        return Err(Refusal::new(Reason::NotAMessage, None, "this revision has no batches"));
    }
    for message in payload.messages() {
        // Earlier revisions do not require these headers; where they stand, they have to be true.
        repeated(headers, message, false)?;
    }
    Ok(Posted { version, session, payload })
}

fn payload_is_batch(payload: &Payload) -> bool {
    matches!(payload, Payload::Batch(_))
}

fn unreadable(error: &MessageError) -> Refusal {
    let reason = match error {
        MessageError::Json(_) => Reason::Unreadable,
        MessageError::Shape(_) => Reason::NotAMessage,
    };
    Refusal::new(reason, None, error.to_string())
}

fn media(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = plain(headers, "content-type")?.unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let coding = plain(headers, "content-encoding")?;
    let is_plain = coding.is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    if !essence.eq_ignore_ascii_case("application/json") || !is_plain {
        let message = "a body is `Content-Type: application/json` without a content coding";
        return Err(Refusal::new(Reason::MediaType, None, message));
    }
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        let message = "`Accept` has to list `application/json` and `text/event-stream`";
        return Err(Refusal::new(Reason::NotAcceptable, None, message));
    }
    Ok(())
}

/// Whether `Accept` has a media type, by name or by wildcard, with a weight above zero.
fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let group = wanted.split('/').next().unwrap_or_default();
    let ranges = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|parameter| {
            let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        !refused && (name == wanted || name == "*/*" || name.strip_suffix("/*") == Some(group))
    })
}

fn modern(config: &Config, headers: &HeaderMap, message: &Message, said: &str) -> Result<(), Refusal> {
    if message.is_answer() {
        let message = "since 2026-07-28 clients send no responses; input goes into a retried request";
        return Err(Refusal::new(Reason::NotAMessage, None, message));
    }
    let is_request = matches!(message.shape(), Shape::Request { .. });
    match message.meta(META_VERSION).map(Value::as_str) {
        Some(Some(version)) if version == said => {}
        None if !is_request => {}
        Some(other) => {
            let what = format!("{VERSION} is `{said}`, the body says `{}`", other.unwrap_or("no text"));
            return Err(mismatch(Some(message), what));
        }
        None => return Err(mismatch(Some(message), format!("the body has no `_meta.{META_VERSION}`"))),
    }
    repeated(headers, message, is_request)?;
    known_method(config, message, Version::V2026_07_28)?;
    if is_request && !message.meta(META_CAPABILITIES).is_some_and(Value::is_object) {
        let what = format!("`_meta.{META_CAPABILITIES}` has to be an object");
        let mut refusal = Refusal::new(Reason::Parameters, message.id(), what);
        refusal.status = 400;
        return Err(refusal);
    }
    Ok(())
}

/// `Mcp-Method` and `Mcp-Name` have to say what the body says, and to stand there where that is required.
fn repeated(headers: &HeaderMap, message: &Message, required: bool) -> Result<(), Refusal> {
    let method = message.method_name();
    match (decoded(headers, METHOD, message)?, method) {
        (None, _) if !required => {}
        (None, _) => return Err(mismatch(Some(message), "the header Mcp-Method is missing")),
        (Some(said), Some(method)) if said == method => {}
        (Some(said), _) => {
            let what = format!("Mcp-Method is `{said}`, the body says `{}`", method.unwrap_or("nothing"));
            return Err(mismatch(Some(message), what));
        }
    }
    let is_needed = required && message.method().is_some_and(Method::requires_name);
    match (decoded(headers, NAME, message)?, message.subject()) {
        (None, _) if !is_needed => Ok(()),
        (None, _) => Err(mismatch(Some(message), "the header Mcp-Name is missing")),
        (Some(said), Some(name)) if said == name => Ok(()),
        (Some(said), name) => {
            let what = format!("Mcp-Name is `{said}`, the body says `{}`", name.unwrap_or("nothing"));
            Err(mismatch(Some(message), what))
        }
    }
}

/// A header that may be in Base64 and may stand once.
fn decoded(headers: &HeaderMap, name: &str, message: &Message) -> Result<Option<String>, Refusal> {
    let mut all = headers.get_all(name).iter();
    let Some(first) = all.next() else { return Ok(None) };
    match (decode(first.as_bytes()), all.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(mismatch(Some(message), format!("{name} stands more than once or has invalid characters"))),
    }
}

/// The method of a message that a client may send in this revision.
///
/// # Errors
/// -32601 for one that the revision does not have or that servers send; `None` is a method that the configuration adds.
pub fn known_method(config: &Config, message: &Message, version: Version) -> Result<Option<Method>, Refusal> {
    let name = message.method_name().unwrap_or_default();
    let known =
        message.method().filter(|method| method.exists_in(version) && method.sender() != Sender::Server);
    if known.is_some() {
        return Ok(known);
    }
    if message.method().is_none() && config.extra_methods.iter().any(|extra| extra == name) {
        return Ok(None);
    }
    let versions: Vec<&str> = config.versions.iter().map(|version| version.as_str()).collect();
    let spoken = versions.join(", ");
    let what = format!("Method not found: `{name}` in revision {version} (spoken here: {spoken})");
    let mut refusal = Refusal::new(Reason::UnknownMethod, message.id(), what);
    if !version.is_modern() {
        // Earlier revisions answer on the transport's success; 404 would mean that the session is gone.
        refusal.status = if message.id().is_some() { 200 } else { 400 };
    }
    Err(refusal)
}

/// The headers that repeat arguments of a tool have to say what the arguments say.
///
/// # Errors
/// -32020 for one that is missing, stands there without its argument, or says something else.
pub fn check_parameters(
    headers: &HeaderMap,
    annotations: &[HeaderAnnotation],
    message: &Message,
) -> Result<(), Refusal> {
    for annotation in annotations {
        let path: Vec<&str> = annotation.path.iter().map(String::as_str).collect();
        let argument = message.param("arguments").and_then(|arguments| arguments.at(&path));
        let argument = argument.filter(|value| !matches!(value.kind, crate::json::Kind::Null));
        let header = &annotation.header;
        match (decoded(headers, header, message)?, argument) {
            (None, None) => {}
            (Some(said), Some(value)) if agrees(&said, value) => {}
            (None, Some(_)) => {
                return Err(mismatch(Some(message), format!("the header {header} is missing")));
            }
            (Some(_), _) => {
                let place = annotation.path.join(".");
                return Err(mismatch(Some(message), format!("{header} is not the argument `{place}`")));
            }
        }
    }
    Ok(())
}
