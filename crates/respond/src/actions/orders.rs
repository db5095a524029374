//! Orders to the gate: who or what is blocked, throttled, put before a human or guarded more tightly, and until when.
//!
//! [`OrderStore`] keeps them in one file that is replaced whole, so that a gate that reads it sees all of a change or
//! nothing of it. The file has a generation that grows with each change: a gate that watches asks for what is newer.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

/// The largest file of orders, in bytes.
const LONGEST: u64 = 64 << 20;
/// The most orders that hold at once.
const MOST: usize = 100_000;
/// The longest text of an order, in bytes.
const LONGEST_TEXT: usize = 4096;

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A user or a service, by its object id.
    Principal,
    /// An agent, by its id.
    Agent,
    /// A key, by its fingerprint. A key itself is never written.
    Key,
    /// A tool or an MCP server, by its name.
    Tool,
    /// A model or a deployment, by its name.
    Model,
    /// A prompt, by its fingerprint.
    Prompt,
}

impl SubjectKind {
    /// All kinds with the word for each.
    pub const ALL: [(SubjectKind, &'static str); 6] = [
        (SubjectKind::Principal, "principal"),
        (SubjectKind::Agent, "agent"),
        (SubjectKind::Key, "key"),
        (SubjectKind::Tool, "tool"),
        (SubjectKind::Model, "model"),
        (SubjectKind::Prompt, "prompt"),
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        SubjectKind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

impl FromStr for SubjectKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = SubjectKind::ALL.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind);
        found.ok_or_else(|| {
            format!("`{text}` is no subject; use principal, agent, key, tool, model or prompt")
        })
    }
}

/// What the gate does with a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "kebab-case")]
pub enum Measure {
    /// Nothing passes.
    Block,
    /// So many requests a minute pass.
    Throttle {
        /// How many.
        per_minute: u64,
    },
    /// A person says yes to each request.
    RequireApproval,
    /// A guardrail judges more strictly.
    Tighten {
        /// Which: `prompt-attacks`, `protected-texts`, `sensitive-data`, `all`.
        guardrail: String,
        /// From which severity on it stops a request: `low` is the strictest.
        level: String,
    },
}

impl Measure {
    /// The measure's word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Measure::Block => "block",
            Measure::Throttle { .. } => "throttle",
            Measure::RequireApproval => "require-approval",
            Measure::Tighten { .. } => "tighten",
        }
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id: the idempotency key of the step that gave it. Giving it twice is giving it once.
    pub id: String,
    /// What the gate does.
    #[serde(flatten)]
    pub measure: Measure,
    /// What the subject is.
    pub kind: SubjectKind,
    /// Which.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// When it was given.
    #[serde(with = "crate::run::time")]
    pub given: Ticks,
    /// When it ends by itself; never when `None`.
    #[serde(with = "crate::run::optional_time")]
    pub expires: Option<Ticks>,
}

impl Order {
    /// True when it holds at a time.
    pub fn holds(&self, now: Ticks) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// Orders cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The file cannot be read or written.
    #[error("{what} the orders in `{path}` failed: {source}")]
    Storage {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is none of ours.
    #[error(
        "`{path}` holds no orders: {reason}; restore it from a backup, the gate keeps to what it read last"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// There are too many.
    #[error("there are {MOST} orders already; lift some, or give orders that expire")]
    TooMany,
    /// They do not fit into the file.
    #[error("the orders take more than {LONGEST} bytes; lift some, or give shorter reasons")]
    TooLarge,
    /// A text is too long.
    #[error("the id, the subject or the reason of an order is longer than {LONGEST_TEXT} bytes; shorten it")]
    TooLong,
}

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    generation: u64,
    orders: Vec<Order>,
}

/// Orders in a file.
#[derive(Clone, Debug)]
pub struct OrderStore {
    path: PathBuf,
}

impl OrderStore {
    /// A store in a file, which is made with the first order.
    pub fn new(path: impl Into<PathBuf>) -> OrderStore {
        OrderStore { path: path.into() }
    }

    fn storage(&self, what: &'static str) -> impl Fn(io::Error) -> OrderError + use<> {
        let path = self.path.display().to_string();
        move |source| OrderError::Storage { what, path: path.clone(), source }
    }

    fn read(&self) -> Result<Document, OrderError> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Document::default()),
            opened => opened.map_err(self.storage("reading"))?,
        };
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).map_err(self.storage("reading"))?;
        serde_json::from_str(&text).map_err(|error| OrderError::Damaged {
            path: self.path.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// Changes the orders while no other process does, and replaces the file whole. Tells whether there was a change.
    fn change(&self, change: impl FnOnce(&mut Vec<Order>) -> bool) -> Result<bool, OrderError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        std::fs::create_dir_all(&folder).map_err(self.storage("making a folder for"))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.beside("lock"));
        let lock = lock.map_err(self.storage("locking"))?;
        lock.lock().map_err(self.storage("locking"))?;
        let mut document = self.read()?;
        if !change(&mut document.orders) {
            return Ok(false);
        }
        if document.orders.len() > MOST {
            return Err(OrderError::TooMany);
        }
        document.generation += 1;
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| self.storage("writing")(io::Error::other(error)))?;
        // What could not be read again is not written.
        if u64::try_from(text.len()).unwrap_or(u64::MAX) >= LONGEST {
            return Err(OrderError::TooLarge);
        }
        let temporary = self.beside("new");
        let mut file = File::create(&temporary).map_err(self.storage("writing"))?;
        file.write_all(text.as_bytes()).map_err(self.storage("writing"))?;
        file.sync_all().map_err(self.storage("syncing"))?;
        std::fs::rename(&temporary, &self.path).map_err(self.storage("replacing"))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(self.storage("syncing"))?;
        Ok(true)
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    }

    /// Gives an order. One with the same id is given already. Orders that ended are forgotten.
    pub fn give(&self, order: &Order) -> Result<(), OrderError> {
        if [&order.id, &order.subject, &order.reason].iter().any(|text| text.len() > LONGEST_TEXT) {
            return Err(OrderError::TooLong);
        }
        self.change(|orders| {
            if orders.iter().any(|known| known.id == order.id) {
                return false;
            }
            orders.retain(|known| known.holds(order.given));
            orders.push(order.clone());
            true
        })?;
        Ok(())
    }

    /// Takes an order back; false when it does not hold any more.
    pub fn lift(&self, id: &str) -> Result<bool, OrderError> {
        self.change(|orders| {
            let before = orders.len();
            orders.retain(|order| order.id != id);
            orders.len() < before
        })
    }

    /// The orders that hold at a time, and the generation.
    pub fn holding(&self, now: Ticks) -> Result<(u64, Vec<Order>), OrderError> {
        let document = self.read()?;
        let orders = document.orders.into_iter().filter(|order| order.holds(now)).collect();
        Ok((document.generation, orders))
    }

    /// For a gate that watches: the orders that hold, when there was a change since a generation.
    pub fn since(&self, generation: u64, now: Ticks) -> Result<Option<(u64, Vec<Order>)>, OrderError> {
        let (current, orders) = self.holding(now)?;
        Ok((current != generation).then_some((current, orders)))
    }
}
