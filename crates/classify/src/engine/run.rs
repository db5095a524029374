//! The scan itself: from words to findings.

use std::cell::{Cell, RefCell};

use crate::engine::boundary::{starts_character, starts_well};
use crate::engine::characters::{back, forward};
use crate::engine::compile::{CompiledElement, CompiledPattern, CompiledUse, Matcher, Shared};
use crate::engine::evidence::{Match, Surroundings};
use crate::engine::expression::Expression;
use crate::engine::family::FEW;
use crate::engine::finding::{Explanation, Finding};
use crate::engine::group::{Entry, Needs};
use crate::engine::index::{Gate, Literal};
use crate::engine::marks;
use crate::engine::scanner::Outcome;
use crate::engine::state::{State, Waiting};
use crate::engine::view::{LEAD, View, WIDEST};
use crate::engine::walk::{BEYOND, Event, Tables};
use crate::engine::words::{Kind, SPAN};
use crate::rule::{Boundary, ElementId};

/// Bytes walked before literals and whole-text keywords are searched again.
const SEGMENT: usize = 2_048;

/// How far the walk is ahead of what is tried, so that keywords are known where they are asked for.
const AHEAD: usize = 1_024;

/// Least number of bytes searched for keywords beyond that, so that neighbouring candidates do not search in crumbs.
const STEP: usize = 512;

/// Scans a whole text.
pub(crate) fn scan(shared: &Shared, view: &View, text: &[u8]) -> Outcome {
    explain(shared, view, text).outcome
}

/// Scans a whole text, and tells what is nearly found where the view asks for it.
pub(crate) fn explain(shared: &Shared, view: &View, text: &[u8]) -> Explanation {
    let mut state = view.idle.take(shared, view);
    let mut findings = Vec::new();
    let mut run = Run { shared, view, text, whole: true, state: &mut state, findings: &mut findings };
    run.advance(0, text.len());
    let combinations = run.end();
    let bytes = text.len() as u64;
    let mut misses = std::mem::take(&mut state.misses);
    misses.sort_by_key(|miss| (miss.start, miss.end, miss.detector));
    let outcome = Outcome { findings, combinations, bytes, incomplete: state.overflowed };
    view.idle.give(state);
    Explanation { outcome, misses }
}

/// A stretch of text being scanned.
pub(crate) struct Run<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: &'a View,
    pub(crate) text: &'a [u8],
    /// Whether the text at hand ends where the whole text does.
    pub(crate) whole: bool,
    pub(crate) state: &'a mut State,
    pub(crate) findings: &'a mut Vec<Finding>,
}

impl<'a> Run<'a> {
    /// Finds every match that the words of `text[from..to]` lead to.
    pub(crate) fn advance(&mut self, from: usize, to: usize) {
        let view = self.view;
        let mut place = from;
        while place < to {
            let end = to.min(place + SEGMENT);
            self.look_around(place, end);
            self.literals(place, end);
            self.words_in_either_case(place, end);
            self.everywhere(place, end);
            self.walk(end + AHEAD);
            if view.terms || view.names {
                self.terms(place, end);
            }
            while let Some(event) = self.state.walk.next(end) {
                self.word(&event);
            }
            self.state.walk.forget();
            self.state.words.forget(end.saturating_sub(view.behind));
            self.state.strings.forget(end.saturating_sub(view.behind));
            let known = end.saturating_sub(view.index.before);
            if !view.waits {
                self.release(Some(known));
            }
            self.decide(Some(known));
            place = end;
        }
    }

    /// Walks on up to a place, as far as the text is there.
    fn walk(&mut self, to: usize) {
        let length = self.text.len();
        let beyond = BEYOND.max(self.shared.keywords.longest + 4);
        let most = if self.whole { length } else { length.saturating_sub(beyond) };
        let (from, end) = (self.state.walk.to, to.min(most));
        if end <= from {
            return;
        }
        let (shared, view) = (self.shared, self.view);
        let primaries = [view.names.then_some(&shared.names), view.terms.then_some(&shared.terms)];
        let (index, keywords, filter) = (&view.index, &shared.keywords, &shared.filter);
        let tables = Tables { index, keywords, primaries, filter };
        self.state.fresh.clear();
        self.state.walk.go(&tables, self.text, end, &mut self.state.fresh);
        self.state.words.take((from, end), &self.state.fresh);
    }

    /// Tries the elements that may begin at a word.
    fn word(&mut self, event: &Event) {
        let Some(bucket) = self.view.index.opened(event.bucket()) else { return };
        let (around, index) = (event.around(self.text), &self.view.index);
        let members = bucket.members(&index.profiles, &around);
        for part in 0..members.parts() {
            let (mut free, mut gated) = members.allowed(part, &index.wants, &around);
            let possible = if free.count_ones() >= FEW { self.possible(event.place) } else { u64::MAX };
            while free != 0 {
                if let Some(entry) = members.entry(part, free.trailing_zeros())
                    && self.is_possible(entry, possible)
                {
                    self.entry(entry, event.place, true);
                }
                free &= free - 1;
            }
            if gated != 0 {
                self.follow(event.place);
            }
            while gated != 0 {
                if let Some(entry) = members.entry(part, gated.trailing_zeros()) {
                    self.gated(entry, event.place);
                }
                gated &= gated - 1;
            }
        }
    }

    /// Which elements of the family may match at a word, by their bits.
    fn possible(&self, place: usize) -> u64 {
        if !self.text.get(place).is_some_and(u8::is_ascii_uppercase) {
            return u64::MAX;
        }
        self.view.family.possible(self.shared, self.text, place)
    }

    /// Whether an element is left by what is known of the family at the word.
    #[inline]
    fn is_possible(&self, entry: &Entry, possible: u64) -> bool {
        if possible == u64::MAX || entry.before > 0 {
            return true;
        }
        let bit = self.view.active.get(usize::from(entry.element)).map_or(0, |active| active.family);
        bit == 0 || possible & bit != 0
    }

    /// Counts the keywords around a place.
    fn follow(&mut self, place: usize) {
        let near = self.view.nearby;
        let (from, to) = (place.saturating_sub(LEAD + near), (place + SPAN + near).min(self.text.len()));
        let is_ascii = self.state.ascii.0 <= from && to <= self.state.ascii.1;
        let bytes = if is_ascii { near } else { WIDEST * near };
        let reach = (LEAD + bytes, SPAN + bytes);
        self.cover(Kind::Words, (place.saturating_sub(reach.0), (place + reach.1).min(self.text.len())));
        self.state.words.go_to(place, reach, &self.view.users);
    }

    /// Tries an element that needs a keyword nearby.
    #[inline]
    fn gated(&mut self, entry: &Entry, place: usize) {
        let followed = entry.needs == Needs::Followed;
        if !followed || self.state.words.may_hold(entry.element) {
            self.entry(entry, place, followed);
        }
    }

    #[inline]
    fn entry(&mut self, entry: &Entry, place: usize, open: bool) {
        if let Some(start) = place.checked_sub(usize::from(entry.before)) {
            self.candidate(usize::from(entry.element), start, open);
        }
    }

    /// Whether a keyword of the gate stands in a window.
    fn is_near(&mut self, gate: &Gate, window: (usize, usize)) -> bool {
        self.cover(Kind::Words, window);
        self.state.words.any(gate, window.0, window.1)
    }

    /// A stretch with so many characters before and after it.
    fn window(&self, (start, end): (usize, usize), characters: usize) -> (usize, usize) {
        let (from, to) = (start.saturating_sub(characters), (end + characters).min(self.text.len()));
        if self.state.ascii.0 <= from && to <= self.state.ascii.1 {
            return (from, to);
        }
        (back(self.text, start, characters), forward(self.text, end, characters))
    }

    /// Finds out whether a segment and its surroundings are ASCII, where characters are bytes, and whether they hold what
    /// redaction may have left.
    fn look_around(&mut self, from: usize, to: usize) {
        let (from, to) =
            (from.saturating_sub(self.view.behind), (to + self.view.behind).min(self.text.len()));
        let (known_from, known_to) = self.state.ascii;
        let fresh = if known_from <= from && from <= known_to { known_to.min(to) } else { from };
        let ascii = self.text.get(fresh..to).is_some_and(<[u8]>::is_ascii);
        self.state.ascii = if ascii { (from, to) } else { (to, to) };
        let known = self.state.plain;
        let joins = known.0 <= from && from <= known.1;
        let fresh = if joins { known.1.min(to) } else { from };
        let first = if joins { known.0 } else { from };
        let plain = marks::is_plain(self.text, (fresh, to));
        self.state.plain = if plain { (first, to) } else { (to, to) };
    }

    fn cover(&mut self, kind: Kind, window: (usize, usize)) {
        let text = self.text;
        if kind == Kind::Words {
            if window.1 > self.state.walk.to {
                self.walk(window.1 + STEP);
            }
            let ahead = self.state.walk.to.max(window.1);
            return self.state.words.cover(&self.shared.keywords, text, window, ahead);
        }
        let most =
            if self.whole { text.len() } else { text.len().saturating_sub(self.shared.keywords.longest + 4) };
        let ahead = (window.1 + STEP).min(most.max(window.1));
        self.state.strings.cover(&self.shared.keywords, text, window, ahead);
    }

    fn literals(&mut self, from: usize, to: usize) {
        let (view, text) = (self.view, self.text);
        view.finders.find(text, (from, to), |literal, place| {
            if let Some(literal) = view.index.literals.get(literal) {
                self.around(literal, place);
            }
        });
    }

    fn words_in_either_case(&mut self, from: usize, to: usize) {
        let view = self.view;
        let Some((automaton, longest)) = &view.words else { return };
        let end = (to + longest - 1).min(self.text.len());
        let window = self.text.get(from..end).unwrap_or_default();
        let hits = automaton.find_overlapping_iter(window).map(|hit| (hit.start() + from, hit.pattern()));
        let mut found: Vec<_> = hits.filter(|(place, _)| *place < to).collect();
        found.sort_unstable();
        for (place, pattern) in found {
            if let Some(word) = view.index.words.get(pattern.as_usize()) {
                self.around(word, place);
            }
        }
    }

    /// Tries an element wherever it may begin so that its literal stands at a place.
    fn around(&mut self, literal: &Literal, place: usize) {
        let lowest = place.saturating_sub(literal.farthest);
        let between = self.text.get(lowest..place).unwrap_or_default();
        let run = between.iter().rev().take_while(|byte| literal.before.contains(**byte)).count();
        let element = usize::from(literal.element);
        let boundary = match self.shared.elements.get(element).map(|element| &element.matcher) {
            Some(Matcher::Expression(expression)) => expression.boundary(),
            _ => return,
        };
        let (first, last) = (place - run, place.saturating_sub(literal.nearest));
        let starts = self.text.get(first..last.saturating_add(1)).unwrap_or_default();
        let mut before = first.checked_sub(1).and_then(|at| self.text.get(at)).is_some_and(is_letter);
        for (start, byte) in (first..).zip(starts) {
            // Most places are within words, where hardly any match may begin.
            let letter = is_letter(byte);
            let inside = before && letter;
            before = letter;
            let possible = !inside || matches!(boundary, Boundary::None | Boundary::Subword);
            if possible && self.candidate(element, start, false) {
                break;
            }
        }
    }

    fn everywhere(&mut self, from: usize, to: usize) {
        let view = self.view;
        for (element, first) in &view.index.everywhere {
            for place in from..to {
                if self.text.get(place).is_some_and(|byte| first.contains(*byte)) {
                    self.candidate(usize::from(*element), place, false);
                }
            }
        }
    }

    /// Terms that are primaries themselves, or counted over the document.
    fn terms(&mut self, from: usize, to: usize) {
        let mut hits = self.state.walk.terms(to);
        if self.view.terms && self.shared.terms.has_strings() {
            self.shared.terms.find_strings(self.text, from, to, &mut hits);
            hits.sort_unstable();
        }
        let mut rest = hits.as_slice();
        while let Some(first) = rest.first() {
            // Of terms of one list that begin at one place, the longest comes last.
            let same = rest.iter().take_while(|hit| hit.start == first.start).count();
            let (group, others) = rest.split_at_checked(same).unwrap_or((rest, &[]));
            let mut next = group.iter().map(|hit| hit.list).min();
            while let Some(list) = next {
                next = group.iter().map(|hit| hit.list).filter(|other| *other > list).min();
                let Some(element) = self.shared.lists.get(usize::from(list)).copied() else { continue };
                let ends = group.iter().rev().filter(|hit| hit.list == list).map(|hit| hit.end);
                self.term(element, first.start, ends);
            }
            rest = others;
        }
    }

    fn term(&mut self, element: usize, start: usize, ends: impl Iterator<Item = usize>) {
        let (Some(active), Some(compiled)) =
            (self.view.active.get(element), self.shared.elements.get(element))
        else {
            return;
        };
        if active.uses.is_empty() && !active.counted {
            return;
        }
        for end in ends {
            if self.passes(compiled, (start, end), (start, end)) {
                self.matched(element, Match { start, end, value: (start, end) });
                return;
            }
        }
    }

    /// Tries one element at one place; `open` says that its keywords have been looked for. True when a match was taken.
    fn candidate(&mut self, element: usize, start: usize, open: bool) -> bool {
        let (view, shared) = (self.view, self.shared);
        let (Some(active), Some(compiled)) = (view.active.get(element), shared.elements.get(element)) else {
            return false;
        };
        let Matcher::Expression(expression) = &compiled.matcher else { return false };
        match self.state.untried.get_mut(element) {
            Some(untried) if *untried <= start => *untried = start + 1,
            _ => return false,
        }
        if !starts_character(self.text, start) || !starts_well(self.text, start, expression.boundary()) {
            return false;
        }
        let gate = active.gate.as_ref().filter(|_| !open);
        let Some(gate) = gate else {
            return self.find(element, expression, start).is_some_and(|found| self.matched(element, found));
        };
        // Where the keywords around are not known yet, an expression that fails is cheaper than finding them.
        let end = (start + expression.longest).min(self.text.len());
        let window = self.window((start, end), active.characters);
        if self.state.words.knows(window) {
            self.is_near(gate, window)
                && self.find(element, expression, start).is_some_and(|found| self.matched(element, found))
        } else {
            let found = self.find(element, expression, start);
            found.is_some_and(|found| self.is_near(gate, window) && self.matched(element, found))
        }
    }

    /// The match of an expression at a place: the longest end that passes the checks.
    #[inline]
    fn find(&mut self, element: usize, expression: &Expression, start: usize) -> Option<Match> {
        expression.ends(self.text, start, self.text.len(), &mut self.state.ends);
        if self.state.ends.is_empty() {
            return None;
        }
        self.longest(element, expression, start)
    }

    /// The longest of the ends at hand whose match passes the checks. Most expressions have no end, and never come here.
    #[inline(never)]
    fn longest(&mut self, element: usize, expression: &Expression, start: usize) -> Option<Match> {
        let compiled = self.shared.elements.get(element)?;
        let found = self.state.ends.longest_first().find_map(|end| {
            let value = expression.value(self.text, start, end);
            self.passes(compiled, value, (start, end)).then_some(Match { start, end, value })
        });
        if found.is_none() && self.view.explain {
            let longest = self.state.ends.longest_first().next()?;
            let value = expression.value(self.text, start, longest);
            let check = compiled.checks.failing(self.text, value, (start, longest))?;
            self.missed_by_check(element, value, check);
        }
        found
    }

    /// Whether a match passes the checks of its element, and is not what redaction left.
    fn passes(&self, compiled: &CompiledElement, value: (usize, usize), whole: (usize, usize)) -> bool {
        compiled.checks.failing(self.text, value, whole).is_none()
            && !self.shared.marks.cover(self.text, value, self.state.plain)
    }

    /// Judges a match for every detector that uses the element. True when one took it.
    fn matched(&mut self, element: usize, found: Match) -> bool {
        let (view, shared) = (self.view, self.shared);
        let Some(active) = view.active.get(element) else { return false };
        if active.counted {
            self.count(element, found);
        }
        let mut taken = false;
        let mut all = !active.counted;
        for place in &active.uses {
            let free = self.state.allowed.get(*place).is_some_and(|allowed| *allowed <= found.start);
            let Some(used) = shared.uses.get(*place).filter(|_| free) else {
                all = false;
                continue;
            };
            let told = match used.proximity {
                Some(characters) => self.judge(used, found, characters),
                None => {
                    self.pend(*place, found);
                    true
                }
            };
            all &= told;
            if told && let Some(allowed) = self.state.allowed.get_mut(*place) {
                *allowed = found.end;
                taken = true;
            }
        }
        if all && let Some(untried) = self.state.untried.get_mut(element) {
            *untried = found.end;
        }
        taken
    }

    fn judge(&mut self, used: &CompiledUse, found: Match, characters: usize) -> bool {
        let mut window = (0, 0);
        if used.patterns.iter().any(|pattern| !pattern.clauses.is_empty()) {
            window = self.window((found.start, found.end), characters);
            self.cover(Kind::Words, window);
            if used.strings {
                self.cover(Kind::Strings, window);
            }
        }
        let surroundings = Surroundings {
            elements: &self.shared.elements,
            text: self.text,
            base: self.state.base,
            primary: used.element,
            found,
            window,
            absent: RefCell::new(std::mem::take(&mut self.state.absent)),
            words: &self.state.words,
            strings: used.strings.then_some(&self.state.strings),
            near: Cell::new(None),
            places: Cell::new(self.state.stretches),
        };
        let mut evidence = std::mem::take(&mut self.state.evidence);
        let holding = self.patterns(used).find(|pattern| {
            evidence.clear();
            pattern.clauses.iter().all(|clause| surroundings.holds(clause, &mut evidence))
        });
        let explains = self.view.explain && holding.is_none();
        let lacking = explains.then(|| self.least_lacking(used, &surroundings)).flatten();
        self.state.stretches = surroundings.places.get();
        self.state.absent = surroundings.absent.into_inner();
        // Findings have just as much memory as their evidence takes.
        let told = if holding.is_some() { evidence.clone() } else { Vec::new() };
        self.state.evidence = evidence;
        let Some(pattern) = holding else {
            if let Some(reason) = lacking {
                self.miss(used, found.value, reason);
            }
            return false;
        };
        let (start, end) = self.state.offsets(self.text, found.value);
        let finding = Finding {
            detector: used.detector,
            pattern: pattern.place,
            confidence: pattern.confidence,
            primary: ElementId::new(used.element),
            start,
            end,
            evidence: told,
        };
        self.state.wait(Waiting::new(finding, found.value.1));
        true
    }

    pub(super) fn patterns<'b>(
        &self,
        used: &'b CompiledUse,
    ) -> impl Iterator<Item = &'b CompiledPattern> + use<'b> {
        let least = self.view.min_confidence;
        used.patterns.iter().filter(move |pattern| pattern.confidence >= least)
    }
}

/// Whether a byte is a letter or digit of ASCII.
fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
}
