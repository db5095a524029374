//! Machine-readable zones of travel documents.

use crate::validators::format::{Check, Format, Invalid, Kind, checksum, shape};
use crate::validators::text::{Characters, Compact};

pub(super) const FORMATS: &[Format] = &[Format::new(
    "mrz",
    Kind::Document,
    mrz,
    "Machine-readable zone of a passport, identity card or visa",
    "ICAO 9303 parts 4 to 7",
)
.checked()];

/// Fields with a check digit behind them: line, first place, length.
type Field = (usize, usize, usize);

/// Two lines of 44: passports. The optional data have a check digit too, which may be a filler.
const PASSPORT: &[Field] = &[(1, 0, 9), (1, 13, 6), (1, 21, 6)];
/// Three lines of 30: cards.
const CARD: &[Field] = &[(0, 5, 9), (1, 0, 6), (1, 8, 6)];

/// The whole zone, or the lower line of a passport alone, which has all of its check digits.
fn mrz(text: &str) -> Check {
    let mut lines = [Compact::of(b"")?; 3];
    let mut count = 0;
    for (place, line) in lines.iter_mut().zip(text.split_ascii_whitespace()) {
        *place = Compact::new(line, "")?;
        shape(place.iter().all(|character| *character == b'<' || character.is_ascii_alphanumeric()))?;
        count += 1;
    }
    shape(text.split_ascii_whitespace().count() == count)?;
    let sizes = lines.each_ref().map(|line| line.len());
    match sizes {
        [44, 0, 0] => passport(&[Compact::of(b"P")?, lines[0], lines[1]]),
        [44, 44, 0] if lines[0].at(0) == b'V' => fields(&lines, PASSPORT),
        [44, 44, 0] => passport(&lines),
        [36, 36, 0] if lines[0].at(0) == b'V' => fields(&lines, PASSPORT),
        [36, 36, 0] => {
            fields(&lines, PASSPORT)?;
            composite(&lines[1], &[&lines[1]], &[(0, 0, 10), (0, 13, 7), (0, 21, 14)], 35)
        }
        [30, 30, 30] => {
            shape(matches!(lines[0].at(0), b'A' | b'C' | b'I'))?;
            fields(&lines, CARD)?;
            composite(
                &lines[1],
                &[&lines[0], &lines[1]],
                &[(0, 5, 25), (1, 0, 7), (1, 8, 7), (1, 18, 11)],
                29,
            )
        }
        _ => Err(Invalid::Length),
    }
}

fn passport(lines: &[Compact; 3]) -> Check {
    shape(lines[0].at(0) == b'P')?;
    fields(lines, PASSPORT)?;
    let lower = &lines[1];
    let optional = digit(lower.part(28..42));
    checksum(value(lower.at(42)) == Some(optional))?;
    composite(lower, &[lower], &[(0, 0, 10), (0, 13, 7), (0, 21, 22)], 43)
}

fn fields(lines: &[Compact; 3], fields: &[Field]) -> Check {
    for (line, start, size) in fields {
        let line = lines.get(*line).ok_or(Invalid::Format)?;
        checksum(value(line.at(start + size)) == Some(digit(line.part(*start..start + size))))?;
    }
    Ok(())
}

/// The check digit over several fields and their check digits.
fn composite(lower: &Compact, lines: &[&Compact], fields: &[Field], place: usize) -> Check {
    let mut joined = Compact::of(b"")?;
    for (line, start, size) in fields {
        let line = lines.get(*line).ok_or(Invalid::Format)?;
        for character in line.part(*start..start + size) {
            joined.push(*character)?;
        }
    }
    checksum(value(lower.at(place)) == Some(digit(&joined)))
}

/// Weights 7, 3 and 1; letters count from 10, fillers as zero.
fn digit(field: &[u8]) -> u32 {
    let products = field.iter().zip([7, 3, 1].into_iter().cycle());
    let sum: u32 =
        products.map(|(one, weight)| crate::validators::text::value(*one).unwrap_or_default() * weight).sum();
    sum % 10
}

/// The value of a check digit, where a filler stands for zero.
fn value(character: u8) -> Option<u32> {
    match character {
        b'<' => Some(0),
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        _ => None,
    }
}
