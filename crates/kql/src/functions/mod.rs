//! Scalar functions and operators, one value at a time: what every other way to run a query has to agree with.
//!
//! Functions take values and give a value; wrong types give null, as they do when a dynamic column holds something else
//! than expected. Which types a call may have is the binder's business. Functions that look at the clock, the session or
//! other tables are not here.
//!
//! ```
//! use castellan_kql::{Value, functions};
//!
//! let substring = functions::find("substring").unwrap();
//! let value = substring.call(&[Value::string("abcdefg"), Value::Long(1), Value::Long(2)]).unwrap();
//! assert_eq!(value, Value::string("bc"));
//! assert!(substring.call(&[Value::string("abc")]).is_none(), "too few arguments");
//! ```

pub mod address;
mod agent;
mod array;
mod bag;
mod compression;
mod conversion;
mod date;
mod encoding;
mod geo;
mod hash;
mod math;
pub mod operators;
mod pattern;
mod punycode;
mod series;
mod sketches;
mod statistics;
mod text;
mod timezone;
mod units;
mod url;
mod xml;

pub(crate) use hash::bytes as hash_bytes;

pub(crate) use address::Network;
pub use pattern::regex;

use crate::value::{Dynamic, Value};

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct ScalarFunction {
    /// Its name.
    pub name: &'static str,
    /// The fewest arguments.
    pub least: usize,
    /// The most arguments.
    pub most: usize,
    run: fn(&[Value]) -> Value,
}

/// Functions are the same when their names are.
impl PartialEq for ScalarFunction {
    fn eq(&self, other: &ScalarFunction) -> bool {
        self.name == other.name
    }
}

impl ScalarFunction {
    /// The value; `None` for a number of arguments that the function does not take.
    pub fn call(&self, arguments: &[Value]) -> Option<Value> {
        let fits = (self.least..=self.most).contains(&arguments.len());
        fits.then(|| if are_bounded(arguments) { bounded((self.run)(arguments)) } else { Value::Null })
    }
}

/// Whether many arguments together are not larger than a value may be: what holds them all would be.
fn are_bounded(arguments: &[Value]) -> bool {
    const FEW: usize = 8;
    let mut left = MAX_ITEMS;
    arguments.len() <= FEW
        || arguments.iter().all(|argument| match argument {
            Value::Dynamic(dynamic) => dynamic.spend(&mut left, MAX_NESTING),
            _ => true,
        })
}

/// The value, or what there is in place of one that is too large.
fn bounded(value: Value) -> Value {
    match &value {
        Value::String(text) if text.len() > MAX_SIZE => Value::string(""),
        Value::Dynamic(dynamic) if !dynamic.spend(&mut MAX_ITEMS.clone(), MAX_NESTING) => Value::Null,
        _ => value,
    }
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&[Value]) -> Value,
) -> ScalarFunction {
    ScalarFunction { name, least, most, run }
}

/// No limit that a call could reach.
const MANY: usize = 1024;

/// Longest text that a function makes, in bytes: `strrep` of `strrep` ends here, with an empty text.
pub const MAX_SIZE: usize = 1 << 24;

/// Most items, at all levels together, of a dynamic value that a function makes: beyond, it is null, as Kusto's are beyond
/// 1 MB. Source: Kusto documentation, "The dynamic data type".
const MAX_ITEMS: usize = 1 << 21;

/// Most levels of a dynamic value that a function makes.
const MAX_NESTING: usize = 128;

/// The families, each a table.
const FAMILIES: &[&[&[ScalarFunction]]] = &[
    &[
        address::FUNCTIONS,
        agent::FUNCTIONS,
        array::FUNCTIONS,
        bag::FUNCTIONS,
        compression::FUNCTIONS,
        conversion::FUNCTIONS,
        date::FUNCTIONS,
        encoding::FUNCTIONS,
        hash::FUNCTIONS,
        math::FUNCTIONS,
        pattern::FUNCTIONS,
        punycode::FUNCTIONS,
        series::FUNCTIONS,
        sketches::FUNCTIONS,
        statistics::FUNCTIONS,
        text::FUNCTIONS,
        timezone::FUNCTIONS,
        units::FUNCTIONS,
        url::FUNCTIONS,
        xml::FUNCTIONS,
    ],
    &geo::FAMILIES,
    &series::FAMILIES,
];

/// All functions.
pub fn all() -> impl Iterator<Item = &'static ScalarFunction> {
    FAMILIES.iter().flat_map(|families| families.iter()).flat_map(|family| family.iter())
}

/// The function of this name. Names are case-sensitive.
pub fn find(name: &str) -> Option<&'static ScalarFunction> {
    static BY_NAME: std::sync::OnceLock<std::collections::HashMap<&'static str, &'static ScalarFunction>> =
        std::sync::OnceLock::new();
    BY_NAME.get_or_init(|| all().map(|function| (function.name, function)).collect()).get(name).copied()
}

/// An argument; null where there is none.
fn at(arguments: &[Value], position: usize) -> &Value {
    arguments.get(position).unwrap_or(&Value::Null)
}

/// The text of an argument: of a string, or of anything else as `tostring()` gives it.
fn text_at(arguments: &[Value], position: usize) -> String {
    at(arguments, position).to_text()
}

fn long_at(arguments: &[Value], position: usize) -> Option<i64> {
    at(arguments, position).to_i64()
}

fn real_at(arguments: &[Value], position: usize) -> Option<f64> {
    at(arguments, position).to_f64()
}

/// The items of an array, also of one that stands in a string.
fn items_at(arguments: &[Value], position: usize) -> Option<Vec<Dynamic>> {
    match at(arguments, position) {
        Value::Dynamic(dynamic) => dynamic.as_array().map(<[Dynamic]>::to_vec),
        _ => None,
    }
}

fn boolean(flag: bool) -> Value {
    Value::Bool(flag)
}

fn or_null<T>(value: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, make)
}

fn array(items: Vec<Dynamic>) -> Value {
    Value::dynamic(Dynamic::Array(items))
}

fn string_array(items: impl IntoIterator<Item = String>) -> Value {
    array(items.into_iter().map(|item| Dynamic::String(item.into())).collect())
}
