//! Where matches may begin and end: characters, letters and digits around a place in a text that may be no UTF-8.

use crate::rule::Boundary;

/// Whether a character begins at `place`, or the text ends there. A byte that continues a character begins none.
pub(crate) fn starts_character(text: &[u8], place: usize) -> bool {
    text.get(place).is_none_or(|byte| byte & 0xC0 != 0x80)
}

/// The character that begins at `place`; `None` at the end and where the bytes are no UTF-8.
pub(crate) fn character_at(text: &[u8], place: usize) -> Option<char> {
    let first = *text.get(place)?;
    if first < 0x80 {
        return Some(char::from(first));
    }
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let bytes = text.get(place..place.checked_add(length)?)?;
    std::str::from_utf8(bytes).ok()?.chars().next()
}

/// The character that ends at `place`.
pub(crate) fn character_before(text: &[u8], place: usize) -> Option<char> {
    let last = *text.get(place.checked_sub(1)?)?;
    if last < 0x80 {
        return Some(char::from(last));
    }
    let start =
        (2..=4).filter_map(|back| place.checked_sub(back)).find(|start| starts_character(text, *start))?;
    let character = character_at(text, start)?;
    (start + character.len_utf8() == place).then_some(character)
}

/// Whether a character is written without blanks around words: each one is a word of its own.
pub(crate) fn is_word_alone(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF // Thai, Lao
        | 0x1000..=0x109F // Burmese
        | 0x1780..=0x17FF // Khmer
        | 0x2E80..=0x9FFF // Han, kana
        | 0xAC00..=0xD7AF // Hangul
        | 0xF900..=0xFAFF
        | 0xFF66..=0xFF9D
        | 0x2_0000..=0x3_FFFF)
}

/// Whether a character makes words together with its neighbours.
pub(crate) fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    character.is_alphanumeric() && !is_word_alone(character)
}

/// Whether a letter or digit ends at `place`.
#[inline]
pub(crate) fn letter_before(text: &[u8], place: usize) -> bool {
    match place.checked_sub(1).and_then(|at| text.get(at)) {
        Some(byte) if *byte < 0x80 => byte.is_ascii_alphanumeric(),
        Some(_) => character_before(text, place).is_some_and(is_letter),
        None => false,
    }
}

/// Whether a letter or digit begins at `place`.
#[inline]
pub(crate) fn letter_at(text: &[u8], place: usize) -> bool {
    match text.get(place) {
        Some(byte) if *byte < 0x80 => byte.is_ascii_alphanumeric(),
        Some(_) => character_at(text, place).is_some_and(is_letter),
        None => false,
    }
}

/// Whether the case changes from lower to upper at `place`, within ASCII.
pub(crate) fn case_changes(text: &[u8], place: usize) -> bool {
    let before = place.checked_sub(1).and_then(|before| text.get(before));
    before.is_some_and(u8::is_ascii_lowercase) && text.get(place).is_some_and(u8::is_ascii_uppercase)
}

/// What one byte on either side of a place tells about whether a word goes on across it.
enum Across {
    /// One of them is of ASCII and neither letter nor digit, or there is none.
    Parted,
    /// Both are letters or digits of ASCII.
    Inside,
    /// One begins or ends a character beyond ASCII.
    Unknown,
}

impl Across {
    #[inline]
    fn of(text: &[u8], place: usize) -> Across {
        let byte = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or(b' ');
        let (before, after) = (byte(place.checked_sub(1)), byte(Some(place)));
        match (before.is_ascii_alphanumeric(), after.is_ascii_alphanumeric()) {
            (true, true) => Across::Inside,
            _ if before.is_ascii() && after.is_ascii() => Across::Parted,
            _ => Across::Unknown,
        }
    }
}

/// Whether a match may begin at `place`.
#[inline]
pub(crate) fn starts_well(text: &[u8], place: usize, boundary: Boundary) -> bool {
    match (boundary, Across::of(text, place)) {
        (Boundary::None, _) => true,
        (Boundary::Word | Boundary::Subword, Across::Parted) => true,
        (Boundary::Word, Across::Inside) => false,
        _ => starts_well_beside(text, place, boundary),
    }
}

fn starts_well_beside(text: &[u8], place: usize, boundary: Boundary) -> bool {
    let inside = || letter_at(text, place) && letter_before(text, place);
    match boundary {
        Boundary::None => true,
        Boundary::Word => !inside(),
        Boundary::Subword => !inside() || case_changes(text, place),
        Boundary::Token => {
            let before = place.checked_sub(1).and_then(|before| text.get(before));
            !before.is_some_and(|byte| matches!(byte, b'_' | b'+' | b'/' | b'-'))
                && !letter_before(text, place)
        }
    }
}

/// Whether a match may end at `place`.
#[inline]
pub(crate) fn ends_well(text: &[u8], place: usize, boundary: Boundary) -> bool {
    match (boundary, Across::of(text, place)) {
        (Boundary::None, _) => true,
        (Boundary::Word | Boundary::Subword, Across::Parted) => true,
        (Boundary::Word | Boundary::Subword, Across::Inside) => false,
        _ => ends_well_beside(text, place, boundary),
    }
}

fn ends_well_beside(text: &[u8], place: usize, boundary: Boundary) -> bool {
    let inside = || letter_at(text, place) && letter_before(text, place);
    match boundary {
        Boundary::None => true,
        Boundary::Word | Boundary::Subword => !inside(),
        Boundary::Token => {
            let after = text.get(place);
            !after.is_some_and(|byte| matches!(byte, b'_' | b'+' | b'/' | b'-' | b'='))
                && !letter_at(text, place)
        }
    }
}
