//! Automation rules: what is done at once when an incident or alert comes or changes, as Microsoft Sentinel writes them.
//!
//! [`Rule`] is read from the JSON of Resource Manager (`Microsoft.SecurityInsights/automationRules`), with places in what
//! is wrong. [`evaluate`] is pure: it takes an incident as it is, what changed, and the rules, and gives what has to be
//! done, in order. Rules run in their order, and each sees what those before it changed.
//!
//! ```
//! use castellan_base::{Limits, Sources, json};
//! use castellan_respond::automation::{self, Effect, Happening, Rule, Subject, Trigger};
//!
//! let text = r#"{"name": "r1", "properties": {"displayName": "Own", "order": 1,
//!   "triggeringLogic": {"isEnabled": true, "triggersOn": "Incidents", "triggersWhen": "Created", "conditions": [
//!     {"conditionType": "Property", "conditionProperties":
//!       {"propertyName": "IncidentTitle", "operator": "Contains", "propertyValues": ["jailbreak"]}}]},
//!   "actions": [{"order": 1, "actionType": "ModifyProperties", "actionConfiguration": {"severity": "High"}}]}}"#;
//! let mut sources = Sources::default();
//! let source = sources.add("rule.json", text);
//! let (rule, diagnostics) = Rule::read(&json::parse(text, source, &Limits::default()).unwrap());
//! assert!(diagnostics.is_empty());
//! let incident = Subject::default().with("IncidentTitle", ["Jailbreak of berth-desk"]);
//! let happening = Happening { trigger: Trigger::IncidentCreated, subject: incident, before: None, added: Vec::new() };
//! let outcome = automation::evaluate(&[rule.unwrap()], &happening, "2026-11-21T00:00:00Z".parse().unwrap());
//! assert!(matches!(outcome.effects[0].effect, Effect::Severity(_)));
//! ```

mod condition;
mod evaluate;
mod read;
mod subject;

pub use condition::{Condition, Operator, PropertyTest};
pub use evaluate::{Applied, Evaluation, Judged, evaluate};
pub use read::known_properties;
pub use subject::{Happening, Subject, Trigger};

use castellan_base::Ticks;
use serde::Serialize;

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its id: the resource's name.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Rules run from the lowest to the highest.
    pub order: u64,
    /// False when it is switched off.
    pub is_enabled: bool,
    /// When it ends by itself.
    pub expires: Option<Ticks>,
    /// What it waits for.
    pub trigger: Trigger,
    /// All of these have to hold.
    pub conditions: Vec<Condition>,
    /// What it does, in order.
    pub effects: Vec<Effect>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", content = "with", rename_all = "kebab-case")]
pub enum Effect {
    /// Starts a playbook: an id of ours, or the resource id of a Logic App.
    RunPlaybook(String),
    /// Sets the status, with what a closed incident was.
    Status {
        /// New, Active or Closed.
        status: String,
        /// TruePositive, BenignPositive, FalsePositive or Undetermined.
        classification: String,
        /// Why it is that.
        reason: String,
        /// In words.
        comment: String,
    },
    /// Sets the severity.
    Severity(String),
    /// Gives it to somebody; empty takes it away.
    Owner(String),
    /// Adds tags.
    Tags(Vec<String>),
    /// Adds something to do.
    Task {
        /// One line.
        title: String,
        /// In words.
        description: String,
    },
}
