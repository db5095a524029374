//! Rules about flows: read from YAML, with examples that are run as tests.

use std::collections::BTreeSet;
use std::fmt;

use castellan_base::{Limits, Node, Sources, yaml};
use serde::Serialize;

use super::{Labels, Step};

/// The rules that come with the program.
const BUILT_IN: &str = include_str!("../../../../content/gate/flows.yaml");

/// What a rule asks for. Later ones are more restrictive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Somebody is told.
    Alert,
    /// Somebody has to agree first.
    RequireApproval,
    /// The call does not happen.
    Block,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Labels that the conversation has to have.
    pub seen: Vec<String>,
    /// Labels that the call has to have.
    pub call: Vec<String>,
    /// What it asks for.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Examples on which it holds at their last step, and on which it does not.
    pub examples: Examples,
}

/// Examples of a rule: each is a list of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// On which it holds.
    pub positive: Vec<Vec<Said>>,
    /// On which it does not.
    pub negative: Vec<Vec<Said>>,
}

/// A step of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A result gives labels.
    Gives(Vec<String>),
    /// A tool with labels is called.
    Call(Vec<String>),
}

/// A rule that holds, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The rule.
    pub rule: String,
    /// What it is about.
    pub title: String,
    /// What it asks for.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// The label and the first step that gave it, for every label that the rule asks for.
    pub chain: Vec<(String, Step)>,
}

impl fmt::Display for Match {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.title)?;
        for (label, step) in &self.chain {
            write!(formatter, "{label} from {}/{} ({}), ", step.server, step.subject, step.why)?;
        }
        write!(formatter, "then this call")
    }
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FlowError(String);

/// All rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    rules: Vec<Rule>,
}

impl Flows {
    /// The rules that come with the program.
    ///
    /// # Errors
    /// Never for what was built: a test reads them.
    pub fn built_in() -> Result<Flows, FlowError> {
        Flows::read("content/gate/flows.yaml", BUILT_IN)
    }

    /// Reads rules.
    ///
    /// # Errors
    /// What is wrong, and where. An unknown member is an error: a rule that is half understood is none.
    pub fn read(name: &str, text: &str) -> Result<Flows, FlowError> {
        let mut sources = Sources::default();
        let source = sources.add(name, text);
        let limits = Limits { bytes: 1 << 20, depth: 16, values: 50_000 };
        let at = |node: &Node| {
            sources.locate(node.span).map_or_else(|| name.to_owned(), |place| place.to_string())
        };
        let root = yaml::parse(text, source, &limits)
            .map_err(|problem| FlowError(format!("{name}: {}", problem.message)))?;
        known(&root, &["version", "rules"], &at)?;
        if root.get("version").and_then(Node::as_i64) != Some(1) {
            return Err(FlowError(format!("{name}: `version` has to be 1")));
        }
        let nodes = root.get("rules").and_then(Node::as_array).unwrap_or_default();
        let rules: Vec<Rule> = nodes.iter().map(|node| rule(node, &at)).collect::<Result<_, _>>()?;
        let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        if ids.len() < rules.len() {
            return Err(FlowError(format!("{name}: two rules have one id")));
        }
        Ok(Flows { rules })
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that hold for a call, the most restrictive first.
    #[must_use]
    pub fn judge(&self, seen: &Labels, call: &BTreeSet<String>) -> Vec<Match> {
        let mut matches: Vec<Match> = self.rules.iter().filter_map(|rule| holds(rule, seen, call)).collect();
        matches.sort_by_key(|found| std::cmp::Reverse(found.action));
        matches
    }
}

fn holds(rule: &Rule, seen: &Labels, call: &BTreeSet<String>) -> Option<Match> {
    if !rule.call.iter().all(|label| call.contains(label)) {
        return None;
    }
    let step = |label: &String| Some((label.clone(), seen.steps.get(label)?.first()?.clone()));
    let chain = rule.seen.iter().map(step).collect::<Option<Vec<_>>>()?;
    Some(Match {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        action: rule.action,
        reason: rule.reason.clone(),
        chain,
    })
}

type At<'a> = dyn Fn(&Node) -> String + 'a;

fn known(node: &Node, names: &[&str], at: &At<'_>) -> Result<(), FlowError> {
    let object = node.as_object().ok_or_else(|| FlowError(format!("{}: expected a mapping", at(node))))?;
    match object.iter().find(|member| !names.contains(&&*member.key)) {
        Some(member) => Err(FlowError(format!("{}: `{}` is not known here", at(node), member.key))),
        None => Ok(()),
    }
}

fn rule(node: &Node, at: &At<'_>) -> Result<Rule, FlowError> {
    known(node, &["id", "title", "seen", "call", "action", "reason", "examples"], at)?;
    let text = |key: &str| {
        let found = node.get(key).and_then(Node::as_str).filter(|text| !text.trim().is_empty());
        found
            .map(|text| text.trim().to_owned())
            .ok_or_else(|| FlowError(format!("{}: `{key}` is missing", at(node))))
    };
    let action = match text("action")?.as_str() {
        "alert" => Action::Alert,
        "require-approval" => Action::RequireApproval,
        "block" => Action::Block,
        other => {
            let place = at(node);
            return Err(FlowError(format!("{place}: `{other}` is not alert, require-approval or block")));
        }
    };
    let seen = labels(node.get("seen"));
    let call = labels(node.get("call"));
    if seen.is_empty() || call.is_empty() {
        return Err(FlowError(format!("{}: `seen` and `call` need labels", at(node))));
    }
    let examples = node.get("examples");
    let list = |key: &str| {
        let nodes = examples.and_then(|examples| examples.get(key)).and_then(Node::as_array);
        nodes.unwrap_or_default().iter().map(|example| steps(example, at)).collect::<Result<Vec<_>, _>>()
    };
    let examples = Examples { positive: list("positive")?, negative: list("negative")? };
    if examples.positive.is_empty() || examples.negative.is_empty() {
        return Err(FlowError(format!("{}: a rule needs positive and negative examples", at(node))));
    }
    let (id, title, reason) = (text("id")?, text("title")?, text("reason")?);
    Ok(Rule { id, title, seen, call, action, reason, examples })
}

fn labels(node: Option<&Node>) -> Vec<String> {
    let nodes = node.and_then(Node::as_array).unwrap_or_default();
    nodes.iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

fn steps(example: &Node, at: &At<'_>) -> Result<Vec<Said>, FlowError> {
    let step = |node: &Node| {
        known(node, &["gives", "call"], at)?;
        Ok(match node.get("call") {
            Some(call) => Said::Call(labels(Some(call))),
            None => Said::Gives(labels(node.get("gives"))),
        })
    };
    example.as_array().unwrap_or_default().iter().map(step).collect()
}
