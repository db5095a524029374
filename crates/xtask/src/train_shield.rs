//! Trains the shield: weights and model card, the same bytes each time.

use std::path::{Path, PathBuf};

use anyhow::Context;
use castellan_base::{OsSystem, System};
use castellan_shield::train;

/// Reads the corpora at `$CASTELLAN_CORPORA` or `../shared/corpora` and the repository's content, and writes
/// `content/shield/weights.bin` and `docs/shield-model-card.md`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let corpora =
        OsSystem.env("CASTELLAN_CORPORA").map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
    let content = root.join("content/shield");
    let outcome = train::run(&OsSystem, &corpora.join("shield"), &content, &mut crate::say)?;
    let write = |path: &Path, bytes: &[u8]| {
        OsSystem.write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(&content.join("weights.bin"), &outcome.weights)?;
    write(&root.join("docs/shield-model-card.md"), outcome.card.as_bytes())
}
