//! Tables in text: comma-separated values and their kin, after RFC 4180 as far as they follow it.

use std::io::BufRead;
use std::sync::Arc;

use csv_core::ReadFieldResult;

use super::text;
use crate::decode;
use crate::input::Input;
use crate::location::Place;
use crate::part::{Mapping, Origin};
use crate::walk::{Step, Walk};

/// Columns whose names are kept.
const NAMED_COLUMNS: usize = 16 << 10;
/// The longest name that is kept, in bytes.
const LONGEST_NAME: usize = 256;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let start = decode::whole(input.head());
    let is_tabbed = input.name().to_ascii_lowercase().ends_with(".tsv");
    let delimiter = if is_tabbed { b'\t' } else { delimiter(&start) };
    let mut reader = text::open(input);
    let mut table = Table {
        row: 1,
        column: 1,
        names: Vec::new(),
        has_names: names_columns(&start, delimiter),
        is_given: false,
    };
    let mut csv = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let mut field = vec![0; walk.limits.chunk_len()];
    let mut filled = 0;
    let mut start = FieldStart::default();
    loop {
        let bytes = reader.fill_buf()?;
        if start.is_unset {
            start = FieldStart::at(bytes, table.column == 1, csv.line());
        }
        let room = field.get_mut(filled..).unwrap_or_default();
        let (result, taken, written) = csv.read_field(bytes, room);
        let before = reader.byte();
        if start.byte.is_none() {
            start.byte = before.map(|byte| byte + start.skipped);
        }
        filled += written;
        start.length += taken as u64;
        reader.consume(taken);
        walk.ask(taken)?;
        let is_end = match result {
            ReadFieldResult::InputEmpty => continue,
            ReadFieldResult::OutputFull => {
                let kept = table.give(field.get(..filled).unwrap_or_default(), &start, false, walk)?;
                field.copy_within(kept..filled, 0);
                filled -= kept;
                continue;
            }
            ReadFieldResult::Field { record_end } => {
                table.give(field.get(..filled).unwrap_or_default(), &start, true, walk)?;
                table.next(record_end, walk);
                false
            }
            ReadFieldResult::End => true,
        };
        if is_end {
            break;
        }
        filled = 0;
        start = FieldStart::default();
    }
    text::note_encoding(&reader, walk);
    Ok(())
}

/// Where a field began.
struct FieldStart {
    is_unset: bool,
    byte: Option<u64>,
    /// Line ends before the field that still belonged to nothing.
    skipped: u64,
    is_quoted: bool,
    line: u64,
    /// Bytes of the field so far, with its quotes and its delimiter.
    length: u64,
}

impl Default for FieldStart {
    fn default() -> Self {
        Self { is_unset: true, byte: None, skipped: 0, is_quoted: false, line: 1, length: 0 }
    }
}

impl FieldStart {
    fn at(bytes: &[u8], is_first_of_row: bool, line: u64) -> Self {
        let is_end = |byte: &&u8| is_first_of_row && matches!(byte, b'\r' | b'\n');
        let skipped = bytes.iter().take_while(is_end).count();
        let lines = bytes.iter().take(skipped).filter(|byte| **byte == b'\n').count() as u64;
        let is_quoted = bytes.get(skipped) == Some(&b'"');
        Self {
            is_unset: false,
            byte: None,
            skipped: skipped as u64 + u64::from(is_quoted),
            is_quoted,
            line: line + lines,
            length: 0,
        }
    }

    fn origin(&self, text: usize) -> Option<Origin> {
        // Doubled quotes within make the field longer than its text and two quotes and an end.
        let is_plain = !self.is_quoted || self.length <= text as u64 + 4 + self.skipped;
        let mapping = if is_plain { Mapping::Same } else { Mapping::Unknown };
        Some(Origin { byte: self.byte?, line: Some(self.line), mapping })
    }
}

struct Table {
    row: u64,
    column: u32,
    names: Vec<Arc<str>>,
    has_names: bool,
    /// Whether the present field gave a chunk already.
    is_given: bool,
}

impl Table {
    /// Gives what is there of a field; returns how many bytes, less a character that is cut.
    fn give(&mut self, bytes: &[u8], start: &FieldStart, is_last: bool, walk: &mut Walk<'_>) -> Step<usize> {
        let (text, length) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, bytes.len()),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(valid).unwrap_or_default(), valid.len())
            }
        };
        if !self.is_given {
            let name = (self.row > 1).then(|| self.names.get(self.column as usize - 1).cloned()).flatten();
            walk.open(Place::Cell { table: None, row: self.row, column: self.column, name }, false);
        }
        if is_last && self.has_names && self.row == 1 && self.names.len() < NAMED_COLUMNS {
            self.names.push(text.get(..text.floor_char_boundary(LONGEST_NAME)).unwrap_or_default().into());
        }
        let origin = if is_last && !self.is_given { start.origin(text.len()) } else { None };
        walk.feed(text, origin)?;
        self.is_given = !is_last;
        Ok(length)
    }

    fn next(&mut self, is_row_end: bool, walk: &mut Walk<'_>) {
        if is_row_end {
            self.row += 1;
            self.column = 1;
            walk.count_row();
        } else {
            self.column = self.column.saturating_add(1);
        }
    }
}

/// The delimiter that parts the first lines into most fields, alike on every line.
fn delimiter(start: &str) -> u8 {
    const CANDIDATES: [char; 4] = [',', ';', '\t', '|'];
    let score = |delimiter: char| {
        let counts: Vec<usize> = sample(start).map(|line| outside_quotes(line, delimiter)).collect();
        let most = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == most).count();
        if most == 0 { 0 } else { alike * 1000 + most.min(999) }
    };
    let best = CANDIDATES.into_iter().rev().max_by_key(|candidate| score(*candidate));
    best.filter(|best| score(*best) > 0).and_then(|best| u8::try_from(best).ok()).unwrap_or(b',')
}

fn sample(start: &str) -> impl Iterator<Item = &str> {
    start.lines().filter(|line| !line.trim().is_empty()).take(50)
}

fn outside_quotes(line: &str, delimiter: char) -> usize {
    let mut is_quoted = false;
    let mut count = 0;
    for character in line.chars() {
        is_quoted ^= character == '"';
        count += usize::from(!is_quoted && character == delimiter);
    }
    count
}

/// Whether the first row looks like names: no field is empty, a number or repeated.
fn names_columns(start: &str, delimiter: u8) -> bool {
    let Some(first) = sample(start).next() else { return false };
    let fields: Vec<&str> =
        first.split(char::from(delimiter)).map(|field| field.trim().trim_matches('"')).collect();
    let is_name = |field: &&str| {
        !field.is_empty()
            && field.parse::<f64>().is_err()
            && field.len() <= LONGEST_NAME
            && !field.contains('@')
    };
    let mut unique: Vec<&str> = fields.clone();
    unique.sort_unstable();
    unique.dedup();
    unique.len() == fields.len() && fields.iter().all(is_name)
}
