//! Rows as JSON, in the ways that services of Azure write them.

use castellan_kql::plan::Field;
use castellan_kql::value::{Dynamic, format_datetime};
use castellan_kql::{ScalarType, Value};
use castellan_query::{Answer, Cut, physical};
use serde_json::{Map, Value as Json};

use super::Fault;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Azure Monitor's logs: times without idle digits, dynamic values as text.
    LogAnalytics,
    /// Kusto: times with seven digits, dynamic values as they are.
    Kusto,
    /// Resource Graph and MCP: plain JSON.
    Plain,
}

/// Rows that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many.
    pub(crate) rows: usize,
    /// Why there are not more.
    pub(crate) cut: Option<Cut>,
}

/// Writes the rows of an answer as a list of lists, as long as `out` has no more than `most` bytes.
///
/// Errors: an answer whose arrays are not what its columns say.
pub(crate) fn write_rows(
    out: &mut String,
    answer: &Answer,
    style: Style,
    most: usize,
) -> Result<Written, Fault> {
    let mut written = Written { rows: 0, cut: answer.cut };
    out.push('[');
    'batches: for batch in &answer.batches {
        // A piece at a time: values take more memory than the arrays that they are in.
        for start in (0..batch.num_rows()).step_by(PIECE) {
            let piece = batch.slice(start, PIECE.min(batch.num_rows() - start));
            for row in physical::rows(&piece, &answer.columns).map_err(castellan_query::Error::from)? {
                let before = out.len();
                if written.rows > 0 {
                    out.push(',');
                }
                write_row(out, &row, &answer.columns, style);
                if out.len() > most {
                    out.truncate(before);
                    written.cut = Some(Cut::Bytes);
                    break 'batches;
                }
                written.rows += 1;
            }
        }
    }
    out.push(']');
    Ok(written)
}

/// How many rows are taken out of their arrays at once.
const PIECE: usize = 1_024;

fn write_row(out: &mut String, row: &[Value], columns: &[Field], style: Style) {
    out.push('[');
    for (at, (value, column)) in row.iter().zip(columns).enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&value_of(value, column.scalar_type, style).to_string());
    }
    out.push(']');
}

/// A row as an object. Of columns that share a name, the last stays.
pub(crate) fn object(row: &[Value], columns: &[Field], style: Style) -> Json {
    let members: Map<String, Json> = row
        .iter()
        .zip(columns)
        .map(|(value, column)| (column.name.to_string(), value_of(value, column.scalar_type, style)))
        .collect();
    Json::Object(members)
}

/// A value of a column.
pub(crate) fn value_of(value: &Value, scalar_type: ScalarType, style: Style) -> Json {
    match value {
        // There are no null texts.
        Value::Null if scalar_type == ScalarType::String => Json::from(""),
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::from(*flag),
        Value::Int(number) => Json::from(*number),
        Value::Long(number) => Json::from(*number),
        Value::Real(number) => real(*number),
        Value::String(text) => Json::from(&**text),
        Value::DateTime(ticks) if style == Style::LogAnalytics => Json::from(short_time(*ticks)),
        Value::Dynamic(dynamic) if style == Style::LogAnalytics => match &**dynamic {
            Dynamic::Null => Json::Null,
            _ => Json::from(value.to_text()),
        },
        Value::Dynamic(dynamic) => plain(dynamic),
        Value::Decimal(_) | Value::DateTime(_) | Value::TimeSpan(_) | Value::Guid(_) => {
            Json::from(value.to_text())
        }
    }
}

/// JSON has no word for what is no number, and services write it as text.
fn real(number: f64) -> Json {
    if number.is_nan() {
        return Json::from("NaN");
    }
    if number.is_infinite() {
        return Json::from(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    Json::from(number)
}

fn plain(dynamic: &Dynamic) -> Json {
    match dynamic {
        Dynamic::Null => Json::Null,
        Dynamic::Bool(flag) => Json::from(*flag),
        Dynamic::Long(number) => Json::from(*number),
        Dynamic::Real(number) => real(*number),
        Dynamic::String(text) => Json::from(&**text),
        Dynamic::Array(items) => Json::Array(items.iter().map(plain).collect()),
        Dynamic::Bag(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect())
        }
        Dynamic::DateTime(_) | Dynamic::TimeSpan(_) | Dynamic::Guid(_) => {
            Json::from(dynamic.to_value().to_text())
        }
    }
}

/// `2026-01-02T03:04:05Z`, with as many digits of a second as say something.
fn short_time(ticks: i64) -> String {
    let long = format_datetime(ticks);
    let short = long.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    // A time without a fraction keeps the zeros of its seconds.
    let seconds = "0000-00-00T00:00:00".len();
    let short = if short.len() < seconds { long.get(..seconds).unwrap_or(short) } else { short };
    format!("{short}Z")
}

/// Columns as `{name, type}`.
pub(crate) fn columns(columns: &[Field]) -> Vec<Json> {
    columns
        .iter()
        .map(|column| serde_json::json!({ "name": &*column.name, "type": column.scalar_type.name() }))
        .collect()
}

/// The name of a type in the language, and that of .NET, which Kusto says beside it.
pub(crate) fn type_names(scalar_type: ScalarType) -> (&'static str, &'static str) {
    let dotnet = match scalar_type {
        ScalarType::Bool => "SByte",
        ScalarType::Int => "Int32",
        ScalarType::Long => "Int64",
        ScalarType::Real => "Double",
        ScalarType::Decimal => "SqlDecimal",
        ScalarType::String => "String",
        ScalarType::DateTime => "DateTime",
        ScalarType::TimeSpan => "TimeSpan",
        ScalarType::Guid => "Guid",
        ScalarType::Dynamic => "Object",
    };
    (scalar_type.name(), dotnet)
}

#[cfg(test)]
mod tests {
    use castellan_kql::value::parse_datetime;
    use castellan_kql::{ScalarType, Value};
    use serde_json::json;

    use super::{Style, short_time, value_of};

    #[test]
    fn times() {
        for (text, short) in [
            ("2026-01-02T03:04:05.5", "2026-01-02T03:04:05.5Z"),
            ("2026-01-02T03:04:00", "2026-01-02T03:04:00Z"),
            ("2026-01-02T00:00:00.1234567", "2026-01-02T00:00:00.1234567Z"),
            ("2000-10-20", "2000-10-20T00:00:00Z"),
        ] {
            assert_eq!(parse_datetime(text).map(short_time).as_deref(), Some(short));
        }
    }

    #[test]
    fn what_json_has_no_word_for() {
        let real = |number| value_of(&Value::Real(number), ScalarType::Real, Style::Kusto);
        assert_eq!(real(f64::NAN), json!("NaN"));
        assert_eq!(real(f64::INFINITY), json!("Infinity"));
        assert_eq!(real(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(real(0.5), json!(0.5));
        assert_eq!(value_of(&Value::Null, ScalarType::String, Style::Plain), json!(""));
    }
}
