//! Contexts of Agent Hooks 0.1 for calls of tools, as other guards take them.

use castellan_base::Ticks;
use serde_json::{Value, json};

use crate::message::Message;

use super::rewrite::source;

/// Who and what a context is about.
pub(super) struct About<'a> {
    pub(super) agent: &'a str,
    pub(super) session: &'a str,
    pub(super) user: &'a str,
    pub(super) server: &'a str,
    pub(super) tool: &'a str,
    pub(super) call: String,
    pub(super) sequence: u64,
    pub(super) now: Ticks,
}

fn common(about: &About<'_>, point: &str) -> Value {
    let agent = if about.agent.is_empty() { "unknown" } else { about.agent };
    let session = if about.session.is_empty() { "none" } else { about.session };
    json!({
        "spec": "agent-hooks/0.1",
        "interception_point": point,
        "timestamp": about.now.to_string(),
        "sequence": about.sequence,
        "agent": {"id": agent, "framework": "mcp"},
        "session": {"id": session, "user_id": about.user},
        "tool_call": {"id": about.call, "name": about.tool, "server": about.server},
    })
}

/// Before a call: the target is its arguments.
pub(super) fn before(about: &About<'_>, request: &Message) -> Value {
    let arguments = request.param("arguments").map(|value| source(request, value)).unwrap_or("{}");
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let mut context = common(about, "pre_tool_call");
    if let Some(call) = context.get_mut("tool_call").and_then(Value::as_object_mut) {
        call.insert("args".to_owned(), arguments.clone());
    }
    if let Some(context) = context.as_object_mut() {
        context.insert("target".to_owned(), arguments);
    }
    context
}

/// After a call: the target is its result, or the error.
pub(super) fn after(about: &About<'_>, answer: &Message) -> Value {
    let result = answer.result();
    let value = result.or_else(|| answer.root().get("error")).map(|value| source(answer, value));
    let value: Value = serde_json::from_str(value.unwrap_or("null")).unwrap_or_default();
    let said = result.and_then(|result| result.get("isError")).and_then(crate::json::Value::as_bool);
    let is_error = result.is_none() || said == Some(true);
    let mut context = common(about, "post_tool_call");
    if let Some(context) = context.as_object_mut() {
        context.insert("tool_result".to_owned(), json!({"value": value.clone(), "is_error": is_error}));
        context.insert("target".to_owned(), value);
    }
    context
}
