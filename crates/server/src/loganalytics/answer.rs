//! Answers in the shape of the service.

use castellan_kql::plan::Chart;
use castellan_query::{Answer, Cut};
use serde_json::{Map, Value as Json, json};

use super::prefer::Prefer;
use crate::queries::{Answered, Fault, Style, columns, write_rows};

/// The body of an answer.
///
/// Errors: arrays that are not what their columns say.
pub(super) fn write(answered: &Answered, prefer: &Prefer, most: usize) -> Result<String, Fault> {
    let (mut cut, mut sizes) = (None, Vec::new());
    let mut out = String::from(r#"{"tables":["#);
    for (at, answer) in answered.answers.answers.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let name = Json::from(name(at, answer));
        let columns = Json::from(columns(&answer.columns));
        out.push_str(&format!(r#"{{"name":{name},"columns":{columns},"rows":"#));
        let before = out.len();
        let written = write_rows(&mut out, answer, Style::LogAnalytics, most)?;
        sizes.push(json!({ "tableRowCount": written.rows, "tableSize": out.len() - before }));
        cut = cut.or(written.cut);
        out.push('}');
    }
    out.push(']');
    if prefer.statistics {
        let took = answered.took.as_secs_f64();
        let statistics = json!({ "query": { "executionTime": took, "datasetStatistics": sizes } });
        out.push_str(&format!(r#","statistics":{statistics}"#));
    }
    if prefer.render {
        out.push_str(&format!(r#","render":{}"#, render(answered.answers.chart.as_ref())));
    }
    if let Some(cut) = cut {
        out.push_str(&format!(r#","error":{}"#, partial(cut)));
    }
    out.push('}');
    Ok(out)
}

fn name(at: usize, answer: &Answer) -> String {
    match (&answer.name, at) {
        (_, 0) => "PrimaryResult".to_owned(),
        (Some(name), _) => name.to_string(),
        (None, at) => format!("PrimaryResult_{at}"),
    }
}

/// How the result is drawn; a table where the query does not say.
fn render(chart: Option<&Chart>) -> Json {
    let mut members = Map::new();
    members.insert("visualization".to_owned(), Json::from(chart.map_or("table", |chart| &*chart.kind)));
    for (name, values) in chart.into_iter().flat_map(|chart| &chart.properties) {
        let value = match values.as_slice() {
            [single] => Json::from(single.as_str()),
            several => Json::from(several.to_vec()),
        };
        members.insert(name.to_string(), value);
    }
    Json::Object(members)
}

/// What is said beside an answer that is not whole.
fn partial(cut: Cut) -> Json {
    let (code, message) = match cut {
        Cut::Rows => ("E_QUERY_RESULT_SET_TOO_LARGE", "the result has more rows than an answer may have"),
        Cut::Bytes => ("E_QUERY_RESULT_SET_TOO_LARGE", "the result has more bytes than an answer may have"),
        Cut::Time => ("E_QUERY_TIMED_OUT", "the time was over before all rows were there"),
    };
    let message = format!("{message}; these are the first of them. Aggregate, filter or `take` fewer");
    json!({
        "code": "PartialError",
        "message": "the result is not whole",
        "details": [{
            "code": "EngineError",
            "message": message,
            "innererror": { "code": code, "message": message, "severity": 2, "severityName": "Error" },
        }],
    })
}
