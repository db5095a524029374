//! What is derived: documentation and the tables of the query language's registry. Written by `generate`, checked for
//! freshness by `tidy`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{kql_coverage, kql_reference, read, registry, say};

/// Every derived page with its text.
fn pages(root: &Path) -> Result<Vec<(String, String)>> {
    let page = |path: &str, text: String| (path.to_owned(), text);
    Ok(vec![
        page("docs/cli.md", castellan_cli::reference::command_line()),
        page("docs/checks.md", castellan_cli::reference::checks()),
        page("docs/kql.md", kql_coverage::page(root)?),
        page("docs/kql-reference.md", kql_reference::page()),
        page("docs/template-functions.md", castellan_cli::reference::template_functions()),
    ])
}

/// Rewrites what changed. Pages are made from the tables as they were compiled, so when a table changes the rest is left
/// to a build that has it.
pub(crate) fn write(root: &Path) -> Result<()> {
    if write_changed(root, registry::tables(root)?)? {
        return again(root);
    }
    write_changed(root, pages(root)?)?;
    Ok(())
}

/// Whether anything changed.
fn write_changed(root: &Path, files: Vec<(String, String)>) -> Result<bool> {
    let mut changed = false;
    for (path, text) in files {
        let file = root.join(&path);
        if read(&file).is_ok_and(|old| old == text) {
            continue;
        }
        std::fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
        say(&format!("wrote {path}"));
        changed = true;
    }
    Ok(changed)
}

#[allow(clippy::disallowed_methods)] // A chore runs the rest of itself.
fn again(root: &Path) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["run", "--quiet", "--package", "xtask", "--", "generate"];
    let status = std::process::Command::new(cargo).args(arguments).current_dir(root).status()?;
    if !status.success() {
        bail!("the new tables do not compile");
    }
    Ok(())
}

/// A line for every file that is not what `generate` would write.
pub(crate) fn stale(root: &Path) -> Result<Vec<String>> {
    let is_stale = |path: &str, text: &str| !read(&root.join(path)).is_ok_and(|old| old == text);
    let files = registry::tables(root)?.into_iter().chain(pages(root)?);
    let stale = files.filter(|(path, text)| is_stale(path, text));
    Ok(stale.map(|(path, _)| format!("{path} is stale: run `cargo xtask generate`")).collect())
}
