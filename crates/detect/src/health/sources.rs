//! Tables that usually get rows and get none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::Value;
use castellan_kql::plan::Field as Column;
use serde::{Deserialize, Serialize};

use crate::rule::duration::MINUTE;
use crate::run::columns_of;

/// The table of what is known of sources.
const TABLE: &str = "CastellanSourceHealth";
/// The most tables that are remembered.
pub const MAX_SOURCES: usize = 5_000;
/// Days whose longest pauses say what is usual.
const DAYS: usize = 7;
const DAY: i64 = 24 * 60 * MINUTE;
/// A table is silent after so many times its longest usual pause.
const TIMES: i64 = 2;
/// No table is silent before this, however often it gets rows otherwise.
const LEAST: i64 = 15 * MINUTE;

/// How long tables are usually without rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sources {
    tables: BTreeMap<Arc<str>, Source>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// When it was heard of first, and last.
    first: i64,
    last: i64,
    /// The longest pause of each day, the latest day last.
    pauses: VecDeque<Pause>,
    /// Rows since it was told of last.
    #[serde(default)]
    rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    day: i64,
    longest: i64,
}

/// Whether a table gets rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Rows came, or it is not longer without than usual.
    Usual,
    /// It is longer without rows than it usually is.
    Silent,
    /// It has been known for less than a day: what is usual is not known.
    Unknown,
}

impl Silence {
    /// The word for it in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Silence::Usual => "Usual",
            Silence::Silent => "Silent",
            Silence::Unknown => "Insufficient history",
        }
    }
}

impl Sources {
    /// Rows came to a table. Further tables are not remembered once there are [`MAX_SOURCES`].
    pub fn hear(&mut self, table: &Arc<str>, rows: usize, now: Ticks) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let now = now.get();
        if let Some(source) = self.tables.get_mut(table) {
            source.pause(now);
            source.rows = source.rows.saturating_add(rows);
        } else if self.tables.len() < MAX_SOURCES {
            let source = Source { first: now, last: now, pauses: VecDeque::new(), rows };
            self.tables.insert(Arc::clone(table), source);
        }
    }

    /// What there is to tell of each table at a time; counts begin anew.
    pub fn tell(&mut self, now: Ticks) -> Vec<Vec<Value>> {
        self.tables
            .iter_mut()
            .map(|(table, source)| {
                let row = source_row(
                    table,
                    source.rows,
                    source.last,
                    source.usual(),
                    source.silence(now.get()),
                    now,
                );
                source.rows = 0;
                row
            })
            .collect()
    }

    /// Whether a table gets rows; nothing where it never got any.
    pub fn silence(&self, table: &str, now: Ticks) -> Option<Silence> {
        self.tables.get(table).map(|source| source.silence(now.get()))
    }
}

impl Source {
    fn pause(&mut self, now: i64) {
        let pause = now.saturating_sub(self.last).max(0);
        let day = now.div_euclid(DAY);
        match self.pauses.back_mut() {
            Some(known) if known.day == day => known.longest = known.longest.max(pause),
            _ => self.pauses.push_back(Pause { day, longest: pause }),
        }
        while self.pauses.len() > DAYS {
            self.pauses.pop_front();
        }
        self.last = self.last.max(now);
    }

    /// The longest pause that is usual: that of the days before, without the longest of all where there are several, since
    /// a breakdown is not what is usual.
    fn usual(&self) -> i64 {
        let mut longest: Vec<i64> = self.pauses.iter().map(|pause| pause.longest).collect();
        longest.sort_unstable();
        if longest.len() > 2 {
            longest.pop();
        }
        longest.last().copied().unwrap_or_default()
    }

    fn silence(&self, now: i64) -> Silence {
        let pause = now.saturating_sub(self.last);
        if self.last.saturating_sub(self.first) < DAY {
            Silence::Unknown
        } else if pause > LEAST.max(self.usual().saturating_mul(TIMES)) {
            Silence::Silent
        } else {
            Silence::Usual
        }
    }
}

/// The columns of the table of sources.
pub fn source_columns() -> Vec<Column> {
    columns_of(TABLE)
}

/// A row of the table of sources. Times are ticks.
pub fn source_row(table: &str, rows: u64, last: i64, usual: i64, silence: Silence, now: Ticks) -> Vec<Value> {
    let seconds = |ticks: i64| Value::Real(ticks as f64 / Ticks::PER_SECOND as f64);
    super::row(&source_columns(), |column| {
        Some(match column {
            "TimeGenerated" => Value::datetime(now.get()),
            "SourceTable" => Value::string(table),
            "RowCount" => Value::Long(i64::try_from(rows).unwrap_or(i64::MAX)),
            "LastReceived" => Value::datetime(last),
            "SilentSeconds" => seconds(now.get().saturating_sub(last)),
            "UsualPauseSeconds" => seconds(usual),
            "Status" => Value::string(silence.as_str()),
            "Type" => Value::string(TABLE),
            _ => return None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Ticks {
        "2026-11-01T00:00:00Z".parse::<Ticks>().unwrap().checked_add(minutes * MINUTE).unwrap()
    }

    /// Rows each so many minutes, but not at night.
    fn week() -> Sources {
        let (table, mut sources): (Arc<str>, _) = ("SigninLogs".into(), Sources::default());
        for minute in (0..7 * 1_440).step_by(5).filter(|minute| minute % 1_440 >= 360) {
            sources.hear(&table, 3, at(minute));
        }
        sources
    }

    #[test]
    fn silence_is_what_is_longer_than_usual() {
        let sources = week();
        let end = 7 * 1_440;
        // Each night is six hours long.
        assert_eq!(sources.silence("SigninLogs", at(end + 360)), Some(Silence::Usual));
        assert_eq!(sources.silence("SigninLogs", at(end + 11 * 60)), Some(Silence::Usual));
        assert_eq!(sources.silence("SigninLogs", at(end + 13 * 60)), Some(Silence::Silent));
        assert_eq!(sources.silence("AuditLogs", at(end)), None);
    }

    #[test]
    fn what_is_new_is_not_silent() {
        let (table, mut sources): (Arc<str>, _) = ("New_CL".into(), Sources::default());
        sources.hear(&table, 1, at(0));
        assert_eq!(sources.silence("New_CL", at(10_000)), Some(Silence::Unknown));
    }

    #[test]
    fn rows_fit_their_table() {
        let mut sources = week();
        let rows = sources.tell(at(7 * 1_440));
        assert_eq!(rows[0].len(), source_columns().len());
        let place = source_columns().iter().position(|column| &*column.name == "RowCount").unwrap();
        assert_eq!(rows[0][place], Value::Long(7 * 216 * 3));
        assert_eq!(sources.tell(at(7 * 1_440 + 5))[0][place], Value::Long(0), "counts begin anew");
        let again: Sources = serde_json::from_str(&serde_json::to_string(&sources).unwrap()).unwrap();
        assert_eq!(again, sources);
    }
}
