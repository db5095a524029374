//! What the state machine tells, for records.

use castellan_mcp::proxy::Event;
use castellan_mcp::transport::Reason;
use serde_json::{Value, json};

use crate::record::Stage;

/// Most events that are recorded of one request.
pub(super) const MOST: usize = 64;
/// Longest text of an event, in characters.
const LONGEST: usize = 300;

/// A text as far as it is recorded.
pub(super) fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// An event for the record; nothing for those that stand elsewhere in it.
pub(super) fn told(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Pin { server, observation } => json!({
            "kind": "definition",
            "server": server,
            "what": observation.kind,
            "name": short(&castellan_mcp::hidden::reveal(&observation.name)),
            "state": observation.state,
            "usable": observation.usable,
            "changed": observation.changes.iter().take(16).map(|change| short(&change.path)).collect::<Vec<_>>(),
        }),
        Event::Name(finding) => json!({
            "kind": "name",
            "server": finding.server,
            "name": short(&finding.name),
            "problem": format!("{:?}", finding.problem),
            "other": finding.other.as_deref().map(short),
        }),
        Event::LeftOut { server, kind, name, reason } => json!({
            "kind": "left_out", "server": server, "what": kind, "name": short(name), "reason": short(reason),
        }),
        Event::Flow(found) => json!({
            "kind": "flow", "rule": found.rule, "action": found.action,
            "labels": found.chain.iter().map(|(label, step)| json!({
                "label": label, "server": step.server, "subject": short(&step.subject),
            })).collect::<Vec<_>>(),
        }),
        Event::Server { server, message } => {
            json!({"kind": "server", "server": server, "message": short(message)})
        }
        Event::Dropped { server, reason } => {
            json!({"kind": "dropped", "server": server, "reason": short(reason)})
        }
        // What was called with, and what came of it, are texts: they stand where texts are recorded.
        Event::Hook(context) => json!({
            "kind": "hook",
            "spec": context.get("spec"),
            "interception_point": context.get("interception_point"),
            "sequence": context.get("sequence"),
            "agent": context.pointer("/agent/id"),
            "call": context.pointer("/tool_call/id"),
            "tool": context.pointer("/tool_call/name"),
            "server": context.pointer("/tool_call/server"),
            "is_error": context.pointer("/tool_result/is_error"),
        }),
        Event::Refused { .. } => return None,
    })
}

/// A reason as a word, and how far a request came that was refused for it.
pub(super) fn refused(reason: Reason) -> (&'static str, Stage) {
    match reason {
        Reason::Unreadable => ("unreadable", Stage::Read),
        Reason::NotAMessage => ("not_a_message", Stage::Read),
        Reason::HeaderMismatch => ("header_mismatch", Stage::Read),
        Reason::UnsupportedVersion => ("unsupported_version", Stage::Read),
        Reason::UnknownMethod => ("unknown_method", Stage::Read),
        Reason::Origin => ("origin", Stage::Read),
        Reason::NotAcceptable => ("not_acceptable", Stage::Read),
        Reason::MediaType => ("media_type", Stage::Read),
        Reason::TooLarge => ("too_large", Stage::Read),
        Reason::HttpMethod => ("http_method", Stage::Read),
        Reason::SessionMissing => ("session_missing", Stage::Read),
        Reason::SessionUnknown => ("session_unknown", Stage::Read),
        Reason::SessionsFull => ("sessions_full", Stage::Read),
        Reason::Parameters => ("parameters", Stage::Read),
        Reason::Forbidden => ("forbidden", Stage::Authorise),
        Reason::ApprovalNeeded => ("approval_required", Stage::Authorise),
        Reason::Limited => ("limit", Stage::Meter),
        Reason::Quarantined => ("quarantined", Stage::InspectRequest),
        Reason::Blocked => ("blocked", Stage::InspectRequest),
        Reason::Upstream => ("upstream_failed", Stage::Forward),
        Reason::NotBridged => ("not_bridged", Stage::Forward),
    }
}
