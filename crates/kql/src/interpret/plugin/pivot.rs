//! `pivot`: the values of a column become columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use super::Call;
use crate::aggregates::Accumulator;
use crate::bind::{Names, pivot_keys};
use crate::interpret::{Result, Row, failure};
use crate::plan::{Aggregate, AggregateFunction, Field, Plan, Plugin, PluginValue, ScalarKind, typed};
use crate::value::{Key, ScalarType, Value};

/// The most columns that data may make.
const MOST_COLUMNS: usize = 4096;

/// What is computed for the columns of a row.
type Cells = HashMap<Arc<str>, Box<dyn Accumulator>>;

/// The position of the column that is turned.
fn turned(plugin: &Plugin) -> usize {
    match plugin.scalars("column").next().map(|scalar| &scalar.kind) {
        Some(ScalarKind::Column(at)) => *at,
        _ => usize::MAX,
    }
}

/// What is computed for each cell: `count()` where nothing is said.
fn aggregate(plugin: &Plugin) -> Aggregate {
    let given = plugin.arguments.iter().find_map(|argument| match &argument.value {
        PluginValue::Aggregate(aggregate) => Some(aggregate.clone()),
        _ => None,
    });
    given.unwrap_or_else(|| Aggregate {
        function: AggregateFunction::Count,
        arguments: Vec::new(),
        filter: None,
        outputs: vec![Field::new("count_", ScalarType::Long)],
    })
}

/// The column of each value of the one that is turned, in order of the values' texts.
fn names(keys: &[Field], rows: &[Row], at: usize) -> Result<BTreeMap<String, Arc<str>>> {
    let mut values: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for value in rows.iter().filter_map(|row| row.get(at)) {
        values.entry(value.to_text()).or_insert_with(|| "".into());
        if values.len() > MOST_COLUMNS {
            let message = format!("`pivot` would make more than {MOST_COLUMNS} columns");
            return Err(failure("too-many-columns", message));
        }
    }
    let mut names = Names::with(keys.iter().map(|field| Arc::clone(&field.name)));
    for (text, name) in &mut values {
        *name = names.or_numbered(Some(text.as_str()).filter(|text| !text.is_empty()));
    }
    Ok(values)
}

/// The keys, and a column for each value.
pub(super) fn columns(input: &Plan, plugin: &Plugin, rows: &[Row]) -> Result<Vec<Field>> {
    let mut fields = pivot_keys(input, plugin);
    let scalar_type = aggregate(plugin).outputs.first().map_or(ScalarType::Long, |field| field.scalar_type);
    let names = names(&fields, rows, turned(plugin))?;
    fields.extend(names.into_values().map(|name| Field::new(name, scalar_type)));
    Ok(fields)
}

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let at = turned(call.plugin);
    let keys = pivot_keys(call.input, call.plugin);
    let places: Vec<usize> = keys.iter().filter_map(|field| call.input.position(&field.name)).collect();
    let names = names(&keys, &rows, at)?;
    let ready = call.run.ready_call(&aggregate(call.plugin))?;
    let mut groups: IndexMap<Vec<Key>, (Row, Cells)> = IndexMap::new();
    for row in &rows {
        let group: Row = places.iter().map(|place| row.get(*place).cloned().unwrap_or_default()).collect();
        let key = group.iter().map(Key::of).collect();
        let (_, cells) = groups.entry(key).or_insert_with(|| (group, HashMap::new()));
        let Some(name) = row.get(at).and_then(|value| names.get(&value.to_text())) else { continue };
        let cell = cells.entry(Arc::clone(name)).or_insert_with(|| ready.accumulator());
        call.run.update(&ready, cell.as_mut(), row);
    }
    call.run.count(groups.len().saturating_mul(call.plan.columns.len()))?;
    let nothing = of_nothing(call.plugin);
    let row = |(group, cells): (Row, Cells)| -> Row {
        let cell = |field: &Field| {
            if let Some(key) = keys.iter().position(|key| key.name == field.name) {
                return group.get(key).cloned().unwrap_or_default();
            }
            let value = cells.get(&field.name).and_then(|cell| cell.finish().into_iter().next());
            typed(value.unwrap_or_else(|| nothing.clone()), field.scalar_type)
        };
        call.plan.columns.iter().map(cell).collect()
    };
    Ok(groups.into_values().map(row).collect())
}

/// What a cell holds that no row came to: a count or a sum of nothing is 0, all else is missing.
fn of_nothing(plugin: &Plugin) -> Value {
    match aggregate(plugin).function {
        AggregateFunction::Count
        | AggregateFunction::CountDistinct
        | AggregateFunction::Dcount
        | AggregateFunction::Sum => Value::Long(0),
        _ => Value::Null,
    }
}
