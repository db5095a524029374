//! The table of look-alikes against that of Unicode.

use castellan_shield::view::normalise;
use unicode_normalization::UnicodeNormalization;

const TABLE: &str = include_str!("../../data/confusables.txt");

/// Lines of the table: class, target, characters.
fn lines() -> impl Iterator<Item = (&'static str, char, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        (fields[0], fields[1].chars().next().unwrap(), fields[2])
    })
}

/// What Unicode says that `character` looks like, if it is one character.
fn skeleton(character: char) -> Option<char> {
    let mut all =
        unicode_security::skeleton(character.encode_utf8(&mut [0; 4])).collect::<Vec<_>>().into_iter();
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// Scripts whose letters are left as they are: whole texts are written in them, and a letter or two that look like Latin
/// ones say nothing.
fn is_left(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{109f}' | '\u{1100}'..='\u{139f}' | '\u{1780}'..='\u{1c8f}' | '\u{1cd0}'..='\u{1cff}'
        | '\u{2e80}'..='\u{a4cf}' | '\u{a500}'..='\u{a63f}' | '\u{a6a0}'..='\u{a6ff}' | '\u{a900}'..='\u{abbf}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{10900}'..='\u{10a5f}' | '\u{10d00}'..='\u{117ff}' | '\u{16800}'..='\u{1e95f}'
        | '\u{fb1d}'..='\u{feff}' | '\u{1e800}'..)
}

#[test]
fn every_strong_look_alike_is_one_of_unicode() {
    for (class, target, characters) in lines().filter(|(class, ..)| *class == "strong") {
        for character in characters.chars() {
            let theirs = skeleton(character).unwrap().to_ascii_lowercase();
            // Unicode takes capital i for small l.
            let same = theirs == target || (theirs == 'l' && target == 'i');
            assert!(same, "{class} {character:?} is {target:?} here and {theirs:?} in Unicode");
        }
    }
}

#[test]
fn no_look_alike_of_unicode_is_missing() {
    let known: String = lines().map(|(.., characters)| characters).collect();
    let missing: Vec<String> = ('\u{80}'..='\u{1ffff}')
        .filter(|c| c.is_alphabetic() && !is_left(*c) && !known.contains(*c))
        .filter(|c| std::iter::once(*c).nfkc().eq([*c]))
        .filter(|c| skeleton(*c).is_some_and(|theirs| theirs.is_ascii_alphabetic()))
        .map(|c| format!("{:04x}", u32::from(c)))
        .collect();
    assert_eq!(missing, EXCEPTIONS);
}

/// Look-alikes of Unicode that are left out, and why none of them is taken.
const EXCEPTIONS: &[&str] = &[];

#[test]
fn every_character_of_the_table_is_folded_among_latin_letters() {
    for (class, target, characters) in lines() {
        for character in characters.chars() {
            let text = format!("x{character}x");
            let folded = normalise(&text).text().to_owned();
            let expected = format!("x{target}x");
            assert!(folded.eq_ignore_ascii_case(&expected), "{class} {character:?} became {folded:?}");
        }
    }
}

#[test]
fn the_table_has_no_character_twice() {
    let mut all: Vec<char> = lines().flat_map(|(.., characters)| characters.chars()).collect();
    all.sort_unstable();
    let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert_eq!(twice, []);
}
