//! Rows that are taken away, as the purge of a workspace does it. Source: Azure Monitor, `Workspace Purge`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Place, Service, json_of};

/// Purges whose state is known.
const KNOWN: usize = 1_000;
/// Conditions of one purge.
const MOST: usize = 100;

/// What became of purges, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Purges(Arc<Mutex<VecDeque<(String, State)>>>);

#[derive(Clone, Debug)]
enum State {
    Pending,
    Completed(u64),
    Failed(String),
}

impl Purges {
    fn set(&self, id: &str, state: State) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.iter_mut().find(|(name, _)| name == id) {
            Some((_, known)) => *known = state,
            None => known.push_back((id.to_owned(), state)),
        }
        while known.len() > KNOWN {
            known.pop_front();
        }
    }

    fn get(&self, id: &str) -> Option<State> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(name, _)| name == id).map(|(_, state)| state.clone())
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    table: String,
    filters: Vec<Filter>,
}

/// A condition; all of a purge have to hold.
#[derive(Debug, Deserialize)]
struct Filter {
    column: String,
    operator: String,
    value: Value,
    /// The member of a dynamic column.
    #[serde(default)]
    key: Option<String>,
}

pub(super) async fn begin(
    service: &Service,
    place: &Place<'_>,
    request: Request,
) -> Result<Response, Failure> {
    let (asked, _place) = service.gate.read::<Asked>(request, StatusCode::BAD_REQUEST).await?;
    let schema = service.lake.schema(&asked.table)?;
    if asked.filters.is_empty() || asked.filters.len() > MOST {
        let message =
            format!("`filters` has {} conditions; from 1 to {MOST} there may be", asked.filters.len());
        return Err(Failure::bad(message));
    }
    let conditions = asked.filters.iter().map(|filter| condition(filter, schema.columns()));
    let condition = conditions.collect::<Result<Vec<_>, _>>()?.join(" and ");
    let id = format!("purge-{}", uuid::Uuid::now_v7());
    service.purges.set(&id, State::Pending);
    let (work, name) = (service.clone(), id.clone());
    tokio::spawn(async move {
        let state = match work.lake.delete(&asked.table, &condition).await {
            Ok(deleted) => State::Completed(deleted.rows),
            Err(error) => State::Failed(error.to_string()),
        };
        work.purges.set(&name, state);
    });
    let mut response = (StatusCode::ACCEPTED, Json(json!({ "operationId": id }))).into_response();
    let at = format!("{}/operations/{id}?api-version=2025-07-01", place.id);
    if let Ok(at) = HeaderValue::from_str(&at) {
        response.headers_mut().insert("x-ms-status-location", at);
    }
    Ok(response)
}

pub(super) fn state(service: &Service, id: &str) -> Result<Response, Failure> {
    let unknown = || Failure::missing("there is no such purge, or it is too long ago");
    Ok(json_of(&match service.purges.get(id).ok_or_else(unknown)? {
        State::Pending => json!({ "status": "pending" }),
        State::Completed(rows) => json!({ "status": "completed", "rows": rows }),
        State::Failed(message) => json!({ "status": "failed", "message": message }),
    }))
}

/// Operators that take a list.
const OF_LISTS: [&str; 3] = ["in", "in~", "between"];
/// Operators that take a value. Source: Azure Monitor, `Workspace Purge`.
const OF_VALUES: [&str; 6] = ["==", "=~", ">", ">=", "<", "<="];

/// A filter in KQL. Names and values are quoted, so that they are never read as anything else.
fn condition(filter: &Filter, columns: &[Column]) -> Result<String, Failure> {
    let unknown = || Failure::bad(format!("the table has no column `{}`", filter.column));
    let column = columns.iter().find(|column| *column.name == *filter.column).ok_or_else(unknown)?;
    let name = format!("['{}']", column.name);
    let (left, kind) = match (&filter.key, column.scalar_type) {
        (Some(key), ScalarType::Dynamic) => {
            (format!("tostring({name}[{}])", quoted(key)), ScalarType::String)
        }
        (Some(_), _) => {
            return Err(Failure::bad(format!("`{}` is not dynamic and has no keys", column.name)));
        }
        (None, ScalarType::Dynamic) => (format!("tostring({name})"), ScalarType::String),
        (None, kind) => (name, kind),
    };
    let operator = filter.operator.trim();
    if OF_VALUES.contains(&operator) {
        return Ok(format!("({left} {operator} {})", literal(&filter.value, kind, column)?));
    }
    if !OF_LISTS.contains(&operator) {
        let known = OF_VALUES.iter().chain(&OF_LISTS).copied().collect::<Vec<_>>().join(", ");
        return Err(Failure::bad(format!("`{operator}` is no operator of a filter; those are {known}")));
    }
    let list = || Failure::bad(format!("`{operator}` takes a list"));
    let values = filter.value.as_array().filter(|values| !values.is_empty()).ok_or_else(list)?;
    let values = values.iter().map(|value| literal(value, kind, column)).collect::<Result<Vec<_>, _>>()?;
    match (operator, values.as_slice()) {
        ("between", [low, high]) => Ok(format!("({left} between ({low} .. {high}))")),
        ("between", _) => Err(Failure::bad("`between` takes a list of two values")),
        _ => Ok(format!("({left} {operator} ({}))", values.join(", "))),
    }
}

/// A value as a constant of KQL.
fn literal(value: &Value, kind: ScalarType, column: &Column) -> Result<String, Failure> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => {
            return Err(Failure::bad(format!("the value for `{}` is no text, number or truth", column.name)));
        }
    };
    let cast = match kind {
        ScalarType::String | ScalarType::Dynamic => return Ok(quoted(&text)),
        ScalarType::Bool => "tobool",
        ScalarType::Int => "toint",
        ScalarType::Long => "tolong",
        ScalarType::Real => "toreal",
        ScalarType::Decimal => "todecimal",
        ScalarType::DateTime => "todatetime",
        ScalarType::TimeSpan => "totimespan",
        ScalarType::Guid => "toguid",
    };
    Ok(format!("{cast}({})", quoted(&text)))
}

/// A text as KQL writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            character if (character as u32) < 0x20 || character == '\u{7f}' => {
                quoted.push_str(&format!("\\u{:04x}", character as u32));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("User", ScalarType::String),
            Column::new("Count", ScalarType::Long),
            Column::new("Time", ScalarType::DateTime),
            Column::new("Bag", ScalarType::Dynamic),
        ]
    }

    fn said(filter: Value) -> Result<String, Failure> {
        condition(&serde_json::from_value(filter).unwrap(), &columns())
    }

    #[test]
    fn filters_are_conditions() {
        for (filter, expected) in [
            (json!({ "column": "User", "operator": "==", "value": "a\"b\\" }), r#"(['User'] == "a\"b\\")"#),
            (
                json!({ "column": "User", "operator": "in~", "value": ["a", "b"] }),
                r#"(['User'] in~ ("a", "b"))"#,
            ),
            (json!({ "column": "Count", "operator": ">", "value": 3 }), r#"(['Count'] > tolong("3"))"#),
            (
                json!({ "column": "Time", "operator": "between", "value": ["2026-01-01", "2026-01-02"] }),
                r#"(['Time'] between (todatetime("2026-01-01") .. todatetime("2026-01-02")))"#,
            ),
            (
                json!({ "column": "Bag", "operator": "==", "value": "x", "key": "a'b" }),
                r#"(tostring(['Bag']["a'b"]) == "x")"#,
            ),
            (json!({ "column": "User", "operator": "==", "value": "a\nb" }), r#"(['User'] == "a\u000ab")"#),
        ] {
            assert_eq!(said(filter).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for filter in [
            json!({ "column": "Nobody", "operator": "==", "value": 1 }),
            json!({ "column": "User", "operator": "has", "value": "a" }),
            json!({ "column": "User", "operator": "== '' or 1 ==", "value": "a" }),
            json!({ "column": "User", "operator": "in", "value": "a" }),
            json!({ "column": "User", "operator": "in", "value": [] }),
            json!({ "column": "User", "operator": "between", "value": ["a"] }),
            json!({ "column": "User", "operator": "==", "value": {} }),
            json!({ "column": "User", "operator": "==", "value": "a", "key": "k" }),
        ] {
            assert!(said(filter.clone()).is_err(), "{filter}");
        }
    }
}
