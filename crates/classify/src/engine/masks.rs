//! Sixty-four bytes at a time, as bits.
//!
//! The loops below have no branches and no dependence between bytes, so the compiler turns them into vector
//! instructions of whatever the target has. Packing goes eight bytes at a time through a multiplication, which beats a
//! bit at a time on every target and needs no `unsafe`.

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
    let mut word = [0_u8; BLOCK];
    let mut digit = [0_u8; BLOCK];
    for ((byte, word), digit) in block.iter().zip(&mut word).zip(&mut digit) {
        *digit = is_digit(*byte);
        *word = *digit | is_letter(*byte);
    }
    let mut masks = Masks { word: pack(&word), digit: pack(&digit), ..Masks::default() };
    if wanted.upper {
        let mut upper = [0_u8; BLOCK];
        for (byte, upper) in block.iter().zip(&mut upper) {
            *upper = u8::from(byte.wrapping_sub(b'A') < 26);
        }
        masks.upper = pack(&upper);
    }
    if wanted.high {
        let mut high = [0_u8; BLOCK];
        for (byte, high) in block.iter().zip(&mut high) {
            *high = byte >> 7;
        }
        masks.high = pack(&high);
    }
    if wanted.token {
        let mut token = [0_u8; BLOCK];
        for (byte, token) in block.iter().zip(&mut token) {
            *token = u8::from((*byte == b'_') | (*byte == b'+') | (*byte == b'/') | (*byte == b'-'));
        }
        masks.token = pack(&token) | masks.word;
    }
    masks
}

#[inline]
fn is_digit(byte: u8) -> u8 {
    u8::from(byte.wrapping_sub(b'0') < 10)
}

#[inline]
fn is_letter(byte: u8) -> u8 {
    u8::from((byte | 0x20).wrapping_sub(b'a') < 26)
}

/// The lowest bit of each byte. The factor moves the eight bits of a word next to each other into its highest byte.
#[inline]
fn pack(flags: &[u8; BLOCK]) -> u64 {
    let (words, _) = flags.as_chunks::<8>();
    words.iter().enumerate().fold(0, |bits, (place, word)| {
        let packed = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | packed << (8 * place)
    })
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
