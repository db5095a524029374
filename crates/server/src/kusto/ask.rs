//! A query with its options and parameters.

use std::time::Duration;

use castellan_kql::value::{TICKS_PER_SECOND, parse_timespan};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Service, Version, v1, v2};
use crate::queries::{Asked, Fault};

/// What is asked, as Kusto's clients send it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Question {
    /// The query or command.
    pub(super) csl: String,
    /// The database.
    #[serde(default)]
    pub(super) db: Option<String>,
    /// Options and parameters, as an object or as its JSON in text.
    #[serde(default)]
    properties: Json,
}

/// Options that are kept to.
#[derive(Debug, Default)]
struct Settings {
    time: Option<Duration>,
    rows: Option<usize>,
    parameters: Vec<(String, String)>,
}

/// Options that would make a query see or do something else, were they kept to. One that is not known here is left
/// aside: most say how Azure's service spreads its work.
const NOT_KEPT: [&str; 3] =
    ["query_datetimescope_column", "query_take_max_records", "query_force_row_level_security"];

/// The most rows of a result where nothing is said, as in Azure Data Explorer.
const ROWS: usize = 500_000;

impl Service {
    /// The answer as the body of a response.
    ///
    /// Errors: those of the query, and options that cannot be kept to.
    pub(super) async fn ask(&self, question: &Question, version: Version) -> Result<String, Fault> {
        self.known(question.db.as_deref())?;
        let settings = question.settings()?;
        let asked = Asked {
            text: question.csl.clone(),
            parameters: settings.parameters,
            time: settings.time,
            rows: Some(settings.rows.unwrap_or(ROWS)),
            database: Some(self.options.database.clone()),
            aliases: vec![self.options.cluster.clone()],
            ..Asked::default()
        };
        let most = self.queries.bounds().bytes;
        self.queries
            .run(asked, move |answered| match version {
                Version::V1 => v1::write(&answered, most),
                Version::V2 => v2::write(&answered, most),
            })
            .await
    }
}

impl Question {
    fn settings(&self) -> Result<Settings, Fault> {
        let properties = match &self.properties {
            Json::String(text) => serde_json::from_str(text)
                .map_err(|error| Fault::bad(format!("`properties` is text that is no JSON: {error}")))?,
            other => other.clone(),
        };
        let members = |name: &str| match properties.get(name) {
            Some(Json::Object(members)) => members.clone(),
            _ => Map::new(),
        };
        let mut settings = Settings::default();
        for (name, value) in members("Options") {
            settings.option(&name.to_ascii_lowercase(), &value)?;
        }
        for (name, value) in members("Parameters") {
            settings.parameters.push((name, literal(&value)));
        }
        Ok(settings)
    }
}

impl Settings {
    fn option(&mut self, name: &str, value: &Json) -> Result<(), Fault> {
        let wrong =
            |wanted: &str| Fault::bad(format!("the option `{name}` is `{value}`, which is no {wanted}"));
        match name {
            "servertimeout" => {
                // As text `00:04:00`, or as ticks.
                let ticks = value.as_i64().or_else(|| parse_timespan(value.as_str()?));
                let seconds = ticks.filter(|ticks| *ticks > 0).ok_or_else(|| wrong("timespan"))?;
                let micros = u64::try_from(seconds / (TICKS_PER_SECOND / 1_000_000)).unwrap_or(u64::MAX);
                self.time = Some(Duration::from_micros(micros));
            }
            "norequesttimeout" => self.time = value.as_bool().filter(|flag| *flag).map(|_| Duration::MAX),
            "truncationmaxrecords" | "query_results_max_records" => {
                let rows = value.as_u64().or_else(|| value.as_str()?.parse().ok());
                let rows = rows.and_then(|rows| usize::try_from(rows).ok());
                self.rows = Some(rows.ok_or_else(|| wrong("number of rows"))?);
            }
            _ if NOT_KEPT.contains(&name) && !value.is_null() => {
                let message = format!("the option `{name}` is not supported here; say it in the query");
                return Err(Fault::bad(message));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A parameter as the text of a value. Clients write literals of the language: `'text'`, `datetime(2026-01-01)`.
fn literal(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
