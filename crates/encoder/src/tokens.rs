//! Texts to windows of tokens.

use castellan_shield::second::Fault;
use tokenizers::{Encoding, PostProcessor as _, Tokenizer, TruncationDirection};

/// Longest text, in bytes; the shield asks about forms of some 8,000.
const LONGEST: usize = 1 << 20;
/// Fewest tokens of a window that are those of the text.
const LEAST_ROOM: usize = 4;

/// Makes windows of tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    length: usize,
    /// Tokens of a window without the special ones.
    room: usize,
    most: usize,
}

/// A window, with its special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) ids: Vec<i64>,
    pub(crate) types: Vec<i64>,
}

impl Tokens {
    /// Reads `tokenizer.json`, for windows of at most `length` tokens, of which there are at most `most`.
    pub(crate) fn read(bytes: &[u8], length: usize, most: usize) -> Result<Tokens, String> {
        crate::guarded(|| {
            let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| error.to_string())?;
            // The library drops what is beyond the first window, so windows are cut here.
            tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
            tokenizer.with_padding(None);
            // Whoever writes `[SEP]` in a text writes five characters, not the end of it.
            tokenizer.set_encode_special_tokens(true);
            let special = tokenizer.get_post_processor().map_or(0, |template| template.added_tokens(false));
            let room = length.checked_sub(special).filter(|room| *room >= LEAST_ROOM);
            let room = room.ok_or_else(|| format!("{special} special tokens leave no room in {length}"))?;
            Ok(Tokens { tokenizer, length, room, most })
        })
    }

    /// The windows of a text: all of it, each sharing a quarter with the one before.
    pub(crate) fn windows(&self, text: &str) -> Result<Vec<Window>, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::Long(format!("{} bytes, where {LONGEST} are the most", text.len())));
        }
        let encode = || self.tokenizer.encode_fast(text, false).map_err(|error| error.to_string());
        let mut first = crate::guarded(encode).map_err(Fault::Failed)?;
        first.truncate(self.room, self.room / 4, TruncationDirection::Right);
        let more = first.take_overflowing();
        let count = 1 + more.len();
        if count > self.most {
            return Err(Fault::Long(format!("{count} windows, where {} are the most", self.most)));
        }
        std::iter::once(first).chain(more).map(|part| self.window(part)).collect()
    }

    fn window(&self, part: Encoding) -> Result<Window, Fault> {
        let complete = || self.tokenizer.post_process(part, None, true).map_err(|error| error.to_string());
        let part = crate::guarded(complete).map_err(Fault::Failed)?;
        let numbers = |ids: &[u32]| ids.iter().map(|id| i64::from(*id)).collect::<Vec<i64>>();
        let window = Window { ids: numbers(part.get_ids()), types: numbers(part.get_type_ids()) };
        // A template that says less than it adds cannot be kept to.
        if window.ids.len() > self.length {
            let count = window.ids.len();
            return Err(Fault::Failed(format!("a window has {count} tokens instead of {}", self.length)));
        }
        Ok(window)
    }
}

#[cfg(test)]
mod tests;
