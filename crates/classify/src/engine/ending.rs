//! Automata that tell where matches end that begin at a given place.
//!
//! One that is built as a whole is fastest. Building one of more than a few kilobytes takes as long as running it a
//! thousand times does, so states are at first made when a text needs them. Where the whole would take more than
//! [`LARGEST_DFA`] bytes, as for `key.{0,90}end` with its many ways to be within both, it stays at that, and states are
//! kept up to the same size.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::dfa::dense;
use regex_automata::hybrid;
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::pool::Pool;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use crate::engine::table::Table;

/// Largest automaton that is built as a whole when it is first needed, in bytes. One of 64 KiB takes a millisecond, which
/// most of those that a process of a few seconds needs never earn.
const LARGEST_WHOLE: usize = 8 << 10;
/// Largest automaton, in bytes.
pub(crate) const LARGEST_DFA: usize = 4 << 20;

type Caches =
    Pool<hybrid::dfa::Cache, Box<dyn Fn() -> hybrid::dfa::Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// The automaton of one expression.
pub(crate) enum Ending {
    /// Built as a whole.
    Whole(Box<Table>),
    /// Grows with the texts; each thread has states of its own.
    Growing { dfa: Arc<hybrid::dfa::DFA>, caches: Caches },
}

impl Ending {
    /// The automaton of an expression; `None` where even its first form is too large. `lazy` is whether one end is
    /// preferred.
    pub(crate) fn new(hir: &Hir, lazy: bool) -> Option<Ending> {
        let nfa = compiled(hir)?;
        let kind = if lazy { MatchKind::LeftmostFirst } else { MatchKind::All };
        match whole(&nfa, kind, LARGEST_WHOLE) {
            Some(dfa) => Ending::of(&dfa, hir),
            None => growing(nfa, kind),
        }
    }

    /// The same built as a whole, where that takes at most [`LARGEST_DFA`] bytes.
    pub(crate) fn whole(hir: &Hir, lazy: bool) -> Option<Ending> {
        let kind = if lazy { MatchKind::LeftmostFirst } else { MatchKind::All };
        let dfa = whole(&compiled(hir)?, kind, LARGEST_DFA)?;
        Ending::of(&dfa, hir)
    }

    fn of(dfa: &dense::DFA<Vec<u32>>, hir: &Hir) -> Option<Ending> {
        let depends = !hir.properties().look_set_prefix_any().is_empty();
        Some(Ending::Whole(Box::new(Table::new(dfa, depends)?)))
    }

    /// Whether its states are made when they are needed.
    pub(crate) fn is_growing(&self) -> bool {
        matches!(self, Ending::Growing { .. })
    }

    /// Whether all its states would take more than [`LARGEST_DFA`] bytes, so that texts can fill and empty its cache.
    /// Finding out builds it as a whole.
    pub(crate) fn is_large(&self, hir: &Hir, lazy: bool) -> bool {
        self.is_growing() && Ending::whole(hir, lazy).is_none()
    }

    /// Tells the ends of matches that begin at `start` and end by `last`, ascending. True when no longer one can follow.
    #[inline]
    pub(crate) fn ends(
        &self,
        text: &[u8],
        (start, last): (usize, usize),
        mut tell: impl FnMut(usize),
    ) -> bool {
        // The automaton tells a match one byte late, so one byte after the longest match is read too.
        let window = text.get(start..last.saturating_add(1).min(text.len())).unwrap_or_default();
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
        match self {
            Ending::Whole(table) => {
                let Some(state) = table.run(window, before, |offset| tell(start + offset)) else {
                    return true;
                };
                if last == text.len() && table.ends_in(state) {
                    tell(last);
                }
                false
            }
            Ending::Growing { dfa, caches } => {
                let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
                let Some(ended) =
                    grow(dfa, &mut caches.get(), &config, window, |offset| tell(start + offset))
                else {
                    return true;
                };
                if last == text.len() && ended {
                    tell(last);
                }
                false
            }
        }
    }
}

/// Runs an automaton that grows over a text, as [`Table::run`] does. Whether a match ends where the text does; nothing when
/// none can follow.
#[inline(never)]
fn grow(
    dfa: &hybrid::dfa::DFA,
    cache: &mut hybrid::dfa::Cache,
    begin: &start::Config,
    text: &[u8],
    mut tell: impl FnMut(usize),
) -> Option<bool> {
    // The cache is emptied when it is full and never gives up, so there is always a next state.
    let mut state = dfa.start_state(cache, begin).ok()?;
    for (offset, byte) in text.iter().enumerate() {
        state = dfa.next_state(cache, state, *byte).ok()?;
        if state.is_match() {
            tell(offset);
        } else if state.is_dead() || state.is_quit() {
            return None;
        }
    }
    Some(dfa.next_eoi_state(cache, state).is_ok_and(|state| state.is_match()))
}

fn compiled(hir: &Hir) -> Option<NFA> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(thompson::WhichCaptures::None)
        .nfa_size_limit(Some(LARGEST_DFA));
    thompson::Compiler::new().configure(config).build_from_hir(hir).ok()
}

fn whole(nfa: &NFA, kind: MatchKind, largest: usize) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .start_kind(regex_automata::dfa::StartKind::Anchored)
        .match_kind(kind)
        .accelerate(false)
        .minimize(false)
        .dfa_size_limit(Some(largest))
        .determinize_size_limit(Some(2 * largest));
    dense::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

fn growing(nfa: NFA, kind: MatchKind) -> Option<Ending> {
    let config = hybrid::dfa::Config::new()
        .match_kind(kind)
        .cache_capacity(LARGEST_DFA)
        .minimum_cache_clear_count(None);
    let dfa = Arc::new(hybrid::dfa::DFA::builder().configure(config).build_from_nfa(nfa).ok()?);
    let shared = Arc::clone(&dfa);
    let caches = Pool::new(Box::new(move || shared.create_cache()) as Box<_>);
    Some(Ending::Growing { dfa, caches })
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::{Ending, LARGEST_DFA, growing};
    use regex_automata::MatchKind;
    use regex_automata::nfa::thompson;

    fn ends(ending: &Ending, text: &str) -> Vec<usize> {
        let mut all = Vec::new();
        ending.ends(text.as_bytes(), (0, text.len()), |end| all.push(end));
        all
    }

    /// Both automata give the same ends.
    fn check(pattern: &str, lazy: bool, texts: &[&str]) {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let whole = Ending::new(&hir, lazy).unwrap();
        assert!(matches!(whole, Ending::Whole(_)));
        let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(LARGEST_DFA));
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(&hir).unwrap();
        let kind = if lazy { MatchKind::LeftmostFirst } else { MatchKind::All };
        let growing = growing(nfa, kind).unwrap();
        for text in texts {
            assert_eq!(ends(&whole, text), ends(&growing, text), "{pattern} on {text}");
        }
    }

    #[test]
    fn both_kinds_agree() {
        check("a[ab]{0,9}b", false, &["abab", "b", "aab b", "abababababababab", ""]);
        check("a[ab]{0,9}?b", true, &["aaabab", "b", "aab b"]);
        check(r"\bkey\b=?", false, &["key", "key=", "keys", "key ="]);
        check("ab(?:c|$)", false, &["ab", "abc", "abd"]);
    }

    #[test]
    fn what_is_too_large_grows() {
        let pattern = "(?:key|k)[a-z =]{0,90}(?:end|e)[a-z=]{0,90}[ =]{0,50}x";
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let ending = Ending::new(&hir, false).unwrap();
        assert!(ending.is_large(&hir, false));
        assert_eq!(ends(&ending, "key is the end=a = x, x"), [20]);
    }
}
