//! An invented organisation, to try things with: the files of its estate, and a week of its events with eight attacks in
//! them, of which each goes over several tables and rules.
//!
//! ```
//! use castellan_sample::week;
//!
//! let week = week(21, "2026-11-16".parse().unwrap());
//! assert_eq!(week.chains.len(), 8);
//! assert!(week.tables.rows["ASimAgentEventLogs"].len() > 1_000);
//! // The same seed gives the same week.
//! assert_eq!(week.tables.rows, castellan_sample::week(21, week.begins()).tables.rows);
//! ```
//!
//! Everything here is made up: names, addresses of documentation (RFC 5737, RFC 2544), domains under `.invalid`. Tests of
//! detection and the demonstration of the product use the same week. Pure: no clock, no disk.

mod chains;
mod chance;
mod estate;
mod organization;
mod rename;
mod traffic;

use castellan_base::Ticks;

pub use chains::{Chain, LISTED};
pub use chance::Chance;
pub use estate::{ESTATE, estate};
pub use organization::{Agent, Minute, Organization, Row, Tables, User};
pub use traffic::hours;

/// A week of events.
#[derive(Clone, Debug)]
pub struct Week {
    /// What the tables hold.
    pub tables: Tables,
    /// The attacks.
    pub chains: Vec<Chain>,
}

/// A week that begins at a midnight, with what is normal, what looks like an attack and is none, and eight attacks. The
/// same seed gives the same week.
pub fn week(seed: u64, begins: Ticks) -> Week {
    let (mut organization, mut tables) = (Organization::new(seed), Tables::new(begins));
    traffic::normal(&mut organization, &mut tables);
    traffic::noise(&organization, &mut tables);
    let chains = chains::all(&mut organization, &mut tables);
    Week { tables, chains }
}

impl Week {
    /// When it begins.
    pub fn begins(&self) -> Ticks {
        self.tables.begins
    }

    /// A time of it.
    pub fn at(&self, minute: Minute) -> Ticks {
        organization::at(self.tables.begins, minute)
    }

    /// Ends of windows that rules look at: after each hour in which something happens, and each midnight.
    pub fn ends(&self) -> Vec<Ticks> {
        let mut minutes: Vec<Minute> = hours().iter().map(|hour| hour + 60).collect();
        minutes.extend((1..=7).map(|day| day * 1_440));
        minutes.sort_unstable();
        minutes.dedup();
        minutes.into_iter().map(|minute| self.at(minute)).collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.tables.rows.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
