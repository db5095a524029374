//! What one conversation or document shares.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use rustc_hash::FxHashMap;
use zeroize::Zeroizing;

/// Most values that a session numbers, unless told otherwise: 3 MB.
const MOST_VALUES: usize = 65_536;

/// What redactions share so that one value has one replacement: a scope, and the numbers given so far.
///
/// Values are not kept: a number is known by a keyed hash of its type and value, with a key that the session makes up and
/// wipes. Memory is bounded: once `most` values have a number, others are replaced without one, and
/// [`Session::unnumbered`] counts them.
pub struct Session {
    scope: String,
    secret: Zeroizing<[u8; 32]>,
    numbers: FxHashMap<[u8; 16], u32>,
    last: FxHashMap<String, u32>,
    most: usize,
    unnumbered: u64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Session({}, {} values)", self.scope, self.numbers.len())
    }
}

impl Session {
    /// A session in a scope: the tenant, or the tenant and the conversation. Tokens and hashes of one value are the same
    /// within a scope and differ between scopes, and reading a token needs its scope.
    pub fn new(scope: impl Into<String>) -> Session {
        Session {
            scope: scope.into(),
            secret: secret(),
            numbers: FxHashMap::default(),
            last: FxHashMap::default(),
            most: MOST_VALUES,
            unnumbered: 0,
        }
    }

    /// The same with another bound for the values that have a number.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Session {
        self.most = most;
        self
    }

    /// The scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// How many replacements have no number, since the session was full.
    pub fn unnumbered(&self) -> u64 {
        self.unnumbered
    }

    /// The number of a value: the one that it has, or the next one of its type; nothing when the session is full.
    pub(crate) fn number(&mut self, kind: &str, value: &[u8]) -> Option<u32> {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(&(kind.len() as u64).to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(value);
        let mut known = [0; 16];
        hasher.finalize_xof().fill(&mut known);
        if let Some(number) = self.numbers.get(&known) {
            return Some(*number);
        }
        if self.numbers.len() >= self.most {
            self.unnumbered += 1;
            return None;
        }
        let last = self.last.entry(kind.to_owned()).or_default();
        *last += 1;
        self.numbers.insert(known, *last);
        Some(*last)
    }
}

/// A key that another process cannot guess, from the seeds of the standard library's hash maps. It only keeps the hashes
/// in memory from being compared with hashes of guesses, and never leaves the session.
fn secret() -> Zeroizing<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_derive_key("castellan redaction v1: numbers of a session");
    for word in 0..4_u64 {
        hasher.update(&RandomState::new().hash_one(word).to_le_bytes());
    }
    Zeroizing::new(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_bounded() {
        let mut session = Session::new("tenant").at_most(3);
        let numbers = [("A", "x"), ("A", "y"), ("B", "x"), ("A", "x"), ("A", "z"), ("A", "y")]
            .map(|(kind, value)| session.number(kind, value.as_bytes()));
        assert_eq!(numbers, [Some(1), Some(2), Some(1), Some(1), None, Some(2)]);
        assert_eq!(session.unnumbered(), 1);
        assert!(!format!("{session:?}").contains('x'));
    }
}
