//! Objects of threat intelligence in the tables of a lake: each version once.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use castellan_base::Ticks;
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::rows::{INDICATORS, LEGACY, OBJECTS, Rows, Writing, ended, vanished};
use castellan_kql::Value;
use castellan_lake::{Append, Lake};
use castellan_query::Settings;
use castellan_stix::Object;
use serde_json::Value as Json;

use castellan_incident::desk::append;
use castellan_incident::rows::calls;

/// Ids that one query asks for.
const ASKED: usize = 500;

/// What became of objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// Indicators that are new, or have a new version.
    pub(crate) indicators: u64,
    /// Other objects that are new, or have a new version.
    pub(crate) objects: u64,
    /// Objects that were there already.
    pub(crate) unchanged: u64,
    /// Values of indicators that newer versions of them do not have any more.
    pub(crate) vanished: u64,
    /// Rows that were written.
    pub(crate) rows: usize,
    /// Indicators that are not matched row by row, wholly or in part, and why.
    pub(crate) not_matched: Vec<(String, String)>,
}

impl Kept {
    /// Adds what became of further objects.
    pub(crate) fn join(&mut self, other: Kept) {
        self.indicators += other.indicators;
        self.objects += other.objects;
        self.unchanged += other.unchanged;
        self.vanished += other.vanished;
        self.rows += other.rows;
        self.not_matched.extend(other.not_matched);
    }

    /// In a line.
    pub(crate) fn told(&self) -> String {
        format!(
            "{} indicators and {} other objects are new or changed, {} were there already; {} values do not count any more",
            self.indicators, self.objects, self.unchanged, self.vanished
        )
    }
}

/// Keeps objects in a lake. Those that do not say when they were changed (`is_dated`) are compared by what they say.
///
/// Errors: the lake cannot be read, or does not take them.
pub(crate) async fn keep(lake: &Lake, objects: &[Object], is_dated: bool, writing: &Writing) -> Result<Kept> {
    let mut kept = Kept::default();
    for some in newest(objects).chunks(ASKED) {
        let mut rows = Rows::default();
        let known = known(lake, some).await?;
        let others = other_versions(lake, some).await?;
        for object in some {
            let Ok(now) = Held::of_object(object) else {
                let is_same = others.get(&object.id).is_some_and(|version| version == version_of(object));
                kept.unchanged += u64::from(is_same);
                kept.objects += u64::from(!is_same);
                if !is_same {
                    note(&mut kept, object, rows.add(object, writing).not_matched);
                }
                continue;
            };
            let before = known.get(&object.id);
            if before.is_some_and(|before| is_unchanged(before, &now, is_dated, writing.at)) {
                kept.unchanged += 1;
                continue;
            }
            if let Some(before) = before {
                let gone = vanished(before, &now.alternatives);
                if !gone.is_empty() {
                    let now = Held { modified: before.modified, ..now };
                    let mut ending = ended(&now, &gone, writing);
                    kept.vanished += u64::try_from(gone.len()).unwrap_or_default();
                    rows.indicators.append(&mut ending.indicators);
                    rows.legacy.append(&mut ending.legacy);
                }
            }
            kept.indicators += 1;
            note(&mut kept, object, rows.add(object, writing).not_matched);
        }
        kept.rows += rows.count();
        write(lake, rows).await?;
    }
    Ok(kept)
}

fn note(kept: &mut Kept, object: &Object, reasons: Vec<String>) {
    kept.not_matched.extend(reasons.into_iter().map(|reason| (object.id.clone(), reason)));
}

/// Of each id the newest version, in the order in which ids come.
fn newest(objects: &[Object]) -> Vec<&Object> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found: Vec<&Object> = Vec::new();
    for object in objects {
        match places.get(object.id.as_str()).and_then(|at| found.get_mut(*at)) {
            Some(own) if own.time("modified") <= object.time("modified") => *own = object,
            Some(_) => {}
            None => {
                places.insert(&object.id, found.len());
                found.push(object);
            }
        }
    }
    found
}

/// Whether a lake has an indicator already, or a newer version of it.
fn is_unchanged(before: &Held, now: &Held, is_dated: bool, at: Ticks) -> bool {
    if is_dated {
        return before.modified >= now.modified;
    }
    // A list is taken in again and again: what it lends for a time is written anew when half of that is over.
    let is_long = match (before.until, now.until) {
        (None, None) => true,
        (Some(before), Some(now)) => {
            before.get().saturating_sub(at.get()) > now.get().saturating_sub(at.get()) / 2
        }
        _ => false,
    };
    before.is_active
        && is_long
        && before.alternatives == now.alternatives
        && before.confidence == now.confidence
}

async fn known(lake: &Lake, objects: &[&Object]) -> Result<BTreeMap<String, Held>> {
    let indicators = objects.iter().filter(|object| object.kind == "indicator");
    let ids: Vec<String> = indicators.map(|object| object.id.clone()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let engine = lake.engine(Settings::default());
    let found = held(&engine, &Asked { ids: &ids, ..Asked::default() }).await;
    let found =
        found.map_err(|error| anyhow!("{error}")).context("the indicators of the lake cannot be read")?;
    Ok(found.into_iter().map(|held| (held.id.clone(), held)).collect())
}

/// What tells a version of an object from others: when it was changed. What cannot change has one version.
fn version_of(object: &Object) -> &str {
    object.text("modified").unwrap_or_default()
}

/// The versions that a lake has of other objects.
async fn other_versions(lake: &Lake, objects: &[&Object]) -> Result<BTreeMap<String, String>> {
    let ids: Vec<String> = objects
        .iter()
        .filter(|object| Held::of_object(object).is_err())
        .map(|object| format!("'{}'", object.id.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = format!(
        "{OBJECTS} | where Id in ({}) | summarize arg_max(TimeGenerated, Data) by Id | project Id, tostring(Data.modified)",
        ids.join(", ")
    );
    let answers = lake.engine(Settings::default()).query(&query).await.map_err(|error| anyhow!("{error}"))?;
    let mut found = BTreeMap::new();
    for answer in &answers.answers {
        for row in answer.values()? {
            if let [id, modified] = row.as_slice() {
                found.insert(Value::to_text(id), Value::to_text(modified));
            }
        }
    }
    Ok(found)
}

/// Writes rows to their tables.
///
/// Errors: the lake does not take them.
pub(crate) async fn write(lake: &Lake, rows: Rows) -> Result<()> {
    for (table, rows) in [(INDICATORS, rows.indicators), (OBJECTS, rows.objects), (LEGACY, rows.legacy)] {
        write_to(lake, table, &rows).await?;
    }
    Ok(())
}

/// Writes rows to a table.
pub(crate) async fn write_to(lake: &Lake, table: &str, rows: &[Json]) -> Result<()> {
    for call in calls(rows) {
        append(lake, table, &call, Append::default()).await?;
    }
    Ok(())
}
