//! Tag characters (U+E0000 to U+E007F), which repeat ASCII and show nothing.

use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

pub(super) static TAGS: Codec = Codec {
    name: "unicode-tags",
    about: "Invisible tag characters, one for each ASCII character",
    carries: "ASCII without controls",
    loss: Loss::None,
    encode: |text| text.chars().map(tag).collect(),
    decode,
    returns: |text| text.chars().all(|c| tag(c).is_some()).then(|| text.to_owned()),
};

fn tag(character: char) -> Option<char> {
    matches!(character, ' '..='~').then(|| char::from_u32(0xe0000 + u32::from(character))).flatten()
}

/// The ASCII character of a tag character.
fn untag(character: char) -> Option<char> {
    matches!(character, '\u{e0020}'..='\u{e007e}')
        .then(|| char::from_u32(u32::from(character) - 0xe0000))
        .flatten()
}

fn decode(text: &str) -> Option<View<'static>> {
    let mut builder = ViewBuilder::default();
    for (place, character) in text.char_indices() {
        builder.character(untag(character)?, place..place + 4);
    }
    Some(builder.finish(text.len()))
}

/// Finds what all tag characters of the text together say; the few of a flag (England, Scotland, Wales) say nothing.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut builder = ViewBuilder::default();
    let mut in_flag = false;
    for (place, character) in scan.text.char_indices() {
        in_flag = character == '\u{1f3f4}' || in_flag && untag(character).is_some();
        if let Some(shown) = untag(character).filter(|_| !in_flag) {
            builder.character(shown, place..place + 4);
        }
    }
    found.extend(Found::hidden(&TAGS, builder, scan.text.len()));
}
