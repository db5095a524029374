//! What is answered to a request that goes no further.

use crate::json::{self, Value};
use crate::message::Id;

use super::Version;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The body is no JSON that is read here.
    Unreadable,
    /// The body is no message of the protocol.
    NotAMessage,
    /// Headers and body say different things, or a required header is missing.
    HeaderMismatch,
    /// A revision that is not spoken here.
    UnsupportedVersion,
    /// A method that is unknown, or that the revision does not have.
    UnknownMethod,
    /// The browser's page may not talk to this address.
    Origin,
    /// The client does not accept what is answered.
    NotAcceptable,
    /// The body is no JSON by its own header, or encoded.
    MediaType,
    /// The body is too large.
    TooLarge,
    /// GET and DELETE where there are no sessions, and every other HTTP method.
    HttpMethod,
    /// A session is needed and none was named.
    SessionMissing,
    /// The session is not there, or not this principal's.
    SessionUnknown,
    /// There is no room for another session.
    SessionsFull,
    /// Parameters that are missing or wrong.
    Parameters,
    /// Forbidden to this principal.
    Forbidden,
    /// The definition is not pinned, has changed or waits for a person.
    Quarantined,
    /// Content was blocked.
    Blocked,
    /// A person has to approve first.
    ApprovalNeeded,
    /// A limit is reached.
    Limited,
    /// The server behind did not answer, or not as it must.
    Upstream,
    /// What cannot be carried from one revision to the other.
    NotBridged,
}

impl Reason {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Reason::Unreadable
            | Reason::NotAMessage
            | Reason::HeaderMismatch
            | Reason::UnsupportedVersion
            | Reason::SessionMissing => 400,
            Reason::Origin => 403,
            Reason::UnknownMethod | Reason::SessionUnknown => 404,
            Reason::HttpMethod => 405,
            Reason::NotAcceptable => 406,
            Reason::TooLarge => 413,
            Reason::MediaType => 415,
            Reason::SessionsFull => 503,
            // The transport worked; what failed is the call, and JSON-RPC says so.
            Reason::Parameters
            | Reason::Forbidden
            | Reason::Quarantined
            | Reason::Blocked
            | Reason::ApprovalNeeded
            | Reason::Limited
            | Reason::Upstream
            | Reason::NotBridged => 200,
        }
    }

    /// The JSON-RPC error code. Codes of our own stand outside of the ranges that JSON-RPC and MCP reserve.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Reason::Unreadable => -32700,
            Reason::HeaderMismatch => -32020,
            Reason::UnsupportedVersion => -32022,
            Reason::UnknownMethod | Reason::NotBridged => -32601,
            Reason::Parameters => -32602,
            Reason::Upstream | Reason::SessionsFull => -32603,
            Reason::Forbidden => -31403,
            Reason::Quarantined => -31409,
            Reason::Blocked => -31451,
            Reason::ApprovalNeeded => -31428,
            Reason::Limited => -31429,
            _ => -32600,
        }
    }
}

/// An answer that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// HTTP status.
    pub status: u16,
    /// More headers, beside `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// What to tell the client. Never holds what the client may not see.
    pub message: String,
    /// The JSON-RPC error.
    pub body: String,
}

impl Refusal {
    /// A refusal of a request, or of what could not be read as one.
    #[must_use]
    pub fn new(reason: Reason, id: Option<&Id>, message: impl Into<String>) -> Refusal {
        let message = message.into();
        let body = error_body(id, reason.code(), &message, None);
        Refusal { reason, status: reason.status(), headers: Vec::new(), message, body }
    }

    /// 405, with the methods that there are.
    #[must_use]
    pub fn http_method(allowed: &str) -> Refusal {
        let mut refusal = Refusal::new(Reason::HttpMethod, None, format!("this address takes {allowed}"));
        refusal.headers.push(("allow", allowed.to_owned()));
        refusal
    }

    /// The version is not spoken here; says which are.
    #[must_use]
    pub fn version(id: Option<&Id>, requested: &str, supported: &[Version]) -> Refusal {
        let names = supported.iter().map(|version| Value::string(version.as_str())).collect();
        let data = Value::object(vec![
            ("supported", Value::new(json::Kind::Array(names))),
            ("requested", Value::string(requested)),
        ]);
        let reason = Reason::UnsupportedVersion;
        let message = "Unsupported protocol version".to_owned();
        let body = error_body(id, reason.code(), &message, Some(data));
        Refusal { reason, status: reason.status(), headers: Vec::new(), message, body }
    }

    /// The same refusal with data for programs.
    #[must_use]
    pub fn with_data(mut self, id: Option<&Id>, data: Value) -> Refusal {
        self.body = error_body(id, self.reason.code(), &self.message, Some(data));
        self
    }
}

/// A JSON-RPC error as JSON.
#[must_use]
pub fn error_body(id: Option<&Id>, code: i64, message: &str, data: Option<Value>) -> String {
    let mut error = vec![("code", Value::integer(code)), ("message", Value::string(message))];
    error.extend(data.map(|data| ("data", data)));
    let error = json::write(&Value::object(error));
    match id {
        Some(id) => format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, id.to_json()),
        None => format!(r#"{{"jsonrpc":"2.0","error":{error}}}"#),
    }
}
