//! Which tables there are, with their columns, and which functions a workspace has beside those of the language.
//!
//! A [`Catalog`] is read from text, one line for each table; [`Catalog::built_in`] holds `content/tables`, which is
//! compiled in. Loading it only finds where each line begins: the columns of a table are read when they are first asked
//! for, so that a query over one table does not pay for a thousand.
//!
//! ```
//! use castellan_kql::ScalarType;
//! use castellan_kql::schema::Catalog;
//!
//! let catalog = Catalog::built_in();
//! let table = catalog.table("SigninLogs").unwrap();
//! assert_eq!(table.column("TimeGenerated").unwrap().scalar_type, ScalarType::DateTime);
//! assert_eq!(catalog.nearest_table("SignInLog"), Some("SigninLogs"));
//! assert!(catalog.matching("Security*").any(|table| table.name() == "SecurityEvent"));
//! ```
//!
//! # The text
//!
//! The first line says what the others are; empty lines and lines that begin with `#` count for nothing.
//!
//! | first line | a line |
//! |---|---|
//! | `table,columns` | `NAME,COLUMN:TYPE COLUMN:TYPE ...` |
//! | `schema,columns` | the same: columns that functions refer to |
//! | `function,parameters,columns` | `NAME,PARAMETER:TYPE=DEFAULT ...,COLUMN:TYPE ...` |
//!
//! `*` behind the columns says that there may be more, `@SCHEMA` in their place that they are those of a schema. A
//! function that gives a single value has `=TYPE` there. A parameter that takes rows has the type `(*)`; a default is a
//! constant of the language without blanks and commas.

mod catalog;
mod columns;
mod database;
mod function;
mod later;
mod lines;
pub(crate) mod resource_graph;

pub use catalog::Catalog;
pub use columns::{Column, Columns, Table};
pub use function::{Function, Parameter, ParameterType, Returns};

/// Longest text that [`Catalog::parse`] takes, in bytes.
pub const MAX_TEXT: usize = 16 << 20;
/// Most columns of a table, and most parameters of a function.
pub const MAX_COLUMNS: usize = 2_000;
/// Longest name, in bytes. Source: Kusto documentation, "Entity names", which allows 1,024 characters.
pub const MAX_NAME: usize = 1_024;
