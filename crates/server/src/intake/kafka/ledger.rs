//! What is kept of reading itself: a table of the lake that tells what happened, and marks in it that say where to go on.
//!
//! | mark of [`TABLE`] | offset |
//! |---|---|
//! | `kafka:NAME/TOPIC/PARTITION` | the last message that is dealt with, in whichever tables its rows are |
//! | `kafka:NAME/TOPIC` | how many topics of this name there were: the *generation* |
//! | `kafka:NAME/TOPIC/first` | how many partitions it had when it was first seen |
//! | `kafka:NAME/TOPIC/id` | the generation of the last topic with an id |
//! | `kafka:NAME/TOPIC/id/ID` | the generation of the topic with this id |
//!
//! From the second generation on `TOPIC` is `TOPIC@GENERATION` in all but the last three.
//!
//! *Invariant (the table comes last):* a batch of messages is marked here once all its rows are durable. So reading never
//! begins behind rows that are missing; those that are there already are left out by the marks of their own tables.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::{Append, Error, Form, Lake, Mark};
use serde_json::json;

use super::BadConfig;

/// The table.
pub(super) const TABLE: &str = "KafkaIntake_CL";

const COLUMNS: [(&str, ScalarType); 9] = [
    ("Cluster", ScalarType::String),
    ("Topic", ScalarType::String),
    ("Generation", ScalarType::Long),
    ("Partition", ScalarType::Long),
    ("Offset", ScalarType::Long),
    ("Event", ScalarType::String),
    ("Count", ScalarType::Long),
    ("Behind", ScalarType::Long),
    ("Detail", ScalarType::String),
];

/// What happened to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Reading began where nothing was known.
    Begun,
    /// Messages, or rows of them, are not kept.
    Rejected,
    /// Values are not kept as they came.
    Changed,
    /// The broker no longer had messages that were not read.
    Gap,
    /// How far reading is.
    Progress,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Event::Begun => "begun",
            Event::Rejected => "rejected",
            Event::Changed => "changed",
            Event::Gap => "gap",
            Event::Progress => "progress",
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) event: Event,
    pub(super) offset: i64,
    /// How many messages, rows or values.
    pub(super) count: u64,
    /// How many messages are still to be read.
    pub(super) behind: Option<i64>,
    pub(super) detail: String,
}

/// Makes the table.
///
/// # Errors
/// What the lake says.
pub(super) async fn open(lake: &Lake) -> Result<(), BadConfig> {
    let columns = COLUMNS.map(|(name, scalar)| Field::new(name, scalar)).to_vec();
    let made = lake.create_table(TABLE, columns).await;
    made.map(drop).map_err(|error| BadConfig { place: TABLE.to_owned(), reason: error.to_string() })
}

/// One topic of a cluster, of all that had its name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) cluster: Arc<str>,
    pub(super) topic: Arc<str>,
    pub(super) generation: u32,
}

impl Named {
    /// The name of a partition as the source of rows.
    pub(super) fn source(&self, partition: i32) -> Arc<str> {
        format!("{}/{partition}", self.base()).into()
    }

    fn base(&self) -> String {
        match self.generation {
            0 | 1 => format!("kafka:{}/{}", self.cluster, self.topic),
            generation => format!("kafka:{}/{}@{generation}", self.cluster, self.topic),
        }
    }

    /// The rows of the table for what happened to a partition.
    pub(super) fn lines(&self, partition: i32, entries: &[Entry]) -> Vec<u8> {
        let lines = entries.iter().map(|entry| {
            let row = json!({
                "Cluster": &*self.cluster, "Topic": &*self.topic, "Generation": self.generation,
                "Partition": partition, "Offset": entry.offset, "Event": entry.event.name(),
                "Count": entry.count, "Behind": entry.behind, "Detail": entry.detail,
            });
            format!("{row}\n")
        });
        lines.collect::<String>().into_bytes()
    }
}

async fn mark(lake: &Lake, source: &str) -> Result<Option<i64>, Error> {
    lake.mark(TABLE, source).await
}

async fn set(lake: &Lake, source: String, offset: i64) -> Result<(), Error> {
    let how = Append { mark: Some(Mark { source: source.into(), offset }), ..Append::default() };
    lake.append(TABLE, b"", Form::Lines, how).await.map(drop)
}

/// Which generation of topics of its name a topic is: what its id says, but no less than its reader says. A topic with an
/// id that is not known is another one, unless none ever had an id.
///
/// # Errors
/// What the lake says; it can be asked again.
pub(super) async fn generation(
    lake: &Lake,
    cluster: &str,
    topic: &str,
    id: [u8; 16],
    said: Option<u32>,
) -> Result<u32, Error> {
    let base = format!("kafka:{cluster}/{topic}");
    let (count, said) = (number(mark(lake, &base).await?), said.unwrap_or(1));
    if id == [0; 16] {
        return Ok(count.max(said).max(1));
    }
    let own = format!("{base}/id/{:032x}", u128::from_be_bytes(id));
    let last = mark(lake, &format!("{base}/id")).await?;
    let generation = match (mark(lake, &own).await?, last) {
        (Some(known), _) => number(Some(known)),
        (None, None) => count.max(1),
        (None, Some(last)) => count.max(number(Some(last))) + 1,
    };
    let generation = generation.max(said);
    // In this order: where only the first of them is written, the next look finds it.
    set(lake, own, generation.into()).await?;
    set(lake, format!("{base}/id"), generation.into()).await?;
    Ok(generation)
}

fn number(mark: Option<i64>) -> u32 {
    mark.and_then(|mark| u32::try_from(mark).ok()).unwrap_or(0)
}

/// How many partitions a topic had when it was first seen, which is now unless it is known. Those that came later are read
/// from their beginning.
///
/// # Errors
/// What the lake says; it can be asked again.
pub(super) async fn first_partitions(lake: &Lake, named: &Named, now: usize) -> Result<usize, Error> {
    let base = named.base();
    let first = format!("{base}/first");
    if let Some(known) = mark(lake, &first).await? {
        return Ok(usize::try_from(known).unwrap_or(0));
    }
    set(lake, first, i64::try_from(now).unwrap_or(i64::MAX)).await?;
    set(lake, format!("kafka:{}/{}", named.cluster, named.topic), named.generation.into()).await?;
    Ok(now)
}

#[cfg(test)]
mod tests {
    use castellan_lake::Options;

    use super::*;

    async fn lake(folder: &tempfile::TempDir) -> Lake {
        let options = Options { disk_reserve: 0, upkeep: false, ..Options::default() };
        let lake = Lake::open(folder.path(), options).await.unwrap();
        open(&lake).await.unwrap();
        lake
    }

    async fn check(lake: &Lake, id: u8, said: Option<u32>, expected: u32) {
        assert_eq!(generation(lake, "c", "t", [id; 16], said).await.unwrap(), expected, "id {id}");
        let named = Named { cluster: "c".into(), topic: "t".into(), generation: expected };
        first_partitions(lake, &named, 3).await.unwrap();
    }

    #[tokio::test]
    async fn topics_of_one_name_are_told_apart_by_their_ids() {
        let folder = tempfile::TempDir::new().unwrap();
        let before = lake(&folder).await;
        // A broker that says no ids, and then is replaced by a newer one that does.
        check(&before, 0, None, 1).await;
        check(&before, 7, None, 1).await;
        check(&before, 8, None, 2).await;
        check(&before, 7, None, 1).await;
        check(&before, 9, None, 3).await;
        before.close().await.unwrap();
        let after = lake(&folder).await;
        check(&after, 8, None, 2).await;
        check(&after, 9, Some(5), 5).await;
        check(&after, 9, None, 5).await;
        check(&after, 10, Some(2), 6).await;
        check(&after, 0, None, 6).await;
    }

    #[tokio::test]
    async fn the_first_sight_of_a_topic_counts() {
        let folder = tempfile::TempDir::new().unwrap();
        let lake = lake(&folder).await;
        let named = |generation| Named { cluster: "c".into(), topic: "t".into(), generation };
        for (generation, now, expected) in [(1, 4, 4), (1, 6, 4), (2, 0, 0), (2, 9, 0)] {
            assert_eq!(first_partitions(&lake, &named(generation), now).await.unwrap(), expected);
        }
        assert_eq!(&*named(1).source(3), "kafka:c/t/3");
        assert_eq!(&*named(2).source(3), "kafka:c/t@2/3");
    }
}
