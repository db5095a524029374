//! Facets: counts of the values of columns, beside a result.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::ask::rows;
use super::failure::detail;
use crate::queries::{Answered, Fault, Style, object};

/// What is counted.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Facet {
    /// A column, or several with commas between.
    pub(super) expression: String,
    #[serde(default)]
    options: Option<Options>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    #[serde(default)]
    sort_by: Option<String>,
    #[serde(default)]
    sort_order: Option<String>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(rename = "$top", default)]
    top: Option<usize>,
}

/// The most values of a facet, and how many there are where nothing is said.
const MOST: usize = 1_000;
const USUAL: usize = 10;

impl Facet {
    fn options(&self) -> Options {
        self.options.clone().unwrap_or_default()
    }

    /// How many values are told.
    pub(super) fn top(&self) -> usize {
        self.options().top.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// The query that counts. What stands in it is no more than what the query itself could say.
    ///
    /// Errors: an order that is none.
    pub(super) fn query(&self, query: &str) -> Result<String, Fault> {
        let options = self.options();
        let order = match options.sort_order.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("desc") => "desc",
            Some("asc") => "asc",
            Some(other) => {
                return Err(Fault::bad(format!("`sortOrder` is `{other}`; it can be `asc` or `desc`")));
            }
        };
        let by = options.sort_by.unwrap_or_else(|| "['count']".to_owned());
        let filter = options.filter.map(|filter| format!("\n| where {filter}")).unwrap_or_default();
        let query = query.trim_end().trim_end_matches(';');
        Ok(format!(
            "{query}{filter}\n| summarize ['count'] = count() by {}\n| order by {by} {order}",
            self.expression
        ))
    }
}

/// What was counted.
///
/// Errors: arrays that are not what their columns say.
pub(super) fn told(expression: &str, top: usize, answered: &Answered) -> Result<Json, Fault> {
    let Some(answer) = answered.answers.answers.first() else { return Err(Fault::bad("there is no result")) };
    let rows = rows(answer, 0, top)?;
    let data: Vec<Json> = rows.iter().map(|row| object(row, &answer.columns, Style::Plain)).collect();
    Ok(json!({
        "expression": expression,
        "resultType": "FacetResult",
        "totalRecords": answer.rows(),
        "count": data.len(),
        "data": data,
    }))
}

/// Why nothing was counted.
pub(super) fn failed(expression: &str, fault: &Fault) -> Json {
    json!({ "expression": expression, "resultType": "FacetError", "errors": [detail(fault, "")] })
}
