//! One JSON line in, one JSON line out.

use std::collections::HashMap;

mod redaction;

use serde_json::{Map, Value as Json, json};

use crate::{Engine, Explanation, Finding, Offset, Reason, Selection, Supporting, validators};

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
    selected: HashMap<Vec<String>, Engine>,
}

impl Filter {
    /// Scans with an engine.
    pub fn new(engine: Engine, unit: Unit) -> Filter {
        Filter { engine, unit, explains: false, selected: HashMap::new() }
    }

    /// Also tells the evidence and the checks of findings, and what is nearly one: `{"misses": [{"type", "start", "end",
    /// "reason"}]}` beside the findings, with places in bytes.
    #[must_use]
    pub fn explaining(mut self) -> Filter {
        self.explains = true;
        self
    }

    /// The answer to a line `{"id", "text", "types"?: []}`: `{"id", "findings": [{"type", "start", "end", "confidence",
    /// "validated"}]}` by place, or `{"id", "error": {"code", "message"}}`. `types` are ids of detectors, their GUIDs or
    /// the names that Presidio has for them; all count where there are none. `validated` says that a check beyond the
    /// expression has passed.
    pub fn line(&mut self, line: &str) -> String {
        answer(line, |request| {
            let text = text(request, "text")?;
            let engine = self.select(request.get("types"))?;
            if self.explains {
                let told = explained(&engine, &engine.explain(text.as_bytes()), self.unit);
                return Ok(told);
            }
            let findings = engine.scan(text);
            let findings = findings.iter().map(|finding| shown(&engine, finding, self.unit));
            Ok(Map::from_iter([("findings".to_owned(), Json::Array(findings.collect()))]))
        })
    }

    fn select(&mut self, types: Option<&Json>) -> Result<Engine, Refusal> {
        let Some(wanted) = wanted(types)? else { return Ok(self.engine.clone()) };
        if let Some(engine) = self.selected.get(&wanted) {
            return Ok(engine.clone());
        }
        let detectors = detectors(&self.engine, &wanted)?;
        let selection = Selection { detectors, ..self.engine.selection().clone() };
        let engine = self.engine.select(&selection).map_err(|message| ("unknown-type", message))?;
        if self.selected.len() >= SELECTIONS {
            self.selected.clear();
        }
        self.selected.insert(wanted, engine.clone());
        Ok(engine)
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

/// Findings with their evidence and checks, and what is nearly one.
pub fn explained(engine: &Engine, explanation: &Explanation, unit: Unit) -> Map<String, Json> {
    let name = |id| engine.rules().element(id).map(|element| &*element.name);
    let evidence = |it: &Supporting| json!({ "name": name(it.element), "distance": it.distance, "start_byte": it.start, "end_byte": it.end });
    let findings = explanation.outcome.findings.iter().map(|finding| {
        let mut told = shown(engine, finding, unit);
        if let Some(members) = told.as_object_mut() {
            let found: Vec<Json> = finding.evidence.iter().map(evidence).collect();
            members.insert("evidence".to_owned(), Json::Array(found));
            members.insert("checks".to_owned(), json!(engine.checks(finding)));
        }
        told
    });
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
        ("findings".to_owned(), Json::Array(findings.collect())),
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
