//! Requests and their answers: the five that reading takes, in the versions that brokers from 1.0 to 4.x and Event Hubs
//! have between them.
//!
//! Source: Apache Kafka, "Kafka protocol guide".

use super::fetch::BY_ID;
use super::wire::{Malformed, Reader, Writer};

/// What can be asked, with the versions that are written here, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Fetch,
    ListOffsets,
    Metadata,
    SaslHandshake,
    Versions,
    SaslAuthenticate,
}

impl Api {
    pub(super) fn key(self) -> i16 {
        match self {
            Api::Fetch => 1,
            Api::ListOffsets => 2,
            Api::Metadata => 3,
            Api::SaslHandshake => 17,
            Api::Versions => 18,
            Api::SaslAuthenticate => 36,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Api::Fetch => "Fetch",
            Api::ListOffsets => "ListOffsets",
            Api::Metadata => "Metadata",
            Api::SaslHandshake => "SaslHandshake",
            Api::Versions => "ApiVersions",
            Api::SaslAuthenticate => "SaslAuthenticate",
        }
    }

    /// The versions that are spoken, the best first.
    pub(super) fn versions(self) -> &'static [i16] {
        match self {
            // From 10 on a broker gives batches that are packed with Zstandard.
            Api::Fetch => &[BY_ID, 11, 10, 4],
            // From 2 on the last offset is that of committed transactions.
            Api::ListOffsets => &[2, 1],
            // From 10 on topics have ids, and from 4 on asking for a topic does not make it.
            Api::Metadata => &[12, 4],
            Api::SaslHandshake => &[1],
            Api::Versions | Api::SaslAuthenticate => &[0],
        }
    }

    pub(super) fn is_flexible(self, version: i16) -> bool {
        match self {
            Api::Metadata => version >= 9,
            Api::Fetch => version >= 12,
            _ => false,
        }
    }
}

/// What a broker says went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) i16);

impl Code {
    pub(super) const NONE: Code = Code(0);
    pub(super) const OUT_OF_RANGE: Code = Code(1);
    pub(super) const NO_SUCH_TOPIC: Code = Code(3);

    /// # Errors
    /// Itself, unless it says that all went well.
    pub(super) fn checked(self) -> Result<(), Code> {
        if self == Code::NONE { Ok(()) } else { Err(self) }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            1 => "OFFSET_OUT_OF_RANGE",
            2 => "CORRUPT_MESSAGE",
            3 => "UNKNOWN_TOPIC_OR_PARTITION",
            5 => "LEADER_NOT_AVAILABLE",
            6 => "NOT_LEADER_OR_FOLLOWER",
            7 => "REQUEST_TIMED_OUT",
            9 => "REPLICA_NOT_AVAILABLE",
            17 => "INVALID_TOPIC_EXCEPTION",
            29 => "TOPIC_AUTHORIZATION_FAILED: the user may not read the topic",
            30 => "GROUP_AUTHORIZATION_FAILED",
            31 => "CLUSTER_AUTHORIZATION_FAILED",
            33 => "UNSUPPORTED_SASL_MECHANISM",
            34 => "ILLEGAL_SASL_STATE",
            35 => "UNSUPPORTED_VERSION",
            56 => "KAFKA_STORAGE_ERROR",
            58 => "SASL_AUTHENTICATION_FAILED",
            74 => "FENCED_LEADER_EPOCH",
            75 => "UNKNOWN_LEADER_EPOCH",
            76 => "UNSUPPORTED_COMPRESSION_TYPE: the broker is too old for what the producer packs with",
            78 => "OFFSET_NOT_AVAILABLE",
            89 => "THROTTLING_QUOTA_EXCEEDED",
            100 => "UNKNOWN_TOPIC_ID",
            103 => "INCONSISTENT_TOPIC_ID",
            code => return write!(formatter, "error {code}"),
        };
        formatter.write_str(name)
    }
}

/// The number of an API, and the least and the greatest version that a broker speaks.
pub(super) type Range = (i16, i16, i16);

/// The versions that a broker speaks.
pub(super) fn versions(bytes: &[u8]) -> Result<(Code, Vec<Range>), Malformed> {
    let mut reader = Reader::new(bytes, false);
    let code = Code(reader.i16()?);
    let ranges = reader.items(|reader| Ok((reader.i16()?, reader.i16()?, reader.i16()?)))?;
    Ok((code, ranges))
}

/// A broker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) id: i32,
    pub(super) host: String,
    pub(super) port: u16,
}

/// A topic, as the cluster has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicState {
    pub(super) code: Code,
    pub(super) name: String,
    /// What tells it from another of its name; zero where brokers do not say.
    pub(super) id: [u8; 16],
    /// Partitions and who leads them; -1 where nobody does.
    pub(super) partitions: Vec<(i32, i32)>,
}

/// What a cluster says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) brokers: Vec<Broker>,
    pub(super) topics: Vec<TopicState>,
}

pub(super) fn metadata_request<'t>(version: i16, topics: impl ExactSizeIterator<Item = &'t str>) -> Vec<u8> {
    let is_flexible = Api::Metadata.is_flexible(version);
    let mut writer = Writer::new(is_flexible);
    writer.count(topics.len());
    for topic in topics {
        if is_flexible {
            writer.put(&[0; 16]);
        }
        writer.text(topic).end();
    }
    // Topics are not to be made.
    writer.i8(0);
    if is_flexible {
        writer.i8(0);
    }
    writer.end();
    writer.bytes
}

pub(super) fn metadata(version: i16, bytes: &[u8]) -> Result<Metadata, Malformed> {
    let is_flexible = Api::Metadata.is_flexible(version);
    let mut reader = Reader::new(bytes, is_flexible);
    reader.i32()?;
    let brokers = reader.items(|reader| {
        let (id, host, port) = (reader.i32()?, reader.text()?.to_owned(), reader.i32()?);
        reader.string()?;
        reader.end()?;
        let port = u16::try_from(port).map_err(|_| Malformed("a broker's port is none"))?;
        Ok(Broker { id, host, port })
    })?;
    // The id of the cluster, and the broker that controls it.
    reader.string()?;
    reader.i32()?;
    let topics = reader.items(|reader| topic(reader, is_flexible))?;
    Ok(Metadata { brokers, topics })
}

fn topic(reader: &mut Reader<'_>, is_flexible: bool) -> Result<TopicState, Malformed> {
    let (code, name) = (Code(reader.i16()?), reader.string()?.unwrap_or_default().to_owned());
    let id = if is_flexible { reader.uuid()? } else { [0; 16] };
    reader.i8()?;
    let partitions = reader.items(|reader| {
        reader.i16()?;
        let (index, leader) = (reader.i32()?, reader.i32()?);
        if is_flexible {
            reader.i32()?;
        }
        // Replicas, those in step, those offline.
        for _ in 0..if is_flexible { 3 } else { 2 } {
            reader.items(Reader::i32)?;
        }
        reader.end()?;
        Ok((index, leader))
    })?;
    if is_flexible {
        reader.i32()?;
    }
    reader.end()?;
    Ok(TopicState { code, name, id, partitions })
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

pub(super) fn offset_request(version: i16, topic: &str, partition: i32, end: End) -> Vec<u8> {
    let mut writer = Writer::new(false);
    writer.i32(-1);
    if version >= 2 {
        writer.i8(COMMITTED);
    }
    writer.count(1).text(topic).count(1).i32(partition);
    writer.i64(match end {
        End::First => -2,
        End::Last => -1,
    });
    writer.bytes
}

/// The offset of an end of a partition.
pub(super) fn offset(version: i16, bytes: &[u8]) -> Result<Result<i64, Code>, Malformed> {
    let mut reader = Reader::new(bytes, false);
    if version >= 2 {
        reader.i32()?;
    }
    let topics = reader.items(|reader| {
        reader.text()?;
        reader.items(|reader| {
            reader.i32()?;
            let code = Code(reader.i16()?);
            reader.i64()?;
            Ok((code, reader.i64()?))
        })
    })?;
    let (code, offset) =
        topics.into_iter().flatten().next().ok_or(Malformed("the answer has no partition"))?;
    Ok(code.checked().map(|()| offset))
}

/// Only what transactions have committed is read.
pub(super) const COMMITTED: i8 = 1;

pub(super) fn handshake_request(mechanism: &str) -> Vec<u8> {
    let mut writer = Writer::new(false);
    writer.text(mechanism);
    writer.bytes
}

/// What the broker says of a mechanism, and those that it has.
pub(super) fn handshake(bytes: &[u8]) -> Result<(Code, Vec<String>), Malformed> {
    let mut reader = Reader::new(bytes, false);
    Ok((Code(reader.i16()?), reader.items(|reader| reader.text().map(str::to_owned))?))
}

pub(super) fn authenticate_request(token: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(false);
    writer.bytes(token);
    writer.bytes
}

/// Why the broker refuses, and what it sends back.
pub(super) fn authenticate(bytes: &[u8]) -> Result<(Code, Option<String>, Vec<u8>), Malformed> {
    let mut reader = Reader::new(bytes, false);
    let code = Code(reader.i16()?);
    let message = reader.string()?.map(str::to_owned);
    Ok((code, message, reader.bytes()?.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fetch;
    use super::*;

    /// An answer with one topic of two partitions.
    fn cluster(is_flexible: bool) -> Vec<u8> {
        let mut writer = Writer::new(is_flexible);
        writer.i32(0).count(1).i32(7).text("broker.example").i32(9092);
        match is_flexible {
            true => writer.put(&[0]).end().put(&[0]),
            false => writer.i16(-1).i16(-1),
        };
        writer.i32(7).count(1).i16(0).text("calls");
        if is_flexible {
            writer.put(&[9; 16]);
        }
        writer.i8(0).count(2);
        for (index, leader) in [(0, 7), (1, -1)] {
            writer.i16(0).i32(index).i32(leader);
            if is_flexible {
                writer.i32(3).count(0);
            }
            writer.count(1).i32(7).count(1).i32(7).end();
        }
        if is_flexible {
            writer.i32(i32::MIN).end();
        }
        writer.end();
        writer.bytes
    }

    #[test]
    fn clusters_are_read_in_both_versions() {
        for (version, id) in [(4, [0; 16]), (12, [9; 16])] {
            let found = metadata(version, &cluster(version == 12)).unwrap();
            assert_eq!(found.brokers, [Broker { id: 7, host: "broker.example".to_owned(), port: 9092 }]);
            let topic = found.topics.first().unwrap();
            assert_eq!((topic.name.as_str(), topic.id), ("calls", id));
            assert_eq!(topic.partitions, [(0, 7), (1, -1)]);
        }
    }

    proptest! {
        #[test]
        fn answers_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..120, new: u8) {
            let mut changed = cluster(true);
            if let Some(byte) = changed.get_mut(at) {
                *byte = new;
            }
            let _ = metadata(12, &changed);
            for version in [1, 2, 4, 10, 11, 12, 13] {
                let _ = (metadata(version, &bytes), offset(version, &bytes), fetch::fetched(version, &bytes));
            }
            let _ = (versions(&bytes), handshake(&bytes), authenticate(&bytes));
        }
    }
}
