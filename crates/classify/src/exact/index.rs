//! A file that was opened.

use std::ops::Range;

use super::{
    build::Entry,
    bytes::check_seal,
    column::Column,
    filter,
    format::{self, COMMON, Header, Layout, Secrets},
    keyed::Key,
    reading::Value,
};

/// An index over the bytes of a file, wherever they are: a buffer, a slice, a mapped file.
pub struct Index<B> {
    bytes: B,
    pub(super) header: Header,
    layout: Layout,
    pub(super) secrets: Secrets,
}

/// Why a file is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file begins with something else.
    #[error("this is no index of this kind")]
    NotAnIndex,
    /// The file has a version that this program does not know.
    #[error("the index has format version {0}, which is not known here; build it anew or update the program")]
    Version(u32),
    /// The file was made with another key.
    #[error("the index was made with another key")]
    WrongKey,
    /// The file is not as it was written: cut, damaged or changed.
    #[error("the index is not as it was written; copy or build it anew")]
    Damaged,
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Opens a file. The whole of it is read once, for its seal.
    ///
    /// # Errors
    /// [`OpenError`]. A wrong key is told apart by the *key check*, eight bytes of the header that a key gives for
    /// this purpose alone.
    pub fn open(bytes: B, key: &Key) -> Result<Index<B>, OpenError> {
        let file = bytes.as_ref();
        let (header, header_bytes) = Header::read(file)?;
        let secrets = Secrets::new(key, &header.salt);
        if secrets.check != header.check {
            return Err(OpenError::WrongKey);
        }
        let layout = header.layout(header_bytes).ok_or(OpenError::Damaged)?;
        check_seal(file, layout.seal, &secrets.seal)?;
        Ok(Index { bytes, header, layout, secrets })
    }

    /// Rows in the index.
    pub fn rows(&self) -> usize {
        self.header.rows as usize
    }

    /// The version of the table, from 1; each update counts one more.
    pub fn revision(&self) -> u64 {
        self.header.revision
    }

    /// The columns of the table.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &Column> {
        self.header.columns.iter().map(|described| &described.column)
    }

    /// The digest by which matches name the row with these cells; `None` where there are not as many as columns.
    pub fn row_of<C: AsRef<str>>(&self, cells: &[C]) -> Option<u64> {
        let rolling = self.secrets.rolling;
        let normal = |(cell, column): (&C, &Column)| {
            Value::of(cell.as_ref(), column.normalisation(), rolling)
                .map_or(String::new(), |value| value.normal)
        };
        let values: Vec<String> = cells.iter().zip(self.columns()).map(normal).collect();
        (cells.len() == self.columns().len()).then(|| self.secrets.row(values.iter().map(String::as_str)))
    }

    fn part(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.as_ref().get(start..start + length).unwrap_or_default()
    }

    fn u32_at(&self, at: usize) -> u32 {
        self.part(at, 4).try_into().map_or(0, u32::from_le_bytes)
    }

    /// Whether a fingerprint may be in the index; most that are not are told here.
    #[inline]
    pub(super) fn may_hold(&self, fingerprint: u32) -> bool {
        filter::may_hold(self.part(self.layout.filter, self.layout.seal - self.layout.filter), fingerprint)
    }

    /// The column and the row of each entry for a value, which is asked for its normal form when it matters.
    pub(super) fn find<'t>(
        &self,
        fingerprint: u32,
        flags: u8,
        normal: impl Fn() -> &'t str,
        found: &mut Vec<(usize, u32)>,
    ) {
        let bucket = format::bucket(fingerprint, self.header.directory_bits);
        let start = self.u32_at(self.layout.directory + bucket * 4) as usize;
        let end = self.u32_at(self.layout.directory + bucket * 4 + 4) as usize;
        let mut tag = None;
        for entry in self.entries(start..end).skip_while(|entry| entry.fingerprint < fingerprint) {
            if entry.fingerprint != fingerprint {
                break;
            }
            let tag = *tag.get_or_insert_with(|| self.secrets.tag(flags, normal(), self.header.tag_bytes));
            let column = usize::from(entry.column);
            let of_form = |described: &format::Described| described.column.normalisation().flags() == flags;
            if entry.tag == tag && entry.row != COMMON && self.header.columns.get(column).is_some_and(of_form)
            {
                found.push((column, entry.row));
            }
        }
    }

    pub(super) fn entries(&self, range: Range<usize>) -> impl Iterator<Item = Entry> {
        let size = self.header.entry_bytes();
        let within =
            range.start.min(self.header.entries as usize)..range.end.min(self.header.entries as usize);
        let part = self.part(self.layout.entries + within.start * size, within.len() * size);
        let tag_bytes = usize::from(self.header.tag_bytes);
        part.chunks_exact(size).map(move |bytes| {
            let number = |from: usize, length: usize| {
                let part = bytes.get(from..from + length).unwrap_or_default();
                part.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
            };
            Entry {
                fingerprint: number(0, 4) as u32,
                tag: number(4, tag_bytes),
                column: number(4 + tag_bytes, 1) as u8,
                row: number(5 + tag_bytes, 4) as u32,
            }
        })
    }

    /// The digest of the cells of a row.
    pub(super) fn row_id(&self, row: u32) -> u64 {
        let at = self.layout.rows + row as usize * self.header.row_bytes();
        self.part(at, 8).try_into().map_or(0, u64::from_le_bytes)
    }

    /// The digest of one cell of a row, 0 where it is empty.
    pub(super) fn field(&self, row: u32, column: usize) -> u32 {
        self.u32_at(self.layout.rows + row as usize * self.header.row_bytes() + 8 + column * 4)
    }
}
