//! Whether files that rules are read from are others than those that were read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use castellan_base::System;

use crate::walk;

/// How files end that rules, functions and watchlists are read from.
const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "kql", "csv"];

/// Files, with what tells a version of each from the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions(BTreeMap<String, (Option<SystemTime>, u64)>);

impl Versions {
    /// Of everything below some paths.
    pub(super) fn below<'p>(paths: impl Iterator<Item = &'p Path>, system: &dyn System) -> Versions {
        let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        let is_read = |file: &String| {
            let ending = Path::new(file).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            paths.contains(file) || ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
        };
        let files = walk::files(&paths, system).files.into_iter().filter(is_read);
        // A file that goes away meanwhile is none.
        Versions(
            files
                .filter_map(|file| {
                    let about = std::fs::metadata(&file).ok()?;
                    Some((file, (about.modified().ok(), about.len())))
                })
                .collect(),
        )
    }
}

/// The versions that were read, and those that were seen last.
#[derive(Debug, Default)]
pub(super) struct Edits {
    read: Versions,
    seen: Versions,
}

impl Edits {
    /// These are read now.
    pub(super) fn reads(&mut self, versions: Versions) {
        self.seen = versions.clone();
        self.read = versions;
    }

    /// Whether files are others than those that were read, and the same as when this was asked last: whoever writes several
    /// may not be done with them.
    pub(super) fn are_done(&mut self, versions: &Versions) -> bool {
        let is_done = *versions != self.read && *versions == self.seen;
        self.seen = versions.clone();
        is_done
    }
}
