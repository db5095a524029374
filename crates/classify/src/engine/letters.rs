//! Where words begin and end, and what they are made of: a bit for each byte of a block.

use crate::engine::masks::{Masks, from_bit};

/// What the byte before a block was.
#[derive(Clone, Copy)]
pub(crate) struct Carry {
    word: u64,
    lower: u64,
    high: u64,
    token: u64,
}

impl Carry {
    pub(crate) fn before(text: &[u8], place: usize) -> Carry {
        let before = place.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(0);
        Carry {
            word: u64::from(before.is_ascii_alphanumeric()),
            lower: u64::from(before.is_ascii_lowercase()),
            high: u64::from(before >> 7),
            token: u64::from(before.is_ascii_alphanumeric() || b"_+/-".contains(&before)),
        }
    }
}

/// The letters of a block, a bit for each byte.
#[derive(Clone, Copy)]
pub(crate) struct Letters {
    pub(crate) word: u64,
    pub(crate) digit: u64,
    lower: u64,
    pub(crate) high: u64,
    /// Bytes of tokens.
    pub(crate) token: u64,
    /// Where letters and digits begin after what is neither.
    pub(crate) fresh: u64,
    /// Where the case changes from lower to upper.
    pub(crate) changes: u64,
    /// Behind the last of letters and digits that follow one another.
    past: u64,
    /// What begins behind a character beyond ASCII.
    beside: u64,
    /// Where words begin: after what is no letter, at a change of case, and at every character beyond ASCII.
    pub(crate) starts: u64,
    /// What may be a capital letter.
    pub(crate) capitals: u64,
    /// Where tokens begin.
    pub(crate) tokens: u64,
}

impl Letters {
    #[inline]
    pub(crate) fn new(masks: Masks, before: Carry) -> Letters {
        let Masks { word, digit, upper, high, token } = masks;
        let lower = word & !digit & !upper;
        let changes = upper & (lower << 1 | before.lower);
        let behind = word << 1 | before.word;
        let (fresh, past) = (word & !behind, behind & !word);
        let (beside, starts) = (high << 1 | before.high, fresh | changes | high);
        let tokens = token & !(token << 1 | before.token);
        let capitals = upper | high;
        Letters { word, digit, lower, high, token, fresh, changes, past, beside, starts, capitals, tokens }
    }

    #[inline]
    pub(crate) fn carry(&self) -> Carry {
        let last = |bits: u64| bits >> 63;
        Carry {
            word: last(self.word),
            lower: last(self.lower),
            high: last(self.high),
            token: last(self.token),
        }
    }
}

/// A block and the one after it.
pub(crate) struct Pair {
    pub(crate) now: Letters,
    pub(crate) next: Letters,
}

impl Pair {
    /// Whether all words are of ASCII and end where their letters end.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        let Pair { now, next } = self;
        now.changes | next.changes | now.high | next.high | now.beside == 0
    }

    /// How many letters and digits follow one another from a bit on, which is one of them; 64 stands for more too.
    #[inline]
    pub(crate) fn length(&self, bit: u32) -> u32 {
        match self.now.past >> bit {
            0 => (64 - bit + self.next.past.trailing_zeros()).min(64),
            past => past.trailing_zeros(),
        }
    }

    /// A bit for each length at which the first word of a term may end, for the word that begins at a bit: up to 8, which
    /// stands for 8 and more. `None` where a character beyond ASCII is the first, or stands beside the word.
    #[inline]
    pub(crate) fn ends(&self, bit: u32) -> Option<u64> {
        let length = self.length(bit);
        let high = from_bit(self.now.high, self.next.high, bit);
        let first = (self.now.beside | self.now.high) >> bit & 1 == 1;
        let wide = first || (length < 64 && high >> length & 1 == 1);
        if wide {
            return None;
        }
        let end = 1_u64 << length.min(8);
        let changes = from_bit(self.now.changes, self.next.changes, bit);
        Some(changes & (end - 1) & !1 | end)
    }
}
