//! What a run has seen, and what not.

use std::collections::BTreeMap;

use castellan_base::System;
use castellan_classify::Engine;
use serde_json::{Value as Json, json};

use super::file::Report;
use super::sample::Sample;
use crate::walk::Walk;

/// What was covered. Who reads "nothing found" has to know in what.
#[derive(Debug, Default)]
pub(super) struct Certificate {
    pub(super) files: usize,
    /// Files of which something was read.
    pub(super) files_read: usize,
    /// Files that were read wholly.
    pub(super) files_complete: usize,
    pub(super) files_reused: usize,
    pub(super) bytes: u64,
    pub(super) text_bytes: u64,
    pub(super) rows: u64,
    pub(super) findings: usize,
    pub(super) detectors: usize,
    sample: Option<Sample>,
    rules: String,
    time: String,
    /// How often something was not read, by the reason.
    pub(super) reasons: BTreeMap<String, usize>,
    /// Each of these: file, place, reason.
    pub(super) skipped: Vec<(String, String, String)>,
}

impl Certificate {
    pub(super) fn of(
        reports: &[Report],
        walk: &Walk,
        engine: &Engine,
        rules: &str,
        system: &dyn System,
    ) -> Certificate {
        let mut skipped: Vec<(String, String, String)> = Vec::new();
        for (path, reason) in &walk.left_out {
            skipped.push((path.clone(), "file".to_owned(), reason.clone()));
        }
        for report in reports {
            for (place, reason) in &report.skipped {
                skipped.push((report.path.clone(), place.clone(), reason.clone()));
            }
        }
        let mut reasons = BTreeMap::new();
        for (_, _, reason) in &skipped {
            *reasons.entry(reason.clone()).or_default() += 1;
        }
        let count = |holds: &dyn Fn(&Report) -> bool| reports.iter().filter(|report| holds(report)).count();
        Certificate {
            files: reports.len() + walk.left_out.len(),
            files_read: count(&|report| !report.hash.is_empty()),
            files_complete: count(&|report| report.is_complete),
            files_reused: count(&|report| report.is_reused),
            bytes: reports.iter().map(|report| report.bytes).sum(),
            text_bytes: reports.iter().map(|report| report.text_bytes).sum(),
            rows: reports.iter().map(|report| report.rows).sum(),
            findings: reports.iter().map(|report| report.findings.len()).sum(),
            detectors: engine.rules().detectors.len(),
            sample: None,
            rules: rules.to_owned(),
            time: system.now().to_string(),
            reasons,
            skipped,
        }
    }

    /// Only a part of so many files was read.
    pub(super) fn sampled(&mut self, of: usize, reports: &[Report]) {
        let holds = |report: &&Report| !report.findings.is_empty() || !report.is_complete;
        self.sample = Some(Sample {
            of: of as u64,
            drawn: reports.len() as u64,
            with_findings: reports.iter().filter(holds).count() as u64,
        });
    }

    pub(super) fn json(&self) -> Json {
        let skipped = |(path, place, reason): &(String, String, String)| json!({ "path": path, "location": place, "reason": reason });
        json!({
            "time": self.time, "detectors": self.detectors, "rules": self.rules,
            "files": self.files, "files_read": self.files_read, "files_complete": self.files_complete,
            "files_reused": self.files_reused, "bytes": self.bytes, "text_bytes": self.text_bytes,
            "rows": self.rows, "findings": self.findings, "reasons": self.reasons,
            "sample": self.sample.map(Sample::json),
            "skipped": self.skipped.iter().map(skipped).collect::<Vec<Json>>(),
        })
    }

    /// The same for people.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} findings by {} detectors. Seen: {} of {} files wholly, {} bytes, {} bytes of text, {} rows",
            self.findings,
            self.detectors,
            self.files_complete,
            self.files,
            self.bytes,
            self.text_bytes,
            self.rows
        );
        if self.files_reused > 0 {
            text.push_str(&format!(" ({} files known from an earlier run)", self.files_reused));
        }
        text.push_str(".\n");
        if let Some(sample) = self.sample {
            text.push_str(&sample.text());
        }
        for (reason, count) in &self.reasons {
            text.push_str(&format!("  not read: {count} x {reason}\n"));
        }
        text
    }
}
