//! Topics of a Kafka cluster, and so of Azure Event Hubs: read into tables, each message once.
//!
//! | module | what |
//! |---|---|
//! | `config`, `topic` | the file that says what to read |
//! | `wire`, `messages`, `fetch` | the protocol: primitive types, and the six requests that reading takes |
//! | `connection`, `sasl` | a broker: TCP or TLS, PLAIN or SCRAM, one request at a time |
//! | `records`, `unpack` | batches of messages: transactions, checksums, four ways of packing |
//! | `shape`, `gather` | messages become lines of rows |
//! | `keeper`, `ledger` | rows and offsets go to the lake |
//! | `partition`, `cluster` | reading, and who leads what |
//!
//! There are no consumer groups: offsets are in the lake, in the commits of the rows themselves, so that nothing is lost or
//! doubled between two systems that each know half of it.
//!
//! *Invariant (once):* every committed message that the broker has is dealt with once, however often everything ends in
//! the middle. *Invariant (told):* a message that is not kept is counted, and told with its topic, partition and offset.
//! *Invariant (waiting, not dropping):* where the lake has no room, or a broker does not answer, reading waits.
//!
//! Sources: Apache Kafka, "Kafka protocol guide"; Azure Event Hubs, "Apache Kafka on Azure Event Hubs".

mod cluster;
mod config;
mod connection;
mod fetch;
mod gather;
mod keeper;
mod ledger;
mod messages;
mod partition;
mod pause;
mod records;
mod sasl;
mod shape;
mod topic;
mod unpack;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use castellan_base::System;
use castellan_ingest::diagnostic::Mapper;
use castellan_lake::Lake;
use serde::Deserialize;
use tokio::sync::{Notify, Semaphore, watch};

use super::{Tell, rules};
use cluster::Cluster;
use config::Config;
use connection::Client;
use shape::Shape;
use topic::Topic;

/// Batches that are worked on at once, of all partitions.
const WORK: usize = 4;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct BadConfig {
    /// The file, with line and column where there is one.
    pub place: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// What reading may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a partition that are asked for at once: 1 MiB. A larger batch of a producer comes all the same.
    pub fetch: i32,
    /// How long a broker may wait for messages, in milliseconds: 500.
    pub wait: i32,
    /// Partitions that are read at most, of all topics: 1,024.
    pub partitions: usize,
    /// How often the cluster is looked at for further partitions, in seconds: 30.
    pub refresh: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { fetch: 1 << 20, wait: 500, partitions: 1_024, refresh: 30 }
    }
}

impl Limits {
    fn look(&self) -> Duration {
        Duration::from_secs(self.refresh.into())
    }

    fn check(&self) -> Result<(), String> {
        for (name, value, range) in [
            ("fetch", i64::from(self.fetch), 4_096..=32 << 20),
            ("wait", i64::from(self.wait), 10..=30_000),
            ("partitions", i64::try_from(self.partitions).unwrap_or(i64::MAX), 1..=10_000),
            ("refresh", i64::from(self.refresh), 1..=3_600),
        ] {
            if !range.contains(&value) {
                return Err(format!("`{name}` of `limits` is {} to {}", range.start(), range.end()));
            }
        }
        Ok(())
    }
}

/// What all who read a cluster share.
struct Shared {
    name: Arc<str>,
    client: Client,
    limits: Limits,
    lake: Arc<Lake>,
    mapper: Mapper,
    tell: Tell,
    /// Asks for the cluster to be looked at.
    look: Notify,
    work: Arc<Semaphore>,
}

/// Makes the table of a topic where it is one of a user's own. Gives what there is to tell about it.
async fn prepare(shape: &Shape, lake: &Lake) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    match shape {
        Shape::Json { flow: Some(flow), .. } => rules::check(&flow.1, lake, &mut told).await?,
        Shape::Json { table, .. } if table.ends_with("_CL") => {
            lake.create_table(table, Vec::new()).await.map_err(|error| error.to_string())?;
        }
        _ => {}
    }
    Ok(told)
}

/// Topics that are to be read.
pub struct Kafka {
    shared: Shared,
    topics: Vec<Topic>,
}

impl Kafka {
    /// Reads a configuration, and makes the tables that it names. No broker is asked yet.
    ///
    /// # Errors
    /// What is wrong with the file, or with what it names, with its place.
    pub async fn open(
        path: &Path,
        system: &dyn System,
        lake: Arc<Lake>,
        tell: Tell,
    ) -> Result<Kafka, BadConfig> {
        let Config { name, client, limits, topics } = config::open(path, system)?;
        ledger::open(&lake).await?;
        for topic in &topics {
            let place = || format!("{}, the topic `{}`", path.display(), topic.name);
            let told = prepare(&topic.shape, &lake).await;
            let told = told.map_err(|reason| BadConfig { place: place(), reason })?;
            told.iter().for_each(|line| tell(&format!("{}: {line}", place())));
        }
        let work = Arc::new(Semaphore::new(WORK));
        let (name, mapper, look) = (name.into(), super::mapper(), Notify::new());
        Ok(Kafka { shared: Shared { name, client, limits, lake, mapper, tell, look, work }, topics })
    }

    /// What is read from where, in words for a person.
    pub fn describe(&self) -> String {
        let topics: Vec<&str> = self.topics.iter().map(|topic| topic.name.as_str()).collect();
        let brokers: Vec<String> = self.shared.client.brokers.iter().map(ToString::to_string).collect();
        format!("{} of {} ({})", topics.join(", "), self.shared.name, brokers.join(", "))
    }

    /// Reads until `stop` ends; what is being kept then is kept.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (end, ending) = watch::channel(());
        let cluster = Cluster::new(Arc::new(self.shared), self.topics, &ending);
        let running = cluster.run();
        tokio::pin!(running, stop);
        tokio::select! {
            () = &mut running => {}
            () = &mut stop => {
                drop(end);
                running.await;
            }
        }
    }
}
