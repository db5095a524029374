//! Decoded bytes that become text, with the stretches that each of them comes from.

use std::ops::Range;

use super::{Codec, scan};
use crate::codec::scan::Found;
use crate::view::{View, ViewBuilder};

/// Collects decoded bytes.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    bytes: Vec<u8>,
    /// For each group of bytes: how many there are by its end, and its stretch of the origin.
    groups: Vec<(usize, Range<usize>)>,
}

impl Bytes {
    /// Appends `bytes`, which come from `origin`.
    pub(crate) fn push(&mut self, bytes: &[u8], origin: Range<usize>) {
        self.bytes.extend_from_slice(bytes);
        match self.groups.last_mut() {
            Some((end, last)) if *last == origin => *end = self.bytes.len(),
            _ => self.groups.push((self.bytes.len(), origin)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The text that the bytes are in UTF-8.
    pub(crate) fn into_view(self, origin_length: usize) -> Option<View<'static>> {
        let text = String::from_utf8(self.bytes).ok()?;
        let mut builder = ViewBuilder::with_capacity(text.len());
        let mut groups = self.groups.into_iter().peekable();
        for (place, character) in text.char_indices() {
            while groups.next_if(|(end, _)| *end <= place).is_some() {}
            let (mut end, mut origin) = groups.peek().cloned()?;
            while end < place + character.len_utf8() {
                groups.next();
                let (next_end, next) = groups.peek()?;
                end = *next_end;
                origin.end = next.end;
            }
            builder.character(character, origin);
        }
        Some(builder.finish(origin_length))
    }

    /// The bytes of a text in ASCII that was in UTF-16, each of which a zero follows.
    fn narrowed(self) -> Self {
        let pairs = || self.bytes.chunks_exact(2);
        let is_wide = |pair: &[u8]| matches!(pair, [low, 0] if low.is_ascii());
        if self.bytes.len() < 8 || !self.bytes.len().is_multiple_of(2) || !pairs().all(is_wide) {
            return self;
        }
        let mut narrow = Self::default();
        let mut groups = self.groups.iter().peekable();
        for (index, pair) in pairs().enumerate() {
            while groups.next_if(|(end, _)| *end <= 2 * index).is_some() {}
            let Some((_, origin)) = groups.peek() else { break };
            narrow.push(pair.get(..1).unwrap_or_default(), origin.clone());
        }
        narrow
    }

    /// As [`Bytes::into_view`], without what is no UTF-8.
    pub(crate) fn into_lenient_view(self, origin_length: usize) -> Option<View<'static>> {
        if std::str::from_utf8(&self.bytes).is_ok() {
            return self.into_view(origin_length);
        }
        let mut kept = Bytes::default();
        let mut groups = self.groups.iter().peekable();
        let mut place = 0;
        for chunk in self.bytes.utf8_chunks() {
            for (index, &byte) in chunk.valid().as_bytes().iter().enumerate() {
                while groups.next_if(|(end, _)| *end <= place + index).is_some() {}
                kept.push(&[byte], groups.peek()?.1.clone());
            }
            place += chunk.valid().len() + chunk.invalid().len();
        }
        kept.into_view(origin_length)
    }

    /// What was decoded of `span`, if it is a text; in UTF-16 too, as PowerShell takes it.
    pub(crate) fn into_found(
        self,
        codec: &'static Codec,
        span: Range<usize>,
        origin_length: usize,
    ) -> Option<Found> {
        let view = self.narrowed().into_view(origin_length)?;
        let confidence = scan::confidence_of_bytes(view.text())?;
        Some(Found { codec, view, span, confidence })
    }
}
