//! What a conversation has seen, and what it must not do after that.
//!
//! Results give labels: by what the configuration says of their tool, and by what was found in them. Labels are carried
//! by conversation and only ever become more until they expire. *Invariant (forgetting never opens):* where there is no
//! room for another conversation, the labels of the one that goes are its principal's from then on, and where there is no
//! room for another principal, everybody's.

mod flow;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

pub use flow::{Action, Examples, FlowError, Flows, Match, Rule, Said};

/// Data of people or of the house.
pub const PRIVATE: &str = "private-data";
/// Content that anybody may have written.
pub const UNTRUSTED: &str = "untrusted-content";
/// A credential was seen.
pub const SECRET: &str = "secret";
/// Something tried to instruct the model.
pub const ATTACK: &str = "prompt-attack";
/// A call reaches the outside.
pub const EGRESS: &str = "egress";
/// A call changes or deletes things.
pub const DESTRUCTIVE: &str = "destructive";

/// Most steps that a label remembers.
const MOST_STEPS: usize = 8;
/// Most labels of one conversation.
const MOST_LABELS: usize = 64;

/// Labels of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolLabels {
    /// The server.
    pub server: String,
    /// The tool; every tool of the server that has no entry of its own, if absent.
    #[serde(default)]
    pub tool: Option<String>,
    /// Labels that its results give.
    #[serde(default)]
    pub gives: Vec<String>,
    /// Labels of a call of it.
    #[serde(default)]
    pub call: Vec<String>,
}

/// Labels of tools and how they are carried.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Labels by tool.
    pub tools: Vec<ToolLabels>,
    /// What results of tools without an entry give: untrusted content, by default.
    pub unlabelled_gives: Vec<String>,
    /// Seconds after which labels of a conversation expire: 14,400 by default.
    pub seconds: u32,
    /// Most conversations: 20,000 by default.
    pub conversations: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tools: Vec::new(),
            unlabelled_gives: vec![UNTRUSTED.to_owned()],
            seconds: 14_400,
            conversations: 20_000,
        }
    }
}

/// What a tool says of itself that counts: hints are not trusted, so they can add labels and never take one away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `readOnlyHint`.
    pub read_only: Option<bool>,
    /// `destructiveHint`.
    pub destructive: Option<bool>,
    /// `openWorldHint`.
    pub open_world: Option<bool>,
}

impl Config {
    fn entry(&self, server: &str, tool: &str) -> Option<&ToolLabels> {
        let own =
            self.tools.iter().find(|entry| entry.server == server && entry.tool.as_deref() == Some(tool));
        own.or_else(|| self.tools.iter().find(|entry| entry.server == server && entry.tool.is_none()))
    }

    /// Labels that results of a tool give.
    #[must_use]
    pub fn gives(&self, server: &str, tool: &str) -> BTreeSet<String> {
        let entry = self.entry(server, tool);
        entry.map_or(&self.unlabelled_gives, |entry| &entry.gives).iter().cloned().collect()
    }

    /// Labels of a call. A tool without an entry has a way out and changes things unless it says otherwise, as the
    /// protocol's own defaults have it; one with an entry has what the entry says, and what the tool admits beyond that.
    #[must_use]
    pub fn call(&self, server: &str, tool: &str, hints: Hints) -> BTreeSet<String> {
        let entry = self.entry(server, tool);
        let mut labels: BTreeSet<String> =
            entry.iter().flat_map(|entry| entry.call.iter().cloned()).collect();
        let is_open = |hint: Option<bool>| hint.unwrap_or(entry.is_none());
        if is_open(hints.open_world) {
            labels.insert(EGRESS.to_owned());
        }
        if hints.destructive == Some(true) || (hints.read_only != Some(true) && is_open(hints.destructive)) {
            labels.insert(DESTRUCTIVE.to_owned());
        }
        labels
    }
}

/// Whose labels these are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Conversation {
    /// Who asks.
    pub principal: String,
    /// What holds its requests together: a session, a conversation's or a trace's id; empty for all that the principal does.
    /// An id that the client chooses freely separates nothing from an attacker who is the client; say so in the configuration.
    pub id: String,
}

/// Where a label comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The server.
    pub server: String,
    /// The tool, prompt or resource.
    pub subject: String,
    /// Why: `configured`, or what was found.
    pub why: String,
    /// When, in ticks.
    pub at: i64,
}

/// The labels of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// Each label and where it comes from, the first steps.
    pub steps: BTreeMap<String, Vec<Step>>,
    until: i64,
}

impl Labels {
    fn take(&mut self, label: &str, step: Step, until: i64) {
        self.until = self.until.max(until);
        if self.steps.len() >= MOST_LABELS && !self.steps.contains_key(label) {
            return;
        }
        let steps = self.steps.entry(label.to_owned()).or_default();
        if steps.len() < MOST_STEPS {
            steps.push(step);
        }
    }

    fn merge(&mut self, other: &Labels) {
        for (label, steps) in &other.steps {
            for step in steps {
                self.take(label, step.clone(), other.until);
            }
        }
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// The labels of all conversations.
#[derive(Debug, Default)]
pub struct Taints {
    config: Config,
    conversations: HashMap<Conversation, Labels>,
    everybody: Labels,
}

impl Taints {
    /// No labels yet.
    #[must_use]
    pub fn new(config: Config) -> Taints {
        Taints { config, conversations: HashMap::new(), everybody: Labels::default() }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Gives a conversation a label.
    pub fn add(&mut self, conversation: &Conversation, label: &str, step: Step, now: Ticks) {
        let until = now.get().saturating_add(i64::from(self.config.seconds) * Ticks::PER_SECOND);
        if !self.conversations.contains_key(conversation) {
            self.make_room(now);
        }
        if self.conversations.len() >= self.config.conversations
            && !self.conversations.contains_key(conversation)
        {
            self.everybody.take(label, step, until);
            return;
        }
        self.conversations.entry(conversation.clone()).or_default().take(label, step, until);
    }

    /// Expires what is over; then lets the conversation that expires first go into its principal's labels.
    fn make_room(&mut self, now: Ticks) {
        if self.conversations.len() < self.config.conversations {
            return;
        }
        self.conversations.retain(|_, labels| labels.until > now.get());
        if self.conversations.len() < self.config.conversations {
            return;
        }
        let first = self.conversations.iter().filter(|(key, _)| !key.id.is_empty());
        let Some(key) = first.min_by_key(|(_, labels)| labels.until).map(|(key, _)| key.clone()) else {
            return;
        };
        let whole = Conversation { principal: key.principal.clone(), id: String::new() };
        let Some(labels) = self.conversations.remove(&key) else { return };
        self.conversations.entry(whole).or_default().merge(&labels);
    }

    /// All labels that count for a conversation: its own, its principal's and everybody's.
    #[must_use]
    pub fn of(&self, conversation: &Conversation, now: Ticks) -> Labels {
        let whole = Conversation { principal: conversation.principal.clone(), id: String::new() };
        let mut all = Labels::default();
        let own = self.conversations.get(conversation);
        let principal = self.conversations.get(&whole).filter(|_| whole != *conversation);
        for labels in [own, principal, Some(&self.everybody)].into_iter().flatten() {
            if labels.until > now.get() {
                all.merge(labels);
            }
        }
        all
    }
}
