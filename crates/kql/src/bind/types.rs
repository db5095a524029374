//! Which types go together.
//!
//! Numbers widen by themselves (int, long, real, decimal, in this order), a dynamic value goes wherever a scalar does,
//! and a text beside a time or a guid is read as one; `==` and `!=` read it as a number too. Everything else needs a
//! conversion, and is refused with the function that does it.

use crate::ast::{BinaryKind, BinaryOperator};
use crate::diagnostic::Diagnostic;
use crate::registry::{self, ArgumentType, Returns, Row, Signature};
use crate::span::Span;
use crate::value::ScalarType;

/// The wider of two types of numbers.
pub(super) fn widest(left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    const ORDER: [ScalarType; 4] = [ScalarType::Int, ScalarType::Long, ScalarType::Real, ScalarType::Decimal];
    let rank = |wanted: ScalarType| ORDER.iter().position(|known| *known == wanted);
    Some(if rank(left)? >= rank(right)? { left } else { right })
}

pub(super) fn is_compared(left: ScalarType, right: ScalarType) -> bool {
    let reads_text = |scalar_type: ScalarType| {
        matches!(
            scalar_type,
            ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Guid | ScalarType::Bool
        )
    };
    left == right
        || left == ScalarType::Dynamic
        || right == ScalarType::Dynamic
        || widest(left, right).is_some()
        || left == ScalarType::String && reads_text(right)
        || right == ScalarType::String && reads_text(left)
        || (left == ScalarType::Bool && right.is_number() || right == ScalarType::Bool && left.is_number())
}

/// What an operator gives for two types; `None` where it takes no such pair.
pub(super) fn binary(operator: BinaryOperator, left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    use ScalarType::{Bool, DateTime, Dynamic, Long, Real, String, TimeSpan};
    match operator.kind {
        BinaryKind::And | BinaryKind::Or => {
            let is_condition = |found| matches!(found, Bool | Dynamic) || ScalarType::is_number(found);
            (is_condition(left) && is_condition(right)).then_some(Bool)
        }
        // Rules compare `ResultType == 0` and `EventID == "4688"`, and the service takes it.
        BinaryKind::Equal if left == String || right == String => Some(Bool),
        BinaryKind::Equal
        | BinaryKind::Less
        | BinaryKind::LessOrEqual
        | BinaryKind::Greater
        | BinaryKind::GreaterOrEqual => {
            (!operator.is_case_sensitive || is_compared(left, right)).then_some(Bool)
        }
        BinaryKind::Add
        | BinaryKind::Subtract
        | BinaryKind::Multiply
        | BinaryKind::Divide
        | BinaryKind::Modulo => {
            let kind = operator.kind;
            match (left, right) {
                // What a dynamic value holds is known only row by row; numbers are the common case.
                (Dynamic, other) | (other, Dynamic) => match other {
                    Dynamic => Some(Dynamic),
                    DateTime | TimeSpan => Some(other),
                    String | Bool | ScalarType::Guid => None,
                    number => Some(number),
                },
                (DateTime, DateTime) => (kind == BinaryKind::Subtract).then_some(TimeSpan),
                (DateTime, TimeSpan) => match kind {
                    BinaryKind::Add | BinaryKind::Subtract => Some(DateTime),
                    BinaryKind::Divide => Some(Real),
                    BinaryKind::Modulo => Some(TimeSpan),
                    _ => None,
                },
                (TimeSpan, DateTime) => (kind == BinaryKind::Add).then_some(DateTime),
                (TimeSpan, TimeSpan) => match kind {
                    BinaryKind::Add | BinaryKind::Subtract | BinaryKind::Modulo => Some(TimeSpan),
                    BinaryKind::Divide => Some(Real),
                    _ => None,
                },
                (TimeSpan, number) if number.is_number() => {
                    matches!(kind, BinaryKind::Multiply | BinaryKind::Divide).then_some(TimeSpan)
                }
                (number, TimeSpan) if number.is_number() => {
                    (kind == BinaryKind::Multiply).then_some(TimeSpan)
                }
                (Bool, number) | (number, Bool) if number.is_number() => widest(number, Long),
                // A whole number of 32 bits would overflow soon.
                (ScalarType::Int, ScalarType::Int) => Some(Long),
                _ => widest(left, right),
            }
        }
        _ => Some(Bool),
    }
}

/// The error of an operator between types that do not go together.
pub(super) fn mismatch(
    span: Span,
    operator: BinaryOperator,
    left: ScalarType,
    right: ScalarType,
) -> Diagnostic {
    let sign = match operator.kind {
        BinaryKind::And => "and",
        BinaryKind::Or => "or",
        BinaryKind::Equal if operator.is_negated => "!=",
        BinaryKind::Equal => "==",
        BinaryKind::Less => "<",
        BinaryKind::LessOrEqual => "<=",
        BinaryKind::Greater => ">",
        BinaryKind::GreaterOrEqual => ">=",
        BinaryKind::Add => "+",
        BinaryKind::Subtract => "-",
        BinaryKind::Multiply => "*",
        BinaryKind::Divide => "/",
        _ => "%",
    };
    let diagnostic =
        Diagnostic::error("type-mismatch", span, format!("`{sign}` does not take {left} and {right}"));
    let to = |scalar_type: ScalarType| format!("to{}()", scalar_type.name());
    if left == right {
        diagnostic
    } else {
        diagnostic.with_help(format!("convert with {} or {}", to(right), to(left)))
    }
}

/// An argument as a signature sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A value.
    Value(ScalarType),
    /// `typeof(...)`, with the type.
    Type(ScalarType),
    /// `*`
    Star,
}

impl Given {
    pub(super) fn name(self) -> &'static str {
        match self {
            Given::Value(scalar_type) => scalar_type.name(),
            Given::Type(_) => "type",
            Given::Star => "*",
        }
    }
}

/// True when every argument finds its place. Neighbours that repeat do so as a group; what stands behind them may be
/// left out where it is optional.
pub(super) fn fits(signature: &Signature, given: &[Given]) -> bool {
    let start = signature.arguments.iter().take_while(|argument| argument.repeat.is_none()).count();
    let (head, rest) = signature.arguments.split_at(start);
    let (group, tail) = rest.split_at(rest.iter().take_while(|argument| argument.repeat.is_some()).count());
    if group.is_empty() {
        let required = head.iter().filter(|argument| argument.is_required()).count();
        return (required..=head.len()).contains(&given.len()) && accept(head, given);
    }
    let least_tail = tail.iter().filter(|argument| argument.is_required()).count();
    (least_tail..=tail.len())
        .rev()
        .filter_map(|count| tail.get(..count))
        .any(|tail| fits_group(head, group, tail, given))
}

/// [`fits`] with a group that repeats and exactly this tail.
fn fits_group(
    head: &[registry::Argument],
    group: &[registry::Argument],
    tail: &[registry::Argument],
    given: &[Given],
) -> bool {
    let Some(middle) = given.len().checked_sub(head.len() + tail.len()) else { return false };
    let (least, most) = group.first().and_then(|argument| argument.repeat).unwrap_or((0, u16::MAX));
    let rounds = middle / group.len();
    let fits_count = middle % group.len() == 0 && (usize::from(least)..=usize::from(most)).contains(&rounds);
    fits_count && accept(head.iter().chain(group.iter().cycle().take(middle)).chain(tail), given)
}

fn accept<'a>(places: impl IntoIterator<Item = &'a registry::Argument>, given: &[Given]) -> bool {
    given.iter().zip(places).all(|(given, argument)| accepts(argument, *given))
}

fn accepts(argument: &registry::Argument, given: Given) -> bool {
    argument.types.iter().any(|wanted| match given {
        Given::Star => *wanted == ArgumentType::Star,
        Given::Type(_) => *wanted == ArgumentType::Type,
        // A dynamic value may hold anything; numbers widen.
        Given::Value(ScalarType::Dynamic) => {
            !matches!(wanted, ArgumentType::Type | ArgumentType::Star | ArgumentType::Tabular)
        }
        Given::Value(scalar_type) => {
            let widens = match wanted {
                ArgumentType::Exact(exact) => {
                    widest(*exact, scalar_type) == Some(*exact) || is_narrowed(*exact, scalar_type)
                }
                _ => false,
            };
            wanted.accepts(scalar_type) || widens
        }
    })
}

/// A `long` is taken where an `int` is asked for: every whole constant is one.
fn is_narrowed(wanted: ScalarType, given: ScalarType) -> bool {
    wanted == ScalarType::Int && given == ScalarType::Long
}

/// The type that a call gives; `None` for several values and for tables.
pub(super) fn returned(row: &Row, signature: &Signature, given: &[Given]) -> Option<ScalarType> {
    let values: Vec<ScalarType> = given
        .iter()
        .filter_map(|given| match given {
            Given::Value(scalar_type) => Some(*scalar_type),
            _ => None,
        })
        .collect();
    match signature.returns {
        Returns::Exact(scalar_type) => Some(scalar_type),
        Returns::Argument1 | Returns::First | Returns::Column => values.first().copied(),
        Returns::Promoted => {
            values.first().map(|first| if *first == ScalarType::Int { ScalarType::Long } else { *first })
        }
        Returns::Widest => {
            let mut numbers = values.iter().copied();
            let first = numbers.next()?;
            numbers.try_fold(first, |widest_yet, next| widest(widest_yet, next).or(Some(widest_yet)))
        }
        Returns::Common => common(row, &values),
        Returns::Typeof => given.iter().find_map(|given| match given {
            Given::Type(scalar_type) => Some(*scalar_type),
            _ => None,
        }),
        Returns::Scalar | Returns::Arrays => Some(ScalarType::Dynamic),
        _ => None,
    }
}

/// The type that the branches of `iff`, `case` and `coalesce` share.
fn common(row: &Row, values: &[ScalarType]) -> Option<ScalarType> {
    let branches: Vec<ScalarType> = match row.name {
        "iff" => values.iter().copied().skip(1).collect(),
        // Conditions and values take turns; the last stands alone.
        "case" => {
            let last = values.len().saturating_sub(1);
            values
                .iter()
                .copied()
                .enumerate()
                .filter(|(at, _)| at % 2 == 1 || *at == last)
                .map(|(_, found)| found)
                .collect()
        }
        _ => values.to_vec(),
    };
    let first = branches.first().copied()?;
    let shared = branches.iter().copied().try_fold(first, |shared, next| match widest(shared, next) {
        Some(wider) => Some(wider),
        None if shared == next => Some(shared),
        None => None,
    });
    Some(shared.unwrap_or(ScalarType::Dynamic))
}
