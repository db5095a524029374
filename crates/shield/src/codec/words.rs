//! Alphabets of words and signs: Morse, Braille, and the spelling alphabet of NATO.

use std::ops::Range;

use super::scan::{Found, Scan, Word, distinct_letters, kind, runs};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

pub(super) static MORSE: Codec = Codec {
    name: "morse",
    about: "Morse code, with a stroke between words",
    carries: "letters, digits and the punctuation that Morse has, in words with single spaces",
    loss: Loss::Case,
    encode: |text| spelled(text, " ", " / ", |c| code_of(MORSE_CODE, c)),
    decode: |text| read(text, 0..text.len(), is_morse, morse_value),
    returns: |text| returned(text, |c| code_of(MORSE_CODE, c)),
};
pub(super) static NATO: Codec = Codec {
    name: "nato",
    about: "The spelling alphabet of NATO, with a comma between words",
    carries: "letters and digits, in words with single spaces",
    loss: Loss::Case,
    encode: |text| spelled(text, " ", ", ", |c| code_of(SPELLING, c)),
    decode: |text| read(text, 0..text.len(), |byte| byte.is_ascii_alphabetic(), spelling_value),
    returns: |text| returned(text, |c| code_of(SPELLING, c)),
};

/// After Recommendation ITU-R M.1677.
const MORSE_CODE: &[(&str, char)] = &[
    (".-", 'a'),
    ("-...", 'b'),
    ("-.-.", 'c'),
    ("-..", 'd'),
    (".", 'e'),
    ("..-.", 'f'),
    ("--.", 'g'),
    ("....", 'h'),
    ("..", 'i'),
    (".---", 'j'),
    ("-.-", 'k'),
    (".-..", 'l'),
    ("--", 'm'),
    ("-.", 'n'),
    ("---", 'o'),
    (".--.", 'p'),
    ("--.-", 'q'),
    (".-.", 'r'),
    ("...", 's'),
    ("-", 't'),
    ("..-", 'u'),
    ("...-", 'v'),
    (".--", 'w'),
    ("-..-", 'x'),
    ("-.--", 'y'),
    ("--..", 'z'),
    ("-----", '0'),
    (".----", '1'),
    ("..---", '2'),
    ("...--", '3'),
    ("....-", '4'),
    (".....", '5'),
    ("-....", '6'),
    ("--...", '7'),
    ("---..", '8'),
    ("----.", '9'),
    (".-.-.-", '.'),
    ("--..--", ','),
    ("..--..", '?'),
    (".----.", '\''),
    ("-..-.", '/'),
    ("-....-", '-'),
    ("---...", ':'),
    ("-...-", '='),
    (".-.-.", '+'),
    (".-..-.", '"'),
    (".--.-.", '@'),
    ("-.--.", '('),
    ("-.--.-", ')'),
    ("-.-.--", '!'),
];

/// Grouped by the first letter. What is written comes before other ways of saying it.
const SPELLING: &[(&str, char)] = &[
    ("Alfa", 'a'),
    ("Alpha", 'a'),
    ("Bravo", 'b'),
    ("Charlie", 'c'),
    ("Delta", 'd'),
    ("Echo", 'e'),
    ("Eight", '8'),
    ("Foxtrot", 'f'),
    ("Four", '4'),
    ("Five", '5'),
    ("Fower", '4'),
    ("Fife", '5'),
    ("Golf", 'g'),
    ("Hotel", 'h'),
    ("India", 'i'),
    ("Juliett", 'j'),
    ("Juliet", 'j'),
    ("Kilo", 'k'),
    ("Lima", 'l'),
    ("Mike", 'm'),
    ("November", 'n'),
    ("Nine", '9'),
    ("Niner", '9'),
    ("Oscar", 'o'),
    ("One", '1'),
    ("Papa", 'p'),
    ("Quebec", 'q'),
    ("Romeo", 'r'),
    ("Sierra", 's'),
    ("Six", '6'),
    ("Seven", '7'),
    ("Tango", 't'),
    ("Two", '2'),
    ("Three", '3'),
    ("Tree", '3'),
    ("Uniform", 'u'),
    ("Victor", 'v'),
    ("Whiskey", 'w'),
    ("Xray", 'x'),
    ("Yankee", 'y'),
    ("Zulu", 'z'),
    ("Zero", '0'),
];

fn code_of(table: &'static [(&str, char)], character: char) -> Option<&'static str> {
    let small = character.to_ascii_lowercase();
    table.iter().find(|(_, known)| *known == small).map(|(code, _)| *code)
}

fn morse_value(code: &str) -> Option<char> {
    if code.len() > 7 {
        return None;
    }
    let plain: String = code.chars().map(|c| if c == '_' { '-' } else { c }).collect();
    MORSE_CODE.iter().find(|(known, _)| *known == plain).map(|(_, character)| *character)
}

/// Where the words of each first letter start in the table.
static FIRST: [usize; 27] = {
    let mut first = [0; 27];
    let mut letter = 0;
    let mut index = 0;
    while letter < 27 {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        while index < SPELLING.len() && (SPELLING[index].0.as_bytes()[0] - b'A') < letter as u8 {
            index += 1;
        }
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            first[letter] = index;
        }
        letter += 1;
    }
    first
};

fn spelling_value(code: &str) -> Option<char> {
    let letter = usize::from(code.bytes().next()?.to_ascii_uppercase().checked_sub(b'A')?);
    let words = SPELLING.get(*FIRST.get(letter)?..*FIRST.get(letter + 1)?)?;
    words.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, character)| *character)
}

fn spelled(
    text: &str,
    letter: &str,
    word: &str,
    code: impl Fn(char) -> Option<&'static str>,
) -> Option<String> {
    let words =
        text.split(' ').map(|word| Some(word.chars().map(&code).collect::<Option<Vec<_>>>()?.join(letter)));
    Some(words.collect::<Option<Vec<_>>>()?.join(word))
}

/// `text` in small letters, if it consists of words with single spaces between and all of their characters have a code.
fn returned(text: &str, code: impl Fn(char) -> Option<&'static str>) -> Option<String> {
    let known = text.split(' ').all(|word| !word.is_empty() && word.chars().all(|c| code(c).is_some()));
    known.then(|| text.to_ascii_lowercase())
}

fn is_morse(byte: u8) -> bool {
    matches!(byte, b'.' | b'-' | b'_')
}

/// The letters whose codes are the runs of `belongs` in `range`; what stands between two is the end of a word where it is
/// more than spaces. `None` where a code stands for nothing.
fn read(
    text: &str,
    range: Range<usize>,
    belongs: impl Fn(u8) -> bool,
    value: impl Fn(&str) -> Option<char>,
) -> Option<View<'static>> {
    let mut builder = ViewBuilder::default();
    let part = text.get(range.clone())?;
    let mut end = 0;
    for run in runs(part.as_bytes(), belongs) {
        let gap = part.get(end..run.start)?;
        if end > 0 && (gap.len() > 1 || gap.bytes().any(|byte| byte != b' ')) {
            builder.character(' ', range.start + end..range.start + run.start);
        }
        end = run.end;
        builder.character(value(part.get(run.clone())?)?, range.start + run.start..range.start + run.end);
    }
    Some(builder.finish(text.len()))
}

/// Finds Morse code: four and more signs with spaces or strokes between.
pub(super) fn find_morse(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let is_sign = |word: &Word| !word.has(!(kind::DOT | kind::DASH | kind::OTHER)) && word.score.letters == 0;
    for (row, span) in scan.rows(4, is_sign) {
        let signs = row.iter().filter(|word| word.has(kind::DOT | kind::DASH)).count();
        let ours = |byte: u8| is_morse(byte) || matches!(byte, b'/' | b'|') || byte.is_ascii_whitespace();
        if signs < 4 || !scan.slice(span.clone()).bytes().all(ours) {
            continue;
        }
        // Lines between the cells of a table are of one or two kinds.
        let view = read(scan.text, span.clone(), is_morse, morse_value);
        if let Some(view) = view.filter(|view| distinct_letters(view.text()) >= 3) {
            found.extend(Found::spelled(&MORSE, view, span, 4));
        }
    }
}

/// The last letters of words by their first letter, one bit each.
static LAST: [u32; 26] = {
    let mut last = [0; 26];
    let mut index = 0;
    while index < SPELLING.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            let word = SPELLING[index].0.as_bytes();
            last[(word[0] - b'A') as usize] |= 1 << (word[word.len() - 1] - b'a');
        }
        index += 1;
    }
    last
};

/// Whether the first and the last letter are those of one word, or there are marks around.
fn likely(word: &str) -> bool {
    let letter = |byte: Option<&u8>| {
        byte.and_then(|byte| byte.to_ascii_lowercase().checked_sub(b'a')).filter(|&place| place < 26)
    };
    match (letter(word.as_bytes().first()), letter(word.as_bytes().last())) {
        (Some(first), Some(last)) => LAST.get(usize::from(first)).is_some_and(|known| known >> last & 1 == 1),
        _ => true,
    }
}

/// Finds four and more words of the spelling alphabet.
pub(super) fn find_nato(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let is_name = |word: &Word| {
        if !(3..=11).contains(&word.len()) || word.len() > word.score.letters as usize + 2 {
            return false;
        }
        let text = scan.slice(word.range());
        likely(text) && spelling_value(text.trim_matches(|c: char| !c.is_ascii_alphabetic())).is_some()
    };
    for (_, span) in scan.rows(4, is_name) {
        if let Some(view) = read(scan.text, span.clone(), |byte| byte.is_ascii_alphabetic(), spelling_value) {
            found.extend(Found::spelled(&NATO, view, span, 4));
        }
    }
}
