//! A small automaton of an expression's first bytes, from which its anchor is worked out.
//!
//! It takes more texts than the expression does, never fewer: assertions are ignored, long repetitions become loops, and
//! what lies far from the beginning is not there. That is right for a filter, since the expression itself has the last
//! word.

use std::cell::OnceCell;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::engine::byte_set::ByteSet;

/// How many bytes from the beginning matter. Lengths of tokens are told apart up to here.
pub(crate) const HORIZON: usize = 136;

/// Most states. An expression that needs more has its repetitions shortened.
const MOST_STATES: usize = 20_000;

type StateId = u32;

#[derive(Debug)]
enum State {
    /// One byte of the set.
    Bytes(ByteSet, StateId),
    /// Any of these, without a byte.
    Split(Vec<StateId>),
    /// The expression has matched.
    Match,
}

/// States in which an automaton may be, closed under moves without a byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct States(Vec<StateId>);

impl States {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is just one.
    pub(crate) fn is_single(&self) -> bool {
        self.0.len() == 1
    }

    /// Adds the states of `other`.
    pub(crate) fn merge(&mut self, other: &States) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_unstable();
        self.0.dedup();
    }
}

/// The automaton.
#[derive(Debug)]
pub(crate) struct Program {
    states: Vec<State>,
    start: StateId,
    /// By state: where it leads without a byte, worked out when it is first asked for.
    closures: Vec<OnceCell<Vec<StateId>>>,
}

impl Program {
    /// The automaton of an expression; `None` where even its short form has too many states.
    pub(crate) fn new(hir: &Hir) -> Option<Program> {
        [HORIZON, 26, 6].into_iter().find_map(|horizon| {
            let mut builder = Builder { states: vec![State::Match], horizon };
            let start = builder.build(hir, 0, 0)?;
            let closures = vec![OnceCell::new(); builder.states.len()];
            Some(Program { states: builder.states, start, closures })
        })
    }

    /// Where the automaton begins.
    pub(crate) fn start(&self) -> States {
        self.close([self.start])
    }

    /// Where it may be after one byte of `set`.
    pub(crate) fn step(&self, from: &States, set: ByteSet) -> States {
        let targets = from.0.iter().filter_map(|id| match self.state(*id)? {
            State::Bytes(bytes, next) if !bytes.intersection(set).is_empty() => Some(*next),
            _ => None,
        });
        self.close(targets)
    }

    /// The bytes on which it can move.
    pub(crate) fn bytes(&self, from: &States) -> ByteSet {
        from.0.iter().fold(ByteSet::default(), |all, id| match self.state(*id) {
            Some(State::Bytes(bytes, _)) => all.union(*bytes),
            _ => all,
        })
    }

    /// Whether the expression may have matched.
    pub(crate) fn matches(&self, states: &States) -> bool {
        states.0.iter().any(|id| matches!(self.state(*id), Some(State::Match)))
    }

    fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(usize::try_from(id).ok()?)
    }

    /// Those of the states from which a byte of `set` leads on; with `ended`, also those in which the expression has
    /// matched.
    pub(crate) fn leaving(&self, states: &States, set: ByteSet, ended: bool) -> States {
        let leaves = |id: &StateId| match self.state(*id) {
            Some(State::Bytes(bytes, _)) => !bytes.intersection(set).is_empty(),
            Some(State::Match) => ended,
            _ => false,
        };
        States(states.0.iter().copied().filter(leaves).collect())
    }

    /// Those of the states from which a byte of `set` leads to one of the targets, and those bytes.
    pub(crate) fn into(&self, from: &States, set: ByteSet, targets: &States) -> (States, ByteSet) {
        let mut sources = States::default();
        let mut taken = ByteSet::default();
        for id in &from.0 {
            let Some(State::Bytes(bytes, next)) = self.state(*id) else { continue };
            let bytes = bytes.intersection(set);
            let reaches = |id: &StateId| targets.0.binary_search(id).is_ok();
            if !bytes.is_empty() && self.closure(*next).iter().any(reaches) {
                sources.0.push(*id);
                taken = taken.union(bytes);
            }
        }
        (sources, taken)
    }

    fn close(&self, from: impl IntoIterator<Item = StateId>) -> States {
        let mut found = Vec::new();
        from.into_iter().for_each(|id| found.extend_from_slice(self.closure(id)));
        found.sort_unstable();
        found.dedup();
        States(found)
    }

    /// The states that take a byte or are a match, to which one leads without a byte.
    fn closure(&self, id: StateId) -> &[StateId] {
        let known = self.closures.get(id as usize);
        known.map_or(&[], |known| known.get_or_init(|| self.work_out(id)))
    }

    fn work_out(&self, id: StateId) -> Vec<StateId> {
        let mut stack = vec![id];
        let mut splits: Vec<StateId> = Vec::new();
        let mut found = Vec::new();
        while let Some(id) = stack.pop() {
            match self.state(id) {
                Some(State::Split(targets)) if !splits.contains(&id) => {
                    splits.push(id);
                    stack.extend_from_slice(targets);
                }
                Some(State::Split(_)) | None => {}
                Some(_) => found.push(id),
            }
        }
        found
    }
}

struct Builder {
    states: Vec<State>,
    horizon: usize,
}

impl Builder {
    fn push(&mut self, state: State) -> Option<StateId> {
        if self.states.len() >= MOST_STATES {
            return None;
        }
        self.states.push(state);
        StateId::try_from(self.states.len() - 1).ok()
    }

    /// States for `hir` that go on to `next`. `offset` is the least number of bytes before it.
    fn build(&mut self, hir: &Hir, next: StateId, offset: usize) -> Option<StateId> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(next),
            HirKind::Literal(literal) => literal.0.iter().rev().try_fold(next, |target, byte| {
                let mut set = ByteSet::default();
                set.insert(*byte);
                self.push(State::Bytes(set, target))
            }),
            HirKind::Class(class) => self.class(class, next),
            HirKind::Capture(capture) => self.build(&capture.sub, next, offset),
            HirKind::Concat(parts) => self.concat(parts, next, offset),
            HirKind::Alternation(parts) => {
                let mut targets = Vec::with_capacity(parts.len());
                for part in parts {
                    targets.push(self.build(part, next, offset)?);
                }
                self.push(State::Split(targets))
            }
            HirKind::Repetition(repetition) => {
                let min = usize::try_from(repetition.min).ok()?;
                let max = repetition.max.and_then(|max| usize::try_from(max).ok());
                self.repetition(&repetition.sub, (min, max), next, offset)
            }
        }
    }

    fn class(&mut self, class: &Class, next: StateId) -> Option<StateId> {
        let Class::Bytes(class) = class else { return self.unicode(class, next) };
        let mut set = ByteSet::default();
        for range in class.ranges() {
            set.insert_range(range.start(), range.end());
        }
        self.push(State::Bytes(set, next))
    }

    /// A class of characters: those of one byte, or two to four bytes from 128 on.
    fn unicode(&mut self, class: &Class, next: StateId) -> Option<StateId> {
        let Class::Unicode(class) = class else { return Some(next) };
        let mut ascii = ByteSet::default();
        let mut wide = false;
        for range in class.ranges() {
            let (start, end) = (u32::from(range.start()), u32::from(range.end()));
            wide |= end >= 128;
            if let (Ok(first), Ok(last)) = (u8::try_from(start.min(128)), u8::try_from(end.min(127))) {
                (first..=last).for_each(|byte| ascii.insert(byte));
            }
        }
        let mut targets = vec![self.push(State::Bytes(ascii, next))?];
        if wide {
            let high = high_bytes();
            let mut target = next;
            for length in 0..4 {
                target = self.push(State::Bytes(high, target))?;
                if length > 0 {
                    targets.push(target);
                }
            }
        }
        self.push(State::Split(targets))
    }

    fn concat(&mut self, parts: &[Hir], next: StateId, offset: usize) -> Option<StateId> {
        let mut offsets = Vec::with_capacity(parts.len());
        let mut position = offset;
        for part in parts {
            offsets.push(position);
            position = position.saturating_add(part.properties().minimum_len().unwrap_or(0));
        }
        let mut target = next;
        for (part, position) in parts.iter().zip(offsets).rev() {
            // What lies beyond the horizon does not matter; a match is assumed there.
            target = if position > self.horizon { 0 } else { self.build(part, target, position)? };
        }
        Some(target)
    }

    fn repetition(
        &mut self,
        sub: &Hir,
        (min, max): (usize, Option<usize>),
        next: StateId,
        offset: usize,
    ) -> Option<StateId> {
        let optional = max.map(|max| max.saturating_sub(min)).filter(|optional| *optional <= self.horizon);
        let mut target = match optional {
            Some(optional) => {
                let mut target = next;
                for _ in 0..optional {
                    let body = self.build(sub, target, offset)?;
                    target = self.push(State::Split(vec![body, next]))?;
                }
                target
            }
            None => {
                let split = self.push(State::Split(Vec::new()))?;
                let body = self.build(sub, split, offset)?;
                if let Some(State::Split(targets)) = self.states.get_mut(usize::try_from(split).ok()?) {
                    *targets = vec![body, next];
                }
                split
            }
        };
        let length = sub.properties().minimum_len().unwrap_or(0).max(1);
        let copies = min.min(self.horizon.saturating_sub(offset) / length + 1);
        if copies < min {
            target = 0;
        }
        for _ in 0..copies {
            target = self.build(sub, target, offset)?;
        }
        Some(target)
    }
}

/// Bytes from 128 on.
fn high_bytes() -> ByteSet {
    let mut set = ByteSet::default();
    set.insert_range(128, 255);
    set
}
