//! Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with the padding of the original submission.

const ROUNDS: usize = 24;
const RATE: usize = 136;

/// The hash of a message that is shorter than one block of 136 bytes; of a longer one, that of its first 135 bytes.
pub(in super::super) fn keccak256(message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; RATE];
    let used = message.len().min(RATE - 1);
    for (place, byte) in block.iter_mut().zip(message.iter().take(used)) {
        *place = *byte;
    }
    if let Some(place) = block.get_mut(used) {
        *place ^= 0x01;
    }
    if let Some(place) = block.last_mut() {
        *place ^= 0x80;
    }
    let mut state = [0_u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    permute(&mut state);
    let mut hash = [0_u8; 32];
    for (bytes, lane) in hash.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = lane.to_le_bytes();
    }
    hash
}

fn permute(state: &mut [u64; 25]) {
    let mut register = 1_u8;
    for _ in 0..ROUNDS {
        theta(state);
        rho_and_pi(state);
        chi(state);
        iota(state, &mut register);
    }
}

fn lane(state: &[u64; 25], x: usize, y: usize) -> u64 {
    state.get(x % 5 + 5 * (y % 5)).copied().unwrap_or_default()
}

fn theta(state: &mut [u64; 25]) {
    let old = *state;
    let column = |x: usize| (0..5).fold(0, |sum, y| sum ^ lane(&old, x, y));
    for (index, word) in state.iter_mut().enumerate() {
        let x = index % 5;
        *word ^= column(x + 4) ^ column(x + 1).rotate_left(1);
    }
}

fn rho_and_pi(state: &mut [u64; 25]) {
    let (mut x, mut y) = (1, 0);
    let mut moved = lane(state, x, y);
    for turn in 1..=24_u32 {
        (x, y) = (y, (2 * x + 3 * y) % 5);
        let rotated = moved.rotate_left(turn * (turn + 1) / 2 % 64);
        moved = lane(state, x, y);
        if let Some(word) = state.get_mut(x + 5 * y) {
            *word = rotated;
        }
    }
}

fn chi(state: &mut [u64; 25]) {
    let old = *state;
    for (index, word) in state.iter_mut().enumerate() {
        let (x, y) = (index % 5, index / 5);
        *word ^= !lane(&old, x + 1, y) & lane(&old, x + 2, y);
    }
}

/// Adds the round's constant, whose bits at 2^j - 1 come from a feedback register.
fn iota(state: &mut [u64; 25], register: &mut u8) {
    let mut constant = 0_u64;
    for power in 0..7 {
        if *register & 1 == 1 {
            constant |= 1 << ((1_u32 << power) - 1);
        }
        let carry = *register & 0x80 != 0;
        *register <<= 1;
        if carry {
            *register ^= 0x71;
        }
    }
    if let Some(word) = state.first_mut() {
        *word ^= constant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hashes() {
        let empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(hex(&keccak256(b"")), empty);
        let abc = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45";
        assert_eq!(hex(&keccak256(b"abc")), abc);
    }
}
