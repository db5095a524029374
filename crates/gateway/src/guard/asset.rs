//! Files that profiles name beside themselves: categories of one's own, and schemas.

use std::path::{Component, Path};
use std::sync::Arc;

use castellan_base::System;
use castellan_mcp::arguments::Schema;
use castellan_mcp::json::{Limits, parse};
use castellan_shield::harm::NamedCategory;

use super::profile::Check;

/// Largest file of a category, in bytes.
const LARGEST: u64 = 16 << 20;

/// A file, read. Two are the same if their bytes are.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) hash: blake3::Hash,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Category(Arc<NamedCategory>),
    Schema(Arc<Schema>),
}

impl PartialEq for Asset {
    fn eq(&self, other: &Asset) -> bool {
        self.hash == other.hash
    }
}

/// The file that a check names.
pub(super) fn named(check: &Check) -> Option<&Path> {
    match check {
        Check::Custom { category, .. } => Some(category),
        Check::Schema { file, .. } => Some(file),
        _ => None,
    }
}

/// Reads the file of a check from a folder.
///
/// # Errors
/// When it is not in the folder, cannot be read, or is none; a schema also when it asserts what is not checked here.
pub(super) fn read(check: &Check, folder: &Path, system: &dyn System) -> Result<Option<Asset>, String> {
    let Some(name) = named(check) else { return Ok(None) };
    let fault = |why: String| format!("`{}`: {why}", name.display());
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(fault("has to lie beside the profile: no `..`, and no whole path".to_owned()));
    }
    let bytes = system.read(&folder.join(name), LARGEST).map_err(|error| fault(error.to_string()))?;
    let hash = blake3::hash(&bytes);
    let what = match check {
        Check::Custom { .. } => {
            let category = NamedCategory::from_bytes(&bytes).map_err(|error| fault(error.to_string()))?;
            What::Category(Arc::new(category))
        }
        _ => {
            let limits = Limits { bytes: bytes.len(), ..Limits::default() };
            let value = parse(&bytes, &limits).map_err(|error| fault(error.to_string()))?;
            let schema = Schema::new(&value).map_err(|error| fault(error.to_string()))?;
            if let Some(place) = schema.unsupported().first() {
                return Err(fault(format!(
                    "`{place}` asserts something that is not checked here; leave it out"
                )));
            }
            What::Schema(Arc::new(schema))
        }
    };
    Ok(Some(Asset { hash, what }))
}
