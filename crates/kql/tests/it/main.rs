//! The language on real queries.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod answers;
mod bench;
mod bind;
mod bind_corpus;

mod bombs;
mod cases;
mod check;
mod codec;
mod corpus;
mod coverage;
mod editor;
mod editor_corpus;
mod graph;
mod hostile;
mod library;
mod literals;
mod malformed;
mod messages;
mod placeholders;
mod plans;
mod plugins;
mod precedence;
mod print;
mod processor;
mod registry;
mod resource_graph;
mod restrict;
mod scalars;
mod schema;
mod sources;
mod surface;
mod traps;
mod traps_file;

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
