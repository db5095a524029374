//! Sixty-four bytes at a time, as bits.
//!
//! Sixteen bytes are compared at once and the results gathered into bits, one instruction each on x86 and a few on ARM.
//! Nothing is decided on the way, so a block takes the same time whatever stands in it.

use wide::u8x16;

/// Bytes in a block.
pub(crate) const BLOCK: usize = 64;

/// What is known of a block: a bit for each byte, the first byte's lowest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Masks {
    /// ASCII letters and digits.
    pub(crate) word: u64,
    /// ASCII digits.
    pub(crate) digit: u64,
    /// ASCII upper case.
    pub(crate) upper: u64,
    /// Bytes from 128 on.
    pub(crate) high: u64,
    /// Bytes of tokens: letters, digits, `_`, `+`, `/`, `-`.
    pub(crate) token: u64,
}

/// Which masks are needed beyond `word` and `digit`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) upper: bool,
    pub(crate) high: bool,
    pub(crate) token: bool,
}

/// The masks of a block.
#[inline]
pub(crate) fn masks(block: &[u8; BLOCK], wanted: Wanted) -> Masks {
    let mut masks = Masks::default();
    let (lanes, _) = block.as_chunks::<LANES>();
    for (place, lane) in lanes.iter().enumerate() {
        let bytes = u8x16::new(*lane);
        let shift = LANES * place;
        let digit = within(bytes, b'0', 9);
        let letter = within(bytes | u8x16::splat(0x20), b'a', 25);
        masks.digit |= bits(digit) << shift;
        masks.word |= bits(digit | letter) << shift;
        if wanted.upper {
            masks.upper |= bits(within(bytes, b'A', 25)) << shift;
        }
        if wanted.high {
            masks.high |= bits(bytes) << shift;
        }
        if wanted.token {
            let is = |sign: u8| bytes.simd_eq(u8x16::splat(sign));
            let sign = is(b'_') | is(b'+') | is(b'/') | is(b'-');
            masks.token |= bits(digit | letter | sign) << shift;
        }
    }
    masks
}

/// Bytes that are compared at once.
const LANES: usize = 16;

/// All bits of each byte that is `first` or at most so many after it.
#[inline]
fn within(bytes: u8x16, first: u8, others: u8) -> u8x16 {
    let after = bytes - u8x16::splat(first);
    after.min(u8x16::splat(others)).simd_eq(after)
}

/// The highest bit of each byte.
#[inline]
fn bits(lane: u8x16) -> u64 {
    u64::from(lane.to_bitmask())
}

/// The block that begins at `place`; what lies past the end of the text is zero.
#[inline]
pub(crate) fn block(text: &[u8], place: usize) -> [u8; BLOCK] {
    let rest = text.get(place..).unwrap_or_default();
    match rest.first_chunk::<BLOCK>() {
        Some(block) => *block,
        None => {
            let mut block = [0; BLOCK];
            for (target, byte) in block.iter_mut().zip(rest) {
                *target = *byte;
            }
            block
        }
    }
}

/// Sixty-four bits from bit `place` of `low` on, continued in `high`.
#[inline]
pub(crate) fn from_bit(low: u64, high: u64, place: u32) -> u64 {
    low >> place | (high << 1) << (63 - place)
}

#[cfg(test)]
mod tests {
    use super::{Wanted, block, from_bit, masks};

    #[test]
    fn every_byte_has_its_bits() {
        for byte in 0..=u8::MAX {
            let all = masks(&[byte; 64], Wanted { upper: true, high: true, token: true });
            let bits = |holds: bool| if holds { u64::MAX } else { 0 };
            assert_eq!(all.word, bits(byte.is_ascii_alphanumeric()), "{byte}");
            assert_eq!(all.digit, bits(byte.is_ascii_digit()), "{byte}");
            assert_eq!(all.upper, bits(byte.is_ascii_uppercase()), "{byte}");
            assert_eq!(all.high, bits(byte >= 128), "{byte}");
            assert_eq!(all.token, bits(byte.is_ascii_alphanumeric() || b"_+/-".contains(&byte)), "{byte}");
        }
        let text: Vec<u8> = (0..70).map(|place| if place % 3 == 0 { b'7' } else { b'.' }).collect();
        let first = masks(&block(&text, 0), Wanted::default());
        let second = masks(&block(&text, 64), Wanted::default());
        assert!((0..64).all(|place| (first.digit >> place & 1 == 1) == (place % 3 == 0)));
        assert_eq!(second.digit, 0b100100);
        assert_eq!(from_bit(first.digit, second.digit, 63), second.digit << 1 | 1);
        assert_eq!(from_bit(first.digit, second.digit, 0), first.digit);
    }
}
