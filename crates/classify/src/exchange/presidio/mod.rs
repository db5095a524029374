//! Recognisers of Presidio: the YAML of its registry, and the JSON of recognisers that come with a request.
//!
//! Follows what Presidio documents as recogniser configuration and as `ad_hoc_recognizers` of `POST /analyze`. A custom
//! recogniser becomes a [`Detector`] that knows its entity as [`Detector::presidio`]:
//!
//! | Presidio | here |
//! |---|---|
//! | `patterns` with `regex` and `score` | a primary each, with no boundary but its own; a score of 0.5 is confidence 50 |
//! | `global_regex_flags`, 26 by default | the flags `i`, `m` and `s` before the expression |
//! | `deny_list` with `deny_list_score`, 1.0 by default | keywords |
//! | `context`, of all languages together | evidence within [`CONTEXT`] characters either side, also inside of words |
//! | a context word raises the score by 0.35, to 0.4 at least | a second pattern with that confidence |
//! | `type: predefined` | the detectors among `known` that name the same entity |
//! | `enabled: false` | nothing |
//!
//! *What differs:* Presidio looks for context in the five words before a match and compares lemmas. A text has no language
//! here, so a recogniser for any language runs on every text. In a `deny_list` a blank also stands for a line break or a
//! hyphen, and `_` ends a word. Our detector for an entity has its own expressions, checks and words; what a
//! predefined recogniser is given besides is not read. An expression whose length is not limited matches at most
//! [`LONGEST`] bytes, which a note says. [The parent module](crate::exchange) says what becomes of Python's expressions.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_classify::{exchange::presidio, rule::Rules};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("recognizers.yaml", r#"
//! recognizers:
//!   - name: Badge recognizer
//!     supported_entity: BADGE
//!     supported_languages: [{ language: en, context: [badge, staff] }]
//!     patterns: [{ name: badge, regex: '\bB-\d{6}\b', score: 0.3 }]
//! "#);
//! let (rules, problems) = presidio::read(&sources, file, &Rules::default());
//! assert!(problems.is_empty());
//! let confidences: Vec<u8> = rules.detectors[0].patterns.iter().map(|it| it.confidence).collect();
//! assert_eq!(confidences, [65, 30]);
//! ```
//!
//! [`Detector`]: crate::rule::Detector
//! [`Detector::presidio`]: crate::rule::Detector::presidio

mod custom;
mod predefined;
mod reader;

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, json, yaml};

use crate::rule::Rules;

/// How far context may stand from a match, in Unicode characters either side: some five words.
pub const CONTEXT: u32 = 50;
/// Longest match, in bytes, of an expression that does not limit it.
pub const LONGEST: u32 = 2_048;

/// Bounds for one file.
const LIMITS: Limits = Limits { bytes: 16 << 20, depth: 32, values: 500_000 };

/// Reads a registry of recognisers in YAML. `known` are rules whose detectors stand for Presidio's own recognisers.
///
/// A recogniser with a fault is left out, and a diagnostic says what, where and why; the rest is read.
pub fn read(sources: &Sources, file: SourceId, known: &Rules) -> (Rules, Vec<Diagnostic>) {
    let Some(text) = sources.text(file) else { return Default::default() };
    finish(yaml::parse(&text, file, &LIMITS), known)
}

/// Reads recognisers in JSON: a request with `ad_hoc_recognizers`, a registry, a list, or one recogniser.
pub fn read_json(sources: &Sources, file: SourceId, known: &Rules) -> (Rules, Vec<Diagnostic>) {
    let Some(text) = sources.text(file) else { return Default::default() };
    finish(json::parse(&text, file, &LIMITS), known)
}

fn finish(document: Result<Node, Diagnostic>, known: &Rules) -> (Rules, Vec<Diagnostic>) {
    match document {
        Ok(node) => reader::read(&node, known),
        Err(problem) => (Rules::default(), vec![problem]),
    }
}

/// Whether a document is of this kind, by its members.
pub(super) fn is_registry(document: &Node) -> bool {
    match document.as_object() {
        Some(object) => reader::LISTS.iter().any(|key| object.get(key).is_some()) || is_recogniser(document),
        None => document.as_array().is_some_and(|items| items.first().is_some_and(is_recogniser)),
    }
}

fn is_recogniser(node: &Node) -> bool {
    let has = |key: &str| node.as_object().is_some_and(|object| object.get(key).is_some());
    has("supported_entity") && (has("patterns") || has("deny_list"))
}
