//! Reads one partition from where it was, for as long as everything runs.

use std::sync::Arc;
use std::time::Duration;

use castellan_lake::{Append, Form, Mark};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Shared;
use super::connection::{Address, Connection, Error};
use super::fetch::{BY_ID, Fetch, Fetched, fetched};
use super::gather::{Gathered, gather};
use super::keeper::{Keeper, Outcome};
use super::ledger::{self, Entry, Event, Named};
use super::messages::{self, Api, Code, End};
use super::pause::Pause;
use super::shape::Source;
use super::topic::{Start, Topic};

/// How often it is written down how far reading is.
const PROGRESS: Duration = Duration::from_secs(60);
/// How often losses are told.
const TELL: Duration = Duration::from_secs(30);
/// How long to wait after an answer without messages, however soon it came.
const BREATH: Duration = Duration::from_millis(50);
/// How often what is damaged is fetched.
const TRIES: u32 = 3;
/// How long to wait where only a person can say how to go on.
const STUCK: Duration = Duration::from_secs(30);
/// Most bytes of batches that are asked for at once.
const MOST: i32 = 32 << 20;

/// The brokers that lead the partitions of a topic, by number.
pub(super) type Leaders = Arc<std::collections::BTreeMap<i32, Address>>;

/// A partition that is read.
pub(super) struct Partition {
    pub(super) shared: Arc<Shared>,
    pub(super) topic: Arc<Topic>,
    pub(super) named: Named,
    /// The topic's id; zero where brokers do not say.
    pub(super) id: [u8; 16],
    pub(super) index: i32,
    /// Where to begin when nothing is known.
    pub(super) start: Start,
    pub(super) leaders: watch::Receiver<Leaders>,
    pub(super) end: watch::Receiver<()>,
}

/// A partition while it is read.
struct Reading {
    partition: Partition,
    source: Arc<str>,
    connection: Option<Connection>,
    keeper: Keeper,
    pause: Pause,
    /// The offset that is read next.
    next: i64,
    /// The offset behind the last message that the broker has.
    high: i64,
    /// Bytes of batches that are asked for at once.
    bytes: i32,
    /// How often the same damage was met.
    damaged: u32,
    progress: Instant,
    told: Option<Instant>,
    untold: u64,
}

impl Partition {
    /// Reads until everything ends.
    pub(super) async fn run(self) {
        let source = self.named.source(self.index);
        let name = format!("{}/{}", self.named.topic, self.index);
        let pause = Pause::new(name, Arc::clone(&self.shared.tell), self.end.clone());
        let mut reading = Reading {
            keeper: Keeper::new(Arc::clone(&self.shared.lake), Arc::clone(&source)),
            bytes: self.shared.limits.fetch,
            source,
            partition: self,
            connection: None,
            pause,
            next: 0,
            high: -1,
            damaged: 0,
            progress: Instant::now(),
            told: None,
            untold: 0,
        };
        // It ends with everything, which has nothing to say.
        if reading.begin().await.is_some() {
            while reading.step().await.is_some() {}
        }
    }
}

impl Reading {
    /// Finds where to begin; `None` when everything is to end.
    async fn begin(&mut self) -> Option<()> {
        let shared = Arc::clone(&self.partition.shared);
        loop {
            match shared.lake.mark(ledger::TABLE, &self.source).await {
                Ok(Some(mark)) => {
                    self.next = mark.saturating_add(1);
                    self.pause.well();
                    return Some(());
                }
                Ok(None) => break,
                Err(error) => self.pause.because(&error.to_string(), None).await?,
            }
        }
        let end = match self.partition.start {
            Start::Earliest => End::First,
            Start::Latest => End::Last,
        };
        loop {
            match self.offset(end).await {
                Ok(offset) => {
                    self.next = offset;
                    self.pause.well();
                    break;
                }
                Err(error) => self.failed(&error).await?,
            }
        }
        let detail = match end {
            End::First => "with the oldest message",
            End::Last => "with what comes from now on",
        };
        self.write(vec![self.entry(Event::Begun, self.next, 0, detail.to_owned())], self.next - 1).await
    }

    /// Fetches, and keeps what came; `None` when everything is to end.
    async fn step(&mut self) -> Option<()> {
        let mut end = self.partition.end.clone();
        let fetched = tokio::select! {
            _ = end.changed() => return None,
            fetched = self.fetch() => fetched,
        };
        match fetched {
            Ok(fetched) if fetched.code == Code::NONE => {
                self.high = fetched.high;
                self.take(fetched).await
            }
            Ok(fetched) if fetched.code == Code::OUT_OF_RANGE => self.out_of_range().await,
            Ok(fetched) => {
                let address =
                    self.leader().map_or_else(|| "the broker".to_owned(), |leader| leader.to_string());
                self.refused(&format!("{address}: {}", fetched.code)).await
            }
            Err(error) => self.failed(&error).await,
        }
    }

    fn leader(&self) -> Option<Address> {
        self.partition.leaders.borrow().get(&self.partition.index).cloned()
    }

    async fn fetch(&mut self) -> Result<Fetched, Error> {
        let (id, partition, offset, bytes) = (self.partition.id, self.partition.index, self.next, self.bytes);
        let topic = Arc::clone(&self.partition.named.topic);
        let wait = self.partition.shared.limits.wait;
        let connection = self.connected().await?;
        let version = connection.version_that(Api::Fetch, |version| version != BY_ID || id != [0; 16])?;
        let fetch = Fetch { topic: &topic, id, partition, offset, wait, bytes };
        let patience = Duration::from_millis(u64::try_from(wait).unwrap_or_default());
        let answer = connection.call(Api::Fetch, version, &fetch.request(version), patience).await?;
        connection.read(Api::Fetch, fetched(version, &answer))
    }

    async fn offset(&mut self, end: End) -> Result<i64, Error> {
        let (topic, index) = (Arc::clone(&self.partition.named.topic), self.partition.index);
        let connection = self.connected().await?;
        let version = connection.version(Api::ListOffsets)?;
        let request = messages::offset_request(version, &topic, index, end);
        let answer = connection.call(Api::ListOffsets, version, &request, Duration::ZERO).await?;
        let offset = connection.read(Api::ListOffsets, messages::offset(version, &answer))?;
        offset.map_err(|code| Error::Refused(connection.address().clone(), code))
    }

    /// The connection to the partition's leader.
    async fn connected(&mut self) -> Result<&mut Connection, Error> {
        let leader = self.leader().ok_or(Error::NoLeader)?;
        // What was begun and given up is not used again.
        let open = self.connection.take().filter(|open| *open.address() == leader && open.is_usable());
        let connection = match open {
            Some(open) => open,
            None => Connection::open(&self.partition.shared.client, &leader).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn failed(&mut self, error: &Error) -> Option<()> {
        self.connection = None;
        self.refused(&error.to_string()).await
    }

    /// Waits, and has the cluster looked at: the partition may have another leader.
    async fn refused(&mut self, reason: &str) -> Option<()> {
        self.partition.shared.look.notify_one();
        self.pause.because(reason, None).await
    }

    async fn take(&mut self, fetched: Fetched) -> Option<()> {
        if fetched.records.is_empty() {
            self.pause.well();
            self.tell_losses();
            self.note_progress().await?;
            return self.pause.wait(BREATH).await;
        }
        let size = fetched.records.len();
        let gathered = self.gathered(fetched).await?;
        let Some(last) = gathered.last else {
            return self.without(size, gathered.fault).await;
        };
        if gathered.fault.is_none() {
            self.damaged = 0;
        }
        self.bytes = self.partition.shared.limits.fetch;
        self.keep(gathered, last).await?;
        self.next = last.saturating_add(1);
        self.pause.well();
        Some(())
    }

    /// Nothing could be taken of an answer.
    async fn without(&mut self, size: usize, fault: Option<String>) -> Option<()> {
        if let Some(fault) = fault {
            self.damaged += 1;
            return self.refused(&format!("{fault}, at offset {}", self.next)).await;
        }
        if self.bytes < MOST {
            self.bytes = self.bytes.saturating_mul(2).min(MOST);
            return Some(());
        }
        let reason = format!(
            "the broker gives {size} bytes that hold no whole batch from offset {} on, and no more than {MOST} are asked for",
            self.next
        );
        self.refused(&reason).await
    }

    async fn gathered(&mut self, fetched: Fetched) -> Option<Gathered> {
        let shared = Arc::clone(&self.partition.shared);
        let permit = Arc::clone(&shared.work).acquire_owned().await.ok()?;
        let (topic, index, next) = (Arc::clone(&self.partition.topic), self.partition.index, self.next);
        let is_last = self.damaged >= TRIES;
        let work = tokio::task::spawn_blocking(move || {
            let from = Source { topic: &topic.name, partition: index, mapper: &shared.mapper };
            let gathered = gather(&fetched, next, &topic.shape, from, is_last);
            drop(permit);
            gathered
        });
        Some(work.await.unwrap_or_else(|_| Gathered {
            fault: Some("the messages could not be read: their reader broke off".to_owned()),
            ..Gathered::default()
        }))
    }

    /// Keeps rows in their tables, and then writes down that they are there.
    async fn keep(&mut self, gathered: Gathered, last: i64) -> Option<()> {
        let mut outcome = Outcome::default();
        for loss in gathered.sheet.losses {
            outcome.lost(loss);
        }
        let topic = Arc::clone(&self.partition.topic);
        for (table, lines) in &gathered.sheet.tables {
            self.keeper.keep(table, lines, last, &topic.shape, &mut self.pause, &mut outcome).await?;
        }
        let entries = self.entries(&outcome, last);
        self.write(entries, last).await
    }

    fn entries(&mut self, outcome: &Outcome, last: i64) -> Vec<Entry> {
        let mut entries = Vec::new();
        for loss in &outcome.losses {
            let event = if loss.count > 0 { Event::Rejected } else { Event::Changed };
            entries.push(self.entry(event, loss.offset, loss.count, loss.reason.clone()));
        }
        if outcome.further > 0 {
            let detail = "further ones of the same messages".to_owned();
            entries.push(self.entry(Event::Rejected, last, outcome.further, detail));
        }
        if let Some(notes) = outcome.kept.notes() {
            entries.push(self.entry(Event::Changed, last, 0, notes));
        }
        self.untold += outcome.further + outcome.losses.iter().map(|loss| loss.count).sum::<u64>();
        if let Some(first) = outcome.losses.first().filter(|_| self.told.is_none()) {
            self.pause.tell(&format!(
                "offset {}: {}; {} has them all",
                first.offset,
                first.reason,
                ledger::TABLE
            ));
            self.untold = 0;
            self.told = Some(Instant::now());
        }
        self.tell_losses();
        entries
    }

    /// Tells from time to time how much is not kept.
    fn tell_losses(&mut self) {
        if self.untold > 0 && self.told.is_none_or(|told| told.elapsed() > TELL) {
            self.pause.tell(&format!(
                "{} more messages or rows are not kept: see {}",
                self.untold,
                ledger::TABLE
            ));
            self.untold = 0;
            self.told = Some(Instant::now());
        }
    }

    fn entry(&self, event: Event, offset: i64, count: u64, detail: String) -> Entry {
        let behind = (self.high >= 0).then(|| (self.high - offset - 1).max(0));
        Entry { event, offset, count, behind, detail }
    }

    async fn note_progress(&mut self) -> Option<()> {
        let is_new = self.next > 0 && self.progress.elapsed() > PROGRESS;
        if is_new { self.write(Vec::new(), self.next - 1).await } else { Some(()) }
    }

    /// Writes to the table of what happened, and how far reading is.
    async fn write(&mut self, mut entries: Vec<Entry>, last: i64) -> Option<()> {
        if self.progress.elapsed() > PROGRESS {
            self.progress = Instant::now();
            entries.push(self.entry(Event::Progress, last, 0, String::new()));
        }
        let lines = self.partition.named.lines(self.partition.index, &entries);
        let how = Append {
            mark: Some(Mark { source: Arc::clone(&self.source), offset: last }),
            ..Append::default()
        };
        let lake = Arc::clone(&self.partition.shared.lake);
        while let Err(error) = lake.append(ledger::TABLE, &lines, Form::Lines, how.clone()).await {
            self.pause.because(&format!("the lake does not take rows now: {error}"), None).await?;
        }
        Some(())
    }

    /// The broker has no message at the offset that is to be read.
    async fn out_of_range(&mut self) -> Option<()> {
        let (first, last) = match (self.offset(End::First).await, self.offset(End::Last).await) {
            (Ok(first), Ok(last)) => (first, last),
            (Err(error), _) | (_, Err(error)) => return self.failed(&error).await,
        };
        if self.next < first {
            let count = u64::try_from(first - self.next).unwrap_or_default();
            let gone = format!(
                "{count} messages before offset {first} are gone at the broker before they were read"
            );
            self.pause.tell(&gone);
            self.write(vec![self.entry(Event::Gap, self.next, count, gone.clone())], first - 1).await?;
            self.next = first;
            return Some(());
        }
        if self.next <= last {
            return self.refused("the broker does not have what it says that it has").await;
        }
        let generation = self.partition.named.generation.max(1) + 1;
        let reason = format!(
            "the next message would be {}, and the broker ends before {last}: it has lost messages, or this is another topic \
             of the same name. To read it from its beginning, say `generation = {generation}` for the topic and start again",
            self.next
        );
        self.partition.shared.look.notify_one();
        self.pause.because(&reason, Some(STUCK)).await
    }
}
