//! Rules of all forms from one folder.

use std::path::Path;

use castellan_base::{Sources, System};

use crate::check::Schemas;
use crate::rule::read::{Loaded, files, read};
use crate::sigma::{LogSources, read_all};

/// Reads a file, or all of a folder and of those in it: rules of Microsoft Sentinel and of Sigma side by side. A file is
/// Sigma's where it has `detection` or `correlation` and no `query`. Correlations may refer to rules of other files.
pub fn load(
    path: &Path,
    system: &dyn System,
    log_sources: &LogSources,
    schemas: &Schemas,
    sources: &mut Sources,
) -> Loaded {
    let (files, diagnostics) = files(path, system, sources);
    let mut loaded = Loaded { rules: Vec::new(), diagnostics };
    let mut sigma: Vec<(&str, &str)> = Vec::new();
    for (name, text) in &files {
        if is_sigma(text) {
            sigma.push((name, text));
            continue;
        }
        let own = read(name, text, sources);
        loaded.rules.extend(own.rules);
        loaded.diagnostics.extend(own.diagnostics);
    }
    let own = read_all(&sigma, log_sources, schemas, sources);
    loaded.rules.extend(own.rules);
    loaded.diagnostics.extend(own.diagnostics);
    loaded
}

/// Whether the members of a document in YAML are those of a Sigma rule.
fn is_sigma(text: &str) -> bool {
    let has = |name: &str| {
        let is_member =
            |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'));
        text.lines().any(is_member)
    };
    (has("detection") || has("correlation")) && !has("query")
}
