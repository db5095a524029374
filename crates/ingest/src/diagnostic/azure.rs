//! `AzureDiagnostics`: one table for every service, whose columns are named after what they hold.
//!
//! Members of the common schema have columns of their own. Those of `properties` and any others are flattened: steps are
//! joined by `_`, whatever is no letter or digit becomes `_`, and the end tells the type: `_s` a text, `_d` a number,
//! `_b` a truth value, `_t` a time, `_g` a GUID. Members of `properties` lead without its name, those of other objects
//! with theirs; `properties` that is a text stays one, as `properties_s`.

use castellan_base::Ticks;
use serde_json::{Map, Value};

use super::ColumnType;
use super::resource::Resource;
use super::shape;
use crate::json::Object;
use crate::problem::{ProblemKind, Problems};

/// Most flattened columns of a row. Source: Azure Monitor, 500 columns of `AzureDiagnostics`.
const MAX_COLUMNS: usize = 500;
/// Deepest object whose members become columns; what is below stands in one as JSON.
const MAX_LEVELS: usize = 8;

/// Members of the common schema and their columns.
const COMMON: [(&str, &str, ColumnType); 12] = [
    ("operationName", "OperationName", ColumnType::Text),
    ("operationVersion", "OperationVersion", ColumnType::Text),
    ("category", "Category", ColumnType::Text),
    ("resultType", "ResultType", ColumnType::Text),
    ("resultSignature", "ResultSignature", ColumnType::Text),
    ("resultDescription", "ResultDescription", ColumnType::Text),
    ("durationMs", "DurationMs", ColumnType::Long),
    ("callerIpAddress", "CallerIPAddress", ColumnType::Text),
    ("correlationId", "CorrelationId", ColumnType::Text),
    ("level", "Level", ColumnType::Text),
    ("message", "Message", ColumnType::Text),
    ("resourceType", "ResourceType", ColumnType::Text),
];

/// Columns of a row, in order; of two with one name the first counts.
struct Cells<'p> {
    all: Vec<(String, Vec<u8>)>,
    problems: &'p mut Problems,
}

pub(super) fn write(
    out: &mut Vec<u8>,
    record: &Map<String, Value>,
    resource: &Resource,
    time: Ticks,
    problems: &mut Problems,
) {
    let mut cells = Cells { all: Vec::new(), problems };
    for (name, value) in record {
        let common = COMMON.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name));
        if let Some((_, column, kind)) = common {
            if !cells.add((*column).to_owned(), value, *kind) && !value.is_null() {
                // A duration as a text in words, say, keeps its place among the columns that are named after types.
                cells.flatten(name, value, 0);
            }
        } else if name.eq_ignore_ascii_case("properties") {
            match value {
                Value::Object(members) => cells.members("", members, 0),
                other => cells.flatten(name, other, 0),
            }
        } else if !["time", "resourceId"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            cells.flatten(name, value, 0);
        }
    }
    for (column, text) in
        resource.columns().into_iter().filter(|(column, _)| *column != "ResourceProviderValue")
    {
        cells.add(column.to_owned(), &Value::String(text), ColumnType::Text);
    }
    let mut row = Object::begin(out);
    row.time("TimeGenerated", time);
    row.text("_ResourceId", &resource.lower);
    row.text("_SubscriptionId", &resource.subscription);
    row.text("SourceSystem", "Azure");
    for (name, cell) in &cells.all {
        row.raw(name, cell);
    }
    row.end();
}

impl Cells<'_> {
    /// Adds a column; false where the value does not fit.
    fn add(&mut self, name: String, value: &Value, kind: ColumnType) -> bool {
        if value.is_null() {
            return true;
        }
        if self.all.len() >= MAX_COLUMNS {
            self.problems.tell(ProblemKind::TooManyColumns(MAX_COLUMNS));
            return true;
        }
        if self.all.iter().any(|(known, _)| *known == name) {
            return true;
        }
        let mut cell = Vec::new();
        let fits = shape::write(&mut cell, value, kind, self.problems);
        if fits {
            self.all.push((name, cell));
        }
        fits
    }

    fn members(&mut self, prefix: &str, members: &Map<String, Value>, level: usize) {
        for (name, value) in members {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}_{name}") };
            self.flatten(&name, value, level);
        }
    }

    fn flatten(&mut self, name: &str, value: &Value, level: usize) {
        match value {
            Value::Object(members) if level < MAX_LEVELS => self.members(name, members, level + 1),
            _ => {
                let (ending, kind) = ending(value);
                let column = format!("{}{ending}", column(name));
                self.add(column, value, kind);
            }
        }
    }
}

fn ending(value: &Value) -> (&'static str, ColumnType) {
    match value {
        Value::Bool(_) => ("_b", ColumnType::Bool),
        Value::Number(_) => ("_d", ColumnType::Real),
        Value::String(text) if is_guid(text) => ("_g", ColumnType::Text),
        Value::String(text) if is_time(text) => ("_t", ColumnType::Time),
        _ => ("_s", ColumnType::Text),
    }
}

/// Letters and digits, and one `_` for whatever is between them.
fn column(name: &str) -> String {
    let mut column = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            column.push(character);
        } else if !column.ends_with('_') {
            column.push('_');
        }
        if column.len() >= 120 {
            break;
        }
    }
    column
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Times after ISO 8601 with a clock; a date alone is a text.
fn is_time(text: &str) -> bool {
    text.len() >= 19 && text.as_bytes().get(10) == Some(&b'T') && text.parse::<Ticks>().is_ok()
}
