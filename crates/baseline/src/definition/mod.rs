//! What is counted: a query that gives activities, and what is remembered of them.
//!
//! Definitions are data in `content/baselines`; [`read`](fn@read) says what a file holds.

mod example;
mod read;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

pub use example::{Example, Expected, Given};
pub use read::{Loaded, built_in, load, read};
pub use words::{ActorType, Kind, Names};

/// A baseline: whose activities are counted, and by what.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// What it is called in tables and commands: small letters, digits and hyphens.
    pub id: Arc<str>,
    /// The same for people.
    pub name: String,
    /// Changes with the definition.
    pub version: String,
    /// What it sees, and what it cannot see.
    pub description: String,
    /// What its actors are.
    pub actor: ActorType,
    /// The tables whose rows are activities. They are read by the time at which rows were taken in; other tables that the
    /// query reads are seen whole.
    pub tables: Vec<String>,
    /// Tables that the query joins events of about the same time from, with the minutes before a part that they are seen of.
    #[serde(default)]
    pub near: BTreeMap<String, u32>,
    /// The query. Its columns `Time` and `Actor` are needed; `ActorName`, `Group`, `Address`, `Country`, `Target`, `Record`
    /// and `Amount` mean something where they are there; the others are dimensions.
    pub query: String,
    /// What of an activity is remembered.
    pub dimensions: Vec<Dimension>,
    /// How the sum of amounts is judged; it is not where nothing is said.
    #[serde(default)]
    pub volume: Option<Volume>,
    /// Whether hours of the week are judged.
    #[serde(default)]
    pub hours: bool,
    /// How long it is remembered.
    #[serde(default)]
    pub retention: Retention,
    /// What has to be known of an actor before anything is unusual.
    #[serde(default)]
    pub history: History,
    /// Who an actor is compared with.
    #[serde(default)]
    pub peers: Peers,
    /// The priority from which an activity is a row of `Anomalies` too.
    #[serde(default = "five")]
    pub anomaly: u8,
    /// How rows of `BehaviorAnalytics` name the activity.
    pub behavior: Behavior,
    /// ATT&CK's tactics of what is unusual here.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// ATT&CK's techniques.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// Its tests.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// A column of activities whose values are remembered.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dimension {
    /// The column.
    pub column: Arc<str>,
    /// What its values are.
    pub kind: Kind,
    /// What a new value counts in the priority, from 0 to 1.
    #[serde(default = "one")]
    pub weight: f64,
}

/// How sums of amounts are judged.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// What is summed: `tokens`, `bytes`, `requests`.
    pub unit: String,
    /// Sums below are never unusual.
    pub floor: u64,
    /// Neither are those below so many times the median.
    #[serde(default = "three")]
    pub times: f64,
}

/// How long something is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// Days after which a value or an actor that was not seen again is forgotten.
    #[serde(default = "ninety")]
    pub days: u16,
    /// Days after which an activity counts half.
    #[serde(default = "thirty")]
    pub half_life: u16,
}

/// What has to be known of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    /// Days before on which it did something.
    #[serde(default = "seven")]
    pub days: u16,
    /// Activities on these days.
    #[serde(default = "twenty")]
    pub activities: u32,
}

/// Who an actor is compared with: those of the same `Group`, and those that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peers {
    /// The least Jaccard similarity of two actors that behave alike.
    #[serde(default = "third")]
    pub similarity: f64,
}

/// Words of rows of `BehaviorAnalytics`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behavior {
    /// `ActivityType`: `LogOn`, `ResourceAccess`.
    pub activity_type: String,
    /// `ActionType`: `Sign-in`.
    pub action_type: String,
    /// `EventSource`: `Azure AD`.
    pub source: String,
}

fn one() -> f64 {
    1.0
}
fn three() -> f64 {
    3.0
}
fn third() -> f64 {
    0.3
}
fn five() -> u8 {
    5
}
fn seven() -> u16 {
    7
}
fn twenty() -> u32 {
    20
}
fn thirty() -> u16 {
    30
}
fn ninety() -> u16 {
    90
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { days: ninety(), half_life: thirty() }
    }
}

impl Default for History {
    fn default() -> History {
        History { days: seven(), activities: twenty() }
    }
}

impl Default for Peers {
    fn default() -> Peers {
        Peers { similarity: third() }
    }
}

impl Definition {
    /// What tells states of this definition from those of another one: they cannot be gone on with once it changes.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let dimensions = self.dimensions.iter().map(|dimension| &*dimension.column);
        let retention = format!("{} {}", self.retention.days, self.retention.half_life);
        for part in [&*self.id, &*self.query, &*retention].into_iter().chain(dimensions) {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.finalize().to_hex().to_string()
    }
}
