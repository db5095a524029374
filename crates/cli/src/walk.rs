//! The files below paths, and what could not be walked.

use std::path::Path;

use castellan_base::System;

/// Folders that programs fill and people do not: their content is somebody else's, and is listed as left out.
const LEFT_OUT: [&str; 3] = [".git", ".hg", ".svn"];

/// How deep folders are followed.
const DEEPEST: usize = 64;

/// What was found on the disk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files, by name.
    pub(crate) files: Vec<String>,
    /// What was not entered, with the reason.
    pub(crate) left_out: Vec<(String, String)>,
}

/// Every file below the paths.
pub(crate) fn files(paths: &[String], system: &dyn System) -> Walk {
    let mut walk = Walk::default();
    for path in paths {
        if is_stdin(path) {
            walk.files.push(path.clone());
        } else {
            enter(Path::new(path), 0, system, &mut walk);
        }
    }
    walk.files.sort();
    walk.files.dedup();
    walk
}

fn enter(path: &Path, depth: usize, system: &dyn System, walk: &mut Walk) {
    let shown = path.display().to_string();
    if !system.is_dir(path) {
        match system.exists(path) {
            true => walk.files.push(shown),
            false => walk.left_out.push((shown, "there is no such file".to_owned())),
        }
        return;
    }
    if depth >= DEEPEST {
        return walk.left_out.push((shown, format!("folders are followed {DEEPEST} deep")));
    }
    let entries = match system.read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return walk.left_out.push((shown, error.to_string())),
    };
    for entry in entries {
        let name = entry.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if LEFT_OUT.contains(&name) {
            let shown = entry.path.display().to_string();
            walk.left_out.push((shown, "a version control system's own files".to_owned()));
        } else {
            enter(&entry.path, depth + 1, system, walk);
        }
    }
}

/// Standard input, where a path is a dash.
pub(crate) fn is_stdin(path: &str) -> bool {
    path == "-"
}
