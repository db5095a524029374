//! How rules run and whether sources send, as rows for the lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use castellan_base::Ticks;
use castellan_detect::health::{Looks, Sources, health_columns, look_row, run_rows, source_columns};
use castellan_detect::rule::Rule;
use castellan_detect::schedule::Ran;
use castellan_kql::Value;
use castellan_lake::{Append, Lake};

use castellan_incident::desk::append;
use castellan_incident::rows::{calls, object};

/// The table of how rules run.
const RUNS: &str = "SentinelHealth";
/// The table of whether sources send.
const SOURCES: &str = "CastellanSourceHealth";
/// How often rows are written.
const EVERY: i64 = 5 * 60 * Ticks::PER_SECOND;
/// Rows beyond which they are written before their time.
const MANY: usize = 5_000;

/// What is to be told of rules and sources.
pub(super) struct Health {
    rows: Vec<Vec<Value>>,
    looks: BTreeMap<Arc<str>, Looks>,
    sources: Sources,
    since: Ticks,
}

impl Health {
    pub(super) fn new(sources: Sources, now: Ticks) -> Health {
        Health { rows: Vec::new(), looks: BTreeMap::new(), sources, since: now }
    }

    /// A rule ran on its schedule.
    pub(super) fn ran(&mut self, rule: &Rule, ran: &Ran, now: Ticks) {
        self.rows.extend(run_rows(rule, ran, now));
    }

    /// A rule looked at what arrived.
    pub(super) fn looked(&mut self, rule: &Rule, ran: &Ran) {
        self.looks.entry(Arc::clone(&rule.id)).or_default().add(ran);
    }

    /// Rows came to tables. What is written here does not count.
    pub(super) fn heard(&mut self, heard: Vec<(Arc<str>, usize)>, now: Ticks) {
        for (table, rows) in heard.into_iter().filter(|(table, _)| ![RUNS, SOURCES].contains(&&**table)) {
            self.sources.hear(&table, rows, now);
        }
    }

    /// What is known of sources, to be kept.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether it is time to write.
    pub(super) fn is_due(&self, now: Ticks) -> bool {
        self.rows.len() > MANY || now.get() - self.since.get() >= EVERY
    }

    /// Writes what there is to tell.
    ///
    /// Errors: the lake does not take it; it is not told again, since newer rows say more.
    pub(super) async fn write(&mut self, rules: &[Rule], lake: &Lake, now: Ticks) -> Result<()> {
        let since = std::mem::replace(&mut self.since, now);
        let mut runs = std::mem::take(&mut self.rows);
        let looks = std::mem::take(&mut self.looks);
        for rule in rules {
            runs.extend(looks.get(&rule.id).map(|looks| look_row(rule, looks, since, now)));
        }
        let tables = [(RUNS, health_columns(), runs), (SOURCES, source_columns(), self.sources.tell(now))];
        for (table, columns, rows) in tables {
            let rows: Vec<_> = rows.iter().map(|row| object(&columns, row)).collect();
            for call in calls(&rows) {
                append(lake, table, &call, Append::default()).await?;
            }
        }
        Ok(())
    }
}
