//! What can be asked of a desk, in the form that the server's `/api/v1/incidents` and the commands share.
//!
//! ```text
//! GET   /                          incidents: ?status= severity= owner= label= rule= text= top= skip=
//! GET   /audit   /verify   /key    who opened what; whether all files are whole; the key of evidence
//! GET   /{n}                       all of one, by its number or its id
//! POST  /{n}/orders                {"by": "ann", "seen": 3, "order": {"order": "comment", "text": "..."}}
//! GET   /{n}/timeline  /graph  /audit  /evidence
//! GET   /{n}/export?format=        ocsf, stix, html, json; graph?format= json, dot, svg
//! POST  /{n}/evidence              {"by": "ann", "kind": "note", "text": "..."}
//! POST  /{n}/evidence/{id}/reveal  {"by": "ann", "reason": "..."}: the sealed original, which a private key opens
//! ```
//!
//! Nothing here opens evidence: whoever has the private key does that where the key is.

mod listed;
mod one;

use castellan_base::Ticks;
use castellan_detect::incident::IncidentError;
use serde_json::{Value, json};

use crate::desk::{Desk, DeskError};
use crate::evidence::EvidenceError;
use crate::store::StoreError;

pub use listed::summary;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whether something is to be changed.
    pub is_post: bool,
    /// The segments of the path behind `incidents`.
    pub path: Vec<String>,
    /// The parameters.
    pub query: Vec<(String, String)>,
    /// The body; null where there is none.
    pub body: Value,
    /// Whether whoever asks may be given sealed originals.
    pub may_reveal: bool,
    /// The time now.
    pub now: Ticks,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A document.
    Json(Value),
    /// A text of a type of media.
    Text(&'static str, String),
}

/// Why nothing is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What, where, and what to do.
    pub message: String,
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The request is not as it should be.
    Bad,
    /// Whoever asks may not.
    Forbidden,
    /// There is no such thing.
    Missing,
    /// There was, and there is no more.
    Gone,
    /// It does not go with what others did, or with how things are.
    Conflict,
    /// The disk or the lake fails.
    Failed,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Bad, message)
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Failure {
        let kind = match &error {
            DeskError::Incident(IncidentError::Unknown(_)) | DeskError::NoEvidence { .. } => {
                FailureKind::Missing
            }
            DeskError::Incident(IncidentError::Archived(_)) => FailureKind::Gone,
            DeskError::Incident(
                IncidentError::Stale { .. }
                | IncidentError::Merged { .. }
                | IncidentError::Closed(_)
                | IncidentError::Full { .. }
                | IncidentError::Numbers,
            )
            | DeskError::FullOfEvidence(_)
            | DeskError::Store(StoreError::NotKept)
            | DeskError::Evidence(EvidenceError::NotKept) => FailureKind::Conflict,
            DeskError::Incident(_)
            | DeskError::NoReason
            | DeskError::Nobody
            | DeskError::Evidence(EvidenceError::TooLong(_)) => FailureKind::Bad,
            DeskError::Store(_) | DeskError::Evidence(_) | DeskError::Lake(_) => FailureKind::Failed,
        };
        Failure::new(kind, error.to_string())
    }
}

/// Answers what is asked.
///
/// # Errors
/// Why nothing is answered.
pub fn answer(desk: &Desk, asked: &Asked) -> Result<Answer, Failure> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (asked.is_post, path.as_slice()) {
        (false, []) => listed::list(desk, asked).map(Answer::Json),
        (false, ["audit"]) => {
            let entries = desk.audit();
            Ok(Answer::Json(json!({ "value": entries.iter().map(entry).collect::<Vec<_>>() })))
        }
        (false, ["verify"]) => verified(desk).map(Answer::Json),
        (false, ["key"]) => {
            let key = desk.key();
            let (id, text) = (key.map(|key| key.id()), key.map(|key| key.to_text()));
            Ok(Answer::Json(json!({ "id": id, "publicKey": text })))
        }
        (_, [name, rest @ ..]) => {
            let missing =
                || Failure::new(FailureKind::Missing, format!("`{name}` is no number or id of an incident"));
            let number = desk.find(name).ok_or_else(missing)?;
            one::answer(desk, number, rest, asked)
        }
        (true, []) => Err(nothing()),
    }
}

/// Whether everything is what was written; damage is an answer as well.
fn verified(desk: &Desk) -> Result<Value, Failure> {
    match desk.verify() {
        Ok(found) => Ok(json!({ "whole": true, "found": found })),
        Err(error) if error.is_damage() => Ok(json!({ "whole": false, "problem": error.to_string() })),
        Err(error) => Err(error.into()),
    }
}

fn nothing() -> Failure {
    Failure::new(FailureKind::Missing, "nothing is here; docs/incidents.md says what can be asked")
}

/// An entry of the audit log, with its time as people read it.
fn entry(entry: &crate::store::AuditEntry) -> Value {
    let mut told = json!(entry);
    if let Some(members) = told.as_object_mut() {
        members.insert("at".to_owned(), json!(Ticks::new(entry.at)));
    }
    told
}

/// A parameter that says something.
fn parameter<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let found = asked.query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// A text of the body.
fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}
