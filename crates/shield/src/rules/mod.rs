//! Attack rules as data.
//!
//! A rule has words of which one must stand in the text, an expression that is then tried around that word, and a
//! weight. Rules of one family (forged role tokens, instruction overrides, ...) are one signal of the model: the largest
//! weight that matched. So a rule alone decides nothing, and what rules say is weighed as everything else.
//!
//! Rules are YAML in `content/shield/rules`, described there, each with texts that it must match and must not match.

mod find;
mod read;

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;

pub use find::Hit;
pub use read::read;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Unique, in kebab case.
    pub id: String,
    /// Which family: an index into [`Rules::families`].
    pub family: usize,
    /// 0.5 for a hint, 1 for evidence, 2 for strong evidence, 3 for what harmless text hardly has.
    pub weight: f32,
    /// Looked for in texts of users.
    pub in_user: bool,
    /// Looked for in content.
    pub in_content: bool,
    /// Texts that it must match.
    pub examples: Vec<String>,
    /// Texts that it must not match.
    pub counterexamples: Vec<String>,
    words: Vec<String>,
    pattern: Option<String>,
    compiled: OnceLock<Option<Regex>>,
}

/// A family of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Unique, in kebab case.
    pub id: String,
    /// The subtype of attack that it tells of.
    pub subtype: crate::attack::Subtype,
}

/// All rules, ready to be looked for.
#[derive(Debug)]
pub struct Rules {
    /// Families, in the order of their names.
    pub families: Vec<Family>,
    /// Rules, family by family.
    pub rules: Vec<Rule>,
    /// Finds words; the pattern's number says which rule, by `owners`.
    words: AhoCorasick,
    owners: Vec<usize>,
}

impl Rules {
    /// A number that differs when the families do: weights are only good for the families that they were trained with.
    pub fn fingerprint(&self) -> usize {
        let names = self.families.iter().flat_map(|family| family.id.bytes().chain([0]));
        let hash =
            names.fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        usize::try_from(hash).unwrap_or(0)
    }
}

/// What rules found in a text.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// For each family the largest weight that matched.
    pub by_family: Vec<f32>,
    /// The matches, in the order of their places; at most 64.
    pub hits: Vec<Hit>,
}
