//! Batches of messages, as brokers keep them.
//!
//! Source: Apache Kafka, "Implementation: message format" (record batches, magic 2). The formats before 0.11 are not
//! read: brokers convert them when they are fetched.

use std::collections::HashSet;

use super::fetch::Fetched;
use super::unpack::unpack;
use super::wire::{Malformed, Reader};

/// Bytes of a batch before what its length counts.
const HEAD: usize = 12;
/// Bytes that the checksum does not cover: what precedes it of what the length counts, and itself.
const BEFORE: usize = 9;

const CODEC: i16 = 0b111;
const STAMPED: i16 = 0b1000;
const TRANSACTIONAL: i16 = 0b1_0000;
const CONTROL: i16 = 0b10_0000;

/// A header of a message.
pub(super) type Header<'b> = (&'b [u8], Option<&'b [u8]>);

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message<'b> {
    pub(super) offset: i64,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) key: Option<&'b [u8]>,
    /// A message without one is a tombstone.
    pub(super) value: Option<&'b [u8]>,
    pub(super) headers: Vec<Header<'b>>,
}

/// A batch, of which only the frame was read.
#[derive(Clone, Debug)]
pub(super) struct Batch<'b> {
    base: i64,
    /// The offset of its last message, which compaction may have taken away.
    pub(super) last: i64,
    attributes: i16,
    first_time: i64,
    last_time: i64,
    producer: i64,
    count: i32,
    records: &'b [u8],
    /// What is wrong with its frame.
    fault: Option<&'static str>,
}

/// Why messages of a batch cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The first of them.
    pub(super) offset: i64,
    pub(super) reason: String,
    /// Whether it may be well when it is fetched again.
    pub(super) is_checksum: bool,
}

impl<'b> Batch<'b> {
    /// The next batch; `None` where none is there as a whole.
    ///
    /// # Errors
    /// A frame that does not even say where the next one begins.
    pub(super) fn next(bytes: &mut &'b [u8]) -> Result<Option<Batch<'b>>, Malformed> {
        let mut head = Reader::new(bytes, false);
        let (Ok(base), Ok(length)) = (head.i64(), head.i32()) else { return Ok(None) };
        let length = usize::try_from(length).map_err(|_| Malformed("a batch has a negative length"))?;
        let Some((whole, rest)) = bytes.split_at_checked(HEAD.saturating_add(length)) else {
            return Ok(None);
        };
        let batch = Batch::framed(base, whole.get(HEAD..).unwrap_or_default())?;
        *bytes = rest;
        Ok(Some(batch))
    }

    fn framed(base: i64, bytes: &'b [u8]) -> Result<Batch<'b>, Malformed> {
        let mut reader = Reader::new(bytes, false);
        reader.i32()?;
        let is_known = reader.i8()? == 2;
        if !is_known {
            let fault = Some("it is in a format from before Kafka 0.11");
            return Ok(Batch { fault, ..Batch::empty(base) });
        }
        let sum = reader.u32()?;
        let is_whole = crc32c::crc32c(bytes.get(BEFORE..).unwrap_or_default()) == sum;
        let attributes = reader.i16()?;
        let last = base.saturating_add(i64::from(reader.i32()?.max(0)));
        let (first_time, last_time, producer) = (reader.i64()?, reader.i64()?, reader.i64()?);
        // The producer's epoch, and the number of its first message.
        reader.i16()?;
        reader.i32()?;
        let count = reader.i32()?;
        let fault = (!is_whole).then_some("its checksum is wrong");
        let records = reader.rest();
        Ok(Batch { base, last, attributes, first_time, last_time, producer, count, records, fault })
    }

    fn empty(base: i64) -> Batch<'b> {
        Batch {
            base,
            last: base,
            attributes: 0,
            first_time: 0,
            last_time: 0,
            producer: -1,
            count: 0,
            records: &[],
            fault: None,
        }
    }

    /// Calls `take` with the messages, until it has had enough. What cannot be read begins where a fault says.
    pub(super) fn messages(&self, take: &mut dyn FnMut(Message<'_>) -> bool) -> Result<(), Fault> {
        let wrong = |offset, reason: String| Fault { offset, reason, is_checksum: false };
        if let Some(fault) = self.fault {
            return Err(Fault { is_checksum: true, ..wrong(self.base, fault.to_owned()) });
        }
        let bytes =
            unpack(self.attributes & CODEC, self.records).map_err(|reason| wrong(self.base, reason))?;
        let mut reader = Reader::new(&bytes, false);
        let mut next = self.base;
        for _ in 0..self.count {
            let message = self.message(&mut reader);
            let message = message.map_err(|error| wrong(next, format!("its form is broken: {error}")))?;
            next = message.offset.saturating_add(1);
            if !take(message) {
                break;
            }
        }
        Ok(())
    }

    fn message<'m>(&self, reader: &mut Reader<'m>) -> Result<Message<'m>, Malformed> {
        let body = reader.sized()?.ok_or(Malformed("a message has no length"))?;
        let mut reader = Reader::new(body, false);
        reader.i8()?;
        let (time, offset) = (reader.signed()?, reader.signed()?);
        let (key, value) = (reader.sized()?, reader.sized()?);
        let count = usize::try_from(reader.signed()?).unwrap_or_default();
        if count > body.len() {
            return Err(Malformed("it has more headers than bytes"));
        }
        let mut headers = Vec::new();
        for _ in 0..count {
            headers.push((reader.sized()?.unwrap_or_default(), reader.sized()?));
        }
        let offset = self.base.saturating_add(offset);
        if !(self.base..=self.last).contains(&offset) {
            return Err(Malformed("an offset is not within its batch"));
        }
        let is_stamped = self.attributes & STAMPED != 0;
        let time = if is_stamped { self.last_time } else { self.first_time.saturating_add(time) };
        Ok(Message { offset, time, key, value, headers })
    }
}

/// Tells what transactions have aborted from what counts.
#[derive(Clone, Debug)]
pub(super) struct Aborted {
    /// Those that begin further on, the nearest last.
    ahead: Vec<(i64, i64)>,
    open: HashSet<i64>,
}

impl Aborted {
    pub(super) fn of(fetched: &Fetched) -> Aborted {
        let mut ahead = fetched.aborted.clone();
        ahead.sort_unstable_by_key(|(_, first)| std::cmp::Reverse(*first));
        Aborted { ahead, open: HashSet::new() }
    }

    /// Whether the messages of the next batch count: they are no marks of transactions and of no aborted one.
    pub(super) fn counts(&mut self, batch: &Batch<'_>) -> bool {
        while let Some((producer, _)) = self.ahead.pop_if(|(_, first)| *first <= batch.last) {
            self.open.insert(producer);
        }
        if batch.attributes & CONTROL == 0 {
            return batch.attributes & TRANSACTIONAL == 0 || !self.open.contains(&batch.producer);
        }
        // A mark: its key is a version and a kind, of which 0 says that the transaction ends as aborted.
        let _ = batch.messages(&mut |mark| {
            if mark.key.and_then(|key| key.get(2..4)) == Some(&[0, 0]) {
                self.open.remove(&batch.producer);
            }
            true
        });
        false
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::messages::Code;
    use super::*;

    /// A key and a value.
    type Pair<'p> = (Option<&'p [u8]>, Option<&'p [u8]>);

    fn varint(value: i64, bytes: &mut Vec<u8>) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }

    fn sized(value: Option<&[u8]>, bytes: &mut Vec<u8>) {
        varint(value.map_or(-1, |value| value.len().try_into().unwrap()), bytes);
        bytes.extend(value.unwrap_or_default());
    }

    fn record(at: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
        let mut body = vec![0];
        varint(at * 10, &mut body);
        varint(at, &mut body);
        sized(key, &mut body);
        sized(value, &mut body);
        varint(1, &mut body);
        sized(Some(b"h"), &mut body);
        sized(None, &mut body);
        let mut bytes = Vec::new();
        sized(Some(&body), &mut bytes);
        bytes
    }

    /// A batch of messages with these keys and values.
    pub(in super::super) fn batch(
        base: i64,
        attributes: i16,
        producer: i64,
        messages: &[Pair<'_>],
    ) -> Vec<u8> {
        let records: Vec<u8> =
            messages.iter().zip(0..).flat_map(|((key, value), at)| record(at, *key, *value)).collect();
        framed(base, attributes, producer, messages.len(), &records)
    }

    fn framed(base: i64, attributes: i16, producer: i64, count: usize, records: &[u8]) -> Vec<u8> {
        let count = i32::try_from(count).unwrap();
        let mut summed = attributes.to_be_bytes().to_vec();
        summed.extend((count - 1).to_be_bytes());
        summed.extend(1_000_i64.to_be_bytes());
        summed.extend(9_000_i64.to_be_bytes());
        summed.extend(producer.to_be_bytes());
        summed.extend([0; 6]);
        summed.extend(count.to_be_bytes());
        summed.extend(records);
        let mut bytes = base.to_be_bytes().to_vec();
        bytes.extend(i32::try_from(summed.len() + BEFORE).unwrap().to_be_bytes());
        bytes.extend([0, 0, 0, 0, 2]);
        bytes.extend(crc32c::crc32c(&summed).to_be_bytes());
        bytes.extend(summed);
        bytes
    }

    type Held = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

    fn all(batch: &Batch<'_>) -> (Vec<Held>, Option<Fault>) {
        let mut found = Vec::new();
        let read = batch.messages(&mut |message| {
            assert_eq!(message.headers, [(&b"h"[..], None)]);
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            found.push((message.offset, message.time, owned(message.key), owned(message.value)));
            true
        });
        (found, read.err())
    }

    #[test]
    fn messages_are_read_as_they_were_written() {
        let first = batch(40, 0, -1, &[(None, Some(b"a")), (Some(b"k"), None)]);
        let second = batch(42, STAMPED, -1, &[(None, Some(b""))]);
        let bytes = [first, second.clone(), second.get(..70).unwrap().to_vec()].concat();
        let mut rest = bytes.as_slice();
        let batch = Batch::next(&mut rest).unwrap().unwrap();
        let expected = vec![(40, 1_000, None, Some(b"a".to_vec())), (41, 1_010, Some(b"k".to_vec()), None)];
        assert_eq!((all(&batch), batch.last), ((expected, None), 41));
        let batch = Batch::next(&mut rest).unwrap().unwrap();
        assert_eq!(all(&batch), (vec![(42, 9_000, None, Some(Vec::new()))], None), "the broker's time");
        assert!(Batch::next(&mut rest).unwrap().is_none(), "the last one is cut off");
    }

    #[test]
    fn faults_say_where_they_begin() {
        let mut wrong = batch(5, 0, -1, &[(None, Some(b"abc"))]);
        *wrong.last_mut().unwrap() ^= 1;
        let batch = Batch::next(&mut wrong.as_slice()).unwrap().unwrap();
        let fault = all(&batch).1.unwrap();
        assert!(fault.is_checksum && fault.offset == 5, "{fault:?}");
        let mut records = record(0, None, Some(b"well"));
        records.extend([8, 0, 0]);
        let broken = framed(7, 0, -1, 2, &records);
        let batch = Batch::next(&mut broken.as_slice()).unwrap().unwrap();
        let (found, fault) = all(&batch);
        assert_eq!((found.len(), fault.map(|fault| fault.offset)), (1, Some(8)));
    }

    #[test]
    fn what_was_aborted_does_not_count() {
        let (abort, commit) = (b"\0\0\0\0".as_slice(), b"\0\0\0\x01".as_slice());
        let value: &[Pair<'_>] = &[(None, Some(b"x"))];
        let parts = [
            (batch(0, TRANSACTIONAL, 1, value), false),
            (batch(1, TRANSACTIONAL, 2, value), true),
            (batch(2, 0, -1, value), true),
            (batch(3, TRANSACTIONAL | CONTROL, 1, &[(Some(abort), None)]), false),
            (batch(4, TRANSACTIONAL, 1, value), true),
            (batch(5, TRANSACTIONAL | CONTROL, 2, &[(Some(commit), None)]), false),
        ];
        let fetched = Fetched { code: Code::NONE, high: 6, aborted: vec![(1, 0)], records: Vec::new() };
        let mut aborted = Aborted::of(&fetched);
        for (bytes, expected) in &parts {
            let batch = Batch::next(&mut bytes.as_slice()).unwrap().unwrap();
            assert_eq!(aborted.counts(&batch), *expected, "{batch:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(
            at in 0_usize..140, new: u8, records in prop::collection::vec(any::<u8>(), 0..80), codec in 0_i16..8
        ) {
            let mut changed = batch(3, 0, -1, &[(Some(b"key"), Some(b"value")), (None, None)]);
            if let Some(byte) = changed.get_mut(at) {
                *byte = new;
            }
            for bytes in [changed, framed(3, codec, -1, 2, &records)] {
                let mut rest = bytes.as_slice();
                while let Ok(Some(mut batch)) = Batch::next(&mut rest) {
                    let _ = batch.messages(&mut |_| true);
                    batch.fault = None;
                    let _ = batch.messages(&mut |message| (3..=batch.last).contains(&message.offset));
                }
            }
        }
    }
}
