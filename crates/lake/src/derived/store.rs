//! Definitions on the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Definition;
use crate::Error;
use crate::disk::{Disk, replace};
use crate::shared::Shared;

/// The folder of definitions within that of a lake.
const FOLDER: &str = "derived";

/// All definitions, and whose turn it is to run one.
#[derive(Debug, Default)]
pub(crate) struct Store {
    known: Mutex<BTreeMap<String, Definition>>,
    turn: tokio::sync::Mutex<()>,
    /// How often a bin failed one time after the other, by summary.
    failures: Mutex<BTreeMap<String, u32>>,
}

impl Store {
    /// Reads all definitions. One that cannot be read is told, and left where it is.
    ///
    /// Errors: the folder cannot be read.
    pub(crate) fn load(disk: &dyn Disk, lake: &Path, damages: &mut Vec<String>) -> Result<Store, Error> {
        let folder = lake.join(FOLDER);
        let mut known = BTreeMap::new();
        let files = if folder.is_dir() {
            disk.list(&folder).map_err(Error::storage("listing definitions", &folder))?
        } else {
            Vec::new()
        };
        for (path, _) in files.into_iter().filter(|(path, _)| path.extension().is_some_and(|is| is == "json"))
        {
            let bytes = disk.read(&path).map_err(Error::storage("reading a definition", &path))?;
            match serde_json::from_slice::<Definition>(&bytes) {
                Ok(definition) => {
                    known.insert(definition.name().to_owned(), definition);
                }
                Err(error) => {
                    damages.push(format!("{}: the definition cannot be read: {error}", path.display()))
                }
            }
        }
        Ok(Store { known: Mutex::new(known), ..Store::default() })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Definition>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One definition runs at a time.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(crate) fn all(&self) -> Vec<Definition> {
        self.known().values().cloned().collect()
    }

    /// Errors: there is none of the name.
    pub(super) fn get(&self, name: &str) -> Result<Definition, Error> {
        self.known().get(name).cloned().ok_or_else(|| missing(name))
    }

    /// Whether a table is what its query gave last, so that nobody else writes to it.
    pub(crate) fn is_materialized(&self, table: &str) -> bool {
        matches!(self.known().get(table), Some(Definition::Materialized(_)))
    }

    /// Errors: another definition fills the table, and what the disk says.
    pub(super) fn put(&self, shared: &Shared, definition: &Definition) -> Result<(), Error> {
        let mut known = self.known();
        let same = known
            .values()
            .find(|other| other.table() == definition.table() && other.name() != definition.name());
        if let Some(other) = same.filter(|other| is_whole(other) || is_whole(definition)) {
            let reason = format!("`{}` fills the table {} already", other.name(), other.table());
            return Err(Error::Derived { name: definition.name().to_owned(), reason });
        }
        let disk = shared.options.disk.as_ref();
        let path = path(shared, definition.name());
        let folder = path.parent().unwrap_or(&shared.folder);
        disk.create_folder(folder).map_err(Error::storage("making the folder of definitions", folder))?;
        let text = serde_json::to_vec_pretty(definition).unwrap_or_default();
        replace(disk, &path, &text).map_err(Error::storage("writing a definition", &path))?;
        self.failed(definition.name(), false);
        known.insert(definition.name().to_owned(), definition.clone());
        Ok(())
    }

    pub(super) fn remove(&self, shared: &Shared, name: &str) -> Result<(), Error> {
        let mut known = self.known();
        if !known.contains_key(name) {
            return Err(missing(name));
        }
        let path = path(shared, name);
        shared.options.disk.remove(&path).map_err(Error::storage("removing a definition", &path))?;
        known.remove(name);
        Ok(())
    }

    /// Counts how often something failed, one time after the other.
    pub(super) fn failed(&self, name: &str, has_failed: bool) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_failed {
            failures.remove(name);
            return 0;
        }
        let count = failures.entry(name.to_owned()).or_default();
        *count += 1;
        *count
    }
}

fn is_whole(definition: &Definition) -> bool {
    matches!(definition, Definition::Materialized(_))
}

fn missing(name: &str) -> Error {
    Error::Derived {
        name: name.chars().take(100).collect(),
        reason: "there is no such definition".to_owned(),
    }
}

fn path(shared: &Shared, name: &str) -> PathBuf {
    shared.folder.join(FOLDER).join(format!("{name}.json"))
}
