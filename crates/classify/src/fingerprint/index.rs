//! A file that was opened.

use std::ops::Range;

use crate::exact::{Key, OpenError, bytes::check_seal};

use super::format::{self, DOCUMENT_BYTES, Header, Layout, Secrets};

/// An index over the bytes of a file, wherever they are: a buffer, a slice, a mapped file.
pub struct Index<B> {
    bytes: B,
    pub(super) header: Header,
    layout: Layout,
    pub(super) secrets: Secrets,
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Opens a file. The whole of it is read once, for its seal.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(bytes: B, key: &Key) -> Result<Index<B>, OpenError> {
        let file = bytes.as_ref();
        let (header, header_bytes) = Header::read(file)?;
        let secrets = Secrets::new(key, &header.salt);
        if secrets.check != header.check {
            return Err(OpenError::WrongKey);
        }
        let layout = header.layout(header_bytes).ok_or(OpenError::Damaged)?;
        check_seal(file, layout.seal, &secrets.seal)?;
        let names = file.get(layout.names..layout.seal).ok_or(OpenError::Damaged)?;
        std::str::from_utf8(names).map_err(|_| OpenError::Damaged)?;
        Ok(Index { bytes, header, layout, secrets })
    }

    /// Documents in the index.
    pub fn documents(&self) -> usize {
        self.header.documents as usize
    }

    fn part(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.as_ref().get(start..start + length).unwrap_or_default()
    }

    fn u32_at(&self, at: usize) -> u32 {
        self.part(at, 4).try_into().map_or(0, u32::from_le_bytes)
    }

    /// The marks with a hash: each one's number, its document and its word.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = (usize, u32, u32)> {
        let bucket = format::bucket(hash, self.header.directory_bits);
        let at = self.layout.directory + bucket * 4;
        let marks = self.header.marks as usize;
        let within = (self.u32_at(at) as usize).min(marks)..(self.u32_at(at + 4) as usize).min(marks);
        let (size, width) = (self.header.mark_bytes(), usize::from(self.header.hash_bytes));
        let wanted = format::upper(hash, self.header.hash_bytes);
        let part = self.part(self.layout.marks + within.start * size, within.len() * size);
        let number = move |bytes: &[u8], range: Range<usize>| {
            let part = bytes.get(range).unwrap_or_default();
            part.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
        };
        let numbered = (within.start..).zip(part.chunks_exact(size));
        numbered.filter(move |(_, bytes)| number(bytes, 0..width) == wanted).map(move |(at, bytes)| {
            (at, number(bytes, width..width + 4) as u32, number(bytes, width + 4..width + 8) as u32)
        })
    }

    /// The name of a document by its number in the index.
    pub fn name(&self, document: usize) -> Option<&str> {
        if document >= self.documents() {
            return None;
        }
        let end_of =
            |number: usize| self.u32_at(self.layout.documents + number * DOCUMENT_BYTES + 28) as usize;
        let start = document.checked_sub(1).map_or(0, end_of);
        let names = self.bytes.as_ref().get(self.layout.names..self.layout.seal)?;
        std::str::from_utf8(names.get(start..end_of(document))?).ok()
    }

    /// Words of a document.
    pub fn words(&self, document: usize) -> Option<u64> {
        let at = self.layout.documents + document * DOCUMENT_BYTES + 16;
        (document < self.documents()).then(|| self.part(at, 8).try_into().map_or(0, u64::from_le_bytes))
    }

    /// Marks of a document.
    pub(super) fn marks(&self, document: u32) -> u32 {
        self.u32_at(self.layout.documents + document as usize * DOCUMENT_BYTES + 24)
    }

    /// The document that has just these words.
    pub(super) fn whole(&self, digest: &[u8; 16]) -> Option<usize> {
        let part = self.part(self.layout.documents, self.documents() * DOCUMENT_BYTES);
        let digest_at =
            |at: usize| part.get(at * DOCUMENT_BYTES..at * DOCUMENT_BYTES + 16).unwrap_or_default();
        let (mut low, mut high) = (0, self.documents());
        while low < high {
            let middle = low.midpoint(high);
            if digest_at(middle) < digest.as_slice() { low = middle + 1 } else { high = middle }
        }
        (low < self.documents() && digest_at(low) == digest.as_slice()).then_some(low)
    }
}
