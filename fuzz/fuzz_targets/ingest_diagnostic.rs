//! Diagnostic logs: any bytes are refused or give rows that are JSON.
#![no_main]

use std::sync::OnceLock;

use castellan_base::Ticks;
use castellan_ingest::diagnostic::{ColumnType, Mapper};
use castellan_kql::ScalarType;
use castellan_kql::schema::Catalog;
use libfuzzer_sys::fuzz_target;

fn mapper() -> &'static Mapper {
    static MAPPER: OnceLock<Mapper> = OnceLock::new();
    MAPPER.get_or_init(|| {
        Mapper::new(|table| {
            let kind = |scalar_type| match scalar_type {
                ScalarType::Int => ColumnType::Int,
                ScalarType::Long => ColumnType::Long,
                ScalarType::Real | ScalarType::Decimal => ColumnType::Real,
                ScalarType::Bool => ColumnType::Bool,
                ScalarType::DateTime => ColumnType::Time,
                ScalarType::Dynamic => ColumnType::Dynamic,
                ScalarType::String | ScalarType::Guid | ScalarType::TimeSpan => ColumnType::Text,
            };
            let columns = &Catalog::built_in().table(table)?.columns().list;
            Some(columns.iter().map(|column| (column.name.to_string(), kind(column.scalar_type))).collect())
        })
    })
}

fuzz_target!(|bytes: &[u8]| {
    let received: Ticks = "2026-11-22T12:00:00Z".parse().unwrap();
    let Ok(taken) = mapper().take(bytes, received) else { return };
    for rows in &taken.rows {
        for line in std::str::from_utf8(&rows.lines).unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
});
