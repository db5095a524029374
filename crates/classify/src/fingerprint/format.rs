//! The file: what stands where, version 1.
//!
//! All numbers are little-endian.
//!
//! ```text
//! header     "CSTL-FPR", version u32, salt 16, key check 8, documents u32, marks u32, name bytes u32, hash bytes u8,
//!            directory bits u8
//! directory  2^bits + 1 x u32: the mark at which each bucket starts
//! marks      each: the upper bytes of the hash, document u32, word u32; sorted
//! documents  each: digest 16, words u64, marks u32, end of the name u32; sorted by digest
//! names      UTF-8
//! seal       32 bytes: the keyed digest of all before it
//! ```

use crate::exact::{
    Key, OpenError,
    bytes::Reader,
    keyed::{Rolling, SipKey},
};

pub(super) const MAGIC: &[u8; 8] = b"CSTL-FPR";
pub(super) const VERSION: u32 = 1;
pub(super) const DOCUMENT_BYTES: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) salt: [u8; 16],
    pub(super) check: [u8; 8],
    pub(super) documents: u32,
    pub(super) marks: u32,
    pub(super) name_bytes: u32,
    pub(super) hash_bytes: u8,
    pub(super) directory_bits: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) directory: usize,
    pub(super) marks: usize,
    pub(super) documents: usize,
    pub(super) names: usize,
    pub(super) seal: usize,
}

impl Header {
    pub(super) fn mark_bytes(&self) -> usize {
        usize::from(self.hash_bytes) + 8
    }

    pub(super) fn layout(&self, header_bytes: usize) -> Option<Layout> {
        let marks = header_bytes.checked_add(((1_usize << self.directory_bits) + 1) * 4)?;
        let documents = marks.checked_add((self.marks as usize).checked_mul(self.mark_bytes())?)?;
        let names = documents.checked_add((self.documents as usize).checked_mul(DOCUMENT_BYTES)?)?;
        let seal = names.checked_add(self.name_bytes as usize)?;
        Some(Layout { directory: header_bytes, marks, documents, names, seal })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.check);
        for number in [self.documents, self.marks, self.name_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.hash_bytes, self.directory_bits]);
        out
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Header, usize), OpenError> {
        let mut from = Reader { bytes, at: 0 };
        from.begins(MAGIC, VERSION)?;
        let header = Header {
            salt: from.array()?,
            check: from.array()?,
            documents: from.u32()?,
            marks: from.u32()?,
            name_bytes: from.u32()?,
            hash_bytes: from.u8()?,
            directory_bits: from.u8()?,
        };
        if header.hash_bytes > 8 || header.directory_bits > 24 {
            return Err(OpenError::Damaged);
        }
        Ok((header, from.at))
    }
}

/// Everything that is derived from the key and the salt.
pub(super) struct Secrets {
    pub(super) letters: Rolling,
    pub(super) words: Rolling,
    pub(super) shingle: SipKey,
    pub(super) whole: [u8; 32],
    pub(super) seal: [u8; 32],
    pub(super) check: [u8; 8],
}

impl Secrets {
    pub(super) fn new(key: &Key, salt: &[u8; 16]) -> Secrets {
        let mut check = [0; 8];
        let digest = key.derive("fingerprint: check of the key", salt, 0);
        check.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Secrets {
            letters: Rolling::new(&key.derive("fingerprint: letters", salt, 0)),
            words: Rolling::new(&key.derive("fingerprint: words", salt, 0)),
            shingle: key.derive_sip("fingerprint: shingle", salt, 0),
            whole: key.derive("fingerprint: whole document", salt, 0),
            seal: key.derive("fingerprint: seal", salt, 0),
            check,
        }
    }
}

/// Bytes of a hash so that a shingle that is in no document is found by chance less often than once in 10^9: the least
/// `b` with `marks * 10^9 < 2^8b`.
pub(super) fn hash_bytes(marks: usize) -> u8 {
    (4..8).find(|bytes| (marks as u128) * 1_000_000_000 < 1 << (8 * u32::from(*bytes))).unwrap_or(8)
}

/// The upper bytes of a hash.
pub(super) fn upper(hash: u64, bytes: u8) -> u64 {
    hash.checked_shr(64 - 8 * u32::from(bytes)).unwrap_or(0)
}

/// About eight marks a bucket.
pub(super) fn directory_bits(marks: usize) -> u8 {
    u8::try_from((marks / 8).max(1).ilog2().min(24)).unwrap_or(24)
}

/// The bucket of a hash.
pub(super) fn bucket(hash: u64, directory_bits: u8) -> usize {
    hash.checked_shr(64 - u32::from(directory_bits)).unwrap_or(0) as usize
}
