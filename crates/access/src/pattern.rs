//! Names with at most a star at their end.

use serde::{Deserialize, Serialize};

/// A name, or all names that begin with something: `gpt-5`, `gpt-*`, `*`.
///
/// ```
/// use castellan_access::Pattern;
///
/// assert!(Pattern::new("gpt-*").matches("gpt-5"));
/// assert!(!Pattern::new("gpt-5").matches("gpt-5-mini"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern. A star anywhere but at the end is a star.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// True when a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.0 == name,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// True when one of the patterns means a name.
pub(crate) fn any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}
