//! What is known and what is unusual, as rows of tables.

mod baselines;
mod behavior;

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_kql::value::format_datetime;
use serde_json::{Map, Value};

use crate::activity::Activity;
use crate::definition::Definition;
use crate::judge::{Judged, Verdict};
use crate::state::State;

/// The table of what is known: a row for each value of each actor.
pub const BASELINES: &str = "CastellanBaselines";
/// The table of activities that are unusual, as Microsoft Sentinel has it.
pub const BEHAVIOR: &str = "BehaviorAnalytics";
/// The table of what is unusual enough to be looked at, as Microsoft Sentinel has it.
pub const ANOMALIES: &str = "Anomalies";
/// The table of who is like whom, as Microsoft Sentinel has it.
pub const PEERS: &str = "UserPeerAnalytics";

/// A row of a table.
pub type Row = Map<String, Value>;

/// Rows by table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows(BTreeMap<&'static str, Vec<Row>>);

/// A value that came in.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) actor: Arc<str>,
    pub(crate) dimension: usize,
    pub(crate) value: Arc<str>,
    /// What was known of the actor from the days before.
    pub(crate) history: (u32, u32),
    /// Whether all values of the actor were known, so that this one is new.
    pub(crate) was_whole: bool,
}

impl State {
    /// What is known of an actor, as rows of [`BASELINES`].
    pub fn known(&self, definition: &Definition, id: &str) -> Vec<Row> {
        let mut rows = Rows::default();
        rows.snapshot(self, definition, self.until, |other, _| other == id);
        rows.of(BASELINES).to_vec()
    }
}

impl Rows {
    /// The tables that there are rows for.
    pub fn tables(&self) -> impl Iterator<Item = (&'static str, &[Row])> {
        self.0.iter().map(|(table, rows)| (*table, rows.as_slice()))
    }

    /// The rows for a table.
    pub fn of(&self, table: &str) -> &[Row] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }

    /// Adds those of others.
    pub fn append(&mut self, other: Rows) {
        for (table, rows) in other.0 {
            self.0.entry(table).or_default().extend(rows);
        }
    }

    fn push(&mut self, table: &'static str, row: Value) {
        if let Value::Object(row) = row {
            self.0.entry(table).or_default().push(row);
        }
    }

    /// Values and sums of actors that are wanted by their id and when they were seen last.
    pub(crate) fn snapshot(
        &mut self,
        state: &State,
        definition: &Definition,
        now: i64,
        is_wanted: impl Fn(&str, i64) -> bool,
    ) {
        for (id, actor) in &state.actors {
            for (dimension, values) in actor.values.iter().enumerate() {
                for (value, _) in values.seen.iter().filter(|(_, seen)| is_wanted(id, seen.last)) {
                    let about = baselines::About { id, dimension, value, verdict: None };
                    self.push(BASELINES, baselines::value_row(state, definition, &about, now));
                }
            }
            if definition.volume.is_some() && is_wanted(id, actor.last) {
                for row in baselines::volume_rows(state, definition, id, now) {
                    self.push(BASELINES, row);
                }
            }
        }
    }

    /// A value that came in.
    pub(crate) fn fresh(&mut self, state: &State, definition: &Definition, fresh: &Fresh, now: i64) {
        let verdict = if !crate::judge::is_enough(definition, fresh.history) {
            "InsufficientHistory"
        } else if fresh.was_whole {
            "New"
        } else {
            "Unknown"
        };
        let (id, dimension, value) = (&fresh.actor, fresh.dimension, &fresh.value);
        let about = baselines::About { id, dimension, value, verdict: Some(verdict) };
        self.push(BASELINES, baselines::value_row(state, definition, &about, now));
    }

    /// An activity that is unusual, or of an actor that nothing is known of.
    pub(crate) fn unusual(
        &mut self,
        state: &State,
        definition: &Definition,
        activity: &Activity,
        judged: &Judged,
        now: i64,
    ) {
        let row = behavior::row(state, definition, activity, judged, now);
        if judged.verdict == Verdict::Unusual
            && (judged.priority >= definition.anomaly || judged.excess.is_some())
        {
            self.push(ANOMALIES, behavior::anomaly(definition, activity, judged, &row, now));
        }
        self.push(BEHAVIOR, row);
    }

    /// Who is like whom, of actors that are wanted.
    pub(crate) fn peers(&mut self, state: &State, now: i64, is_wanted: impl Fn(&Arc<str>) -> bool) {
        for (id, actor) in state.actors.iter().filter(|(id, _)| is_wanted(id)) {
            for (rank, peer) in (1_u64..).zip(&actor.peers) {
                let name = state.actors.get(peer).map(|peer| &*peer.name.text).unwrap_or_default();
                self.push(
                    PEERS,
                    serde_json::json!({
                        "TimeGenerated": format_datetime(now), "Rank": rank,
                        "UserId": &**id, "UserName": &*actor.name.text, "UserPrincipalName": &*actor.name.text,
                        "PeerUserId": &**peer, "PeerUserName": name, "PeerUserPrincipalName": name,
                        "SourceSystem": "Castellan", "Type": PEERS,
                    }),
                );
            }
        }
    }
}
