//! Excel 97 workbooks (MS-XLS, BIFF8): records of a stream, a part a cell.
//!
//! Cells are given as they come. A reader that builds a table first would let a small file claim rows and columns by
//! the million.

use std::collections::HashMap;
use std::sync::Arc;

use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Fault, Step, Walk};

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const FILEPASS: u16 = 0x002F;
const BOUNDSHEET: u16 = 0x0085;
const SST: u16 = 0x00FC;
const CONTINUE: u16 = 0x003C;
const LABELSST: u16 = 0x00FD;
const LABEL: u16 = 0x0204;
const RSTRING: u16 = 0x00D6;
const NUMBER: u16 = 0x0203;
const RK: u16 = 0x027E;
const MULRK: u16 = 0x00BD;
const FORMULA: u16 = 0x0006;
const STRING: u16 = 0x0207;
const HEADER: u16 = 0x0014;
const FOOTER: u16 = 0x0015;
const WRITEACCESS: u16 = 0x005C;
const TXO: u16 = 0x01B6;

/// Strings of the shared table at most, for one that lies about its length.
const MOST_STRINGS: usize = 16 << 20;

pub(super) fn read(bytes: &[u8], walk: &mut Walk<'_>) -> Step {
    let mut book = Book::default();
    let mut records = Records { bytes, at: 0 };
    while let Some(record) = records.next() {
        book.record(&record, &mut records, walk)?;
        walk.ask(record.data.len() + 8)?;
    }
    if records.at < bytes.len()
        && bytes.get(records.at..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0))
    {
        walk.skip(Place::Body, Reason::Truncated, Some((bytes.len() - records.at) as u64));
    }
    Ok(())
}

struct Record<'a> {
    start: usize,
    kind: u16,
    data: &'a [u8],
}

struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    /// The continuations of the record before, each by itself.
    fn continuations(&mut self) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while word(self.bytes, self.at) == Some(CONTINUE) {
            match self.next() {
                Some(record) => pieces.push(record.data),
                None => break,
            }
        }
        pieces
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let start = self.at;
        let kind = word(self.bytes, start)?;
        let length = usize::from(word(self.bytes, start + 2)?);
        let data = self.bytes.get(start + 4..start + 4 + length)?;
        self.at = start + 4 + length;
        Some(Record { start, kind, data })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn float(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[derive(Default)]
struct Book {
    strings: Vec<Arc<str>>,
    /// By the place in the stream at which it starts: what the sheet is called and whether it is hidden.
    sheets: HashMap<usize, (Arc<str>, bool)>,
    table: Option<Arc<str>>,
    is_hidden: bool,
    header: HashMap<u32, Arc<str>>,
    last_row: Option<u16>,
    /// A formula whose text follows.
    awaited: Option<(u16, u16)>,
}

impl Book {
    fn record(&mut self, record: &Record<'_>, records: &mut Records<'_>, walk: &mut Walk<'_>) -> Step {
        let data = record.data;
        match record.kind {
            BOF => return self.begin(record),
            FILEPASS => return Err(Fault::Failed(Reason::Encrypted)),
            BOUNDSHEET => return self.add_sheet(data, walk),
            SST => {
                let pieces = records.continuations();
                self.strings = shared_strings(data, pieces, walk)?;
            }
            LABELSST => {
                let text =
                    long(data, 6).and_then(|index| self.strings.get(usize::try_from(index).ok()?).cloned());
                let text =
                    text.ok_or_else(|| Fault::corrupt("a cell refers to a string that is not there"))?;
                return self.cell(data, &text, walk);
            }
            LABEL | RSTRING => {
                let text = string(data.get(6..).unwrap_or_default());
                return self.cell(data, &text, walk);
            }
            NUMBER => {
                let number = float(data, 6).unwrap_or_default();
                return self.cell(data, &number.to_string(), walk);
            }
            RK => {
                let number = rk(long(data, 6).unwrap_or_default());
                return self.cell(data, &number.to_string(), walk);
            }
            MULRK => return self.several(data, walk),
            FORMULA => return self.formula(data, walk),
            STRING => {
                if let Some((row, column)) = self.awaited.take() {
                    return self.cell_at(row, column, &string(data), walk);
                }
            }
            HEADER | FOOTER if !data.is_empty() => {
                let name = if record.kind == HEADER { "header" } else { "footer" };
                return walk.text(Place::section(name), &string(data));
            }
            WRITEACCESS => return walk.text(Place::field("user"), string(data).trim()),
            TXO => {
                if let Some(text) = records.continuations().first() {
                    return walk.text(Place::section("comments and shapes"), &characters(text));
                }
            }
            EOF => self.table = None,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, record: &Record<'_>) -> Step {
        if word(record.data, 0) != Some(0x0600) {
            return Err(Fault::unsupported("Excel before 97"));
        }
        if let Some((name, is_hidden)) = self.sheets.get(&record.start) {
            self.table = Some(Arc::clone(name));
            self.is_hidden = *is_hidden;
            self.header.clear();
            self.last_row = None;
        }
        Ok(())
    }

    fn add_sheet(&mut self, data: &[u8], walk: &mut Walk<'_>) -> Step {
        let start = long(data, 0).and_then(|start| usize::try_from(start).ok()).unwrap_or_default();
        let is_hidden = data.get(4).is_some_and(|state| *state != 0);
        let length = usize::from(data.get(6).copied().unwrap_or_default());
        let name = characters(data.get(7..).unwrap_or_default());
        let name: String = name.chars().take(length).collect();
        walk.text(Place::field("sheet name"), &name)?;
        self.sheets.insert(start, (name.into(), is_hidden));
        Ok(())
    }

    /// A cell whose record starts with its row and column.
    fn cell(&mut self, data: &[u8], text: &str, walk: &mut Walk<'_>) -> Step {
        let (Some(row), Some(column)) = (word(data, 0), word(data, 2)) else {
            return Err(Fault::corrupt("a cell without a place"));
        };
        self.cell_at(row, column, text, walk)
    }

    fn cell_at(&mut self, row: u16, column: u16, text: &str, walk: &mut Walk<'_>) -> Step {
        if self.last_row != Some(row) {
            self.last_row = Some(row);
            walk.count_row();
        }
        let (row, column) = (u64::from(row) + 1, u32::from(column) + 1);
        if row == 1 && !text.is_empty() && text.len() <= 256 {
            self.header.insert(column, text.into());
        }
        let name = (row > 1).then(|| self.header.get(&column).cloned()).flatten();
        walk.open(Place::Cell { table: self.table.clone(), row, column, name }, self.is_hidden);
        walk.feed(text, None)
    }

    /// Numbers side by side.
    fn several(&mut self, data: &[u8], walk: &mut Walk<'_>) -> Step {
        let (Some(row), Some(first)) = (word(data, 0), word(data, 2)) else { return Ok(()) };
        let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
        for (at, number) in numbers.chunks_exact(6).enumerate() {
            let text = rk(long(number, 2).unwrap_or_default()).to_string();
            let column = first.saturating_add(u16::try_from(at).unwrap_or(u16::MAX));
            self.cell_at(row, column, &text, walk)?;
        }
        Ok(())
    }

    /// What a formula gave: a number, or a text in a record of its own.
    fn formula(&mut self, data: &[u8], walk: &mut Walk<'_>) -> Step {
        if word(data, 12) == Some(0xFFFF) {
            self.awaited = word(data, 0).zip(word(data, 2)).filter(|_| data.get(6) == Some(&0));
            return Ok(());
        }
        let number = float(data, 6).unwrap_or_default();
        self.cell(data, &number.to_string(), walk)
    }
}

/// A number in four bytes: an integer or the upper part of a float, perhaps in hundredths.
fn rk(value: u32) -> f64 {
    let number = if value & 2 != 0 {
        f64::from(value.cast_signed() >> 2)
    } else {
        f64::from_bits(u64::from(value & !3) << 32)
    };
    if value & 1 != 0 { number / 100.0 } else { number }
}

/// A string: a length of two bytes, then its characters.
fn string(data: &[u8]) -> String {
    let length = usize::from(word(data, 0).unwrap_or_default());
    characters(data.get(2..).unwrap_or_default()).chars().take(length).collect()
}

/// Characters after a byte that says whether they are wide.
fn characters(data: &[u8]) -> String {
    let Some((flags, text)) = data.split_first() else { return String::new() };
    decoded(text, flags & 1 != 0)
}

fn decoded(bytes: &[u8], is_wide: bool) -> String {
    if is_wide {
        encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
    } else {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// The shared strings, which run on over continuations; one cut in its characters says again whether they are wide.
fn shared_strings<'a>(first: &'a [u8], rest: Vec<&'a [u8]>, walk: &mut Walk<'_>) -> Step<Vec<Arc<str>>> {
    let count = long(first, 4).and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let mut pieces = rest.into_iter();
    let mut table = Table { piece: first.get(8..).unwrap_or_default(), pieces: &mut pieces };
    let mut strings = Vec::new();
    while strings.len() < count.min(MOST_STRINGS) {
        walk.ask(64)?;
        match table.string() {
            Some(text) => strings.push(text.into()),
            None => break,
        }
    }
    Ok(strings)
}

struct Table<'a, 'p> {
    piece: &'a [u8],
    pieces: &'p mut std::vec::IntoIter<&'a [u8]>,
}

impl Table<'_, '_> {
    fn string(&mut self) -> Option<String> {
        let length = usize::from(self.number(2)?);
        let flags = self.number(1)?;
        let runs = if flags & 8 != 0 { usize::from(self.number(2)?) } else { 0 };
        let phonetic = if flags & 4 != 0 { self.number(4).map(usize::from)? } else { 0 };
        let text = self.characters(length, flags & 1 != 0)?;
        self.skip(runs * 4 + phonetic);
        Some(text)
    }

    /// A number of that many bytes, of which the lower two count. Numbers are not cut by continuations.
    fn number(&mut self, width: usize) -> Option<u16> {
        self.refill();
        let bytes = self.piece.get(..width)?;
        let value = if width == 1 { u16::from(*bytes.first()?) } else { word(bytes, 0)? };
        self.piece = self.piece.get(width..)?;
        Some(value)
    }

    fn refill(&mut self) -> bool {
        while self.piece.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.piece = piece,
                None => return false,
            }
        }
        true
    }

    fn characters(&mut self, length: usize, mut is_wide: bool) -> Option<String> {
        let mut text = String::new();
        let mut left = length;
        while left > 0 {
            if self.piece.is_empty() {
                if !self.refill() {
                    return None;
                }
                is_wide = self.number(1)? & 1 != 0;
            }
            let width = if is_wide { 2 } else { 1 };
            let taken = left.min(self.piece.len() / width);
            if taken == 0 {
                return None;
            }
            text.push_str(&decoded(self.piece.get(..taken * width)?, is_wide));
            self.piece = self.piece.get(taken * width..)?;
            left -= taken;
        }
        Some(text)
    }

    fn skip(&mut self, mut length: usize) {
        while length > 0 && self.refill() {
            let taken = length.min(self.piece.len());
            self.piece = self.piece.get(taken..).unwrap_or_default();
            length -= taken;
        }
    }
}
