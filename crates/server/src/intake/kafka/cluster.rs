//! Looks at the cluster from time to time, and has every partition read by whoever leads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::Shared;
use super::connection::{Address, Connection, Error};
use super::ledger::{Named, first_partitions, generation};
use super::messages::{self, Api, Code, Metadata, TopicState};
use super::partition::{Leaders, Partition};
use super::pause::Pause;
use super::topic::{Start, Topic};

/// How soon the cluster is looked at again when a reader asks.
const SOON: Duration = Duration::from_millis(250);

/// What is read of a topic.
struct Followed {
    topic: Arc<Topic>,
    pause: Pause,
    /// Whether it was not there at a look, so that all that is in it came later.
    was_missing: bool,
    now: Option<Current>,
}

/// A topic, as it is now.
struct Current {
    named: Named,
    id: [u8; 16],
    /// How many partitions it had when it was first seen.
    first: usize,
    leaders: watch::Sender<Leaders>,
    /// Dropped when another topic has taken its name.
    end: watch::Sender<()>,
    /// Who reads the partitions, by number.
    reading: BTreeMap<i32, AbortHandle>,
}

/// The cluster, while it is read.
pub(super) struct Cluster {
    shared: Arc<Shared>,
    followed: Vec<Followed>,
    readers: JoinSet<()>,
    connection: Option<Connection>,
    /// Brokers that are asked, those of the file first.
    known: Vec<Address>,
    pause: Pause,
}

impl Cluster {
    pub(super) fn new(shared: Arc<Shared>, topics: Vec<Topic>, end: &watch::Receiver<()>) -> Cluster {
        let tell = |name: &str| Pause::new(name.to_owned(), Arc::clone(&shared.tell), end.clone());
        let followed = topics.into_iter().map(|topic| Followed {
            pause: tell(&topic.name),
            topic: Arc::new(topic),
            was_missing: false,
            now: None,
        });
        Cluster {
            followed: followed.collect(),
            readers: JoinSet::new(),
            connection: None,
            known: shared.client.brokers.clone(),
            pause: tell(&shared.name),
            shared,
        }
    }

    /// Reads until everything ends, and what is being kept is kept.
    pub(super) async fn run(mut self) {
        while self.round().await.is_some() {}
        self.followed.clear();
        while self.readers.join_next().await.is_some() {}
    }

    /// Looks, and waits until it is time to look again; `None` when everything is to end.
    async fn round(&mut self) -> Option<()> {
        let looked = tokio::select! {
            looked = look(&self.shared, &self.known, &mut self.connection, &self.followed) => looked,
            () = self.pause.ended() => return None,
        };
        let metadata = match looked {
            Ok(metadata) => metadata,
            Err(error) => {
                self.connection = None;
                self.known.rotate_left(1);
                return self.pause.because(&error.to_string(), None).await;
            }
        };
        self.pause.well();
        self.learn(&metadata);
        while self.readers.try_join_next().is_some() {}
        for place in 0..self.followed.len() {
            self.follow(place, &metadata).await;
        }
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = tokio::time::sleep(shared.limits.look()) => {}
            () = shared.look.notified() => {}
            () = self.pause.ended() => return None,
        }
        self.pause.wait(SOON).await
    }

    /// Learns of further brokers that can be asked.
    fn learn(&mut self, metadata: &Metadata) {
        /// More need not be known.
        const MOST: usize = 32;
        for address in metadata.brokers.iter().filter_map(|broker| address(metadata, broker.id)) {
            if self.known.len() < MOST && !self.known.contains(&address) {
                self.known.push(address);
            }
        }
    }

    async fn follow(&mut self, place: usize, metadata: &Metadata) {
        let Some(followed) = self.followed.get_mut(place) else { return };
        let name = &followed.topic.name;
        let Some(state) = metadata.topics.iter().find(|state| state.name == *name) else {
            followed.pause.trouble("the broker says nothing of this topic");
            return;
        };
        if state.code == Code::NO_SUCH_TOPIC {
            followed.was_missing = true;
            followed.pause.trouble("there is no such topic");
            return;
        }
        if let Err(code) = state.code.checked() {
            followed.pause.trouble(&code.to_string());
            return;
        }
        if let Err(error) = followed.identify(&self.shared, state).await {
            followed.pause.trouble(&error.to_string());
            return;
        }
        let reading = followed.start(&self.shared, state, metadata, &mut self.readers);
        match reading {
            Ok(()) => followed.pause.well(),
            Err(reason) => followed.pause.trouble(&reason),
        }
    }
}

impl Followed {
    /// Finds out which topic this is of all that had its name.
    async fn identify(&mut self, shared: &Shared, state: &TopicState) -> Result<(), castellan_lake::Error> {
        if self.now.as_ref().is_some_and(|now| now.id == state.id || state.id == [0; 16]) {
            return Ok(());
        }
        let (lake, name) = (&shared.lake, self.topic.name.as_str());
        let generation = generation(lake, &shared.name, name, state.id, self.topic.generation).await?;
        if let Some(before) = self.now.take() {
            let line = format!(
                "another topic has taken its name (generation {generation}), which is read from its beginning"
            );
            self.pause.tell(&line);
            // Its readers end; what they have begun to keep they keep.
            drop(before.end);
        }
        let named = Named { cluster: Arc::clone(&shared.name), topic: name.into(), generation };
        // All that is in a topic that came while this runs, or after another of its name, is new.
        let is_new = self.was_missing || generation > 1;
        let seen = if is_new { 0 } else { state.partitions.len() };
        let first = first_partitions(lake, &named, seen).await?;
        let (leaders, _) = watch::channel(Leaders::default());
        let (end, _) = watch::channel(());
        self.now = Some(Current { named, id: state.id, first, leaders, end, reading: BTreeMap::new() });
        Ok(())
    }

    /// Has the partitions read that are not yet.
    ///
    /// Errors: why some are not.
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        state: &TopicState,
        metadata: &Metadata,
        readers: &mut JoinSet<()>,
    ) -> Result<(), String> {
        let Some(now) = self.now.as_mut() else { return Ok(()) };
        let led = state.partitions.iter();
        let led = led.filter_map(|(index, leader)| Some((*index, address(metadata, *leader)?)));
        let leaders: BTreeMap<i32, Address> = led.collect();
        now.leaders.send_replace(Arc::new(leaders));
        for (index, _) in &state.partitions {
            // One that has ended while its topic is read has broken off.
            if now.reading.get(index).is_some_and(|reader| !reader.is_finished()) {
                continue;
            }
            if readers.len() >= shared.limits.partitions {
                return Err(format!(
                    "not all of its partitions are read: at most {} are, of all topics (`limits.partitions`)",
                    shared.limits.partitions
                ));
            }
            let was_there = usize::try_from(*index).is_ok_and(|index| index < now.first);
            let partition = Partition {
                shared: Arc::clone(shared),
                topic: Arc::clone(&self.topic),
                named: now.named.clone(),
                id: now.id,
                index: *index,
                start: if was_there { self.topic.start } else { Start::Earliest },
                leaders: now.leaders.subscribe(),
                end: now.end.subscribe(),
            };
            now.reading.insert(*index, readers.spawn(partition.run()));
        }
        Ok(())
    }
}

fn address(metadata: &Metadata, id: i32) -> Option<Address> {
    let broker = metadata.brokers.iter().find(|broker| broker.id == id)?;
    (broker.port != 0).then(|| Address { host: broker.host.clone(), port: broker.port })
}

/// Asks a broker for the topics.
async fn look(
    shared: &Shared,
    known: &[Address],
    connection: &mut Option<Connection>,
    followed: &[Followed],
) -> Result<Metadata, Error> {
    let own = match connection.take().filter(Connection::is_usable) {
        Some(open) => open,
        None => {
            let address = known.first().ok_or(Error::NoLeader)?;
            Connection::open(&shared.client, address).await?
        }
    };
    let open = connection.insert(own);
    let version = open.version(Api::Metadata)?;
    let topics = followed.iter().map(|followed| followed.topic.name.as_str());
    let request = messages::metadata_request(version, topics);
    let answer = open.call(Api::Metadata, version, &request, Duration::ZERO).await?;
    open.read(Api::Metadata, messages::metadata(version, &answer))
}
