//! Workflow steps and the commands of action steps (CACAO 2.0 sections 4 and 5).

use std::collections::BTreeMap;

use base64::Engine as _;
use castellan_base::{Node, Object, Span};

use super::condition::Condition;
use super::extension::{self, ActionCall, Approval, ForEach, StepPolicy};
use super::reader::{Reader, member};
use super::text::Text;
use super::variable::Variable;

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id: `action--UUID`.
    pub id: String,
    /// Its name; empty when it has none.
    pub name: String,
    /// What it does, in words.
    pub description: String,
    /// What it is.
    pub kind: StepKind,
    /// The step after it, whatever comes of it.
    pub on_completion: Option<String>,
    /// The step after it when it succeeds.
    pub on_success: Option<String>,
    /// The step after it when it fails.
    pub on_failure: Option<String>,
    /// Milliseconds to wait before it starts.
    pub delay_ms: u64,
    /// Milliseconds after which it has failed.
    pub timeout_ms: Option<u64>,
    /// Variables that live as long as the step.
    pub variables: BTreeMap<String, Variable>,
    /// People who have to approve it first.
    pub approval: Option<Approval>,
    /// How it is run.
    pub policy: StepPolicy,
    /// Whether it runs once for each item of a list.
    pub for_each: Option<ForEach>,
    /// Where it stands.
    pub span: Span,
}

/// What a step is.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Where a workflow starts.
    Start,
    /// Where a workflow or a branch ends.
    End,
    /// Commands.
    Action(ActionStep),
    /// Another playbook.
    Playbook {
        /// Its id.
        id: String,
        /// The version (`modified`) that it has to have, if it matters.
        version: Option<String>,
        /// Variables that go in.
        in_args: Vec<String>,
        /// Variables that come back.
        out_args: Vec<String>,
    },
    /// Branches side by side.
    Parallel(Vec<String>),
    /// One branch or the other.
    If {
        /// What decides.
        condition: Condition,
        /// The branch when it holds.
        on_true: String,
        /// The branch when not.
        on_false: Option<String>,
    },
    /// A branch as long as a condition holds.
    While {
        /// What decides.
        condition: Condition,
        /// The branch.
        on_true: String,
    },
    /// The branch of a value.
    Switch {
        /// What is compared.
        subject: Text,
        /// Branches by value; `default` is for all others.
        cases: Vec<(String, String)>,
    },
}

impl StepKind {
    /// CACAO's word.
    pub fn as_str(&self) -> &'static str {
        match self {
            StepKind::Start => "start",
            StepKind::End => "end",
            StepKind::Action(_) => "action",
            StepKind::Playbook { .. } => "playbook-action",
            StepKind::Parallel(_) => "parallel",
            StepKind::If { .. } => "if-condition",
            StepKind::While { .. } => "while-condition",
            StepKind::Switch { .. } => "switch-condition",
        }
    }
}

/// The commands of a step and who carries them out on what.
#[derive(Clone, Debug)]
pub struct ActionStep {
    /// The commands, in order.
    pub commands: Vec<Command>,
    /// Who carries them out: an id under `agent_definitions`.
    pub agent: String,
    /// On what: ids under `target_definitions`.
    pub targets: Vec<String>,
    /// Which variables a plain command sets.
    pub out_args: Vec<String>,
    /// The action of the catalogue, for a command of type [`extension::COMMAND`].
    pub call: Option<ActionCall>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The action of the catalogue that the step's extension names.
    Catalogue,
    /// A request over HTTP.
    Http {
        /// `POST /path HTTP/1.1`.
        line: Text,
        /// Headers by name.
        headers: Vec<(String, Text)>,
        /// The body.
        content: Option<Text>,
    },
    /// Something that a person does.
    Manual(Text),
    /// A command that only others run: bash, ssh, openc2-http and so on. It is kept; a run refuses it.
    Other(String),
}

const STEP_PROPERTIES: [&str; 12] = [
    "type",
    "name",
    "description",
    "external_references",
    "delay",
    "timeout",
    "step_variables",
    "owner",
    "on_completion",
    "on_success",
    "on_failure",
    "step_extensions",
];

/// The longest delay and timeout: a year, in milliseconds.
const LONGEST_MS: u64 = 31_536_000_000;

pub(crate) fn read(id: &str, node: &Node, reader: &mut Reader) -> Option<Step> {
    let object = reader.object(node, "a step")?;
    let word = reader.required(object, "type", node.span)?;
    if id.split_once("--").map(|(prefix, _)| prefix) != Some(word.as_str()) {
        let message = format!("the step `{id}` says that it is of type `{word}`");
        reader.error(node.span, message, format!("its id has to begin with `{word}--`"));
    }
    let mut extensions = extension::read_step(member(object, "step_extensions"), reader);
    let kind = kind(&word, object, node, extensions.call.take(), reader)?;
    let known: Vec<&str> = STEP_PROPERTIES.iter().chain(own_properties(&word)).copied().collect();
    reader.known(object, &format!("a step of type `{word}`"), &known);
    let step = Step {
        id: id.to_owned(),
        name: reader.text(object, "name").unwrap_or_default(),
        description: reader.text(object, "description").unwrap_or_default(),
        on_completion: reader.text(object, "on_completion"),
        on_success: reader.text(object, "on_success"),
        on_failure: reader.text(object, "on_failure"),
        delay_ms: reader.whole(object, "delay", 0, LONGEST_MS).unwrap_or(0),
        timeout_ms: reader.whole(object, "timeout", 0, LONGEST_MS),
        variables: super::read_variables(member(object, "step_variables"), reader),
        approval: extensions.approval,
        policy: extensions.policy,
        for_each: extensions.for_each,
        kind,
        span: node.span,
    };
    if step.timeout_ms.is_some() && !matches!(step.kind, StepKind::Action(_)) {
        let message = format!("`timeout` has no effect on a step of type `{word}`");
        reader.warning(node.span, message, "give the action steps within a timeout of their own");
    }
    follow_up(&step, reader);
    Some(step)
}

/// What the next steps may be (CACAO 2.0 section 4.1).
fn follow_up(step: &Step, reader: &mut Reader) {
    let after_outcome = step.on_success.is_some() || step.on_failure.is_some();
    let message = match step.kind {
        StepKind::End if step.on_completion.is_some() || after_outcome => "an end step has no next step",
        StepKind::Start if after_outcome => "a start step has `on_completion` alone",
        _ if step.on_completion.is_some() && after_outcome => {
            "a step has `on_completion`, or `on_success` and `on_failure`, not both"
        }
        _ => return,
    };
    reader.error(step.span, message, "remove one");
}

fn own_properties(word: &str) -> &'static [&'static str] {
    match word {
        "action" => &["commands", "agent", "targets", "in_args", "out_args"],
        "playbook-action" => &["playbook_id", "playbook_version", "in_args", "out_args"],
        "parallel" => &["next_steps"],
        "if-condition" => &["condition", "on_true", "on_false"],
        "while-condition" => &["condition", "on_true"],
        "switch-condition" => &["switch", "cases"],
        _ => &[],
    }
}

fn kind(
    word: &str,
    object: &Object,
    node: &Node,
    call: Option<ActionCall>,
    reader: &mut Reader,
) -> Option<StepKind> {
    Some(match word {
        "start" => StepKind::Start,
        "end" => StepKind::End,
        "action" => StepKind::Action(action(object, node, call, reader)?),
        "playbook-action" => StepKind::Playbook {
            id: reader.required(object, "playbook_id", node.span)?,
            version: reader.text(object, "playbook_version"),
            in_args: reader.texts(object, "in_args"),
            out_args: reader.texts(object, "out_args"),
        },
        "parallel" => StepKind::Parallel(reader.texts(object, "next_steps")),
        "if-condition" => StepKind::If {
            condition: condition(object, node, reader)?,
            on_true: reader.required(object, "on_true", node.span)?,
            on_false: reader.text(object, "on_false"),
        },
        "while-condition" => StepKind::While {
            condition: condition(object, node, reader)?,
            on_true: reader.required(object, "on_true", node.span)?,
        },
        "switch-condition" => {
            let subject = Text::parse(&reader.required(object, "switch", node.span)?);
            StepKind::Switch { subject, cases: cases(object, node, reader)? }
        }
        other => {
            let message = format!("`{other}` is no type of step");
            reader.error(node.span, message, "CACAO 2.0 has start, end, action, playbook-action, parallel, if-condition, while-condition and switch-condition");
            return None;
        }
    })
}

fn condition(object: &Object, node: &Node, reader: &mut Reader) -> Option<Condition> {
    let text = reader.required(object, "condition", node.span)?;
    let span = member(object, "condition").map_or(node.span, |node| node.span);
    match Condition::parse(&text) {
        Ok(condition) => Some(condition),
        Err(error) => {
            reader.error(span, format!("the condition `{text}` cannot be decided: {error}"), "");
            None
        }
    }
}

fn cases(object: &Object, node: &Node, reader: &mut Reader) -> Option<Vec<(String, String)>> {
    let Some(cases) = member(object, "cases") else {
        reader.error(node.span, "`cases` is missing", "add a step for each value, and `default`");
        return None;
    };
    let cases = reader.object(cases, "`cases`")?;
    let mut found = Vec::new();
    for case in cases {
        found.push((case.key.to_string(), reader.text_of(&case.value, "a case")?));
    }
    Some(found)
}

fn action(object: &Object, node: &Node, call: Option<ActionCall>, reader: &mut Reader) -> Option<ActionStep> {
    let agent = reader.required(object, "agent", node.span)?;
    let Some(given) = member(object, "commands").and_then(Node::as_array).filter(|given| !given.is_empty())
    else {
        reader.error(node.span, "an action needs `commands`", "add at least one command");
        return None;
    };
    let commands: Vec<Command> = given.iter().filter_map(|command| self::command(command, reader)).collect();
    let wants_call = commands.contains(&Command::Catalogue);
    if wants_call && call.is_none() {
        let help = format!("add `step_extensions: {{{}: {{action: NAME}}}}`", extension::ACTION);
        reader.error(node.span, "the step has a command of ours and names no action", help);
    }
    if call.is_some() && !wants_call {
        let help = format!("add a command of type `{}`", extension::COMMAND);
        reader.error(node.span, "the step names an action and has no command that runs it", help);
    }
    Some(ActionStep {
        commands,
        agent,
        targets: reader.texts(object, "targets"),
        out_args: reader.texts(object, "out_args"),
        call,
    })
}

fn command(node: &Node, reader: &mut Reader) -> Option<Command> {
    let object = reader.object(node, "a command")?;
    let word = reader.required(object, "type", node.span)?;
    Some(match word.as_str() {
        extension::COMMAND => Command::Catalogue,
        "manual" => {
            let text = reader.text(object, "command").or_else(|| decoded(object, "command_b64", reader));
            Command::Manual(Text::parse(&text.unwrap_or_default()))
        }
        "http-api" => {
            let line = Text::parse(&reader.required(object, "command", node.span)?);
            let content = reader.text(object, "content").or_else(|| decoded(object, "content_b64", reader));
            let content = content.map(|text| Text::parse(&text));
            Command::Http { line, headers: headers(object, reader), content }
        }
        other => Command::Other(other.to_owned()),
    })
}

fn decoded(object: &Object, key: &str, reader: &mut Reader) -> Option<String> {
    let text = reader.text(object, key)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    if decoded.is_none() {
        let span = member(object, key).map_or(Span::NONE, |node| node.span);
        reader.error(span, format!("`{key}` is no Base64 of a text in UTF-8"), "");
    }
    decoded
}

fn headers(object: &Object, reader: &mut Reader) -> Vec<(String, Text)> {
    let mut found = Vec::new();
    let Some(headers) = member(object, "headers").and_then(|node| reader.object(node, "`headers`")) else {
        return found;
    };
    for header in headers {
        let values = header.value.as_array().unwrap_or_default();
        if values.is_empty() {
            reader.error(header.value.span, "the values of a header are a list", "write [value]");
        }
        for value in values {
            if let Some(text) = reader.text_of(value, "a header's value") {
                found.push((header.key.to_string(), Text::parse(&text)));
            }
        }
    }
    found
}
