//! Playbooks of Microsoft Sentinel: Logic Apps as ARM templates, turned into CACAO.
//!
//! The common subset is mapped: triggers of Sentinel, conditions, switches, loops, variables, requests, and the connectors
//! for secrets, chat and mail. *Invariant (nothing is lost in silence):* every action of the Logic App is in the report,
//! and one that is not mapped becomes a step for a person that says what it did and why it is not mapped.
//!
//! ```
//! use castellan_base::{Limits, Sources, json};
//! use castellan_respond::import;
//!
//! let text = r#"{"definition": {
//!   "triggers": {"Microsoft_Sentinel_incident": {"type": "ApiConnectionWebhook", "inputs": {"path": "/incident-creation"}}},
//!   "actions": {"Note": {"type": "Compose", "inputs": "@triggerBody()?['object']?['properties']?['title']"}}}}"#;
//! let mut sources = Sources::default();
//! let source = sources.add("app.json", text);
//! let imported = import::logic_app(&json::parse(text, source, &Limits::default()).unwrap(), "Note", "2026-11-21T00:00:00Z".parse().unwrap());
//! assert!(imported.problems.is_empty());
//! assert!(imported.document["playbook_variables"]["__incident_title__"]["external"].as_bool().unwrap());
//! ```

mod actions;
mod connector;
mod expression;
mod values;
mod workflow;

use castellan_base::{Level, Node, Span, Ticks};
use serde_json::Value;

pub use workflow::logic_app;

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is a step, or part of one: which.
    Mapped(String),
    /// It is a step for a person: why.
    ByHand(String),
    /// It needs no step, or is left out: why.
    LeftOut(String),
}

/// An action of the Logic App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub action: String,
    /// Its type.
    pub kind: String,
    /// What became of it.
    pub fate: Fate,
    /// Where it stands.
    pub span: Span,
}

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The playbook, unsigned. Read it before it runs.
    pub document: Value,
    /// Every action, in the order in which they were read.
    pub lines: Vec<Line>,
    /// Why the playbook could not be read back, or is no Logic App; empty when all is well.
    pub problems: Vec<String>,
}

/// The definition of a workflow: of a template's resource, of an export, or as it is.
fn definition(node: &Node) -> Option<&Node> {
    if node.get("actions").is_some() {
        return Some(node);
    }
    for path in ["definition", "properties.definition"] {
        if let Some(found) = node.at_path(path).filter(|found| found.get("actions").is_some()) {
            return Some(found);
        }
    }
    let resources = node.get("resources").and_then(Node::as_array).unwrap_or_default();
    resources.iter().find_map(definition)
}

/// What is wrong with a playbook that was put together.
fn problems(document: &Value) -> Vec<String> {
    let reading = crate::playbook::read_node(&Node::from_json(document));
    let errors = reading.diagnostics.into_iter().filter(|diagnostic| diagnostic.level == Level::Error);
    errors.map(|diagnostic| diagnostic.message).collect()
}

/// A time as CACAO has it.
fn time(now: Ticks) -> String {
    let text = now.to_string();
    format!("{}Z", text.get(..23).unwrap_or(&text))
}
