//! The syntax tree.
//!
//! Everything that can stand where a value can is an [`Expr`], pipelines included: `let x = T | count`,
//! `toscalar(T | count)` and `1 + 2` differ in kind only. Which of them mean something is for the binder to say.

mod operator;

use std::sync::Arc;

pub use operator::{
    Column, EdgeDirection, ExpandedColumn, Find, FindColumn, ForkBranch, GraphElement, GraphMatch,
    GraphNodes, GraphTable, MakeGraph, MakeSeries, Operator, OperatorKind, Ordering, ParsePart, Scan,
    ScanStep, Setting, TopNested,
};

use crate::span::Span;
use crate::value::{ScalarType, Value};

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name without brackets and quotes.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A whole query: statements separated by semicolons.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Script {
    /// The statements in order.
    pub statements: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `let name = value`
    Let {
        /// The name.
        name: Name,
        /// A scalar, a pipeline, or a function.
        value: Expr,
    },
    /// `set option = value`
    Set {
        /// The option.
        name: Name,
        /// Its value.
        value: Option<Expr>,
    },
    /// `declare query_parameters (name: type = default, ...)`
    Parameters(Vec<Parameter>),
    /// `declare pattern name = (parameters)[path: string] { ("value") = { body }; ... }`
    Pattern(Box<Pattern>),
    /// `alias database name = cluster("c").database("d")`
    Alias {
        /// The name.
        name: Name,
        /// What it stands for.
        target: Expr,
    },
    /// `restrict access to (a, b)`
    Restrict(Vec<Expr>),
    /// The query itself.
    Query(Expr),
}

/// `declare pattern`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The name.
    pub name: Name,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The parameter in brackets.
    pub path: Option<Parameter>,
    /// Values and the bodies that they choose.
    pub cases: Vec<PatternCase>,
}

/// `("value").["path"] = { body }`
#[derive(Clone, Debug, PartialEq)]
pub struct PatternCase {
    /// The values of the parameters.
    pub values: Vec<Expr>,
    /// The value of the path.
    pub path: Option<Expr>,
    /// The body.
    pub body: Script,
}

/// A parameter of a function or a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name.
    pub name: Name,
    /// What may be given.
    pub kind: ParameterKind,
    /// What counts when nothing is given.
    pub default: Option<Expr>,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterKind {
    /// A scalar.
    Scalar(ScalarType),
    /// A table.
    Table(Schema),
}

/// Columns with types: `(a: string, b: long, *)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Schema {
    /// The columns.
    pub columns: Vec<ColumnDeclaration>,
    /// True with `*`: there may be more.
    pub is_open: bool,
    /// How many of the columns stand before `*`: those that are there already keep its place.
    pub before_star: usize,
}

/// `name: type`
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDeclaration {
    /// The name.
    pub name: Name,
    /// The type; none where it may be left out.
    pub scalar_type: Option<ScalarType>,
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant; null constants have a type too.
    Literal {
        /// The value.
        value: Value,
        /// The type.
        scalar_type: ScalarType,
    },
    /// A column, variable, table or function without parameters.
    Name(Arc<str>),
    /// `Security*`: all names of this form.
    Wildcard(Arc<str>),
    /// `*`
    Star,
    /// `base.name`
    Member {
        /// The bag, database or cluster.
        base: Box<Expr>,
        /// The member.
        name: Name,
    },
    /// `base[index]`
    Index {
        /// The bag or array.
        base: Box<Expr>,
        /// The key or position.
        index: Box<Expr>,
    },
    /// `callee(arguments)`
    Call {
        /// A name, or a member of a database.
        callee: Box<Expr>,
        /// What is given.
        arguments: Vec<Argument>,
    },
    /// `-x`, `+x`
    Unary {
        /// True for minus.
        is_minus: bool,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `left operator right`
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// Its left side.
        left: Box<Expr>,
        /// Its right side.
        right: Box<Expr>,
    },
    /// `value between (low .. high)`
    Between {
        /// What is tested.
        value: Box<Expr>,
        /// True for `!between`.
        is_negated: bool,
        /// The lower bound, included.
        low: Box<Expr>,
        /// The upper bound, included; a timespan counts from the lower one.
        high: Box<Expr>,
    },
    /// `value in (items)` and its relatives
    Membership {
        /// What is tested.
        value: Box<Expr>,
        /// How.
        operator: MembershipOperator,
        /// Scalars, arrays or a table.
        items: Vec<Expr>,
    },
    /// A pipeline.
    Query(Box<Query>),
    /// `(parameters) { body }` and `view () { body }`
    Function(Box<Function>),
    /// `typeof(long)`, `typeof(a: long, *)`
    TypeOf(Schema),
    /// `entity_group [a, b]`: databases that `macro-expand` goes through.
    EntityGroup(Vec<Expr>),
    /// What could not be read; a diagnostic says why.
    Error,
}

/// A given argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `name = value`
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// A function that a query defines.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// True with `view`: wildcards find it.
    pub is_view: bool,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// Statements, the last of which gives the value.
    pub body: Script,
}

/// A source and what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// A table; none where the first operator is the source (`print`, `union`, `range`, ...).
    pub source: Option<Expr>,
    /// The operators in order.
    pub operators: Vec<Operator>,
}

/// Operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinaryOperator {
    /// What it does.
    pub kind: BinaryKind,
    /// True for `!contains`, `!=`, `!~`, ...
    pub is_negated: bool,
    /// True for `==` and the `_cs` family.
    pub is_case_sensitive: bool,
}

/// What an operator with two sides does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryKind {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`, `!=`, `<>`, `=~`, `!~`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `has`: a whole term.
    Has,
    /// `hasprefix`: the beginning of a term.
    HasPrefix,
    /// `hassuffix`: the end of a term.
    HasSuffix,
    /// `contains`
    Contains,
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
    /// `matches regex`
    MatchesRegex,
    /// `like`, a legacy spelling with `*` as wildcard.
    Like,
    /// `column: term` in `search` and `find`.
    Search,
}

/// Tests against several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MembershipOperator {
    /// `in`, `in~`, `!in`, `!in~`
    In {
        /// True with `!`.
        is_negated: bool,
        /// False with `~`.
        is_case_sensitive: bool,
    },
    /// `has_any`
    HasAny,
    /// `has_all`
    HasAll,
}
