//! Turns the actions of a workflow into steps.

use std::collections::BTreeSet;

use castellan_base::{Node, Object, Ticks};
use serde_json::{Map, Value, json};

use super::connector::{self, Connected};
use super::values::Values;
use super::{Fate, Imported, Line, definition, problems, time};
use crate::playbook::extension;
use crate::sign::uuid_of;

/// How deep actions may nest.
const DEEPEST: usize = 16;
/// The most actions.
const MOST: usize = 1_000;

/// Turns a Logic App into a playbook: an ARM template, an exported workflow or its definition.
pub fn logic_app(node: &Node, name: &str, now: Ticks) -> Imported {
    let Some(definition) = definition(node) else {
        let problem =
            "there is no workflow with `actions` in this; give an ARM template or an export of a Logic App";
        return Imported { document: Value::Null, lines: Vec::new(), problems: vec![problem.to_owned()] };
    };
    let mut importer = Importer {
        name,
        count: 0,
        steps: Map::new(),
        agents: Map::new(),
        values: Values::default(),
        lines: Vec::new(),
    };
    importer.triggers(definition.get("triggers"));
    let end = importer.id("end");
    importer.steps.insert(end.clone(), json!({"type": "end"}));
    importer.declare(definition, 0);
    let first = match definition.get("actions").and_then(Node::as_object) {
        Some(actions) => importer.chain(actions, end.clone(), &end, 0),
        None => end,
    };
    importer.lines.sort_by_key(|line| line.span.start);
    let document = importer.document(&first, now);
    let mut problems = problems(&document);
    if importer.count > MOST {
        problems.push(format!("the workflow has more than {MOST} actions; split it"));
    }
    Imported { document, lines: importer.lines, problems }
}

pub(super) struct Importer<'n> {
    name: &'n str,
    count: usize,
    steps: Map<String, Value>,
    agents: Map<String, Value>,
    pub(super) values: Values,
    lines: Vec<Line>,
}

/// What an action comes down to: a step to be led on to the next, nothing, or something for a person.
pub(super) enum Built {
    Step(&'static str, Value, String),
    Nothing(String),
}

impl Importer<'_> {
    fn id(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}--{}", uuid_of(format!("{} {} {kind}", self.name, self.count).as_bytes()))
    }

    fn line(&mut self, action: &str, node: &Node, fate: Fate) {
        let kind = node.get("type").and_then(Node::as_str).unwrap_or_default().to_owned();
        self.lines.push(Line { action: action.to_owned(), kind, fate, span: node.span });
    }

    /// Finds variables and secrets first: steps are made from the last to the first, and use what is declared before them.
    fn declare(&mut self, node: &Node, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let nested =
            ["actions", "else.actions", "default.actions"].into_iter().filter_map(|path| node.at_path(path));
        for action in nested.filter_map(Node::as_object).flat_map(Object::iter) {
            let inputs = action.value.get("inputs").unwrap_or(&Node::NULL);
            for variable in inputs.get("variables").and_then(Node::as_array).unwrap_or_default() {
                let text = |key: &str| variable.get(key).and_then(Node::as_str).unwrap_or_default();
                self.values.variable(text("name"), text("type"));
            }
            if let Connected::Secret(secret) = connector::connected(&connector::name(inputs), inputs) {
                self.values.secret(&action.key, &secret);
            }
            self.declare(&action.value, depth + 1);
        }
        for case in node.get("cases").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            self.declare(&case.value, depth + 1);
        }
    }

    fn triggers(&mut self, node: Option<&Node>) {
        for trigger in node.and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            let kind = trigger.value.get("type").and_then(Node::as_str).unwrap_or_default();
            let fate = match kind {
                "ApiConnectionWebhook" | "Request" => {
                    Fate::Mapped("an automation rule starts the playbook and gives its variables".to_owned())
                }
                other => {
                    Fate::LeftOut(format!("nothing starts a playbook by `{other}`; start it from outside"))
                }
            };
            self.line(&trigger.key, &trigger.value, fate);
        }
    }

    /// Steps for actions, in the order of `runAfter`. Returns the first of them, or what comes after when there is none.
    fn chain(&mut self, actions: &Object, after: String, end: &str, depth: usize) -> String {
        if actions.iter().count() > MOST {
            // Told as a problem of the whole; putting so many in order would take too long.
            self.count = MOST + 1;
            return after;
        }
        let mut next = after;
        for wave in waves(actions).into_iter().rev() {
            if let [(name, node)] = wave.as_slice() {
                next = self.action(name, node, next, end, depth);
                continue;
            }
            let mut branches = Vec::new();
            for (name, node) in wave {
                let first = self.action(name, node, end.to_owned(), end, depth);
                branches.extend(Some(first).filter(|first| first != end));
            }
            next = match branches.as_slice() {
                [] => next,
                _ => {
                    // A parallel step has two branches at least; an end is one that does nothing.
                    while branches.len() < 2 {
                        branches.push(end.to_owned());
                    }
                    let id = self.id("parallel");
                    self.steps.insert(
                        id.clone(),
                        json!({"type": "parallel", "next_steps": branches, "on_success": next}),
                    );
                    id
                }
            };
        }
        next
    }

    fn action(&mut self, name: &str, node: &Node, next: String, end: &str, depth: usize) -> String {
        if depth > DEEPEST || self.count > MOST {
            self.line(name, node, Fate::LeftOut("the workflow is nested too deep or too large".to_owned()));
            return next;
        }
        if let Some(statuses) = only_on_failure(node) {
            let why =
                format!("it runs only when what is before it is {statuses}; lead to it with `on_failure`");
            self.line(name, node, Fate::LeftOut(why));
            return next;
        }
        let lines = self.lines.len();
        match self.build(name, node, end, depth) {
            Ok(Built::Nothing(why)) => {
                self.line(name, node, Fate::LeftOut(why));
                next
            }
            Ok(Built::Step(kind, step, what)) => {
                self.line(name, node, Fate::Mapped(what));
                self.add(kind, name, step, &next)
            }
            Err(why) => {
                // What is inside of it is done by hand along with it.
                self.lines.truncate(lines);
                let kind = node.get("type").and_then(Node::as_str).unwrap_or_default();
                let text =
                    format!("Do what the Logic App did in `{name}` (`{kind}`), which was not mapped: {why}.");
                self.line(name, node, Fate::ByHand(why));
                let mut step =
                    json!({"commands": [{"type": "manual", "command": text}], "agent": self.person()});
                self.gives_result(name, &mut step);
                self.add("action", name, step, &next)
            }
        }
    }

    fn add(&mut self, kind: &str, name: &str, mut step: Value, next: &str) -> String {
        let id = self.id(kind);
        if let Some(members) = step.as_object_mut() {
            members.insert("type".to_owned(), json!(kind));
            members.insert("name".to_owned(), json!(name.replace('_', " ")));
            members.insert("on_success".to_owned(), json!(next));
        }
        self.steps.insert(id.clone(), step);
        id
    }

    fn build(&mut self, name: &str, node: &Node, end: &str, depth: usize) -> Result<Built, String> {
        let inputs = node.get("inputs").unwrap_or(&Node::NULL);
        match node.get("type").and_then(Node::as_str).unwrap_or_default() {
            "InitializeVariable" => self.initialise(inputs),
            "SetVariable" => {
                let variable = inputs.get("name").and_then(Node::as_str).unwrap_or_default();
                let variable = self.values.declared(variable);
                let value = self.values.text_of(inputs.get("value").unwrap_or(&Node::NULL))?;
                Ok(self.call("run.set", json!({"value": value}), Some(("value", &variable))))
            }
            "Compose" => {
                let value = self.values.text_of(inputs)?;
                let variable = self.values.result(name);
                self.values.sets_result(name);
                Ok(self.call("run.set", json!({"value": value}), Some(("value", &variable))))
            }
            "ParseJson" => Ok(Built::Nothing("what it takes apart is given as variables".to_owned())),
            "Http" => {
                let mut built = self.http(inputs)?;
                if let Built::Step(_, step, _) = &mut built
                    && step.get("step_extensions").is_none()
                {
                    self.gives_result(name, step);
                }
                Ok(built)
            }
            "ApiConnection" => self.connection(name, inputs),
            "If" => self.condition(node, end, depth),
            "Switch" => self.switch(node, end, depth),
            "Foreach" => self.for_each(name, node, end, depth),
            "Until" => self.until(node, end, depth),
            "Scope" => {
                let first = self.inner(node.get("actions"), end, depth);
                let step = json!({"condition": "true = true", "on_true": first});
                Ok(Built::Step(
                    "if-condition",
                    step,
                    "its actions are a branch that is always taken".to_owned(),
                ))
            }
            other => Err(format!("actions of type `{other}` are not mapped")),
        }
    }

    /// Has a step give its result, when a step after it uses that. Those were made before.
    fn gives_result(&mut self, name: &str, step: &mut Value) {
        if let (Some(variable), Some(members)) = (self.values.sets_result(name), step.as_object_mut()) {
            members.insert("out_args".to_owned(), json!([variable]));
        }
    }

    pub(super) fn inner(&mut self, actions: Option<&Node>, end: &str, depth: usize) -> String {
        match actions.and_then(Node::as_object) {
            Some(actions) => self.chain(actions, end.to_owned(), end, depth + 1),
            None => end.to_owned(),
        }
    }

    pub(super) fn call(&mut self, action: &str, inputs: Value, output: Option<(&str, &str)>) -> Built {
        let mut call = json!({"action": action, "inputs": inputs});
        if let (Some((name, variable)), Some(members)) = (output, call.as_object_mut()) {
            members.insert("outputs".to_owned(), json!({name: variable}));
        }
        let step = json!({
            "commands": [{"type": extension::COMMAND}],
            "agent": self.castellan(),
            "step_extensions": {(extension::ACTION): call},
        });
        Built::Step("action", step, format!("the action `{action}`"))
    }

    fn agent(&mut self, kind: &str, key: &str, agent: Value) -> String {
        let id = format!("{kind}--{}", uuid_of(format!("agent {key}").as_bytes()));
        self.agents.entry(id.clone()).or_insert(agent);
        id
    }

    fn castellan(&mut self) -> String {
        let agent = json!({"type": "security-category", "name": "Castellan", "category": ["orchestrator"]});
        self.agent("security-category", "castellan", agent)
    }

    fn person(&mut self) -> String {
        self.agent("group", "people", json!({"type": "group", "name": "Response team"}))
    }

    pub(super) fn service(&mut self, host: &str) -> String {
        let address = json!({"url": [format!("https://{host}")]});
        self.agent("http-api", host, json!({"type": "http-api", "name": host, "address": address}))
    }

    fn document(&mut self, first: &str, now: Ticks) -> Value {
        let start = self.id("start");
        self.steps.insert(start.clone(), json!({"type": "start", "on_completion": first}));
        let steps = std::mem::take(&mut self.steps);
        let mut document = json!({
            "type": "playbook",
            "spec_version": "cacao-2.0",
            "id": format!("playbook--{}", uuid_of(format!("logic app {}", self.name).as_bytes())),
            "name": self.name,
            "description": "Imported from a Logic App. Read it before it runs.",
            "created_by": extension::AUTHOR,
            "created": time(now),
            "modified": time(now),
            "playbook_variables": self.values.document(),
            "workflow_start": start,
            "workflow": steps,
        });
        let text = document.to_string();
        let used = [extension::ACTION, extension::POLICY, extension::FOR_EACH]
            .into_iter()
            .filter(|id| text.contains(*id));
        let declared: Map<String, Value> =
            used.filter_map(|id| Some((id.to_owned(), extension::definition(id)?))).collect();
        if let Some(members) = document.as_object_mut() {
            if !self.agents.is_empty() {
                members
                    .insert("agent_definitions".to_owned(), Value::Object(std::mem::take(&mut self.agents)));
            }
            if !declared.is_empty() {
                members.insert("extension_definitions".to_owned(), Value::Object(declared));
            }
        }
        document
    }
}

/// Actions by how many are before them: those of one wave do not wait for each other.
fn waves(actions: &Object) -> Vec<Vec<(&str, &Node)>> {
    let mut left: Vec<(&str, &Node)> = actions.iter().map(|member| (&*member.key, &member.value)).collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let names: BTreeSet<&str> = left.iter().map(|(name, _)| *name).collect();
        let waits = |node: &Node| {
            let before = node.get("runAfter").and_then(Node::as_object);
            before.into_iter().flat_map(Object::iter).any(|before| names.contains(&*before.key))
        };
        let (now, later): (Vec<_>, Vec<_>) = left.iter().partition(|(_, node)| !waits(node));
        // What waits for itself in a circle comes in the order in which it stands.
        let (now, later) = if now.is_empty() { (later, Vec::new()) } else { (now, later) };
        waves.push(now);
        left = later;
    }
    waves
}

/// The statuses that an action waits for, when success is none of them.
fn only_on_failure(node: &Node) -> Option<String> {
    let before = node.get("runAfter").and_then(Node::as_object)?;
    let mut statuses = before.iter().flat_map(|before| before.value.as_array().unwrap_or_default());
    let first = statuses.clone().next()?;
    let succeeds =
        statuses.any(|status| status.as_str().is_some_and(|status| status.eq_ignore_ascii_case("Succeeded")));
    (!succeeds).then(|| first.as_str().unwrap_or_default().to_lowercase())
}
