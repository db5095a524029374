//! The request for messages, and its answer.
//!
//! Source: Apache Kafka, "Kafka protocol guide", Fetch.

use super::messages::{Api, COMMITTED, Code};
use super::wire::{Malformed, Reader, Writer};

/// The version of a fetch that names a topic by its id, so that another of its name is not read for it.
pub(super) const BY_ID: i16 = 13;

/// What to fetch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch<'t> {
    pub(super) topic: &'t str,
    /// The topic's id; needed for [`BY_ID`] alone.
    pub(super) id: [u8; 16],
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// How long the broker may wait for messages, in milliseconds.
    pub(super) wait: i32,
    /// Bytes of batches; a single batch that is larger comes all the same.
    pub(super) bytes: i32,
}

impl Fetch<'_> {
    pub(super) fn request(self, version: i16) -> Vec<u8> {
        let mut writer = Writer::new(Api::Fetch.is_flexible(version));
        writer.i32(-1).i32(self.wait).i32(1).i32(self.bytes).i8(COMMITTED);
        if version >= 7 {
            // No session: each request says all.
            writer.i32(0).i32(-1);
        }
        writer.count(1);
        match version {
            BY_ID => writer.put(&self.id),
            _ => writer.text(self.topic),
        };
        writer.count(1).i32(self.partition);
        if version >= 9 {
            writer.i32(-1);
        }
        writer.i64(self.offset);
        if version >= 12 {
            writer.i32(-1);
        }
        if version >= 5 {
            writer.i64(-1);
        }
        writer.i32(self.bytes).end().end();
        if version >= 7 {
            writer.count(0);
        }
        if version >= 11 {
            writer.text("");
        }
        writer.end();
        writer.bytes
    }
}

/// What was fetched of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    pub(super) code: Code,
    /// The offset behind the last message that is replicated.
    pub(super) high: i64,
    /// Transactions that were aborted: who produced them, and where they begin.
    pub(super) aborted: Vec<(i64, i64)>,
    /// Batches, the last of which may be cut off.
    pub(super) records: Vec<u8>,
}

pub(super) fn fetched(version: i16, bytes: &[u8]) -> Result<Fetched, Malformed> {
    let mut reader = Reader::new(bytes, Api::Fetch.is_flexible(version));
    reader.i32()?;
    if version >= 7 {
        let code = Code(reader.i16()?);
        reader.i32()?;
        if code != Code::NONE {
            return Ok(Fetched { code, high: -1, aborted: Vec::new(), records: Vec::new() });
        }
    }
    let topics = reader.items(|reader| {
        match version {
            BY_ID => drop(reader.uuid()?),
            _ => drop(reader.text()?),
        }
        let partitions = reader.items(|reader| partition(reader, version))?;
        reader.end().map(|()| partitions)
    })?;
    topics.into_iter().flatten().next().ok_or(Malformed("the answer has no partition"))
}

fn partition(reader: &mut Reader<'_>, version: i16) -> Result<Fetched, Malformed> {
    reader.i32()?;
    let (code, high) = (Code(reader.i16()?), reader.i64()?);
    reader.i64()?;
    if version >= 5 {
        reader.i64()?;
    }
    let aborted = reader.items(|reader| {
        let transaction = (reader.i64()?, reader.i64()?);
        reader.end().map(|()| transaction)
    })?;
    if version >= 11 {
        reader.i32()?;
    }
    let records = reader.bytes()?.to_vec();
    reader.end()?;
    Ok(Fetched { code, high, aborted, records })
}
