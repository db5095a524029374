//! Threat intelligence as it is exchanged: STIX 2.1 objects and their patterns, plain lists, CSV and MISP's JSON.
//!
//! ```
//! use castellan_stix::pattern::Pattern;
//! use castellan_stix::{Kind, matchable, read};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bundle = r#"{"type": "bundle", "id": "bundle--1", "objects": [{
//!     "type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!     "created": "2026-11-20T10:00:00Z", "modified": "2026-11-20T10:00:00Z", "valid_from": "2026-11-20T10:00:00Z",
//!     "pattern_type": "stix", "pattern": "[domain-name:value = 'evil.example' OR ipv4-addr:value = '203.0.113.7']"
//! }]}"#;
//! let mut objects = Vec::new();
//! read::bundle(bundle.as_bytes(), &mut |object| objects.push(object))?;
//! let indicator = castellan_stix::Indicator::of(&objects[0])?;
//! let pattern = Pattern::parse(&indicator.pattern)?;
//! assert_eq!(pattern.to_string(), indicator.pattern);
//! let found = matchable(&pattern);
//! assert_eq!(found.alternatives.len(), 2);
//! assert_eq!(found.alternatives[0].parts[0].kind, Kind::Domain);
//! # Ok(())
//! # }
//! ```
//!
//! [`read`] gives objects one after the other, so that a bundle of gigabytes needs the memory of its largest object.
//! [`list`] and [`misp`] make indicators of what is no STIX, with ids that are the same each time. [`pattern`] reads the
//! whole language of patterns and writes it back; [`matchable()`] says which of it a single row of events can decide, and
//! why the rest cannot. [`Kind`] has one normal form for the values of each kind of observable.
//!
//! *Invariant (nothing is lost in silence):* an object is given as it stands, known or not, or is counted as left out with
//! the reason. *Invariant (round trip):* a pattern that is read and written back reads the same (property-tested).
//! Deliberately absent: any network, tables and clocks.

mod indicator;
pub mod list;
mod matchable;
pub mod misp;
mod object;
pub mod observable;
pub mod pattern;
pub mod read;

pub use indicator::{Indicator, KillChainPhase, Unusable};
pub use matchable::{Alternative, MAX_ALTERNATIVES, MAX_PARTS, Matchable, Reason, matchable};
pub use object::{Object, Tlp};
pub use observable::{Kind, Observable};
