//! What could not be read, why, and what to do about it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::credential::AuthError;

/// One thing that could not be read. The coverage of what it concerns is incomplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What was asked for: the path of a list or a resource, or a Resource Graph table.
    pub what: String,
    /// The HTTP status; `None` when no usable answer came.
    pub status: Option<u16>,
    /// Why, in the service's words or ours, on one line.
    pub message: String,
    /// What to do.
    pub next_step: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` could not be read: {}; {}", self.what, self.message, self.next_step)
    }
}

/// Why one request had no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: Option<u16>,
    pub(super) message: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Status,
    Connection,
    Answer,
    Bound,
    Credential,
}

/// The longest part of a service's message that is kept.
const MESSAGE_CHARACTERS: usize = 300;

/// A service's text on one line, bounded, without control characters that could drive a terminal.
pub(super) fn plain(text: &str) -> String {
    let spaced = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    spaced.take(MESSAGE_CHARACTERS).collect::<String>().trim().to_owned()
}

impl Refusal {
    /// An answer with a status that is no success. The body may be the error object of Resource Manager.
    pub(super) fn status(status: u16, body: &[u8]) -> Refusal {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = answer.get("error").unwrap_or(&answer);
        let text =
            |key: &str| error.get(key).and_then(Value::as_str).map(plain).filter(|text| !text.is_empty());
        let message = match (text("code"), text("message")) {
            (Some(code), Some(message)) => format!("status {status}, {code}: {message}"),
            (Some(only), None) | (None, Some(only)) => format!("status {status}, {only}"),
            (None, None) => format!("status {status}"),
        };
        Refusal { status: Some(status), message, kind: Kind::Status }
    }

    /// No connection, or one that broke.
    pub(super) fn connection(message: &str) -> Refusal {
        Refusal { status: None, message: plain(message), kind: Kind::Connection }
    }

    /// An answer that is not what the API promises.
    pub(super) fn answer(message: impl Into<String>) -> Refusal {
        Refusal { status: None, message: message.into(), kind: Kind::Answer }
    }

    /// More than the bounds allow.
    pub(super) fn bound(message: impl Into<String>) -> Refusal {
        Refusal { status: None, message: message.into(), kind: Kind::Bound }
    }

    /// No token any more.
    pub(super) fn credential(error: &AuthError) -> Refusal {
        Refusal { status: None, message: error.to_string(), kind: Kind::Credential }
    }

    /// The same with secrets removed from the message.
    pub(super) fn redacted(self, secret: &super::Secret) -> Refusal {
        Refusal { message: secret.redact(&self.message), ..self }
    }

    /// The failure to read `what`, which lies at or under `scope`.
    pub(super) fn of(&self, what: impl Into<String>, scope: &str) -> Failure {
        let next_step = match (self.kind, self.status) {
            (Kind::Status, Some(401)) => {
                "sign in again: the token was refused, or is for another tenant or audience".to_owned()
            }
            (Kind::Status, Some(403)) => {
                format!("assign the role Reader at `{scope}` to the identity that scans")
            }
            (Kind::Status, Some(404)) => {
                "check that it still exists and that its provider is registered there, then scan again"
                    .to_owned()
            }
            (Kind::Status, Some(429)) => "scan again later; the service kept throttling".to_owned(),
            (Kind::Status, Some(500..)) => "scan again later; the service failed on every attempt".to_owned(),
            (Kind::Connection, _) => "check the connection, then scan again".to_owned(),
            (Kind::Bound, _) => "scan fewer subscriptions at once".to_owned(),
            (Kind::Credential, _) => "sign in again, then scan again".to_owned(),
            (Kind::Status | Kind::Answer, _) => {
                "scan again; if it stays, report the message with the type that was read".to_owned()
            }
        };
        Failure { what: what.into(), status: self.status, message: self.message.clone(), next_step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let failure = Refusal::status(status, body.as_bytes()).of("x", "/subscriptions/s");
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn messages_say_what_to_do() {
        check(
            403,
            r#"{"error":{"code":"AuthorizationFailed","message":"no\naction \u001b[31m"}}"#,
            "`x` could not be read: status 403, AuthorizationFailed: no action  [31m; assign the role Reader at \
             `/subscriptions/s` to the identity that scans",
        );
        check(
            503,
            "<html>",
            "`x` could not be read: status 503; scan again later; the service failed on every attempt",
        );
    }

    #[test]
    fn long_messages_are_cut() {
        let body = serde_json::json!({"error": {"message": "m".repeat(10_000)}}).to_string();
        assert!(Refusal::status(400, body.as_bytes()).message.len() < 400);
    }
}
