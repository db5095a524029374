//! The built-in functions: a table of rows, from which lookup and the reference page are derived.

mod array;
mod date;
mod date_format;
mod encoding;
mod logic;
mod network;
mod number;
mod object;
mod string;
mod string_format;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use castellan_base::{Node, Span, Ticks, Unresolved, Value};

/// Largest text that a function makes, in bytes.
pub(crate) const TEXT_LIMIT: usize = 4 << 20;
/// Longest array that a function makes.
pub(crate) const ARRAY_LIMIT: usize = 100_000;

/// Why a call has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    /// What is wrong, and with which argument.
    pub message: String,
}

impl FunctionError {
    /// An error with a message.
    pub fn new(message: impl Into<String>) -> FunctionError {
        FunctionError { message: message.into() }
    }
}

/// How a function takes arguments that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknowns {
    /// The result is unknown when an argument is; parts of containers may be.
    Shallow,
    /// The result is unknown when anything in an argument is: comparisons.
    Deep,
    /// Unknown arguments become parts of the result: `createArray`.
    Carried,
}

/// One call under way.
struct Call<'a> {
    args: &'a [Node],
    span: Span,
    now: Option<Ticks>,
}

/// One function.
pub struct Function {
    /// The name as documented; calls ignore case.
    pub name: &'static str,
    /// What it works on: `array`, `string`, `date`, ...
    pub family: &'static str,
    /// How it is called.
    pub signature: &'static str,
    /// What it gives, in one line.
    pub doc: &'static str,
    /// Fewest arguments.
    pub min_args: usize,
    /// Most arguments; `None` for any number.
    pub max_args: Option<usize>,
    unknowns: Unknowns,
    run: fn(&Call<'_>) -> Result<Value, FunctionError>,
}

impl Function {
    /// Calls the function. The arguments must not be unresolved where [`Function::blocking`] says so.
    ///
    /// # Errors
    ///
    /// A wrong number or type of arguments, a value out of range, or a result beyond the bounds.
    pub fn call(&self, args: &[Node], span: Span, now: Option<Ticks>) -> Result<Value, FunctionError> {
        if args.len() < self.min_args || self.max_args.is_some_and(|most| args.len() > most) {
            return Err(FunctionError::new(format!("`{}` is called as {}", self.name, self.signature)));
        }
        (self.run)(&Call { args, span, now })
    }

    /// The unknown among the arguments that keeps the function from giving a value.
    pub fn blocking<'a>(&self, args: &'a [Node]) -> Option<&'a Unresolved> {
        match self.unknowns {
            Unknowns::Shallow => args.iter().find_map(Node::as_unresolved),
            Unknowns::Deep => args.iter().find_map(first_unresolved),
            Unknowns::Carried => None,
        }
    }
}

fn first_unresolved(node: &Node) -> Option<&Unresolved> {
    match &node.value {
        Value::Unresolved(unresolved) => Some(unresolved),
        Value::Array(items) => items.iter().find_map(first_unresolved),
        Value::Object(object) => object.iter().find_map(|member| first_unresolved(&member.value)),
        _ => None,
    }
}

/// Functions of the evaluator itself, for the reference page: they do not evaluate all their arguments once.
static SPECIAL: &[Function] = &[
    special("if", "logic", "if(condition, then, else)", "One of two values; the other is not evaluated."),
    special(
        "and",
        "logic",
        "and(a, b, ...)",
        "True when all are; false as soon as one is, known or not the others.",
    ),
    special("or", "logic", "or(a, b, ...)", "True as soon as one is."),
    special("coalesce", "logic", "coalesce(a, ...)", "The first value that is not null."),
    special("filter", "lambda", "filter(array, lambda)", "The items for which the lambda is true."),
    special("map", "lambda", "map(array, lambda)", "The lambda's value for each item."),
    special("mapValues", "lambda", "mapValues(object, lambda)", "The object with each value replaced."),
    special("reduce", "lambda", "reduce(array, start, lambda)", "The items folded into one value."),
    special("sort", "lambda", "sort(array, lambda)", "The items in the order that the lambda says."),
    special("toObject", "lambda", "toObject(array, key, value?)", "An object with a member for each item."),
    special("groupBy", "lambda", "groupBy(array, key)", "An object of arrays by the lambda's key."),
    special("lambda", "lambda", "lambda('x', body)", "A function for the ones above."),
    special("lambdaVariables", "lambda", "lambdaVariables('x')", "The value of a lambda's variable."),
];

const fn special(
    name: &'static str,
    family: &'static str,
    signature: &'static str,
    doc: &'static str,
) -> Function {
    Function {
        name,
        family,
        signature,
        doc,
        min_args: 0,
        max_args: None,
        unknowns: Unknowns::Carried,
        run: out_of_place,
    }
}

fn out_of_place(_: &Call<'_>) -> Result<Value, FunctionError> {
    Err(FunctionError::new("wrong number or kind of arguments"))
}

static FAMILIES: &[&[Function]] = &[
    array::FUNCTIONS,
    date::FUNCTIONS,
    encoding::FUNCTIONS,
    logic::FUNCTIONS,
    network::FUNCTIONS,
    number::FUNCTIONS,
    object::FUNCTIONS,
    string::FUNCTIONS,
    SPECIAL,
];

/// Every function, sorted by family and name.
pub fn all() -> Vec<&'static Function> {
    let mut functions: Vec<&Function> = FAMILIES.iter().copied().flatten().collect();
    functions.sort_by_key(|function| (function.family, function.name));
    functions
}

/// The function with a name, in any case.
pub fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceLock<HashMap<String, &'static Function>> = OnceLock::new();
    let table = BY_NAME.get_or_init(|| {
        all().into_iter().map(|function| (function.name.to_ascii_lowercase(), function)).collect()
    });
    table.get(name.to_ascii_lowercase().as_str()).copied()
}

impl Call<'_> {
    fn arg(&self, index: usize) -> Result<&Node, FunctionError> {
        self.args.get(index).ok_or_else(|| FunctionError::new(format!("argument {} is missing", index + 1)))
    }

    fn wrong(&self, index: usize, wanted: &str) -> FunctionError {
        let found = self.args.get(index).map_or("nothing", |node| node.value.type_name());
        FunctionError::new(format!("argument {} has to be {wanted}, not {found}", index + 1))
    }

    fn text(&self, index: usize) -> Result<&str, FunctionError> {
        self.arg(index)?.as_str().ok_or_else(|| self.wrong(index, "a string"))
    }

    fn int(&self, index: usize) -> Result<i64, FunctionError> {
        self.arg(index)?.as_i64().ok_or_else(|| self.wrong(index, "a whole number"))
    }

    fn array(&self, index: usize) -> Result<&[Node], FunctionError> {
        self.arg(index)?.as_array().ok_or_else(|| self.wrong(index, "an array"))
    }

    fn count(&self, index: usize) -> Result<usize, FunctionError> {
        // A negative count means none, as `skip` and `take` document.
        Ok(usize::try_from(self.int(index)?.max(0)).unwrap_or(usize::MAX))
    }

    fn at(&self, value: Value) -> Node {
        value.at(self.span)
    }

    fn strings<T: Into<Arc<str>>>(&self, items: impl IntoIterator<Item = T>) -> Result<Value, FunctionError> {
        bounded_array(items.into_iter().map(|item| self.at(Value::string(item))).collect())
    }
}

fn bounded_array(items: Vec<Node>) -> Result<Value, FunctionError> {
    if items.len() > ARRAY_LIMIT {
        return Err(FunctionError::new(format!(
            "the array would have {} items; at most {ARRAY_LIMIT}",
            items.len()
        )));
    }
    Ok(Value::array(items))
}

fn bounded_text(text: String) -> Result<Value, FunctionError> {
    if text.len() > TEXT_LIMIT {
        return Err(FunctionError::new(format!(
            "the text would have {} bytes; at most {TEXT_LIMIT}",
            text.len()
        )));
    }
    Ok(Value::string(text))
}

/// Deep equality without regard to spans. Member names ignore case, strings do not; `1` equals `1.0`.
pub fn same(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|member| right.get(&member.key).is_some_and(|other| same(&member.value, other)))
        }
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => left.as_f64() == right.as_f64(),
        (left, right) => left == right,
    }
}

/// A row of a family's table.
macro_rules! rows {
    ($family:literal: $($name:literal $min:literal $max:tt $unknowns:ident $run:path, $signature:literal, $doc:literal;)*) => {
        &[$(crate::functions::Function {
            name: $name, family: $family, signature: $signature, doc: $doc, min_args: $min,
            max_args: crate::functions::rows!(@max $max),
            unknowns: crate::functions::Unknowns::$unknowns, run: $run,
        }),*]
    };
    (@max any) => { None };
    (@max $max:literal) => { Some($max) };
}
use rows;
