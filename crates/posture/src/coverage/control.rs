//! Controls as data: what protects a workload in one of the layers, and by what that is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Diagnostic, Limits, Node, Sources, yaml};

use super::facts::{GateFacts, GateModel, GateRule, RuleFacts};
use super::{Facts, Layer, State, WorkloadKind};
use crate::content::reader::Reader;

/// The controls of the product.
const BUILT_IN: &str = include_str!("../../../../content/coverage.yaml");

/// A control.
#[derive(Clone, Debug)]
pub struct Control {
    /// Kebab-case id.
    pub id: Arc<str>,
    /// The layer that it is of.
    pub layer: Layer,
    /// What holds where it is there, in one line.
    pub title: Arc<str>,
    /// Which workloads it can protect.
    pub applies: Vec<WorkloadKind>,
    /// Whether one of the sources is enough; all of them are needed otherwise.
    pub any: bool,
    /// Checks that ask for it.
    pub checks: Vec<Arc<str>>,
    /// What the gate does for it.
    pub gate: Option<GateEvidence>,
    /// Kinds of relations that show it, as `runs-as`.
    pub relations: Vec<Arc<str>>,
    /// Tables that an analytics rule has to watch.
    pub watched: Vec<Arc<str>>,
    /// Tables whose rows tell of it.
    pub received: Vec<Arc<str>>,
    /// Whether two that do it get in each other's way: what was redacted once cannot be recognised again.
    pub overlaps: bool,
    /// What to do where it is missing.
    pub next: Arc<str>,
    /// What to do where two of its sources contradict one another.
    pub contradiction: Option<Arc<str>>,
    /// What to do where two do the same.
    pub overlap: Option<Arc<str>>,
    /// What it says of some workloads.
    pub examples: Vec<Example>,
}

/// What a gate does for a control.
#[derive(Clone, Debug, PartialEq)]
pub enum GateEvidence {
    /// A check of guardrail profiles, at all of these points, with an action at least this restrictive.
    Check {
        /// `attack`, `harm`, `sensitive`.
        check: Arc<str>,
        /// `user`, `document`, `output`, ...
        points: Vec<Arc<str>>,
        /// `redact`, `block`, ...
        action: Arc<str>,
    },
    /// Whoever asks shows who they are.
    Credentials,
    /// Requests, tokens or cost are limited.
    Limits,
    /// The server of tools is behind the gate.
    Servers,
}

/// A workload in words, and what has to be said of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows.
    pub name: Arc<str>,
    /// The kind of the workload.
    pub workload: WorkloadKind,
    /// What checks say of it: `compliant`, `non-compliant`, `unknown`, `exempt`.
    pub checks: BTreeMap<Arc<str>, Arc<str>>,
    /// Kinds of relations that it has.
    pub relations: Vec<Arc<str>>,
    /// What stands beside the estate.
    pub facts: Facts,
    /// What is said of it; nothing where the control has nothing to say.
    pub expect: Option<State>,
}

/// All controls, and what of them cannot be used.
#[derive(Debug, Default)]
pub struct Controls {
    /// In the order of the file.
    pub controls: Vec<Control>,
    /// What is wrong with the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Where diagnostics point.
    pub sources: Sources,
}

impl Controls {
    /// Those that are built in.
    pub fn built_in() -> Controls {
        Controls::read("coverage.yaml", BUILT_IN)
    }

    /// Reads `{controls: [..]}` in YAML. Controls with mistakes are left out and told.
    pub fn read(name: &str, text: &str) -> Controls {
        let mut read = Controls::default();
        let source = read.sources.add(name, text);
        match yaml::parse_all(text, source, &Limits::default()) {
            Ok(documents) => {
                for document in &documents {
                    let Some(mut reader) = Reader::new(document, "coverage", &mut read.diagnostics) else {
                        continue;
                    };
                    for item in reader.list("controls") {
                        read.controls.extend(control(item, reader.diagnostics()));
                    }
                    reader.finish();
                }
            }
            Err(problem) => read.diagnostics.push(problem),
        }
        read
    }
}

fn names(reader: &mut Reader<'_>, key: &'static str) -> Vec<Arc<str>> {
    reader.texts(key).into_iter().map(|(text, _)| text).collect()
}

fn control(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Control> {
    let mut reader = Reader::new(node, "a control", diagnostics)?;
    let layer = reader.word("layer", &Layer::WORDS);
    let mut applies = Vec::new();
    for item in reader.list("applies") {
        applies.extend(reader.as_word("kind of workload", item, &WorkloadKind::WORDS));
    }
    let gate = match reader.optional("gate") {
        Some(node) => gate(node, reader.diagnostics()),
        None => None,
    };
    let examples: Vec<Option<Example>> =
        reader.list("examples").iter().map(|item| example(item, reader.diagnostics())).collect();
    let control = Control {
        id: reader.text("id"),
        layer: layer?,
        title: reader.text("title"),
        applies,
        any: !reader.flag("all", false),
        checks: names(&mut reader, "checks"),
        gate,
        relations: names(&mut reader, "relations"),
        watched: names(&mut reader, "watched"),
        received: names(&mut reader, "received"),
        overlaps: reader.flag("overlaps", false),
        next: reader.text("next"),
        contradiction: reader.optional_text("contradiction"),
        overlap: reader.optional_text("overlap"),
        examples: examples.into_iter().flatten().collect(),
    };
    reader.finish().then_some(control)
}

fn gate(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<GateEvidence> {
    let mut reader = Reader::new(node, "what the gate does", diagnostics)?;
    let evidence = match reader.optional_text("fact").as_deref() {
        None => GateEvidence::Check {
            check: reader.text("check"),
            points: names(&mut reader, "points"),
            action: reader.text("action"),
        },
        Some("credentials") => GateEvidence::Credentials,
        Some("limits") => GateEvidence::Limits,
        Some("servers") => GateEvidence::Servers,
        Some(other) => {
            reader.fail(node, format!("`{other}` is no fact; known are credentials, limits, servers"));
            return None;
        }
    };
    reader.finish().then_some(evidence)
}

fn example(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Example> {
    const EXPECTED: [(&str, Option<State>); 7] = [
        ("covered", Some(State::Covered)),
        ("partial", Some(State::Partial)),
        ("gap", Some(State::Gap)),
        ("overlap", Some(State::Overlap)),
        ("contradiction", Some(State::Contradiction)),
        ("unknown", Some(State::Unknown)),
        ("nothing", None),
    ];
    let mut reader = Reader::new(node, "an example", diagnostics)?;
    let workload = reader.word("workload", &WorkloadKind::WORDS);
    let expect = reader.word("expect", &EXPECTED);
    let mut checks = BTreeMap::new();
    if let Some(said) = reader.optional("checks") {
        for member in said.as_object().into_iter().flatten() {
            checks.insert(Arc::clone(&member.key), member.value.as_str().unwrap_or_default().into());
        }
    }
    let gate = reader.optional("gate").and_then(|node| gate_facts(node, reader.diagnostics()));
    let rules = reader.optional("rules").map(|node| {
        node.as_array().unwrap_or(&[]).iter().filter_map(Node::as_str).map(rule).collect::<Vec<_>>()
    });
    let received = reader.optional("received").map(|node| {
        node.as_array().unwrap_or(&[]).iter().filter_map(Node::as_str).map(str::to_owned).collect()
    });
    let example = Example {
        name: reader.text("name"),
        workload: workload?,
        checks,
        relations: names(&mut reader, "relations"),
        facts: Facts { gate, rules, received },
        expect: expect?,
    };
    reader.finish().then_some(example)
}

/// A rule over one table, for examples.
fn rule(table: &str) -> RuleFacts {
    RuleFacts {
        id: table.to_owned(),
        name: format!("Rule of {table}"),
        tables: [table.to_owned()].into(),
        enabled: true,
    }
}

/// The gate of an example: `{fronts: true, authenticates: true, limits: true, servers: true, rules: [{..}]}`.
fn gate_facts(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<GateFacts> {
    let mut reader = Reader::new(node, "the gate of an example", diagnostics)?;
    let is_in_front = reader.flag("fronts", true);
    let mut model = GateModel { alias: "model".to_owned(), ..GateModel::default() };
    for (number, item) in reader.list("rules").iter().enumerate() {
        let Some(mut rule) = Reader::new(item, "a rule of the gate", reader.diagnostics()) else { continue };
        model.rules.push(GateRule {
            name: rule
                .optional_text("name")
                .map_or_else(|| format!("profile/{number}"), |name| name.to_string()),
            check: rule.text("check").to_string(),
            points: names(&mut rule, "points").iter().map(|point| point.to_string()).collect(),
            action: rule.text("action").to_string(),
        });
        rule.finish();
    }
    if is_in_front {
        model.fronts.insert(EXAMPLE.to_owned());
    }
    let facts = GateFacts {
        authenticates: reader.flag("authenticates", false),
        limits: reader.flag("limits", false),
        servers: if reader.flag("servers", false) { [EXAMPLE.to_owned()].into() } else { [].into() },
        models: vec![model],
    };
    reader.finish().then_some(facts)
}

/// The name and the host of the workload of an example.
pub(super) const EXAMPLE: &str = "example";
