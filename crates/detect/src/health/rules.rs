//! Runs of rules as rows of `SentinelHealth`.

use std::time::Duration;

use castellan_base::Ticks;
use castellan_kql::Value;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use serde_json::json;
use uuid::Uuid;

use crate::rule::{Kind, Rule};
use crate::run::columns_of;
use crate::schedule::{Looked, Ran};

/// The table.
const TABLE: &str = "SentinelHealth";

/// The columns of `SentinelHealth`.
pub fn health_columns() -> Vec<Column> {
    columns_of(TABLE)
}

/// A row for each window that a run looked at, and one for what it failed at or left out.
pub fn run_rows(rule: &Rule, ran: &Ran, now: Ticks) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = ran.windows.iter().map(|looked| of_window(rule, looked, now)).collect();
    if let Some(failure) = &ran.failure {
        rows.push(of(rule, now, "Failure", &failure.to_string(), &json!({ "GivenUp": ran.given_up })));
    }
    let left_out = json!({
        "SkippedWindows": ran.skipped, "LateWindowsLeft": ran.late_left, "ForgottenResults": ran.forgotten,
    });
    if ran.skipped + ran.late_left + ran.forgotten > 0 {
        rows.push(of(rule, now, "Partial success", "windows were left out", &left_out));
    }
    rows
}

fn of_window(rule: &Rule, looked: &Looked, now: Ticks) -> Vec<Value> {
    let window = &looked.window;
    let from = window.from.or(window.received_from);
    let lag = now.get().saturating_sub(window.until.get());
    let more = json!({
        "QueryStartTimeUTC": from.map(|from| from.to_string()).unwrap_or_default(),
        "QueryEndTimeUTC": window.until.to_string(),
        "QueryResultAmount": looked.results,
        "AlertsGeneratedAmount": looked.alerts,
        "TriggerOperator": rule.trigger.operator.to_string(),
        "TriggerThreshold": rule.trigger.threshold,
        "IsLookedAtAgain": looked.is_again,
        "RowsScanned": looked.scanned,
        "QueryExecutionTimeInSeconds": looked.took.as_secs_f64(),
        "LagInSeconds": seconds(lag),
    });
    of(rule, now, "Success", "", &more)
}

/// What a rule did with what arrived, over a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looks {
    /// How often it looked.
    pub looks: u64,
    /// How many results it found.
    pub results: u64,
    /// How many alerts it raised.
    pub alerts: u64,
    /// How many rows it read.
    pub scanned: u64,
    /// How long that took.
    pub took: Duration,
    /// How long the longest look took.
    pub longest: Duration,
    /// How often it failed, and why it did last.
    pub failures: u64,
    /// Why it failed last.
    pub failure: Option<String>,
}

impl Looks {
    /// Adds a look.
    pub fn add(&mut self, ran: &Ran) {
        self.looks += 1;
        for looked in &ran.windows {
            self.results += looked.results;
            self.alerts += u64::try_from(looked.alerts).unwrap_or(u64::MAX);
            self.scanned += looked.scanned;
            self.took += looked.took;
            self.longest = self.longest.max(looked.took);
        }
        if let Some(failure) = &ran.failure {
            self.failures += 1;
            self.failure = Some(failure.to_string());
        }
    }
}

/// A row for looks at what arrived since a time.
pub fn look_row(rule: &Rule, looks: &Looks, since: Ticks, now: Ticks) -> Vec<Value> {
    let more = json!({
        "QueryStartTimeUTC": since.to_string(),
        "QueryEndTimeUTC": now.to_string(),
        "Looks": looks.looks,
        "FailedLooks": looks.failures,
        "QueryResultAmount": looks.results,
        "AlertsGeneratedAmount": looks.alerts,
        "RowsScanned": looks.scanned,
        "QueryExecutionTimeInSeconds": looks.took.as_secs_f64(),
        "LongestLookInSeconds": looks.longest.as_secs_f64(),
        "LagInSeconds": 0,
    });
    let status = if looks.failures == 0 {
        "Success"
    } else if looks.failures == looks.looks {
        "Failure"
    } else {
        "Partial success"
    };
    of(rule, now, status, looks.failure.as_deref().unwrap_or_default(), &more)
}

fn of(rule: &Rule, now: Ticks, status: &str, reason: &str, more: &serde_json::Value) -> Vec<Value> {
    let kind = match rule.kind {
        Kind::Scheduled => "Scheduled",
        Kind::NearRealTime => "NRT",
    };
    let description = match status {
        "Success" => "Rule executed successfully",
        "Failure" => "Rule could not be executed",
        _ => "Rule executed in part",
    };
    let record = Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("health\u{1f}{}\u{1f}{}\u{1f}{more}", rule.id, now.get()).as_bytes(),
    );
    super::row(&health_columns(), |column| {
        Some(match column {
            "TimeGenerated" => Value::datetime(now.get()),
            "OperationName" => Value::string(format!("{kind} analytics rule run")),
            "SentinelResourceId" => Value::string(&*rule.id),
            "SentinelResourceName" => Value::string(&*rule.name),
            "SentinelResourceType" => Value::string("Analytics Rule"),
            "SentinelResourceKind" => Value::string(kind),
            "Status" => Value::string(status),
            "Description" => Value::string(description),
            "Reason" => Value::string(reason),
            "RecordId" => Value::string(record.to_string()),
            "ExtendedProperties" => Value::dynamic(Dynamic::from_json(more)),
            "SourceSystem" => Value::string("Castellan"),
            "Type" => Value::string(TABLE),
            _ => return None,
        })
    })
}

fn seconds(ticks: i64) -> f64 {
    // Precise to less than a microsecond for times that matter here.
    ticks as f64 / Ticks::PER_SECOND as f64
}

#[cfg(test)]
mod tests {
    use castellan_base::Sources;

    use super::*;
    use crate::run::Window;

    fn rule() -> Rule {
        let text = "id: a\nname: Test\nkind: Scheduled\nseverity: Low\nqueryFrequency: 1h\nqueryPeriod: 1h\n\
                    triggerOperator: gt\ntriggerThreshold: 0\nquery: SigninLogs\n";
        crate::rule::read::read("rule.yaml", text, &mut Sources::default()).rules.remove(0)
    }

    fn cell<'r>(row: &'r [Value], name: &str) -> &'r Value {
        &row[health_columns().iter().position(|column| &*column.name == name).unwrap()]
    }

    #[test]
    fn runs_say_what_they_gave_and_cost() {
        let until: Ticks = "2026-11-21T10:00:00Z".parse().unwrap();
        let now: Ticks = "2026-11-21T10:01:30Z".parse().unwrap();
        let window = Window::of(&rule(), until);
        let took = Duration::from_millis(250);
        let looked = Looked { window, is_again: false, results: 3, alerts: 1, scanned: 900, took };
        let ran = Ran { windows: vec![looked], skipped: 2, ..Ran::default() };
        let rows = run_rows(&rule(), &ran, now);
        assert_eq!(rows.len(), 2);
        assert_eq!(cell(&rows[0], "Status").to_text(), "Success");
        let more = cell(&rows[0], "ExtendedProperties").to_text();
        for expected in ["\"LagInSeconds\":90", "\"RowsScanned\":900", "\"AlertsGeneratedAmount\":1"] {
            assert!(more.contains(expected), "{more}");
        }
        assert_eq!(cell(&rows[1], "Status").to_text(), "Partial success");
        assert_ne!(cell(&rows[0], "RecordId"), cell(&rows[1], "RecordId"));
    }

    #[test]
    fn looks_come_together() {
        let mut looks = Looks::default();
        let now: Ticks = "2026-11-21T10:00:00Z".parse().unwrap();
        let window = Window::of(&rule(), now);
        let took = Duration::from_millis(5);
        let looked = Looked { window, is_again: false, results: 1, alerts: 1, scanned: 4, took };
        looks.add(&Ran { windows: vec![looked], ..Ran::default() });
        looks.add(&Ran { windows: vec![looked], ..Ran::default() });
        let failed = crate::run::Failure::Results { rule: "Test".into(), count: 2 };
        looks.add(&Ran { failure: Some(failed), ..Ran::default() });
        assert_eq!((looks.looks, looks.results, looks.failures), (3, 2, 1));
        let row = look_row(&rule(), &looks, now, now);
        assert_eq!(cell(&row, "Status").to_text(), "Partial success");
        assert!(cell(&row, "Reason").to_text().contains("has 2 results"));
    }
}
