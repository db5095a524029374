//! Joins fingerprints that meet to runs.

use std::collections::HashMap;
use std::ops::Range;

use super::words::{Hashed, Words};
use super::{Document, Fingerprint, Found, Index, Kind, MOST_RUNS, Run};

/// Words of the text that are words of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    document: u32,
    words: Range<usize>,
}

/// A stretch that may go on.
struct Open {
    words: Range<usize>,
    /// Of the last hash that met.
    place: usize,
}

/// Which document, and how far its words are ahead of those of the text.
type Diagonal = (u32, i64);

/// What of a text stands in any of some indexes. The share is the largest of one index.
pub fn find_in(indexes: &[Index], text: &str) -> Found {
    let mut all = Found::default();
    for found in indexes.iter().map(|index| index.find(text)) {
        all.share = all.share.max(found.share);
        all.more |= found.more;
        all.runs.extend(found.runs);
    }
    all.runs.sort_by_key(|run| (run.span.start, run.span.end));
    all
}

impl Index {
    /// The longest runs of `text` that stand in a protected text.
    pub fn find(&self, text: &str) -> Found {
        let mut found = Found::default();
        for kind in Kind::ALL {
            if self.sources().any(|source| source.kind == kind) {
                self.find_kind(text, kind, &mut found);
            }
        }
        found.runs.sort_by_key(|run| (run.span.start, run.span.end));
        found
    }

    fn find_kind(&self, text: &str, kind: Kind, found: &mut Found) {
        let words = Words::new(text, kind, &self.options.key);
        let hashed = words.hashed(kind.length());
        let stretches = longest(self.stretches(&words, &hashed, kind));
        let covered: usize = union(&stretches);
        if covered > 0 {
            #[allow(clippy::cast_precision_loss)] // Counts of words are small.
            let share = covered as f64 / words.len() as f64;
            found.share = found.share.max(share);
        }
        for stretch in stretches {
            if found.runs.len() >= MOST_RUNS {
                found.more = true;
                return;
            }
            found.runs.extend(self.run(&words, stretch));
        }
    }

    /// All stretches that are long enough.
    fn stretches(&self, words: &Words, hashed: &Hashed, kind: Kind) -> Vec<Stretch> {
        let mut open: HashMap<Diagonal, Open> = HashMap::new();
        let mut closed = Vec::new();
        let least = self.options.least(kind);
        for (place, &hash) in hashed.all().iter().enumerate() {
            for fingerprint in self.with_hash(hash) {
                let Some(document) = self.document(fingerprint.document) else { continue };
                if document.source.kind != kind {
                    continue;
                }
                let around = extended(words, hashed, place, fingerprint, document);
                let ahead = i64::from(fingerprint.place) - i64::try_from(place).unwrap_or(i64::MAX);
                let diagonal = (fingerprint.document, ahead);
                let run = open.entry(diagonal).or_insert_with(|| Open { words: around.clone(), place });
                // Words between two hashes that touch are all in one of them.
                if place <= run.place + hashed.length() {
                    *run = Open { words: run.words.start..around.end, place };
                } else {
                    let ended = std::mem::replace(run, Open { words: around, place });
                    closed.push(Stretch { document: fingerprint.document, words: ended.words });
                }
            }
        }
        let rest = open.into_iter().map(|((document, _), run)| Stretch { document, words: run.words });
        closed.extend(rest);
        closed.retain(|stretch| stretch.words.len() >= least);
        closed
    }

    fn document(&self, number: u32) -> Option<&Document> {
        self.documents.get(usize::try_from(number).ok()?)
    }

    fn run(&self, words: &Words, stretch: Stretch) -> Option<Run> {
        let document = self.document(stretch.document)?;
        #[allow(clippy::cast_precision_loss)] // Counts of words are small.
        let share_of_source = (stretch.words.len() as f64 / f64::from(document.words)).min(1.0);
        let (words, span) = (stretch.words.len(), words.span(stretch.words));
        Some(Run { span, words, source: document.source.clone(), share_of_source })
    }
}

/// The words of the text around the hash at `place` that are those around `fingerprint`.
fn extended(
    words: &Words,
    hashed: &Hashed,
    place: usize,
    fingerprint: &Fingerprint,
    document: &Document,
) -> Range<usize> {
    let length = hashed.length();
    let first_of_document = usize::try_from(fingerprint.place).unwrap_or(usize::MAX);
    let words_of_document = usize::try_from(document.words).unwrap_or(usize::MAX);
    let room_before = first_of_document.min(place);
    let room_after = words_of_document.saturating_sub(first_of_document + length);
    let room_after = room_after.min(words.len().saturating_sub(place + length));
    let last = place + length - 1;
    let before = fingerprint.before.iter().enumerate().take(room_before);
    let before =
        before.take_while(|(index, check)| words.check_before(fingerprint.hash, place, index + 1) == **check);
    let after = fingerprint.after.iter().enumerate().take(room_after);
    let after =
        after.take_while(|(index, check)| words.check_after(fingerprint.hash, last, index + 1) == **check);
    place - before.count()..last + 1 + after.count()
}

/// Without stretches that lie within a longer one, in the order of the text.
fn longest(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    let key = |stretch: &Stretch| (stretch.words.start, usize::MAX - stretch.words.end, stretch.document);
    stretches.sort_unstable_by_key(key);
    let mut end = 0;
    stretches.retain(|stretch| {
        let is_new = stretch.words.end > end;
        end = end.max(stretch.words.end);
        is_new
    });
    stretches
}

/// How many words lie in any of the stretches, which are in order.
fn union(stretches: &[Stretch]) -> usize {
    let mut end = 0;
    let mut count = 0;
    for stretch in stretches {
        count += stretch.words.end.saturating_sub(stretch.words.start.max(end));
        end = end.max(stretch.words.end);
    }
    count
}
