//! Playbooks: CACAO 2.0, read from JSON or from YAML that says the same one to one.
//!
//! A [`Playbook`] keeps the whole document as it was read, so that unknown properties, other people's extensions and
//! signatures survive, and beside it what a run needs, with types. Reading never fails as a whole: [`Reading`] has the
//! diagnostics with their places, and the playbook when there is no error among them.
//!
//! ```
//! use castellan_base::{Sources};
//! use castellan_respond::playbook;
//!
//! let mut sources = Sources::default();
//! let reading = playbook::read("broken.yaml", "type: playbook\nspec_version: cacao-1.0\n", &mut sources);
//! assert!(reading.playbook.is_none());
//! let first = &reading.diagnostics[0];
//! assert_eq!(sources.locate(first.span).unwrap().to_string(), "broken.yaml:2:15");
//! ```

mod check;
mod condition;
pub mod extension;
mod party;
pub(crate) mod reader;
mod step;
pub(crate) mod text;
pub(crate) mod variable;
mod write;

use std::collections::BTreeMap;

use castellan_base::{Diagnostic, Level, Limits, Node, Sources, Ticks, json, yaml};

pub(crate) use check::bare;
pub use condition::{Condition, ConditionError, Unset};
pub use extension::{ActionCall, Approval, ForEach, RequestLine, Retry, RunPolicy, StepPolicy};
pub use party::{Authentication, Party};
pub use step::{ActionStep, Command, Step, StepKind};
pub use text::{Part, Resolved, Text, is_variable_name};
pub(crate) use variable::is_uuid;
pub use variable::{Variable, VariableType, list_of, secret_reference};
pub use write::to_yaml;

use reader::{Reader, member};

/// Bounds of a playbook's file: 4 MiB, 64 deep, 100,000 values.
pub const LIMITS: Limits = Limits { bytes: 4 << 20, depth: 64, values: 100_000 };

/// The most steps of a playbook.
pub const MOST_STEPS: usize = 2_000;

/// A playbook.
#[derive(Clone, Debug)]
pub struct Playbook {
    document: serde_json::Value,
    /// Its id: `playbook--UUID`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Who made it: `identity--UUID`.
    pub created_by: String,
    /// When this version was made. Id and this time together name the version.
    pub modified: String,
    /// True when its author took it back.
    pub revoked: bool,
    /// From when it may run.
    pub valid_from: Option<Ticks>,
    /// Until when it may run.
    pub valid_until: Option<Ticks>,
    /// `mitigation`, `remediation` and so on.
    pub types: Vec<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// References outside, such as ids of ATT&CK, ATLAS and OWASP: (source, id).
    pub references: Vec<(String, String)>,
    /// Variables of the whole playbook.
    pub variables: BTreeMap<String, Variable>,
    /// The start step.
    pub start: String,
    /// The step to go to when a failure is handled nowhere else.
    pub exception: Option<String>,
    /// The steps by id.
    pub steps: BTreeMap<String, Step>,
    /// Agents and targets by id.
    pub parties: BTreeMap<String, Party>,
    /// Ways to authenticate by id.
    pub authentications: BTreeMap<String, Authentication>,
    /// What a run does as a whole.
    pub run: RunPolicy,
}

impl Playbook {
    /// The whole document.
    pub fn document(&self) -> &serde_json::Value {
        &self.document
    }

    /// A step by its id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.get(id)
    }

    /// The digest of the canonical form, signatures left out: two playbooks with the same digest say the same.
    pub fn digest(&self) -> String {
        let mut bare = self.document.clone();
        if let Some(members) = bare.as_object_mut() {
            members.remove("signatures");
        }
        blake3::hash(crate::sign::canonical(&bare).as_bytes()).to_hex().to_string()
    }
}

/// What came of reading a playbook.
#[derive(Debug)]
pub struct Reading {
    /// The playbook, when nothing is wrong with it.
    pub playbook: Option<Playbook>,
    /// What is wrong or odd.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a playbook. A text that begins with `{` is JSON, any other is YAML.
pub fn read(path: &str, text: &str, sources: &mut Sources) -> Reading {
    let source = sources.add(path, text);
    let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    let parsed =
        if is_json { json::parse(text, source, &LIMITS) } else { yaml::parse(text, source, &LIMITS) };
    match parsed {
        Ok(node) => read_node(&node),
        Err(diagnostic) => Reading { playbook: None, diagnostics: vec![diagnostic] },
    }
}

/// Reads a playbook from a document that was parsed.
pub fn read_node(node: &Node) -> Reading {
    let mut reader = Reader::default();
    let playbook = document(node, &mut reader);
    if let Some(playbook) = &playbook {
        check::check(playbook, node, &mut reader);
    }
    let is_wrong = reader.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    Reading { playbook: playbook.filter(|_| !is_wrong), diagnostics: reader.diagnostics }
}

const PROPERTIES: [&str; 34] = [
    "type",
    "spec_version",
    "id",
    "name",
    "description",
    "playbook_types",
    "playbook_activities",
    "playbook_processing_summary",
    "created_by",
    "created",
    "modified",
    "revoked",
    "valid_from",
    "valid_until",
    "derived_from",
    "related_to",
    "priority",
    "severity",
    "impact",
    "industry_sectors",
    "labels",
    "external_references",
    "markings",
    "playbook_variables",
    "workflow_start",
    "workflow_exception",
    "workflow",
    "playbook_extensions",
    "authentication_info_definitions",
    "agent_definitions",
    "target_definitions",
    "extension_definitions",
    "data_marking_definitions",
    "signatures",
];

fn document(node: &Node, reader: &mut Reader) -> Option<Playbook> {
    let object = reader.object(node, "a playbook")?;
    reader::repeated(node, reader);
    for (key, wanted) in [("type", "playbook"), ("spec_version", "cacao-2.0")] {
        let found = reader.required(object, key, node.span);
        if found.as_deref().is_some_and(|found| found != wanted) {
            let span = member(object, key).map_or(node.span, |node| node.span);
            reader.error(
                span,
                format!("`{key}` has to be `{wanted}`"),
                "other formats and versions are not read",
            );
        }
    }
    reader.known(object, "a playbook", &PROPERTIES);
    let id = identifier(object, "id", node, reader);
    let name = reader.required(object, "name", node.span);
    let created_by = identifier(object, "created_by", node, reader);
    reader.required(object, "created", node.span);
    reader.time(object, "created");
    let modified = reader.required(object, "modified", node.span);
    reader.time(object, "modified");
    let start = identifier(object, "workflow_start", node, reader);
    let steps = steps(object, node, reader);
    let mut parties = party::read_all(member(object, "agent_definitions"), "agent_definitions", reader);
    parties.append(&mut party::read_all(member(object, "target_definitions"), "target_definitions", reader));
    Some(Playbook {
        document: node.to_json(),
        id: id?,
        name: name?,
        description: reader.text(object, "description").unwrap_or_default(),
        created_by: created_by?,
        modified: modified?,
        revoked: reader.flag(object, "revoked").unwrap_or(false),
        valid_from: reader.time(object, "valid_from"),
        valid_until: reader.time(object, "valid_until"),
        types: reader.texts(object, "playbook_types"),
        labels: reader.texts(object, "labels"),
        references: references(member(object, "external_references")),
        variables: read_variables(member(object, "playbook_variables"), reader),
        start: start?,
        exception: reader.text(object, "workflow_exception"),
        steps,
        parties,
        authentications: party::read_authentications(
            member(object, "authentication_info_definitions"),
            reader,
        ),
        run: extension::read_run(member(object, "playbook_extensions"), reader),
    })
}

fn identifier(
    object: &castellan_base::Object,
    key: &str,
    node: &Node,
    reader: &mut Reader,
) -> Option<String> {
    let text = reader.required(object, key, node.span)?;
    if !is_identifier(&text) {
        let span = member(object, key).map_or(node.span, |node| node.span);
        reader.error(
            span,
            format!("`{text}` is no identifier"),
            "write TYPE--UUID, the UUID of version 1 to 5",
        );
    }
    Some(text)
}

/// CACAO 2.0 section 10.10: a type, two hyphens, a UUID of versions 1 to 5.
pub(crate) fn is_identifier(text: &str) -> bool {
    let Some((kind, id)) = text.split_once("--") else { return false };
    let is_kind = kind.len() >= 3
        && kind.starts_with(|first: char| first.is_ascii_lowercase())
        && !kind.ends_with('-')
        && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let digit = |at: usize, wanted: &str| id.get(at..=at).is_some_and(|digit| wanted.contains(digit));
    is_kind && variable::is_uuid(id) && digit(14, "12345") && digit(19, "89abAB")
}

fn steps(object: &castellan_base::Object, node: &Node, reader: &mut Reader) -> BTreeMap<String, Step> {
    let mut steps = BTreeMap::new();
    let Some(workflow) = member(object, "workflow") else {
        reader.error(node.span, "`workflow` is missing", "add the steps");
        return steps;
    };
    let Some(given) = reader.object(workflow, "`workflow`") else { return steps };
    if given.len() > MOST_STEPS {
        let message = format!("the playbook has {} steps; at most {MOST_STEPS} are read", given.len());
        reader.error(workflow.span, message, "split it, and call one from the other with a playbook-action");
        return steps;
    }
    for entry in given {
        if !is_identifier(&entry.key) {
            reader.error(entry.key_span, format!("`{}` is no identifier", entry.key), "write TYPE--UUID");
        }
        if let Some(step) = step::read(&entry.key, &entry.value, reader) {
            steps.insert(entry.key.to_string(), step);
        }
    }
    steps
}

fn references(node: Option<&Node>) -> Vec<(String, String)> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let pair = |node: &Node| Some((text(node, "source")?, text(node, "external_id")?));
    node.and_then(Node::as_array).unwrap_or_default().iter().filter_map(pair).collect()
}

pub(crate) fn read_variables(node: Option<&Node>, reader: &mut Reader) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    let Some(given) = node.and_then(|node| reader.object(node, "variables")) else { return variables };
    for entry in given {
        if !is_variable_name(&entry.key) {
            let help = "two underscores, a letter, letters and digits, two underscores";
            reader.error(entry.key_span, format!("`{}` is no name of a variable", entry.key), help);
            continue;
        }
        if let Some(variable) = read_variable(&entry.value, reader) {
            variables.insert(entry.key.to_string(), variable);
        }
    }
    variables
}

fn read_variable(node: &Node, reader: &mut Reader) -> Option<Variable> {
    let object = reader.object(node, "a variable")?;
    reader.known(object, "a variable", &["type", "description", "value", "constant", "external"]);
    let kind = VariableType::parse(&reader.required(object, "type", node.span)?);
    let given = member(object, "value").filter(|value| !value.is_null());
    let value = given.and_then(|value| reader.text_of(value, "the value of a variable"));
    if let (Some(text), Some(given)) = (&value, given)
        && !kind.accepts(text)
    {
        // The text is not repeated: it may be a secret that was written where its reference belongs.
        reader.error(given.span, "the value is not of the variable's type", format!("write {}", kind.form()));
    }
    Some(Variable {
        kind,
        value,
        constant: reader.flag(object, "constant").unwrap_or(false),
        external: reader.flag(object, "external").unwrap_or(false),
        description: reader.text(object, "description").unwrap_or_default(),
    })
}
