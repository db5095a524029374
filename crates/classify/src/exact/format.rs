//! The file: what stands where, version 1.
//!
//! All numbers are little-endian. A file is a header, the columns, a directory, the entries, the rows, a filter and a
//! seal:
//!
//! ```text
//! header     "CSTL-EDM", version u32, revision u64, salt 16, key check 8, rows u32, entries u32, columns u16,
//!            tag bytes u8, directory bits u8
//! columns    each: flags u8, roles u8 (1 primary, 2 accepted although guessable), tokens u8, gap u8, lengths 4 x u64,
//!            values u32, weak u32, dates u32, name length u8, name
//! directory  2^bits + 1 x u32: the entry at which each bucket starts
//! entries    each: fingerprint u32, tag, column u8, row u32; sorted
//! rows       each: id u64, a field digest u32 for every column; sorted by id
//! filter     blocks of 64 bytes
//! seal       32 bytes: the keyed digest of all before it
//! ```

use super::{
    bytes::Reader,
    column::{Column, Guessing, Shape},
    filter,
    index::OpenError,
    keyed::{Key, Rolling, SipKey, sip},
    reading::Normalisation,
};

pub(super) const MAGIC: &[u8; 8] = b"CSTL-EDM";
pub(super) const VERSION: u32 = 1;
pub(super) const SEAL: usize = 32;
/// Most columns of a table.
pub(super) const MOST_COLUMNS: usize = 64;
/// The row of entries whose value too many rows have.
pub(super) const COMMON: u32 = u32::MAX;

/// What stands before the sections.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) revision: u64,
    pub(super) salt: [u8; 16],
    pub(super) check: [u8; 8],
    pub(super) rows: u32,
    pub(super) entries: u32,
    pub(super) tag_bytes: u8,
    pub(super) directory_bits: u8,
    pub(super) columns: Vec<Described>,
}

/// A column as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) column: Column,
    pub(super) shape: Shape,
    pub(super) guessing: Guessing,
}

/// Where the sections start, in bytes; the last is where the seal starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) directory: usize,
    pub(super) entries: usize,
    pub(super) rows: usize,
    pub(super) filter: usize,
    pub(super) seal: usize,
}

impl Header {
    pub(super) fn entry_bytes(&self) -> usize {
        4 + usize::from(self.tag_bytes) + 1 + 4
    }

    pub(super) fn row_bytes(&self) -> usize {
        8 + 4 * self.columns.len()
    }

    /// `None` where the sizes are beyond what can be addressed.
    pub(super) fn layout(&self, header_bytes: usize) -> Option<Layout> {
        let directory_bytes = ((1_usize << self.directory_bits) + 1) * 4;
        let entries = header_bytes.checked_add(directory_bytes)?;
        let rows = entries.checked_add((self.entries as usize).checked_mul(self.entry_bytes())?)?;
        let filter_start = rows.checked_add((self.rows as usize).checked_mul(self.row_bytes())?)?;
        let seal = filter_start.checked_add(filter::size(self.entries as usize))?;
        Some(Layout { directory: header_bytes, entries, rows, filter: filter_start, seal })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.revision.to_le_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.check);
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.columns.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&[self.tag_bytes, self.directory_bits]);
        for described in &self.columns {
            described.write(&mut out);
        }
        out
    }

    /// The header and where the sections start.
    pub(super) fn read(bytes: &[u8]) -> Result<(Header, usize), OpenError> {
        let mut from = Reader { bytes, at: 0 };
        from.begins(MAGIC, VERSION)?;
        let (revision, salt, check) = (from.u64()?, from.array()?, from.array()?);
        let (rows, entries) = (from.u32()?, from.u32()?);
        let columns = u16::from_le_bytes(from.array()?);
        let (tag_bytes, directory_bits) = (from.u8()?, from.u8()?);
        if usize::from(columns) > MOST_COLUMNS || tag_bytes > 8 || directory_bits > 24 {
            return Err(OpenError::Damaged);
        }
        let columns = (0..columns).map(|_| Described::read(&mut from)).collect::<Result<_, _>>()?;
        let header = Header { revision, salt, check, rows, entries, tag_bytes, directory_bits, columns };
        Ok((header, from.at))
    }
}

impl Described {
    fn write(&self, out: &mut Vec<u8>) {
        let roles = u8::from(self.column.primary) | u8::from(self.column.accepted) << 1;
        out.extend_from_slice(&[self.column.normalisation.flags(), roles, self.shape.tokens, self.shape.gap]);
        self.shape.lengths.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        let counts = [self.guessing.values, self.guessing.weak, self.guessing.dates];
        counts.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
        out.push(u8::try_from(self.column.name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.column.name.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<Described, OpenError> {
        let normalisation = Normalisation::from_flags(from.u8()?).ok_or(OpenError::Damaged)?;
        let roles = from.u8()?;
        let (tokens, gap) = (from.u8()?, from.u8()?);
        let mut lengths = [0; 4];
        for word in &mut lengths {
            *word = from.u64()?;
        }
        let guessing = Guessing { values: from.u32()?, weak: from.u32()?, dates: from.u32()? };
        let name_length = usize::from(from.u8()?);
        let name = std::str::from_utf8(from.take(name_length)?).map_err(|_| OpenError::Damaged)?.to_owned();
        let column = Column { name, normalisation, primary: roles & 1 != 0, accepted: roles & 2 != 0 };
        Ok(Described { column, shape: Shape { tokens, gap, lengths }, guessing })
    }
}

/// Everything that is derived from the key and the salt.
pub(super) struct Secrets {
    pub(super) rolling: Rolling,
    pub(super) seal: [u8; 32],
    pub(super) check: [u8; 8],
    row: [u8; 32],
    /// By the flags of the normalisation: how values become fingerprints and tags.
    forms: Vec<(SipKey, [u8; 32])>,
    fields: Vec<SipKey>,
}

impl Secrets {
    pub(super) fn new(key: &Key, salt: &[u8; 16]) -> Secrets {
        let check = key.derive("exact: check of the key", salt, 0);
        let mut first = [0; 8];
        first.iter_mut().zip(check).for_each(|(to, from)| *to = from);
        let form = |flags| {
            (key.derive_sip("exact: fingerprint", salt, flags), key.derive("exact: tag", salt, flags))
        };
        Secrets {
            rolling: Rolling::new(&key.derive("exact: rolling hash", salt, 0)),
            seal: key.derive("exact: seal", salt, 0),
            check: first,
            row: key.derive("exact: row", salt, 0),
            forms: (0..16).map(form).collect(),
            fields: (0..MOST_COLUMNS as u64)
                .map(|column| key.derive_sip("exact: field", salt, column))
                .collect(),
        }
    }

    /// The first 32 bits by which a value is looked up.
    #[inline]
    pub(super) fn fingerprint(&self, flags: u8, hash: u64) -> u32 {
        self.forms.get(usize::from(flags)).map_or(0, |(key, _)| (sip(*key, &[hash]) >> 32) as u32)
    }

    /// The further bits that decide, of which `bytes` are kept.
    pub(super) fn tag(&self, flags: u8, normal: &str, bytes: u8) -> u64 {
        let Some((_, key)) = self.forms.get(usize::from(flags)) else { return 0 };
        let [tag, ..] = super::keyed::words(blake3::keyed_hash(key, normal.as_bytes()).as_bytes());
        truncate(tag, bytes)
    }

    /// The digest of a field; other than in another row with the same value. Zero is no field.
    #[inline]
    pub(super) fn field(&self, column: usize, row: u64, hash: u64) -> u32 {
        self.fields.get(column).map_or(0, |key| ((sip(*key, &[hash, row]) >> 32) as u32).max(1))
    }

    /// The id of a row: the digest of its cells in their normal forms.
    pub(super) fn row<'c>(&self, cells: impl Iterator<Item = &'c str>) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.row);
        for cell in cells {
            hasher.update(&(cell.len() as u64).to_le_bytes());
            hasher.update(cell.as_bytes());
        }
        let [id, ..] = super::keyed::words(hasher.finalize().as_bytes());
        id
    }
}

/// The lowest `bytes` bytes.
pub(super) fn truncate(number: u64, bytes: u8) -> u64 {
    match bytes {
        0..8 => number & ((1 << (8 * bytes)) - 1),
        _ => number,
    }
}

/// Bytes of a tag so that a lookup of something that is not in a table of `entries` finds something by chance less
/// often than once in 10^9: the least `t` with `entries * 10^9 < 2^(32 + 8t)`. Three at least, which do for 72 million,
/// because an update cannot make the tags longer that are there.
pub(super) fn tag_bytes(entries: usize) -> u8 {
    (3..8).find(|bytes| (entries as u128) * 1_000_000_000 < 1 << (32 + 8 * u32::from(*bytes))).unwrap_or(8)
}

/// About eight entries a bucket.
pub(super) fn directory_bits(entries: usize) -> u8 {
    u8::try_from((entries / 8).max(1).ilog2().min(24)).unwrap_or(24)
}

/// The bucket of a fingerprint.
#[inline]
pub(super) fn bucket(fingerprint: u32, directory_bits: u8) -> usize {
    (u64::from(fingerprint) >> (32 - u32::from(directory_bits))) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_as_short_as_they_may_be() {
        let figures = [(4, 3), (10_000_000, 3), (72_000_000, 3), (72_100_000, 4)];
        for (entries, expected) in figures {
            assert_eq!(tag_bytes(entries), expected, "{entries}");
        }
    }
}
