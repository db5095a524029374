//! Rules of others: read into the model, and written from it.
//!
//! [`read_any`] takes whatever comes.
//!
//! * [`rule_package`] - Microsoft's rule packages (XML), both ways.
//! * [`presidio`] - recognisers of Presidio (YAML and JSON).
//! * [`gitleaks`] - configurations of gitleaks (TOML).
//!
//! # Expressions of other engines
//!
//! Go's and Python's are rewritten where this engine would read them otherwise: `[a[b]` and `[a&&b]` have no sets in
//! them, `{` stands for itself where it counts nothing, `\Q...\E` quotes, `\<` is a sign. Look-around, back-references,
//! atomic groups and approximate matches are refused. What differs all the same: `\d`, `\w`, `\s`, `\b` and case know ASCII
//! only, and `.` and `[^...]` take one byte, so that they count bytes where the others count characters. Of all ends at a
//! place the longest counts, unless the expression is lazy somewhere.

mod any;
pub mod gitleaks;
pub mod presidio;
pub mod rule_package;
mod syntax;

use std::sync::Arc;

pub use any::{Format, read_any, recognise};

/// A kebab-case id of the letters and digits of a name; empty where it has none.
fn kebab(name: &str) -> Arc<str> {
    let words: Vec<String> = name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-").into()
}
