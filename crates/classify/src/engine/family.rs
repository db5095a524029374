//! Elements that may begin at any capitalised word: names of streets, firms and people with what follows them.
//!
//! A dozen expressions read the same words there, and nearly always in vain. One automaton for all of them reads those
//! words once and tells which need not be asked. It has more states than can be built, so it grows with the texts.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind, hybrid};
use regex_syntax::hir::Hir;

use crate::engine::byte_set::ByteSet;
use crate::engine::compile::{Matcher, Shared};
use crate::engine::expression::Expression;
use crate::engine::view::Active;

/// Most elements, each of which has a bit.
const MOST: usize = 64;
/// Fewest elements to try at one word for which reading them together pays.
pub(crate) const FEW: u32 = 2;
/// So many such words come by before the automaton is made.
const WORDS: u32 = 64;
/// Bytes that are read: what goes on for longer is asked.
const READ: usize = 64;
/// Largest memory of the states of one thread, in bytes, and how often it may be emptied before it is left alone.
const LARGEST: (usize, usize) = (2 << 20, 8);

type Caches =
    Pool<hybrid::dfa::Cache, Box<dyn Fn() -> hybrid::dfa::Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// The elements of a selection that may begin at any capitalised word.
#[derive(Debug, Default)]
pub(crate) struct Family {
    elements: Vec<usize>,
    words: AtomicU32,
    together: OnceLock<Option<Together>>,
}

/// Their expressions in one automaton; each thread has states of its own.
struct Together {
    dfa: Arc<hybrid::dfa::DFA>,
    caches: Caches,
}

impl std::fmt::Debug for Together {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Together")
    }
}

impl Family {
    /// Those of all elements that are tried without a keyword, and notes the bit of each.
    pub(crate) fn new(shared: &Shared, active: &mut [Active]) -> Family {
        let mut family = Family::default();
        for (place, (element, active)) in shared.elements.iter().zip(active).enumerate() {
            let Matcher::Expression(expression) = &element.matcher else { continue };
            let tried = (active.counted || !active.uses.is_empty()) && active.gate.is_none();
            if tried && family.elements.len() < MOST && begins_with_any_capital(expression.first()) {
                active.family = 1 << family.elements.len();
                family.elements.push(place);
            }
        }
        family
    }

    /// Which of them, by their bits, may match at a place; all where that is not known.
    pub(crate) fn possible(&self, shared: &Shared, text: &[u8], place: usize) -> u64 {
        if self.words.load(Ordering::Relaxed) < WORDS {
            self.words.fetch_add(1, Ordering::Relaxed);
            return u64::MAX;
        }
        let together = self.together.get_or_init(|| Together::new(shared, &self.elements));
        let before = place.checked_sub(1).and_then(|at| text.get(at)).copied();
        let rest = text.get(place..).unwrap_or_default();
        together.as_ref().and_then(|together| together.read(rest, before)).unwrap_or(u64::MAX)
    }
}

impl Together {
    fn new(shared: &Shared, elements: &[usize]) -> Option<Together> {
        let elements = elements.iter().filter_map(|place| shared.elements.get(*place));
        let expressions = elements.map(|element| match &element.matcher {
            Matcher::Expression(expression) => Some(&**expression),
            _ => None,
        });
        let all: Vec<&Hir> = expressions.map(|it| it.map(Expression::hir)).collect::<Option<_>>()?;
        let config = thompson::Config::new()
            .utf8(false)
            .which_captures(thompson::WhichCaptures::None)
            .nfa_size_limit(Some(LARGEST.0));
        let nfa = thompson::Compiler::new().configure(config).build_many_from_hir(&all).ok()?;
        let config = hybrid::dfa::Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(LARGEST.0)
            .minimum_cache_clear_count(Some(LARGEST.1));
        let dfa = Arc::new(hybrid::dfa::DFA::builder().configure(config).build_from_nfa(nfa).ok()?);
        let own = Arc::clone(&dfa);
        let caches = Pool::new(Box::new(move || own.create_cache()) as Box<_>);
        Some(Together { dfa, caches })
    }

    /// The patterns that match at the beginning of a text; nothing where that is not known after a few bytes.
    fn read(&self, text: &[u8], before: Option<u8>) -> Option<u64> {
        let cache = &mut *self.caches.get();
        let begin = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let mut state = self.dfa.start_state(cache, &begin).ok()?;
        let mut matched = 0;
        for byte in text.iter().take(READ) {
            state = self.dfa.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                if state.is_dead() {
                    return Some(matched);
                }
                matched |= self.patterns(cache, state)?;
            }
        }
        if text.len() > READ {
            return None;
        }
        state = self.dfa.next_eoi_state(cache, state).ok()?;
        Some(matched | self.patterns(cache, state)?)
    }

    /// The patterns of a state in which some have matched; nothing where it is none that is known.
    fn patterns(&self, cache: &hybrid::dfa::Cache, state: hybrid::LazyStateID) -> Option<u64> {
        if state.is_quit() || state.is_unknown() {
            return None;
        }
        let count = if state.is_match() { self.dfa.match_len(cache, state) } else { 0 };
        let patterns = (0..count).map(|at| self.dfa.match_pattern(cache, state, at).as_usize());
        Some(patterns.fold(0, |all, pattern| all | 1 << pattern))
    }
}

/// Whether an expression may begin with any capital letter, and with nothing else of ASCII.
fn begins_with_any_capital(first: &ByteSet) -> bool {
    let mut capitals = ByteSet::default();
    capitals.insert_range(b'A', b'Z');
    first.intersection(ByteSet::ASCII) == capitals
}
