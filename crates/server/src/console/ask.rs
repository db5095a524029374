//! Queries, as the console asks them.

use std::collections::HashSet;

use axum::response::Response;
use castellan_base::Ticks;
use castellan_kql::Severity;
use castellan_query::{Access, Cut, Seen};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chart;
use super::editor::Diagnosed;
use super::failure::Failure;
use super::place::Utf16;
use super::request::{Request, json as told};
use super::time;
use crate::Queries;
use crate::queries::{Answered, Asked, Fault, Style, columns, write_rows};

/// Rows of an answer where it is not said.
const USUAL: usize = 10_000;
/// The most rows of an answer.
const MOST: usize = 500_000;
/// The most bytes of one answer, and of all answers of a call.
const BYTES: usize = 48 << 20;
/// The most queries of a call.
const QUERIES: usize = 32;
/// The longest id of a query of several, in characters.
const LONGEST_ID: usize = 128;

/// Tables of what was scanned. Their times are those of the scan, which no range of time is meant for.
pub(super) const ESTATE: [&str; 5] = [
    "CastellanScores",
    "CastellanRecommendations",
    "CastellanInventory",
    "CastellanRelations",
    "CastellanCoverage",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    query: String,
    #[serde(default, with = "time::optional")]
    from: Option<Ticks>,
    #[serde(default, with = "time::optional")]
    to: Option<Ticks>,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    queries: Vec<Named>,
}

/// A question of several. The members are written again: `flatten` would let unknown ones pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
    query: String,
    #[serde(default, with = "time::optional")]
    from: Option<Ticks>,
    #[serde(default, with = "time::optional")]
    to: Option<Ticks>,
    #[serde(default)]
    limit: Option<usize>,
}

impl Named {
    fn apart(self) -> (String, Question) {
        let Named { id, query, from, to, limit } = self;
        (id, Question { query, from, to, limit })
    }
}

impl Question {
    fn asked(&self) -> Result<Asked, Failure> {
        let rows = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&rows) {
            return Err(Failure::bad(format!("`limit` is {rows}; it is 1 to {MOST}")));
        }
        let (from, to) = (self.from.map(Ticks::get), self.to.map(Ticks::get));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Failure::bad("`from` is later than `to`; put the earlier time first"));
        }
        let mut accesses = Vec::new();
        if from.is_some() || to.is_some() {
            let everything = Access::of_all(Seen::within(from, to));
            accesses.push(ESTATE.iter().fold(everything, |access, name| access.with(*name, Seen::default())));
        }
        Ok(Asked { text: self.query.clone(), rows: Some(rows), accesses, ..Asked::default() })
    }

    /// The answer as JSON of at most about `most` bytes.
    async fn answered(&self, queries: &Queries, most: usize) -> Result<String, Failure> {
        let (asked, text) = (self.asked()?, self.query.clone());
        let done = queries.run(asked, move |answered| written(&answered, &text, most)).await;
        done.map_err(|fault| Failure::of_query(&fault, &self.query))
    }
}

/// An answer as JSON.
fn written(answered: &Answered, text: &str, most: usize) -> Result<String, Fault> {
    let answers = &answered.answers;
    let Some(first) = answers.answers.first() else {
        return Ok(r#"{"columns":[],"rows":[],"truncated":false,"tookMs":0}"#.to_owned());
    };
    let mut out = format!("{{\"columns\":{},\"rows\":", Value::from(columns(&first.columns)));
    let most = out.len() + most;
    let rows = write_rows(&mut out, first, Style::Plain, most)?;
    let mut rest =
        json!({ "truncated": rows.cut.is_some(), "tookMs": answered.took.as_secs_f64() * 1_000.0 });
    let mut set = |name: &str, value: Value| {
        if let Some(members) = rest.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if let Some(cut) = rows.cut {
        let word = match cut {
            Cut::Rows => "rows",
            Cut::Bytes => "bytes",
            Cut::Time => "time",
        };
        set("truncatedBy", word.into());
    }
    if let Some(chart) = &answers.chart {
        set("chart", json!(chart::of(chart, &first.columns)));
    }
    let places = Utf16::of(text);
    let mut warnings: Vec<Diagnosed> =
        answers.warnings.iter().take(100).map(|warning| Diagnosed::of(warning, places)).collect();
    if answers.answers.len() > 1 {
        let message = format!("the query has {} results, and the first is shown", answers.answers.len());
        warnings.push(Diagnosed::nowhere(Severity::Warning, message));
    }
    if !warnings.is_empty() {
        set("warnings", json!(warnings));
    }
    // The rows were written as text, which the other members follow.
    out.push(',');
    out.push_str(rest.to_string().get(1..).unwrap_or("}"));
    Ok(out)
}

impl Request {
    pub(super) fn queries(&self) -> Result<Queries, Failure> {
        let nothing = || Failure::missing("there are no tables here; start the server with `--lake FOLDER`");
        self.console.queries.clone().ok_or_else(nothing)
    }

    pub(super) async fn run_query(self) -> Result<Response, Failure> {
        let queries = self.queries()?;
        let (_held, question) = self.body::<Question>().await?;
        Ok(told(question.answered(&queries, BYTES).await?))
    }

    pub(super) async fn run_queries(self) -> Result<Response, Failure> {
        let queries = self.queries()?;
        let (_held, asked) = self.body::<Questions>().await?;
        if asked.queries.len() > QUERIES {
            return Err(Failure::bad(format!("there are more than {QUERIES} queries; ask in several calls")));
        }
        let asked: Vec<(String, Question)> = asked.queries.into_iter().map(Named::apart).collect();
        let mut ids = HashSet::new();
        for (id, _) in &asked {
            let length = id.chars().count();
            if length == 0 || length > LONGEST_ID {
                return Err(Failure::bad(format!(
                    "an `id` has {length} characters; it has 1 to {LONGEST_ID}"
                )));
            }
            if !ids.insert(id) {
                return Err(Failure::bad("two queries have the same `id`"));
            }
        }
        let most = BYTES / asked.len().max(1);
        let answers = join_all(asked.iter().map(|(_, question)| question.answered(&queries, most))).await;
        let mut out = String::from("{\"results\":{");
        for (at, ((id, _), answer)) in asked.iter().zip(answers).enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&Value::from(id.as_str()).to_string());
            out.push(':');
            match answer {
                Ok(answer) => out.push_str(&answer),
                Err(failure) => out.push_str(&json!({ "error": failure.told() }).to_string()),
            }
        }
        out.push_str("}}");
        Ok(told(out))
    }
}
