//! What is remembered of rules from start to start: a file for each.
//!
//! Files are replaced whole: written beside, synced, renamed, and their folder synced. How far a rule is after a run that
//! raised alerts is prepared beside its file first, and takes its place once the alerts are committed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_detect::health::Sources;
use castellan_detect::schedule::State;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// What is remembered of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// How far it is, and what it raised.
    pub(super) state: State,
    /// What names the commit that this belongs to.
    pub(super) commit: String,
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

    /// Writes down how far a rule will be, beside its file.
    pub(super) fn prepare(&self, id: &str, kept: &Kept) -> Result<()> {
        keep(&self.prepared(id), kept)
    }

    /// What was prepared for a rule and did not take its place.
    pub(super) fn pending(&self, id: &str) -> Result<Option<Kept>> {
        let path = self.prepared(id);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// Lets what was prepared take its place.
    pub(super) fn settle(&self, id: &str) -> Result<()> {
        let (from, to) = (self.prepared(id), self.of_rule(id));
        let moved = std::fs::rename(&from, &to).and_then(|()| synced(&to));
        moved.with_context(|| format!("cannot write `{}`", to.display()))
    }

    /// Forgets what was prepared: it was not committed.
    pub(super) fn discard(&self, id: &str) -> Result<()> {
        let path = self.prepared(id);
        std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))
    }

    fn prepared(&self, id: &str) -> PathBuf {
        self.of_rule(id).with_extension("next.json")
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
            "`{}` is damaged; restore it from a backup, or remove it: rules begin with their last window then",
            path.display()
        )
    })
}

pub(crate) fn keep<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    replace(path, &serde_json::to_vec(value)?).with_context(|| format!("cannot write `{}`", path.display()))
}

pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    synced(path)
}

/// Makes the name of a file durable.
fn synced(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
