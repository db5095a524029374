//! Trains the shield: `cargo run --release -p castellan-shield --example train`, from the repository's root.
//!
//! The corpora are looked for at `$CASTELLAN_CORPORA` and at `../shared/corpora`.
#![allow(clippy::print_stderr)] // An example talks to the person who runs it.

use std::error::Error;
use std::path::{Path, PathBuf};

use castellan_base::{OsSystem, System};
use castellan_shield::train;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpora =
        OsSystem.env("CASTELLAN_CORPORA").map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
    let content = root.join("content/shield");
    let outcome = train::run(&OsSystem, &corpora.join("shield"), &content, &mut |step| eprintln!("{step}"))?;
    OsSystem.write(&content.join("weights.bin"), &outcome.weights)?;
    OsSystem.write(&root.join("docs/shield-model-card.md"), outcome.card.as_bytes())?;
    eprintln!("wrote {} bytes of weights and the model card", outcome.weights.len());
    Ok(())
}
