//! JSON-RPC messages of the protocol: read strictly, typed by what a proxy needs to know, their bytes kept.
//!
//! A message that nobody changes is passed on byte for byte, so members that this crate does not know survive.
//!
//! ```
//! use castellan_mcp::message::{Message, Method, Shape};
//!
//! let bytes = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add","arguments":{}}}"#;
//! let message = Message::parse(bytes, &Default::default()).unwrap();
//! assert_eq!(message.method(), Some(Method::ToolsCall));
//! assert_eq!(message.subject(), Some("add"));
//! assert_eq!(message.bytes(), bytes);
//! ```

mod method;

use crate::json::{self, Kind, Limits, ParseError, Value};

pub use method::{Method, NameSource, Sender};

/// `_meta` member that carries the version of a request since 2026-07-28.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` member with the capabilities of the client since 2026-07-28.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` member in which a client names itself since 2026-07-28.
pub const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// Most messages of one batch (2025-03-26 alone has batches).
pub const LARGEST_BATCH: usize = 64;
/// Longest id, method and name, in bytes.
const LONGEST_WORD: usize = 1024;

/// The id of a request: a string or a whole number, never null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A whole number, as it was written.
    Number(Box<str>),
    /// A string.
    String(Box<str>),
}

impl Id {
    /// The id as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Id::Number(text) => text.to_string(),
            Id::String(text) => json::write(&Value::string(text)),
        }
    }

    fn read(value: &Value) -> Option<Id> {
        match &value.kind {
            Kind::String(text) if text.len() <= LONGEST_WORD => Some(Id::String(text.clone())),
            // `1.0` and `1e0` are one number and two texts: refused, so that ids compare as texts.
            Kind::Number(text) if text.parse::<i64>().is_ok() && &**text != "-0" => {
                Some(Id::Number(text.clone()))
            }
            _ => None,
        }
    }
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Asks for an answer.
    Request {
        /// Which the answer repeats.
        id: Id,
    },
    /// Asks for none.
    Notification,
    /// The answer to a request.
    Result {
        /// Of the request.
        id: Id,
    },
    /// The request failed.
    Error {
        /// Of the request; absent when it could not be read.
        id: Option<Id>,
    },
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No JSON that is read here.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// JSON, but no JSON-RPC 2.0 message of the protocol.
    #[error("{0}")]
    Shape(&'static str),
}

impl MessageError {
    /// The JSON-RPC error code of the refusal.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            MessageError::Json(_) => -32700,
            MessageError::Shape(_) => -32600,
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    bytes: Vec<u8>,
    root: Value,
    shape: Shape,
    name: Option<Box<str>>,
}

/// What a body holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// One message.
    Single(Box<Message>),
    /// Several messages.
    Batch(Vec<Message>),
}

impl Payload {
    /// Reads a body: a message, or a batch of them.
    ///
    /// # Errors
    /// If it is neither, or a batch that is empty or too large.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Payload, MessageError> {
        let root = json::parse(bytes, limits)?;
        if !matches!(root.kind, Kind::Array(_)) {
            return Ok(Payload::Single(Box::new(Message::of(bytes.to_vec(), root)?)));
        }
        if root.items().is_empty() || root.items().len() > LARGEST_BATCH {
            return Err(MessageError::Shape("a batch has between 1 and 64 messages"));
        }
        // Each message has bytes and spans of its own.
        let messages = root.items().iter().map(|item| {
            let slice = bytes.get(item.span.start..item.span.end).unwrap_or_default();
            Message::parse(slice, limits)
        });
        Ok(Payload::Batch(messages.collect::<Result<_, _>>()?))
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        match self {
            Payload::Single(message) => std::slice::from_ref(message),
            Payload::Batch(messages) => messages,
        }
    }
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// If the bytes are no JSON, or not one JSON-RPC 2.0 message.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Message, MessageError> {
        Message::of(bytes.to_vec(), json::parse(bytes, limits)?)
    }

    fn of(bytes: Vec<u8>, root: Value) -> Result<Message, MessageError> {
        let (shape, name) = shape(&root).map_err(MessageError::Shape)?;
        Ok(Message { bytes, root, shape, name })
    }

    /// The bytes, as they came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, as they came.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The whole message as a tree; its spans are places in [`Message::bytes`].
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// What it is.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The id of a request or an answer.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        match &self.shape {
            Shape::Request { id } | Shape::Result { id } | Shape::Error { id: Some(id) } => Some(id),
            Shape::Notification | Shape::Error { id: None } => None,
        }
    }

    /// Whether this is an answer, good or bad.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self.shape, Shape::Result { .. } | Shape::Error { .. })
    }

    /// The method of a request or notification as it was written.
    #[must_use]
    pub fn method_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The method, if this crate knows it.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.name.as_deref().and_then(Method::of)
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> Option<&Value> {
        self.root.get("params")
    }

    /// A member of the parameters.
    #[must_use]
    pub fn param(&self, key: &str) -> Option<&Value> {
        self.params()?.get(key)
    }

    /// The result.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        self.root.get("result")
    }

    /// A member of `params._meta`.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&Value> {
        self.param("_meta")?.get(key)
    }

    /// The tool, prompt, resource or task that a request is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.param(self.method()?.name_source()?.member())?.as_str()
    }

    /// Whether an answer is the interim one of 2026-07-28 that asks the client for input.
    #[must_use]
    pub fn asks_for_input(&self) -> bool {
        let result_type = self.result().and_then(|result| result.get("resultType")).and_then(Value::as_str);
        result_type == Some("input_required")
    }
}

fn shape(root: &Value) -> Result<(Shape, Option<Box<str>>), &'static str> {
    if !root.is_object() {
        return Err("a message is a JSON object");
    }
    if root.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err("`jsonrpc` has to be \"2.0\"");
    }
    let id = root.get("id").map(|id| Id::read(id).ok_or("`id` has to be a string or a whole number"));
    if let Some(method) = root.get("method") {
        return call(root, method, id.transpose()?);
    }
    let result = root.get("result");
    let Some(error) = root.get("error") else {
        let result = result.ok_or("a message has `method`, `result` or `error`")?;
        if !result.is_object() {
            return Err("`result` has to be an object");
        }
        let id = id.ok_or("an answer needs the `id` of its request")??;
        return Ok((Shape::Result { id }, None));
    };
    if result.is_some() {
        return Err("an answer has either `result` or `error`");
    }
    let is_whole = error.get("code").is_some_and(|code| code.as_i64().is_some());
    if !is_whole || error.get("message").and_then(Value::as_str).is_none() {
        return Err("`error` needs a whole number `code` and a text `message`");
    }
    // JSON-RPC answers with a null id what it could not read.
    let is_null = root.get("id").is_some_and(|id| matches!(id.kind, Kind::Null));
    let id = if is_null { None } else { id.transpose()? };
    Ok((Shape::Error { id }, None))
}

fn call(root: &Value, method: &Value, id: Option<Id>) -> Result<(Shape, Option<Box<str>>), &'static str> {
    let name = method.as_str().filter(|name| !name.is_empty() && name.len() <= LONGEST_WORD);
    let name = name.ok_or("`method` has to be a text of at most 1024 bytes")?;
    if root.get("result").is_some() || root.get("error").is_some() {
        return Err("a message with `method` has neither `result` nor `error`");
    }
    if root.get("params").is_some_and(|params| !params.is_object()) {
        return Err("`params` has to be an object");
    }
    // A known notification with an id, or a known request without one, is read differently by different peers.
    let known = Method::of(name);
    let shape = match id {
        Some(id) => Shape::Request { id },
        None => Shape::Notification,
    };
    if known.is_some_and(|method| method.is_notification() != (shape == Shape::Notification)) {
        return Err("a request needs an `id` and a notification has none");
    }
    Ok((shape, Some(name.into())))
}
