//! Rows against the schemas of their tables.

use std::collections::HashSet;
use std::fmt;

use castellan_base::Ticks;
use castellan_ingest::Taken;
use castellan_kql::ScalarType;
use castellan_kql::schema::Catalog;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub(crate) fn received() -> Ticks {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// The rows of a table; all rows of all tables are held against their schemas.
pub(crate) fn rows(taken: &Taken, table: &str) -> Vec<Value> {
    fits(taken);
    let rows = taken.rows.iter().filter(|rows| rows.table == table);
    rows.flat_map(|rows| lines(&rows.lines)).collect()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("rows are UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Every column is one of the table and stands once, with a value of its type.
pub(crate) fn fits(taken: &Taken) {
    for rows in &taken.rows {
        let table =
            Catalog::built_in().table(&rows.table).unwrap_or_else(|| panic!("no table {}", rows.table));
        let read = lines(&rows.lines);
        for line in rows.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<Unique>(line).unwrap_or_else(|error| panic!("{}: {error}", rows.table));
        }
        assert_eq!(read.len(), rows.count, "{}", rows.table);
        for row in read {
            let row = row.as_object().expect("a row is an object");
            assert!(row.contains_key("TimeGenerated"), "{}: {row:?}", rows.table);
            for (name, value) in row {
                let Some(column) = table.column(name) else {
                    assert!(table.columns().is_open, "{}.{name} is no column", rows.table);
                    continue;
                };
                assert!(
                    is_of(value, column.scalar_type),
                    "{}.{name}: {value} is no {:?}",
                    rows.table,
                    column.scalar_type
                );
            }
        }
    }
}

/// A value in which no object has a key twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Unique;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
                while items.next_element::<Unique>()?.is_some() {}
                Ok(Unique)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
                let mut seen = HashSet::new();
                while let Some((key, _)) = members.next_entry::<String, Unique>()? {
                    if let Some(key) = seen.replace(key) {
                        return Err(de::Error::custom(format!("the key `{key}` stands twice")));
                    }
                }
                Ok(Unique)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn is_of(value: &Value, scalar_type: ScalarType) -> bool {
    match scalar_type {
        ScalarType::String | ScalarType::Guid => value.is_string(),
        ScalarType::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ScalarType::Long => value.is_i64(),
        ScalarType::Real => value.is_number(),
        ScalarType::Bool => value.is_boolean(),
        ScalarType::DateTime => value.as_str().is_some_and(|text| {
            text.len() == 28 && text.parse::<Ticks>().is_ok_and(|ticks| ticks.to_string() == text)
        }),
        ScalarType::Dynamic => true,
        _ => false,
    }
}
