//! The Kusto query language, as Azure Monitor and Microsoft Sentinel speak it: no engine behind it, no I/O.
//!
//! [`parse`] turns text into a tree ([`ast`]) and diagnostics, whatever the text. [`mod@bind`] resolves names and types
//! against tables, and gives a [`plan`]. [`interpret`] runs a plan over rows of values, plainly; `castellan-query` runs it
//! fast. [`editor`] answers what an editor asks while a query is written. [`functions`] and [`aggregates`] are the language's own, [`registry`] describes them, and [`value`] has the scalar
//! values and how they are read, written, converted and compared.
//!
//! ```
//! use castellan_kql::bind::{Options, Tables, bind};
//! use castellan_kql::interpret::{Limits, NoTables, run};
//! use castellan_kql::Value;
//!
//! let query = "datatable(user: string, failed: long) ['ann', 3, 'bob', 1, 'ann', 4]
//!     | summarize failed = sum(failed) by user
//!     | where failed > 5";
//! let parsed = castellan_kql::parse(query);
//! assert!(parsed.diagnostics.is_empty());
//! let bound = bind(&parsed.script, &Tables::default(), &Options::default()).unwrap();
//! let rows = run(&bound.results[0].plan, &NoTables, &Limits::default()).unwrap();
//! assert_eq!(rows, [[Value::string("ann"), Value::Long(7)]]);
//! ```

pub mod aggregates;
pub mod ast;
pub mod bind;
mod diagnostic;
pub mod editor;
pub mod functions;
pub mod interpret;
mod lexer;
pub mod library;
mod nearest;
mod parser;
pub mod plan;
mod print;
pub mod registry;
pub mod schema;
pub mod sketch;
mod span;
pub mod value;

pub use diagnostic::{Diagnostic, Severity};
pub use lexer::comments;
pub use nearest::nearest;
pub use parser::{Parsed, parse};
pub use span::Span;
pub use value::{ScalarType, Value};
