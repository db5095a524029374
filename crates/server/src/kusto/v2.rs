//! Answers of version 2: frames, which are not progressive.

use serde_json::{Value as Json, json};

use super::failure::partial;
use super::v1::visualization;
use crate::queries::{Answered, Fault, Style, type_names, write_rows};

/// The body of an answer. Members of a frame stand in the order in which clients that read piece by piece expect them.
///
/// Errors: arrays that are not what their columns say.
pub(super) fn write(answered: &Answered, most: usize) -> Result<String, Fault> {
    let header = json!({
        "FrameType": "DataSetHeader",
        "IsProgressive": false,
        "Version": "v2.0",
        "IsFragmented": false,
        "ErrorReportingPlacement": "InData",
    });
    let properties = json!({
        "FrameType": "DataTable",
        "TableId": 0,
        "TableKind": "QueryProperties",
        "TableName": "@ExtendedProperties",
        "Columns": columns_of(&[("TableId", "int"), ("Key", "string"), ("Value", "dynamic")]),
        "Rows": [[1, "Visualization", visualization(answered)]],
    });
    let mut out = format!("[{header},{properties}");
    let mut failures = Vec::new();
    for (at, answer) in answered.answers.answers.iter().enumerate() {
        let names: Vec<(&str, &str)> =
            answer.columns.iter().map(|field| (&*field.name, type_names(field.scalar_type).0)).collect();
        let name = answer.name.as_deref().unwrap_or("PrimaryResult");
        let (columns, name) = (columns_of(&names), Json::from(name));
        out.push_str(&format!(
            r#",{{"FrameType":"DataTable","TableId":{},"TableKind":"PrimaryResult","TableName":{name},"Columns":{columns},"Rows":"#,
            at + 1
        ));
        let written = write_rows(&mut out, answer, Style::Kusto, most)?;
        if let Some(cut) = written.cut {
            // An error stands where the next row would.
            let failure = partial(cut);
            out.pop();
            let separator = if written.rows > 0 { "," } else { "" };
            out.push_str(&format!(r#"{separator}{{"OneApiErrors":[{failure}]}}]"#));
            failures.push(failure);
        }
        out.push('}');
    }
    let information = completion(answered, &failures);
    out.push_str(&format!(",{information},{}]", end(&failures)));
    Ok(out)
}

fn columns_of(columns: &[(&str, &str)]) -> Json {
    columns.iter().map(|(name, of)| json!({ "ColumnName": name, "ColumnType": of })).collect()
}

/// What the query took, and whether it did what it was to do.
fn completion(answered: &Answered, failures: &[Json]) -> Json {
    let columns = columns_of(&[
        ("Timestamp", "datetime"),
        ("ClientRequestId", "string"),
        ("ActivityId", "guid"),
        ("SubActivityId", "guid"),
        ("ParentActivityId", "guid"),
        ("Level", "int"),
        ("LevelName", "string"),
        ("StatusCode", "int"),
        ("StatusCodeName", "string"),
        ("EventType", "int"),
        ("EventTypeName", "string"),
        ("Payload", "string"),
    ]);
    let is_whole = failures.is_empty();
    let text = failures.first().and_then(|failure| failure.pointer("/error/@message")).cloned();
    let payload = text
        .unwrap_or_else(|| json!({ "Count": 1, "Text": "Query completed successfully" }).to_string().into());
    let (level, name) = if is_whole { (4, "Info") } else { (2, "Error") };
    let (code, code_name) =
        if is_whole { (0, "S_OK (0)") } else { (-2_133_196_797, "E_QUERY_RESULT_SET_TOO_LARGE") };
    let resources = json!({ "ExecutionTime": answered.took.as_secs_f64() }).to_string();
    let row =
        |level: i32, name: &str, code: i64, code_name: &str, event: i32, event_name: &str, payload: Json| {
            json!([null, "", null, null, null, level, name, code, code_name, event, event_name, payload])
        };
    json!({
        "FrameType": "DataTable",
        "TableId": answered.answers.answers.len() + 1,
        "TableKind": "QueryCompletionInformation",
        "TableName": "QueryCompletionInformation",
        "Columns": columns,
        "Rows": [
            row(level, name, code, code_name, 4, "QueryInfo", payload),
            row(6, "Stats", 0, "S_OK (0)", 0, "QueryResourceConsumption", resources.into()),
        ],
    })
}

fn end(failures: &[Json]) -> Json {
    let mut end =
        json!({ "FrameType": "DataSetCompletion", "HasErrors": !failures.is_empty(), "Cancelled": false });
    if let (false, Some(members)) = (failures.is_empty(), end.as_object_mut()) {
        members.insert("OneApiErrors".to_owned(), failures.to_vec().into());
    }
    end
}
