//! Queries run by DataFusion, against what the plain engine gives.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod access;
mod aggregates;
mod agree;
mod both;
mod chance;
mod chance_of_rows;
mod expressions;
mod limits;
mod rules;
mod scan;
mod sent;
mod steps;
mod text_files;
mod traps;

use std::path::{Path, PathBuf};

/// A file of the corpora, where there are some.
fn corpus(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no {}", path.display());
    None
}
