use std::path::PathBuf;

use castellan_base::{Limits, Node, Sources, json, yaml};

/// The corpora, or `None` with a note when they are not there.
pub(crate) fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let path =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    if path.join("azure-policy").is_dir() {
        return Some(path);
    }
    eprintln!("skipped: corpora not found");
    None
}

/// All files below a folder with an ending, sorted.
pub(crate) fn files(folder: PathBuf, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read(path: &std::path::Path) -> Node {
    let text = String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    let mut sources = Sources::default();
    let source = sources.add(path.display().to_string(), text.as_str());
    let limits = Limits::default();
    let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
    let parsed =
        if is_yaml { yaml::parse(&text, source, &limits) } else { json::parse(&text, source, &limits) };
    parsed.unwrap_or_else(|diagnostic| panic!("{}: {}", path.display(), diagnostic.message))
}

pub(crate) fn parse_json(text: &str) -> Result<Node, String> {
    let mut sources = Sources::default();
    let source = sources.add("text", text);
    json::parse(text, source, &Limits::default()).map_err(|diagnostic| diagnostic.message)
}
