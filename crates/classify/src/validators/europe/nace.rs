//! Economic activities of the European Union.

use crate::validators::format::{Check, Format, Kind, component, length, shape};
use crate::validators::text::{Characters, Compact};

pub(super) const FORMATS: &[Format] = &[Format::new(
    "eu.nace",
    Kind::Reference,
    nace,
    "Statistical classification of economic activities (NACE)",
    "Regulation (EC) 1893/2006, NACE Rev. 2",
)];

/// A division a line: its two digits, and the other two of its classes.
const CLASSES: &str = include_str!("../data/nace.txt");

fn nace(text: &str) -> Check {
    let n = Compact::new(text, ".")?;
    length((1..=4).contains(&n.len()))?;
    if n.len() == 1 {
        // A section.
        shape(n.is_letters())?;
        return component(n.at(0) <= b'U');
    }
    shape(n.is_digits())?;
    let division = CLASSES.lines().find(|line| line.as_bytes().starts_with(n.part(..2)));
    let classes = division.and_then(|line| line.get(3..)).unwrap_or_default();
    // A division has no digits behind, a group has the first.
    component(classes.split(' ').any(|class| !class.is_empty() && class.as_bytes().starts_with(n.part(2..))))
}
