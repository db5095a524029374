//! The definitions of `content/baselines`: each binds, passes its examples, and fills tables that are declared.

use std::collections::BTreeSet;

use castellan_base::Sources;
use castellan_baseline::definition::{Loaded, built_in, read};
use castellan_baseline::{ANOMALIES, BASELINES, BEHAVIOR, PEERS, Rows, State, examples};
use castellan_detect::run::{Events, Memory};
use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;

use crate::support::{TEXT, activity, calls, end_of, start, time};

fn loaded() -> Loaded {
    let mut sources = Sources::default();
    let loaded = built_in(&mut sources);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    loaded
}

fn columns(table: &str) -> Vec<Column> {
    let known = Catalog::built_in().table(table);
    let list = known.map(|table| table.columns().list.to_vec()).unwrap_or_default();
    list.iter().map(|column| Column::new(column.name.clone(), column.scalar_type)).collect()
}

/// Tables that queries read beside those whose rows they count.
const BESIDE: [&str; 2] = ["IdentityInfo", "ApiManagementGatewayLogs"];

#[tokio::test]
async fn every_definition_passes_its_examples() {
    let mut faults = Vec::new();
    for definition in &loaded().definitions {
        let mut has_found = false;
        let mut has_near_miss = false;
        for example in &definition.examples {
            let is_unusual = example.expect.iter().any(|expected| expected.verdict == "Unusual");
            has_found |= is_unusual;
            has_near_miss |= !is_unusual;
            let mut events = Memory::default();
            let beside = BESIDE.iter().map(|table| (*table).to_owned());
            for table in definition.tables.iter().cloned().chain(beside).collect::<BTreeSet<_>>() {
                let rows = example.rows(&table).unwrap();
                events.add_json(&table, columns(&table), &rows).unwrap();
            }
            let engine = events.engine(time("2026-11-21T10:00:00Z")).await.unwrap();
            match examples::test(definition, example, &engine).await {
                Ok(found) => {
                    faults.extend(found.iter().map(|f| format!("{}: {}: {f}", definition.id, example.name)));
                }
                Err(error) => faults.push(format!("{}: {}: {error}", definition.id, example.name)),
            }
        }
        if !has_found || !has_near_miss {
            faults.push(format!(
                "{}: needs an example that finds something and one that must not",
                definition.id
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn there_are_definitions_for_each_type_of_actor() {
    let definitions = loaded().definitions;
    let types: BTreeSet<&str> = definitions.iter().map(|one| one.actor.as_str()).collect();
    for wanted in ["User", "ServicePrincipal", "ManagedIdentity", "Agent", "Tool", "Key"] {
        assert!(types.contains(wanted), "{wanted}");
    }
    assert!(definitions.len() >= 14, "{}", definitions.len());
}

#[test]
fn rows_have_columns_that_are_declared() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    let mut rows = Rows::default();
    for day in 0..30 {
        let mut activities = Vec::new();
        for actor in 0..12 {
            let name = format!("a{actor}");
            for (hour, tool) in [(9, "search"), (10, "mail"), (11, "files")] {
                activities.push(activity(day * 1440 + hour * 60, &name, tool, "NL", 500));
            }
        }
        if day == 29 {
            activities.push(activity(day * 1440 + 180, "a1", "shell", "KP", 90_000));
        }
        rows.append(
            state.take(&definition, activities, end_of(day), &castellan_baseline::Bounds::default()).rows,
        );
    }
    for table in [BASELINES, BEHAVIOR, ANOMALIES, PEERS] {
        let known: BTreeSet<String> = columns(table).iter().map(|column| column.name.to_string()).collect();
        assert!(!rows.of(table).is_empty(), "{table}");
        for row in rows.of(table) {
            let unknown: Vec<&String> = row.keys().filter(|name| !known.contains(*name)).collect();
            assert!(unknown.is_empty(), "{table}: {unknown:?}");
        }
    }
    let unusual: Vec<_> =
        rows.of(BEHAVIOR).iter().filter(|row| row["ActivityInsights"]["Verdict"] == "Unusual").collect();
    assert_eq!(unusual.len(), 2, "the new values, and the volume: {unusual:#?}");
    assert!(unusual.iter().any(|row| row["InvestigationPriority"] == 10), "{unusual:#?}");
}

#[test]
fn what_is_no_definition_is_told() {
    let wrong = [
        ("id: calls", "id: Calls!", "`id` has"),
        ("tables: [Calls]", "tables: []", "`tables` names no table"),
        ("kind: tool", "kind: spoon", "unknown variant"),
        ("hours: true", "minutes: true", "unknown field `minutes`"),
        ("column: Country", "column: Tool", "each of a column of its own"),
        ("hours: true", "retention: { days: 0 }", "`retention` is"),
        ("hours: true", "history: { days: 200 }", "`history.days` is"),
        ("name: Calls", "name: [", ""),
    ];
    for (from, to, expected) in wrong {
        let error = read("r.yaml", &TEXT.replacen(from, to, 1), &mut Sources::default()).unwrap_err();
        assert!(error.message.contains(expected), "{to}: {}", error.message);
    }
}
