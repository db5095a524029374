//! Messages in a stream. Source: RFC 6587, octet counting and non-transparent framing.

use std::mem;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, without framing.
    pub bytes: Vec<u8>,
    /// Whether it was longer than the bound; the rest was dropped.
    pub is_cut: bool,
}

impl Frame {
    /// A message that came whole, as datagrams do.
    #[must_use]
    pub fn whole(bytes: Vec<u8>) -> Frame {
        Frame { bytes, is_cut: false }
    }
}

/// Splits a stream as it comes, in pieces of any size. Each message chooses its framing: a number and a blank count its
/// octets, anything else ends at a line feed or a zero byte.
///
/// *Invariant (bounded):* it holds no more than one message of the bound.
#[derive(Debug)]
pub struct Frames {
    longest: usize,
    state: State,
    held: Vec<u8>,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a message, or in the digits of its count.
    Start,
    /// So many octets are to come.
    Counted(u64),
    /// Up to the end of a line.
    Line,
}

/// Digits of a count; more than that begin a text.
const MAX_DIGITS: usize = 10;

impl Frames {
    /// A splitter that keeps so many bytes of a message. RFC 5425 asks for at least 2,048, better 8,192.
    #[must_use]
    pub fn new(longest: usize) -> Frames {
        Frames { longest, state: State::Start, held: Vec::new(), is_cut: false }
    }

    /// Takes a piece and gives the messages that end in it.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut rest = piece;
        while !rest.is_empty() {
            rest = match self.state {
                State::Start => self.start(rest),
                State::Counted(left) => self.counted(rest, left, &mut frames),
                State::Line => self.line(rest, &mut frames),
            };
        }
        frames
    }

    /// What is left when the stream ends: the last line needs no end, a counted message that is not whole is cut.
    pub fn finish(&mut self) -> Option<Frame> {
        if matches!(self.state, State::Counted(left) if left > 0) {
            self.is_cut = true;
        }
        let frame = self.take();
        (!frame.bytes.is_empty()).then_some(frame)
    }

    fn start<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let Some((&byte, rest)) = piece.split_first() else { return piece };
        match byte {
            b'0'..=b'9' if self.held.len() < MAX_DIGITS && (byte != b'0' || !self.held.is_empty()) => {
                self.held.push(byte);
                rest
            }
            b' ' if !self.held.is_empty() => {
                let digits = mem::take(&mut self.held);
                let count = digits.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0'));
                self.state = State::Counted(count);
                rest
            }
            b'\n' | b'\r' | 0 if self.held.is_empty() => rest,
            _ => {
                self.state = State::Line;
                piece
            }
        }
    }

    fn counted<'a>(&mut self, piece: &'a [u8], left: u64, frames: &mut Vec<Frame>) -> &'a [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let (mine, rest) = piece.split_at(here);
        self.hold(mine);
        let left = left - mine.len() as u64;
        self.state = State::Counted(left);
        if left == 0 {
            frames.push(self.take());
        }
        rest
    }

    fn line<'a>(&mut self, piece: &'a [u8], frames: &mut Vec<Frame>) -> &'a [u8] {
        let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | 0)) else {
            self.hold(piece);
            return &[];
        };
        let (mine, rest) = piece.split_at(end);
        self.hold(mine);
        frames.push(self.take());
        rest.get(1..).unwrap_or_default()
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.longest.saturating_sub(self.held.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.is_cut |= kept.len() < bytes.len();
        self.held.extend_from_slice(kept);
    }

    fn take(&mut self) -> Frame {
        self.state = State::Start;
        Frame { bytes: mem::take(&mut self.held), is_cut: mem::take(&mut self.is_cut) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(longest: usize, pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let mut frames = Frames::new(longest);
        let mut found: Vec<Frame> = pieces.iter().flat_map(|piece| frames.push(piece)).collect();
        found.extend(frames.finish());
        found.into_iter().map(|frame| (String::from_utf8(frame.bytes).unwrap(), frame.is_cut)).collect()
    }

    #[test]
    fn both_framings() {
        let whole = |texts: &[&str]| texts.iter().map(|text| ((*text).to_owned(), false)).collect::<Vec<_>>();
        assert_eq!(all(99, &[b"<1>a\n<2>b\r\n\n<3>c"]), whole(&["<1>a", "<2>b\r", "<3>c"]));
        assert_eq!(all(99, &[b"6 <1>a\nb5 <2>cd"]), whole(&["<1>a\nb", "<2>cd"]));
        assert_eq!(all(99, &[b"5 <1>ab<2>line\n4 <3>c"]), whole(&["<1>ab", "<2>line", "<3>c"]));
        assert_eq!(all(99, &[b"2026-01-01 text\n"]), whole(&["2026-01-01 text"]));
    }

    #[test]
    fn bounds_are_kept_and_told() {
        assert_eq!(all(4, &[b"<1>abcdef\n<2>g\n"]), [("<1>a".into(), true), ("<2>g".into(), false)]);
        assert_eq!(all(4, &[b"9 <1>abcdef<2>g\n"]), [("<1>a".into(), true), ("<2>g".into(), false)]);
        assert_eq!(all(99, &[b"9999999999 <1>"]), [("<1>".into(), true)]);
        assert_eq!(all(99, &[b"99999999999999999999 x\n"]), [("99999999999999999999 x".into(), false)]);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(stream in "(([0-9]{1,2} )?<[0-9]>[a-z]{0,6}\n?){0,6}", cut in 0_usize..40) {
            let bytes = stream.as_bytes();
            let (front, back) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(all(8, &[bytes]), all(8, &[front, back]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(all(8, &[bytes]), all(8, &single));
        }
    }
}
