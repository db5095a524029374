//! Policies from files, checked before they count, and replaced while they run.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use castellan_base::System;
use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};

use super::decide::{Decided, Effect};
use super::memory::Memory;
use super::{DEFAULT, SCHEMA, TRIAL};

/// The largest file, in bytes.
const LONGEST: u64 = 1 << 20;
/// The most files of a folder.
const MOST_FILES: usize = 500;
/// The most policies.
const MOST_POLICIES: usize = 5000;
/// Annotations that mean something. Others have to begin with `x_`, so that a misspelt one is no silent hole.
const ANNOTATIONS: &[&str] = &["id", "describe", "profile", "require_approval", "log", "message"];

/// A file of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the folder.
    pub file: String,
    /// The line, from 1; 0 when there is none.
    pub line: usize,
    /// The column, from 1; 0 when there is none.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}: {}", self.file, self.message),
            (line, column) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
        }
    }
}

/// Policies that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// What came of new policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// They are those that hold.
    Unchanged,
    /// They hold from now on.
    Changed,
}

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The version that holds.
    pub version: Arc<str>,
    /// How many policies it has.
    pub policies: usize,
    /// What Cedar finds suspicious in it: policies that can never apply, letters that look like others.
    pub warnings: Vec<Problem>,
    /// Why a newer version does not hold.
    pub refused: Option<Problems>,
}

/// A policy that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id, where it stands, and what it does.
    pub decided: Decided,
    /// Its text, as it was written.
    pub text: String,
}

/// Policies that were checked.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) set: PolicySet,
    pub(super) decided: HashMap<PolicyId, Decided>,
    pub(super) version: Arc<str>,
    pub(super) memory: Memory,
    warnings: Vec<Problem>,
    /// Whether a policy may depend on what is in answers.
    speaks_of_answers: bool,
}

/// Policies that hold, and can be replaced.
#[derive(Debug)]
pub struct Policies {
    validator: Validator,
    compiled: RwLock<Arc<Compiled>>,
    /// What [`Compiled::speaks_of_answers`] says, for those who ask often.
    speaks_of_answers: AtomicBool,
    refused: Mutex<Option<Problems>>,
}

impl Policies {
    /// The policies that hold where no folder is configured.
    pub fn built_in() -> Result<Policies, Problems> {
        Policies::new(&[Source { name: "default.cedar".to_owned(), text: DEFAULT.to_owned() }])
    }

    /// The same, and clients without a credential may use what the gate serves.
    pub fn for_trials() -> Result<Policies, Problems> {
        let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
        Policies::new(&[source("default.cedar", DEFAULT), source("trial.cedar", TRIAL)])
    }

    /// Policies of texts.
    pub fn new(sources: &[Source]) -> Result<Policies, Problems> {
        let schema = Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema);
        let schema = schema.map_err(|error| one("schema.cedarschema", error.to_string()))?;
        let validator = Validator::new(schema);
        let compiled = compile(&validator, sources)?;
        Ok(Policies {
            validator,
            speaks_of_answers: AtomicBool::new(compiled.speaks_of_answers),
            compiled: RwLock::new(Arc::new(compiled)),
            refused: Mutex::new(None),
        })
    }

    /// Policies of all files `*.cedar` in a folder. An empty folder is an error: all would be denied, and nobody would
    /// know why.
    pub fn open(system: &dyn System, folder: &Path) -> Result<Policies, Problems> {
        Policies::new(&read(system, folder)?)
    }

    /// Puts new policies in the place of the old ones when they are good, and keeps the old ones when not.
    pub fn reload(&self, sources: &[Source]) -> Result<Reload, Problems> {
        self.note(compile(&self.validator, sources))
    }

    /// Reads the folder again; see [`Policies::reload`].
    pub fn reload_folder(&self, system: &dyn System, folder: &Path) -> Result<Reload, Problems> {
        let sources = match read(system, folder) {
            Ok(sources) => sources,
            Err(problems) => return self.note(Err(problems)),
        };
        if version(&sources) == *self.compiled().version {
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            return Ok(Reload::Unchanged);
        }
        self.reload(&sources)
    }

    fn note(&self, compiled: Result<Compiled, Problems>) -> Result<Reload, Problems> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match compiled {
            Ok(compiled) => {
                *refused = None;
                let mut held = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
                let is_same = held.version == compiled.version;
                self.speaks_of_answers.store(compiled.speaks_of_answers, Ordering::Release);
                *held = Arc::new(compiled);
                Ok(if is_same { Reload::Unchanged } else { Reload::Changed })
            }
            Err(problems) => {
                *refused = Some(problems.clone());
                Err(problems)
            }
        }
    }

    /// How things stand.
    pub fn status(&self) -> Status {
        let compiled = self.compiled();
        Status {
            version: Arc::clone(&compiled.version),
            policies: compiled.decided.len(),
            warnings: compiled.warnings.clone(),
            refused: self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Whether a policy may depend on what is in answers (`answerLabels`): where none does, nobody need ask.
    pub fn speak_of_answers(&self) -> bool {
        self.speaks_of_answers.load(Ordering::Acquire)
    }

    /// The policies that hold, in the order in which they stand.
    pub fn list(&self) -> Vec<Listed> {
        let compiled = self.compiled();
        let text = |id: &PolicyId| compiled.set.policy(id).map(ToString::to_string).unwrap_or_default();
        let mut listed: Vec<Listed> = compiled
            .decided
            .iter()
            .map(|(id, decided)| Listed { decided: decided.clone(), text: text(id) })
            .collect();
        listed.sort_by(|one, other| {
            (&one.decided.file, one.decided.line).cmp(&(&other.decided.file, other.decided.line))
        });
        listed
    }

    pub(super) fn compiled(&self) -> Arc<Compiled> {
        Arc::clone(&self.compiled.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn one(file: &str, message: String) -> Problems {
    Problems(vec![Problem { file: file.to_owned(), line: 0, column: 0, message }])
}

fn read(system: &dyn System, folder: &Path) -> Result<Vec<Source>, Problems> {
    let shown = folder.display().to_string();
    let entries =
        system.read_dir(folder).map_err(|error| one(&shown, format!("cannot be listed: {error}")))?;
    let is_policy = |path: &Path| path.extension().is_some_and(|extension| extension == "cedar");
    let files: Vec<_> = entries.into_iter().filter(|entry| !entry.is_dir && is_policy(&entry.path)).collect();
    if files.is_empty() {
        return Err(one(
            &shown,
            "there is no file `*.cedar` in it; put one there or configure no folder".to_owned(),
        ));
    }
    if files.len() > MOST_FILES {
        return Err(one(&shown, format!("there are more than {MOST_FILES} files in it")));
    }
    let mut sources = Vec::new();
    for entry in files {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = system
            .read(&entry.path, LONGEST)
            .map_err(|error| one(&name, format!("cannot be read: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| one(&name, "is not UTF-8".to_owned()))?;
        sources.push(Source { name, text });
    }
    Ok(sources)
}

/// The version: a digest of the schema and of all files.
fn version(sources: &[Source]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in
        sources.iter().flat_map(|source| [&source.name, &source.text]).map(String::as_str).chain([SCHEMA])
    {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn compile(validator: &Validator, sources: &[Source]) -> Result<Compiled, Problems> {
    let mut compiled = Compiled {
        set: PolicySet::new(),
        decided: HashMap::new(),
        version: version(sources).into(),
        memory: Memory::default(),
        warnings: Vec::new(),
        speaks_of_answers: sources.iter().any(|source| source.text.contains("answerLabels")),
    };
    let mut problems = Vec::new();
    for source in sources {
        compiled.take(source, validator, &mut problems);
    }
    if problems.is_empty() { Ok(compiled) } else { Err(Problems(problems)) }
}

impl Compiled {
    fn take(&mut self, source: &Source, validator: &Validator, problems: &mut Vec<Problem>) {
        if u64::try_from(source.text.len()).unwrap_or(u64::MAX) > LONGEST {
            problems.push(source.problem(None, format!("it has more than {LONGEST} bytes")));
            return;
        }
        let parsed: PolicySet = match source.text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                problems.extend(errors.iter().map(|error| source.detailed(&DetailedError::from(error))));
                return;
            }
        };
        for template in parsed.templates() {
            let message = format!(
                "`{}` is a template; write a policy without `?principal` and `?resource`",
                template.id()
            );
            problems.push(source.problem(None, message));
        }
        let checked = validator.validate(&parsed, ValidationMode::Strict);
        problems
            .extend(checked.validation_errors().map(|error| source.detailed(&DetailedError::from(error))));
        self.warnings.extend(
            checked.validation_warnings().map(|warning| source.detailed(&DetailedError::from(warning))),
        );
        let mut policies: Vec<(usize, &Policy)> =
            parsed.policies().map(|policy| (source.place(policy), policy)).collect();
        policies.sort_by_key(|(offset, _)| *offset);
        for (at, (offset, policy)) in policies.into_iter().enumerate() {
            if let Err(message) = self.add(source, at, offset, policy) {
                problems.push(source.problem(Some(offset), message));
            }
        }
    }

    fn add(&mut self, source: &Source, at: usize, offset: usize, policy: &Policy) -> Result<(), String> {
        if self.decided.len() >= MOST_POLICIES {
            return Err(format!("there are more than {MOST_POLICIES} policies"));
        }
        let annotations: BTreeMap<String, String> = policy
            .annotations()
            .filter(|(name, _)| *name != "id")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (name, value) in &annotations {
            check_annotation(name, value)?;
        }
        let id = match policy.annotation("id") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => format!("{}#{}", source.name, at + 1),
        };
        let (line, _) = source.line_and_column(offset);
        let effect = match policy.effect() {
            cedar_policy::Effect::Permit => Effect::Permit,
            cedar_policy::Effect::Forbid => Effect::Forbid,
        };
        let key = PolicyId::new(&id);
        if let Some(known) = self.decided.get(&key) {
            return Err(format!(
                "there is a policy `{id}` in {}:{} already; give each its own `@id`",
                known.file, known.line
            ));
        }
        self.memory.reads.add(policy);
        self.set.add(policy.new_id(key.clone())).map_err(|error| error.to_string())?;
        let (id, file) = (id.into(), source.name.as_str().into());
        self.decided.insert(key, Decided { id, file, line, effect, annotations: Arc::new(annotations) });
        Ok(())
    }
}

fn check_annotation(name: &str, value: &str) -> Result<(), String> {
    if !ANNOTATIONS.contains(&name) && !name.starts_with("x_") {
        let known = ANNOTATIONS.join(", ");
        return Err(format!("`@{name}` is not known ({known}); one of your own has to begin with `x_`"));
    }
    match name {
        "require_approval" if !["true", "false"].contains(&value) => {
            Err(format!("`@require_approval` is \"true\" or \"false\", not \"{value}\""))
        }
        "profile" | "log" if value.split(',').any(|part| part.trim().is_empty()) => {
            Err(format!("`@{name}` names nothing"))
        }
        _ => Ok(()),
    }
}

impl Source {
    /// Where a policy begins: its text is a slice of the file's.
    fn place(&self, policy: &Policy) -> usize {
        policy.to_cedar().and_then(|text| self.text.find(&text)).unwrap_or(0)
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }

    fn problem(&self, offset: Option<usize>, message: String) -> Problem {
        let (line, column) = offset.map_or((0, 0), |offset| self.line_and_column(offset));
        Problem { file: self.name.clone(), line, column, message }
    }

    fn detailed(&self, error: &DetailedError) -> Problem {
        let label = error.source_locations.first();
        let mut message = error.message.clone();
        if let Some(text) = label.and_then(|label| label.label.as_ref()) {
            message = format!("{message}: {text}");
        }
        if let Some(help) = &error.help {
            message = format!("{message}; {help}");
        }
        self.problem(label.map(|label| label.loc.start), message)
    }
}
