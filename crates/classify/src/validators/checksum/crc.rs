//! Cyclic redundancy checks.

/// CRC-16/XMODEM: polynomial 0x1021, no reflection, initial value 0.
pub(in super::super) fn crc16_xmodem(bytes: &[u8]) -> u16 {
    let mut rest = 0_u16;
    for byte in bytes {
        rest ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            rest = if rest & 0x8000 == 0 { rest << 1 } else { (rest << 1) ^ 0x1021 };
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_catalogue_of_parametrised_algorithms() {
        assert_eq!(super::crc16_xmodem(b"123456789"), 0x31c3);
    }
}
