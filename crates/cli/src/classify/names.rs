//! Names of files, and of files within files, as texts.

use std::sync::Arc;

use castellan_extract::{Location, Place};

use super::file::{Found, Report, Scan};
use super::indexed;
use super::pieces::Told;
use crate::walk::is_stdin;

/// Looks through names one after the other. What stands in folders that a name shares with the one before is told once.
#[derive(Debug, Default)]
pub(super) struct Names {
    previous: String,
}

impl Names {
    /// What stands in a name that the one before did not tell. `entries` lead to it, itself included.
    pub(super) fn found(&mut self, name: &str, entries: &[Arc<str>], scan: &Scan<'_>) -> Vec<Found> {
        let told = shared_folders(&self.previous, name) as u64;
        self.previous = name.to_owned();
        let location = Location { entries: entries.to_vec(), place: Place::Name };
        let outcome = scan.engine.scan_bytes(name.as_bytes());
        let findings = outcome.findings.iter().filter_map(|it| Told::finding(scan.engine, it));
        let combinations = outcome.combinations.iter().filter_map(|it| Told::combination(scan.engine, it));
        let fresh = findings.chain(combinations).filter(|it| it.end.byte > told);
        let mut found: Vec<Found> =
            fresh.map(|it| it.found(scan.engine, (scan.unit, 0), &location)).collect();
        let hits = scan.indexes.map(|indexes| indexed::in_name(indexes, name, &location, scan.unit));
        let least = scan.engine.selection().min_confidence;
        let fresh = hits.into_iter().flatten().filter(|(end, it)| *end > told && it.confidence >= least);
        found.extend(fresh.map(|(_, it)| it));
        found
    }
}

/// Adds to the reports what stands in the paths of their files.
pub(super) fn add(reports: &mut [Report], scan: &Scan<'_>) {
    let mut names = Names::default();
    for report in reports.iter_mut().filter(|report| !is_stdin(&report.path)) {
        let mut found = names.found(&report.path, &[], scan);
        found.append(&mut report.findings);
        report.findings = found;
    }
}

/// Bytes of the folders that two names begin with.
fn shared_folders(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    other.as_bytes().get(..same).and_then(|same| same.iter().rposition(is_separator)).map_or(0, |at| at + 1)
}
