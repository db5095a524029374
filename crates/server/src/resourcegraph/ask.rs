//! A question and its answer.

use castellan_query::{Access, Answer, Seen, physical};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::facets::{self, Facet};
use super::page::{self, MOST};
use crate::Queries;
use crate::queries::{Answered, Asked, Fault, Style, columns, object};

/// What is asked, as the service's clients send it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question {
    pub(super) query: String,
    #[serde(default)]
    subscriptions: Option<Vec<String>>,
    #[serde(default)]
    management_groups: Option<Vec<String>>,
    #[serde(default)]
    options: Option<Options>,
    #[serde(default)]
    facets: Option<Vec<Facet>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    #[serde(rename = "$skipToken", default)]
    skip_token: Option<String>,
    #[serde(rename = "$top", default)]
    top: Option<usize>,
    #[serde(rename = "$skip", default)]
    skip: Option<usize>,
    #[serde(default)]
    result_format: Option<String>,
}

/// The most subscriptions and facets that one request may have.
const MOST_SUBSCRIPTIONS: usize = 10_000;
const MOST_FACETS: usize = 10;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Objects,
}

/// Which rows of a result are sent.
#[derive(Clone, Debug)]
struct Window {
    format: Format,
    skip: usize,
    top: usize,
    query: String,
    most: usize,
}

/// The body of an answer.
///
/// Errors: those of the query, and options that cannot be kept to.
pub(super) async fn answer(queries: &Queries, question: &Question) -> Result<String, Fault> {
    let window = question.window(queries.bounds().bytes)?;
    let accesses: Vec<Access> = question.access()?.into_iter().collect();
    let asked = |text: String| Asked { text, accesses: accesses.clone(), ..Asked::default() };
    let asked_for = question.facets.as_deref().unwrap_or_default();
    if asked_for.len() > MOST_FACETS {
        return Err(Fault::bad(format!("there are more than {MOST_FACETS} facets")));
    }
    let mut body = queries.run(asked(question.query.clone()), move |answered| window.page(&answered)).await?;
    let mut told = Vec::new();
    for facet in asked_for {
        let text = facet.query(&question.query);
        let expression = facet.expression.clone();
        let ran = match text {
            Ok(text) => {
                let top = facet.top();
                let of_result = expression.clone();
                queries.run(asked(text), move |answered| facets::told(&of_result, top, &answered)).await
            }
            Err(fault) => Err(fault),
        };
        told.push(ran.unwrap_or_else(|fault| facets::failed(&expression, &fault)));
    }
    if let Some(members) = body.as_object_mut() {
        members.insert("facets".to_owned(), told.into());
    }
    Ok(body.to_string())
}

impl Question {
    fn window(&self, most: usize) -> Result<Window, Fault> {
        let options = self.options.clone().unwrap_or_default();
        let format = match options.result_format.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("objectarray") => Format::Objects,
            Some("table") => Format::Table,
            Some(other) => {
                let message = format!("`resultFormat` is `{other}`; it can be `objectArray` or `table`");
                return Err(Fault::bad(message));
            }
        };
        let top = options.top.unwrap_or(MOST);
        if !(1..=MOST).contains(&top) {
            return Err(Fault::bad(format!("`$top` is {top}; it can be from 1 to {MOST}")));
        }
        let skip = match &options.skip_token {
            Some(token) => page::place(&self.query, token)?,
            None => options.skip.unwrap_or(0),
        };
        Ok(Window { format, skip, top, query: self.query.clone(), most })
    }

    /// What the scope takes away.
    ///
    /// Errors: ids that cannot be any, and management groups, of which a scan knows nothing.
    fn access(&self) -> Result<Option<Access>, Fault> {
        if self.management_groups.as_ref().is_some_and(|groups| !groups.is_empty()) {
            return Err(Fault::bad(
                "management groups are not known here, since files do not say them; name subscriptions, or none for all",
            ));
        }
        let Some(subscriptions) = self.subscriptions.as_ref().filter(|names| !names.is_empty()) else {
            return Ok(None);
        };
        let is_id = |text: &String| {
            text.len() <= 128 && text.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
        };
        if subscriptions.len() > MOST_SUBSCRIPTIONS || !subscriptions.iter().all(is_id) {
            return Err(Fault::bad("`subscriptions` has ids that cannot be any, or too many of them"));
        }
        let names: Vec<String> = subscriptions.iter().map(|name| format!("'{name}'")).collect();
        let rows = format!("subscriptionId in~ ({})", names.join(", "));
        Ok(Some(Access::of_all(Seen { rows: Some(rows), ..Seen::default() })))
    }
}

impl Window {
    fn page(&self, answered: &Answered) -> Result<Json, Fault> {
        let Some(answer) = answered.answers.answers.first() else {
            return Err(Fault::bad("the query gives no result"));
        };
        let total = answer.rows();
        let rows = rows(answer, self.skip, self.top)?;
        let count = rows.len();
        let data = self.data(answer, &rows);
        let next = self.skip.saturating_add(count);
        let is_more = next < total && count > 0;
        let mut body = json!({
            "totalRecords": total,
            "count": count,
            "data": data,
            "facets": [],
            "resultTruncated": if answer.cut.is_some() { "true" } else { "false" },
        });
        if let (true, Some(members)) = (is_more, body.as_object_mut()) {
            members.insert("$skipToken".to_owned(), page::token(&self.query, next).into());
        }
        if body.to_string().len() > self.most {
            return Err(Fault::bad(
                "the page has more bytes than an answer may have; ask for a smaller `$top`",
            ));
        }
        Ok(body)
    }

    fn data(&self, answer: &Answer, rows: &[Vec<castellan_kql::Value>]) -> Json {
        let objects = rows.iter().map(|row| object(row, &answer.columns, Style::Plain));
        if self.format == Format::Objects {
            return objects.collect();
        }
        let rows = rows.iter().map(|row| {
            let cells = row.iter().zip(&answer.columns);
            cells
                .map(|(value, column)| crate::queries::value_of(value, column.scalar_type, Style::Plain))
                .collect()
        });
        let mut names = columns(&answer.columns);
        for (name, column) in names.iter_mut().zip(&answer.columns) {
            if let Some(members) = name.as_object_mut() {
                members.insert("type".to_owned(), of_graph(column.scalar_type).into());
            }
        }
        json!({ "columns": names, "rows": rows.collect::<Vec<Json>>() })
    }
}

/// The name of a type there.
fn of_graph(of: castellan_kql::ScalarType) -> &'static str {
    use castellan_kql::ScalarType;
    match of {
        ScalarType::Int | ScalarType::Long => "integer",
        ScalarType::Real | ScalarType::Decimal => "number",
        ScalarType::Bool => "boolean",
        ScalarType::Dynamic => "object",
        _ => "string",
    }
}

/// So many rows from a place on.
///
/// Errors: arrays that are not what their columns say.
pub(super) fn rows(
    answer: &Answer,
    skip: usize,
    top: usize,
) -> Result<Vec<Vec<castellan_kql::Value>>, Fault> {
    let (mut rows, mut skip) = (Vec::new(), skip);
    for batch in &answer.batches {
        let start = skip.min(batch.num_rows());
        skip -= start;
        let count = (batch.num_rows() - start).min(top.saturating_sub(rows.len()));
        let piece = batch.slice(start, count);
        rows.extend(physical::rows(&piece, &answer.columns).map_err(castellan_query::Error::from)?);
    }
    Ok(rows)
}
