//! What is remembered of baselines from start to start, in the lake's folder: a state and a ledger for each definition.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_baseline::{Definition, State};
use serde::{Deserialize, Serialize};

use crate::up::analytics::kept::replace;

/// The folder, in the lake's.
const FOLDER: &str = "baselines";
/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// Rows that were made last. They are sent again after a start: what the lake has already adds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ledger {
    /// The end of the last part that had rows, in ticks.
    pub(super) until: i64,
    /// Its rows.
    pub(super) calls: Vec<Call>,
}

/// Rows for a table of the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) table: String,
    /// What tells the call from others, counted up.
    pub(super) offset: i64,
    /// JSON Lines.
    pub(super) rows: String,
}

/// The folder of these files.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    pub(super) fn of_lake(lake: &Path) -> Kept {
        Kept { path: lake.join(FOLDER) }
    }

    /// Makes the folder where there is none.
    pub(super) fn make(&self) -> Result<()> {
        std::fs::create_dir_all(&self.path).with_context(|| format!("cannot make `{}`", self.path.display()))
    }

    /// The state of a definition; nothing where there is none.
    ///
    /// Errors: a file that cannot be read, or is damaged.
    pub(super) fn state(&self, definition: &Definition, system: &dyn System) -> Result<Option<State>> {
        let path = self.file(definition, "state");
        let bytes = match system.read(&path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        State::decode(&bytes).map(Some).with_context(|| format!("`{}`", path.display()))
    }

    pub(super) fn keep_state(&self, definition: &Definition, state: &State) -> Result<()> {
        let path = self.file(definition, "state");
        replace(&path, &state.encode()?).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// The ledger of a definition; an empty one where there is none.
    ///
    /// Errors: a file that cannot be read, or is damaged.
    pub(super) fn ledger(&self, definition: &Definition, system: &dyn System) -> Result<Ledger> {
        let path = self.file(definition, "json");
        let bytes = match system.read(&path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ledger::default()),
            read => read.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        serde_json::from_slice(&bytes).with_context(|| {
            format!("`{}` is damaged; restore it from a backup, or remove it", path.display())
        })
    }

    pub(super) fn keep_ledger(&self, definition: &Definition, ledger: &Ledger) -> Result<()> {
        let path = self.file(definition, "json");
        replace(&path, &serde_json::to_vec(ledger)?)
            .with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Ids are small letters, digits and hyphens.
    fn file(&self, definition: &Definition, extension: &str) -> PathBuf {
        self.path.join(format!("{}.{extension}", definition.id))
    }
}
