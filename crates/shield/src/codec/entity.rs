//! Character references of HTML: decimal, hexadecimal, and the names that matter.

use super::escape::{Escapes, Meaning};
use super::scan::{Found, Scan};
use super::{Codec, Loss, whole};

const BASE: Codec = Codec {
    name: "html-decimal",
    about: "Characters as decimal references of HTML",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(|c| format!("&#{};", u32::from(c))).collect()),
    decode: |text| ESCAPES.decode(text),
    returns: whole,
};
pub(super) static DECIMAL: Codec = BASE;
pub(super) static HEXADECIMAL: Codec = Codec {
    name: "html-hexadecimal",
    about: "Characters as hexadecimal references of HTML",
    encode: |text| Some(text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect()),
    ..BASE
};
pub(super) static NAMED: Codec = Codec {
    name: "html-entities",
    about: "Punctuation as named references of HTML; letters stay",
    encode: |text| Some(text.chars().map(named).collect()),
    ..BASE
};

const ESCAPES: Escapes = Escapes { codec: &DECIMAL, mark: b'&', read };

/// Names and what they stand for; the HTML standard has them all.
static NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("lsquo", '\u{2018}'),
    ("rsquo", '\u{2019}'),
    ("ldquo", '\u{201c}'),
    ("rdquo", '\u{201d}'),
    ("hellip", '\u{2026}'),
    ("ZeroWidthSpace", '\u{200b}'),
    ("NoBreak", '\u{2060}'),
];

fn named(character: char) -> String {
    match NAMES.iter().find(|(_, shown)| *shown == character) {
        Some((name, _)) => format!("&{name};"),
        None => character.to_string(),
    }
}

/// The longest reference that is read, in bytes: `&ZeroWidthSpace;`, or a number with zeros in front.
const LONGEST: usize = 24;

fn read(text: &str) -> Option<(usize, Meaning)> {
    let window = text.as_bytes().get(1..text.len().min(LONGEST))?;
    let length =
        window.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#').unwrap_or(window.len());
    let name = text.get(1..1 + length)?;
    let closed = usize::from(window.get(length) == Some(&b';'));
    let character = match name.strip_prefix('#') {
        Some(number) => number_reference(number)?,
        None if closed == 1 => NAMES.iter().find(|(known, _)| *known == name)?.1,
        None => return None,
    };
    Some((1 + length + closed, Meaning::Character(character)))
}

fn number_reference(number: &str) -> Option<char> {
    let value = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(value.ok()?)
}

pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    ESCAPES.find(scan, found);
}
