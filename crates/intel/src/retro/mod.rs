//! The past of an indicator: when one arrives, what happened before is looked through for it.
//!
//! [`Queue`] holds what is still to hunt and what was hunted; [`Journal`] keeps it in a file. [`step`] takes a batch of
//! indicators and asks each table once, with a condition that the term filters of a lake understand; what that gives is
//! matched as rows that arrive are, so that both find the same.
//!
//! *Invariant (a time once):* a value of an indicator is hunted over a time once, whatever is restarted in between: a batch is
//! done when its alerts are kept, and the ids of alerts are the same when it is hunted again.
//!
//! What is not hunted: ranges of addresses within texts, and values that texts write in a harmless form (`evil[.]example`).

mod condition;
mod journal;
mod queue;

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_query::{Engine, Error};
use castellan_stix::Alternative;

use crate::look::{self, Window};
use crate::matching::{Bounds, Full, Index, Never, Places, Run, Searched, Sign, search};

pub use journal::{Journal, JournalError};
pub use queue::{Arrived, Entry, Hunt, MAX_HUNTED, Queue};

/// How indicators are hunted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far back, in ticks.
    pub window: i64,
    /// How many indicators one query asks for.
    pub batch: usize,
}

impl Default for Options {
    /// Thirty days, 200 indicators.
    fn default() -> Options {
        Options { window: 30 * Ticks::PER_DAY, batch: 200 }
    }
}

/// What a batch gave.
#[derive(Debug, Default)]
pub struct Hunted {
    /// The hunts that were made.
    pub hunts: Vec<Hunt>,
    /// What was found.
    pub run: Run,
    /// The tables that were asked, with how many rows each gave to be matched.
    pub tables: Vec<(Arc<str>, Searched)>,
    /// The time that was looked through.
    pub window: Option<Window>,
    /// Tables that could not be asked. The batch is not done while there are any.
    pub failed: Vec<(Arc<str>, Error)>,
}

impl Hunted {
    /// Whether all tables were asked.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Hunts a batch of a queue ([`Queue::next`]): hunts of one time. Tables are those that are named, or all.
///
/// Errors: the batch does not fit into an index.
pub async fn step(
    hunts: Vec<Hunt>,
    engine: &Engine,
    places: &Places,
    never: &Never,
    tables: Option<&BTreeSet<Arc<str>>>,
) -> Result<Hunted, Full> {
    let Some(window) = hunts.first().and_then(Hunt::window) else { return Ok(Hunted::default()) };
    let mut index = Index::new(Bounds::default());
    let mut alternatives: Vec<Alternative> = Vec::new();
    for hunt in &hunts {
        let own: Vec<Alternative> = hunt.alternatives.iter().filter_map(|written| written.read()).collect();
        let sign = Sign {
            id: &hunt.id,
            name: &hunt.name,
            confidence: hunt.confidence,
            alternatives: &own,
            from: Ticks::new(hunt.valid_from).unwrap_or(Ticks::MIN),
            until: hunt.valid_until.and_then(Ticks::new),
        };
        index.add(&sign, never)?;
        alternatives.extend(own);
    }
    let mut hunted = Hunted { hunts, window: Some(window), ..Hunted::default() };
    if index.is_empty() {
        return Ok(hunted);
    }
    let values = condition::Values::of(&alternatives);
    for (table, columns) in engine.shapes() {
        let own = places.within(&table, &columns);
        if own.is_empty() || tables.is_some_and(|tables| !tables.contains(&table)) {
            continue;
        }
        let Some(condition) = values.condition(&own) else { continue };
        let query = look::query(&table, &columns, &own, &window, Some(&condition));
        let query = format!("{}{query}", values.declared());
        let found = match look::read(engine, &query).await {
            Ok(results) => {
                let run = &mut hunted.run;
                search(&index, &own, &results, window.until, &mut |found| run.take(&table, found))
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(searched) => hunted.tables.push((table, searched)),
            Err(error) => hunted.failed.push((table, error)),
        }
    }
    Ok(hunted)
}
