//! Rules that are told of rows as the lake takes them in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_detect::rule::Rule;
use castellan_detect::run::Events;
use castellan_detect::schedule::Timing;
use castellan_detect::stream::{How, Limits, Streams};
use castellan_lake::{Arrival, Follower, Moment};
use castellan_query::compiled::{Arrived, Columns};
use castellan_query::{Engine, Error, Settings};

use super::kept::Kept;
use crate::detect::events::Workspace;

/// Bytes of rows that wait while rules are busy.
const ROOM: usize = 512 << 20;

/// Rules that are told of rows as the lake takes them in.
pub(super) struct Following {
    streams: Streams,
    follower: Follower,
    /// The tables that rows came to, and how many, since that was asked for.
    heard: Vec<(Arc<str>, usize)>,
}

/// The tables of a moment, with what is laid on top of them.
struct Then<'w> {
    moment: Moment,
    workspace: &'w Workspace,
}

#[async_trait]
impl Events for Then<'_> {
    async fn engine(&self, now: Ticks) -> std::result::Result<Engine, Error> {
        self.workspace.over(self.moment.engine(Settings { now: Some(now), ..Settings::default() }))
    }
}

impl Following {
    /// Begins with what the tables hold now.
    ///
    /// Errors: the tables cannot be read.
    pub(super) async fn begin(
        rules: &[Rule],
        kept: &BTreeMap<Arc<str>, Kept>,
        workspace: &Workspace,
        now: Ticks,
        timing: &Timing,
    ) -> Result<Following> {
        let (moment, follower) = workspace.lake().follow(ROOM);
        let then = Then { moment, workspace };
        let mut streams = Streams::open(rules, &then, now, Limits::default()).await?;
        for (at, rule) in rules.iter().enumerate() {
            let state = kept.get(&rule.id).map(|kept| kept.state.clone()).unwrap_or_default();
            // A rule that cannot begin so runs over the tables, which is what its place says then.
            let _ = streams.warm(at, &state, &then, now, timing).await;
        }
        Ok(Following { streams, follower, heard: Vec::new() })
    }

    /// The rules.
    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// The rules, to look at what arrived.
    pub(super) fn streams_mut(&mut self) -> &mut Streams {
        &mut self.streams
    }

    /// Waits until something arrives, and no longer than a time.
    pub(super) async fn wait(&mut self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.follower.wait()).await;
    }

    /// Takes what arrived. Asking which rules it matters to takes a processor's time, so that it is done on a thread of its
    /// own.
    ///
    /// Errors: rows came faster than they were taken, or values cannot be computed. Begin again then.
    pub(super) async fn arrive(mut self) -> Result<Following> {
        let arrivals = self.follower.take()?;
        if arrivals.is_empty() {
            return Ok(self);
        }
        let Following { mut streams, follower, mut heard } = self;
        heard.extend(arrivals.iter().map(|arrival| (Arc::clone(arrival.table()), arrival.rows())));
        let done = tokio::task::spawn_blocking(move || {
            let rows: Vec<&dyn Arrived> =
                arrivals.iter().map(|arrival: &Arrival| arrival as &dyn Arrived).collect();
            streams.arrive(&rows).map(|()| streams)
        });
        Ok(Following { streams: done.await.context("looking at rows ended")??, follower, heard })
    }

    /// The tables that rows came to since this was asked, and how many.
    pub(super) fn heard(&mut self) -> Vec<(Arc<str>, usize)> {
        std::mem::take(&mut self.heard)
    }

    /// How many rules are told of each event, how many of windows, and how many run on their schedules alone.
    pub(super) fn counts(&self, rules: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for at in 0..rules {
            let [rows, windows, scheduled] = &mut counts;
            match self.streams.how(at) {
                Some(How::Rows) => *rows += 1,
                Some(How::Windows) => *windows += 1,
                _ => *scheduled += 1,
            }
        }
        counts
    }
}
