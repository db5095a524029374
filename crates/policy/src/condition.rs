//! Compiled conditions.

use std::sync::Arc;

use castellan_base::{Node, Span};
use castellan_expression::Expr;

use crate::alias::Route;
use crate::compare::Operator;

/// A condition, ready to run.
#[derive(Debug)]
pub(crate) enum Condition {
    AllOf(Box<[Condition]>),
    AnyOf(Box<[Condition]>),
    Not(Box<Condition>),
    Test(Box<Test>),
}

/// A comparison.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) left: Left,
    pub(crate) operator: Operator,
    pub(crate) right: Operand,
}

/// What is compared.
#[derive(Debug)]
pub(crate) enum Left {
    Field(Field),
    /// A field whose name is an expression.
    DynamicField(Formula),
    Value(Operand),
    Count(Count),
}

/// A value in the rule.
#[derive(Debug)]
pub(crate) enum Operand {
    Constant(Node),
    /// `[parameters('x')]`.
    Parameter {
        name: Arc<str>,
        span: Span,
    },
    /// `[field('x')]`.
    Field(Field),
    /// Any other expression.
    Formula(Formula),
    /// An array with expressions inside.
    Array(Box<[Operand]>, Span),
    /// An object with expressions inside.
    Object(Box<[(Arc<str>, Operand)]>, Span),
}

/// An expression with the fields that it names resolved ahead.
#[derive(Debug)]
pub(crate) struct Formula {
    pub(crate) expr: Arc<Expr>,
    pub(crate) fields: Box<[Field]>,
    /// The counts around it, for names that are computed.
    pub(crate) scope: Scope,
}

/// A field, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As the rule writes it.
    pub(crate) text: Arc<str>,
    pub(crate) kind: FieldKind,
    /// True when the path has a `[*]` that no surrounding count binds.
    pub(crate) many: bool,
    /// True when the name has a `[*]` at all, so that `field()` gives an array.
    pub(crate) starred: bool,
}

/// What a field is.
#[derive(Clone, Debug)]
pub(crate) enum FieldKind {
    Type,
    Name,
    FullName,
    Location,
    /// `tags['x']`.
    Tag(Arc<str>),
    /// A path from the top of the resource.
    Path(Box<[Route]>),
    /// A path from the element that a surrounding count looks at.
    Bound {
        slot: usize,
        routes: Box<[Route]>,
    },
}

/// `count`.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) over: Over,
    pub(crate) filter: Option<Condition>,
    /// The first slot that its elements take.
    pub(crate) slot: usize,
}

/// What is counted.
#[derive(Debug)]
pub(crate) enum Over {
    Field { field: Field, bindings: Box<[Binding]> },
    Value { operand: Operand, binding: Binding },
}

/// The counts around a condition, outermost first; each takes one slot per `[*]`.
pub(crate) type Scope = Arc<[Binding]>;

/// A name for the element that a count looks at.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// The alias up to and with its `[*]`, or the count's name; lower case. Empty for an unnamed value count.
    pub(crate) name: Arc<str>,
    /// True when the name is an alias.
    pub(crate) is_alias: bool,
    /// The routes of the alias up to this `[*]`, relative to the top of the resource.
    pub(crate) routes: Arc<[Route]>,
}
