//! One JSON line in, one JSON line out.

use std::collections::HashMap;

mod indexed;
mod redaction;

use serde_json::{Map, Value as Json, json};

use crate::indexed::Indexes;
use crate::{Combination, Engine, Explanation, Finding, Offset, Reason, Selection, Supporting, validators};

pub use redaction::Redaction;

/// In what the places of findings are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points, as in Python.
    #[default]
    CodePoint,
    /// Bytes of UTF-8.
    Byte,
    /// UTF-16 units, as in JavaScript, Java and C#.
    Utf16,
}

impl Unit {
    /// A place in this unit.
    pub fn of(self, offset: Offset) -> u64 {
        match self {
            Unit::CodePoint => offset.character,
            Unit::Byte => offset.byte,
            Unit::Utf16 => offset.utf16,
        }
    }

    /// How long a text is in this unit.
    pub fn count(self, text: &str) -> u64 {
        let count = match self {
            Unit::CodePoint => text.chars().count(),
            Unit::Byte => text.len(),
            Unit::Utf16 => text.encode_utf16().count(),
        };
        count as u64
    }
}

/// So many selections of types are kept ready.
const SELECTIONS: usize = 64;

/// Scans texts that come as lines.
///
/// ```
/// use castellan_classify::Engine;
/// use castellan_classify::batch::{Filter, Unit};
///
/// let mut filter = Filter::new(castellan_detectors::engine(), Unit::CodePoint);
/// let line = r#"{"id": 1, "text": "pay with 4111 1111 1111 1111, a visa card", "types": ["payment-card"]}"#;
/// let answer = filter.line(line);
/// let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
/// assert_eq!(answer["findings"][0]["start"], 9);
/// assert_eq!(answer["findings"][0]["validated"], true);
/// ```
#[derive(Debug)]
pub struct Filter {
    engine: Engine,
    unit: Unit,
    explains: bool,
    indexes: Option<Indexes>,
    selected: HashMap<Vec<String>, Engine>,
}

impl Filter {
    /// Scans with an engine.
    pub fn new(engine: Engine, unit: Unit) -> Filter {
        Filter { engine, unit, explains: false, indexes: None, selected: HashMap::new() }
    }

    /// Also tells the evidence and the checks of findings, and what is nearly one: `{"misses": [{"type", "start", "end",
    /// "reason"}]}` beside the findings, with places in bytes.
    #[must_use]
    pub fn explaining(mut self) -> Filter {
        self.explains = true;
        self
    }

    /// Also finds values of tables and parts of documents: types like those of detectors.
    #[must_use]
    pub fn with(mut self, indexes: Indexes) -> Filter {
        self.indexes = Some(indexes);
        self
    }

    /// The answer to a line `{"id", "text", "types"?: []}`: `{"id", "findings": [{"type", "start", "end", "confidence",
    /// "validated"}]}` - those of detectors by place, then combinations, then those of indexes - or `{"id", "error":
    /// {"code", "message"}}`. `types` are ids of detectors, their GUIDs, the names that Presidio has for them, or types of
    /// indexes; all count where there are none. `validated` says that a check beyond the expression has passed. An answer
    /// that lacks findings, since there were too many to keep, says `"incomplete": true`.
    pub fn line(&mut self, line: &str) -> String {
        answer(line, |request| {
            let text = text(request, "text")?;
            let wanted = wanted(request.get("types"))?;
            let (mut told, mut complete) = match self.select(wanted.as_deref())? {
                Some(engine) => self.detected(&engine, text),
                None => (Map::from_iter([("findings".to_owned(), json!([]))]), true),
            };
            let how = (self.unit, self.engine.selection().min_confidence, self.explains);
            let (hits, searched) = indexed::found(self.indexes.as_ref(), text, wanted.as_deref(), how);
            complete &= searched;
            if let Some(findings) = told.get_mut("findings").and_then(Json::as_array_mut) {
                findings.extend(hits);
            }
            if !complete {
                told.insert("incomplete".to_owned(), Json::Bool(true));
            }
            Ok(told)
        })
    }

    /// What the detectors find, and whether that is all.
    fn detected(&self, engine: &Engine, text: &str) -> (Map<String, Json>, bool) {
        if self.explains {
            let explanation = engine.explain(text.as_bytes());
            return (explained(engine, &explanation, self.unit), !explanation.outcome.incomplete);
        }
        let outcome = engine.scan_bytes(text.as_bytes());
        let findings = outcome.findings.iter().map(|finding| shown(engine, finding, self.unit));
        let held = outcome.combinations.iter().map(|held| shown_combination(engine, held, self.unit));
        let all = Json::Array(findings.chain(held).collect());
        (Map::from_iter([("findings".to_owned(), all)]), !outcome.incomplete)
    }

    /// The engine for these types; nothing where all of them are types of indexes.
    fn select(&mut self, wanted: Option<&[String]>) -> Result<Option<Engine>, Refusal> {
        let Some(wanted) = wanted else { return Ok(Some(self.engine.clone())) };
        if let Some(engine) = self.selected.get(wanted) {
            return Ok(Some(engine.clone()));
        }
        let known = self.indexes.as_ref().map(Indexes::types).unwrap_or_default();
        let is_ours = |name: &&String| !known.iter().any(|id| **id == ***name);
        let names: Vec<String> = wanted.iter().filter(is_ours).cloned().collect();
        if names.is_empty() {
            return Ok(None);
        }
        let detectors = detectors(&self.engine, &names)?;
        let selection = Selection { detectors, ..self.engine.selection().clone() };
        let engine = self.engine.select(&selection).map_err(|message| ("unknown-type", message))?;
        if self.selected.len() >= SELECTIONS {
            self.selected.clear();
        }
        self.selected.insert(wanted.to_vec(), engine.clone());
        Ok(Some(engine))
    }
}

/// What `types` of a line names; nothing where all types are asked for.
fn wanted(types: Option<&Json>) -> Result<Option<Vec<String>>, Refusal> {
    let names: Option<Vec<String>> = match types {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(names)) if names.is_empty() => return Ok(None),
        Some(Json::Array(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    names.map(Some).ok_or_else(|| ("invalid-request", "`types` is an array of strings".to_owned()))
}

/// The ids of detectors by any of their names - id, GUID, Presidio's, which may mean several - and ids of affinities.
///
/// # Errors
/// A word for programs and a message, when a name is nobody's.
pub fn detectors(engine: &Engine, names: &[String]) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    for name in names {
        let all = &engine.rules().detectors;
        let same = |own: &Option<std::sync::Arc<str>>| own.as_deref() == Some(name);
        let before = found.len();
        let named = all.iter().filter(|own| *own.id == **name || same(&own.guid) || same(&own.presidio));
        found.extend(named.map(|own| own.id.to_string()));
        let affinities = engine.rules().affinities.iter().filter(|own| *own.id == **name);
        found.extend(affinities.map(|own| own.id.to_string()));
        if found.len() == before {
            let near = format!("there is no type `{name}`; `castellan classify --list` names all");
            return Err(("unknown-type", near));
        }
    }
    Ok(found)
}

/// A finding as it is told.
pub fn shown(engine: &Engine, finding: &Finding, unit: Unit) -> Json {
    json!({
        "type": engine.detector(finding).map(|detector| &*detector.id),
        "start": unit.of(finding.start),
        "end": unit.of(finding.end),
        "confidence": finding.confidence,
        "validated": !engine.checks(finding).is_empty(),
    })
}

/// A combination as a finding is told: from its first piece of evidence to its last.
pub fn shown_combination(engine: &Engine, held: &Combination, unit: Unit) -> Json {
    json!({
        "type": engine.rules().affinities.get(held.affinity).map(|affinity| &*affinity.id),
        "start": unit.of(held.start),
        "end": unit.of(held.end),
        "confidence": held.confidence,
        "validated": false,
    })
}

/// Findings and combinations with their evidence and checks, and what is nearly a finding.
pub fn explained(engine: &Engine, explanation: &Explanation, unit: Unit) -> Map<String, Json> {
    let name = |id| engine.rules().element(id).map(|element| &*element.name);
    let evidence = |it: &Supporting| json!({ "name": name(it.element), "distance": it.distance, "start_byte": it.start, "end_byte": it.end });
    let with = |mut told: Json, supporting: &[Supporting], checks: Vec<&str>| {
        if let Some(members) = told.as_object_mut() {
            let found: Vec<Json> = supporting.iter().map(evidence).collect();
            members.insert("evidence".to_owned(), Json::Array(found));
            members.insert("checks".to_owned(), json!(checks));
        }
        told
    };
    let findings = (explanation.outcome.findings.iter())
        .map(|finding| with(shown(engine, finding, unit), &finding.evidence, engine.checks(finding)));
    let held = (explanation.outcome.combinations.iter())
        .map(|held| with(shown_combination(engine, held, unit), &held.evidence, Vec::new()));
    let misses = explanation.misses.iter().map(|miss| {
        let reason = match &miss.reason {
            Reason::Check(check) => json!({ "check": &**check }),
            Reason::Evidence { lacking, .. } => {
                json!({ "lacking": lacking.iter().filter_map(|id| name(*id)).collect::<Vec<&str>>() })
            }
            Reason::Overlapped => json!("overlapped"),
        };
        let id = engine.rules().detectors.get(miss.detector).map(|detector| &*detector.id);
        json!({ "type": id, "start_byte": miss.start, "end_byte": miss.end, "reason": reason })
    });
    Map::from_iter([
        ("findings".to_owned(), Json::Array(findings.chain(held).collect())),
        ("misses".to_owned(), Json::Array(misses.collect())),
    ])
}

/// The answer to a line `{"id", "format", "text"}`: `{"id", "valid"}`, or an error. Formats have the names of
/// python-stdnum: see [`validators`].
///
/// ```
/// use castellan_classify::batch::validate;
///
/// assert_eq!(validate(r#"{"id": 7, "format": "us.ssn", "text": "666-00-0000"}"#), r#"{"id":7,"valid":false}"#);
/// ```
pub fn validate(line: &str) -> String {
    answer(line, |request| {
        let (format, text) = (text(request, "format")?, text(request, "text")?);
        let validity =
            validators::validate(format, text).map_err(|error| ("unknown-format", error.to_string()))?;
        Ok(Map::from_iter([("valid".to_owned(), Json::Bool(validity.is_ok()))]))
    })
}

/// A word for programs, and a message.
type Refusal = (&'static str, String);

fn text<'r>(request: &'r Json, name: &str) -> Result<&'r str, Refusal> {
    let wrong = || ("invalid-request", format!("the line has no text `{name}`"));
    request.get(name).and_then(Json::as_str).ok_or_else(wrong)
}

fn answer(line: &str, work: impl FnOnce(&Json) -> Result<Map<String, Json>, Refusal>) -> String {
    let (id, result) = match serde_json::from_str::<Json>(line) {
        Ok(request) => (request.get("id").cloned().unwrap_or(Json::Null), work(&request)),
        Err(error) => (Json::Null, Err(("invalid-json", error.to_string()))),
    };
    let told = result.unwrap_or_else(|(code, message)| {
        Map::from_iter([("error".to_owned(), json!({ "code": code, "message": message }))])
    });
    Json::Object(Map::from_iter([("id".to_owned(), id)].into_iter().chain(told))).to_string()
}
