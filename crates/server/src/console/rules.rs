//! Analytics rules: which there are and how they run, and saving a query as one.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use castellan_detect::rule::{Kind, Operator, Severity};
use serde::{Deserialize, Serialize};

use super::editor::Diagnosed;
use super::failure::Failure;
use super::request::{Caller, Request};

/// The rules that run. Functions may take a while: they are called on threads of their own.
pub trait Rules: Send + Sync {
    /// All rules.
    fn list(&self) -> Vec<RuleState>;

    /// Where rules are saved; nothing where none can be.
    fn folder(&self) -> Option<String>;

    /// What is wrong with a rule, and what would be saved.
    fn check(&self, rule: &NewRule) -> CheckedRule;

    /// Saves a rule that has no errors, and has it run if it can.
    ///
    /// # Errors
    /// It has errors, another one has its name ([`Failure::conflict`]), there is no folder, or it cannot be written.
    fn save(&self, rule: &NewRule, by: &str) -> Result<SavedRule, Failure>;

    /// Removes a rule that was saved here, by its id.
    ///
    /// # Errors
    /// There is none, it was not saved here ([`Failure::conflict`]), or it cannot be removed.
    fn remove(&self, id: &str, by: &str) -> Result<(), Failure>;
}

/// A rule, and how it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    /// What identifies it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it finds.
    pub description: String,
    /// When it runs.
    pub kind: Kind,
    /// How bad its alerts are.
    pub severity: Severity,
    /// Whether it runs at all.
    pub enabled: bool,
    /// Tactics of ATT&CK.
    pub tactics: Vec<String>,
    /// Techniques of ATT&CK and ATLAS.
    pub techniques: Vec<String>,
    /// KQL.
    pub query: String,
    /// The distance of two runs, in ISO 8601.
    pub frequency: String,
    /// How far back a run looks, in ISO 8601.
    pub period: String,
    /// How many results make an alert.
    pub trigger: Trigger,
    /// How it is told of events.
    pub mode: Mode,
    /// Why it is not told of each event; empty where it is.
    pub mode_reason: String,
    /// `built in`, or a file.
    pub source: String,
    /// Whether it was saved here.
    pub is_ours: bool,
    /// When it ran or was looked at last.
    pub last_run: Option<Ticks>,
    /// `Success`, or what went wrong; empty before the first run.
    pub last_status: String,
    /// How far behind the present the end of what was looked at is.
    pub lag_seconds: Option<f64>,
    /// Alerts since the start.
    pub alerts: u64,
    /// What is wrong with it now.
    pub errors: Vec<String>,
    /// What to look at when it raised something, step by step.
    pub triage: Vec<String>,
    /// The playbook that answers it; empty where it names none.
    pub playbook: String,
}

/// How many results make an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// How they are compared.
    pub operator: Operator,
    /// With what.
    pub threshold: u64,
}

/// How a rule is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Of each event.
    Row,
    /// Of windows as they fill.
    Window,
    /// Not at all: it runs on its schedule.
    Scheduled,
    /// It does not run.
    Off,
}

/// A rule that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRule {
    /// What people call it; no other rule has this name.
    pub name: String,
    /// What it finds.
    #[serde(default)]
    pub description: String,
    /// KQL.
    pub query: String,
    /// How bad its alerts are.
    pub severity: Severity,
    /// The distance of two runs, in ISO 8601; five minutes where it is not said.
    #[serde(default)]
    pub frequency: Option<String>,
    /// How far back a run looks; as long as the distance where it is not said.
    #[serde(default)]
    pub period: Option<String>,
    /// How many results make an alert; any where it is not said.
    #[serde(default)]
    pub trigger: Option<Trigger>,
    /// Tactics of ATT&CK.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// Techniques of ATT&CK and ATLAS.
    #[serde(default)]
    pub techniques: Vec<String>,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedRule {
    /// Whether it could be saved.
    pub ok: bool,
    /// What is wrong. Places are in the query.
    pub diagnostics: Vec<Diagnosed>,
    /// The file that would be saved.
    pub yaml: String,
    /// How it would be told of events, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why not of each event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
}

/// A rule that was saved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SavedRule {
    /// Its id.
    pub id: String,
    /// Its file.
    pub file: String,
    /// Whether it runs already.
    pub runs: bool,
    /// The rule.
    pub rule: RuleState,
}

/// The longest name, and the longest description, in characters.
const LONGEST_NAME: usize = 256;
const LONGEST_DESCRIPTION: usize = 5_000;
/// Most tactics and techniques.
const MOST: usize = 64;

impl NewRule {
    /// What no rule may be.
    fn sized(self) -> Result<NewRule, Failure> {
        let length = |text: &str| text.chars().count();
        if self.name.trim().is_empty() || length(&self.name) > LONGEST_NAME {
            return Err(Failure::bad("`name` has to say something, in at most 256 characters"));
        }
        if self.name.contains(|character: char| character.is_control()) {
            return Err(Failure::bad("`name` has control characters; take them out"));
        }
        if length(&self.description) > LONGEST_DESCRIPTION {
            return Err(Failure::bad("`description` has more than 5,000 characters"));
        }
        if self.tactics.len() > MOST || self.techniques.len() > MOST {
            return Err(Failure::bad("there are more than 64 tactics or techniques"));
        }
        Ok(self)
    }
}

fn nothing() -> Failure {
    Failure::missing("no analytics rules run here; start the server with `--analytics RULES`")
}

impl Request {
    fn rules(&self) -> Result<Arc<dyn Rules>, Failure> {
        self.console.rules.clone().ok_or_else(nothing)
    }

    pub(super) async fn list_rules(self) -> Result<Response, Failure> {
        #[derive(Serialize)]
        struct List {
            rules: Vec<RuleState>,
            folder: Option<String>,
        }
        let Some(rules) = self.console.rules.clone() else {
            return Ok(axum::Json(List { rules: Vec::new(), folder: None }).into_response());
        };
        self.told(move || Ok(List { rules: rules.list(), folder: rules.folder() })).await
    }

    pub(super) async fn get_rule(self) -> Result<Response, Failure> {
        let (rules, id) = (self.rules()?, self.part(0));
        let missing = move || Failure::missing(format!("there is no rule `{id}`"));
        let id = self.part(0);
        self.told(move || {
            let mut all = rules.list().into_iter();
            all.find(|rule| rule.id.eq_ignore_ascii_case(&id)).ok_or_else(missing)
        })
        .await
    }

    pub(super) async fn check_rule(self) -> Result<Response, Failure> {
        let rules = self.rules()?;
        let (request, rule) = self.body::<NewRule>().await?;
        let rule = rule.sized()?;
        request.told(move || Ok(rules.check(&rule))).await
    }

    pub(super) async fn save_rule(self, caller: &Caller) -> Result<Response, Failure> {
        let (rules, by) = (self.rules()?, caller.name.clone());
        let (request, rule) = self.body::<NewRule>().await?;
        let rule = rule.sized()?;
        let saved = request.console.gate.aside(move || rules.save(&rule, &by)).await?;
        Ok((StatusCode::CREATED, axum::Json(saved)).into_response())
    }

    pub(super) async fn remove_rule(self, caller: &Caller) -> Result<Response, Failure> {
        let (rules, id, by) = (self.rules()?, self.part(0), caller.name.clone());
        self.console.gate.aside(move || rules.remove(&id, &by)).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}
