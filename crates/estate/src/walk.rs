//! Finds the files.

use std::path::{Path, PathBuf};

use castellan_base::{Diagnostic, Span, System};

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its path below the folder that was asked for, or its name when it was asked for itself.
    pub(crate) relative: String,
    /// The folder it lies in.
    pub(crate) folder: PathBuf,
    /// True when the user named this very file.
    pub(crate) named: bool,
}

/// Folders deeper than this are not entered.
const DEEPEST: usize = 64;

/// All files under the paths, sorted within each path, without those that cannot hold an estate: version control,
/// installed packages, provider caches and hidden files other than known MCP configurations.
pub(crate) fn walk(
    system: &dyn System,
    paths: &[PathBuf],
    most: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Found> {
    let mut walker = Walker { system, most, found: Vec::new(), diagnostics, left_out: 0 };
    for path in paths {
        if system.is_dir(path) {
            walker.folder(path, path, 0);
        } else if system.exists(path) {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let relative = name_of(path);
            walker.add(Found { path: path.clone(), relative, folder, named: true });
        } else {
            let message = format!("`{}` does not exist", path.display());
            walker.diagnostics.push(Diagnostic::error(Span::NONE, message).with_help("check the path"));
        }
    }
    if walker.left_out > 0 {
        let message = format!("{} files were left out; at most {most} are looked at", walker.left_out);
        let help = "name the folders that matter instead of their parent";
        walker.diagnostics.push(Diagnostic::warning(Span::NONE, message).with_help(help));
    }
    let mut found = walker.found;
    // A file named twice, or once itself and once through its folder, is read once.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|file| seen.insert(file.path.clone()));
    found
}

struct Walker<'a> {
    system: &'a dyn System,
    most: usize,
    found: Vec<Found>,
    diagnostics: &'a mut Vec<Diagnostic>,
    left_out: usize,
}

impl Walker<'_> {
    fn add(&mut self, file: Found) {
        if self.found.len() < self.most { self.found.push(file) } else { self.left_out += 1 }
    }

    fn folder(&mut self, root: &Path, folder: &Path, depth: usize) {
        if depth > DEEPEST {
            let message =
                format!("`{}` is more than {DEEPEST} folders deep and was left out", folder.display());
            self.diagnostics.push(Diagnostic::warning(Span::NONE, message));
            return;
        }
        let entries = match self.system.read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("the folder `{}` cannot be read: {error}", folder.display());
                self.diagnostics.push(Diagnostic::error(Span::NONE, message));
                return;
            }
        };
        for entry in entries {
            let name = name_of(&entry.path);
            if entry.is_dir {
                if !is_skipped_folder(&name) {
                    self.folder(root, &entry.path, depth + 1);
                }
            } else if !name.starts_with('.') || is_known_hidden_file(&name) {
                let relative = entry.path.strip_prefix(root).unwrap_or(&entry.path);
                let relative = relative.to_string_lossy().replace('\\', "/");
                self.add(Found { path: entry.path, relative, folder: folder.to_owned(), named: false });
            }
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_skipped_folder(name: &str) -> bool {
    const HEAVY: [&str; 5] = ["node_modules", "__pycache__", "venv", "site-packages", "bower_components"];
    // Editors and assistants keep their MCP configuration in hidden folders.
    const EDITORS: [&str; 7] = [".vscode", ".cursor", ".claude", ".github", ".gemini", ".windsurf", ".mcp"];
    HEAVY.contains(&name) || (name.starts_with('.') && name.len() > 1 && !EDITORS.contains(&name))
}

fn is_known_hidden_file(name: &str) -> bool {
    matches!(name, ".mcp.json" | ".mcp.yaml" | ".mcp.yml" | ".claude.json")
}
