//! Values as they look encoded.
//!
//! Source: Sigma specification 2, "Modifiers": `base64`, `base64offset`, `utf16le`, `utf16be`, `utf16`, `wide`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The bytes of a text in UTF-16, little end first.
pub(super) fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The bytes of a text in UTF-16, big end first.
pub(super) fn utf16be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The same with a mark of byte order.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    [vec![0xff, 0xfe], utf16le(text)].concat()
}

/// Base64 of bytes.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What is the same in Base64 wherever the bytes stand in a longer text: one form for each of three offsets, without the
/// letters that depend on what stands around.
pub(super) fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0_usize, 1, 2].map(|offset| {
        let padded = [vec![b' '; offset], bytes.to_vec()].concat();
        let whole = STANDARD.encode(&padded);
        let start = [0, 2, 3].get(offset).copied().unwrap_or_default();
        let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or_default();
        whole.get(start..whole.len().saturating_sub(cut)).unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_of_the_offsets_is_in_what_is_encoded(before in "[a-z]{0,6}", text in "[a-zA-Z0-9 ]{3,20}", behind in "[a-z]{0,6}") {
            let whole = base64(format!("{before}{text}{behind}").as_bytes());
            let forms = base64_offsets(text.as_bytes());
            prop_assert!(whole.contains(&forms[before.len() % 3]), "{} {:?}", whole, forms);
        }
    }

    #[test]
    fn utf16_is_what_command_lines_have() {
        assert_eq!(base64(&utf16le("IEX")), "SQBFAFgA");
        assert_eq!(utf16("A"), [0xff, 0xfe, 0x41, 0]);
        assert_eq!(utf16be("A"), [0, 0x41]);
    }
}
