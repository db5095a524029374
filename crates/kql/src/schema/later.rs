//! What is read when it is first asked for.

use std::sync::OnceLock;

use super::lines::Piece;
use crate::diagnostic::Diagnostic;

/// What a piece of a line can be read as.
pub(super) trait Read: Default {
    fn read(text: Piece<'_>) -> Result<Self, Diagnostic>;
}

/// A value that waits as text, or was read already.
#[derive(Debug)]
pub(super) struct Later<T> {
    text: &'static str,
    value: OnceLock<T>,
}

impl<T: Read> Later<T> {
    /// From text that belongs to the program, which a test reads to the end: there, nothing can be wrong with it.
    pub(super) fn of_own(text: &'static str) -> Later<T> {
        Later { text, value: OnceLock::new() }
    }

    /// From text that anybody wrote.
    pub(super) fn read_now(text: Piece<'_>) -> Result<Later<T>, Diagnostic> {
        Ok(Later { text: "", value: OnceLock::from(T::read(text)?) })
    }

    pub(super) fn get(&self) -> &T {
        self.value.get_or_init(|| T::read(Piece { text: self.text, start: 0 }).unwrap_or_default())
    }
}
