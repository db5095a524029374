//! How sure a finding is, and why it is one.

use std::fmt::Write;

use castellan_classify::rule::{Check, ElementId, ElementKind};
use castellan_classify::{Engine, Finding, validators};
use serde::Serialize;

/// Checks of the engine's own that verify check digits.
const CHECK_DIGITS: [&str; 5] = ["es-nif-letter", "fi-hetu", "github-token", "icao-check-digit", "ph-tin"];

/// Most pieces of evidence that are told, and most characters of each.
const EVIDENCE: usize = 8;
const SHOWN: usize = 80;

/// Why something is found: members in the order of their names.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) original_score: f64,
    pub(super) pattern: Option<String>,
    pub(super) pattern_name: Option<String>,
    pub(super) recognizer: String,
    pub(super) regex_flags: Option<u32>,
    pub(super) score: f64,
    pub(super) score_context_improvement: f64,
    pub(super) supportive_context_word: String,
    pub(super) textual_explanation: String,
    pub(super) validation_result: Option<bool>,
}

/// Explains findings of an engine in one text.
pub(super) struct Explainer<'a> {
    engine: &'a Engine,
    text: &'a str,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(engine: &'a Engine, text: &'a str) -> Explainer<'a> {
        Explainer { engine, text }
    }

    /// The confidence as a share of one; a match whose check digits fit is certain, as in Presidio.
    pub(super) fn score(&self, finding: &Finding) -> f64 {
        if self.is_validated(finding) { 1.0 } else { share(finding.confidence) }
    }

    fn is_validated(&self, finding: &Finding) -> bool {
        let element = self.engine.rules().element(finding.primary);
        element.is_some_and(|element| element.checks.iter().any(verifies_digits))
    }

    pub(super) fn explain(&self, finding: &Finding) -> Explanation {
        let element = self.engine.rules().element(finding.primary);
        let pattern = element.and_then(|element| match &element.kind {
            ElementKind::Regex { pattern } => Some(pattern.to_string()),
            _ => None,
        });
        let validated = self.is_validated(finding);
        let alone = self.confidence_alone(finding);
        Explanation {
            original_score: share(alone),
            pattern,
            pattern_name: element.map(|_| self.name(finding.primary)),
            recognizer: self.engine.detector(finding).map_or_else(String::new, |it| it.id.to_string()),
            regex_flags: None,
            score: self.score(finding),
            score_context_improvement: share(finding.confidence) - share(alone),
            supportive_context_word: self.nearest(finding).unwrap_or_default(),
            textual_explanation: self.told(finding),
            validation_result: validated.then_some(true),
        }
    }

    /// The confidence of the same match without any evidence; its own where the detector wants evidence.
    fn confidence_alone(&self, finding: &Finding) -> u8 {
        let patterns = self.engine.detector(finding).map(|it| it.patterns.as_slice()).unwrap_or_default();
        let alone = patterns.iter().filter(|it| it.primary == finding.primary && it.evidence.is_empty());
        alone.map(|it| it.confidence).max().unwrap_or(finding.confidence).min(finding.confidence)
    }

    fn nearest(&self, finding: &Finding) -> Option<String> {
        let nearest = finding.evidence.iter().min_by_key(|it| it.distance)?;
        Some(self.shown(nearest.start, nearest.end))
    }

    fn shown(&self, start: u64, end: u64) -> String {
        let place = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
        let text = self.text.get(place(start)..place(end)).unwrap_or_default();
        text.chars().take(SHOWN).collect()
    }

    /// The name of an element; those of a detector's own are told without its id.
    fn name(&self, id: ElementId) -> String {
        let name = self.engine.rules().element(id).map(|it| &*it.name).unwrap_or_default();
        name.rsplit('/').next().unwrap_or_default().to_owned()
    }

    fn told(&self, finding: &Finding) -> String {
        let mut text = format!("`{}` with confidence {}", self.name(finding.primary), finding.confidence);
        let checks = self.engine.checks(finding);
        if !checks.is_empty() {
            let _ = write!(text, "; passed {}", checks.join(", "));
        }
        for (index, piece) in finding.evidence.iter().take(EVIDENCE).enumerate() {
            let opening = if index == 0 { "; evidence: " } else { ", " };
            let shown = self.shown(piece.start, piece.end);
            let name = self.name(piece.element);
            // Writing to a string does not fail.
            let _ = write!(text, "{opening}`{shown}` ({name}) {} characters away", piece.distance);
        }
        text
    }
}

fn verifies_digits(check: &Check) -> bool {
    match check {
        Check::Modulus(_) => true,
        Check::Named(name) => {
            CHECK_DIGITS.contains(&&**name)
                || validators::find(name).is_some_and(|format| format.has_checksum)
        }
        _ => false,
    }
}

fn share(confidence: u8) -> f64 {
    f64::from(confidence) / 100.0
}
