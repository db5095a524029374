//! What custom categories there are, and the file that they are kept in.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_base::{OsSystem, System as _};
use castellan_shield::harm::{Examples, HeldOut, Incident, NamedCategory};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::operations::{Operations, Status};
use crate::contentsafety::{Failure, kept};

/// Most categories, and most incidents.
pub(crate) const MOST: usize = 100;
/// Most versions of a category.
pub(crate) const MOST_VERSIONS: usize = 10;
/// Most bytes of examples and samples of all of them.
const MOST_TEXT: usize = 64 << 20;
/// Most builds that wait for their turn.
const MOST_WAITING: usize = 8;

/// Custom categories, where they are kept, and work on them.
#[derive(Debug)]
pub(crate) struct Custom {
    all: RwLock<Arc<All>>,
    /// Held by whoever makes a change, so that those who read never wait for a file.
    changing: Mutex<()>,
    file: Option<PathBuf>,
    /// The folder whose files requests may name.
    pub(crate) samples: Option<PathBuf>,
    pub(crate) categories: Operations,
    pub(crate) incidents: Operations,
    /// One is built at a time, so that requests are answered meanwhile.
    pub(crate) building: Arc<Semaphore>,
    pub(crate) waiting: Arc<Semaphore>,
}

/// Everything that is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct All {
    #[serde(default)]
    pub(crate) categories: BTreeMap<String, Vec<CategoryVersion>>,
    #[serde(default)]
    pub(crate) incidents: BTreeMap<String, KeptIncident>,
}

/// A version of a category.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CategoryVersion {
    pub(crate) version: u32,
    pub(crate) definition: String,
    pub(crate) blob: String,
    pub(crate) created: String,
    pub(crate) status: Status,
    /// What it is to be built from; nothing once it is built.
    pub(crate) examples: Examples,
    pub(crate) trained: Option<Trained>,
}

/// A trained category, and the text that keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Trained {
    kept: String,
    pub(crate) category: Arc<NamedCategory>,
}

impl Trained {
    pub(crate) fn new(category: NamedCategory) -> Result<Trained, Failure> {
        let bytes = category.to_bytes().map_err(|error| Failure::internal(error.to_string()))?;
        Ok(Trained { kept: STANDARD.encode(bytes), category: Arc::new(category) })
    }

    pub(crate) fn held_out(&self) -> HeldOut {
        self.category.category().held_out()
    }
}

impl TryFrom<String> for Trained {
    type Error = String;

    fn try_from(kept: String) -> Result<Trained, String> {
        let bytes = STANDARD.decode(&kept).map_err(|error| error.to_string())?;
        let category = NamedCategory::from_bytes(&bytes).map_err(|error| error.to_string())?;
        Ok(Trained { kept, category: Arc::new(category) })
    }
}

impl From<Trained> for String {
    fn from(trained: Trained) -> String {
        trained.kept
    }
}

/// An incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeptIncident {
    pub(crate) definition: Option<String>,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) samples: Vec<Sample>,
    pub(crate) deployed: Option<Deployed>,
}

/// A sample of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    pub(crate) incident_sample_id: String,
    pub(crate) text: String,
}

/// The samples that texts are compared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Deployed {
    texts: Vec<String>,
    pub(crate) incident: Arc<Incident>,
}

impl From<Vec<String>> for Deployed {
    fn from(texts: Vec<String>) -> Deployed {
        Deployed { incident: Arc::new(Incident::new(&texts)), texts }
    }
}

impl From<Deployed> for Vec<String> {
    fn from(deployed: Deployed) -> Vec<String> {
        deployed.texts
    }
}

impl All {
    /// Bytes of all texts.
    fn size(&self) -> usize {
        let examples = self.categories.values().flatten().map(|version| &version.examples);
        let examples =
            examples.flat_map(|examples| examples.positive.iter().chain(&examples.negative)).map(String::len);
        let sampled = |incident: &KeptIncident| {
            let deployed = incident.deployed.iter().flat_map(|deployed| &deployed.texts).map(String::len);
            deployed.chain(incident.samples.iter().map(|sample| sample.text.len())).sum::<usize>()
        };
        examples.sum::<usize>() + self.incidents.values().map(sampled).sum::<usize>()
    }

    /// A version of a category: the one that is named, or the latest.
    pub(crate) fn version(&self, name: &str, version: Option<u32>) -> Result<&CategoryVersion, Failure> {
        let versions = self.categories.get(name).ok_or_else(|| {
            Failure::missing(format!("there is no category `{name}`; PUT text/categories/{name} makes one"))
        })?;
        let found = match version {
            None => versions.last(),
            Some(version) => versions.iter().find(|known| known.version == version),
        };
        found.ok_or_else(|| Failure::missing(format!("category `{name}` has no such version")))
    }
}

impl Custom {
    /// What a file holds, which need not be there yet. A build that was under way when the process ended has to be asked
    /// for again.
    pub(crate) fn kept(file: Option<PathBuf>, samples: Option<PathBuf>) -> io::Result<Custom> {
        let mut all: All = file.as_deref().map(kept::read).transpose()?.unwrap_or_default();
        for version in all.categories.values_mut().flatten() {
            if version.status == Status::Running {
                version.status = Status::NotStarted;
            }
        }
        Ok(Custom {
            all: RwLock::new(Arc::new(all)),
            changing: Mutex::new(()),
            file,
            samples,
            categories: Operations::default(),
            incidents: Operations::default(),
            building: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
        })
    }

    /// What there is now.
    pub(crate) fn read(&self) -> Arc<All> {
        // A thread that panicked has not left half a change: each is put in place whole.
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change, and keeps it; where it fails or cannot be kept, nothing is changed.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut All) -> Result<T, Failure>) -> Result<T, Failure> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = All::clone(&self.read());
        let answer = work(&mut changed)?;
        if changed.size() > MOST_TEXT {
            let message = format!("all examples and samples together are more than {MOST_TEXT} bytes");
            return Err(Failure::body(format!("{message}; delete what is no longer needed")));
        }
        if let Some(file) = &self.file {
            let failed = |error| Failure::internal(format!("the change cannot be kept: {error}"));
            kept::write(file, &changed).map_err(failed)?;
        }
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        Ok(answer)
    }
}

/// The time, as answers say it.
pub(crate) fn now() -> String {
    OsSystem.now().to_string()
}
