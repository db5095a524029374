//! What arrives in a lake against the indicators that it holds, each event once.
//!
//! Rows can be queried a moment after they were taken in. So what was taken in is looked at as soon as it usually can be, and
//! once more when it certainly can; what the first look found is remembered until then. *Invariant (once):* what a turn found
//! is written down with how far it is, in one step, before it goes to the lake; a lake knows each call by its mark.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use castellan_base::Ticks;
use castellan_detect::run::Alert;
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::look::{Window, look};
use castellan_intel::matching::{Index, LIVE, Match, Never, Places, alerts, rule};
use castellan_intel::rows::INDICATORS;
use castellan_lake::{Append, Lake, Mark};
use castellan_query::Settings;
use serde::{Deserialize, Serialize};

use super::FOLDER;
use crate::up::kept::{keep, read};
use castellan_incident::desk::append;
use castellan_incident::rows::{ALERTS, alert_json, calls};

/// What marks of the rows of alerts are named.
const SOURCE: &str = "castellan.intel";
/// How long after they were taken in rows are looked at first, in ticks.
const SOON: i64 = Ticks::PER_SECOND;
/// How long after they were taken in rows can certainly be queried, in ticks.
const SURELY: i64 = 30 * Ticks::PER_SECOND;
/// How often what certainly can be queried is looked at, in ticks.
const AGAIN: i64 = 60 * Ticks::PER_SECOND;
/// The most matches that are remembered for the second look: some more in a minute would be told twice.
const MOST_FOUND: usize = 500_000;
/// The longest time that one turn looks at, in ticks: a server that was down makes up for it in steps.
const STEP: i64 = Ticks::PER_DAY / 4;

/// Rows for a table of the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Call {
    /// The table.
    table: String,
    /// What tells the call from others, counted up.
    offset: i64,
    /// JSON Lines.
    rows: String,
}

/// What is remembered from start to start. Times are ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct State {
    /// What was taken in before was looked at once.
    soon: Option<i64>,
    /// What was taken in before was looked at twice.
    surely: Option<i64>,
    /// What the first look found since, by a digest of what it is, with the end of what was looked at.
    found: BTreeMap<String, i64>,
    /// The last offset that a call to the lake was given.
    offset: i64,
    /// What may not be in the lake yet.
    outbox: Vec<Call>,
}

/// What a turn did.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Alerts that it raised.
    pub(crate) alerts: Vec<Alert>,
    /// Indicators that arrived, and count, each with whether it was watched before.
    pub(crate) arrived: Vec<(Held, bool)>,
    /// Tables that could not be read, with the reasons.
    pub(crate) failed: Vec<(Arc<str>, String)>,
    /// What indicators say that is never matched, or has no place.
    pub(crate) refused: Vec<String>,
    /// Rows that were looked at.
    pub(crate) rows: u64,
    /// Pieces of texts that were not looked at, since one text has too many.
    pub(crate) left: u64,
    /// Whether it has to go on at once, since there is more time to make up for.
    pub(crate) has_more: bool,
}

/// Indicators of a lake, and how far what arrives was held against them.
pub(crate) struct Live {
    lake: Arc<Lake>,
    index: Index,
    never: Never,
    minimum: u8,
    path: PathBuf,
    state: State,
    /// Indicators that were taken in before are in the index.
    indicators: Option<Ticks>,
    /// Rows of the table of indicators when it was last looked at.
    rows: Option<u64>,
}

impl Live {
    /// Reads what is remembered. Indicators are read in the first turn.
    pub(crate) async fn open(lake: Arc<Lake>, never: Never, minimum: u8) -> Result<Live> {
        let folder = lake.folder().join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let path = folder.join("matched.json");
        let mut state: State = read(&path)?;
        state.offset = state.offset.max(lake.mark(ALERTS, SOURCE).await?.unwrap_or_default());
        let (index, indicators, rows) = (Index::default(), None, None);
        Ok(Live { lake, index, never, minimum, path, state, indicators, rows })
    }

    /// How many indicators are watched for.
    pub(crate) fn indicators(&self) -> usize {
        self.index.indicators()
    }

    /// Whether anything was ever matched as it came.
    pub(crate) fn has_begun(&self) -> bool {
        self.state.soon.is_some()
    }

    /// What was taken in before is looked at; an indicator that arrives is hunted up to then.
    pub(crate) fn reached(&self, now: Ticks) -> Ticks {
        self.state.soon.and_then(Ticks::new).unwrap_or_else(|| earlier(now, SOON))
    }

    /// Looks at what arrived since the last turn, and sends the alerts that it makes.
    pub(crate) async fn turn(&mut self, now: Ticks) -> Result<Turn> {
        self.send().await?;
        let mut turn = Turn::default();
        let done = self.turned(now, &mut turn).await;
        if done.is_err() {
            // What arrived with it would not be hunted otherwise.
            self.learn_anew();
        }
        done?;
        self.send().await?;
        Ok(turn)
    }

    /// Takes all indicators for new in the next turn.
    pub(crate) fn learn_anew(&mut self) {
        self.indicators = None;
    }

    async fn turned(&mut self, now: Ticks, turn: &mut Turn) -> Result<()> {
        let from = self.reached(now);
        let until = earlier(now, SOON).min(later(from, STEP));
        let mut state = self.state.clone();
        // The first turn begins here.
        state.soon = Some(from.get());
        let mut made = self.before_indicators(from, &mut state, turn).await?;
        self.learn(now, turn).await?;
        if until > from {
            turn.has_more = until < earlier(now, SOON);
            state.soon = Some(until.get());
            made.extend(self.look(Window::received(from, until), &mut state, true, turn).await?);
            let surely = state.surely.and_then(Ticks::new).unwrap_or(from);
            let is_due = until.get() - surely.get() >= AGAIN + SURELY || turn.has_more;
            let end = if is_due { earlier(until, SURELY).max(surely) } else { surely };
            if end > surely {
                made.extend(self.look(Window::received(surely, end), &mut state, false, turn).await?);
            }
            state.surely = Some(end.get());
            state.found.retain(|_, time| *time >= end.get());
        }
        self.commit(state, &made, !turn.arrived.is_empty())?;
        turn.alerts = made;
        Ok(())
    }

    /// Ends the second look before indicators arrive: what was taken in up to now is hunted for those, and would be found
    /// twice otherwise.
    async fn before_indicators(
        &mut self,
        from: Ticks,
        state: &mut State,
        turn: &mut Turn,
    ) -> Result<Vec<Alert>> {
        let is_first = self.indicators.is_none();
        if !is_first && self.stored() == self.rows {
            return Ok(Vec::new());
        }
        let surely = state.surely.and_then(Ticks::new).unwrap_or(from);
        let made = if surely < from && !is_first {
            self.look(Window::received(surely, from), state, false, turn).await?
        } else {
            Vec::new()
        };
        state.surely = Some(from.get());
        state.found.clear();
        Ok(made)
    }

    /// Rows of the table of indicators.
    fn stored(&self) -> Option<u64> {
        let tables = self.lake.tables();
        tables.iter().find(|table| &**table.schema.name() == INDICATORS).map(|table| table.rows)
    }

    /// Takes in what indicators arrived.
    async fn learn(&mut self, now: Ticks, turn: &mut Turn) -> Result<()> {
        if self.index.is_worn() {
            (self.index, self.indicators) = (Index::default(), None);
        }
        let is_first = self.indicators.is_none();
        let rows = self.stored();
        if !is_first && self.rows == rows {
            return Ok(());
        }
        self.rows = rows;
        let received_from = self.indicators.map(|time| earlier(time, SURELY));
        let asked = Asked { received_from, ..Asked::default() };
        let engine = self.lake.engine(Settings { now: Some(now), ..Settings::default() });
        let found =
            held(&engine, &asked).await.map_err(|error| anyhow!("the indicators cannot be read: {error}"))?;
        for held in found {
            // After a start, what was written down says how far each was watched for.
            let was_watched = self.index.retire(&held.id) || is_first;
            if held.confidence.is_some_and(|confidence| confidence < self.minimum) || !held.counts_at(now) {
                continue;
            }
            match self.index.add(&held.sign(), &self.never) {
                Ok(added) => {
                    let told = added.never.iter().map(|(value, why)| {
                        format!("{} of {} is never matched: {why}", value.value, held.id)
                    });
                    turn.refused.extend(told);
                }
                Err(full) => turn.refused.push(format!("{}: {full}", held.id)),
            }
            turn.arrived.push((held, was_watched));
        }
        self.indicators = Some(now);
        Ok(())
    }

    async fn look(
        &self,
        window: Window,
        state: &mut State,
        is_first: bool,
        turn: &mut Turn,
    ) -> Result<Vec<Alert>> {
        let tables = holding(&self.lake);
        let engine = self.lake.engine(Settings { now: Some(window.until), ..Settings::default() });
        let found = &mut state.found;
        let at = window.until.get();
        let mut is_new = |table: &str, one: &Match<'_>| {
            let key = key(table, one);
            if is_first && found.len() < MOST_FOUND {
                found.insert(key, at);
                return true;
            }
            is_first || !found.contains_key(&key)
        };
        let looked =
            look(&self.index, Places::built_in(), &engine, Some(&tables), &window, &mut is_new).await;
        let looked = looked.map_err(|error| anyhow!("{error}"))?;
        turn.failed.extend(looked.failed.into_iter().map(|(table, error)| (table, error.to_string())));
        turn.rows += looked.tables.iter().map(|(_, searched)| searched.rows).sum::<u64>();
        turn.left += looked.tables.iter().map(|(_, searched)| searched.left).sum::<u64>();
        let rule = rule(LIVE).context("the rule of matches is not in this program")?;
        Ok(alerts(rule, &looked.run, window.from, window.until))
    }

    /// Writes down what was found, and how far it is: in one step.
    fn commit(&mut self, mut state: State, made: &[Alert], has_arrived: bool) -> Result<()> {
        let rule = rule(LIVE).context("the rule of matches is not in this program")?;
        let rows: Vec<_> = made.iter().map(|alert| alert_json(rule, alert)).collect();
        for rows in calls(&rows) {
            state.offset += 1;
            state.outbox.push(Call { table: ALERTS.to_owned(), offset: state.offset, rows });
        }
        // A file that says nothing new is not written every second.
        let says_more = has_arrived
            || !state.outbox.is_empty()
            || state.found != self.state.found
            || state.surely != self.state.surely
            || self.state.soon.is_none();
        if says_more {
            keep(&self.path, &state).context("what was matched cannot be kept")?;
        }
        self.state = state;
        Ok(())
    }

    /// Sends what was written down and may not have arrived.
    async fn send(&mut self) -> Result<()> {
        if self.state.outbox.is_empty() {
            return Ok(());
        }
        for call in &self.state.outbox {
            let mark = Mark { source: SOURCE.into(), offset: call.offset };
            append(&self.lake, &call.table, &call.rows, Append { mark: Some(mark), ..Append::default() })
                .await?;
        }
        let state = State { outbox: Vec::new(), ..self.state.clone() };
        keep(&self.path, &state).context("alerts are in the lake; that they are cannot be written")?;
        self.state = state;
        Ok(())
    }
}

/// The tables of a lake that hold rows.
pub(crate) fn holding(lake: &Lake) -> BTreeSet<Arc<str>> {
    let holding = lake.tables().into_iter().filter(|table| table.rows > 0);
    holding.map(|table| Arc::clone(table.schema.name())).collect()
}

/// What a match is: the row and the indicator, as a digest.
fn key(table: &str, found: &Match<'_>) -> String {
    let text = [table, &found.row, found.named.id, &found.value].join("\u{1f}");
    blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
}

fn earlier(time: Ticks, ticks: i64) -> Ticks {
    time.checked_add(-ticks).unwrap_or(Ticks::MIN)
}

fn later(time: Ticks, ticks: i64) -> Ticks {
    time.checked_add(ticks).unwrap_or(Ticks::MAX)
}
