//! A text that comes in chunks, against an index.

use super::index::Index;
use super::scan::{Match, Matches, Options, PIECE, Scan, key};

/// Text that is kept beyond what a piece looks at, so that a piece never takes a cut for an end of the text.
const SLACK: usize = 8;

/// Looks for the values of an index in a text that comes in chunks. Where it is cut does not matter; what is held of it
/// is bounded.
pub struct Scanner<'i, B> {
    scan: Scan<'i, B>,
    buffer: String,
    /// Bytes of the text before the buffer.
    base: usize,
    /// Up to where the buffer has been looked at.
    done: usize,
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Starts to look for values in a text that comes in chunks.
    pub fn scanner(&self, options: &Options) -> Scanner<'_, B> {
        let scan = Scan::new(self, options.bounded());
        Scanner { scan, buffer: String::new(), base: 0, done: 0 }
    }
}

impl<B: AsRef<[u8]>> Scanner<'_, B> {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &str) {
        let mut rest = chunk;
        while !rest.is_empty() && !self.scan.is_stopped() {
            let (part, others) = rest.split_at(rest.ceil_char_boundary(PIECE.min(rest.len())));
            self.buffer.push_str(part);
            rest = others;
            while self.buffer.len() >= self.done + PIECE + self.scan.margin() + SLACK {
                self.piece(self.done + PIECE);
                self.drop_before();
            }
        }
    }

    /// Ends the text: what was found, by place.
    pub fn finish(mut self) -> Matches {
        while self.done < self.buffer.len() && !self.scan.is_stopped() {
            self.piece(self.done + PIECE);
        }
        let complete = !self.scan.is_stopped();
        let mut found = self.scan.found;
        found.sort_by_key(key);
        Matches { found, complete }
    }

    fn piece(&mut self, end: usize) {
        let end = self.buffer.ceil_char_boundary(end.min(self.buffer.len()));
        let known = self.scan.found.len();
        self.scan.piece(&self.buffer, self.done..end);
        for found in self.scan.found.iter_mut().skip(known) {
            found.shift(self.base);
        }
        self.done = end;
    }

    fn drop_before(&mut self) {
        let kept = self.done.saturating_sub(self.scan.margin() + SLACK);
        let kept = self.buffer.floor_char_boundary(kept);
        self.buffer.drain(..kept);
        self.base += kept;
        self.done -= kept;
    }
}

impl Match {
    /// Moves it towards the end.
    fn shift(&mut self, bytes: usize) {
        let spans =
            std::iter::once(&mut self.span).chain(self.fields.iter_mut().map(|field| &mut field.span));
        for span in spans {
            *span = span.start + bytes..span.end + bytes;
        }
    }
}
