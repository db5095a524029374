//! Characters that show nothing.

/// Whether `character` shows nothing and joins nothing that a reader would miss: zero-width and bidirectional controls,
/// variation selectors, tag characters, fillers. They follow `Default_Ignorable_Code_Point` of the Unicode Character
/// Database, with the interlinear annotations and the Arabic tatweel, which only stretches a word.
pub fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether `character` separates words. The empty Braille cell looks like a space and is one here.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// Whether `character` is a mark that is put upon letters for looks alone: the combining diacritical marks (which
/// stacked up are known as Zalgo), the vowel signs of Arabic and Hebrew, and the numbering signs of Cyrillic.
pub(crate) fn is_decoration(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{652}' | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}
