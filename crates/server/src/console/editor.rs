//! What an editor asks while a query is written.

use axum::response::{IntoResponse, Response};
use castellan_kql::editor::{self, Fix, ItemKind};
use castellan_kql::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};

use super::ask::ESTATE;
use super::failure::Failure;
use super::place::{Place, Utf16};
use super::request::Request;
use crate::queries::{Fault, columns};

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 256 << 10;
/// The most items that are told.
const MOST: usize = 200;

/// What is wrong with a query. Places are in UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosed {
    severity: &'static str,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fixed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Fixed {
    title: String,
    edits: Vec<Edited>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Edited {
    #[serde(flatten)]
    place: Place,
    insert: String,
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

impl Diagnosed {
    /// What is wrong with a text, with what would mend it.
    pub fn in_text(diagnostic: &Diagnostic, text: &str) -> Diagnosed {
        let places = Utf16::of(text);
        let mut told = Diagnosed::of(diagnostic, places);
        let fixed = |fix: Fix| Fixed {
            title: fix.title,
            edits: fix
                .edits
                .into_iter()
                .map(|(span, insert)| Edited { place: places.place(span), insert })
                .collect(),
        };
        told.fixes = editor::fixes(text, diagnostic).into_iter().map(fixed).collect();
        told
    }

    pub(super) fn of(diagnostic: &Diagnostic, places: Utf16<'_>) -> Diagnosed {
        Diagnosed {
            place: places.place(diagnostic.span),
            help: diagnostic.help.clone(),
            ..Diagnosed::nowhere(diagnostic.severity, diagnostic.message.clone())
        }
    }

    /// Something that is wrong in no place of the text.
    pub fn nowhere(severity: Severity, message: impl Into<String>) -> Diagnosed {
        Diagnosed {
            severity: word(severity),
            message: message.into(),
            help: String::new(),
            place: Place::default(),
            fixes: Vec::new(),
        }
    }

    /// Whether it is an error and no warning.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteAsked {
    text: String,
    offset: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckAsked {
    text: String,
}

#[derive(Serialize)]
struct Completions {
    from: usize,
    to: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    label: String,
    kind: &'static str,
    detail: String,
    insert: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    doc: std::borrow::Cow<'static, str>,
}

fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Column => "column",
        ItemKind::Variable => "variable",
        ItemKind::Value => "value",
        ItemKind::Keyword => "keyword",
        ItemKind::Operator => "operator",
        ItemKind::Table => "table",
        ItemKind::Aggregate => "aggregate",
        ItemKind::Function => "function",
        ItemKind::Plugin => "plugin",
        ItemKind::Type => "type",
    }
}

fn sized(text: &str) -> Result<(), Failure> {
    if text.len() > LONGEST {
        return Err(Failure::bad(format!("the text has more than {LONGEST} bytes")));
    }
    Ok(())
}

fn failed(fault: Fault) -> Failure {
    Failure::of_query(&fault, "")
}

impl Request {
    pub(super) async fn complete_query(self) -> Result<Response, Failure> {
        let queries = self.queries()?;
        let (_held, asked) = self.body::<CompleteAsked>().await?;
        sized(&asked.text)?;
        let looked = queries.look(move |database| {
            let places = Utf16::of(&asked.text);
            let found = editor::complete(&asked.text, places.byte(asked.offset), database);
            let replaced = places.place(found.replace);
            let items = found.items.into_iter().take(MOST).map(|item| Item {
                label: item.label,
                kind: kind(item.kind),
                detail: item.detail,
                insert: item.insert,
                doc: item.doc,
            });
            Ok(Completions { from: replaced.start, to: replaced.end, items: items.collect() })
        });
        Ok(axum::Json(looked.await.map_err(failed)?).into_response())
    }

    pub(super) async fn check_query(self) -> Result<Response, Failure> {
        #[derive(Serialize)]
        struct Told {
            diagnostics: Vec<Diagnosed>,
        }
        let queries = self.queries()?;
        let (_held, asked) = self.body::<CheckAsked>().await?;
        sized(&asked.text)?;
        let looked = queries.look(move |database| {
            // An editor with nothing in it has nothing wrong in it.
            if asked.text.trim().is_empty() {
                return Ok(Vec::new());
            }
            let found = editor::check(&asked.text, database);
            Ok(found.iter().take(MOST).map(|each| Diagnosed::in_text(each, &asked.text)).collect())
        });
        Ok(axum::Json(Told { diagnostics: looked.await.map_err(failed)? }).into_response())
    }

    pub(super) async fn get_schema(self) -> Result<Response, Failure> {
        #[derive(Serialize)]
        struct Table {
            name: String,
            group: &'static str,
            columns: Vec<serde_json::Value>,
        }
        #[derive(Serialize)]
        struct Told {
            tables: Vec<Table>,
        }
        let found = self.queries()?.schema(Vec::new()).await.map_err(failed)?;
        let table = |table: crate::queries::TableSchema| {
            let has_time = table.columns.iter().any(|column| &*column.name == "TimeGenerated");
            let group = match table.name.as_str() {
                name if ESTATE.contains(&name) || !has_time => "estate",
                name if name.starts_with("Castellan") => "castellan",
                _ => "lake",
            };
            Table { columns: columns(&table.columns), group, name: table.name }
        };
        Ok(axum::Json(Told { tables: found.into_iter().map(table).collect() }).into_response())
    }
}
