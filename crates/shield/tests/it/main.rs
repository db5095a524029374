//! Tests of the shield.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

use std::path::PathBuf;

mod adherence;
mod blocklist;
mod categories;
mod codecs;
mod confusables;
mod decode;
mod english;
mod grounded;
mod harm;
mod harmless;
mod hostile;
mod judge;
mod normalise;
mod protected;
mod retention;
mod rules;
mod second;
mod windows;

/// A file of the corpora; says that a test is skipped where it is absent.
fn corpus(path: &str) -> Option<String> {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    let folder = std::env::var_os("CASTELLAN_CORPORA").map_or(shared, PathBuf::from);
    let text = std::fs::read_to_string(folder.join(path)).ok();
    if text.is_none() {
        eprintln!("skipped: {} is not there; set CASTELLAN_CORPORA", folder.join(path).display());
    }
    text
}
