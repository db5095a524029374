//! A blocked Bloom filter (Putze, Sanders and Singler 2007): one cache line a question.

/// Bytes of a block: a cache line.
const BLOCK: usize = 64;
/// Bits for each entry. With six bits set in a block of 512, about one question in 150 about something that is not in
/// the filter goes on to the table.
const BITS_AN_ENTRY: usize = 12;
/// Bits that an entry sets.
const PROBES: usize = 6;

/// How many bytes a filter for so many entries takes.
pub(super) fn size(entries: usize) -> usize {
    (entries * BITS_AN_ENTRY).div_ceil(BLOCK * 8).max(1) * BLOCK
}

/// Puts a fingerprint into a filter of [`size`] bytes.
pub(super) fn insert(filter: &mut [u8], fingerprint: u32) {
    let (start, probes) = place(filter.len(), fingerprint);
    let Some(block) = filter.get_mut(start..start + BLOCK) else { return };
    for (byte, bit) in bits(probes) {
        if let Some(byte) = block.get_mut(byte) {
            *byte |= bit;
        }
    }
}

/// Whether a fingerprint may be in the filter.
#[inline]
pub(super) fn may_hold(filter: &[u8], fingerprint: u32) -> bool {
    let (start, probes) = place(filter.len(), fingerprint);
    let Some(block) = filter.get(start..start + BLOCK) else { return false };
    bits(probes).all(|(byte, bit)| block.get(byte).is_some_and(|byte| byte & bit != 0))
}

/// The byte at which the block starts, and the bits from which the probes are taken.
#[inline]
fn place(length: usize, fingerprint: u32) -> (usize, u64) {
    // Fingerprints are pseudorandom already; the product only spreads their 32 bits over the places in the block.
    let spread = u64::from(fingerprint).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let probes = (spread ^ (spread >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let block = (u64::from(fingerprint) * (length / BLOCK) as u64) >> 32;
    (block as usize * BLOCK, probes)
}

#[inline]
fn bits(probes: u64) -> impl Iterator<Item = (usize, u8)> {
    (0..PROBES).map(move |probe| {
        let bit = (probes >> (10 + 9 * probe)) & 511;
        ((bit / 8) as usize, 1 << (bit % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_little_is_added() {
        let random = |number: u32| {
            blake3::hash(&number.to_le_bytes()).as_bytes()[..4].try_into().map(u32::from_le_bytes)
        };
        let mut filter = vec![0; size(20_000)];
        (0..20_000).for_each(|number| insert(&mut filter, random(number).unwrap()));
        assert!((0..20_000).all(|number| may_hold(&filter, random(number).unwrap())));
        let wrong = (20_000..120_000).filter(|number| may_hold(&filter, random(*number).unwrap())).count();
        assert!(wrong < 1_500, "{wrong} of 100000");
    }

    #[test]
    fn an_empty_filter_holds_nothing() {
        assert!(!may_hold(&[], 7));
        assert!(!may_hold(&vec![0; size(0)], 7));
    }
}
