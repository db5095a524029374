//! Values of tables and parts of documents, found in the files of a scan beside what detectors find.

use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_classify::batch::Unit;
use castellan_classify::exact::Options;
use castellan_classify::indexed::{Hit, Hits, Indexes, Search};
use castellan_extract::{Location, Part, Sink};

use super::file::Found;
use super::{exact, keys};
use crate::arguments::ClassifyArguments;

/// Indexes, and a digest of them: others could find other things.
pub(super) struct Opened {
    pub(super) indexes: Indexes,
    pub(super) digest: String,
}

/// The indexes that are named, narrowed to the types that are.
pub(super) fn open(arguments: &ClassifyArguments, system: &dyn System) -> Result<Option<Opened>> {
    let named = arguments.exact.len() + arguments.fingerprints.len();
    let Some(keys) = arguments.keys.as_deref().filter(|_| named > 0) else { return Ok(None) };
    let key = keys::newest(keys, system)?;
    let (fields, proximity) = (arguments.fields, arguments.proximity);
    let mut indexes = Indexes::new(Options { fields, proximity, ..Options::default() });
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{fields} {proximity}\n").as_bytes());
    for path in &arguments.exact {
        let bytes = read(path, &mut hasher, system)?;
        indexes.add_values(&name(path), exact::values_of(bytes, path, &key)?)?;
    }
    for path in &arguments.fingerprints {
        let bytes = read(path, &mut hasher, system)?;
        indexes.add_documents(&name(path), exact::documents_of(bytes, path, &key)?)?;
    }
    narrow(&mut indexes, &arguments.types)?;
    Ok(Some(Opened { indexes, digest: hasher.finalize().to_hex().to_string() }))
}

/// What an index is called in its types: the name of its file without the ending.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path, hasher: &mut blake3::Hasher, system: &dyn System) -> Result<Vec<u8>> {
    let bytes =
        system.read(path, exact::LARGEST).with_context(|| format!("cannot read `{}`", path.display()))?;
    hasher.update(format!("{} {}\n", name(path), blake3::hash(&bytes).to_hex()).as_bytes());
    Ok(bytes)
}

fn narrow(indexes: &mut Indexes, types: &[String]) -> Result<()> {
    if types.is_empty() {
        return Ok(());
    }
    let all = indexes.types();
    indexes.narrow(types);
    if indexes.types().is_empty() {
        bail!("`--types` leaves out all that the indexes find; name some of {}", all.join(", "));
    }
    Ok(())
}

/// The texts of a file as one, with a line break between them, so that cells of a row stand near one another.
pub(super) struct Joined<'i> {
    search: Search<'i>,
    has_begun: bool,
}

impl<'i> Joined<'i> {
    pub(super) fn new(indexes: &'i Indexes) -> Joined<'i> {
        Joined { search: indexes.search(), has_begun: false }
    }

    pub(super) fn push(&mut self, part: &Part<'_>) {
        if self.has_begun && !part.continues {
            self.search.push("\n");
        }
        self.has_begun = true;
        self.search.push(part.text);
    }

    pub(super) fn finish(self) -> Hits {
        self.search.finish()
    }
}

/// Finds out where hits stand, when a file is read again.
pub(super) struct Places<'h> {
    /// By place.
    hits: &'h [Hit],
    unit: Unit,
    /// Those before it have begun.
    next: usize,
    /// Those that have begun and not ended.
    open: Vec<(usize, Found)>,
    found: Vec<(usize, Found)>,
    has_begun: bool,
    /// Bytes of the texts so far.
    at: u64,
    /// How long the present text is so far.
    length: u64,
}

impl Sink for Places<'_> {
    fn part(&mut self, part: &Part<'_>) {
        if !part.continues {
            self.end_text();
            self.at += u64::from(self.has_begun);
        }
        self.has_begun = true;
        let end = self.at + part.text.len() as u64;
        while let Some(hit) = self.hits.get(self.next).filter(|hit| hit.span.start < end) {
            let before = self.before(part, hit.span.start);
            let found = found(hit, part.location, self.length + self.unit.count(before));
            let (line, byte) = (part.line_at(before.len()), part.byte_at(before.len()));
            self.open.push((self.next, Found { line, byte, ..found }));
            self.next += 1;
        }
        let ended: Vec<usize> = (self.open.iter().enumerate())
            .filter(|(_, (number, _))| self.hits.get(*number).is_some_and(|hit| hit.span.end <= end))
            .map(|(place, _)| place)
            .collect();
        for place in ended.into_iter().rev() {
            let (number, mut found) = self.open.remove(place);
            let last = self.hits.get(number).map_or(end, |hit| hit.span.end);
            found.end = self.length + self.unit.count(self.before(part, last));
            self.found.push((number, found));
        }
        self.length += self.unit.count(part.text);
        self.at = end;
    }
}

impl<'h> Places<'h> {
    pub(super) fn new(hits: &'h [Hit], unit: Unit) -> Places<'h> {
        Places {
            hits,
            unit,
            next: 0,
            open: Vec::new(),
            found: Vec::new(),
            has_begun: false,
            at: 0,
            length: 0,
        }
    }

    /// The text of a part before a place in all texts.
    fn before<'t>(&self, part: &Part<'t>, place: u64) -> &'t str {
        let bytes = usize::try_from(place.saturating_sub(self.at)).unwrap_or(usize::MAX);
        part.text.get(..bytes).unwrap_or(part.text)
    }

    /// What goes on in another text is told up to the end of this one.
    fn end_text(&mut self) {
        for (number, mut found) in std::mem::take(&mut self.open) {
            found.end = self.length;
            self.found.push((number, found));
        }
        self.length = 0;
    }

    /// The hits with their places; nothing when the texts are others than those that were searched.
    pub(super) fn finish(mut self) -> Option<Vec<Found>> {
        self.end_text();
        self.found.sort_by_key(|(number, _)| *number);
        (self.found.len() == self.hits.len())
            .then(|| self.found.into_iter().map(|(_, found)| found).collect())
    }
}

/// What stands in a name or another short text.
pub(super) fn in_name(indexes: &Indexes, name: &str, location: &Location, unit: Unit) -> Vec<(u64, Found)> {
    let place = |byte: u64| {
        usize::try_from(byte).ok().and_then(|byte| name.get(..byte)).map_or(0, |before| unit.count(before))
    };
    let told = |hit: &Hit| {
        let found = found(hit, location, place(hit.span.start));
        (hit.span.end, Found { end: place(hit.span.end), ..found })
    };
    indexes.find(name).hits.iter().map(told).collect()
}

fn found(hit: &Hit, location: &Location, start: u64) -> Found {
    Found {
        detector: hit.id.clone(),
        confidence: hit.confidence,
        validated: true,
        location: location.to_string(),
        start,
        end: start,
        line: None,
        byte: None,
        evidence: hit.evidence.iter().map(|near| (near.name.clone(), near.distance)).collect(),
        checks: vec![hit.check.to_owned()],
    }
}
