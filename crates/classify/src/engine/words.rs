//! Keywords found so far: searched where a candidate asks for them, and never twice.

use crate::engine::index::Gate;
use crate::engine::keywords::{Hit, Keywords};
use crate::engine::masks::BLOCK;

/// Least number of bytes searched at once, so that neighbouring candidates do not search in crumbs.
const STEP: usize = 512;

/// How far a candidate may begin before an earlier one without a second search.
const SLACK: usize = 1_024;

/// Which terms are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole words and phrases.
    #[default]
    Words,
    /// Terms that may stand inside of words. They cost more, and few rules have them.
    Strings,
}

/// The terms that begin in a stretch of the text.
#[derive(Debug, Default)]
pub(crate) struct Words {
    kind: Kind,
    /// Ascending by start.
    hits: Vec<Hit>,
    from: usize,
    to: usize,
    /// A bit for each list that may stand in the stretch.
    present: Vec<u64>,
    /// Where each list was seen last.
    last: Vec<usize>,
}

impl Words {
    pub(crate) fn new(kind: Kind, lists: usize) -> Words {
        Words { kind, present: vec![0; lists.div_ceil(64)], last: vec![0; lists], ..Words::default() }
    }

    /// Makes sure that every term that begins in `text[from..to]` is known. `most` is where the text, as far as it is
    /// there, must not be searched beyond: a term that begins later may end in what is yet to come. `ascii` is a stretch
    /// that is known to be ASCII.
    pub(crate) fn cover(
        &mut self,
        keywords: &Keywords,
        text: &[u8],
        (from, to): (usize, usize),
        (most, ascii): (usize, (usize, usize)),
    ) {
        if from < self.from || from > self.to || self.to == 0 {
            self.restart(from);
        }
        if to > self.to {
            let end = to.max(self.to + STEP).min(most.max(to));
            // A block more than what is searched is looked at.
            let ascii = ascii.0 <= self.to && end + 2 * BLOCK <= ascii.1;
            self.search(keywords, text, end, ascii);
        }
    }

    /// Whether every term that begins in a stretch is known.
    pub(crate) fn knows(&self, (from, to): (usize, usize)) -> bool {
        self.from <= from && to <= self.to
    }

    fn restart(&mut self, from: usize) {
        self.hits.clear();
        self.present.fill(0);
        (self.from, self.to) = (from, from);
    }

    fn search(&mut self, keywords: &Keywords, text: &[u8], end: usize, ascii: bool) {
        let known = self.hits.len();
        match self.kind {
            Kind::Words => {
                Keywords::find_words([Some(keywords)], text, (self.to, end), ascii, &mut self.hits)
            }
            Kind::Strings => keywords.find_strings(text, self.to, end, &mut self.hits),
        }
        self.to = end;
        let fresh = self.hits.get(known..).unwrap_or_default();
        if fresh.is_empty() {
            return;
        }
        for hit in fresh {
            let list = usize::from(hit.list);
            if let (Some(bits), Some(last)) = (self.present.get_mut(list / 64), self.last.get_mut(list)) {
                *last = if *bits >> (list % 64) & 1 == 1 { hit.start.max(*last) } else { hit.start };
                *bits |= 1 << (list % 64);
            }
        }
        if let Some(fresh) = self.hits.get_mut(known..) {
            fresh.sort_unstable();
        }
        // A term that begins with a sign, as `#id` does, can begin before the last one that was found.
        if !self.hits.get(known.saturating_sub(1)..=known).unwrap_or_default().is_sorted() {
            self.hits.sort_unstable();
        }
    }

    /// Whether a term of one of the gate's lists begins in the stretch, which must be covered.
    pub(crate) fn any(&mut self, gate: &Gate, from: usize, to: usize) -> bool {
        let mut later = false;
        let (skipped, wanted) = gate.words();
        for (place, (present, wanted)) in self.present.iter_mut().skip(skipped).zip(wanted).enumerate() {
            let mut both = *present & wanted;
            while both != 0 {
                let bit = both.trailing_zeros();
                both &= both - 1;
                let last = self.last.get(64 * (skipped + place) + bit as usize).copied().unwrap_or(0);
                if last + SLACK < from {
                    // Candidates come nearly from left to right: what lies far before this one is behind all others.
                    // Should one come that is not, the stretch is searched anew.
                    *present &= !(1 << bit);
                    self.from = self.from.max(last + 1);
                } else if (from..to).contains(&last) {
                    return true;
                } else if last >= to {
                    later = true;
                }
            }
        }
        later && self.between(from, to).iter().any(|hit| gate.contains(hit.list))
    }

    /// Tells the gate's lists of which a term may begin in a stretch, which must be covered: those that were seen at or
    /// after `from`.
    #[inline]
    pub(crate) fn live(&self, gate: &Gate, from: usize, mut tell: impl FnMut(u16)) {
        let (skipped, wanted) = gate.words();
        for (place, (present, wanted)) in self.present.iter().skip(skipped).zip(wanted).enumerate() {
            let mut rest = present & wanted;
            while rest != 0 {
                let list = 64 * (skipped + place) + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if self.last.get(list).is_some_and(|last| *last >= from) {
                    tell(u16::try_from(list).unwrap_or(u16::MAX));
                }
            }
        }
    }

    /// Whether a list was seen at or after a place; where it was not, no term of it begins there.
    #[inline]
    pub(crate) fn seen(&self, list: u16, from: usize) -> bool {
        let list = usize::from(list);
        self.present.get(list / 64).is_some_and(|bits| bits >> (list % 64) & 1 == 1)
            && self.last.get(list).is_some_and(|last| *last >= from)
    }

    /// The terms that begin in the stretch, which must be covered.
    pub(crate) fn between(&self, from: usize, to: usize) -> &[Hit] {
        let first = self.hits.partition_point(|hit| hit.start < from);
        let last = self.hits.partition_point(|hit| hit.start < to);
        self.hits.get(first..last).unwrap_or_default()
    }

    /// Forgets terms that begin before `place`, once there are many.
    pub(crate) fn forget(&mut self, place: usize) {
        if place > self.from && place <= self.to {
            let gone = self.hits.partition_point(|hit| hit.start < place);
            if gone >= 64 {
                self.hits.drain(..gone);
                self.from = place;
            }
        }
    }

    /// Moves everything towards the beginning by `bytes`, which the text has lost there.
    pub(crate) fn rebase(&mut self, bytes: usize) {
        if self.to <= bytes {
            self.restart(0);
            return;
        }
        let gone = self.hits.partition_point(|hit| hit.start < bytes);
        self.hits.drain(..gone);
        self.from = self.from.saturating_sub(bytes);
        self.to -= bytes;
        for hit in &mut self.hits {
            hit.start -= bytes;
            hit.end -= bytes;
        }
        for last in &mut self.last {
            *last = last.saturating_sub(bytes);
        }
    }
}
