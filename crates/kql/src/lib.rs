//! The Kusto query language, as Azure Monitor and Microsoft Sentinel speak it: no engine behind it, no I/O.
//!
//! [`parse`] turns text into a tree ([`ast`]) and diagnostics, whatever the text. [`value`] has the scalar values and
//! how they are read, written, converted and compared.
//!
//! ```
//! use castellan_kql::ast::{OperatorKind, Statement, ExprKind};
//!
//! let parsed = castellan_kql::parse("let cutoff = ago(1d); SigninLogs | where TimeGenerated > cutoff | count");
//! assert!(parsed.diagnostics.is_empty());
//! let Statement::Query(query) = &parsed.script.statements[1] else { panic!() };
//! let ExprKind::Query(query) = &query.kind else { panic!() };
//! assert!(matches!(query.operators[1].kind, OperatorKind::Count(None)));
//! ```

pub mod ast;
mod diagnostic;
mod evaluate;
pub mod functions;
mod lexer;
mod nearest;
mod parser;
mod print;
pub mod registry;
pub mod sketch;
mod span;
pub mod types;
pub mod value;

pub use diagnostic::{Diagnostic, Severity};
pub use evaluate::{Scope, evaluate};
pub use lexer::comments;
pub use nearest::nearest;
pub use parser::{Parsed, parse};
pub use span::Span;
pub use types::scalar_type;
pub use value::{ScalarType, Value};
