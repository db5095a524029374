//! What CACAO 2.0 leaves out and Castellan adds, by CACAO's own mechanism of extension definitions.
//!
//! Each extension has a fixed id. A playbook that uses one declares it under `extension_definitions`, so that other
//! tools know what they do not know; [`definition`] gives the declaration.

use std::collections::BTreeMap;

use castellan_base::{Node, Object, Value};

use super::reader::{Reader, member};
use super::text::{Text, is_variable_name};

/// Of a step: which action of the catalogue to run, with its inputs and outputs.
pub const ACTION: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c01";
/// Of a step: people who have to approve it.
pub const APPROVAL: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c02";
/// Of a step: retries, compensation, bounds of loops, and the probe and undo of a plain HTTP command.
pub const POLICY: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c03";
/// Of a step: run it once for each item of a list.
pub const FOR_EACH: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c04";
/// Of a playbook: what happens when it fails.
pub const RUN: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c05";
/// Of an agent or target: the configured connector that stands for it.
pub const CONNECTOR: &str = "extension-definition--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c06";

/// Who declares the extensions, as a STIX identity.
pub const AUTHOR: &str = "identity--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00";

/// The type of a command that an action of the catalogue carries out.
pub const COMMAND: &str = "castellan-action";

/// The version of all definitions.
const VERSION: &str = "1.0";

const DEFINITIONS: [(&str, &str); 6] = [
    (ACTION, "castellan-action"),
    (APPROVAL, "castellan-approval"),
    (POLICY, "castellan-step-policy"),
    (FOR_EACH, "castellan-for-each"),
    (RUN, "castellan-run"),
    (CONNECTOR, "castellan-connector"),
];

/// The declaration of one of our extensions, as it stands under `extension_definitions`.
pub fn definition(id: &str) -> Option<serde_json::Value> {
    let (_, name) = DEFINITIONS.iter().find(|(known, _)| *known == id)?;
    Some(serde_json::json!({
        "type": "extension-definition",
        "name": name,
        "created_by": AUTHOR,
        "schema": format!("https://castellan.security/cacao/{name}.json"),
        "version": VERSION,
    }))
}

/// True for an extension of ours.
pub(crate) fn is_ours(id: &str) -> bool {
    DEFINITIONS.iter().any(|(known, _)| *known == id)
}

/// An action of the catalogue with its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCall {
    /// The action's name: `gate.block`.
    pub action: String,
    /// Inputs by name. Numbers and flags are texts here; lists are JSON.
    pub inputs: BTreeMap<String, Text>,
    /// Which output goes into which variable.
    pub outputs: BTreeMap<String, String>,
}

/// People who have to say yes before a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who may: people as the caller knows them, and roles as `role:NAME`.
    pub approvers: Vec<String>,
    /// How many of them have to.
    pub required: usize,
    /// After how many seconds it is escalated, or taken as refused.
    pub timeout_seconds: u64,
    /// Who may as well once the time is up. Empty: the step is refused then.
    pub escalate_to: Vec<String>,
    /// What they are asked.
    pub question: Text,
    /// True when whoever started the run may not approve it.
    pub not_starter: bool,
}

/// When a step that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// How often it is tried altogether.
    pub attempts: u32,
    /// Seconds before the second attempt.
    pub backoff_seconds: u64,
    /// By what the wait grows each time.
    pub factor: u64,
    /// The longest wait in seconds.
    pub longest_seconds: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 1, backoff_seconds: 5, factor: 2, longest_seconds: 300 }
    }
}

/// An HTTP request as CACAO's `http-api` command writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// `POST /path`.
    pub command: Text,
    /// The body.
    pub content: Option<Text>,
}

/// How a step is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepPolicy {
    /// When it is tried again.
    pub retry: Retry,
    /// False when the step stays as it is though the playbook fails.
    pub keep: bool,
    /// The most rounds of a loop; 100 when `None`.
    pub most_rounds: Option<u64>,
    /// For `http-api`: a request that answers 2xx when the step took effect and 404 when not.
    pub probe: Option<RequestLine>,
    /// For `http-api`: a request that takes the step back.
    pub undo: Option<RequestLine>,
    /// For `http-api`: the service drops a repeated request with the same `Idempotency-Key`.
    pub repeatable: bool,
}

/// Run the step once for each item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForEach {
    /// A text that gives a JSON array of strings.
    pub list: Text,
    /// The variable that has the item.
    pub variable: String,
    /// The most items.
    pub most: u64,
}

/// What a playbook as a whole does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunPolicy {
    /// True when what was done is undone, last first, once the playbook fails.
    pub compensate: bool,
}

/// Extensions of a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepExtensions {
    pub(crate) call: Option<ActionCall>,
    pub(crate) approval: Option<Approval>,
    pub(crate) policy: StepPolicy,
    pub(crate) for_each: Option<ForEach>,
}

pub(crate) fn read_step(node: Option<&Node>, reader: &mut Reader) -> StepExtensions {
    let mut found = StepExtensions::default();
    let Some(node) = node else { return found };
    let Some(extensions) = reader.object(node, "`step_extensions`") else { return found };
    for extension in extensions {
        let Some(object) = reader.object(&extension.value, "an extension") else { continue };
        match &*extension.key {
            ACTION => found.call = call(object, &extension.value, reader),
            APPROVAL => found.approval = approval(object, &extension.value, reader),
            POLICY => found.policy = policy(object, reader),
            FOR_EACH => found.for_each = for_each(object, &extension.value, reader),
            other => reader.warning(
                extension.key_span,
                format!("the extension `{other}` is not known here"),
                "it is kept and has no effect",
            ),
        }
    }
    found
}

pub(crate) fn read_run(node: Option<&Node>, reader: &mut Reader) -> RunPolicy {
    let policy = node.and_then(|node| node.as_object()).and_then(|object| member(object, RUN));
    let Some(object) = policy.and_then(|node| reader.object(node, "an extension")) else {
        return RunPolicy::default();
    };
    reader.known(object, "the run extension", &["on_failure"]);
    let compensate = match (reader.text(object, "on_failure").as_deref(), member(object, "on_failure")) {
        (Some("compensate"), _) => true,
        (None | Some("keep"), _) => false,
        (Some(other), node) => {
            let span = node.map_or(castellan_base::Span::NONE, |node| node.span);
            reader.error(span, format!("`{other}` is no way to fail"), "write `compensate` or `keep`");
            false
        }
    };
    RunPolicy { compensate }
}

fn call(object: &Object, whole: &Node, reader: &mut Reader) -> Option<ActionCall> {
    reader.known(object, "the action extension", &["action", "inputs", "outputs"]);
    let action = reader.required(object, "action", whole.span)?;
    let mut inputs = BTreeMap::new();
    if let Some(node) = member(object, "inputs")
        && let Some(given) = reader.object(node, "`inputs`")
    {
        for input in given {
            if let Some(text) = input_text(&input.value, reader) {
                inputs.insert(input.key.to_string(), Text::parse(&text));
            }
        }
    }
    let mut outputs = BTreeMap::new();
    if let Some(node) = member(object, "outputs")
        && let Some(wanted) = reader.object(node, "`outputs`")
    {
        for output in wanted {
            let Some(variable) = reader.text_of(&output.value, "an output") else { continue };
            if !is_variable_name(&variable) {
                let message = format!("`{variable}` is no variable");
                reader.error(output.value.span, message, "write `__name__`");
                continue;
            }
            outputs.insert(output.key.to_string(), variable);
        }
    }
    Some(ActionCall { action, inputs, outputs })
}

/// The largest whole number that every reader of JSON has exactly (RFC 8259 section 6).
const LARGEST: u64 = (1 << 53) - 1;

/// An input as text; `null` is no input. What is no text becomes the canonical one, which is what is signed: a number that
/// is written in another way is the same input.
fn input_text(node: &Node, reader: &mut Reader) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.to_string()),
        Value::Null => None,
        _ => {
            exact(node, reader);
            Some(crate::sign::canonical(&node.to_json()))
        }
    }
}

/// Refuses whole numbers that some readers round: a signature would hold for several of them.
fn exact(node: &Node, reader: &mut Reader) {
    let is_rounded = match &node.value {
        Value::Int(number) => number.unsigned_abs() > LARGEST,
        Value::Float(number) => number.fract() == 0.0 && number.abs() >= 9_007_199_254_740_992.0,
        Value::Array(items) => return items.iter().for_each(|item| exact(item, reader)),
        Value::Object(object) => return object.iter().for_each(|member| exact(&member.value, reader)),
        _ => false,
    };
    if is_rounded {
        let message = "a whole number beyond 9007199254740991 is not the same to every reader";
        reader.error(node.span, message, "put it in quotes");
    }
}

fn approval(object: &Object, whole: &Node, reader: &mut Reader) -> Option<Approval> {
    let known = ["approvers", "required", "timeout_seconds", "escalate_to", "question", "not_starter"];
    reader.known(object, "the approval extension", &known);
    let approvers = reader.texts(object, "approvers");
    let escalate_to = reader.texts(object, "escalate_to");
    // A role may have many people; of people that are named there are as many as are named.
    let has_role = approvers.iter().any(|approver| approver.starts_with("role:"));
    let people: std::collections::BTreeSet<String> =
        approvers.iter().map(|approver| approver.to_lowercase()).collect();
    let most = if has_role { 20 } else { u64::try_from(people.len()).unwrap_or(u64::MAX) };
    let required = reader.whole(object, "required", 1, most.max(1)).unwrap_or(1);
    if approvers.is_empty() {
        reader.error(whole.span, "an approval needs `approvers`", "name at least one person or role");
        return None;
    }
    Some(Approval {
        approvers,
        required: usize::try_from(required).unwrap_or(usize::MAX),
        timeout_seconds: reader.whole(object, "timeout_seconds", 1, 31_536_000).unwrap_or(3600),
        escalate_to,
        question: Text::parse(&reader.text(object, "question").unwrap_or_default()),
        not_starter: reader.flag(object, "not_starter").unwrap_or(false),
    })
}

fn policy(object: &Object, reader: &mut Reader) -> StepPolicy {
    let known = ["retry", "keep", "most_rounds", "probe", "undo", "repeatable"];
    reader.known(object, "the policy extension", &known);
    let mut retry = Retry::default();
    if let Some(node) = member(object, "retry")
        && let Some(given) = reader.object(node, "`retry`")
    {
        reader.known(given, "`retry`", &["attempts", "backoff_seconds", "factor", "longest_seconds"]);
        let attempts = reader.whole(given, "attempts", 1, 100).unwrap_or(1);
        retry.attempts = u32::try_from(attempts).unwrap_or(1);
        retry.backoff_seconds =
            reader.whole(given, "backoff_seconds", 0, 86_400).unwrap_or(retry.backoff_seconds);
        retry.factor = reader.whole(given, "factor", 1, 10).unwrap_or(retry.factor);
        retry.longest_seconds =
            reader.whole(given, "longest_seconds", 0, 86_400).unwrap_or(retry.longest_seconds);
    }
    StepPolicy {
        retry,
        keep: reader.flag(object, "keep").unwrap_or(false),
        most_rounds: reader.whole(object, "most_rounds", 1, 10_000),
        probe: request(object, "probe", reader),
        undo: request(object, "undo", reader),
        repeatable: reader.flag(object, "repeatable").unwrap_or(false),
    }
}

fn request(object: &Object, key: &str, reader: &mut Reader) -> Option<RequestLine> {
    let node = member(object, key)?;
    let given = reader.object(node, &format!("`{key}`"))?;
    reader.known(given, &format!("`{key}`"), &["command", "content"]);
    let command = Text::parse(&reader.required(given, "command", node.span)?);
    Some(RequestLine { command, content: reader.text(given, "content").map(|text| Text::parse(&text)) })
}

fn for_each(object: &Object, whole: &Node, reader: &mut Reader) -> Option<ForEach> {
    reader.known(object, "the for-each extension", &["list", "variable", "most"]);
    let list = Text::parse(&reader.required(object, "list", whole.span)?);
    let variable = reader.required(object, "variable", whole.span)?;
    if !is_variable_name(&variable) {
        reader.error(whole.span, format!("`{variable}` is no variable"), "write `__name__`");
        return None;
    }
    Some(ForEach { list, variable, most: reader.whole(object, "most", 1, 10_000).unwrap_or(100) })
}
