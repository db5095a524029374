//! From rows to a file.

use std::{cmp::Ordering, ops::Range};

use rustc_hash::FxHashMap;

use super::{
    column::{Column, Guessable, Guessing, Shape, is_searchable},
    filter,
    format::{self, COMMON, Described, Header, MOST_COLUMNS, Secrets},
    index::Index,
    keyed::Key,
    reading::Value,
};

/// Rows that may share a value; a value that more have (`none`, a switchboard) tells no row and is not searched for.
pub(super) const MOST_ROWS_A_VALUE: usize = 16;
/// Rows of a table.
const MOST_ROWS: usize = (u32::MAX / 2) as usize;

/// Makes an index of the rows of a table, or a new version of one.
///
/// Rows are a set: a row that is there already changes nothing.
pub struct Builder {
    secrets: Secrets,
    salt: [u8; 16],
    revision: u64,
    columns: Vec<Described>,
    ids: Vec<u64>,
    /// A digest for every column of every row.
    fields: Vec<u32>,
    entries: Vec<Entry>,
    /// By id, how many rows there were when it was removed: those before are gone.
    removed: FxHashMap<u64, usize>,
    /// Bytes of a tag: those of the version before, or as many as this one needs.
    tag_bytes: Option<u8>,
    report: Report,
}

/// One value of a primary column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) fingerprint: u32,
    pub(super) column: u8,
    pub(super) row: u32,
    pub(super) tag: u64,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The file.
    pub bytes: Vec<u8>,
    /// What is in it and what is not.
    pub report: Report,
}

/// What is in an index and what was left out of it. Cells count for the rows that were added to this version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows in the index.
    pub rows: usize,
    /// Primary values in the index, one for each row that has it.
    pub values: usize,
    /// Rows that were left out because they have no primary value that can be searched for.
    pub rows_without_primary: usize,
    /// Primary values that are too short to be searched for: fewer than five digits or four letters.
    pub too_short: usize,
    /// Values of any column that are too long: over 255 characters, 64 tokens or 255 bytes between two tokens.
    pub too_long: usize,
    /// Primary values that are not searched for because more than 16 rows have them.
    pub too_common: usize,
    /// Rows that were removed.
    pub removed: usize,
    /// Primary columns that are easy to guess and were accepted nevertheless.
    pub guessable: Vec<(String, Guessable)>,
}

/// Why there is no index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Columns are needed, at most 64, with names of at most 255 bytes, one of them primary.
    #[error("a table has 1 to 64 columns with names of 1 to 255 bytes; at least one is primary")]
    Columns,
    /// A row has more or fewer cells than there are columns.
    #[error(
        "a row has {cells} cells where the table has {columns} columns; check the delimiter and the quotes"
    )]
    Width {
        /// Cells of the row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// More than 2^31 - 1 rows.
    #[error("a table has at most 2147483647 rows; split it")]
    Rows,
    /// An update needs longer digests than its index has.
    #[error("the index has grown too large for its digests; build it anew from the table")]
    Outgrown,
    /// The values of a primary column are easy to guess.
    #[error(
        "the values of the primary column `{column}` are easy to guess ({reason:?}); make it secondary or accept it"
    )]
    Guessable {
        /// Its name.
        column: String,
        /// What makes them so.
        reason: Guessable,
    },
}

impl Builder {
    /// A builder for a table with these columns. The salt is 16 random bytes, new for each table: it makes the digests
    /// of two tables with the same key different. It is in the file.
    ///
    /// # Errors
    /// [`BuildError::Columns`].
    pub fn new(columns: Vec<Column>, key: &Key, salt: [u8; 16]) -> Result<Builder, BuildError> {
        let named = columns.iter().all(|column| (1..=255).contains(&column.name.len()));
        let primary = columns.iter().any(|column| column.primary);
        if !named || !primary || columns.len() > MOST_COLUMNS {
            return Err(BuildError::Columns);
        }
        let described = |column| Described { column, shape: Shape::default(), guessing: Guessing::default() };
        Ok(Builder {
            secrets: Secrets::new(key, &salt),
            salt,
            revision: 0,
            columns: columns.into_iter().map(described).collect(),
            ids: Vec::new(),
            fields: Vec::new(),
            entries: Vec::new(),
            removed: FxHashMap::default(),
            tag_bytes: None,
            report: Report::default(),
        })
    }

    /// A builder that starts with what an index holds and makes its next version.
    ///
    /// The key is the one that the index was opened with. Lengths and counts of values that are removed later stay in
    /// the description of their columns.
    pub fn update<B: AsRef<[u8]>>(index: &Index<B>, key: &Key) -> Builder {
        let mut builder = Builder {
            secrets: Secrets::new(key, &index.header.salt),
            salt: index.header.salt,
            revision: index.header.revision,
            columns: index.header.columns.clone(),
            ids: Vec::with_capacity(index.rows()),
            fields: Vec::with_capacity(index.rows() * index.header.columns.len()),
            entries: index.entries(0..index.header.entries as usize).collect(),
            removed: FxHashMap::default(),
            tag_bytes: Some(index.header.tag_bytes),
            report: Report::default(),
        };
        for row in 0..index.header.rows {
            builder.ids.push(index.row_id(row));
            builder.fields.extend((0..builder.columns.len()).map(|column| index.field(row, column)));
        }
        builder
    }

    /// Adds a row. Cells that hold no letter and no digit are empty.
    ///
    /// # Errors
    /// [`BuildError::Width`], [`BuildError::Rows`].
    pub fn add<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<(), BuildError> {
        let values = self.values(cells)?;
        let row = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        if self.ids.len() >= MOST_ROWS {
            return Err(BuildError::Rows);
        }
        let id = self.row_id(&values);
        let before = self.entries.len();
        let first_field = self.fields.len();
        for (number, value) in values.iter().enumerate() {
            let field = match value {
                Some(value) if Shape::fits(value) => self.add_value(number, value, id, row),
                Some(_) => {
                    self.report.too_long += 1;
                    0
                }
                None => 0,
            };
            self.fields.push(field);
        }
        if self.entries.len() == before {
            self.report.rows_without_primary += 1;
            self.fields.truncate(first_field);
            return Ok(());
        }
        self.ids.push(id);
        Ok(())
    }

    /// Removes the row that has these cells, if it is there.
    ///
    /// # Errors
    /// [`BuildError::Width`].
    pub fn remove<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<(), BuildError> {
        let values = self.values(cells)?;
        self.removed.insert(self.row_id(&values), self.ids.len());
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// [`BuildError::Outgrown`]; [`BuildError::Guessable`] for the first primary column that is easy to guess and was not accepted.
    pub fn finish(mut self) -> Result<Built, BuildError> {
        self.settle_rows();
        let needed = format::tag_bytes(self.entries.len());
        let tag_bytes = self.tag_bytes.unwrap_or(needed);
        if needed > tag_bytes {
            return Err(BuildError::Outgrown);
        }
        let variety = self.settle_entries(tag_bytes);
        self.judge(&variety)?;
        self.report.rows = self.ids.len();
        self.report.values = self.entries.iter().filter(|entry| entry.row != COMMON).count();
        Ok(self.write(tag_bytes))
    }

    fn values<C: AsRef<str>>(&self, cells: &[C]) -> Result<Vec<Option<Value>>, BuildError> {
        if cells.len() != self.columns.len() {
            return Err(BuildError::Width { cells: cells.len(), columns: self.columns.len() });
        }
        let rolling = self.secrets.rolling;
        let pairs = cells.iter().zip(&self.columns);
        Ok(pairs.map(|(cell, of)| Value::of(cell.as_ref(), of.column.normalisation, rolling)).collect())
    }

    fn row_id(&self, values: &[Option<Value>]) -> u64 {
        self.secrets.row(values.iter().map(|value| value.as_ref().map_or("", |value| value.normal.as_str())))
    }

    /// Notes one value and gives its field digest.
    fn add_value(&mut self, number: usize, value: &Value, id: u64, row: u32) -> u32 {
        let Some(described) = self.columns.get_mut(number) else { return 0 };
        let normalisation = described.column.normalisation;
        if described.column.primary {
            described.guessing.add(&value.normal);
        }
        let searched =
            described.column.primary && (described.column.accepted || is_searchable(&value.normal));
        if described.column.primary && !searched {
            self.report.too_short += 1;
        }
        described.shape.add(value, normalisation);
        if searched {
            let flags = normalisation.flags();
            self.entries.push(Entry {
                fingerprint: self.secrets.fingerprint(flags, value.hash),
                column: u8::try_from(number).unwrap_or(u8::MAX),
                row,
                tag: self.secrets.tag(flags, &value.normal, 8),
            });
        }
        self.secrets.field(number, id, value.hash)
    }

    /// Sorts the rows by id, so that their order says nothing, without those that are removed or there twice.
    fn settle_rows(&mut self) {
        let mut order: Vec<u32> = (0..u32::try_from(self.ids.len()).unwrap_or(u32::MAX)).collect();
        let id_of = |row: u32| self.ids.get(row as usize).copied().unwrap_or_default();
        order.retain(|row| self.removed.get(&id_of(*row)).is_none_or(|before| *row as usize >= *before));
        let left = order.len();
        order.sort_unstable_by_key(|row| (id_of(*row), *row));
        order.dedup_by_key(|row| id_of(*row));
        self.report.removed = self.ids.len() - left;
        let mut places = vec![COMMON; self.ids.len()];
        let width = self.columns.len();
        let mut fields = Vec::with_capacity(order.len() * width);
        for (place, row) in (0..).zip(&order) {
            if let Some(entry) = places.get_mut(*row as usize) {
                *entry = place;
            }
            let start = *row as usize * width;
            fields.extend_from_slice(self.fields.get(start..start + width).unwrap_or_default());
        }
        self.ids = order.iter().map(|row| id_of(*row)).collect();
        self.fields = fields;
        self.entries.retain_mut(|entry| {
            let common = entry.row == COMMON;
            if !common {
                entry.row = places.get(entry.row as usize).copied().unwrap_or(COMMON);
            }
            common || entry.row != COMMON
        });
    }

    /// Sorts the entries and leaves one mark in the place of those that too many rows share. Gives for each column how
    /// many values differ, and how many there are.
    fn settle_entries(&mut self, tag_bytes: u8) -> Vec<(usize, usize)> {
        let mut variety = vec![(0, 0); self.columns.len()];
        for entry in &mut self.entries {
            entry.tag = format::truncate(entry.tag, tag_bytes);
        }
        self.entries.sort_unstable_by(order);
        let mut settled = Vec::with_capacity(self.entries.len());
        for group in self.entries.chunk_by(same_value) {
            let common = group.len() > MOST_ROWS_A_VALUE || group.iter().any(|entry| entry.row == COMMON);
            let of_column = group.first().and_then(|first| variety.get_mut(usize::from(first.column)));
            if let Some((different, values)) = of_column {
                *different += 1;
                *values += if common { group.len().max(MOST_ROWS_A_VALUE + 1) } else { group.len() };
            }
            match group.first() {
                Some(first) if common => {
                    self.report.too_common += 1;
                    settled.push(Entry { row: COMMON, ..*first });
                }
                _ => settled.extend_from_slice(group),
            }
        }
        self.entries = settled;
        variety
    }

    fn judge(&mut self, variety: &[(usize, usize)]) -> Result<(), BuildError> {
        let columns = self.columns.iter().zip(variety).filter(|(described, _)| described.column.primary);
        for (described, (different, values)) in columns {
            let Some(reason) = described.guessing.verdict(*different, *values) else { continue };
            let column = described.column.name.clone();
            if !described.column.accepted {
                return Err(BuildError::Guessable { column, reason });
            }
            self.report.guessable.push((column, reason));
        }
        Ok(())
    }

    fn write(self, tag_bytes: u8) -> Built {
        let header = Header {
            revision: self.revision + 1,
            salt: self.salt,
            check: self.secrets.check,
            rows: u32::try_from(self.ids.len()).unwrap_or(u32::MAX),
            entries: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
            tag_bytes,
            directory_bits: format::directory_bits(self.entries.len()),
            columns: self.columns,
        };
        let mut bytes = header.write();
        let layout = header.layout(bytes.len());
        bytes.reserve_exact(layout.map_or(0, |layout| layout.seal + format::SEAL - bytes.len()));
        write_directory(&mut bytes, &self.entries, header.directory_bits);
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.fingerprint.to_le_bytes());
            bytes.extend(entry.tag.to_le_bytes().iter().take(usize::from(header.tag_bytes)));
            bytes.push(entry.column);
            bytes.extend_from_slice(&entry.row.to_le_bytes());
        }
        for (id, fields) in self.ids.iter().zip(self.fields.chunks(header.columns.len().max(1))) {
            bytes.extend_from_slice(&id.to_le_bytes());
            fields.iter().for_each(|field| bytes.extend_from_slice(&field.to_le_bytes()));
        }
        let start = bytes.len();
        bytes.resize(start + filter::size(self.entries.len()), 0);
        if let Some(part) = bytes.get_mut(start..) {
            self.entries.iter().for_each(|entry| filter::insert(part, entry.fingerprint));
        }
        let seal = blake3::keyed_hash(&self.secrets.seal, &bytes);
        bytes.extend_from_slice(seal.as_bytes());
        Built { bytes, report: self.report }
    }
}

fn order(left: &Entry, right: &Entry) -> Ordering {
    let key = |entry: &Entry| (entry.fingerprint, entry.tag, entry.column, entry.row);
    key(left).cmp(&key(right))
}

fn same_value(left: &Entry, right: &Entry) -> bool {
    (left.fingerprint, left.tag, left.column) == (right.fingerprint, right.tag, right.column)
}

fn write_directory(bytes: &mut Vec<u8>, entries: &[Entry], directory_bits: u8) {
    let buckets: Range<usize> = 0..1 << directory_bits;
    let mut at = 0;
    for number in buckets {
        bytes.extend_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
        let rest = entries.get(at..).unwrap_or_default();
        at += rest
            .iter()
            .take_while(|entry| format::bucket(entry.fingerprint, directory_bits) == number)
            .count();
    }
    bytes.extend_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
}
