//! Reads a folder of policy definitions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_base::{Diagnostic, Limits, Node, Severity, SourceId, System, json};
use castellan_estate::{Estate, GovernanceKind};
use castellan_policy::{AliasTable, Definition, Policy, PolicyIndex};
use rayon::prelude::*;

/// Largest definition file that is read; the largest public one has a few hundred kilobytes.
const FILE_LIMIT: u64 = 16 << 20;
/// Most files, and deepest folders, that are looked at.
const FILES_LIMIT: usize = 100_000;
const DEPTH_LIMIT: usize = 16;

/// Compiled policy definitions and initiatives.
#[derive(Debug, Default)]
pub struct PolicyPack {
    pub(crate) index: PolicyIndex,
    /// What the report says about each policy of the index, by its number.
    pub(crate) details: Vec<PolicyDetails>,
    pub(crate) initiatives: Vec<Node>,
    by_name: BTreeMap<String, usize>,
    unusable: Vec<UnusableDefinition>,
}

/// What the report says about a definition.
#[derive(Debug)]
pub(crate) struct PolicyDetails {
    pub(crate) id: Arc<str>,
    pub(crate) display_name: Arc<str>,
    pub(crate) category: Arc<str>,
    pub(crate) severity: Severity,
}

/// A file that is no usable definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableDefinition {
    /// The file.
    pub file: Arc<str>,
    /// Why.
    pub message: String,
}

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the policies in `{path}`: {source}; give a folder with policy definitions")]
pub struct PolicyPackError {
    path: String,
    source: std::io::Error,
}

/// What one file turned out to hold.
enum Loaded {
    Definition(Box<(Policy, PolicyDetails)>),
    Initiative(Node),
    Unusable(UnusableDefinition),
    Other,
}

impl PolicyPack {
    /// Reads every `.json` file below a folder: a checkout of the public definitions as it is (`policyDefinitions/**`,
    /// `policySetDefinitions/**`), or definitions of one's own.
    pub fn load_dir(
        system: &dyn System,
        folder: &Path,
        aliases: &AliasTable,
    ) -> Result<PolicyPack, PolicyPackError> {
        PolicyPack::load(system, &[folder.to_owned()], None, aliases)
    }

    /// Reads several folders, and the definitions that the estate's own exports hold. Of two definitions with one name
    /// the first in the order of the folders and paths counts, and those of the estate come last. Files that look like a
    /// definition and are not usable are listed in [`PolicyPack::unusable`].
    pub fn load(
        system: &dyn System,
        folders: &[PathBuf],
        estate: Option<&Estate>,
        aliases: &AliasTable,
    ) -> Result<PolicyPack, PolicyPackError> {
        let mut files = Vec::new();
        for folder in folders {
            find(system, folder, 0, &mut files)
                .map_err(|source| PolicyPackError { path: folder.display().to_string(), source })?;
        }
        let mut loaded: Vec<Loaded> = files.par_iter().map(|file| load(system, file, aliases)).collect();
        let kinds = [GovernanceKind::Definition, GovernanceKind::Initiative];
        let exported = estate.into_iter().flat_map(|estate| &estate.governance);
        for document in exported.filter(|document| kinds.contains(&document.kind)) {
            loaded.push(classify(document.document.clone(), "", aliases));
        }
        Ok(PolicyPack::build(loaded))
    }

    /// Definitions that can be evaluated.
    pub fn len(&self) -> usize {
        self.details.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.details.is_empty()
    }

    /// Initiatives.
    pub fn initiatives(&self) -> usize {
        self.initiatives.len()
    }

    /// Files that look like definitions and are not usable, with the reason.
    pub fn unusable(&self) -> &[UnusableDefinition] {
        &self.unusable
    }

    /// The position of the definition that an id or a name leads to: ids are compared by their last segment, since the
    /// same built-in definition is known with and without its scope.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.by_name.get(&name_of(id)).copied()
    }

    fn build(loaded: Vec<Loaded>) -> PolicyPack {
        let mut pack = PolicyPack::default();
        let mut policies = Vec::new();
        for one in loaded {
            match one {
                Loaded::Definition(definition) => {
                    let (policy, details) = *definition;
                    if let Entry::Vacant(free) = pack.by_name.entry(name_of(&details.id)) {
                        free.insert(policies.len());
                        policies.push(policy);
                        pack.details.push(details);
                    }
                }
                Loaded::Initiative(document) => pack.initiatives.push(document),
                Loaded::Unusable(unusable) => pack.unusable.push(unusable),
                Loaded::Other => {}
            }
        }
        pack.index = PolicyIndex::new(policies);
        pack
    }
}

fn name_of(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase()
}

fn find(system: &dyn System, folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in system.read_dir(folder)? {
        if files.len() >= FILES_LIMIT {
            return Ok(());
        }
        let is_json = entry.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if entry.is_dir && depth < DEPTH_LIMIT {
            // A folder deep inside that cannot be listed does not spoil the rest.
            let _ = find(system, &entry.path, depth + 1, files);
        } else if !entry.is_dir && is_json {
            files.push(entry.path);
        }
    }
    Ok(())
}

fn load(system: &dyn System, file: &Path, aliases: &AliasTable) -> Loaded {
    let shown = file.display().to_string();
    let unusable =
        |message: String| Loaded::Unusable(UnusableDefinition { file: shown.as_str().into(), message });
    let bytes = match system.read(file, FILE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => return unusable(format!("cannot be read: {error}")),
    };
    let Ok(text) = String::from_utf8(bytes) else { return unusable("is not UTF-8".to_owned()) };
    match json::parse(&text, SourceId::NONE, &Limits::default()) {
        Ok(document) => classify(document, &shown, aliases),
        Err(problem) => {
            let line = text
                .bytes()
                .take(usize::try_from(problem.span.start).unwrap_or(0))
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            unusable(format!("line {line}: {}", problem.message))
        }
    }
}

fn classify(document: Node, file: &str, aliases: &AliasTable) -> Loaded {
    let properties = document.get("properties").unwrap_or(&document);
    if properties.get("policyDefinitions").is_some_and(|members| members.as_array().is_some()) {
        return Loaded::Initiative(document);
    }
    let is_definition = properties.get("policyRule").is_some()
        || (document.get("if").is_some() && document.get("then").is_some());
    if !is_definition {
        return Loaded::Other;
    }
    let compiled = Definition::parse(&document).and_then(|definition| Policy::compile(&definition, aliases));
    match compiled {
        Ok(policy) => Loaded::Definition(Box::new((policy, describe(&document, file)))),
        Err(problems) => {
            Loaded::Unusable(UnusableDefinition { file: file.into(), message: joined(&problems) })
        }
    }
}

fn joined(problems: &[Diagnostic]) -> String {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    messages.join("; ")
}

fn describe(document: &Node, file: &str) -> PolicyDetails {
    let text = |path: &str| document.at_path(path).and_then(Node::as_str).filter(|text| !text.is_empty());
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("policy");
    let id: Arc<str> = text("id").or_else(|| text("name")).unwrap_or(stem).into();
    let display_name: Arc<str> =
        text("properties.displayName").or_else(|| text("displayName")).unwrap_or(&id).into();
    let category: Arc<str> = text("properties.metadata.category").unwrap_or_default().into();
    let severity = text("properties.metadata.severity").and_then(|word| word.parse().ok());
    PolicyDetails { id, display_name, category, severity: severity.unwrap_or(Severity::Medium) }
}
