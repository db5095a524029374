//! Definitions from YAML.
//!
//! A file is one definition. Reading a folder never fails as a whole: what cannot be used is told with its file.

use std::collections::BTreeSet;
use std::path::Path;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, System, yaml};
use rust_embed::RustEmbed;

use super::Definition;

/// The definitions that are compiled in.
#[derive(RustEmbed)]
#[folder = "../../content/baselines"]
struct Embedded;

/// The largest file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// The most definitions.
const MAX_DEFINITIONS: usize = 1_000;
/// The most dimensions of one definition.
const MAX_DIMENSIONS: usize = 16;
/// The longest retention, in days: two years and a day.
const MAX_DAYS: u16 = 731;

/// Definitions, and what is wrong with others.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Those that can be used, by id.
    pub definitions: Vec<Definition>,
    /// What cannot.
    pub diagnostics: Vec<Diagnostic>,
}

/// The definitions that are compiled in.
pub fn built_in(sources: &mut Sources) -> Loaded {
    let mut names: Vec<_> = Embedded::iter().filter(|name| name.ends_with(".yaml")).collect();
    names.sort();
    let mut loaded = Loaded::default();
    for name in names {
        let text = Embedded::get(&name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
        loaded.add(&name, &text.unwrap_or_default(), sources);
    }
    loaded
}

/// Reads a file, or the `.yaml` files of a folder.
pub fn load(path: &Path, system: &dyn System, sources: &mut Sources) -> Loaded {
    let mut loaded = Loaded::default();
    let files = match system.is_dir(path).then(|| system.read_dir(path)) {
        None => vec![path.to_owned()],
        Some(Ok(entries)) => {
            let is_wanted = |path: &Path| {
                path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            };
            entries.into_iter().map(|entry| entry.path).filter(|path| is_wanted(path)).collect()
        }
        Some(Err(error)) => {
            loaded.told(format!("`{}` cannot be read: {error}", path.display()));
            return loaded;
        }
    };
    for file in files {
        let name = file.display().to_string();
        let bytes = system.read(&file, MAX_FILE).map_err(|error| error.to_string());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        match text {
            Ok(text) => loaded.add(&name, &text, sources),
            Err(reason) => loaded.told(format!("`{name}` cannot be read: {reason}")),
        }
    }
    loaded
}

impl Loaded {
    fn told(&mut self, message: String) {
        self.diagnostics.push(Diagnostic::error(Span::NONE, message));
    }

    fn add(&mut self, name: &str, text: &str, sources: &mut Sources) {
        let read = read(name, text, sources);
        match read {
            Err(diagnostic) => self.diagnostics.push(diagnostic),
            Ok(definition) if self.definitions.iter().any(|known| known.id == definition.id) => {
                self.told(format!(
                    "`{name}`: there is another `{}`; give it an id of its own",
                    definition.id
                ));
            }
            Ok(_) if self.definitions.len() == MAX_DEFINITIONS => {
                self.told(format!("`{name}` is left out: there are {MAX_DEFINITIONS} definitions already"));
            }
            Ok(definition) => self.definitions.push(definition),
        }
    }
}

/// Reads one definition.
///
/// Errors: text that is no YAML, and a definition that cannot be.
pub fn read(name: &str, text: &str, sources: &mut Sources) -> Result<Definition, Diagnostic> {
    let source = sources.add(name, text);
    let node = yaml::parse(text, source, &Limits { bytes: MAX_FILE, ..Limits::default() })?;
    let wrong = |reason: String| {
        let message = format!("`{name}` is no definition of a baseline: {reason}");
        Diagnostic::error(node.span, message)
            .with_help("docs/baseline.md says what a definition holds; it is left out")
    };
    let definition: Definition =
        serde_json::from_value(Node::to_json(&node)).map_err(|error| wrong(error.to_string()))?;
    check(&definition).map_err(wrong)?;
    Ok(definition)
}

/// Errors: what cannot be.
fn check(definition: &Definition) -> Result<(), String> {
    let is_plain =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let id = &definition.id;
    if id.is_empty() || id.len() > 60 || !id.chars().all(is_plain) {
        return Err("`id` has 1 to 60 small letters, digits and hyphens".to_owned());
    }
    if definition.tables.is_empty() {
        return Err("`tables` names no table; without one nothing is read".to_owned());
    }
    if definition.query.trim().is_empty() {
        return Err("`query` is empty".to_owned());
    }
    let columns: BTreeSet<&str> = definition.dimensions.iter().map(|one| &*one.column).collect();
    if columns.len() != definition.dimensions.len() || columns.len() > MAX_DIMENSIONS {
        return Err(format!("`dimensions` are at most {MAX_DIMENSIONS}, each of a column of its own"));
    }
    if columns.is_empty() && definition.volume.is_none() {
        return Err("there are neither `dimensions` nor `volume`: nothing would be remembered".to_owned());
    }
    if definition.dimensions.iter().any(|one| !(0.0..=1.0).contains(&one.weight)) {
        return Err("`weight` of a dimension lies between 0 and 1".to_owned());
    }
    let retention = definition.retention;
    if !(1..=MAX_DAYS).contains(&retention.days) || !(1..=MAX_DAYS).contains(&retention.half_life) {
        return Err(format!("`retention` is 1 to {MAX_DAYS} days, and so is `halfLife`"));
    }
    if definition.history.days == 0 || definition.history.days > retention.days {
        return Err("`history.days` is at least 1 and at most `retention.days`".to_owned());
    }
    if !(0.01..=1.0).contains(&definition.peers.similarity) {
        return Err("`peers.similarity` lies between 0.01 and 1".to_owned());
    }
    if definition.volume.as_ref().is_some_and(|volume| !(1.0..=1e6).contains(&volume.times)) {
        return Err("`volume.times` is at least 1".to_owned());
    }
    Ok(())
}
