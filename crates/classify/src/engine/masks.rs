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

/// The masks of the block that begins at a place; what lies past the end of the text is zero. `TOKEN` says whether bytes
/// of tokens are asked for.
#[inline]
pub(crate) fn at<const TOKEN: bool>(text: &[u8], place: usize) -> Masks {
    let rest = text.get(place..).unwrap_or_default();
    match rest.first_chunk::<BLOCK>() {
        Some(block) => masks::<TOKEN>(block),
        None => masks::<TOKEN>(&padded(rest)),
    }
}

/// The last bytes of a text, with zeros behind them.
#[cold]
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block.iter_mut().zip(rest).for_each(|(target, byte)| *target = *byte);
    block
}

#[inline]
fn masks<const TOKEN: bool>(block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks::default();
    let (lanes, _) = block.as_chunks::<LANES>();
    for (place, lane) in lanes.iter().enumerate() {
        let bytes = u8x16::new(*lane);
        let shift = LANES * place;
        let digit = within(bytes, b'0', 9);
        let word = digit | within(bytes | u8x16::splat(0x20), b'a', 25);
        masks.digit |= bits(digit) << shift;
        masks.word |= bits(word) << shift;
        masks.upper |= bits(within(bytes, b'A', 25)) << shift;
        masks.high |= bits(bytes) << shift;
        if TOKEN {
            let is = |sign: u8| bytes.simd_eq(u8x16::splat(sign));
            // `-` and `/` differ in one bit.
            let sign = (bytes | u8x16::splat(0x02)).simd_eq(u8x16::splat(b'/')) | is(b'_') | is(b'+');
            masks.token |= bits(word | sign) << shift;
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

/// Sixty-four bits from bit `place` of `low` on, continued in `high`.
#[inline]
pub(crate) fn from_bit(low: u64, high: u64, place: u32) -> u64 {
    low >> place | (high << 1) << (63 - place)
}

#[cfg(test)]
mod tests {
    use super::{at, from_bit, masks};

    #[test]
    fn every_byte_has_its_bits() {
        for byte in 0..=u8::MAX {
            let all = masks::<true>(&[byte; 64]);
            let bits = |holds: bool| if holds { u64::MAX } else { 0 };
            assert_eq!(all.word, bits(byte.is_ascii_alphanumeric()), "{byte}");
            assert_eq!(all.digit, bits(byte.is_ascii_digit()), "{byte}");
            assert_eq!(all.upper, bits(byte.is_ascii_uppercase()), "{byte}");
            assert_eq!(all.high, bits(byte >= 128), "{byte}");
            assert_eq!(all.token, bits(byte.is_ascii_alphanumeric() || b"_+/-".contains(&byte)), "{byte}");
        }
        let text: Vec<u8> = (0..70).map(|place| if place % 3 == 0 { b'7' } else { b'.' }).collect();
        let first = at::<false>(&text, 0);
        let second = at::<false>(&text, 64);
        assert!((0..64).all(|place| (first.digit >> place & 1 == 1) == (place % 3 == 0)));
        assert_eq!(second.digit, 0b100100);
        assert_eq!(from_bit(first.digit, second.digit, 63), second.digit << 1 | 1);
        assert_eq!(from_bit(first.digit, second.digit, 0), first.digit);
    }
}
