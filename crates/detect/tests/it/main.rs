//! Rules from files to alerts.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod analytics;
#[path = "../../../query/tests/it/chance.rs"]
mod chance;
mod content;
mod corpus;
mod histories;
mod incidents;
mod reading;
mod running;
mod scheduling;
mod sigma;
mod storyline;
mod support;

use std::path::{Path, PathBuf};

/// A folder of the corpora, where there are some.
fn corpus(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no {}", path.display());
    None
}
