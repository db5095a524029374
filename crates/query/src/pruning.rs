//! What conditions of a query say about files before they are opened: the times that count, and terms that must occur.
//!
//! Conditions come as a [`TableProvider`](datafusion::catalog::TableProvider) is given them. What is not understood says
//! nothing: the file is read then.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::{split_binary, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::functions::kernel;
use crate::tables::or_empty;

/// Texts of which one has to occur in a row, for it to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The columns in which they may stand.
    pub columns: Vec<String>,
    /// Each is one way to fulfil it: texts that all have to occur, as `has` finds them.
    pub any_of: Vec<Vec<String>>,
}

/// The most texts that are looked up for one condition.
const MOST: usize = 1_000;

/// What all conditions together need.
pub fn needed(conditions: &[Expr]) -> Vec<Needed> {
    conditions.iter().flat_map(|condition| split_conjunction(condition)).filter_map(of).collect()
}

fn of(condition: &Expr) -> Option<Needed> {
    let needed = match condition {
        Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
            let mut either = Needed { columns: Vec::new(), any_of: Vec::new() };
            for part in split_binary(condition, Operator::Or) {
                // Each way may have several conditions, of which any one will do.
                let needed = split_conjunction(part).into_iter().find_map(of)?;
                either.columns.extend(needed.columns);
                either.any_of.extend(needed.any_of);
            }
            either
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (column, wanted) = column(left).zip(text(right)).or_else(|| column(right).zip(text(left)))?;
            Needed { columns: vec![column.to_owned()], any_of: vec![vec![wanted.to_owned()]] }
        }
        Expr::InList(InList { expr, list, negated: false }) => Needed {
            columns: vec![column(expr)?.to_owned()],
            any_of: list.iter().map(|item| Some(vec![text(item)?.to_owned()])).collect::<Option<_>>()?,
        },
        Expr::ScalarFunction(call) => {
            let [argument] = call.args.as_slice() else { return None };
            Needed { columns: vec![column(argument)?.to_owned()], any_of: kernel::called(call)?.needed()? }
        }
        _ => return None,
    };
    let any_of = &needed.any_of;
    let is_some = !any_of.is_empty() && any_of.len() <= MOST && any_of.iter().all(|way| !way.is_empty());
    is_some.then_some(needed)
}

/// The name of a column that is tested as it is.
fn column(value: &Expr) -> Option<&str> {
    match or_empty(value).unwrap_or(value) {
        Expr::Column(column) => Some(&column.name),
        _ => None,
    }
}

fn text(value: &Expr) -> Option<&str> {
    match value {
        Expr::Literal(ScalarValue::Utf8View(Some(text)) | ScalarValue::Utf8(Some(text)), _) => {
            (!text.is_empty()).then_some(text.as_str())
        }
        _ => None,
    }
}

/// The least and greatest number of a column of times that conditions allow, in the unit of the column's type.
pub fn range(conditions: &[Expr], column: &str) -> (i64, i64) {
    let (mut first, mut last) = (i64::MIN, i64::MAX);
    for condition in conditions.iter().flat_map(|condition| split_conjunction(condition)) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { continue };
        let (operator, number) =
            match (is_column(left, column), number(right), number(left), is_column(right, column)) {
                (true, Some(number), _, _) => (*op, number),
                (_, _, Some(number), true) => (op.swap().unwrap_or(Operator::NotEq), number),
                _ => continue,
            };
        match operator {
            Operator::Eq => (first, last) = (first.max(number), last.min(number)),
            Operator::GtEq => first = first.max(number),
            Operator::Gt => first = first.max(number.saturating_add(1)),
            Operator::LtEq => last = last.min(number),
            Operator::Lt => last = last.min(number.saturating_sub(1)),
            _ => {}
        }
    }
    (first, last)
}

fn is_column(value: &Expr, name: &str) -> bool {
    matches!(value, Expr::Column(column) if column.name == name)
}

fn number(value: &Expr) -> Option<i64> {
    match value {
        Expr::Literal(ScalarValue::TimestampMicrosecond(number, _), _) => *number,
        _ => None,
    }
}
