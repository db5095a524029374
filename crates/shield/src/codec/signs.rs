//! Which of the characters that normalisation takes away, or makes plain, occur in a text.

use super::{flipped, styled};

pub(super) const TAG: u32 = 1;
pub(super) const SELECTOR: u32 = 1 << 1;
pub(super) const BIT: u32 = 1 << 2;
pub(super) const OVERRIDE: u32 = 1 << 3;
pub(super) const BRAILLE: u32 = 1 << 4;
pub(super) const FLIPPED: u32 = 1 << 5;
pub(super) const STYLED: u32 = 1 << 6;

/// Bits of all that occur in `text`.
pub(super) fn of(text: &str) -> u32 {
    text.chars()
        .filter(|character| !character.is_ascii())
        .fold(0, |all, character| all | of_character(character, all))
}

fn of_character(character: char, known: u32) -> u32 {
    match character {
        '\u{e0000}'..='\u{e007f}' => TAG,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => SELECTOR,
        '\u{200b}'..='\u{200d}' | '\u{2062}' | '\u{2064}' => BIT,
        '\u{202e}' => OVERRIDE,
        '\u{2800}'..='\u{28ff}' => BRAILLE,
        // The scripts that most texts in other languages are in.
        '\u{590}'..='\u{109f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' => 0,
        _ => {
            let is_new = |bit| known & bit == 0;
            let flips = is_new(FLIPPED) && flipped::is_mark(character);
            let styles = is_new(STYLED) && styled::is_styled(character);
            (u32::from(flips) * FLIPPED) | (u32::from(styles) * STYLED)
        }
    }
}
