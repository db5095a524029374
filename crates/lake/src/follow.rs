//! Rows as they come, for somebody who looks at each of them once.
//!
//! [`Lake::follow`] gives a moment and what comes after it: each row is either in the tables of the [`Moment`] or comes from
//! the [`Follower`], never both. Rows wait in memory until they are taken. When more of them wait than there is room for,
//! the follower has lost its way: it says so, and a new one begins at a new moment, whose tables have all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use castellan_query::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use castellan_query::arrow::compute::filter_record_batch;
use castellan_query::arrow::datatypes::SchemaRef;
use castellan_query::compiled::{Arrived, Columns};
use castellan_query::{Engine, Settings};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, error::TryRecvError, unbounded_channel};

use crate::Lake;
use crate::memory::{Chunk, TableState};
use crate::scan::Source;
use crate::shared::Shared;

/// What comes after a moment.
#[derive(Debug)]
pub struct Follower {
    receiver: UnboundedReceiver<Arrival>,
    held: Arc<AtomicUsize>,
    next: Option<Arrival>,
}

/// More rows waited than there is room for, and later ones are not kept; follow the lake again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rows came faster than they were taken, and some of them were not kept for this follower")]
pub struct Lost;

impl Follower {
    /// What came since, in the order in which it came; nothing where nothing did.
    ///
    /// Errors: there was not room enough.
    pub fn take(&mut self) -> Result<Vec<Arrival>, Lost> {
        let mut taken: Vec<Arrival> = self.next.take().into_iter().collect();
        loop {
            match self.receiver.try_recv() {
                Ok(arrival) => taken.push(arrival),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(Lost),
            }
        }
        let bytes: usize = taken.iter().map(|arrival| arrival.chunk.bytes).sum();
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        Ok(taken)
    }

    /// Returns once there is something to take, or the way is lost.
    pub async fn wait(&mut self) {
        if self.next.is_none() {
            self.next = self.receiver.recv().await;
        }
    }
}

/// Rows of one call to one table. What can be asked of them is [`Arrived`].
#[derive(Clone, Debug)]
pub struct Arrival {
    table: Arc<str>,
    tenant: Arc<str>,
    schema: SchemaRef,
    chunk: Arc<Chunk>,
}

impl Arrived for Arrival {
    fn table(&self) -> &Arc<str> {
        &self.table
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn chosen(&self, mask: &BooleanArray) -> Result<RecordBatch, castellan_query::Error> {
        let batch = filter_record_batch(&self.chunk.batch, mask)?;
        let chosen = Chunk::of_rows(&self.table, self.chunk.received, batch);
        Ok(chosen.completed(&self.schema, &self.table, &self.tenant)?)
    }
}

impl Columns for Arrival {
    fn rows(&self) -> usize {
        self.chunk.batch.num_rows()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, castellan_query::Error> {
        let Some(field) = self.schema.fields().get(at) else {
            return Err(castellan_query::Error::new("engine", format!("there is no column {at}")));
        };
        Ok(self.chunk.column(field, &self.table, &self.tenant)?)
    }
}

/// All tables at a moment.
#[derive(Debug)]
pub struct Moment {
    shared: Arc<Shared>,
    tables: BTreeMap<Arc<str>, TableState>,
}

impl Moment {
    /// An engine over all tables as they were then. It is for soon: files of then are removed in time.
    pub fn engine(&self, settings: Settings) -> Engine {
        let mut engine = Engine::new(settings);
        engine.set_source(Arc::new(Source::at(&self.shared, self.tables.clone())));
        engine
    }
}

impl Lake {
    /// A moment, and what comes after it. Up to `room` bytes of rows wait to be taken.
    pub fn follow(&self, room: usize) -> (Moment, Follower) {
        let (sender, receiver) = unbounded_channel();
        let held = Arc::new(AtomicUsize::new(0));
        let tenant = self.workspace().into();
        let listener = Listener { sender, held: Arc::clone(&held), room, tenant };
        let tables = self.shared().tables.follow(listener);
        let moment = Moment { shared: Arc::clone(self.shared()), tables };
        (moment, Follower { receiver, held, next: None })
    }
}

/// Where rows go that a follower waits for.
#[derive(Debug)]
pub(crate) struct Listener {
    sender: UnboundedSender<Arrival>,
    held: Arc<AtomicUsize>,
    room: usize,
    tenant: Arc<str>,
}

impl Listener {
    /// Tells of rows; false once nobody listens or there is no room.
    pub(crate) fn tell(&self, table: &TableState, chunk: &Arc<Chunk>) -> bool {
        let held = self.held.fetch_add(chunk.bytes, Ordering::Relaxed);
        if held.saturating_add(chunk.bytes) > self.room {
            return false;
        }
        let arrival = Arrival {
            table: Arc::clone(table.schema.name()),
            tenant: Arc::clone(&self.tenant),
            schema: Arc::clone(table.schema.queried()),
            chunk: Arc::clone(chunk),
        };
        self.sender.send(arrival).is_ok()
    }
}
