//! What a match has to pass beyond its expression: checksums, dates, entropy, exclusions.
//!
//! Rules name checks; [`Checks`] knows what the names mean. A host can add checks of its own, and number formats come
//! from [`crate::validators`].
//!
//! ```
//! use castellan_classify::check::Checks;
//!
//! let checks = Checks::standard().with("even", |text| text.ends_with(['0', '2', '4', '6', '8']));
//! let luhn = checks.find("luhn").unwrap();
//! assert!(luhn("4111 1111 1111 1111") && !luhn("4111 1111 1111 1112"));
//! assert!(checks.find("odd").is_none());
//! ```

mod named;
mod names;
mod numbers;
mod phone;
mod placeholder;
mod rule;
mod texts;

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub(crate) use rule::Compiled;

use crate::rule::Check;
use crate::validators::Kind;

/// A check in code.
pub type NamedCheck = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Checks by name.
#[derive(Clone, Default)]
pub struct Checks {
    named: FxHashMap<Arc<str>, NamedCheck>,
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.named.keys()).finish()
    }
}

impl Checks {
    /// No checks at all.
    pub fn none() -> Checks {
        Checks::default()
    }

    /// The checks that the product brings.
    pub fn standard() -> Checks {
        let mut checks = Checks::default();
        for format in crate::validators::all() {
            checks = match format.kind {
                // Rules say what parts the digits; an algorithm knows none of that.
                Kind::Algorithm => checks.with(format.name, |text| {
                    let digits: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
                    digits.len() > 1 && format.check(&digits).is_ok()
                }),
                _ => checks.with(format.name, |text| format.check(text).is_ok()),
            };
        }
        for (name, check) in named::ALL {
            checks = checks.with(name, check);
        }
        checks
    }

    /// The same with one more check. A check of the same name is replaced.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<Arc<str>>,
        check: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Checks {
        self.named.insert(name.into(), Arc::new(check));
        self
    }

    /// The check of this name.
    pub fn find(&self, name: &str) -> Option<NamedCheck> {
        self.named.get(name).cloned()
    }

    /// Whether the value `text[start..end]` passes all of these checks, for tests of rules. What stands around it matters
    /// to some, and to others the whole match that gave the value.
    ///
    /// # Errors
    /// The first name that nobody knows.
    pub fn pass(
        &self,
        checks: &[Check],
        text: &[u8],
        value: (usize, usize),
        whole: (usize, usize),
    ) -> Result<bool, Arc<str>> {
        Ok(Compiled::new(checks, self)?.failing(text, value, whole).is_none())
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.named.keys().cloned().collect();
        names.sort_unstable();
        names
    }
}
