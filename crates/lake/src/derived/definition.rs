//! What is said of a table that a query fills.

use castellan_kql::value::{format_datetime, parse_datetime};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::rows::{micros_of_ticks, ticks_of_micros};

/// Minutes of a day.
const DAY: u32 = 1_440;
/// Microseconds of a minute.
pub(super) const MINUTE: i64 = 60_000_000;
/// How long a summary waits for late rows where it does not say. Source: Azure Monitor, summary rules.
const DELAY: i64 = 210_000_000;
/// Microseconds of an hour.
const HOUR: i64 = 60 * MINUTE;
/// The longest name of a definition.
const MAX_NAME: usize = 100;
/// The longest query.
const MAX_QUERY: usize = 100_000;

/// A table that a query fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Definition {
    /// Rows for each bin of time are added.
    Summary(Summary),
    /// The whole table is what the query gave last.
    Materialized(Materialized),
}

/// A query over each bin of time. The members are those of a summary rule's `ruleDefinition` in Azure Monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The query, which sees rows of the bin alone.
    pub query: String,
    /// The custom table that the rows go to; it is made, and given the columns that it lacks.
    pub destination_table: String,
    /// Minutes of a bin: a part of a day, as 20, 60 or 1440.
    pub bin_size: u32,
    /// Minutes after the end of a bin in which late rows are waited for; three and a half where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin_delay: Option<u32>,
    /// Where the first bin begins, as ISO 8601; the hour in which the rule is made where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin_start_time: Option<String>,
    /// The column that says in which bin a row is: `TimeGenerated` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_selector: Option<String>,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// When it was changed, in microseconds since 1970.
    #[serde(default)]
    pub modified: i64,
}

/// A table that holds what a query gave last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Materialized {
    /// The table, a custom one; nobody else writes to it.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The query, which sees all tables.
    pub query: String,
    /// Minutes from one time to the next.
    pub every: u32,
    /// When it was changed, in microseconds since 1970.
    #[serde(default)]
    pub modified: i64,
}

fn yes() -> bool {
    true
}

impl Definition {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Definition::Summary(summary) => &summary.name,
            Definition::Materialized(table) => &table.name,
        }
    }

    /// The table that it fills.
    pub fn table(&self) -> &str {
        match self {
            Definition::Summary(summary) => &summary.destination_table,
            Definition::Materialized(table) => &table.name,
        }
    }

    /// Its query.
    pub fn query(&self) -> &str {
        match self {
            Definition::Summary(summary) => &summary.query,
            Definition::Materialized(table) => &table.query,
        }
    }

    /// The definition as it is kept, changed now.
    ///
    /// Errors: what cannot be.
    pub(super) fn checked(mut self, now: i64) -> Result<Definition, Error> {
        let wrong = |reason: String| Error::Derived { name: self.name().to_owned(), reason };
        check_name(self.name()).map_err(wrong)?;
        if !self.table().ends_with("_CL") {
            return Err(wrong(format!(
                "it goes to `{}`; the name of a custom table ends in `_CL`",
                self.table()
            )));
        }
        if self.query().trim().is_empty() || self.query().len() > MAX_QUERY {
            return Err(wrong(format!(
                "its query has {} bytes; from 1 to {MAX_QUERY} there may be",
                self.query().len()
            )));
        }
        match &mut self {
            Definition::Summary(summary) => {
                summary.check().map_err(|reason| Error::Derived { name: summary.name.clone(), reason })?;
                summary.modified = now;
                if summary.bin_start_time.is_none() {
                    summary.bin_start_time = Some(text_of(now.div_euclid(HOUR) * HOUR));
                }
            }
            Definition::Materialized(table) => {
                if !(1..=31 * DAY).contains(&table.every) {
                    let reason =
                        format!("`every` is {} minutes; from 1 to {} there may be", table.every, 31 * DAY);
                    return Err(Error::Derived { name: table.name.clone(), reason });
                }
                table.modified = now;
            }
        }
        Ok(self)
    }
}

impl Summary {
    fn check(&self) -> Result<(), String> {
        if self.bin_size == 0 || self.bin_size > DAY || !DAY.is_multiple_of(self.bin_size) {
            return Err(format!(
                "`binSize` is {} minutes; it has to be a part of a day, as 20, 60 or 1440",
                self.bin_size
            ));
        }
        if self.bin_delay.is_some_and(|delay| delay > DAY) {
            return Err(format!("`binDelay` is more than a day ({DAY} minutes)"));
        }
        if let Some(text) = &self.bin_start_time
            && parse_datetime(text).is_none()
        {
            return Err(format!("`binStartTime` is `{text}`; write a time as `2026-01-31T00:00:00Z`"));
        }
        Ok(())
    }

    /// A bin, in microseconds.
    pub(super) fn bin(&self) -> i64 {
        i64::from(self.bin_size) * MINUTE
    }

    /// How long after its end a bin is run, in microseconds.
    pub(super) fn delay(&self) -> i64 {
        self.bin_delay.map_or(DELAY, |minutes| i64::from(minutes) * MINUTE)
    }

    /// Where bins begin, in microseconds since 1970.
    pub(super) fn first(&self) -> i64 {
        self.bin_start_time.as_deref().and_then(parse_datetime).map_or(self.modified, micros_of_ticks)
    }

    /// The first bin that begins at or after a time.
    pub(super) fn bin_from(&self, time: i64) -> i64 {
        let (first, bin) = (self.first(), self.bin().max(1));
        if time <= first {
            first
        } else {
            first
                + (time - first).div_euclid(bin) * bin
                + if (time - first).rem_euclid(bin) > 0 { bin } else { 0 }
        }
    }
}

/// A time in microseconds since 1970 as ISO 8601.
pub(super) fn text_of(micros: i64) -> String {
    format_datetime(ticks_of_micros(micros))
}

fn check_name(name: &str) -> Result<(), String> {
    let is_right = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_right) {
        return Ok(());
    }
    Err(format!("a name has letters, digits, `_` and `-`, and at most {MAX_NAME} of them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(bin_size: u32, start: &str) -> Summary {
        Summary { bin_size, bin_start_time: Some(start.to_owned()), ..Summary::default() }
    }

    #[test]
    fn bins_go_on_from_the_first() {
        let hourly = summary(60, "2026-01-01T00:00:00Z");
        let first = hourly.first();
        assert_eq!(text_of(first), "2026-01-01T00:00:00.0000000Z");
        assert_eq!(hourly.bin_from(0), first);
        assert_eq!(hourly.bin_from(first), first);
        assert_eq!(hourly.bin_from(first + 1), first + HOUR);
        assert_eq!(hourly.bin_from(first + HOUR), first + HOUR);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let right = Summary {
            name: "by-user".to_owned(),
            query: "SigninLogs | count".to_owned(),
            destination_table: "ByUser_CL".to_owned(),
            ..summary(60, "2026-01-01T00:00:00Z")
        };
        assert!(Definition::Summary(right.clone()).checked(0).is_ok());
        let wrong = [
            Summary { bin_size: 0, ..right.clone() },
            Summary { bin_size: 7, ..right.clone() },
            Summary { bin_size: 2_880, ..right.clone() },
            Summary { destination_table: "SigninLogs".to_owned(), ..right.clone() },
            Summary { name: "../x".to_owned(), ..right.clone() },
            Summary { name: String::new(), ..right.clone() },
            Summary { query: "  ".to_owned(), ..right.clone() },
            Summary { bin_start_time: Some("soon".to_owned()), ..right.clone() },
            Summary { bin_delay: Some(DAY + 1), ..right.clone() },
        ];
        for wrong in wrong {
            assert!(Definition::Summary(wrong.clone()).checked(0).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn definitions_are_json_as_azure_monitor_writes_rules() -> Result<(), serde_json::Error> {
        let text = r#"{"kind": "summary", "name": "n", "query": "T", "destinationTable": "N_CL", "binSize": 60,
            "binDelay": 10, "timeSelector": "TimeGenerated"}"#;
        let read: Definition = serde_json::from_str(text)?;
        assert_eq!(serde_json::from_str::<Definition>(&serde_json::to_string(&read)?)?, read);
        Ok(())
    }
}
