//! Judging evidence around a match.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashMap;

use crate::engine::boundary::{starts_character, starts_well};
use crate::engine::characters::count;
use crate::engine::clause::Clause;
use crate::engine::compile::{CompiledElement, Matcher};
use crate::engine::expression::Ends;
use crate::engine::finding::Supporting;
use crate::engine::keywords::Hit;
use crate::engine::stretch::Stretch;
use crate::engine::words::Words;
use crate::rule::ElementId;

/// A match of an element, in bytes of the text at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What is found: the group `value`, or everything.
    pub(crate) value: (usize, usize),
}

/// The surroundings of a match.
pub(crate) struct Surroundings<'a> {
    pub(crate) elements: &'a [CompiledElement],
    pub(crate) text: &'a [u8],
    /// Where the text at hand begins in the whole one.
    pub(crate) base: u64,
    /// The element that matched, and where.
    pub(crate) primary: usize,
    pub(crate) found: Match,
    /// The bytes within the proximity.
    pub(crate) window: (usize, usize),
    /// By element: a stretch in which no match begins. Windows of neighbouring matches overlap, and what one has looked
    /// through in vain, the next need not.
    pub(crate) absent: RefCell<FxHashMap<usize, (usize, usize)>>,
    /// Terms, which cover the window: whole words, and others where the patterns name such lists.
    pub(crate) words: &'a Words,
    pub(crate) strings: Option<&'a Words>,
    /// Those in the window, once somebody asks: most patterns ask for several lists.
    pub(crate) near: Cell<Option<[&'a [Hit]; 2]>>,
    /// Where those of the last window were, of words and of others.
    pub(crate) places: Cell<[Stretch; 2]>,
}

impl<'a> Surroundings<'a> {
    /// Whether a condition holds. What made it hold is appended to `told`.
    pub(crate) fn holds(&self, clause: &Clause, told: &mut Vec<Supporting>) -> bool {
        match clause {
            Clause::List { element, list, min, unique, .. } => {
                self.list((*element, *list), (*min, *unique), told)
            }
            Clause::Expression { element, min, unique } => self.expression(*element, (*min, *unique), told),
            Clause::Any { min, max, of } => self.any((*min, *max), of, told),
        }
    }

    fn any(&self, (min, max): (u32, Option<u32>), of: &[Clause], told: &mut Vec<Supporting>) -> bool {
        let before = told.len();
        let mut holding = 0;
        for clause in of {
            // Without a maximum, more than enough is not looked for.
            if max.is_none() && holding >= min {
                break;
            }
            holding += u32::from(self.holds(clause, told));
        }
        let holds = holding >= min && max.is_none_or(|max| holding <= max);
        if !holds {
            told.truncate(before);
        }
        holds
    }

    fn list(
        &self,
        (element, list): (ElementId, u16),
        (min, unique): (u32, bool),
        told: &mut Vec<Supporting>,
    ) -> bool {
        let mut seen: Vec<&[u8]> = Vec::new();
        let mut count = 0;
        let mut nearest: Option<(usize, &Hit)> = None;
        let found = self.found;
        for near in self.hits(list) {
            for hit in near {
                if hit.list != list || hit.end > self.window.1 {
                    continue;
                }
                let own = element.index() == self.primary && hit.start < found.end && hit.end > found.start;
                if own || (unique && !is_new(&mut seen, self.text.get(hit.start..hit.end))) {
                    continue;
                }
                count += 1;
                let gap = found.start.saturating_sub(hit.end).max(hit.start.saturating_sub(found.end));
                if nearest.is_none_or(|(least, _)| gap < least) {
                    nearest = Some((gap, hit));
                }
            }
        }
        let holds = count >= min;
        if let (true, Some((_, hit))) = (holds, nearest) {
            told.push(self.supporting(element, hit.start, hit.end));
        }
        holds
    }

    /// The terms in the window, of words and of others, where one may be of this list.
    fn hits(&self, list: u16) -> [&'a [Hit]; 2] {
        let (from, to) = self.window;
        let seen = |words: &Words| words.seen(list, from);
        if !seen(self.words) && !self.strings.is_some_and(seen) {
            return [&[], &[]];
        }
        if let Some(near) = self.near.get() {
            return near;
        }
        let [mut words, mut strings] = self.places.get();
        let others = self.strings.map_or(&[][..], |strings| &strings.hits);
        let near = [words.go_to(&self.words.hits, (from, to)), strings.go_to(others, (from, to))];
        self.places.set([words, strings]);
        self.near.set(Some(near));
        near
    }

    fn expression(&self, element: ElementId, (min, unique): (u32, bool), told: &mut Vec<Supporting>) -> bool {
        let mut seen: Vec<&[u8]> = Vec::new();
        let mut count = 0;
        let mut first = None;
        let mut place = self.window.0;
        while count < min {
            let Some((start, end)) = self.next(element, place) else { break };
            place = end;
            let own = element.index() == self.primary && start < self.found.end && end > self.found.start;
            if own || (unique && !is_new(&mut seen, self.text.get(start..end))) {
                continue;
            }
            count += 1;
            first.get_or_insert((start, end));
        }
        let holds = count >= min;
        if let (true, Some((start, end))) = (holds, first) {
            told.push(self.supporting(element, start, end));
        }
        holds
    }

    /// The next match of an expression from `place` on that lies in the window.
    fn next(&self, element: ElementId, place: usize) -> Option<(usize, usize)> {
        let compiled = self.elements.get(element.index())?;
        let Matcher::Expression(expression) = &compiled.matcher else { return None };
        let boundary = expression.boundary();
        let first = expression.first();
        let mut ends = Ends::default();
        // The first place at which a match may begin that ends beyond the window.
        let mut unsure = self.window.1;
        for start in self.after_absent(element, place)..self.window.1 {
            let byte = *self.text.get(start)?;
            let possible = first.contains(byte)
                && starts_character(self.text, start)
                && starts_well(self.text, start, boundary);
            if !possible {
                continue;
            }
            let final_ends = expression.ends(self.text, start, self.window.1, &mut ends);
            for end in ends.longest_first() {
                let value = expression.value(self.text, start, end);
                if compiled.checks.failing(self.text, value, (start, end)).is_none() {
                    self.note_absent(element, (place, start.min(unsure)));
                    return Some((start, end));
                }
            }
            if !final_ends {
                unsure = unsure.min(start);
            }
        }
        self.note_absent(element, (place, unsure));
        None
    }

    /// The first place from `place` on at which a match may begin, as far as is known.
    fn after_absent(&self, element: ElementId, place: usize) -> usize {
        let absent = self.absent.borrow();
        let (from, to) = absent.get(&element.index()).copied().unwrap_or_default();
        if (from..to).contains(&place) { to } else { place }
    }

    /// Notes that no match begins in a stretch, wherever it may end.
    fn note_absent(&self, element: ElementId, (from, to): (usize, usize)) {
        if to > from {
            let mut absent = self.absent.borrow_mut();
            let known = absent.entry(element.index()).or_default();
            let joins = known.0 <= from && from <= known.1;
            *known = if joins { (known.0, known.1.max(to)) } else { (from, to) };
        }
    }

    fn supporting(&self, element: ElementId, start: usize, end: usize) -> Supporting {
        let gap = if end <= self.found.start {
            self.text.get(end..self.found.start)
        } else {
            self.text.get(self.found.end..start)
        };
        Supporting {
            element,
            start: self.base + start as u64,
            end: self.base + end as u64,
            distance: gap.map_or(0, count) as u64,
        }
    }
}

/// Whether a text, with ASCII case folded, has not been seen.
fn is_new<'a>(seen: &mut Vec<&'a [u8]>, text: Option<&'a [u8]>) -> bool {
    let text = text.unwrap_or_default();
    let new = !seen.iter().any(|known| known.eq_ignore_ascii_case(text));
    if new {
        seen.push(text);
    }
    new
}
