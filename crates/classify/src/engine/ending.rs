//! Automata that tell where matches end that begin at a given place.
//!
//! One that is built as a whole is fastest. Where that would take more than [`LARGEST_DFA`] bytes, as for `key.{0,90}end`
//! with its many ways to be within both, states are made when a text first needs them and kept up to the same size.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::hybrid;
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::pool::Pool;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

/// Largest automaton that is built as a whole when it is first needed, in bytes: what is larger takes milliseconds, of which
/// the first text would have to wait for dozens.
const LARGEST_WHOLE: usize = 64 << 10;
/// Largest automaton, in bytes.
pub(crate) const LARGEST_DFA: usize = 4 << 20;

type Caches =
    Pool<hybrid::dfa::Cache, Box<dyn Fn() -> hybrid::dfa::Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// The automaton of one expression.
#[expect(clippy::large_enum_variant, reason = "it is boxed as a whole")]
pub(crate) enum Ending {
    /// Built as a whole.
    Whole {
        dfa: dense::DFA<Vec<u32>>,
        /// The state it begins in, where that does not depend on what stands before.
        start: Option<StateID>,
    },
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
            Some(dfa) => Some(Ending::of(dfa, hir)),
            None => growing(nfa, kind),
        }
    }

    /// The same built as a whole, where that takes at most [`LARGEST_DFA`] bytes.
    pub(crate) fn whole(hir: &Hir, lazy: bool) -> Option<Ending> {
        let kind = if lazy { MatchKind::LeftmostFirst } else { MatchKind::All };
        let dfa = whole(&compiled(hir)?, kind, LARGEST_DFA)?;
        Some(Ending::of(dfa, hir))
    }

    fn of(dfa: dense::DFA<Vec<u32>>, hir: &Hir) -> Ending {
        let depends = !hir.properties().look_set_prefix_any().is_empty();
        let config = start::Config::new().anchored(Anchored::Yes);
        let start = if depends { None } else { dfa.start_state(&config).ok() };
        Ending::Whole { dfa, start }
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
    pub(crate) fn ends(
        &self,
        text: &[u8],
        (start, last): (usize, usize),
        mut tell: impl FnMut(usize),
    ) -> bool {
        // The automaton tells a match one byte late, so one byte after the longest match is read too.
        let window = text.get(start..last.saturating_add(1).min(text.len())).unwrap_or_default();
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
        let begin = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        match self {
            Ending::Whole { dfa, start: known } => {
                let Some(mut state) = known.or_else(|| dfa.start_state(&begin).ok()) else { return true };
                for (offset, byte) in window.iter().enumerate() {
                    state = dfa.next_state(state, *byte);
                    if dfa.is_special_state(state) {
                        if dfa.is_match_state(state) {
                            tell(start + offset);
                        } else if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
                            return true;
                        }
                    }
                }
                if last == text.len() && dfa.is_match_state(dfa.next_eoi_state(state)) {
                    tell(last);
                }
            }
            Ending::Growing { dfa, caches } => {
                let mut cache = caches.get();
                let Ok(mut state) = dfa.start_state(&mut cache, &begin) else { return true };
                for (offset, byte) in window.iter().enumerate() {
                    // The cache is emptied when it is full and never gives up, so there is always a next state.
                    let Ok(next) = dfa.next_state(&mut cache, state, *byte) else { return true };
                    state = next;
                    if state.is_match() {
                        tell(start + offset);
                    } else if state.is_dead() || state.is_quit() {
                        return true;
                    }
                }
                let ended = dfa.next_eoi_state(&mut cache, state).is_ok_and(|state| state.is_match());
                if last == text.len() && ended {
                    tell(last);
                }
            }
        }
        false
    }
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
        assert!(matches!(whole, Ending::Whole { .. }));
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
