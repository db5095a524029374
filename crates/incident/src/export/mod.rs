//! Incidents for other programs and for paper: OCSF, STIX 2.1, and a report.
//!
//! All three are made of a [`Case`](crate::Case) alone. *Invariant (the same bytes):* the same case gives the same bytes, so
//! exports can be compared and signed. *Invariant (no original):* of evidence they hold the redacted text.

pub mod ocsf;
pub mod report;
pub mod stix;
mod tactic;

use castellan_base::Ticks;

/// Milliseconds since 1970, as OCSF counts.
fn millis(ticks: Ticks) -> i64 {
    i64::try_from(ticks.unix_nanos().div_euclid(1_000_000)).unwrap_or_default()
}
