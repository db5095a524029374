//! What a row says.

use std::fmt;

use crate::value::ScalarType;

/// An entry of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name as it is written today.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Forms of calling it. Operators and statements have a syntax instead; join kinds and types have neither.
    pub signatures: &'static [Signature],
    /// Its grammar: words in capitals stand for something, `[ ]` encloses what may be left out, `|` separates choices.
    pub syntax: Option<&'static str>,
    /// What it does, in a sentence or three.
    pub doc: &'static str,
    /// A query that uses it.
    pub example: &'static str,
    /// What the example gives, as `tostring()` writes it, where it prints one value that does not depend on the day.
    pub result: Option<&'static str>,
    /// Other spellings, most of them of former times, that mean exactly the same.
    pub legacy: &'static [&'static str],
    /// The name of its column where the query gives none.
    pub column: Option<&'static str>,
    /// The columns of a function that gives several.
    pub columns: &'static [OutputColumn],
    /// The columns that a plugin gives, in words.
    pub schema: Option<&'static str>,
    /// Whether Azure Monitor and Microsoft Sentinel offer it.
    pub azure_monitor: bool,
}

/// What an entry is. The order is that of [`super::find`] among entries of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A function of values.
    Scalar,
    /// A function of a row's place among others, on serialized rows alone.
    Window,
    /// A function of many rows, in `summarize` and the like.
    Aggregate,
    /// A function of a graph's nodes and edges.
    Graph,
    /// What `evaluate` calls.
    Plugin,
    /// An operator on rows.
    Operator,
    /// An operator between values.
    Infix,
    /// A statement before the query.
    Statement,
    /// A kind of `join`.
    Join,
    /// A scalar type.
    Type,
}

impl Kind {
    /// The kind's word in the data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Scalar => "scalar",
            Kind::Window => "window",
            Kind::Aggregate => "aggregate",
            Kind::Graph => "graph",
            Kind::Plugin => "plugin",
            Kind::Operator => "operator",
            Kind::Infix => "infix",
            Kind::Statement => "statement",
            Kind::Join => "join",
            Kind::Type => "type",
        }
    }

    /// Whether it is called with arguments in an expression.
    pub fn is_function(self) -> bool {
        matches!(self, Kind::Scalar | Kind::Window | Kind::Aggregate | Kind::Graph)
    }
}

/// One form of calling something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The arguments in order.
    pub arguments: &'static [Argument],
    /// What comes out.
    pub returns: Returns,
}

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name: for help, and where arguments may be named, for the query.
    pub name: &'static str,
    /// The types that it may have; one of them is enough.
    pub types: &'static [ArgumentType],
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it has to be known before the query runs.
    pub constant: bool,
    /// Whether it may be written as `name = value`.
    pub named: bool,
    /// The fewest and the most times that it may stand, where it repeats.
    pub repeat: Option<(u16, u16)>,
}

impl Argument {
    /// Whether a call without it is wrong.
    pub fn is_required(&self) -> bool {
        !self.optional && self.repeat.is_none_or(|(least, _)| least > 0)
    }
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentType {
    /// A value of this type.
    Exact(ScalarType),
    /// int, long, real or decimal.
    Number,
    /// A number or a timespan.
    Summable,
    /// What has an order: all types but dynamic.
    Ordered,
    /// A value of any type.
    Scalar,
    /// A value of any type, a dynamic one as it is.
    Any,
    /// A column.
    Column,
    /// Rows.
    Tabular,
    /// A type, as `typeof(long)`.
    Type,
    /// `*`.
    Star,
    /// A call of an aggregate.
    Aggregate,
    /// A node or an edge of a graph pattern.
    Variable,
}

impl ArgumentType {
    /// The type's word in the data files.
    pub fn as_str(self) -> &'static str {
        match self {
            ArgumentType::Exact(scalar) => scalar.name(),
            ArgumentType::Number => "number",
            ArgumentType::Summable => "summable",
            ArgumentType::Ordered => "ordered",
            ArgumentType::Scalar => "scalar",
            ArgumentType::Any => "any",
            ArgumentType::Column => "column",
            ArgumentType::Tabular => "tabular",
            ArgumentType::Type => "type",
            ArgumentType::Star => "*",
            ArgumentType::Aggregate => "aggregate",
            ArgumentType::Variable => "variable",
        }
    }

    /// Whether a value of a type may stand here.
    pub fn accepts(self, scalar: ScalarType) -> bool {
        use ScalarType::{Decimal, Dynamic, Int, Long, Real, TimeSpan};
        match self {
            ArgumentType::Exact(exact) => exact == scalar,
            ArgumentType::Number => matches!(scalar, Int | Long | Real | Decimal),
            ArgumentType::Summable => matches!(scalar, Int | Long | Real | Decimal | TimeSpan),
            ArgumentType::Ordered => scalar != Dynamic,
            ArgumentType::Scalar | ArgumentType::Any | ArgumentType::Column => true,
            ArgumentType::Tabular
            | ArgumentType::Type
            | ArgumentType::Star
            | ArgumentType::Aggregate
            | ArgumentType::Variable => false,
        }
    }
}

/// What a call gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Returns {
    /// A value of this type.
    Exact(ScalarType),
    /// The type of the first argument.
    Argument1,
    /// The type of the first argument, long for int.
    Promoted,
    /// The widest number among the arguments: int, long, real, decimal.
    Widest,
    /// The type that all branches share, or dynamic.
    Common,
    /// The type that the type argument names.
    Typeof,
    /// A value of a type that the data decide.
    Scalar,
    /// The type of the first column.
    First,
    /// The column named, or the default.
    Column,
    /// The arguments, each a column.
    Columns,
    /// The columns of [`Row::columns`].
    Tuple,
    /// A dynamic value for each array argument.
    Arrays,
    /// Rows.
    Tabular,
    /// A database, in front of a table.
    Database,
    /// A cluster, in front of a database.
    Cluster,
    /// A graph.
    Graph,
    /// Nodes, as an argument of a graph function.
    Variable,
    /// A type, as an argument.
    Type,
}

impl Returns {
    /// The word in the data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Returns::Exact(scalar) => scalar.name(),
            Returns::Argument1 => "arg1",
            Returns::Promoted => "promoted",
            Returns::Widest => "widest",
            Returns::Common => "common",
            Returns::Typeof => "typeof",
            Returns::Scalar => "scalar",
            Returns::First => "first",
            Returns::Column => "column",
            Returns::Columns => "columns",
            Returns::Tuple => "tuple",
            Returns::Arrays => "arrays",
            Returns::Tabular => "tabular",
            Returns::Database => "database",
            Returns::Cluster => "cluster",
            Returns::Graph => "graph",
            Returns::Variable => "variable",
            Returns::Type => "type",
        }
    }
}

/// A column of a function that gives several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name, with the same placeholders as [`Row::column`].
    pub name: &'static str,
    /// Its type.
    pub scalar: ScalarType,
}

impl Row {
    /// How it is written: the syntax of an operator, the call of a function for each signature, an operator between its
    /// sides, else the name.
    pub fn usage(&self) -> String {
        if let Some(syntax) = self.syntax {
            return syntax.to_owned();
        }
        let forms: Vec<String> = self.signatures.iter().map(|signature| self.form(signature)).collect();
        let mut distinct: Vec<String> = Vec::new();
        for form in forms {
            if !distinct.contains(&form) {
                distinct.push(form);
            }
        }
        if distinct.is_empty() { self.name.to_owned() } else { distinct.join("\n") }
    }

    fn form(&self, signature: &Signature) -> String {
        if self.kind != Kind::Infix {
            return format!("{}({})", self.name, signature.parameters());
        }
        match signature.arguments {
            [value, low, _] => format!("{} {} ({} .. {})", types(value), self.name, types(low), types(low)),
            [left, right] if right.repeat.is_some() => {
                format!("{} {} ({}, ...)", types(left), self.name, types(right))
            }
            [left, right] => format!("{} {} {}", types(left), self.name, types(right)),
            _ => self.name.to_owned(),
        }
    }
}

impl Signature {
    /// The fewest and the most arguments of a call.
    pub fn arity(&self) -> (usize, usize) {
        let bounds = self.arguments.iter().map(|argument| match argument.repeat {
            Some((least, most)) => (usize::from(least), usize::from(most)),
            None => (usize::from(!argument.optional), 1),
        });
        bounds.fold((0, 0), |(least, most), (fewest, many)| (least + fewest, most + many))
    }

    /// The arguments as help shows them: `text: string, start: int, [length: int]`.
    pub fn parameters(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (position, argument) in self.arguments.iter().enumerate() {
            let text = match argument.types {
                [ArgumentType::Star] => "*".to_owned(),
                _ if argument.named => format!("{} = {}", argument.name, types(argument)),
                _ => format!("{}: {}", argument.name, types(argument)),
            };
            let optional = argument.optional || argument.repeat.is_some_and(|(least, _)| least == 0);
            parts.push(if optional { format!("[{text}]") } else { text });
            let next = self.arguments.get(position + 1);
            let ends_group = next.is_none_or(|next| next.repeat != argument.repeat);
            if argument.repeat.is_some() && ends_group {
                parts.push("...".to_owned());
            }
        }
        parts.join(", ")
    }
}

fn types(argument: &Argument) -> String {
    argument.types.iter().map(|word| word.as_str()).collect::<Vec<_>>().join("|")
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> {}", self.parameters(), self.returns.as_str())
    }
}
