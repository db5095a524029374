//! Rules and events for tests.

use castellan_base::{Sources, Ticks};
use castellan_detect::rule::Rule;
use castellan_detect::rule::read::read;
use castellan_detect::run::{Memory, Rows};
use serde_json::json;

pub(crate) fn time(text: &str) -> Ticks {
    text.parse().unwrap()
}

pub(crate) fn now() -> Ticks {
    time("2026-11-21T10:00:00Z")
}

/// A rule that runs each hour over an hour, unless `extra` says something else.
pub(crate) fn rule(extra: &str, query: &str) -> Rule {
    let mut text =
        "id: 1b7e3c1c-0000-4000-8000-000000000001\nname: Test\nkind: Scheduled\nseverity: Low\n".to_owned();
    for line in ["queryFrequency: 1h", "queryPeriod: 1h", "triggerOperator: gt", "triggerThreshold: 0"] {
        let name = line.split(':').next().unwrap();
        if !extra.contains(name) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(extra);
    text.push_str(&format!("query: {}\n", serde_json::to_string(query).unwrap()));
    let text = if extra.contains("kind:") { text.replace("kind: Scheduled\n", "") } else { text };
    let mut loaded = read("rule.yaml", &text, &mut Sources::default());
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:?}", loaded.diagnostics);
    loaded.rules.remove(0)
}

/// Logons of a day in a table, each at a time and of a user.
pub(crate) fn logons(rows: &[(&str, &str)]) -> Memory {
    let rows: Rows = rows
        .iter()
        .map(|(time, user)| {
            let row =
                json!({ "TimeGenerated": format!("2026-11-21T{time}:00Z"), "User": user, "Ip": "10.0.0.5" });
            row.as_object().unwrap().clone()
        })
        .collect();
    let mut events = Memory::default();
    events.add_json("Logons", Vec::new(), &rows).unwrap();
    events
}
