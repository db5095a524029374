//! The expression language of Azure Resource Manager: what stands between square brackets in templates and policies.
//!
//! ```text
//! "[format('{0}-pe', toLower(parameters('name')))]"
//! ```
//!
//! [`classify`] tells an expression from a literal, [`parse`] makes a tree of it, [`evaluate`] gives its value. The
//! language has functions of its own ([`functions`]); everything that knows about deployments, resources or policies
//! comes from a [`Host`].
//!
//! *Invariant (never guess):* evaluation is total. Whatever cannot be known becomes an unresolved value that carries
//! the expression and, as its *symbol*, the part that is known: `format('{0}-pe', parameters('name'))` without a name
//! gives `{parameters('name')}-pe`. `and`, `or` and `if` are three-valued: `and(false(), unknown)` is false.
//!
//! *Bounds:* nesting, steps, and the sizes of texts and arrays, so that no expression runs away.
//!
//! ```
//! use castellan_base::{Node, Span, Unresolved, UnresolvedReason, Value};
//! use castellan_expression::{Expr, FunctionError, Host, NoHost, Source, classify, evaluate, parse};
//!
//! assert_eq!(classify("[[literal]"), Source::Literal("[literal]".into()));
//! let Source::Expression(text) = classify("[concat('a', 'b')]") else { panic!() };
//! let expression = parse(text, Span::NONE).unwrap();
//! assert_eq!(evaluate(&expression, &mut NoHost::default()).as_str(), Some("ab"));
//!
//! struct NoName;
//! impl Host for NoName {
//!     fn call(&mut self, _: Option<&str>, name: &str, _: &[Node], expr: &Expr) -> Option<Result<Node, FunctionError>> {
//!         let unknown = Unresolved::new(UnresolvedReason::MissingParameter, expr.to_string());
//!         (name == "parameters").then(|| Ok(Value::unresolved(unknown).at(expr.span)))
//!     }
//!     fn now(&self) -> Option<castellan_base::Ticks> { None }
//! }
//! let expression = parse("format('{0}-pe', parameters('name'))", Span::NONE).unwrap();
//! assert_eq!(evaluate(&expression, &mut NoName).text_or_symbol(), Some("{parameters('name')}-pe"));
//! ```

use std::borrow::Cow;

mod evaluate;
mod expr;
pub mod functions;
mod lambda;
mod parser;

pub use evaluate::{Host, NoHost, evaluate};
pub use expr::{Expr, ExprKind};
pub use functions::FunctionError;
pub use parser::{ParseError, parse};

/// What a JSON string in a template or a policy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// Text that stands for itself; `[[` at the start has become `[`.
    Literal(Cow<'a, str>),
    /// An expression, without its brackets.
    Expression(&'a str),
}

/// Tells an expression (`[...]`) from a literal. `[[...]` is the escape for a literal that starts with a bracket.
pub fn classify(text: &str) -> Source<'_> {
    let Some(inner) = text.strip_prefix('[') else { return Source::Literal(Cow::Borrowed(text)) };
    if inner.starts_with('[') {
        return Source::Literal(Cow::Borrowed(inner));
    }
    match inner.strip_suffix(']') {
        Some(expression) => Source::Expression(expression),
        None => Source::Literal(Cow::Borrowed(text)),
    }
}
