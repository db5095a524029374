//! Characters that look like ASCII: one table, and what of it applies where.

use std::sync::LazyLock;

use unicode_normalization::char::decompose_canonical;

use super::cluster::Unit;

const TABLE: &str = include_str!("../../data/confusables.txt");

/// How surely a character stands for the one that it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Wherever it stands.
    Always,
    /// Where a whole word consists of such letters, or has Latin letters.
    Strong,
    /// Where a word has Latin letters.
    Weak,
}

static ENTRIES: LazyLock<Vec<(char, char, Likeness)>> = LazyLock::new(|| {
    let mut entries: Vec<_> =
        lines().flat_map(|(kind, to, from)| from.chars().map(move |c| (c, to, kind))).collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    entries
});

/// The lines of the table: likeness, what it looks like, the characters that do.
pub(crate) fn lines() -> impl Iterator<Item = (Likeness, char, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let likeness = match fields.next()? {
            "always" => Likeness::Always,
            "strong" => Likeness::Strong,
            _ => Likeness::Weak,
        };
        Some((likeness, fields.next()?.chars().next()?, fields.next()?))
    })
}

fn entry(character: char) -> Option<(char, Likeness)> {
    let entries = &*ENTRIES;
    let place = entries.binary_search_by_key(&character, |entry| entry.0).ok()?;
    entries.get(place).map(|&(_, to, likeness)| (to, likeness))
}

/// What `character` looks like. A capital looks like its own entry or like that of its small letter, an accented letter
/// like that of its base; so making letters small first or last gives the same.
pub(crate) fn looks_like(character: char) -> Option<(char, Likeness)> {
    if character.is_ascii() || has_no_entries(character) {
        return None;
    }
    match COMMON.get(character as usize) {
        Some(known) => *known,
        None => look_up(character),
    }
}

/// What the characters before U+0590 look like, which are most of those that are asked for.
static COMMON: LazyLock<Vec<Option<(char, Likeness)>>> = LazyLock::new(|| {
    ('\0'..'\u{590}').map(|character| (!character.is_ascii()).then(|| look_up(character)).flatten()).collect()
});

fn look_up(character: char) -> Option<(char, Likeness)> {
    if let Some((to, likeness)) =
        negative_letter(character).map(|to| (to, Likeness::Always)).or(entry(character))
    {
        let to = if character.is_uppercase() { to.to_ascii_uppercase() } else { to };
        return Some((to, likeness));
    }
    let small = only(character.to_lowercase()).filter(|&small| small != character);
    if let Some((to, likeness)) = small.and_then(entry) {
        return Some((to.to_ascii_uppercase(), likeness));
    }
    let base = base_letter(character)?;
    let (to, likeness) = entry(base).or_else(|| only(base.to_lowercase()).and_then(entry))?;
    Some((if base.is_uppercase() { to.to_ascii_uppercase() } else { to }, likeness))
}

/// Large blocks that the table has nothing of: the scripts from Hebrew to Burmese, those of East Asia, pictures.
fn has_no_entries(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{109f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' | '\u{1f200}'..)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

fn base_letter(character: char) -> Option<char> {
    let mut first = None;
    decompose_canonical(character, |part| first = first.or(Some(part)));
    first.filter(|&base| base != character && base.is_alphabetic())
}

/// White letters on black circles and squares, which have no decomposition in Unicode.
fn negative_letter(character: char) -> Option<char> {
    let offset = match character {
        '\u{1f150}'..='\u{1f169}' => u32::from(character) - 0x1f150,
        '\u{1f170}'..='\u{1f189}' => u32::from(character) - 0x1f170,
        _ => return None,
    };
    char::from_u32(u32::from('A') + offset)
}

/// The letter in parentheses that `character` is; normalisation form KC would give the parentheses as well.
pub(crate) fn parenthesised_letter(character: char) -> Option<char> {
    let (base, offset) = match character {
        '\u{249c}'..='\u{24b5}' => ('a', u32::from(character) - 0x249c),
        '\u{1f110}'..='\u{1f129}' => ('A', u32::from(character) - 0x1f110),
        _ => return None,
    };
    char::from_u32(u32::from(base) + offset)
}

/// The letter of a regional indicator, which in pairs are shown as flags.
pub(crate) fn regional_letter(character: char) -> Option<char> {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
        .then(|| char::from_u32(u32::from('A') + u32::from(character) - 0x1f1e6))
        .flatten()
}

/// Replaces what looks like ASCII, in place.
pub(crate) fn fold(units: &mut [Unit]) {
    for run in units.chunk_by_mut(|a, b| is_regional(a) && is_regional(b)) {
        let is_flag = run.len() == 2;
        for unit in run {
            if let Some(letter) = regional_letter(unit.character).filter(|_| !is_flag) {
                unit.character = letter;
            } else if let Some((to, Likeness::Always)) = looks_like(unit.character) {
                unit.character = to;
            }
        }
    }
    for word in units.chunk_by_mut(|a, b| is_letter(a.character) == is_letter(b.character)) {
        fold_word(word);
    }
}

/// As [`char::is_alphabetic`], which is slow where letters of other scripts are many.
pub(crate) fn is_letter(character: char) -> bool {
    match character {
        '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' | '\u{3041}'..='\u{3096}' | '\u{4e00}'..='\u{9fff}' => {
            true
        }
        '\u{ac00}'..='\u{d7a3}' => true,
        _ => character.is_alphabetic(),
    }
}

fn is_regional(unit: &Unit) -> bool {
    regional_letter(unit.character).is_some()
}

fn fold_word(word: &mut [Unit]) {
    let has_latin = word.iter().any(|unit| unit.character.is_ascii_alphabetic());
    let strong = |unit: &Unit| matches!(looks_like(unit.character), Some((_, Likeness::Strong)));
    if !has_latin && !word.iter().all(strong) {
        return;
    }
    for unit in word {
        if let Some((to, _)) = looks_like(unit.character) {
            unit.character = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_unicode() {
        assert!(('\0'..=char::MAX).all(|character| is_letter(character) == character.is_alphabetic()));
    }
}
