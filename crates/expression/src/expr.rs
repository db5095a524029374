//! The tree of an expression, and how it is printed.

use std::fmt;
use std::sync::Arc;

use castellan_base::{Span, Value};

/// An expression and the JSON string it stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The span of the JSON string that holds it.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A string in single quotes or a whole number.
    Literal(Value),
    /// `name(args)` or `namespace.name(args)`.
    Call {
        /// The function, as written.
        name: Arc<str>,
        /// The namespace of a user-defined function.
        namespace: Option<Arc<str>>,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `base.name`, or `base.?name` when `safe`.
    Member {
        /// What is looked into.
        base: Box<Expr>,
        /// The member.
        name: Arc<str>,
        /// True when a missing member gives null.
        safe: bool,
    },
    /// `base[index]`, or `base[?index]` when `safe`.
    Index {
        /// What is looked into.
        base: Box<Expr>,
        /// A position or a member name.
        index: Box<Expr>,
        /// True when a missing element gives null.
        safe: bool,
    },
}

impl fmt::Display for Expr {
    /// The canonical text: single spaces after commas, strings in single quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(Value::String(text)) => write!(f, "'{}'", text.replace('\'', "''")),
            ExprKind::Literal(Value::Int(number)) => write!(f, "{number}"),
            ExprKind::Literal(_) => f.write_str("null()"),
            ExprKind::Call { name, namespace, args } => {
                if let Some(namespace) = namespace {
                    write!(f, "{namespace}.")?;
                }
                write!(f, "{name}(")?;
                for (index, argument) in args.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{argument}")?;
                }
                f.write_str(")")
            }
            ExprKind::Member { base, name, safe } => {
                write!(f, "{base}.{}{name}", if *safe { "?" } else { "" })
            }
            ExprKind::Index { base, index, safe } => {
                write!(f, "{base}[{}{index}]", if *safe { "?" } else { "" })
            }
        }
    }
}
