//! Filters over terms that are kept in memory between queries.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::Disk;
use crate::terms::Filters;

/// Bytes of filters that are kept.
const MOST: usize = 64 << 20;

/// Filters by the path of their file. Files never change, so what is kept stays right.
#[derive(Debug, Default)]
pub(crate) struct TermsCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    filters: HashMap<PathBuf, Arc<Filters>>,
    bytes: usize,
}

impl TermsCache {
    /// The filters of a file; `None` where there are none that can be read.
    pub(crate) fn get(&self, disk: &dyn Disk, path: &Path) -> Option<Arc<Filters>> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).filters.get(path) {
            return Some(Arc::clone(known));
        }
        let filters = Arc::new(Filters::read(&disk.read(path).ok()?)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes.saturating_add(filters.size()) > MOST {
            *kept = Kept::default();
        }
        kept.bytes += filters.size();
        kept.filters.insert(path.to_owned(), Arc::clone(&filters));
        Some(filters)
    }
}
