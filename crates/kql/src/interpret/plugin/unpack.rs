//! `bag_unpack`: a column for each key.

use indexmap::IndexMap;

use super::super::Row;
use crate::bind::kept_columns;
use crate::plan::{Field, Plan, Plugin, ScalarKind};
use crate::value::{Dynamic, ScalarType, Value};

/// The position of the column that is unpacked.
fn unpacked(plugin: &Plugin) -> usize {
    match plugin.scalars("column").next().map(|scalar| &scalar.kind) {
        Some(ScalarKind::Column(at)) => *at,
        _ => usize::MAX,
    }
}

fn prefix(plugin: &Plugin) -> String {
    plugin.constant("OutputColumnPrefix").map(Value::to_text).unwrap_or_default()
}

/// Keys that get no column.
fn ignored(plugin: &Plugin) -> Vec<String> {
    let Some(Value::Dynamic(dynamic)) = plugin.constant("ignoredProperties") else { return Vec::new() };
    let items = dynamic.as_array().unwrap_or_default();
    items.iter().map(|item| item.to_value().to_text()).collect()
}

fn conflict(plugin: &Plugin) -> String {
    plugin.constant("columnsConflict").map_or_else(|| "error".to_owned(), Value::to_text)
}

/// The columns that stay, and one for each key with the type that all its values have: in order of their names.
pub(super) fn columns(input: &Plan, plugin: &Plugin, rows: &[Row]) -> Vec<Field> {
    let (at, prefix, ignored, conflict) =
        (unpacked(plugin), prefix(plugin), ignored(plugin), conflict(plugin));
    let mut types: IndexMap<String, Option<ScalarType>> = IndexMap::new();
    for row in rows {
        let Some(Value::Dynamic(dynamic)) = row.get(at) else { continue };
        let Dynamic::Bag(members) = &**dynamic else { continue };
        for (key, value) in members.iter().filter(|(key, _)| !ignored.iter().any(|name| **name == ***key)) {
            let found = value.to_value().scalar_type();
            let known = types.entry(format!("{prefix}{key}")).or_insert(found);
            *known = match (*known, found) {
                (None, other) | (other, None) => other,
                (Some(left), Some(right)) if left == right => Some(left),
                (Some(ScalarType::Long), Some(ScalarType::Real))
                | (Some(ScalarType::Real), Some(ScalarType::Long)) => Some(ScalarType::Real),
                _ => Some(ScalarType::Dynamic),
            };
        }
    }
    types.sort_keys();
    let mut fields = kept_columns(input, plugin);
    for (name, scalar_type) in types {
        let field = Field::new(name, scalar_type.unwrap_or(ScalarType::Dynamic));
        match fields.iter().position(|known| known.name == field.name) {
            None => fields.push(field),
            Some(at) if conflict == "replace_source" => {
                if let Some(known) = fields.get_mut(at) {
                    *known = field;
                }
            }
            Some(_) => {}
        }
    }
    fields
}

/// Whether the bag of some row has a key.
fn has_key(rows: &[Row], at: usize, key: Option<&str>) -> bool {
    let Some(key) = key else { return false };
    rows.iter().any(|row| matches!(row.get(at), Some(Value::Dynamic(dynamic)) if dynamic.get(key).is_some()))
}

/// The rows with the columns of the plan.
pub(super) fn rows(plan: &Plan, input: &Plan, plugin: &Plugin, rows: Vec<Row>) -> Vec<Row> {
    let (at, prefix) = (unpacked(plugin), prefix(plugin));
    // Columns that a key of any row replaces.
    let replaced: Vec<Field> = if conflict(plugin) == "replace_source" {
        let found = columns(input, plugin, &rows);
        found
            .into_iter()
            .filter(|field| has_key(&rows, at, field.name.strip_prefix(prefix.as_str())))
            .collect()
    } else {
        Vec::new()
    };
    let is_replaced = |field: &Field| replaced.iter().any(|known| known.name == field.name);
    let unpack = |row: &Row| -> Row {
        let members = match row.get(at) {
            Some(Value::Dynamic(dynamic)) => match &**dynamic {
                Dynamic::Bag(members) => Some(members),
                _ => None,
            },
            _ => None,
        };
        let value = |field: &Field| {
            let own =
                input.columns.iter().position(|column| column.name == field.name).filter(|own| *own != at);
            let member = field.name.strip_prefix(prefix.as_str()).and_then(|key| members?.get(key));
            match (own.and_then(|own| row.get(own)), member) {
                (Some(own), _) if !is_replaced(field) => own.clone(),
                (_, Some(member)) => crate::plan::typed(Value::dynamic(member.clone()), field.scalar_type),
                (_, None) => Value::empty(field.scalar_type),
            }
        };
        plan.columns.iter().map(value).collect()
    };
    rows.iter().map(unpack).collect()
}
