//! Finds what is sensitive in text: identifiers, personal data and secrets, each with its evidence.
//!
//! ```
//! let text = "My visa card is 4111 1111 1111 1111.";
//! let engine = castellan_detectors::engine();
//! for finding in engine.scan(text) {
//!     println!("{}: {}", engine.detector(&finding).unwrap().title, &text[finding.range()]);
//! #   assert_eq!(&text[finding.range()], "4111 1111 1111 1111");
//! }
//! # assert_eq!(engine.scan(text).len(), 1);
//! ```
//!
//! * [`rule`] is the model, that of Microsoft's sensitive information types: a primary match, evidence near it, a
//!   confidence. Rules are data; the crate `castellan-detectors` brings those of the product, and
//!   `content/detectors/README.md` says how to write one.
//! * [`Engine`] runs all rules in one pass over a text, [`Scanner`] over a text that comes in chunks.
//! * [`check`] is what a match has to pass beyond its expression, [`validators`] the number formats among that.
//! * [`redact`] takes findings out of a text, for good or so that a key brings them back.
//! * [`exact`] finds the values of a table without having it, [`fingerprint`] passages of documents.
//! * [`batch`] answers JSON lines.
//!
//! Everything here is pure: no clock, no disk, no network.
//!
//! # The engine
//!
//! What is looked for is data. A [`rule::Detector`] follows the model of Microsoft's sensitive information types: patterns
//! with a confidence, each with one primary match and supporting evidence nearby. `content/detectors/README.md` describes
//! the YAML form, [`rule::read`] reads it, and [`exchange`] reads and writes the forms of others.
//!
//! An [`Engine`] is compiled from any number of detectors and looks for all of them in one walk over the text. One more
//! detector costs next to nothing where its words do not occur. [`Engine::scan`] takes a text in memory, a [`Scanner`]
//! one that comes in chunks, [`Engine::select`] narrows an engine to some detectors, and [`Engine::explain`] also tells
//! what is nearly found, and why it is not.
//!
//! *Invariant (cuts do not matter):* a text that comes in chunks gives the same findings as the whole.
//! *Invariant (right or refused):* a rule that cannot run exactly as it says is left out with a diagnostic, together with
//! the detectors that need it.
//! *Bounds:* matches, expressions, automata, evidence and what is kept between chunks are limited; time grows with the
//! text and the longest match, whatever the bytes are.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_classify::check::Checks;
//! use castellan_classify::{Dictionaries, Engine, Reason, rule};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("card.yaml", r"
//! detectors:
//!   - id: payment-card
//!     title: Payment card number
//!     category: financial
//!     elements:
//!       number: { regex: '\d{4}(?:[ -]?\d{4}){3}', checks: [luhn] }
//!       words: { keywords: [card number, visa] }
//!     patterns:
//!       - { confidence: 85, primary: number, evidence: [words] }
//!       - { confidence: 65, primary: number }
//! ");
//! let (rules, problems) = rule::read(&sources, &[file]);
//! assert!(problems.is_empty());
//! let (engine, problems) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
//! assert!(problems.is_empty());
//!
//! let text = "cardNumber: 4111 1111 1111 1111";
//! let findings = engine.scan(text);
//! assert_eq!(&text[findings[0].range()], "4111 1111 1111 1111");
//! assert_eq!(findings[0].confidence, 85);
//! assert_eq!(findings[0].evidence[0].distance, 2);
//!
//! let explanation = engine.explain(b"visa 4111 1111 1111 1112");
//! assert_eq!(explanation.misses[0].reason, Reason::Check("luhn".into()));
//! ```

pub mod batch;
pub mod check;
mod engine;
pub mod exact;
pub mod exchange;
pub mod fingerprint;
pub mod indexed;
pub mod redact;
pub mod rule;
pub mod validators;

pub use engine::{
    Combination, Dictionaries, Engine, Explanation, Finding, Miss, Offset, Outcome, Overlap, PreparedError,
    Reason, Scanner, Selection, Supporting, prepare,
};
