//! Rules about single arguments of tools, written in the configuration.

use regex::Regex;
use serde::Deserialize;

use super::{Fact, Record, record};
use crate::json::Value;

/// A rule: what an argument of a tool must be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The server; any, if absent.
    #[serde(default)]
    pub server: Option<String>,
    /// The tool; every tool of the server, if absent.
    #[serde(default)]
    pub tool: Option<String>,
    /// The argument, as in a record: `path`, `to[]`, `filter.owner`.
    pub argument: String,
    /// What it must be. Every given condition holds for every value.
    pub must: Must,
    /// Whether the argument may be missing: it may, by default.
    #[serde(default)]
    pub required: bool,
    /// What the client is told.
    #[serde(default)]
    pub reason: String,
}

/// Conditions on an argument.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Must {
    /// One of these.
    pub be_one_of: Option<Vec<String>>,
    /// Begins with this.
    pub start_with: Option<String>,
    /// Ends with this, without regard to ASCII case.
    pub end_with: Option<String>,
    /// Matches this regular expression as a whole.
    pub match_pattern: Option<String>,
    /// Is a number of at least this.
    pub be_at_least: Option<f64>,
    /// Is a number of at most this.
    pub be_at_most: Option<f64>,
    /// Has at most this many characters.
    pub be_at_most_long: Option<usize>,
    /// Is an `http` or `https` URL of one of these hosts; `*.` before a name stands for every name below it.
    pub be_on_host: Option<Vec<String>>,
    /// Is a path within this folder, after `.` and `..` are resolved.
    pub be_within: Option<String>,
    /// Is not there at all.
    pub be_absent: bool,
}

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violated {
    /// Which rule, by its place in the configuration.
    pub rule: usize,
    /// The argument.
    pub argument: String,
    /// What it must be, and the rule's reason. The value is not in it.
    pub reason: String,
}

/// All rules, ready to be checked.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<(Rule, Option<Regex>)>,
}

impl Rules {
    /// Prepares rules.
    ///
    /// # Errors
    /// Which rule has a pattern that is none.
    pub fn new(rules: Vec<Rule>) -> Result<Rules, String> {
        let prepare = |(place, rule): (usize, Rule)| {
            let pattern = rule.must.match_pattern.as_ref().map(|pattern| {
                let whole = format!(r"\A(?:{pattern})\z");
                let built = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build();
                built.map_err(|error| format!("argument rule {}: `match_pattern`: {error}", place + 1))
            });
            Ok((rule, pattern.transpose()?))
        };
        let rules = rules.into_iter().enumerate().map(prepare).collect::<Result<_, String>>()?;
        Ok(Rules { rules })
    }

    /// Every rule that arguments break. What could not be laid flat breaks each rule of its tool.
    #[must_use]
    pub fn check(&self, server: &str, tool: &str, arguments: &Value) -> Vec<Violated> {
        let is_for = |name: &Option<String>, actual: &str| name.as_deref().is_none_or(|name| name == actual);
        let mut flat: Option<Record> = None;
        let mut violated = Vec::new();
        for (place, (rule, pattern)) in self.rules.iter().enumerate() {
            if !is_for(&rule.server, server) || !is_for(&rule.tool, tool) {
                continue;
            }
            let record = flat.get_or_insert_with(|| record(arguments));
            let problem = if record.truncated || record.ambiguous {
                Some("arguments that are few, short and unambiguous enough to be checked".to_owned())
            } else {
                broken(rule, pattern.as_ref(), record)
            };
            if let Some(problem) = problem {
                let reason = format!("`{}` has to be {problem}. {}", rule.argument, rule.reason);
                let reason = reason.trim_end().to_owned();
                violated.push(Violated { rule: place, argument: rule.argument.clone(), reason });
            }
        }
        violated
    }
}

fn broken(rule: &Rule, pattern: Option<&Regex>, record: &Record) -> Option<String> {
    // An argument that holds a tree where the rule expects a value escapes no rule.
    let below = |path: &String| {
        path.strip_prefix(&rule.argument).is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
    };
    let Some(fact) = record.facts.get(&rule.argument) else {
        let has_below = record.facts.keys().any(below);
        let is_missing = rule.required || has_below;
        return is_missing.then(|| if has_below { "a single value".to_owned() } else { "given".to_owned() });
    };
    if rule.must.be_absent {
        return Some("left out".to_owned());
    }
    if record.facts.keys().any(below) {
        return Some("a single value".to_owned());
    }
    let texts: Vec<String> = match fact {
        Fact::Text(text) | Fact::Decimal(text) => vec![text.clone()],
        Fact::Long(number) => vec![number.to_string()],
        Fact::Bool(flag) => vec![flag.to_string()],
        Fact::Texts(texts) => texts.clone(),
    };
    texts.iter().find_map(|text| fails(&rule.must, pattern, text))
}

fn fails(must: &Must, pattern: Option<&Regex>, text: &str) -> Option<String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let ends_with = |end: &str| {
        let start = text.len().checked_sub(end.len());
        start.and_then(|start| text.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    let checks: [(bool, String); 8] = [
        (
            must.be_one_of.as_ref().is_none_or(|all| all.iter().any(|one| one == text)),
            format!("one of {}", must.be_one_of.as_deref().unwrap_or_default().join(", ")),
        ),
        (
            must.start_with.as_ref().is_none_or(|start| text.starts_with(start.as_str())),
            format!("a text that begins with `{}`", must.start_with.as_deref().unwrap_or_default()),
        ),
        (
            must.end_with.as_deref().is_none_or(ends_with),
            format!("a text that ends with `{}`", must.end_with.as_deref().unwrap_or_default()),
        ),
        (
            must.match_pattern.is_none() || pattern.is_some_and(|pattern| pattern.is_match(text)),
            "of the form that the rule demands".to_owned(),
        ),
        (
            must.be_at_least.is_none_or(|least| number.is_some_and(|number| number >= least))
                && must.be_at_most.is_none_or(|most| number.is_some_and(|number| number <= most)),
            "a number within the rule's bounds".to_owned(),
        ),
        (
            must.be_at_most_long.is_none_or(|most| text.chars().count() <= most),
            format!("at most {} characters long", must.be_at_most_long.unwrap_or_default()),
        ),
        (
            must.be_on_host.as_ref().is_none_or(|hosts| is_on_host(text, hosts)),
            format!("a URL of {}", must.be_on_host.as_deref().unwrap_or_default().join(", ")),
        ),
        (
            must.be_within.as_ref().is_none_or(|folder| is_within(text, folder)),
            format!("a path within `{}`", must.be_within.as_deref().unwrap_or_default()),
        ),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Whether a URL is of one of the hosts. Whatever readers of URLs disagree about is of none.
fn is_on_host(url: &str, hosts: &[String]) -> bool {
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let port_is_plain =
        authority.rsplit_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if host.is_empty()
        || !host.bytes().all(is_plain)
        || !port_is_plain
        || url.contains(['\\', '\t', '\n', '\r'])
    {
        return false;
    }
    hosts.iter().map(|host| host.to_ascii_lowercase()).any(|wanted| match wanted.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.')),
        None => host == wanted,
    })
}

/// Whether a path is within a folder by its text alone; links are the server's to resolve.
fn is_within(path: &str, folder: &str) -> bool {
    if path.contains(['\0', '%', '~', '$']) {
        return false;
    }
    let resolve = |path: &str| -> Option<Vec<String>> {
        let slashes = path.replace('\\', "/");
        if !slashes.starts_with('/') {
            return None;
        }
        let mut steps: Vec<String> = Vec::new();
        for step in slashes.split('/') {
            match step {
                "" | "." => {}
                ".." => drop(steps.pop()?),
                name => steps.push(name.to_owned()),
            }
        }
        Some(steps)
    };
    match (resolve(path), resolve(folder)) {
        (Some(path), Some(folder)) => path.starts_with(&folder),
        _ => false,
    }
}
