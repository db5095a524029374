//! Normalisation form KC, a few characters at a time, so that it is known which characters gave which.

use std::sync::LazyLock;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, char::canonical_combining_class, char::decompose_compatible,
    is_nfkc_quick,
};

use super::ignorable::is_decoration;

/// A character of a derived text and the bytes of the origin that it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) character: char,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Unit {
    pub(crate) fn with(self, character: char) -> Self {
        Self { character, ..self }
    }
}

/// The units in normalisation form KC without decorations. Letters of Latin and Greek lose their accents; in other
/// scripts an accent that makes a letter of its own (Cyrillic short i, Japanese voiced kana) stays.
pub(crate) fn compose(units: &[Unit], out: &mut Vec<Unit>) {
    let mut rest = units;
    while let Some((first, after)) = rest.split_first() {
        let marks = after.iter().take_while(|unit| !begins_cluster(unit.character)).count();
        let (cluster, next) = rest.split_at(marks + 1);
        match (marks, ALONE.get(first.character as usize)) {
            (0, Some(Some(plain))) => out.push(first.with(*plain)),
            (0, None) if stays(first.character) => out.push(*first),
            _ => compose_cluster(cluster, out),
        }
        rest = next;
    }
}

/// What characters before U+0400 become alone, where that is one character; they are most of what has accents.
static ALONE: LazyLock<Vec<Option<char>>> = LazyLock::new(|| {
    let alone = |character| {
        let mut out = Vec::new();
        compose_cluster(&[Unit { character, start: 0, end: 0 }], &mut out);
        match out.as_slice() {
            [only] => Some(only.character),
            _ => None,
        }
    };
    ('\0'..'\u{400}').map(alone).collect()
});

fn compose_cluster(cluster: &[Unit], out: &mut Vec<Unit>) {
    let (Some(first), Some(last)) = (cluster.first(), cluster.last()) else { return };
    let whole = Unit { character: first.character, start: first.start, end: last.end };
    let mut plain = false;
    let decomposed = cluster.iter().map(|unit| unit.character).nfkd().filter(|&character| {
        if canonical_combining_class(character) == 0 {
            plain = loses_accents(character);
        }
        !(plain && is_decoration(character))
    });
    let decomposed: Vec<char> = decomposed.collect();
    let composed = || decomposed.iter().copied().nfc().filter(|&character| !is_decoration(character));
    match composed().eq(cluster.iter().map(|unit| unit.character)) {
        true => out.extend_from_slice(cluster),
        false => out.extend(composed().map(|character| whole.with(character))),
    }
}

fn loses_accents(base: char) -> bool {
    matches!(base, 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}')
}

/// Whether nothing before `character` can change with it.
fn begins_cluster(character: char) -> bool {
    character.is_ascii() || is_settled(character) || begins_by_tables(character)
}

/// Whether `character` is one of the letters that most texts are in that are normalised and change with nothing before
/// them, which the tables say as well and take longer to.
pub(crate) fn is_settled(character: char) -> bool {
    matches!(character,
        '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}' | '\u{5d0}'..='\u{5ea}' | '\u{621}'..='\u{63f}'
        | '\u{641}'..='\u{64a}' | '\u{904}'..='\u{928}' | '\u{92a}'..='\u{930}' | '\u{e01}'..='\u{e30}'
        | '\u{3001}'..='\u{3003}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fe}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}')
}

fn begins_by_tables(character: char) -> bool {
    let mut first = character;
    let mut seen = false;
    decompose_compatible(character, |part| {
        if !seen {
            first = part;
            seen = true;
        }
    });
    canonical_combining_class(first) == 0 && is_nfkc_quick(std::iter::once(first)) == IsNormalized::Yes
}

/// Whether `character`, which is not before U+0400, alone is normalised and carries no accent that goes.
fn stays(character: char) -> bool {
    match character {
        '\u{1e00}'..='\u{1fff}' => false,
        _ if is_settled(character) => true,
        _ => is_nfkc_quick(std::iter::once(character)) == IsNormalized::Yes && !is_decoration(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settled_letters_are_so_by_the_tables() {
        for character in ('\u{80}'..=char::MAX).filter(|&character| is_settled(character)) {
            let normal = is_nfkc_quick(std::iter::once(character)) == IsNormalized::Yes;
            assert!(begins_by_tables(character) && normal && !is_decoration(character), "{character:?}");
        }
    }
}
