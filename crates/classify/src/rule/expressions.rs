//! Expressions that are searched together.

use std::sync::Arc;

use regex_automata::meta;
use regex_automata::util::syntax;
use serde::{Deserialize, Serialize};

/// Most expressions, and most bytes of all of them.
const MOST: (usize, usize) = (10_000, 1 << 20);
/// Largest automaton, in bytes.
const LARGEST: usize = 4 << 20;

/// Regular expressions of which any may match, in the syntax of elements. Cheap to search, however many there are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<Arc<str>>", into = "Vec<Arc<str>>")]
pub struct Expressions {
    patterns: Vec<Arc<str>>,
    regex: meta::Regex,
}

impl Expressions {
    /// Compiles expressions.
    ///
    /// # Errors
    /// What is wrong with the first expression that is, or that they are too many or too large.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Expressions, String> {
        let patterns: Vec<Arc<str>> = patterns.into_iter().map(Into::into).collect();
        let bytes: usize = patterns.iter().map(|pattern| pattern.len()).sum();
        if patterns.len() > MOST.0 || bytes > MOST.1 {
            return Err(format!("more than {} expressions or {} bytes of them", MOST.0, MOST.1));
        }
        let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(LARGEST));
        let syntax = syntax::Config::new().unicode(false).utf8(false).nest_limit(64);
        let built = meta::Builder::new().configure(config).syntax(syntax).build_many(&patterns);
        match built {
            Ok(regex) => Ok(Expressions { patterns, regex }),
            Err(error) => {
                let place = error.pattern().and_then(|place| patterns.get(place.as_usize()));
                let reason = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                // The parser draws a picture; its last line says what is wrong.
                let reason =
                    reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(place.map_or(reason.clone(), |pattern| format!("`{pattern}`: {reason}")))
            }
        }
    }

    /// The expressions, as they were given.
    pub fn patterns(&self) -> &[Arc<str>] {
        &self.patterns
    }

    /// The memory that they take, in bytes, before the first search.
    pub(crate) fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Whether any of them matches somewhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl TryFrom<Vec<Arc<str>>> for Expressions {
    type Error = String;

    fn try_from(patterns: Vec<Arc<str>>) -> Result<Expressions, String> {
        Expressions::new(patterns)
    }
}

impl From<Expressions> for Vec<Arc<str>> {
    fn from(expressions: Expressions) -> Vec<Arc<str>> {
        expressions.patterns
    }
}

impl PartialEq for Expressions {
    fn eq(&self, other: &Expressions) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Expressions {}
