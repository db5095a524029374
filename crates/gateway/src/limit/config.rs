//! Rules, as the configuration writes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Subject;
use super::concurrent::Concurrent;
use super::price::{PICO, matches};
use super::window::Window;

/// Limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The rules; all that apply to a request must admit it.
    pub rules: Vec<Rule>,
    /// How many requests may be under way at once; 1,024 of a principal where nothing is said, and any number where the list is empty.
    pub concurrent: Vec<Concurrent>,
    /// Tokens that an answer is taken to have at most when the request does not say; 4096.
    pub assumed_output_tokens: u64,
    /// Most counters in memory, each of about 150 bytes; 200,000. Beyond, requests that need a new one are refused.
    pub counters: usize,
    /// The file in which counters of hours, days and months outlive the process. Without one they do not.
    pub file: Option<PathBuf>,
    /// The share of a limit by which a counter is written ahead; 0.01. After a crash at most this much of a limit, and what
    /// was reserved, counts as used although it was not. Never the other way round.
    pub ahead: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            rules: Vec::new(),
            concurrent: Concurrent::usual(),
            assumed_output_tokens: 4_096,
            counters: 200_000,
            file: None,
            ahead: 0.01,
        }
    }
}

/// One limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which refusals and events give. Counters belong to names: a rule with a new name counts from nothing.
    pub name: String,
    /// Counts apart for each value of these; everything together when empty.
    #[serde(default)]
    pub per: Vec<Dimension>,
    /// Applies only where each of these dimensions is one of the values, in which `*` stands for any text.
    #[serde(default)]
    pub only: BTreeMap<Dimension, Vec<String>>,
    /// What it is about. Servers of the Model Context Protocol where it names servers or tools or counts calls, and models
    /// otherwise, when not given.
    #[serde(default)]
    pub of: Option<Of>,
    /// What is counted.
    pub unit: Unit,
    /// Within which time.
    pub window: Window,
    /// How many; for `cost` in US dollars.
    pub limit: f64,
    /// At most this many at once: a bucket of this size that fills with `limit` a window. None when not given.
    #[serde(default)]
    pub burst: Option<f64>,
    /// Whether it is a rate (429) or a quota (403). Minutes and hours are rates, days and months quotas, when not given.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// What a limit of cost does with a model without a price; `refuse`.
    #[serde(default)]
    pub unknown_price: UnknownPrice,
    /// Shares of the limit that are told once a window when they are reached; 0.5, 0.8 and 1 for quotas, none for rates.
    #[serde(default)]
    pub tell: Option<Vec<f64>>,
}

/// Something about a request that is counted apart.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The person, service or agent.
    Principal,
    /// The virtual key.
    Key,
    /// The model.
    Model,
    /// The application.
    Application,
    /// The server of the Model Context Protocol.
    Server,
    /// Its tool, as `SERVER/TOOL`.
    Tool,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Requests to models.
    Models,
    /// Requests to servers of the Model Context Protocol.
    Mcp,
    /// Both together.
    All,
}

impl Dimension {
    pub(super) fn of<'a>(self, subject: &Subject<'a>) -> &'a str {
        match self {
            Dimension::Principal => subject.principal,
            Dimension::Key => subject.key,
            Dimension::Model => subject.model,
            Dimension::Application => subject.application,
            Dimension::Server => subject.server,
            Dimension::Tool => subject.tool,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Requests that were sent.
    Requests,
    /// Tokens of prompts and answers.
    Tokens,
    /// Calls of tools that were sent.
    Calls,
    /// US dollars, counted in millionths of a millionth.
    Cost,
}

impl Unit {
    /// Its name, as in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
            Unit::Calls => "calls",
            Unit::Cost => "cost",
        }
    }

    /// How many are counted for one of the configuration.
    pub(super) fn scale(self) -> f64 {
        if self == Unit::Cost { PICO } else { 1.0 }
    }
}

/// Whether to come back soon.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Come back soon: 429.
    Rate,
    /// It is used up: 403.
    Quota,
}

/// What a limit of cost does with a model without a price.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPrice {
    /// Refuses the request.
    #[default]
    Refuse,
    /// Counts nothing.
    Ignore,
}

/// A rule that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the limit `{rule}` cannot be used: {reason}")]
pub struct ConfigError {
    /// Its name.
    pub rule: String,
    /// What is wrong.
    pub reason: String,
}

/// Largest limit that can be counted exactly: in a double, and of cost in 64 bits.
const LARGEST: f64 = 9_007_199_254_740_992.0;

impl Rule {
    /// Rate or quota.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(match self.window {
            Window::Minute | Window::Hour => Kind::Rate,
            Window::Day | Window::Month => Kind::Quota,
        })
    }

    /// What it is about.
    #[must_use]
    pub fn of(&self) -> Of {
        let names = self.per.iter().chain(self.only.keys());
        let is_of_tools = self.unit == Unit::Calls
            || names.into_iter().any(|name| matches!(name, Dimension::Server | Dimension::Tool));
        self.of.unwrap_or(if is_of_tools { Of::Mcp } else { Of::Models })
    }

    pub(super) fn applies(&self, subject: &Subject<'_>) -> bool {
        let is_about = match self.of() {
            Of::Models => !subject.is_mcp,
            Of::Mcp => subject.is_mcp,
            Of::All => true,
        };
        if !is_about {
            return false;
        }
        self.only.iter().all(|(dimension, patterns)| {
            let value = dimension.of(subject);
            patterns.iter().any(|pattern| matches(pattern, value))
        })
    }

    pub(super) fn shares(&self) -> Vec<f64> {
        self.tell.clone().unwrap_or_else(|| match self.kind() {
            Kind::Quota => vec![0.5, 0.8, 1.0],
            Kind::Rate => Vec::new(),
        })
    }

    /// The limit as it is counted.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked to be whole numbers that fit.
    pub(super) fn counted(&self, amount: f64) -> u64 {
        (amount * self.unit.scale()).round() as u64
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fail = |reason: &str| Err(ConfigError { rule: self.name.clone(), reason: reason.to_owned() });
        let most = if self.unit == Unit::Cost { 10e6 } else { LARGEST };
        if self.name.is_empty() {
            return fail("it has no name");
        }
        for amount in [Some(self.limit), self.burst].into_iter().flatten() {
            if !amount.is_finite() || amount <= 0.0 || amount > most {
                return fail("`limit` and `burst` must be above 0, and at most 10 million dollars or 2^53");
            }
            if self.unit != Unit::Cost && amount.fract() != 0.0 {
                return fail("requests, tokens and calls are whole numbers");
            }
        }
        let is_of_tools = self
            .per
            .iter()
            .chain(self.only.keys())
            .any(|name| matches!(name, Dimension::Server | Dimension::Tool));
        if self.of() != Of::Mcp && (self.unit == Unit::Calls || is_of_tools) {
            return fail("models have no servers, tools and calls; leave `of` out");
        }
        let is_of_models = self.per.iter().chain(self.only.keys()).any(|name| *name == Dimension::Model);
        if self.of() != Of::Models && (self.unit == Unit::Tokens || is_of_models) {
            return fail(
                "servers of tools have no models and no tokens; count `requests`, `calls` or `cost`",
            );
        }
        if self.shares().len() > 8 || self.shares().iter().any(|share| !(*share > 0.0 && *share <= 1.0)) {
            return fail("`tell` holds at most 8 shares above 0 and up to 1");
        }
        Ok(())
    }
}
