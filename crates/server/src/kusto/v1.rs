//! Answers of version 1: a list of tables, the results first and a table of contents last.

use castellan_query::Cut;
use serde_json::{Value as Json, json};

use super::failure::partial;
use crate::queries::{Answered, Fault, Style, type_names, write_rows};

/// A table that is not a result.
pub(super) struct Small {
    /// Name and type of each column.
    pub(super) columns: Vec<(&'static str, castellan_kql::ScalarType)>,
    pub(super) rows: Vec<Vec<Json>>,
}

impl Small {
    fn write(&self, name: &str) -> String {
        let columns: Vec<Json> = self.columns.iter().map(|(name, of)| column(name, *of)).collect();
        json!({ "TableName": name, "Columns": columns, "Rows": self.rows }).to_string()
    }
}

fn column(name: &str, of: castellan_kql::ScalarType) -> Json {
    let (own, dotnet) = type_names(of);
    json!({ "ColumnName": name, "DataType": dotnet, "ColumnType": own })
}

/// The body of the answer to a command: one table.
pub(super) fn command(table: &Small) -> String {
    format!(r#"{{"Tables":[{}]}}"#, table.write("Table_0"))
}

/// The body of an answer.
///
/// Errors: arrays that are not what their columns say.
pub(super) fn write(answered: &Answered, most: usize) -> Result<String, Fault> {
    use castellan_kql::ScalarType::{DateTime, Dynamic, Int, Long, String as Text};
    let (mut out, mut contents) = (String::from(r#"{"Tables":["#), Vec::new());
    let mut exceptions = Vec::new();
    for (at, answer) in answered.answers.answers.iter().enumerate() {
        let columns: Vec<Json> =
            answer.columns.iter().map(|field| column(&field.name, field.scalar_type)).collect();
        let columns = Json::from(columns);
        out.push_str(&format!(r#"{{"TableName":"Table_{at}","Columns":{columns},"Rows":"#));
        let written = write_rows(&mut out, answer, Style::Kusto, most)?;
        out.push_str("},");
        exceptions.extend(written.cut.map(exception));
        let name = answer.name.as_deref().unwrap_or("PrimaryResult");
        contents.push(json!([at, "QueryResult", name, uuid::Uuid::new_v4().to_string(), ""]));
    }
    let results = contents.len();
    let properties = Small { columns: vec![("Value", Text)], rows: vec![vec![visualization(answered)]] };
    let state =
        if exceptions.is_empty() { "Query completed successfully" } else { "Query result is not whole" };
    let status = Small {
        columns: vec![
            ("Timestamp", DateTime),
            ("Severity", Int),
            ("SeverityName", Text),
            ("StatusCode", Int),
            ("StatusDescription", Text),
            ("Count", Int),
            ("ClientActivityId", Text),
            ("StatusDetails", Dynamic),
        ],
        rows: vec![vec![
            Json::Null,
            Json::from(if exceptions.is_empty() { 4 } else { 2 }),
            Json::from(if exceptions.is_empty() { "Info" } else { "Error" }),
            Json::from(if exceptions.is_empty() { 0 } else { -1 }),
            Json::from(state),
            Json::from(1),
            Json::from(""),
            Json::Null,
        ]],
    };
    contents.push(json!([
        results,
        "QueryProperties",
        "@ExtendedProperties",
        uuid::Uuid::new_v4().to_string(),
        ""
    ]));
    contents.push(json!([results + 1, "QueryStatus", "QueryStatus", uuid::Uuid::new_v4().to_string(), ""]));
    let names = [("Ordinal", Long), ("Kind", Text), ("Name", Text), ("Id", Text), ("PrettyName", Text)];
    let rows = contents.into_iter().filter_map(|row| row.as_array().cloned()).collect();
    let contents = Small { columns: names.to_vec(), rows };
    out.push_str(&properties.write(&format!("Table_{results}")));
    out.push(',');
    out.push_str(&status.write(&format!("Table_{}", results + 1)));
    out.push(',');
    out.push_str(&contents.write(&format!("Table_{}", results + 2)));
    out.push(']');
    if !exceptions.is_empty() {
        out.push_str(&format!(r#","Exceptions":{}"#, Json::from(exceptions)));
    }
    out.push('}');
    Ok(out)
}

fn exception(cut: Cut) -> Json {
    let told = partial(cut);
    told.pointer("/error/@message").cloned().unwrap_or_default()
}

/// How the result is drawn, as JSON in text.
pub(super) fn visualization(answered: &Answered) -> Json {
    let mut members = serde_json::Map::new();
    let chart = answered.answers.chart.as_ref();
    members.insert("Visualization".to_owned(), chart.map_or(Json::Null, |chart| Json::from(&*chart.kind)));
    const NAMES: [(&str, &str); 10] = [
        ("title", "Title"),
        ("xcolumn", "XColumn"),
        ("series", "Series"),
        ("ycolumns", "YColumns"),
        ("xtitle", "XTitle"),
        ("ytitle", "YTitle"),
        ("xaxis", "XAxis"),
        ("yaxis", "YAxis"),
        ("legend", "Legend"),
        ("accumulate", "Accumulate"),
    ];
    for (name, shown) in NAMES {
        let said = chart.and_then(|chart| chart.properties.iter().find(|(known, _)| **known == *name));
        let value = said.map_or(Json::Null, |(_, values)| Json::from(values.join(",")));
        members.insert(shown.to_owned(), value);
    }
    Json::from(Json::Object(members).to_string())
}
