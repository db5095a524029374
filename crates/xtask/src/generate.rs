//! Documentation that is derived from code: written by `generate`, checked for freshness by `tidy`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{read, say};

/// Every derived page with its text.
fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("docs/cli.md", castellan_cli::reference::command_line()),
        ("docs/checks.md", castellan_cli::reference::checks()),
        ("docs/template-functions.md", castellan_cli::reference::template_functions()),
    ]
}

/// Rewrites the pages that changed.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (path, text) in pages() {
        let file = root.join(path);
        if read(&file).is_ok_and(|old| old == text) {
            continue;
        }
        std::fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
        say(&format!("wrote {path}"));
    }
    Ok(())
}

/// A line for every page that is not what `generate` would write.
pub(crate) fn stale(root: &Path) -> Result<Vec<String>> {
    let is_stale = |path: &str, text: &str| !read(&root.join(path)).is_ok_and(|old| old == text);
    let stale = pages().into_iter().filter(|(path, text)| is_stale(path, text));
    Ok(stale.map(|(path, _)| format!("{path} is stale: run `cargo xtask generate`")).collect())
}
