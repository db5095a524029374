//! All rules of a folder.

use std::path::{Path, PathBuf};

use castellan_base::{Diagnostic, Sources, Span, System};

use super::{Loaded, MAX_FILE, read};

/// The most files of a folder that are read.
pub const MAX_FILES: usize = 100_000;

/// How deeply folders lie in each other.
const MAX_DEPTH: usize = 32;

/// A file and its text.
pub(crate) type File = (String, String);

/// Reads a file, or all `.yaml`, `.yml` and `.json` files of a folder and of those in it, in the order of their names.
pub fn read_folder(path: &Path, system: &dyn System, sources: &mut Sources) -> Loaded {
    let (files, diagnostics) = files(path, system, sources);
    let mut loaded = Loaded { rules: Vec::new(), diagnostics };
    for (name, text) in &files {
        let own = read(name, text, sources);
        loaded.rules.extend(own.rules);
        loaded.diagnostics.extend(own.diagnostics);
    }
    loaded
}

/// The texts of these files, and what cannot be read.
pub(crate) fn files(path: &Path, system: &dyn System, sources: &mut Sources) -> (Vec<File>, Vec<Diagnostic>) {
    let (mut paths, mut told, mut found) = (Vec::new(), Vec::new(), Vec::new());
    if system.is_dir(path) {
        walk(path, system, 0, &mut paths, &mut told);
    } else {
        paths.push(path.to_owned());
    }
    for path in &paths {
        let name = path.to_string_lossy();
        let text = match system.read(path, MAX_FILE) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match text {
            Ok(text) => found.push((name.into_owned(), text)),
            Err(reason) => told.push(unread(&name, &reason, sources)),
        }
    }
    (found, told)
}

fn unread(name: &str, reason: &str, sources: &mut Sources) -> Diagnostic {
    let source = sources.add(name, "");
    let message = format!("`{name}` cannot be read: {reason}");
    Diagnostic::error(Span::new(source, 0, 0), message).with_help("nothing of it is used")
}

fn walk(
    folder: &Path,
    system: &dyn System,
    depth: usize,
    files: &mut Vec<PathBuf>,
    told: &mut Vec<Diagnostic>,
) {
    let name = folder.to_string_lossy();
    if depth > MAX_DEPTH {
        told.push(Diagnostic::error(Span::NONE, format!("`{name}` lies too deep; it is not read")));
        return;
    }
    let entries = match system.read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            told.push(Diagnostic::error(Span::NONE, format!("`{name}` cannot be read: {error}")));
            return;
        }
    };
    for entry in entries {
        let extension = entry.path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        if entry.is_dir {
            walk(&entry.path, system, depth + 1, files, told);
        } else if matches!(extension.as_deref(), Some("yaml" | "yml" | "json")) {
            if files.len() == MAX_FILES {
                let message = format!("`{name}` has more than {MAX_FILES} files; the others are not read");
                told.push(Diagnostic::error(Span::NONE, message).with_help("name the folders one by one"));
                return;
            }
            files.push(entry.path);
        }
    }
}
