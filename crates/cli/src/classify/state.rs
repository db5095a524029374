//! What earlier runs found: a line a file, so that a run that was ended goes on where it was.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use castellan_classify::Engine;
use serde_json::{Value as Json, json};

use super::file::Report;

/// A file of reports.
#[derive(Debug)]
pub(super) struct State {
    /// By path.
    known: HashMap<String, Report>,
    file: Mutex<File>,
    /// The rules that the reports were made with: others could find other things.
    rules: String,
}

/// What tells one set of detectors, combinations and indexes from another.
pub(super) fn rules_hash(engine: &Engine, indexes: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for detector in &engine.rules().detectors {
        hasher.update(format!("{} {}\n", detector.id, detector.version).as_bytes());
    }
    for affinity in &engine.rules().affinities {
        let (id, distance, threshold) = (&affinity.id, affinity.proximity, affinity.threshold);
        hasher.update(format!("{id} {distance:?} {threshold}\n").as_bytes());
    }
    hasher.update(indexes.as_bytes());
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.finalize().to_hex().chars().take(16).collect()
}

impl State {
    /// Opens the file, or makes it. Lines of other rules, and one that was not written to its end, count for nothing.
    pub(super) fn open(path: &Path, rules: &str) -> Result<State> {
        let shown = path.display();
        let mut known = HashMap::new();
        if path.exists() {
            let file = File::open(path).with_context(|| format!("cannot read `{shown}`"))?;
            for line in BufReader::new(file).lines() {
                let line = line.with_context(|| format!("cannot read `{shown}`"))?;
                let Ok(json) = serde_json::from_str::<Json>(&line) else { continue };
                let is_same = json.get("rules").and_then(Json::as_str) == Some(rules);
                if let Some(report) = json.get("report").and_then(Report::of).filter(|_| is_same) {
                    known.insert(report.path.clone(), report);
                }
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot write `{shown}`"))?;
        Ok(State { known, file: Mutex::new(file), rules: rules.to_owned() })
    }

    /// What was found in the same bytes.
    pub(super) fn known(&self, path: &str, hash: &str) -> Option<Report> {
        self.known.get(path).filter(|report| report.hash == hash).cloned()
    }

    /// Keeps what was found. It names no text, only places.
    pub(super) fn keep(&self, report: &Report) -> Result<()> {
        let line = json!({ "rules": self.rules, "report": report.json() });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}").context("cannot write the state")
    }
}
