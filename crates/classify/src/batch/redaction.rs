//! Redaction of texts that come as lines.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::batch::{answer, detectors, text, wanted};
use crate::redact::{Item, Redactor, Session};
use crate::{Engine, Finding};

/// Most sessions that are remembered at once; the whole lot is forgotten then.
const SESSIONS: usize = 1_024;

/// Takes what is found out of texts that come as lines.
///
/// ```
/// use castellan_classify::Overlap;
/// use castellan_classify::batch::Redaction;
/// use castellan_classify::redact::{Policy, Redactor};
///
/// let engine = castellan_detectors::engine();
/// let redactor = Redactor::new(&engine, &Policy::default(), None).unwrap();
/// let mut redaction = Redaction::new(engine, redactor, "tenant");
/// let answer = redaction.line(r#"{"id": 1, "text": "visa 4111 1111 1111 1111"}"#);
/// assert!(answer.starts_with(r#"{"id":1,"text":"visa <PAYMENT_CARD>","items":[{"type":"PAYMENT_CARD""#), "{answer}");
/// ```
#[derive(Debug)]
pub struct Redaction {
    engine: Engine,
    redactor: Redactor,
    scope: String,
    sessions: HashMap<String, Session>,
}

impl Redaction {
    /// Redacts what the engine finds. Tokens and hashes are bound to the scope.
    pub fn new(engine: Engine, redactor: Redactor, scope: &str) -> Redaction {
        Redaction { engine, redactor, scope: scope.to_owned(), sessions: HashMap::new() }
    }

    /// The answer to a line `{"id", "text", "types"?: [], "session"?}`: `{"id", "text", "items"}`, with items as
    /// [`Item::json`] has them, or `{"id", "error": {"code", "message"}}`. Lines of one session number one value alike.
    pub fn line(&mut self, line: &str) -> String {
        answer(line, |request| {
            let text = text(request, "text")?;
            let findings = self.findings(text, request.get("types"))?;
            let session = match request.get("session") {
                None | Some(Json::Null) => &mut Session::new(self.scope.as_str()),
                Some(Json::String(name)) => {
                    if self.sessions.len() >= SESSIONS && !self.sessions.contains_key(name) {
                        self.sessions.clear();
                    }
                    let new = || Session::new(self.scope.as_str());
                    self.sessions.entry(name.clone()).or_insert_with(new)
                }
                Some(_) => return Err(("invalid-request", "`session` is a string".to_owned())),
            };
            let redacted = self.redactor.redact(text, &findings, session);
            let redacted = redacted.map_err(|error| ("cannot-redact", error.to_string()))?;
            let items: Vec<Json> = redacted.items.iter().map(Item::json).collect();
            Ok(Map::from_iter([
                ("text".to_owned(), Json::String(redacted.text)),
                ("items".to_owned(), Json::Array(items)),
            ]))
        })
    }

    fn findings(&self, text: &str, types: Option<&Json>) -> Result<Vec<Finding>, (&'static str, String)> {
        let mut findings = self.engine.scan(text);
        if let Some(names) = wanted(types)? {
            let ids = detectors(&self.engine, &names)?;
            let is_wanted = |finding: &Finding| {
                self.engine.detector(finding).is_some_and(|own| ids.iter().any(|id| **id == *own.id))
            };
            findings.retain(is_wanted);
        }
        Ok(findings)
    }
}
