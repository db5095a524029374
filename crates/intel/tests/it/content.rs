//! What `content/intel` says is so.

use std::collections::BTreeSet;

use castellan_intel::matching::{LIVE, Never, Places, RETRO, rule};
use castellan_kql::ScalarType;
use castellan_kql::schema::Catalog;

#[test]
fn every_place_is_a_column() {
    let text = include_str!("../../../../content/intel/observables.csv");
    let places = Places::read(text).unwrap();
    let mut count = 0;
    for table in places.tables() {
        let known = Catalog::built_in().table(table).unwrap_or_else(|| panic!("there is no table `{table}`"));
        for place in places.of(table) {
            let column = known.columns().list.iter().find(|column| column.name == place.column);
            let column = column.unwrap_or_else(|| panic!("`{table}` has no column `{}`", place.column));
            let is_read = matches!(column.scalar_type, ScalarType::String | ScalarType::Dynamic);
            assert!(is_read, "`{table}.{}` is no text", place.column);
            count += 1;
        }
    }
    let tables: Vec<_> = places.tables().collect();
    assert!(tables.len() > 200 && count > 900, "{} tables, {count} columns", tables.len());
    let lines: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let blocks = lines.chunk_by(|one, other| one == other).count();
    assert_eq!(blocks, lines.iter().collect::<BTreeSet<_>>().len(), "the lines of a table stand together");
}

#[test]
fn what_is_never_matched_is_read() {
    Never::read(include_str!("../../../../content/intel/never.csv")).unwrap();
    assert!(Never::read("kind,value,why\nip,x,y\n").is_err());
    assert!(Never::read("kind,value,why\nfish,x,y\n").is_err());
}

#[test]
fn the_rules_are_there() {
    for id in [LIVE, RETRO] {
        let rule = rule(id).unwrap();
        assert!(rule.enabled && rule.incident.create && rule.incident.grouped, "{id}");
    }
}
