//! Tokens that were got for servers behind, kept for as long as they are good.

use std::collections::HashMap;

use castellan_base::Ticks;
use sha2::{Digest, Sha256};

use super::{Answered, Secret, Subject};

/// Seconds before its end at which a token is used no more.
const MARGIN: i64 = 60;

/// Whose token for what. Two principals never share one, nor do two tokens of one principal, whose rights may differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who asks.
    pub principal: String,
    /// The server behind.
    pub upstream: String,
    /// The scopes, sorted.
    pub scopes: Vec<String>,
    subject: [u8; 32],
}

impl Key {
    /// A key.
    #[must_use]
    pub fn new(principal: &str, upstream: &str, scopes: &[String], subject: Option<&Subject>) -> Key {
        let mut scopes = scopes.to_vec();
        scopes.sort();
        let token = subject.map(|subject| subject.token.expose()).unwrap_or_default();
        let subject = Sha256::digest(token.as_bytes()).into();
        Key { principal: principal.to_owned(), upstream: upstream.to_owned(), scopes, subject }
    }
}

/// A token and its end.
#[derive(Clone, Debug)]
pub struct Cached {
    /// The token.
    pub token: Secret,
    until: i64,
}

/// The tokens.
#[derive(Debug)]
pub struct TokenCache {
    most: usize,
    tokens: HashMap<Key, Cached>,
}

impl TokenCache {
    /// Room for this many tokens.
    #[must_use]
    pub fn new(most: usize) -> TokenCache {
        TokenCache { most, tokens: HashMap::new() }
    }

    /// The token, if it is good for another minute.
    #[must_use]
    pub fn get(&self, key: &Key, now: Ticks) -> Option<&Secret> {
        let cached = self.tokens.get(key).filter(|cached| cached.until > now.get())?;
        Some(&cached.token)
    }

    /// Keeps a token. `subject_until` is when the token ends that it was exchanged for: it is not used longer than that.
    pub fn put(&mut self, key: Key, answered: &Answered, subject_until: Option<Ticks>, now: Ticks) {
        let margin = MARGIN * Ticks::PER_SECOND;
        let own = now.get().saturating_add(answered.seconds.saturating_mul(Ticks::PER_SECOND));
        let until = subject_until.map_or(own, |end| own.min(end.get())).saturating_sub(margin);
        if self.tokens.len() >= self.most && !self.tokens.contains_key(&key) {
            self.tokens.retain(|_, cached| cached.until > now.get());
            let first = self.tokens.iter().min_by_key(|(_, cached)| cached.until).map(|(key, _)| key.clone());
            if let Some(first) = first.filter(|_| self.tokens.len() >= self.most) {
                self.tokens.remove(&first);
            }
        }
        if until > now.get() && self.most > 0 {
            self.tokens.insert(key, Cached { token: answered.token.clone(), until });
        }
    }

    /// Forgets all tokens of a principal, or of a server behind.
    pub fn forget(&mut self, principal: Option<&str>, upstream: Option<&str>) {
        self.tokens.retain(|key, _| {
            let is_meant = principal.is_none_or(|principal| key.principal == principal)
                && upstream.is_none_or(|upstream| key.upstream == upstream);
            !is_meant
        });
    }
}
