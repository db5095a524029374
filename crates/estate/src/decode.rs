//! Bytes to text.

/// Why bytes are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The file is binary.
    Binary,
    /// The file looks like text but has a byte sequence that is not UTF-8 at this offset.
    NotUtf8(usize),
}

/// Decodes UTF-8 and UTF-16 (what `>` writes in Windows PowerShell), with or without a byte order mark. The mark is
/// dropped.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, DecodeError> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => return Ok(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return Ok(utf16(rest, u16::from_be_bytes)),
        // Without a mark: a document that starts with an ASCII character has a zero beside it.
        [first, 0, ..] if first.is_ascii_graphic() => return Ok(utf16(&bytes, u16::from_le_bytes)),
        [0, first, ..] if first.is_ascii_graphic() => return Ok(utf16(&bytes, u16::from_be_bytes)),
        _ => {}
    }
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    if head.contains(&0) {
        return Err(DecodeError::Binary);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        if offset < 64 { DecodeError::Binary } else { DecodeError::NotUtf8(offset) }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| match pair {
        [first, second] => Some(unit([*first, *second])),
        _ => None,
    });
    let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    let text: String = decoded.collect();
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shells_write() {
        let text = "{\"\u{e9}\": 1}";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        let forms = [
            text.as_bytes().to_vec(),
            marked(&[0xef, 0xbb, 0xbf], text.as_bytes()),
            marked(&[0xff, 0xfe], &little),
            marked(&[0xfe, 0xff], &big),
            little,
            big,
        ];
        for form in forms {
            assert_eq!(decode(form).as_deref(), Ok(text));
        }
        assert_eq!(decode(b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0".to_vec()), Err(DecodeError::Binary));
        assert_eq!(decode([&[b'a'; 100], [0xff; 2].as_slice()].concat()), Err(DecodeError::NotUtf8(100)));
        assert_eq!(decode(Vec::new()).as_deref(), Ok(""));
    }
}
