//! One file: its texts out, findings with their places in.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use anyhow::{Context, Result};
use castellan_classify::Engine;
use castellan_classify::batch::Unit;
use castellan_classify::indexed::{Hit, Indexes};
use castellan_extract::{Limits, extract};
use serde_json::{Value as Json, json};

use super::indexed::Places;
use super::pieces::Texts;
use super::state::State;
use crate::walk::is_stdin;

/// The most of standard input that is read, in bytes.
const MOST_STDIN: u64 = 1 << 30;

/// What was found in a file, and what was seen of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) path: String,
    pub(super) hash: String,
    pub(super) format: String,
    pub(super) bytes: u64,
    pub(super) text_bytes: u64,
    pub(super) rows: u64,
    pub(super) findings: Vec<Found>,
    /// What is nearly found, where that is asked for.
    pub(super) misses: Vec<Missed>,
    /// What of it was not read, with the reason.
    pub(super) skipped: Vec<(String, String)>,
    /// Whether all of it that can hold text was read.
    pub(super) is_complete: bool,
    /// Whether this is what an earlier run found in the same bytes.
    pub(super) is_reused: bool,
}

/// A finding and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) detector: Arc<str>,
    pub(super) confidence: u8,
    pub(super) validated: bool,
    /// Where in the file: a page, a cell, an entry of an archive.
    pub(super) location: String,
    /// In the text of that place.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) line: Option<u64>,
    pub(super) byte: Option<u64>,
    /// Names of the evidence with its distance in characters.
    pub(super) evidence: Vec<(Arc<str>, u64)>,
    pub(super) checks: Vec<String>,
}

/// What is nearly found. It is told of this run alone.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    pub(super) detector: Arc<str>,
    pub(super) location: String,
    /// Bytes of the text of that place.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) reason: String,
}

impl Missed {
    pub(super) fn json(&self) -> Json {
        json!({
            "type": &*self.detector, "location": self.location, "start_byte": self.start, "end_byte": self.end,
            "reason": self.reason,
        })
    }
}

impl Found {
    pub(super) fn json(&self) -> Json {
        let evidence = |(name, distance): &(Arc<str>, u64)| json!({ "name": &**name, "distance": distance });
        json!({
            "type": &*self.detector, "confidence": self.confidence, "validated": self.validated,
            "location": self.location, "start": self.start, "end": self.end, "line": self.line, "byte": self.byte,
            "evidence": self.evidence.iter().map(evidence).collect::<Vec<Json>>(), "checks": self.checks,
        })
    }

    fn of(json: &Json) -> Option<Found> {
        let number = |key: &str| json.get(key).and_then(Json::as_u64);
        let text = |key: &str| json.get(key).and_then(Json::as_str);
        let evidence =
            |item: &Json| Some((item.get("name")?.as_str()?.into(), item.get("distance")?.as_u64()?));
        Some(Found {
            detector: text("type")?.into(),
            confidence: number("confidence")?.try_into().ok()?,
            validated: json.get("validated")?.as_bool()?,
            location: text("location")?.to_owned(),
            start: number("start")?,
            end: number("end")?,
            line: number("line"),
            byte: number("byte"),
            evidence: json.get("evidence")?.as_array()?.iter().filter_map(evidence).collect(),
            checks: (json.get("checks")?.as_array()?.iter())
                .filter_map(|it| Some(it.as_str()?.to_owned()))
                .collect(),
        })
    }
}

impl Report {
    pub(super) fn json(&self) -> Json {
        let skipped = |(place, reason): &(String, String)| json!({ "location": place, "reason": reason });
        json!({
            "path": self.path, "hash": self.hash, "format": self.format, "bytes": self.bytes,
            "text_bytes": self.text_bytes, "rows": self.rows, "complete": self.is_complete,
            "findings": self.findings.iter().map(Found::json).collect::<Vec<Json>>(),
            "skipped": self.skipped.iter().map(skipped).collect::<Vec<Json>>(),
        })
    }

    /// What [`Report::json`] wrote.
    pub(super) fn of(json: &Json) -> Option<Report> {
        let number = |key: &str| json.get(key).and_then(Json::as_u64);
        let text = |key: &str| Some(json.get(key)?.as_str()?.to_owned());
        let pair = |item: &Json| {
            Some((item.get("location")?.as_str()?.to_owned(), item.get("reason")?.as_str()?.to_owned()))
        };
        Some(Report {
            path: text("path")?,
            hash: text("hash")?,
            format: text("format")?,
            bytes: number("bytes")?,
            text_bytes: number("text_bytes")?,
            rows: number("rows")?,
            findings: json
                .get("findings")?
                .as_array()?
                .iter()
                .map(Found::of)
                .collect::<Option<Vec<Found>>>()?,
            skipped: json.get("skipped")?.as_array()?.iter().map(pair).collect::<Option<Vec<_>>>()?,
            misses: Vec::new(),
            is_complete: json.get("complete")?.as_bool()?,
            is_reused: true,
        })
    }
}

/// How files are scanned.
#[derive(Clone, Copy)]
pub(super) struct Scan<'e> {
    pub(super) engine: &'e Engine,
    pub(super) indexes: Option<&'e Indexes>,
    pub(super) unit: Unit,
    /// Whether what is nearly found is told too.
    pub(super) explains: bool,
}

/// Reads a file, unless an earlier run did.
///
/// Errors: the state cannot be written. What cannot be read of the file is in the report.
pub(super) fn report(path: &str, scan: &Scan<'_>, state: Option<&State>) -> Result<Report> {
    let failed = |error: io::Error| Report {
        path: path.to_owned(),
        skipped: vec![("file".to_owned(), error.to_string())],
        ..Report::default()
    };
    if is_stdin(path) {
        let mut bytes = Vec::new();
        io::stdin().take(MOST_STDIN).read_to_end(&mut bytes).context("cannot read standard input")?;
        let hash = blake3::hash(&bytes).to_hex().to_string();
        return Ok(scanned(path, &hash, &mut Cursor::new(bytes), scan));
    }
    let opened = File::open(path).and_then(|mut file| Ok((hash(&mut file)?, file)));
    let (hash, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(failed(error)),
    };
    // What is nearly found is not kept.
    let known = state.filter(|_| !scan.explains).and_then(|state| state.known(path, &hash));
    if let Some(known) = known {
        return Ok(known);
    }
    let report = scanned(path, &hash, &mut file, scan);
    if let Some(state) = state {
        state.keep(&report)?;
    }
    Ok(report)
}

fn hash(file: &mut File) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(file, &mut hasher)?;
    file.rewind()?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// What indexes found, with its places: the file is read again. Nothing where it is not what it was.
fn resolved(
    path: &str,
    source: &mut dyn castellan_extract::Source,
    hits: &[Hit],
    unit: Unit,
) -> Option<Vec<Found>> {
    if hits.is_empty() {
        return Some(Vec::new());
    }
    source.rewind().ok()?;
    let mut places = Places::new(hits, unit);
    extract(path, source, &Limits::default(), &mut places);
    places.finish()
}

fn scanned(path: &str, hash: &str, source: &mut dyn castellan_extract::Source, scan: &Scan<'_>) -> Report {
    let mut texts = Texts::new(*scan);
    let outcome = extract(path, source, &Limits::default(), &mut texts);
    texts.end();
    let hits = texts.hits();
    if !hits.complete {
        texts.lost.push("file".to_owned());
    }
    let places = resolved(path, source, &hits.hits, scan.unit);
    let places = places.unwrap_or_else(|| {
        texts.lost.push("file, which changed while it was read".to_owned());
        Vec::new()
    });
    texts.found.extend(places);
    let mut skipped: Vec<(String, String)> = (outcome.skipped.iter())
        .map(|skipped| (skipped.location.to_string(), skipped.reason.to_string()))
        .collect();
    if outcome.unlisted > 0 {
        skipped.push(("elsewhere".to_owned(), format!("{} more", outcome.unlisted)));
    }
    let is_complete = outcome.is_complete() && texts.lost.is_empty();
    let lost = "a bound was met; there may be more findings";
    skipped.extend(texts.lost.into_iter().map(|place| (place, lost.to_owned())));
    Report {
        path: path.to_owned(),
        hash: hash.to_owned(),
        format: outcome.format.map_or_else(|| "unknown".to_owned(), |format| format.id().to_owned()),
        bytes: outcome.coverage.bytes_read,
        text_bytes: outcome.coverage.text_bytes,
        rows: outcome.coverage.rows,
        findings: texts.found,
        misses: texts.misses,
        is_complete,
        is_reused: false,
        skipped,
    }
}
