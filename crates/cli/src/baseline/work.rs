//! Baselines over a lake, part by part.
//!
//! A part that has rows is committed by one write, its ledger; only then do rows go to the lake, each call with a mark that makes
//! it count once. States are written now and then: what came after the last one is taken in again at the next start, without a
//! word up to where the ledger is. *Invariant (once):* whatever is cut off between two writes, an activity is counted once and
//! a row is in the lake once.

use std::sync::Arc;

use anyhow::{Context, Result};
use castellan_base::{System, Ticks};
use castellan_baseline::{Bounds, Counts, Definition, Failure, Part, Rows, State, Taken, step};
use castellan_detect::run::Events;
use castellan_lake::{Append, Lake, Mark};

use super::kept::{Call, Kept, Ledger};
use crate::detect::events::Workspace;
use castellan_incident::desk::append;
use castellan_incident::rows::calls;

/// Parts of one definition before others have their turn.
const AT_ONCE: usize = 20;
/// A state is written after so long, in ticks: ten minutes.
const SAVED: i64 = 10 * 60 * Ticks::PER_SECOND;
/// The longest part.
const LONGEST: i64 = Ticks::PER_DAY;
/// The shortest one that is tried.
const SHORTEST: i64 = Ticks::PER_SECOND;

/// A definition, and what is known by it.
struct Work {
    definition: Definition,
    state: State,
    ledger: Ledger,
    /// How long a part may be, in ticks.
    most: i64,
    /// How far the state was when it was written.
    saved: i64,
    /// Whether the rows of the ledger may not be in the lake yet.
    is_unsent: bool,
}

/// Definitions over a lake.
pub(crate) struct Baselines {
    workspace: Workspace,
    kept: Kept,
    works: Vec<Work>,
    bounds: Bounds,
}

/// What a turn did.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    /// Whether there is more to do now.
    pub(crate) is_more: bool,
    /// What was left out, and what was found.
    pub(crate) told: Vec<String>,
    /// Definitions that cannot go on, and why.
    pub(crate) failures: Vec<(Arc<str>, String)>,
    /// Definitions that went on.
    pub(crate) worked: Vec<Arc<str>>,
}

impl Baselines {
    /// With what is remembered of earlier runs.
    ///
    /// Errors: files of earlier runs that cannot be read.
    pub(crate) fn open(
        definitions: Vec<Definition>,
        workspace: Workspace,
        now: Ticks,
        system: &dyn System,
    ) -> Result<Baselines> {
        let kept = Kept::of_lake(workspace.lake().folder());
        kept.make()?;
        let mut works = Vec::new();
        for definition in definitions {
            // A definition that changed is learnt anew.
            let known = kept.state(&definition, system)?.filter(|state| state.is_of(&definition));
            let state = known.unwrap_or_else(|| State::begin_at(&definition, now));
            let ledger = kept.ledger(&definition, system)?;
            let saved = state.until();
            let is_unsent = !ledger.calls.is_empty();
            works.push(Work { definition, state, ledger, most: LONGEST, saved, is_unsent });
        }
        Ok(Baselines { workspace, kept, works, bounds: Bounds::default() })
    }

    /// What is told when it starts.
    pub(crate) fn describe(&self) -> String {
        let actors: usize = self.works.iter().map(|work| work.state.actors()).sum();
        let activities: u64 = self.works.iter().map(|work| work.state.counts().activities).sum();
        format!("baselines: {} definitions, {actors} actors, {activities} activities", self.works.len())
    }

    /// Gives the lake back, to close it.
    pub(crate) fn into_lake(self) -> Option<Lake> {
        self.workspace.into_lake()
    }

    /// Goes on with each definition as far as is due.
    pub(crate) async fn turn(&mut self, now: Ticks) -> Turned {
        let mut turned = Turned::default();
        for work in &mut self.works {
            let done = work.go_on(&self.workspace, &self.kept, &self.bounds, now, &mut turned.told).await;
            let id = Arc::clone(&work.definition.id);
            match done {
                Ok(is_more) => {
                    turned.is_more |= is_more;
                    turned.worked.push(id);
                }
                Err(error) => turned.failures.push((id, format!("{error:#}"))),
            }
        }
        turned
    }

    /// Writes all states.
    ///
    /// Errors: what the disk says.
    pub(crate) fn save_all(&mut self) -> Result<()> {
        self.works.iter_mut().try_for_each(|work| work.save(&self.kept))
    }
}

impl Work {
    /// Takes in some parts; whether there are more.
    async fn go_on(
        &mut self,
        workspace: &Workspace,
        kept: &Kept,
        bounds: &Bounds,
        now: Ticks,
        told: &mut Vec<String>,
    ) -> Result<bool> {
        self.send(workspace).await?;
        let (mut left_out, mut found) = (Counts::default(), 0);
        let mut is_more = true;
        for _ in 0..AT_ONCE {
            let Some(part) = self.next(now) else {
                is_more = false;
                break;
            };
            let Some(taken) = self.part(workspace, bounds, now, part).await? else { continue };
            left_out.add(&taken.counts);
            found += taken.rows.of(castellan_baseline::ANOMALIES).len();
            self.commit(kept, &taken.rows, part)?;
            self.send(workspace).await?;
            if self.state.until().saturating_sub(self.saved) >= SAVED
                && self.state.until() >= self.state.began()
            {
                self.save(kept)?;
            }
        }
        tell(&self.definition.id, &left_out, found, told);
        Ok(is_more)
    }

    /// What is read next; no further than where rows are the lake's already.
    fn next(&self, now: Ticks) -> Option<Part> {
        let behind = self.ledger.until.saturating_sub(self.state.until());
        let most = if behind > 0 { self.most.min(behind) } else { self.most };
        let mut part = self.state.next(now, most)?;
        if behind > 0 {
            part.until = part.until.min(self.ledger.until);
        }
        Some(part)
    }

    /// Takes a part in; nothing where it is too long and a shorter one is to be tried.
    async fn part(
        &mut self,
        workspace: &Workspace,
        bounds: &Bounds,
        now: Ticks,
        part: Part,
    ) -> Result<Option<Taken>> {
        let engine = workspace.engine(now).await.context("the tables cannot be read")?;
        match step(&self.definition, &mut self.state, engine, part, bounds).await {
            Ok(taken) => {
                self.most = self.most.saturating_mul(2).min(LONGEST);
                Ok(Some(taken))
            }
            Err(failure) if failure.is_too_much() && self.most > SHORTEST => {
                self.most = (part.until - part.from).min(self.most) / 2;
                Ok(None)
            }
            Err(failure) => Err(Failure::into(failure)),
        }
    }

    /// Writes down the rows of a part, unless they were before.
    fn commit(&mut self, kept: &Kept, rows: &Rows, part: Part) -> Result<()> {
        if part.until <= self.ledger.until {
            return Ok(());
        }
        let mut sent = Vec::new();
        for (table, rows) in rows.tables() {
            let rows: Vec<_> = rows.iter().map(|row| serde_json::Value::Object(row.clone())).collect();
            for rows in calls(&rows) {
                // Parts are a second at least, which is ten million ticks: no two calls have one number.
                let offset = part.until.saturating_add(i64::try_from(sent.len()).unwrap_or(0));
                sent.push(Call { table: table.to_owned(), offset, rows });
            }
        }
        if sent.is_empty() {
            return Ok(());
        }
        let ledger = Ledger { until: part.until, calls: sent };
        kept.keep_ledger(&self.definition, &ledger)?;
        self.ledger = ledger;
        self.is_unsent = true;
        Ok(())
    }

    /// Sends what was written down and may not have arrived.
    async fn send(&mut self, workspace: &Workspace) -> Result<()> {
        if !self.is_unsent {
            return Ok(());
        }
        let source: Arc<str> = format!("castellan.baseline.{}", self.definition.id).into();
        for call in &self.ledger.calls {
            let mark = Mark { source: Arc::clone(&source), offset: call.offset };
            let how = Append { mark: Some(mark), ..Append::default() };
            append(workspace.lake(), &call.table, &call.rows, how).await?;
        }
        self.is_unsent = false;
        self.ledger.calls.clear();
        Ok(())
    }

    fn save(&mut self, kept: &Kept) -> Result<()> {
        kept.keep_state(&self.definition, &self.state)?;
        self.saved = self.state.until();
        Ok(())
    }
}

/// Says what was left out, and what was found.
fn tell(id: &str, counts: &Counts, found: usize, told: &mut Vec<String>) {
    if found > 0 {
        told.push(format!("baseline {id}: {found} anomalies"));
    }
    let left_out = [
        (counts.nameless, "activities have no actor and are not counted"),
        (counts.old, "activities are older than is remembered and are not counted"),
        (counts.ahead, "activities lie in the future and are not counted"),
        (counts.beyond, "values have no room; whether they are new is not known"),
        (counts.evicted_values, "values were forgotten to make room"),
        (counts.evicted_actors, "actors were forgotten to make room"),
    ];
    for (count, words) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        told.push(format!("warning: baseline {id}: {count} {words}"));
    }
}
