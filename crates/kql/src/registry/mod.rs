//! Everything the language has by name: each function, aggregate, operator, plugin, statement and type is a row with
//! its signatures, what it does, and an example. Help, completion, the reference page and the coverage table are made
//! from these rows.
//!
//! The rows are written as YAML under `data/registry`, one file for each family; `cargo xtask generate` turns them into
//! tables of constants, because reading 200 KB of YAML takes over 10 ms, more than a short query, and `cargo xtask tidy`
//! holds the two together.
//!
//! ```
//! use castellan_kql::registry::{self, Kind};
//!
//! let strcat = registry::find("strcat").unwrap();
//! assert_eq!(strcat.usage(), "strcat(value: any, ...)");
//! assert_eq!(strcat.result, Some("a1"));
//!
//! // Spellings of former times lead to the same row; some names are both an operator and a function.
//! assert_eq!(registry::find("makeset").unwrap().name, "make_set");
//! assert!(registry::find_kind("count", Kind::Operator).is_some());
//! assert_eq!(registry::nearest("mak_set"), Some("make_set"));
//! ```
//!
//! # A row's signatures
//!
//! An argument has the types it may take ([`ArgumentType`]): a scalar type, a class of types (`number` is int, long,
//! real and decimal, `summable` those and timespan, `ordered` what has an order: `summable`, datetime, string, bool and
//! guid, `scalar` any type, `any` also a dynamic value as it is), or something that is no value (`column`, `tabular`,
//! `type` for `typeof(...)`, `star` for `*`, `aggregate`, `variable` for a node or an edge of a pattern). A `constant`
//! argument has to be known before the query runs, a `named` one may be written as `name = value`. `repeat` says how often an argument may stand; neighbours with the
//! same numbers repeat as a group, as key and value of `bag_pack` do.
//!
//! What comes out ([`Returns`]) is a type or a rule: `arg1` the type of the first argument, `promoted` the same but long
//! for int, `widest` the widest number among the arguments (int, long, real, decimal in this order), `common` the type
//! that all branches share, or dynamic, `typeof` the type named by the type argument, `first` the first column's type,
//! `column` that of the column or the default, `columns` the arguments as columns of their own, `tuple` the columns in
//! [`Row::columns`], `arrays` a dynamic value for each array argument.
//!
//! # A column's name
//!
//! [`Row::column`] is the name that a column gets where the query gives it none: `{0}` stands for the name of the first
//! argument when that is a column (or itself has a name by this rule), and for nothing when it is not; `{value 0}` for
//! the text of a literal argument. `{1}` and further are the other arguments, a number among them with `_` for its point;
//! an argument that repeats gives a column each time, as `percentile_x_50` and `percentile_x_99_9`. Names that are taken
//! get a number behind them: `set_x`, `set_x1`. Without a rule the name is `Column1` and so on, in `print` `print_0`.

#[rustfmt::skip] // Written by `cargo xtask generate`, a line for each row.
mod generated;
mod row;

pub use row::{Argument, ArgumentType, Kind, OutputColumn, Returns, Row, Signature};

/// The families in the order of the reference, each with its rows in order of name.
pub fn families() -> impl Iterator<Item = (&'static str, &'static [Row])> {
    generated::FAMILIES.iter().copied()
}

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    families().flat_map(|(_, rows)| rows)
}

/// What is called with arguments in an expression: scalar, window and graph functions, and aggregates.
pub fn functions() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| row.kind.is_function())
}

/// The operators that take rows: `where`, `summarize`, `union`, `print` and the like.
pub fn operators() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| row.kind == Kind::Operator)
}

/// The row of a name or a legacy spelling. Names are case-sensitive. Of several kinds of one name the first in the order
/// of [`Kind`] is found, so that `count` is the aggregate and `hll_merge` the scalar function.
pub fn find(name: &str) -> Option<&'static Row> {
    entries(name).next()
}

/// The row of a name or a legacy spelling among those of a kind.
pub fn find_kind(name: &str, kind: Kind) -> Option<&'static Row> {
    entries(name).find(|row| row.kind == kind)
}

/// All rows of a name or a legacy spelling, one for each kind.
fn entries(name: &str) -> impl Iterator<Item = &'static Row> {
    let start = generated::INDEX.partition_point(|(known, _)| *known < name);
    let rest = generated::INDEX.get(start..).unwrap_or_default();
    rest.iter().take_while(move |(known, _)| *known == name).map(|(_, row)| *row)
}

/// The function or plugin that somebody may have meant, if a few changes lead to one.
pub fn nearest(name: &str) -> Option<&'static str> {
    let is_called = |row: &&Row| row.kind.is_function() || row.kind == Kind::Plugin;
    crate::nearest::nearest(name, rows().filter(is_called).map(|row| row.name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_within_their_kind() {
        let mut seen = BTreeSet::new();
        for row in rows() {
            for name in std::iter::once(&row.name).chain(row.legacy) {
                assert!(seen.insert((*name, row.kind)), "{name} stands twice as {:?}", row.kind);
            }
        }
    }

    #[test]
    fn every_name_is_found() {
        for row in rows() {
            for name in std::iter::once(&row.name).chain(row.legacy) {
                assert_eq!(find_kind(name, row.kind), Some(row));
                assert!(find(name).is_some());
            }
        }
        assert_eq!(find("STRCAT"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn of_one_name_the_function_comes_first() {
        assert_eq!(find("count").unwrap().kind, Kind::Aggregate);
        assert_eq!(find("range").unwrap().kind, Kind::Scalar);
        assert_eq!(find("hll_merge").unwrap().kind, Kind::Scalar);
        assert_eq!(find("where").unwrap().kind, Kind::Operator);
    }

    #[test]
    fn rows_are_complete() {
        for row in rows() {
            assert!(!row.doc.is_empty() && !row.example.is_empty(), "{}", row.name);
            assert!(row.doc.ends_with('.'), "{}: {}", row.name, row.doc);
            let has_signature = !row.signatures.is_empty();
            match row.kind {
                Kind::Operator | Kind::Statement => assert!(row.syntax.is_some(), "{}", row.name),
                Kind::Join | Kind::Type => assert!(!has_signature, "{}", row.name),
                _ => assert!(has_signature, "{}", row.name),
            }
            assert_eq!(row.kind == Kind::Plugin, row.schema.is_some(), "{}", row.name);
            let is_tuple = row.signatures.iter().any(|signature| signature.returns == Returns::Tuple);
            assert_eq!(is_tuple, !row.columns.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn optional_arguments_come_last() {
        for row in rows() {
            for signature in row.signatures {
                let after = signature.arguments.iter().skip_while(|argument| argument.is_required());
                let required = after.filter(|argument| argument.is_required() && argument.repeat.is_none());
                assert_eq!(required.count(), 0, "{}: {signature}", row.name);
            }
        }
    }

    #[test]
    fn names_that_nearly_exist_are_guessed() {
        assert_eq!(nearest("tolowr"), Some("tolower"));
        assert_eq!(nearest("arg_mx"), Some("arg_max"));
        assert_eq!(nearest("no_such_function_at_all"), None);
    }
}
