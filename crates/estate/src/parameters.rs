//! Which parameters file belongs to which template.

use std::path::{Path, PathBuf};

use castellan_base::{Diagnostic, Node};

/// A template that waits for its parameters.
pub(crate) struct PendingTemplate {
    pub(crate) input: usize,
    pub(crate) document: Node,
    pub(crate) folder: PathBuf,
    pub(crate) stem: String,
}

/// A parameters file that waits for its template.
pub(crate) struct PendingParameters {
    pub(crate) input: usize,
    pub(crate) document: Node,
    pub(crate) folder: PathBuf,
    pub(crate) stem: String,
    /// True when the user named this file.
    pub(crate) named: bool,
    pub(crate) used: bool,
}

/// The name of a file without what says that it is a template or a parameters file: `main.parameters.json` and
/// `main.json` have the same stem.
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let mut stem = name.as_str();
    for suffix in [".json", ".jsonc", ".bicepparam", ".parameters", ".params", ".parameter", ".template"] {
        stem = stem.strip_suffix(suffix).unwrap_or(stem);
    }
    for suffix in ["-parameters", "_parameters", ".params", "-params"] {
        stem = stem.strip_suffix(suffix).unwrap_or(stem);
    }
    stem.to_owned()
}

/// The parameters file for a template: one that the user named and whose every value the template declares, then the
/// one with the same stem, then the only one in the folder that fits. Returns its position and, when the choice was not
/// the only one, a note that says so.
pub(crate) fn choose(
    template: &PendingTemplate,
    parameters: &[PendingParameters],
) -> (Option<usize>, Option<Diagnostic>) {
    let fits = |file: &PendingParameters| declares_all(&template.document, &file.document);
    let positions = |accept: &dyn Fn(&PendingParameters) -> bool| -> Vec<usize> {
        parameters.iter().enumerate().filter(|(_, file)| accept(file)).map(|(position, _)| position).collect()
    };
    let same_stem = |file: &PendingParameters| {
        file.folder == template.folder
            && (file.stem == template.stem
                || file
                    .stem
                    .strip_prefix(&template.stem)
                    .is_some_and(|rest| rest.starts_with(['.', '-', '_'])))
    };
    let rules: [&dyn Fn(&PendingParameters) -> bool; 3] =
        [&|file| file.named && fits(file), &|file| same_stem(file), &|file| {
            file.folder == template.folder && fits(file) && has_values(&file.document)
        }];
    for (rule, accept) in rules.iter().enumerate() {
        let found = positions(accept);
        match found.as_slice() {
            [] => {}
            [only] => return (Some(*only), None),
            // Several files beside a template are several environments; which one is meant, only the user knows.
            [first, ..] => {
                let message = format!("{} parameters files fit this template", found.len());
                let help = "name the one to use with `--parameters FILE`";
                let note = Diagnostic::warning(template.document.span, message).with_help(help);
                return (if rule < 2 { Some(*first) } else { None }, Some(note));
            }
        }
    }
    (None, None)
}

fn has_values(document: &Node) -> bool {
    values(document).is_some_and(|values| !values.is_empty())
}

fn values(document: &Node) -> Option<&castellan_base::Object> {
    document.get("parameters").and_then(Node::as_object)
}

fn declares_all(template: &Node, document: &Node) -> bool {
    let declared = template.get("parameters").and_then(Node::as_object);
    let given = values(document);
    match (declared, given) {
        (Some(declared), Some(given)) => given.iter().all(|member| declared.get(&member.key).is_some()),
        (None, Some(given)) => given.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems() {
        for name in ["main.json", "main.parameters.json", "MAIN.bicepparam", "main-parameters.json"] {
            assert_eq!(stem(Path::new(name)), "main", "{name}");
        }
        assert_eq!(stem(Path::new("main.parameters.dev.json")), "main.parameters.dev");
    }
}
