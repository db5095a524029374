//! Indicators and events for tests.

use castellan_base::Ticks;
use castellan_detect::run::{Memory, Rows as JsonRows};
use castellan_intel::held::Held;
use castellan_intel::matching::{Index, Never};
use castellan_intel::rows::{Rows, Writing};
use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use castellan_stix::Object;
use serde_json::{Value, json};

pub(crate) fn time(text: &str) -> Ticks {
    text.parse().unwrap()
}

pub(crate) fn now() -> Ticks {
    time("2026-11-21T10:00:00Z")
}

/// An indicator of a number, with further members.
pub(crate) fn indicator(number: u32, pattern: &str, more: Value) -> Object {
    let mut value = json!({
        "type": "indicator", "spec_version": "2.1",
        "id": format!("indicator--00000000-0000-4000-8000-{number:012}"),
        "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
        "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2027-11-01T00:00:00Z",
        "name": format!("indicator {number}"), "description": "seen in a campaign",
        "pattern_type": "stix", "pattern": pattern, "confidence": 85, "indicator_types": ["malicious-activity"],
    });
    for (name, member) in more.as_object().into_iter().flatten() {
        value[name] = member.clone();
    }
    Object::of(value).unwrap()
}

pub(crate) fn index(objects: &[Object]) -> Index {
    let mut index = Index::default();
    for object in objects {
        index.add(&Held::of_object(object).unwrap().sign(), Never::built_in()).unwrap();
    }
    index
}

pub(crate) fn writing() -> Writing {
    let at = time("2026-11-21T09:00:00Z");
    Writing { at, source: "partner".into(), method: "castellan test", legacy: true }
}

pub(crate) fn rows(objects: &[Object]) -> Rows {
    let mut rows = Rows::default();
    objects.iter().for_each(|object| drop(rows.add(object, &writing())));
    rows
}

/// The columns of a table, as they are documented.
pub(crate) fn columns(table: &str) -> Vec<Column> {
    let table = Catalog::built_in().table(table).unwrap();
    table.columns().list.iter().map(|column| Column::new(column.name.clone(), column.scalar_type)).collect()
}

/// Adds rows to a table with its documented columns; all members have to be columns of it.
pub(crate) fn add(events: &mut Memory, table: &str, rows: &[Value]) {
    let columns = columns(table);
    let rows: JsonRows = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    for name in rows.iter().flat_map(|row| row.keys()) {
        // `AzureDiagnostics` has whatever services add to it.
        let is_known = table == "AzureDiagnostics"
            || name == "_TimeReceived"
            || columns.iter().any(|column| *column.name == **name);
        assert!(is_known, "`{table}` has no column `{name}`");
    }
    events.add_json(table, columns, &rows).unwrap();
}
