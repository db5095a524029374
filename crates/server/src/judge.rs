//! What judges the texts of requests.

use castellan_shield::attack::Verdict;
use castellan_shield::harm::Harms;
use castellan_shield::{Shield, Source};

/// Finds out whether texts attack or harm.
pub trait Judge: Send + Sync {
    /// Whether a text that comes from there is an attack on the model that is to read it.
    fn attack(&self, text: &str, source: Source) -> Verdict;

    /// How harmful a text is.
    fn harm(&self, text: &str) -> Harms;
}

impl Judge for Shield {
    fn attack(&self, text: &str, source: Source) -> Verdict {
        Shield::attack(self, text, source)
    }

    fn harm(&self, text: &str) -> Harms {
        Shield::harm(self, text)
    }
}
