//! Small forms of text that several modules check or write.

/// The letters of base 32 after RFC 4648, in lower case, which a double click selects whole.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes in base 32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push_letter(&mut text, buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        push_letter(&mut text, buffer << (5 - bits));
    }
    text
}

fn push_letter(text: &mut String, value: u32) {
    let at = usize::try_from(value & 31).unwrap_or_default();
    text.extend(LETTERS.get(at).map(|letter| char::from(*letter)));
}

/// True for a text that only has letters of base 32.
pub(crate) fn is_base32(text: &str) -> bool {
    text.bytes().all(|byte| LETTERS.contains(&byte))
}

/// True for a GUID in its usual form, with dashes.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// True for a text of at most so many bytes without control characters.
pub(crate) fn is_plain(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
            assert!(is_base32(encoded));
        }
        assert!(!is_base32("1"));
    }

    #[test]
    fn guids() {
        assert!(is_guid("72f988bf-86f1-41af-91ab-2d7cd011db47"));
        for wrong in ["", "72f988bf86f141af91ab2d7cd011db47", "72f988bf-86f1-41af-91ab-2d7cd011db4/"] {
            assert!(!is_guid(wrong), "{wrong}");
        }
    }
}
