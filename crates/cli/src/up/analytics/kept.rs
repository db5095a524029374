//! What is remembered from start to start: one file for all rules, and one for each.
//!
//! Files are replaced whole: written beside, synced, renamed, and their folder synced.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_detect::health::Sources;
use castellan_detect::incident::Incidents;
use castellan_detect::schedule::State;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// What all rules share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ledger {
    /// The last offset that a call to the lake was given.
    pub(super) offset: i64,
    /// All incidents.
    pub(super) incidents: Incidents,
    /// What may not be in the lake yet.
    pub(super) outbox: Option<Outbox>,
}

/// What a run of a rule raised, and how far the rule is with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outbox {
    /// The rule's id.
    pub(super) rule: String,
    /// What is remembered of it then.
    pub(super) kept: Kept,
    /// Rows for the lake.
    pub(super) calls: Vec<Call>,
}

/// Rows for a table of the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The table.
    pub(crate) table: String,
    /// What tells the call from others, counted up.
    pub(crate) offset: i64,
    /// JSON Lines.
    pub(crate) rows: String,
}

/// What is remembered of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// How far it is, and what it raised.
    pub(super) state: State,
    /// The last call to the lake that came of it.
    pub(super) offset: i64,
}

/// The folder of these files.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder where there is none.
    pub(super) fn open(path: &Path) -> Result<Folder> {
        let rules = path.join("rules");
        std::fs::create_dir_all(&rules).with_context(|| format!("cannot make `{}`", rules.display()))?;
        Ok(Folder { path: path.to_owned() })
    }

    pub(super) fn ledger(&self) -> Result<Ledger> {
        read(&self.of_ledger())
    }

    pub(super) fn keep_ledger(&self, ledger: &Ledger) -> Result<()> {
        keep(&self.of_ledger(), ledger)
    }

    /// What is known of sources.
    pub(super) fn sources(&self) -> Result<Sources> {
        read(&self.path.join("sources.json"))
    }

    pub(super) fn keep_sources(&self, sources: &Sources) -> Result<()> {
        keep(&self.path.join("sources.json"), sources)
    }

    pub(super) fn rule(&self, id: &str) -> Result<Kept> {
        read(&self.of_rule(id))
    }

    pub(super) fn keep_rule(&self, id: &str, kept: &Kept) -> Result<()> {
        keep(&self.of_rule(id), kept)
    }

    fn of_ledger(&self) -> PathBuf {
        self.path.join("ledger.json")
    }

    /// Ids come from files of rules and may be anything; names of files are digests of them.
    fn of_rule(&self, id: &str) -> PathBuf {
        let digest = blake3::hash(id.to_ascii_lowercase().as_bytes()).to_hex();
        self.path.join("rules").join(format!("{digest}.json"))
    }
}

/// What a file holds; the default where there is none.
pub(crate) fn read<T: Default + DeserializeOwned>(path: &Path) -> Result<T> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
        opened => {
            let file = opened.with_context(|| format!("cannot open `{}`", path.display()))?;
            let read = file.take(LARGEST).read_to_end(&mut bytes);
            read.with_context(|| format!("cannot read `{}`", path.display()))?;
        }
    }
    serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "`{}` is damaged; restore it from a backup, or remove it: what it remembered begins anew then",
            path.display()
        )
    })
}

/// Replaces a file whole.
pub(crate) fn keep<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    replace(path, &serde_json::to_vec(value)?).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Replaces a file whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
