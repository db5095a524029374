//! Configurations of gitleaks (TOML), as its version 8 reads them.
//!
//! Follows the configuration that gitleaks documents and brings (`config/gitleaks.toml`). A rule becomes a [`Detector`]
//! of the category `credential` with confidence [`CONFIDENCE`], for gitleaks has none:
//!
//! | gitleaks | here |
//! |---|---|
//! | `regex` | the primary, with no boundary but its own; one whose length is not limited matches at most [`LONGEST`] bytes, which a note says |
//! | `secretGroup`, or else the first group that is not empty | the group `value` |
//! | `entropy` | a check; gitleaks wants more, a match with exactly that entropy counts here |
//! | `keywords` | evidence anywhere in the text, unless every match holds one of them anyway |
//! | `stopwords` and `regexes` of allowlists, global or not, with `regexTarget` `secret` or `match` | `not-matches` |
//! | `required` without a distance, `skipReport` | evidence anywhere in the text; no detector |
//!
//! *What has no counterpart is told:* allowlists by `paths`, by `commits`, by the `line`, and those of `condition = "AND"`
//! with more than one kind of entry are not applied, which a warning says, since more is found than by gitleaks. A rule
//! for some `path` only, and a requirement within lines or columns, would mean something else without it and are left
//! out. What `extend` names is not read. Base64 is not decoded, and `gitleaks:allow` has no meaning.
//!
//! [The parent module](crate::exchange) says what becomes of Go's expressions.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_classify::exchange::gitleaks;
//!
//! let mut sources = Sources::default();
//! let file = sources.add("gitleaks.toml", r#"
//! [[rules]]
//! id = "badge-token"
//! description = "A token of the badge office"
//! regex = '''(?i)\bbadge_([a-z0-9]{12})\b'''
//! entropy = 2.5
//! keywords = ["badge_"]
//! [[rules.allowlists]]
//! stopwords = ["example"]
//! "#);
//! let (rules, problems) = gitleaks::read(&sources, file);
//! assert!(problems.is_empty());
//! assert_eq!(&*rules.detectors[0].id, "badge-token");
//! ```
//!
//! [`Detector`]: crate::rule::Detector

mod allowlist;
mod document;
mod reader;
mod regex;

use castellan_base::{Diagnostic, SourceId, Sources};

pub(super) use document::document;

use crate::rule::Rules;

/// The confidence of every rule.
pub const CONFIDENCE: u8 = 75;
/// Longest match, in bytes, of an expression that does not limit it: the longest private keys in use are shorter.
pub const LONGEST: u32 = 8_192;

/// Reads a configuration. A rule with a fault is left out, and a diagnostic says what, where and why; the rest is read.
pub fn read(sources: &Sources, file: SourceId) -> (Rules, Vec<Diagnostic>) {
    let Some(text) = sources.text(file) else { return Default::default() };
    match document(&text, file) {
        Ok(node) => reader::read(&node),
        Err(problem) => (Rules::default(), vec![problem]),
    }
}
