//! Judges the calls of a conversation.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

use super::conversation::{Conversation, Role, Source, Tool, ToolCall};
use super::request::{Requests, number};
use super::rules::{Action, Rules};
use super::words::{Phrases, folded, sentences, words, words_of_name};
use super::{AdherenceError, Evidence, Finding, MOST_VALUES, Reason};

/// So many bytes around a value are of it.
const NEAR: usize = 120;
/// So many bytes around a value may speak to the assistant about it.
const AROUND: usize = 300;
/// Shorter values stand anywhere by chance.
const LEAST_VALUE: usize = 3;
/// Least digits of a phone or account number.
const LEAST_DIGITS: usize = 7;

/// A value of a call's arguments.
struct Leaf {
    argument: String,
    value: String,
}

struct Call<'a> {
    message: usize,
    number: usize,
    call: &'a ToolCall,
    leaves: Vec<Leaf>,
}

/// What was said and found before a call.
#[derive(Default)]
struct History<'a> {
    requests: Requests,
    /// Results of tools, and the same in small letters.
    results: Vec<(usize, &'a str, String)>,
    /// All that stands between signs in the results, in small letters.
    found: HashSet<String>,
    /// For each action the first sentence of a result that tells the assistant to do it.
    instructions: Vec<Option<Evidence>>,
}

pub(super) fn judge(conversation: &Conversation, rules: &Rules) -> Result<Vec<Finding>, AdherenceError> {
    let mut history = History { instructions: vec![None; rules.actions.len()], ..History::default() };
    let mut findings = Vec::new();
    for (message, said) in conversation.messages.iter().enumerate() {
        if said.source == Source::Completion && said.role == Role::Assistant {
            for (number, call) in said.tool_calls.iter().enumerate() {
                let call = Call { message, number, call, leaves: leaves(&call.function.arguments)? };
                findings.extend(call.judge(&conversation.tools, &history, rules));
            }
        }
        history.requests.hear(message, said, rules);
        if said.role == Role::Tool {
            history.find(message, &said.contents, rules);
        }
    }
    Ok(findings)
}

impl<'a> History<'a> {
    /// Takes in the result of a tool.
    fn find(&mut self, message: usize, contents: &'a str, rules: &Rules) {
        let lower = contents.to_ascii_lowercase();
        self.found.extend(runs(&lower).map(str::to_owned));
        self.results.push((message, contents, lower));
        let spans = sentences(contents);
        let spoken = |span: &Range<usize>| words(&folded(contents.get(span.clone()).unwrap_or_default()));
        let spoken: Vec<Vec<String>> = spans.iter().map(spoken).collect();
        if !spoken.iter().any(|words| rules.addressing.are_in(words)) {
            return;
        }
        for (action, found) in rules.actions.iter().zip(&mut self.instructions) {
            let place = spoken.iter().position(|words| action.asked.are_in(words));
            let span = place.and_then(|place| spans.get(place)).cloned();
            *found = found.take().or(span.map(|span| Evidence { message, span }));
        }
    }
}

/// All values of arguments with their names.
fn leaves(arguments: &str) -> Result<Vec<Leaf>, AdherenceError> {
    let mut leaves = Vec::new();
    match serde_json::from_str::<Value>(arguments) {
        // The reader bounds the depth.
        Ok(value) => collect("", &value, &mut leaves),
        Err(_) => leaves.push(Leaf { argument: String::new(), value: arguments.to_owned() }),
    }
    match leaves.len() {
        0..=MOST_VALUES => Ok(leaves),
        more => Err(AdherenceError::Large(format!("{more} values of one call"), MOST_VALUES)),
    }
}

fn collect(argument: &str, value: &Value, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            leaves.push(Leaf { argument: argument.to_owned(), value: number.to_string() });
        }
        Value::String(text) => leaves.push(Leaf { argument: argument.to_owned(), value: text.clone() }),
        Value::Array(items) => items.iter().for_each(|item| collect(argument, item, leaves)),
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(name, member, leaves)),
    }
}

impl Call<'_> {
    fn judge(&self, tools: &[Tool], history: &History<'_>, rules: &Rules) -> Vec<Finding> {
        let name = &self.call.function.name;
        let tool = tools.iter().find(|tool| tool.function.name == *name);
        let mut findings = Vec::new();
        if tool.is_none() && !tools.is_empty() {
            findings.push(self.finding(None, Reason::Undeclared, None));
        }
        let description = tool.map_or("", |tool| tool.function.description.as_str());
        let arguments = folded(&self.call.function.arguments);
        for (number, action) in self.actions(description, rules) {
            let evidence = history.instructions.get(number).cloned().flatten();
            if let Some(broken) = history.requests.breaks(number, &arguments, &self.amounts(rules)) {
                let reason = Reason::Restriction { text: broken.text };
                findings.push(self.finding(Some(action), reason, Some(broken.evidence)));
            } else if !history.requests.asks_for(number) && !self.may_be_meant(history, action) {
                findings.push(self.finding(Some(action), Reason::NotAsked, evidence));
            }
            findings.extend(self.taken(history, action, rules));
        }
        findings
    }

    /// Whether a request in words that no rule knows speaks of what the call is about. A command must be asked for.
    fn may_be_meant(&self, history: &History<'_>, action: &Action) -> bool {
        let values: Vec<String> = self.leaves.iter().map(|leaf| folded(&leaf.value)).collect();
        !commands(action, &values) && values.iter().any(|value| history.requests.may_mean(value))
    }

    fn finding(&self, action: Option<&Action>, reason: Reason, evidence: Option<Evidence>) -> Finding {
        let (tool, action) = (self.call.function.name.clone(), action.map(|action| action.id.clone()));
        Finding { message: self.message, call: self.number, tool, action, reason, evidence }
    }

    /// What the call does: what its tool's name or description says first, and what its arguments command.
    fn actions<'r>(&self, description: &str, rules: &'r Rules) -> Vec<(usize, &'r Action)> {
        let name = words_of_name(&self.call.function.name);
        let summary = sentences(description).into_iter().next().and_then(|span| description.get(span));
        let main = verb(&name, rules)
            .or_else(|| rules.actions.iter().find(|action| action.nouns.are_in(&name)).map(Some))
            .or_else(|| verb(&words(&folded(summary.unwrap_or_default())), rules))
            .flatten();
        let values: Vec<String> = self.leaves.iter().map(|leaf| folded(&leaf.value)).collect();
        let is_main = |action: &&Action| main.is_some_and(|main| main.id == action.id);
        let all = rules.actions.iter().enumerate();
        all.filter(|(_, action)| is_main(action) || commands(action, &values)).collect()
    }

    /// Numbers of arguments that say how much.
    fn amounts(&self, rules: &Rules) -> Vec<f64> {
        let says =
            |leaf: &&Leaf| words_of_name(&leaf.argument).iter().any(|word| rules.amounts.contains(word));
        let wanted = self.leaves.iter().filter(says);
        wanted.filter_map(|leaf| number(&leaf.value)).collect()
    }

    /// Values that content has put into the arguments.
    fn taken(&self, history: &History<'_>, action: &Action, rules: &Rules) -> Vec<Finding> {
        let requests = &history.requests;
        let mut findings = Vec::new();
        for leaf in &self.leaves {
            let value = folded(&leaf.value);
            let value = value.trim();
            let is_address = is_address(value);
            if !(is_address || is_target(&leaf.argument, action)) || is_said(value, requests) {
                continue;
            }
            let lower = leaf.value.trim().to_ascii_lowercase();
            if !runs(&lower).all(|run| history.found.contains(run)) {
                continue;
            }
            let origin = history
                .results
                .iter()
                .find_map(|(message, contents, small)| Some((*message, *contents, place(small, &lower)?)));
            let Some((message, contents, span)) = origin else { continue };
            let is_commanded = rules.addressing.are_in(&words(&folded(around(contents, &span, AROUND))));
            let near = words(&folded(around(contents, &span, NEAR)));
            let is_of_request = near.iter().any(|word| requests.names.contains(word));
            if is_commanded || (is_address && !requests.refers && !is_of_request) {
                let reason =
                    Reason::FromContent { argument: leaf.argument.clone(), value: leaf.value.clone() };
                findings.push(self.finding(Some(action), reason, Some(Evidence { message, span })));
            }
        }
        findings
    }
}

/// Whether one of the values has a command that does `action`.
fn commands(action: &Action, values: &[String]) -> bool {
    action.commands.iter().any(|command| values.iter().any(|value| value.contains(command.as_str())))
}

/// The action of the first verb of `words`; `Some(None)` where that is harmless.
fn verb<'r>(words: &[String], rules: &'r Rules) -> Option<Option<&'r Action>> {
    let first = |phrases: &Phrases| phrases.first(words).map(|(place, _)| place);
    let harmless = first(&rules.harmless).map(|place| (place, None));
    let risky =
        rules.actions.iter().filter_map(|action| first(&action.verbs).map(|place| (place, Some(action))));
    harmless.into_iter().chain(risky).min_by_key(|(place, _)| *place).map(|(_, action)| action)
}

fn is_target(argument: &str, action: &Action) -> bool {
    let name = words_of_name(argument);
    action.targets.iter().any(|target| words_of_name(target).iter().all(|word| name.contains(word)))
}

/// Whether a folded value says to whom or how much: an address, a link, an account, a number.
fn is_address(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let is_account = digits >= LEAST_DIGITS
        && value.chars().all(|character| {
            character.is_ascii_alphanumeric() || matches!(character, ' ' | '-' | '+' | '(' | ')')
        });
    let is_mail = value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    is_mail && !value.contains(char::is_whitespace)
        || value.starts_with("http")
        || is_account
        || (value.len() >= 2 && number(value).is_some())
}

/// Whether the user said a folded value, or enough of it to mean it.
fn is_said(value: &str, requests: &Requests) -> bool {
    if value.len() < LEAST_VALUE && number(value).is_none() || requests.text.contains(value) {
        return true;
    }
    if let Some(amount) = number(value) {
        return requests.has_number(amount);
    }
    let is_word = |part: &&str| {
        part.chars().nth(2).is_some()
            && !matches!(*part, "www" | "com" | "org" | "net" | "http" | "https" | "example")
    };
    let mut parts = value.split(|character: char| !character.is_alphabetic()).filter(is_word);
    parts.any(|part| requests.words.contains(part))
}

/// What stands between signs.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|run| !run.is_empty())
}

/// Where `value` stands in `lower`, as words of their own.
fn place(lower: &str, value: &str) -> Option<Range<usize>> {
    if value.is_empty() {
        return None;
    }
    let is_part = |character: char| character.is_alphanumeric();
    lower.match_indices(value).map(|(start, _)| start..start + value.len()).find(|span| {
        let before = lower.get(..span.start).and_then(|text| text.chars().next_back());
        let after = lower.get(span.end..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// `span` of `text` with so many bytes before and after.
fn around<'t>(text: &'t str, span: &Range<usize>, bytes: usize) -> &'t str {
    let start = text.floor_char_boundary(span.start.saturating_sub(bytes));
    let end = text.ceil_char_boundary((span.end + bytes).min(text.len()));
    text.get(start..end).unwrap_or_default()
}
