//! What a host tells before or after an action: the agent context of Agent Hooks 0.1, section 4.

use castellan_respond::actions::SubjectKind;
use castellan_shield::Source;
use serde_json::Value;

use crate::guard::{Part, collect};
use castellan_respond::actions::Asked;

/// Most bytes of a context.
pub(crate) const LARGEST: usize = 1 << 20;
/// Deepest nesting of a context.
const DEEPEST: usize = 64;

/// Where in its work an agent is intercepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    AgentStartup,
    Input,
    PreModelCall,
    PostModelCall,
    PreToolCall,
    PostToolCall,
    Output,
    AgentShutdown,
}

impl Point {
    /// Whether something is asked for there; elsewhere something was answered.
    pub(crate) fn is_request(self) -> bool {
        matches!(self, Point::Input | Point::PreModelCall | Point::PreToolCall)
    }
}

const POINTS: [(&str, Point); 8] = [
    ("agent_startup", Point::AgentStartup),
    ("input", Point::Input),
    ("pre_model_call", Point::PreModelCall),
    ("post_model_call", Point::PostModelCall),
    ("pre_tool_call", Point::PreToolCall),
    ("post_tool_call", Point::PostToolCall),
    ("output", Point::Output),
    ("agent_shutdown", Point::AgentShutdown),
];

/// A context that has all that its point requires.
#[derive(Debug)]
pub(crate) struct Context {
    value: Value,
    pub(crate) point: Point,
}

impl Context {
    /// Checks a context.
    ///
    /// # Errors
    /// What is missing or wrong, and where.
    pub(crate) fn new(value: Value) -> Result<Context, String> {
        if depth(&value) > DEEPEST {
            return Err(format!("the context is nested more than {DEEPEST} deep"));
        }
        let spec = text(&value, "/spec")?;
        if !spec.strip_prefix("agent-hooks/").is_some_and(is_version) {
            return Err(format!("`spec` is `{spec}`; it has to be `agent-hooks/0.1`"));
        }
        let name = text(&value, "/interception_point")?;
        let known = POINTS.iter().find(|(known, _)| *known == name);
        let point = known.map(|(_, point)| *point).ok_or_else(|| {
            let names: Vec<&str> = POINTS.iter().map(|(name, _)| *name).collect();
            format!("`interception_point` is `{name}`; it has to be one of {}", names.join(", "))
        })?;
        text(&value, "/timestamp")?;
        value
            .pointer("/sequence")
            .and_then(Value::as_u64)
            .ok_or("`sequence` is missing or no whole number")?;
        text(&value, "/agent/id")?;
        let framework = text(&value, "/agent/framework")?;
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if framework.is_empty() || !framework.bytes().all(lower) {
            return Err(format!(
                "`agent.framework` is `{framework}`; write lower case letters, digits, _ and -"
            ));
        }
        text(&value, "/session/id")?;
        let context = Context { value, point };
        context.has_target()?;
        Ok(context)
    }

    /// Section 4.2: what a point requires, and that the target is the same value.
    fn has_target(&self) -> Result<(), String> {
        let (path, required): (&str, &[&str]) = match self.point {
            Point::AgentStartup => ("/agent_init", &["/agent_init/tools_registered"]),
            Point::Input => ("/input", &["/input/content", "/input/role"]),
            Point::PreModelCall => ("/messages", &["/model/id"]),
            Point::PostModelCall => {
                ("/response", &["/model/id", "/response/tool_calls", "/response/finish_reason"])
            }
            Point::PreToolCall => ("/tool_call/args", &["/tool_call/id", "/tool_call/name"]),
            Point::PostToolCall => ("/tool_result/value", &["/tool_call/name", "/tool_result/is_error"]),
            Point::Output => ("/output", &["/output/content"]),
            Point::AgentShutdown => ("/summary", &["/summary/reason"]),
        };
        for path in required.iter().chain([&path]) {
            if self.value.pointer(path).is_none() {
                return Err(format!("`{}` is missing", dotted(path)));
            }
        }
        if self.value.get("target") != self.value.pointer(path) {
            return Err(format!("`target` is not the value of `{}`", dotted(path)));
        }
        Ok(())
    }

    /// Whom and what orders may be about: the agent, its tool and model, and whoever it works for.
    pub(crate) fn subjects(&self) -> Asked<'_> {
        const PLACES: [(SubjectKind, &str); 7] = [
            (SubjectKind::Agent, "/agent/id"),
            (SubjectKind::Agent, "/agent/name"),
            (SubjectKind::Tool, "/tool_call/name"),
            (SubjectKind::Tool, "/tool_call/server"),
            (SubjectKind::Model, "/model/id"),
            (SubjectKind::Principal, "/user/id"),
            (SubjectKind::Principal, "/session/user_id"),
        ];
        let said =
            PLACES.iter().filter_map(|(kind, place)| Some((*kind, self.value.pointer(place)?.as_str()?)));
        said.filter(|(_, subject)| !subject.is_empty()).collect()
    }

    /// The texts that are judged at this point.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        match self.point {
            Point::AgentStartup | Point::AgentShutdown => self.strings("target", None, &mut parts),
            Point::Input => {
                let role = self.value.pointer("/input/role").and_then(Value::as_str).unwrap_or_default();
                self.strings("input", Some(of_role(role)), &mut parts);
            }
            Point::PreModelCall => self.messages(&mut parts),
            Point::PostModelCall => self.strings("response", None, &mut parts),
            Point::PreToolCall => self.strings("target", None, &mut parts),
            Point::PostToolCall => self.strings("target", Some(Source::ToolResult), &mut parts),
            Point::Output => self.strings("output", None, &mut parts),
        }
        // What tools say of themselves is read by the model at every call.
        self.strings("tools", Some(Source::ToolResult), &mut parts);
        parts
    }

    fn messages<'a>(&'a self, parts: &mut Vec<Part<'a>>) {
        let messages = self.value.get("messages").and_then(Value::as_array);
        for (place, message) in messages.into_iter().flatten().enumerate() {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
            // What the model said before was judged when it said it.
            let source = Some(of_role(role)).filter(|_| role != "assistant");
            if let Some(content) = message.get("content") {
                collect(content, format!("messages[{place}].content"), source, parts);
            }
        }
    }

    fn strings<'a>(&'a self, member: &str, source: Option<Source>, parts: &mut Vec<Part<'a>>) {
        if let Some(value) = self.value.get(member) {
            collect(value, member.to_owned(), source, parts);
        }
    }
}

fn of_role(role: &str) -> Source {
    match role {
        "system" => Source::System,
        "developer" => Source::Developer,
        "tool" | "function" => Source::ToolResult,
        "external" => Source::Document,
        _ => Source::User,
    }
}

fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, String> {
    let found = value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| format!("`{}` is missing or no text", dotted(path)))
}

fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// How deep a value is nested. The reader has bounded it already, so this cannot run deep.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
