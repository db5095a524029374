//! Takes secrets and personal data out of a text.

use std::collections::BTreeMap;

use castellan_classify::redact::{Policy, Redactor, Session};
use castellan_classify::{Engine, Overlap, Selection};

use super::{EvidenceError, SHOWN};

/// A text without what was found in it.
pub(super) struct Redacted {
    pub(super) text: String,
    /// What was taken out, by detector.
    pub(super) removed: BTreeMap<String, u64>,
    /// Bytes of the redacted text that are left out behind its beginning.
    pub(super) cut: usize,
}

/// Detectors, and what is done with what they find: it is replaced by what it is.
#[derive(Clone, Debug)]
pub(super) struct Open {
    engine: Engine,
    redactor: Redactor,
}

impl Open {
    pub(super) fn new() -> Result<Open, EvidenceError> {
        let selection = Selection { overlap: Overlap::All, ..Selection::default() };
        let engine = castellan_detectors::engine().select(&selection).map_err(EvidenceError::Redaction)?;
        let told = |problems: Vec<castellan_base::Diagnostic>| {
            let first = problems.first().map(|problem| problem.message.clone());
            EvidenceError::Redaction(first.unwrap_or_default())
        };
        let redactor = Redactor::new(&engine, &Policy::default(), None).map_err(told)?;
        Ok(Open { engine, redactor })
    }

    pub(super) fn redact(&self, text: &str) -> Result<Redacted, EvidenceError> {
        let findings = self.engine.scan(text);
        let redacted = self.redactor.redact(text, &findings, &mut Session::new("evidence"));
        let redacted = redacted.map_err(|error| EvidenceError::Redaction(error.to_string()))?;
        let mut removed = BTreeMap::new();
        for item in &redacted.items {
            *removed.entry(item.kind.to_string()).or_default() += 1;
        }
        let end = redacted.text.floor_char_boundary(SHOWN);
        let shown = redacted.text.get(..end).unwrap_or_default().to_owned();
        Ok(Redacted { cut: redacted.text.len() - shown.len(), text: shown, removed })
    }
}
