//! SQLite databases, after the description of the file format at sqlite.org: all rows of all tables, page by page.
//!
//! Read here and not through SQLite itself: nothing is executed, memory is bounded, and any source that seeks will do.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use crate::input::{Input, Source};
use crate::location::Place;
use crate::outcome::{Limit, Reason};
use crate::walk::{Fault, Step, Walk};

/// Levels of a tree at most; a real one has hardly more than six.
const DEEPEST: usize = 24;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut database = Database::open(input.into_seekable(walk)?)?;
    let mut schema = Vec::new();
    database.tree(1, walk, |row, walk| {
        let [kind, name, _, root, sql] = [0, 1, 2, 3, 4].map(|at| row.values.get(at));
        let text = |value: Option<&Value>| value.and_then(Value::text).unwrap_or_default();
        walk.text(Place::section("schema"), &text(sql))?;
        let root = root.and_then(Value::integer).and_then(|root| u32::try_from(root).ok());
        // Names are a small part of a file; one that claims more is not kept.
        if text(kind) == "table" && schema.len() < 100_000 {
            schema.push((Arc::<str>::from(text(name)), root.unwrap_or(0), columns(&text(sql))));
        }
        Ok(())
    })?;
    for (name, root, columns) in schema {
        // Virtual tables have no tree of their own.
        if root == 0 {
            continue;
        }
        let mut count = 0;
        let result = database.tree(root, walk, |row, walk| {
            count += 1;
            walk.count_row();
            give(&row, &name, count, &columns, walk)
        });
        if let Err(Fault::Failed(reason)) = result {
            walk.skip(Place::section(&name), reason, None);
        } else {
            result?;
        }
    }
    Ok(())
}

/// Gives the values of a row.
fn give(row: &Row, table: &Arc<str>, number: u64, columns: &Columns, walk: &mut Walk<'_>) -> Step {
    for (at, value) in row.values.iter().enumerate() {
        let named = if row.is_keyed { columns.names.get(at) } else { None };
        let text = match (value, row.id) {
            // The column that is the row's number is stored as nothing.
            (Value::Null, Some(id)) if columns.id == Some(at) => id.to_string(),
            _ => value.text().unwrap_or_default(),
        };
        let place = Place::Cell {
            table: Some(Arc::clone(table)),
            row: number,
            column: u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1),
            name: named.cloned(),
        };
        walk.text(place, &text)?;
    }
    Ok(())
}

enum Value {
    Null,
    Integer(i64),
    Float(f64),
    Text(String),
    /// Bytes that are no text.
    Blob,
}

impl Value {
    fn text(&self) -> Option<String> {
        match self {
            Self::Integer(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Null | Self::Blob => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }
}

struct Row {
    id: Option<i64>,
    /// Whether values stand in the order of the columns; in a table without row ids the key comes first.
    is_keyed: bool,
    values: Vec<Value>,
}

struct Database<'r> {
    source: Box<dyn Source + 'r>,
    page_size: usize,
    /// Bytes of a page without what extensions reserve at its end.
    usable: usize,
    encoding: u32,
    pages: u64,
    /// Pages of long rows that were read; each belongs to one row, so there are no more than pages.
    overflowed: u64,
}

impl<'r> Database<'r> {
    fn open(mut source: Box<dyn Source + 'r>) -> Step<Self> {
        let size = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut header = Vec::new();
        source.by_ref().take(100).read_to_end(&mut header)?;
        let page_size = match u16_at(&header, 16) {
            Some(1) => 65_536,
            Some(size) if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(Fault::corrupt("the size of pages is none that there is")),
        };
        let reserved = usize::from(header.get(20).copied().unwrap_or(0));
        let usable = page_size.checked_sub(reserved).filter(|usable| *usable >= 480);
        let usable = usable.ok_or_else(|| Fault::corrupt("pages have too little room"))?;
        let encoding = u32_at(&header, 56).ok_or(Fault::Failed(Reason::Truncated))?;
        Ok(Self { source, page_size, usable, encoding, pages: size / page_size as u64, overflowed: 0 })
    }

    fn page(&mut self, number: u32) -> Step<Vec<u8>> {
        if number == 0 || u64::from(number) > self.pages {
            return Err(Fault::corrupt("a page lies outside of the file"));
        }
        self.source.seek(SeekFrom::Start(u64::from(number - 1) * self.page_size as u64))?;
        let mut page = Vec::with_capacity(self.page_size);
        self.source.by_ref().take(self.page_size as u64).read_to_end(&mut page)?;
        Ok(page)
    }

    /// Gives the rows of a tree in the order of its pages.
    fn tree(
        &mut self,
        root: u32,
        walk: &mut Walk<'_>,
        mut give: impl FnMut(Row, &mut Walk<'_>) -> Step,
    ) -> Step {
        let mut seen = HashSet::new();
        let mut left = vec![(root, 0_usize)];
        while let Some((number, depth)) = left.pop() {
            walk.ask(self.page_size)?;
            // A page that is there twice would be a loop or a bomb.
            if depth > DEEPEST || !seen.insert(number) {
                return Err(Fault::corrupt("the pages of a table form no tree"));
            }
            let page = self.page(number)?;
            let start = if number == 1 { 100 } else { 0 };
            let kind = page.get(start).copied().unwrap_or(0);
            let (is_inner, is_table) = match kind {
                2 => (true, false),
                5 => (true, true),
                10 => (false, false),
                13 => (false, true),
                _ => return Err(Fault::corrupt("a page is of no kind that there is")),
            };
            let cells = usize::from(u16_at(&page, start + 3).unwrap_or(0));
            let pointers = start + if is_inner { 12 } else { 8 };
            let mut children = Vec::new();
            for cell in 0..cells {
                let Some(at) = u16_at(&page, pointers + cell * 2).map(usize::from) else { break };
                if is_inner {
                    children.extend(u32_at(&page, at).map(|child| (child, depth + 1)));
                }
                // Inner pages of a table hold keys alone.
                if !(is_inner && is_table) {
                    let row = self.row(&page, if is_inner { at + 4 } else { at }, is_table, walk)?;
                    give(row, walk)?;
                }
            }
            if is_inner {
                children.extend(u32_at(&page, start + 8).map(|child| (child, depth + 1)));
            }
            left.extend(children.into_iter().rev());
        }
        Ok(())
    }

    /// The row whose cell stands at `at`.
    fn row(&mut self, page: &[u8], at: usize, is_table: bool, walk: &mut Walk<'_>) -> Step<Row> {
        let cut = || Fault::corrupt("a row lies outside of its page");
        let (length, width) = varint(page, at).ok_or_else(cut)?;
        let length = usize::try_from(length).map_err(Fault::corrupt)?;
        let mut start = at + width;
        let mut id = None;
        if is_table {
            let (row_id, width) = varint(page, start).ok_or_else(cut)?;
            id = Some(row_id.cast_signed());
            start += width;
        }
        if length > walk.limits.memory {
            return Err(Fault::Failed(Reason::TooLarge(Limit::Memory)));
        }
        let local = self.local_length(length, is_table);
        let mut payload = page.get(start..start + local).ok_or_else(cut)?.to_vec();
        if local < length {
            let next = u32_at(page, start + local).ok_or_else(cut)?;
            self.overflow(next, length, &mut payload, walk)?;
        }
        let values = self.values(&payload).ok_or_else(|| Fault::corrupt("a row is no record"))?;
        Ok(Row { id, is_keyed: is_table, values })
    }

    /// How many bytes of a row stand on the page itself.
    fn local_length(&self, length: usize, is_table: bool) -> usize {
        let usable = self.usable;
        let most = if is_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        if length <= most {
            return length;
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let kept = least + (length - least) % (usable - 4);
        if kept <= most { kept } else { least }
    }

    fn overflow(&mut self, first: u32, length: usize, payload: &mut Vec<u8>, walk: &mut Walk<'_>) -> Step {
        let mut next = first;
        while payload.len() < length {
            walk.ask(self.page_size)?;
            self.overflowed += 1;
            if self.overflowed > self.pages {
                return Err(Fault::corrupt("rows share their pages"));
            }
            let page = self.page(next)?;
            let count = (length - payload.len()).min(self.usable - 4);
            payload.extend(page.get(4..4 + count).ok_or_else(|| Fault::corrupt("a page is cut"))?);
            next = u32_at(&page, 0).unwrap_or(0);
        }
        Ok(())
    }

    /// The values of a record: a header of types, then the values.
    fn values(&self, payload: &[u8]) -> Option<Vec<Value>> {
        let (header, mut at) = varint(payload, 0)?;
        let header = usize::try_from(header).ok()?;
        let mut body = header;
        let mut values = Vec::new();
        while at < header {
            let (kind, width) = varint(payload, at)?;
            at += width;
            let length = match kind {
                0 | 8 | 9 => 0,
                1..=4 => usize::try_from(kind).ok()?,
                5 => 6,
                6 | 7 => 8,
                10 | 11 => return None,
                _ => usize::try_from((kind - 12) / 2).ok()?,
            };
            let bytes = payload.get(body..body.checked_add(length)?)?;
            body += length;
            values.push(self.value(kind, bytes));
        }
        Some(values)
    }

    fn value(&self, kind: u64, bytes: &[u8]) -> Value {
        match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            7 => Value::Float(f64::from_be_bytes(bytes.try_into().unwrap_or_default())),
            1..=6 => {
                let sign = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
                let start = if sign { -1_i64 } else { 0 };
                Value::Integer(bytes.iter().fold(start, |value, byte| (value << 8) | i64::from(*byte)))
            }
            kind if kind % 2 == 0 => match std::str::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => Value::Text(text.to_owned()),
                _ => Value::Blob,
            },
            _ => Value::Text(match self.encoding {
                2 => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned(),
                3 => encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0.into_owned(),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            }),
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A number of up to nine bytes, seven bits in each but the ninth, and its length.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for width in 0..9 {
        let byte = *bytes.get(at.checked_add(width)?)?;
        if width == 8 {
            return Some(((value << 8) | u64::from(byte), 9));
        }
        value = (value << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((value, width + 1));
        }
    }
    None
}

/// The columns of a table, as far as its statement says them.
#[derive(Default)]
struct Columns {
    names: Vec<Arc<str>>,
    /// Which of them is the row's number.
    id: Option<usize>,
}

/// Reads the names between the parentheses of `CREATE TABLE t (...)`.
fn columns(sql: &str) -> Columns {
    let mut columns = Columns::default();
    let Some((_, definitions)) = sql.split_once('(') else { return columns };
    for definition in split_definitions(definitions) {
        let definition = definition.trim();
        let upper = definition.to_ascii_uppercase();
        let constraints = ["PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "CONSTRAINT "];
        if constraints.iter().any(|constraint| upper.starts_with(constraint)) {
            break;
        }
        let name = column_name(definition);
        let after = upper.get(name.len()..).unwrap_or_default();
        let words: Vec<&str> = after.split_whitespace().collect();
        if words.windows(3).any(|three| three == ["INTEGER", "PRIMARY", "KEY"]) {
            columns.id = Some(columns.names.len());
        }
        columns.names.push(name.into());
    }
    columns
}

fn column_name(definition: &str) -> String {
    let closing = match definition.chars().next() {
        Some('"') => '"',
        Some('`') => '`',
        Some('\'') => '\'',
        Some('[') => ']',
        _ => return definition.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_owned(),
    };
    definition.chars().skip(1).take_while(|character| *character != closing).collect()
}

/// The definitions up to the closing parenthesis, at commas that stand in no parentheses and quotes.
fn split_definitions(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}
