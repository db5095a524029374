//! What the looks at a request and at its answer share: numbers of replaced values, and tokens with what they stand for.
//!
//! *Invariant (only what was asked with):* a token is turned back only in the answer to the request whose prompt had its
//! value, so only for whoever sent that value, and only where every rule that made it says so. Nothing outlasts the request.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use castellan_classify::redact::Session;
use castellan_shield::Shield;
use castellan_shield::second::Allowance;
use castellan_wire::edit::Edit;
use castellan_wire::json::quoted;
use zeroize::Zeroizing;

/// Most tokens that are remembered of a request; those beyond are not turned back.
const MOST: usize = 16_384;

/// What is shared.
#[derive(Debug)]
pub struct Memory {
    pub(super) session: Session,
    vault: Vault,
    /// The time that a second tier has left for the request and its answer; nothing until it is asked for.
    allowance: Option<Arc<Allowance>>,
    is_answer: bool,
    /// Tokens that were put in.
    pub(crate) made: usize,
    /// Values that were given back.
    pub(crate) restored: usize,
}

/// Tokens with what they stand for.
#[derive(Default)]
struct Vault {
    kept: Vec<Kept>,
    by_token: HashMap<String, usize>,
    finder: Option<AhoCorasick>,
    longest: usize,
}

struct Kept {
    token: String,
    value: Zeroizing<String>,
    restores: bool,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Vault({} tokens)", self.kept.len())
    }
}

impl Memory {
    /// An empty one. In a scope (a principal's, or a conversation's) one value has one token.
    pub fn new(scope: impl Into<String>) -> Memory {
        Memory {
            session: Session::new(scope),
            vault: Vault::default(),
            allowance: None,
            is_answer: false,
            made: 0,
            restored: 0,
        }
    }

    /// The time that a second tier has for all texts that this is asked with.
    pub(super) fn allowance(&mut self, shield: &Shield) -> Arc<Allowance> {
        Arc::clone(self.allowance.get_or_insert_with(|| Arc::new(shield.allowance())))
    }

    /// Says whether the next texts are those of an answer.
    pub(crate) fn answering(&mut self, is_answer: bool) {
        self.is_answer = is_answer;
    }

    /// Whether an answer may have to be changed for tokens of its request.
    pub(crate) fn has_tokens(&self) -> bool {
        !self.vault.kept.is_empty()
    }

    /// Bytes of the longest token that may come back; 0 where none may.
    pub(super) fn longest(&self) -> usize {
        self.vault.longest
    }

    /// Remembers a token. One that stands for two values stands for none.
    pub(super) fn keep(&mut self, token: &str, value: &str, restores: bool) {
        self.made += 1;
        let vault = &mut self.vault;
        if let Some(known) = vault.by_token.get(token).and_then(|at| vault.kept.get_mut(*at)) {
            known.restores &= restores && *known.value == *value;
            return;
        }
        if token.is_empty() || vault.kept.len() >= MOST {
            return;
        }
        if restores {
            vault.longest = vault.longest.max(token.len());
        }
        vault.finder = None;
        vault.by_token.insert(token.to_owned(), vault.kept.len());
        vault.kept.push(Kept { token: token.to_owned(), value: value.to_owned().into(), restores });
    }

    /// Where tokens stand in a text, each with its number.
    pub(super) fn tokens(&mut self, text: &str) -> Vec<(Range<usize>, usize)> {
        let vault = &mut self.vault;
        if vault.kept.is_empty() {
            return Vec::new();
        }
        if vault.finder.is_none() {
            let tokens = vault.kept.iter().map(|kept| kept.token.as_bytes());
            vault.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(tokens).ok();
        }
        let found = vault.finder.iter().flat_map(|finder| finder.find_iter(text.as_bytes()));
        let found = found.map(|found| (found.range(), found.pattern().as_usize()));
        found.filter(|(range, _)| stands_alone(text, range)).collect()
    }

    /// The values of an answer's tokens, as changes; none in what is no answer.
    pub(super) fn restore(&mut self, tokens: &[(Range<usize>, usize)], is_json: bool) -> Vec<Edit> {
        if !self.is_answer {
            return Vec::new();
        }
        let edit = |(range, number): &(Range<usize>, usize)| {
            let kept = self.vault.kept.get(*number).filter(|kept| kept.restores)?;
            let replacement = if is_json { escaped(&kept.value) } else { kept.value.to_string() };
            Some(Edit { range: range.clone(), replacement })
        };
        tokens.iter().filter_map(edit).collect()
    }
}

/// A value as it stands within a string of JSON.
fn escaped(value: &str) -> String {
    let quoted = quoted(value);
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// Whether no letter or digit is joined to what begins and ends with one: that would be another word.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    let last = range.end.checked_sub(1).and_then(|at| bytes.get(at));
    let is_joined = (is_part(before) && is_part(bytes.get(range.start)))
        || (is_part(bytes.get(range.end)) && is_part(last));
    !is_joined
}

#[cfg(test)]
mod tests {
    use castellan_wire::edit::applied;

    use super::*;

    #[test]
    fn tokens_come_back_only_where_every_rule_says_so() {
        let mut memory = Memory::new("t");
        memory.keep("4929-1", "4111-1", true);
        memory.keep("B-77", "say \"hi\"", true);
        memory.keep("B-78", "secret", false);
        memory.keep("<P>", "ann", true);
        memory.keep("<P>", "bob", true);
        let text = "4929-1, 14929-1, B-77 B-78 <P>";
        let found = memory.tokens(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(memory.restore(&found, false).is_empty(), "a request gets nothing back");
        memory.answering(true);
        let plain = applied(text, memory.restore(&found, false)).unwrap();
        assert_eq!(plain, "4111-1, 14929-1, say \"hi\" B-78 <P>");
        let json = applied(text, memory.restore(&found, true)).unwrap();
        assert!(json.contains("say \\\"hi\\\""));
        assert!(!format!("{memory:?}").contains("4111"));
    }
}
