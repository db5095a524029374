//! Texts of prompts and answers that the alerts of an incident are about, out of the lake.
//!
//! An alert names traces; `AppGenAIContent` has what was said in them. The originals stay in memory until they are redacted
//! and sealed.

use std::collections::{BTreeSet, HashSet};
use std::sync::{MutexGuard, PoisonError};

use castellan_base::Ticks;
use castellan_detect::incident::correlate::KeyKind;
use castellan_detect::incident::{By, Firing};
use castellan_kql::Value;
use castellan_kql::value::format_datetime;
use castellan_lake::Lake;
use castellan_query::Settings;
use zeroize::Zeroizing;

use super::{Desk, DeskError, LakeError};
use crate::case::Exhibit;
use crate::evidence::{LONGEST, Original};

/// The table of texts.
const TABLE: &str = "AppGenAIContent";
/// Its columns that hold texts, and what they are.
const TEXTS: [(&str, &str); 6] = [
    ("SystemInstructions", "instructions"),
    ("InputMessages", "prompt"),
    ("OutputMessages", "answer"),
    ("ToolCallArguments", "tool-arguments"),
    ("ToolCallResult", "tool-result"),
    ("EvaluationExplanation", "evaluation"),
];
/// Traces of one alert that are looked for.
const TRACES: usize = 20;
/// Rows of one alert whose texts are kept.
const ROWS: usize = 20;
/// Alerts of an incident whose texts are looked for at once.
const FIRINGS: usize = 50;
/// Alerts that are remembered as looked at; beyond, all are forgotten, and some are looked at again.
const MOST_LOOKED: usize = 100_000;
/// How far around the times of an alert its texts are looked for, in ticks: an hour.
const AROUND: i64 = 3_600 * Ticks::PER_SECOND;

/// A text out of the lake.
struct Found {
    kind: &'static str,
    source: String,
    alert: String,
    at: i64,
    text: Zeroizing<String>,
}

impl Desk {
    /// Keeps the texts that the alerts of an incident are about and that were not kept yet.
    ///
    /// # Errors
    /// There is no such incident, the lake cannot be asked, or a text cannot be kept.
    pub async fn capture(&self, lake: &Lake, number: u32, now: Ticks) -> Result<Vec<Exhibit>, DeskError> {
        let incident = self.incident(number)?;
        let known: BTreeSet<(String, String)> =
            self.exhibits(number).into_iter().map(|exhibit| (exhibit.source, exhibit.alert)).collect();
        let (mut found, mut looked) = (Vec::new(), Vec::new());
        for firing in incident.in_order() {
            let is_new = !self.looked().contains(&firing.alert.id);
            if is_new && looked.len() < FIRINGS {
                found.extend(texts(lake, firing).await?);
                looked.push(firing.alert.id.clone());
            }
        }
        found.retain(|one| !known.contains(&(one.source.clone(), one.alert.clone())));
        found.truncate(super::MAX_EXHIBITS.saturating_sub(known.len()));
        let originals: Vec<Original<'_>> = found.iter().map(|one| original(one, &incident.id, now)).collect();
        let kept = self.keep(number, &originals, &By::Product)?;
        let mut known_alerts = self.looked();
        if known_alerts.len() > MOST_LOOKED {
            known_alerts.clear();
        }
        known_alerts.extend(looked);
        Ok(kept)
    }

    fn looked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn original<'f>(one: &'f Found, incident: &'f str, now: Ticks) -> Original<'f> {
    Original {
        kind: one.kind,
        source: &one.source,
        incident,
        alert: &one.alert,
        by: "castellan",
        text: &one.text,
        at: one.at,
        kept: now.get(),
    }
}

/// The texts of the traces of an alert.
async fn texts(lake: &Lake, firing: &Firing) -> Result<Vec<Found>, LakeError> {
    let keys = firing.alert.keys.iter().filter(|key| key.kind == KeyKind::Trace);
    let traces: Vec<String> =
        keys.map(|key| key.value.to_string()).filter(|trace| is_trace(trace)).take(TRACES).collect();
    if traces.is_empty() || !lake.tables().iter().any(|table| &**table.schema.name() == TABLE) {
        return Ok(Vec::new());
    }
    let answers = lake.engine(Settings::default()).query(&query(firing, &traces)).await?;
    let mut found = Vec::new();
    for answer in &answers.answers {
        for row in answer.values()? {
            let (Some(Value::DateTime(at)), Some(span)) = (row.first(), row.get(1)) else { continue };
            for ((column, kind), value) in TEXTS.iter().zip(row.iter().skip(2)) {
                let mut text = Zeroizing::new(value.to_text());
                // What is beyond is cut: a part of a text that long is still told as what it is.
                let end = text.floor_char_boundary(LONGEST);
                text.truncate(end);
                if !text.is_empty() {
                    let source = format!("{TABLE}.{column} {}", span.to_text());
                    found.push(Found { kind, source, alert: firing.alert.id.clone(), at: *at, text });
                }
            }
        }
    }
    Ok(found)
}

/// Ids of traces are digits and letters; what else an alert names is asked for nowhere.
fn is_trace(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn query(firing: &Firing, traces: &[String]) -> String {
    let list: Vec<String> = traces.iter().map(|trace| format!("'{trace}'")).collect();
    let columns: Vec<&str> = TEXTS.iter().map(|(column, _)| *column).collect();
    let time = |ticks: i64| format_datetime(ticks.clamp(Ticks::MIN.get(), Ticks::MAX.get()));
    format!(
        "{TABLE} | where TimeGenerated between (datetime({}) .. datetime({})) | where TraceId in~ ({}) \
         | top {ROWS} by TimeGenerated asc | project TimeGenerated, SpanId, {}",
        time(firing.alert.start.saturating_sub(AROUND)),
        time(firing.alert.end.saturating_add(AROUND)),
        list.join(", "),
        columns.join(", ")
    )
}
