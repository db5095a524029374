//! The texts of a file, in pieces: findings with their places.

use std::sync::Arc;

use castellan_classify::batch::Unit;
use castellan_classify::indexed::Hits;
use castellan_classify::{
    Combination, Engine, Explanation, Finding, Miss, Offset, Reason, Scanner, Supporting,
};
use castellan_extract::{Location, Origin, Part, Place, Sink};

use super::file::{Found, Missed, Scan};
use super::indexed::Joined;
use super::names::Names;

/// Text that is kept behind the last chunk, to tell lines and bytes of findings that come late.
const KEPT: usize = 1 << 20;

/// Takes the texts of a file, one after the other, and the names of files within it.
pub(super) struct Texts<'e> {
    scan: Scan<'e>,
    current: Option<Text>,
    names: Names,
    /// All texts as one, for the indexes.
    joined: Option<Joined<'e>>,
    pub(super) found: Vec<Found>,
    pub(super) misses: Vec<Missed>,
    /// Where matches were lost: there were more of them than are kept.
    pub(super) lost: Vec<String>,
}

/// A text that comes in chunks.
struct Text {
    location: Location,
    /// What the text is called, which stands before it as evidence: the name of a column is said once.
    name: String,
    /// Waits for whether there is more; most texts are one chunk.
    waiting: Option<String>,
    scanner: Option<Scanner>,
    chunks: Vec<Chunk>,
    length: usize,
}

struct Chunk {
    start: usize,
    text: String,
    origin: Option<Origin>,
}

impl Sink for Texts<'_> {
    fn part(&mut self, part: &Part<'_>) {
        if let Some(joined) = &mut self.joined {
            joined.push(part);
        }
        if !part.continues {
            self.end();
            self.current = Some(Text::new(part.location.clone()));
        }
        let Some(text) = &mut self.current else { return };
        let mut findings = Vec::new();
        text.push(part, &self.scan, &mut findings);
        self.tell(&findings, &[]);
        if let Some(text) = &mut self.current {
            text.forget();
        }
    }

    fn entry(&mut self, location: &Location) {
        self.end();
        if let Some(name) = location.entries.last() {
            self.found.extend(self.names.found(name, &location.entries, &self.scan));
        }
    }
}

impl<'e> Texts<'e> {
    pub(super) fn new(scan: Scan<'e>) -> Texts<'e> {
        Texts {
            scan,
            current: None,
            names: Names::default(),
            joined: scan.indexes.map(Joined::new),
            found: Vec::new(),
            misses: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// What the indexes find in all texts.
    pub(super) fn hits(&mut self) -> Hits {
        let mut hits = self.joined.take().map_or(Hits { hits: Vec::new(), complete: true }, Joined::finish);
        hits.hits.retain(|hit| hit.confidence >= self.scan.engine.selection().min_confidence);
        hits
    }

    /// The text that is at hand is complete.
    pub(super) fn end(&mut self) {
        let Some(text) = &mut self.current else { return };
        let mut findings = Vec::new();
        let told = text.finish(&self.scan, &mut findings);
        self.misses.extend(told.misses.iter().filter_map(|miss| text.missed(miss, self.scan.engine)));
        if told.outcome.incomplete {
            self.lost.push(text.location.to_string());
        }
        self.tell(&findings, &told.outcome.combinations);
        self.current = None;
    }

    fn tell(&mut self, findings: &[Finding], combinations: &[Combination]) {
        let (Some(text), engine) = (&self.current, self.scan.engine) else { return };
        let findings = findings.iter().filter_map(|finding| Told::finding(engine, finding));
        let combinations = combinations.iter().filter_map(|held| Told::combination(engine, held));
        let all = findings.chain(combinations);
        self.found.extend(all.filter_map(|told| text.found(told, engine, self.scan.unit)));
    }
}

/// A finding or a combination.
pub(super) struct Told<'f> {
    id: &'f Arc<str>,
    confidence: u8,
    start: Offset,
    pub(super) end: Offset,
    evidence: &'f [Supporting],
    checks: Vec<String>,
    is_combination: bool,
}

impl<'f> Told<'f> {
    pub(super) fn finding(engine: &'f Engine, finding: &'f Finding) -> Option<Told<'f>> {
        Some(Told {
            id: &engine.detector(finding)?.id,
            confidence: finding.confidence,
            start: finding.start,
            end: finding.end,
            evidence: &finding.evidence,
            checks: engine.checks(finding).into_iter().map(str::to_owned).collect(),
            is_combination: false,
        })
    }

    pub(super) fn combination(engine: &'f Engine, held: &'f Combination) -> Option<Told<'f>> {
        Some(Told {
            id: &engine.rules().affinities.get(held.affinity)?.id,
            confidence: held.confidence,
            start: held.start,
            end: held.end,
            evidence: &held.evidence,
            checks: Vec::new(),
            is_combination: true,
        })
    }

    /// It with its place, in a text that begins after so much of what was scanned.
    pub(super) fn found(self, engine: &Engine, (unit, before): (Unit, u64), location: &Location) -> Found {
        let named = |supporting: &Supporting| {
            let element = engine.rules().element(supporting.element)?;
            Some((Arc::clone(&element.name), supporting.distance))
        };
        Found {
            detector: Arc::clone(self.id),
            confidence: self.confidence,
            validated: !self.checks.is_empty(),
            location: location.to_string(),
            start: unit.of(self.start).saturating_sub(before),
            end: unit.of(self.end).saturating_sub(before),
            line: None,
            byte: None,
            evidence: self.evidence.iter().filter_map(named).collect(),
            checks: self.checks,
        }
    }
}

impl Text {
    fn new(location: Location) -> Text {
        let name = match name(&location.place) {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        Text { location, name, waiting: None, scanner: None, chunks: Vec::new(), length: 0 }
    }

    fn push(&mut self, part: &Part<'_>, scan: &Scan<'_>, findings: &mut Vec<Finding>) {
        let is_first = self.length == 0;
        self.chunks.push(Chunk { start: self.length, text: part.text.to_owned(), origin: part.origin });
        self.length += part.text.len();
        if is_first {
            self.waiting = Some(format!("{}{}", self.name, part.text));
            return;
        }
        let scanner = self.scanner.get_or_insert_with(|| match scan.explains {
            true => scan.engine.explainer(),
            false => scan.engine.scanner(),
        });
        if let Some(waiting) = self.waiting.take() {
            scanner.push(waiting.as_bytes(), findings);
        }
        scanner.push(part.text.as_bytes(), findings);
    }

    /// Ends the text. Findings are given by themselves.
    fn finish(&mut self, scan: &Scan<'_>, findings: &mut Vec<Finding>) -> Explanation {
        if let Some(scanner) = self.scanner.take() {
            return scanner.explain(findings);
        }
        let Some(waiting) = self.waiting.take() else { return Explanation::default() };
        let mut told = match scan.explains {
            true => scan.engine.explain(waiting.as_bytes()),
            false => {
                let outcome = scan.engine.scan_bytes(waiting.as_bytes());
                Explanation { outcome, misses: Vec::new() }
            }
        };
        findings.append(&mut told.outcome.findings);
        told
    }

    /// What is nearly found, with its place; nothing for what stands in the name before the text.
    fn missed(&self, miss: &Miss, engine: &Engine) -> Option<Missed> {
        let place = |byte: u64| usize::try_from(byte).ok()?.checked_sub(self.name.len());
        let name = |id| engine.rules().element(id).map(|element| element.name.to_string());
        let reason = match &miss.reason {
            Reason::Check(check) => format!("does not pass {check}"),
            Reason::Evidence { lacking, .. } => {
                format!(
                    "lacks {}",
                    lacking.iter().filter_map(|id| name(*id)).collect::<Vec<_>>().join(" and ")
                )
            }
            Reason::Overlapped => "gives way to a better finding".to_owned(),
        };
        Some(Missed {
            detector: Arc::clone(&engine.rules().detectors.get(miss.detector)?.id),
            location: self.location.to_string(),
            start: place(miss.start)?,
            end: place(miss.end)?,
            reason,
        })
    }

    /// Drops chunks that no finding to come begins in.
    fn forget(&mut self) {
        let least = self.length.saturating_sub(KEPT);
        self.chunks.retain(|chunk| chunk.start + chunk.text.len() >= least);
    }

    /// It with its place; nothing for what stands in the name before the text. A combination may begin there.
    fn found(&self, told: Told<'_>, engine: &Engine, unit: Unit) -> Option<Found> {
        let name = self.name.len();
        let start = usize::try_from(told.start.byte).ok()?;
        let is_within = start >= name || (told.is_combination && told.end.byte > name as u64);
        if !is_within {
            return None;
        }
        let start = start.saturating_sub(name);
        let before = match unit {
            Unit::CodePoint => self.name.chars().count(),
            Unit::Byte => self.name.len(),
            Unit::Utf16 => self.name.encode_utf16().count(),
        } as u64;
        let chunk =
            self.chunks.iter().find(|chunk| (chunk.start..chunk.start + chunk.text.len()).contains(&start));
        let part = chunk.map(|chunk| {
            let part = Part {
                location: &self.location,
                text: &chunk.text,
                continues: false,
                is_hidden: false,
                origin: chunk.origin,
            };
            (part.line_at(start - chunk.start), part.byte_at(start - chunk.start))
        });
        let (line, byte) = part.unwrap_or_default();
        Some(Found { line, byte, ..told.found(engine, (unit, before), &self.location) })
    }
}

/// What the text of a place is called.
fn name(place: &Place) -> Option<&str> {
    match place {
        Place::Cell { name, .. } => name.as_deref(),
        Place::Json { path, is_key: false, .. } => Some(path),
        Place::Attribute { name, .. } | Place::Field { name } => Some(name),
        _ => None,
    }
}
