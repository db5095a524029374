//! Rules with what compiling them works out, as bytes that are written when a program is built and read when it starts:
//! an engine in milliseconds, where reading YAML and parsing a thousand expressions takes a hundred.

use castellan_base::{Diagnostic, Level};
use serde::{Deserialize, Serialize};

use crate::check::Checks;
use crate::engine::Engine;
use crate::engine::compile::{self, Dictionaries, Hint, Means};
use crate::rule::Rules;

/// Bytes of another version are not read.
const VERSION: &str = concat!("castellan-detectors ", env!("CARGO_PKG_VERSION"), " 2");

/// What is written.
#[derive(Serialize, Deserialize)]
struct Prepared {
    version: String,
    rules: Rules,
    hints: Vec<Option<Hint>>,
    dictionaries: Dictionaries,
}

/// Why prepared bytes were not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreparedError {
    /// They were not written by [`prepare`], or are damaged.
    #[error("these are no prepared rules: {0}; prepare them again")]
    Unreadable(String),
    /// They were written by another version.
    #[error("these rules were prepared by `{0}`; prepare them again")]
    OtherVersion(String),
}

/// Compiles rules and writes down what that works out, with the rules and the word lists. Examples and places in files
/// are left out.
///
/// # Errors
/// What is wrong with the rules: those that cannot run are no content to ship.
pub fn prepare(rules: Rules, dictionaries: Dictionaries) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let (shared, problems) = compile::compile(rules, &Checks::standard(), &dictionaries, Means::default());
    if problems.iter().any(|problem| problem.level == Level::Error) {
        return Err(problems);
    }
    let hints = shared.hints();
    let prepared = Prepared { version: VERSION.to_owned(), rules: shared.rules, hints, dictionaries };
    postcard::to_allocvec(&prepared).map_err(|error| {
        vec![Diagnostic::error(castellan_base::Span::NONE, format!("the rules cannot be written: {error}"))]
    })
}

impl Engine {
    /// The engine of prepared rules. The bytes are trusted: they come with the program.
    ///
    /// # Errors
    /// When the bytes are not from [`prepare`] of this version.
    pub fn prepared(bytes: &[u8]) -> Result<Engine, PreparedError> {
        Ok(Engine::prepared_with(bytes, Rules::default())?.0)
    }

    /// The engine of prepared rules and others, which may use the word lists that were prepared too. A detector of theirs
    /// takes the place of one with the same id. What cannot run of them is left out and told.
    ///
    /// # Errors
    /// As [`Engine::prepared`].
    pub fn prepared_with(bytes: &[u8], more: Rules) -> Result<(Engine, Vec<Diagnostic>), PreparedError> {
        let unreadable = |error: postcard::Error| PreparedError::Unreadable(error.to_string());
        let (version, _) = postcard::take_from_bytes::<String>(bytes).map_err(unreadable)?;
        if version != VERSION {
            return Err(PreparedError::OtherVersion(version));
        }
        let mut prepared: Prepared = postcard::from_bytes(bytes).map_err(unreadable)?;
        prepared.rules.extend(more);
        let means = Means { strictly: false, hints: &prepared.hints };
        Ok(Engine::build(prepared.rules, &Checks::standard(), &prepared.dictionaries, means))
    }
}
