//! What kind of thing a financial instrument is.

use crate::validators::format::{Check, Format, Invalid, Kind, component, length, shape};
use crate::validators::text::{Characters, Compact};

pub(super) const FORMATS: &[Format] = &[Format::new(
    "cfi",
    Kind::Security,
    cfi,
    "Classification of financial instruments (CFI)",
    "ISO 10962:2021",
)];

/// A group a line: its category and letter, and the letters of its four attributes, where X is none.
const GROUPS: &str = include_str!("../data/cfi.txt");

fn cfi(text: &str) -> Check {
    let n = Compact::new(text, "")?;
    length(n.len() == 6)?;
    shape(n.is_letters())?;
    let group = GROUPS.lines().find(|line| line.as_bytes().starts_with(n.part(..2)));
    let attributes = group.and_then(|line| line.get(3..)).ok_or(Invalid::Component)?;
    // X may stand for what is not known yet, everywhere.
    let mut pairs = attributes.split(' ').zip(n.part(2..));
    component(pairs.all(|(letters, letter)| *letter == b'X' || letters.as_bytes().contains(letter)))
}
