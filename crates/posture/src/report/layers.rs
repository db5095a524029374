//! The coverage of the four layers, for the terminal and the page.

use crate::coverage::{Coverage, Covered, Layer, State, Workload};

/// Workloads that are shown; the JSON report has all of them.
pub(super) const WORKLOADS: usize = 40;
/// Controls that are told below the table.
pub(super) const TOLD: usize = 12;

/// How a workload stands in a layer: `4 of 6`, with what contradicts.
pub(super) fn cell(coverage: &Coverage, workload: usize, layer: Layer) -> String {
    let rows: Vec<&Covered> = coverage.of(workload).filter(|row| row.layer == layer).collect();
    let count = |state: State| rows.iter().filter(|row| row.decided.state == state).count();
    if rows.is_empty() {
        return "-".to_owned();
    }
    let held = count(State::Covered) + count(State::Overlap);
    let mut words = format!("{held} of {}", rows.len());
    let contradictions = count(State::Contradiction);
    if contradictions > 0 {
        words.push_str(&format!(" !{contradictions}"));
    }
    let unknown = count(State::Unknown);
    if unknown > 0 {
        words.push_str(&format!(" ?{unknown}"));
    }
    words
}

/// What is worth doing first: contradictions, then gaps of the workloads that have most of them.
pub(super) fn worst(coverage: &Coverage) -> Vec<(&Workload, &Covered)> {
    let open = |state: State| matches!(state, State::Contradiction | State::Gap);
    let gaps = |workload: usize| coverage.of(workload).filter(|row| open(row.decided.state)).count();
    let mut rows: Vec<&Covered> = coverage.rows.iter().filter(|row| open(row.decided.state)).collect();
    rows.sort_by_key(|row| (row.decided.state, std::cmp::Reverse(gaps(row.workload)), row.workload));
    rows.into_iter().filter_map(|row| Some((coverage.workloads.get(row.workload)?, row))).collect()
}

/// What the marks mean.
pub(super) const LEGEND: &str =
    "controls in place, of those that apply; !: sources that contradict one another; ?: cannot be told";
