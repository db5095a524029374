//! Keywords found so far: the walk finds them, and what it has not come to is searched where a candidate asks for it.

use crate::engine::index::Gate;
use crate::engine::keywords::{Hit, Keywords};

/// Which terms are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole words and phrases.
    #[default]
    Words,
    /// Terms that may stand inside of words. They cost more, and few rules have them.
    Strings,
}

/// How many bytes after a place the keywords of a match that begins there may stand, beside the proximity; elements of
/// longer matches ask for their keywords one by one.
pub(crate) const SPAN: usize = 256;

/// By element: how many of its keyword lists stand around the place that is tried. It goes along with that place, so that
/// most candidates are refused by one look.
#[derive(Debug, Default)]
struct Around {
    /// The hits that are counted, as places among all hits.
    first: usize,
    last: usize,
    /// Bytes that are looked at before and after the place.
    reach: (usize, usize),
    /// By list: hits.
    lists: Vec<u32>,
    /// By element: lists.
    elements: Vec<u32>,
}

impl Around {
    fn new(lists: usize, elements: usize) -> Around {
        Around { lists: vec![0; lists], elements: vec![0; elements], ..Around::default() }
    }

    fn enter(&mut self, list: u16, users: &[Box<[u16]>]) {
        let Some(hits) = self.lists.get_mut(usize::from(list)) else { return };
        *hits += 1;
        if *hits == 1 {
            for element in users.get(usize::from(list)).into_iter().flatten() {
                self.elements.get_mut(usize::from(*element)).into_iter().for_each(|lists| *lists += 1);
            }
        }
    }

    fn leave(&mut self, list: u16, users: &[Box<[u16]>]) {
        let Some(hits) = self.lists.get_mut(usize::from(list)) else { return };
        *hits -= 1;
        if *hits == 0 {
            for element in users.get(usize::from(list)).into_iter().flatten() {
                self.elements.get_mut(usize::from(*element)).into_iter().for_each(|lists| *lists -= 1);
            }
        }
    }

    fn clear(&mut self) {
        // Nothing is counted before the first hit was.
        if self.last > 0 {
            self.lists.fill(0);
            self.elements.fill(0);
        }
        (self.first, self.last) = (0, 0);
    }
}

/// The terms that begin in a stretch of the text.
#[derive(Debug, Default)]
pub(crate) struct Words {
    around: Around,
    kind: Kind,
    /// Ascending by start.
    pub(super) hits: Vec<Hit>,
    from: usize,
    to: usize,
    /// A bit for each list that may stand in the stretch.
    present: Vec<u64>,
    /// Where each list was seen last.
    last: Vec<usize>,
}

impl Words {
    pub(crate) fn new(kind: Kind, lists: usize, elements: usize) -> Words {
        Words {
            kind,
            around: Around::new(lists, elements),
            present: vec![0; lists.div_ceil(64)],
            last: vec![0; lists],
            ..Words::default()
        }
    }

    /// Makes sure that every term that begins in `text[from..to]` is known. `ahead` is how far the text is searched when it
    /// is: at least up to `to`, and not where a term may begin that ends in what is yet to come.
    pub(crate) fn cover(
        &mut self,
        keywords: &Keywords,
        text: &[u8],
        (from, to): (usize, usize),
        ahead: usize,
    ) {
        if from < self.from || from > self.to || self.to == 0 {
            self.restart(from);
        }
        if to > self.to {
            self.search(keywords, text, ahead);
        }
    }

    /// Takes the terms that begin in `text[from..to]`, if all before them are known.
    pub(crate) fn take(&mut self, (from, to): (usize, usize), fresh: &[Hit]) {
        if from == self.to {
            let known = self.hits.len();
            self.hits.extend_from_slice(fresh);
            self.to = to;
            self.note(known);
        }
    }

    /// Whether every term that begins in a stretch is known.
    pub(crate) fn knows(&self, (from, to): (usize, usize)) -> bool {
        self.from <= from && to <= self.to
    }

    /// Forgets everything.
    pub(crate) fn wipe(&mut self) {
        self.restart(0);
    }

    fn restart(&mut self, from: usize) {
        self.hits.clear();
        self.around.clear();
        self.present.fill(0);
        (self.from, self.to) = (from, from);
    }

    fn search(&mut self, keywords: &Keywords, text: &[u8], end: usize) {
        let known = self.hits.len();
        match self.kind {
            Kind::Words => Keywords::find_words([Some(keywords)], text, (self.to, end), &mut self.hits),
            Kind::Strings => keywords.find_strings(text, self.to, end, &mut self.hits),
        }
        self.to = end;
        self.note(known);
    }

    /// Notes the lists of all terms but the first ones, which are known, and puts them in order.
    fn note(&mut self, known: usize) {
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
            self.around.clear();
        }
    }

    /// Moves on to a place and counts the terms that begin up to so many bytes before and after it, which must be covered.
    /// `users` are the elements that need a term of a list.
    #[inline]
    pub(crate) fn go_to(&mut self, place: usize, reach: (usize, usize), users: &[Box<[u16]>]) {
        let (from, to) = (place.saturating_sub(reach.0), place + reach.1);
        let begins = |at: usize, hits: &[Hit]| hits.get(at).map_or(usize::MAX, |hit| hit.start);
        let back = self.around.first.checked_sub(1).is_some_and(|at| begins(at, &self.hits) >= from)
            || self.around.last.checked_sub(1).is_some_and(|at| begins(at, &self.hits) >= to);
        if back || self.around.reach != reach {
            // Places come nearly from left to right.
            self.around.clear();
            self.around.reach = reach;
            self.around.first = self.hits.partition_point(|hit| hit.start < from);
            self.around.last = self.around.first;
        }
        while let Some(hit) = self.hits.get(self.around.last).filter(|hit| hit.start < to) {
            self.around.enter(hit.list, users);
            self.around.last += 1;
        }
        while let Some(hit) = self.hits.get(self.around.first).filter(|hit| hit.start < from) {
            self.around.leave(hit.list, users);
            self.around.first += 1;
        }
    }

    /// Whether a keyword that an element needs stands around the place that was gone to.
    #[inline]
    pub(crate) fn may_hold(&self, element: u16) -> bool {
        self.around.elements.get(usize::from(element)).is_some_and(|lists| *lists > 0)
    }

    /// Whether a term of one of the gate's lists begins in the stretch, which must be covered.
    pub(crate) fn any(&self, gate: &Gate, from: usize, to: usize) -> bool {
        let mut later = false;
        let (skipped, wanted) = gate.words();
        for (place, (present, wanted)) in self.present.iter().skip(skipped).zip(wanted).enumerate() {
            let mut both = *present & wanted;
            while both != 0 {
                let bit = both.trailing_zeros();
                both &= both - 1;
                let last = self.last.get(64 * (skipped + place) + bit as usize).copied().unwrap_or(0);
                if (from..to).contains(&last) {
                    return true;
                } else if last >= to {
                    later = true;
                }
            }
        }
        later && self.between(from, to).iter().any(|hit| gate.contains(hit.list))
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
                match self.around.first >= gone {
                    true => {
                        (self.around.first, self.around.last) =
                            (self.around.first - gone, self.around.last - gone)
                    }
                    false => self.around.clear(),
                }
                self.from = place;
                self.forget_lists(place);
            }
        }
    }

    /// Forgets the lists of which nothing was seen since a place.
    fn forget_lists(&mut self, place: usize) {
        for (bits, last) in self.present.iter_mut().zip(self.last.chunks(64)) {
            let seen = (0..64).zip(last).filter(|(_, last)| **last >= place);
            *bits &= seen.fold(0, |all, (bit, _)| all | 1 << bit);
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
        self.around.clear();
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
