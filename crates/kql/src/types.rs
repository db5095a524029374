//! The types of scalar expressions.
//!
//! Numbers widen by themselves (int, long, real, decimal, in this order), a dynamic value goes wherever a scalar does,
//! and a text beside a time or a guid is read as one. Everything else needs a conversion, and is refused here with the
//! function that does it.

use crate::ast::{Argument, BinaryKind, BinaryOperator, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::registry::{self, ArgumentType, Kind, Returns, Row, Signature};
use crate::value::ScalarType;

/// Names with types: the columns of a row, and variables.
pub trait Names {
    /// The type of a name; `None` for one that there is not.
    fn scalar_type(&self, name: &str) -> Option<ScalarType>;

    /// All names, to suggest one.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Names for [(&str, ScalarType)] {
    fn scalar_type(&self, name: &str) -> Option<ScalarType> {
        self.iter().find(|(known, _)| *known == name).map(|(_, scalar_type)| *scalar_type)
    }

    fn names(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| *name).collect()
    }
}

/// The type of an expression.
///
/// Errors, each with its place: a name or function that there is not, arguments that no signature takes, operators
/// between types that do not go together.
///
/// ```
/// use castellan_kql::{ScalarType, ast::*, scalar_type};
///
/// let columns: &[(&str, ScalarType)] = &[("Time", ScalarType::DateTime), ("Name", ScalarType::String)];
/// let typed = |text: &str| {
///     let parsed = castellan_kql::parse(text);
///     let Statement::Query(expr) = &parsed.script.statements[0] else { panic!() };
///     scalar_type(expr, columns).map_err(|error| error.to_string())
/// };
/// assert_eq!(typed("bin(Time, 1h)"), Ok(ScalarType::DateTime));
/// assert_eq!(typed("strlen(Name) * 1.5"), Ok(ScalarType::Real));
/// assert_eq!(typed("Name + 1"), Err("`+` does not take string and long (convert with tolong() or tostring())".to_owned()));
/// assert_eq!(typed("Nme"), Err("there is no column or variable `Nme` (did you mean `Name`?)".to_owned()));
/// ```
pub fn scalar_type<N: Names + ?Sized>(expr: &Expr, names: &N) -> Result<ScalarType, Diagnostic> {
    match &expr.kind {
        ExprKind::Literal { scalar_type, .. } => Ok(*scalar_type),
        ExprKind::Name(name) => names.scalar_type(name).ok_or_else(|| {
            let message = format!("there is no column or variable `{name}`");
            let near = crate::nearest::nearest(name, names.names());
            suggest(Diagnostic::error("unknown-name", expr.span, message), near)
        }),
        ExprKind::Member { base, .. } => {
            dynamic(base, names)?;
            Ok(ScalarType::Dynamic)
        }
        ExprKind::Index { base, index } => {
            dynamic(base, names)?;
            scalar_type(index, names)?;
            Ok(ScalarType::Dynamic)
        }
        ExprKind::Call { callee, arguments } => call(expr, callee, arguments, names),
        ExprKind::Unary { operand, .. } => match scalar_type(operand, names)? {
            found if found.is_number() || matches!(found, ScalarType::TimeSpan | ScalarType::Dynamic) => {
                Ok(found)
            }
            found => {
                let message = format!("a sign does not go before {found}");
                Err(Diagnostic::error("type-mismatch", expr.span, message))
            }
        },
        ExprKind::Binary { operator, left, right } => {
            let (left_type, right_type) = (scalar_type(left, names)?, scalar_type(right, names)?);
            binary(*operator, left_type, right_type)
                .ok_or_else(|| mismatch(expr, *operator, left_type, right_type))
        }
        ExprKind::Between { value, low, high, .. } => {
            for part in [value, low, high] {
                scalar_type(part, names)?;
            }
            Ok(ScalarType::Bool)
        }
        ExprKind::Membership { value, items, .. } => {
            scalar_type(value, names)?;
            for item in items {
                scalar_type(item, names)?;
            }
            Ok(ScalarType::Bool)
        }
        _ => Err(Diagnostic::error("not-scalar", expr.span, "a scalar expression is expected here")),
    }
}

fn suggest(diagnostic: Diagnostic, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// Members and items are of dynamic values only.
fn dynamic<N: Names + ?Sized>(base: &Expr, names: &N) -> Result<(), Diagnostic> {
    match scalar_type(base, names)? {
        ScalarType::Dynamic => Ok(()),
        found => {
            let diagnostic = Diagnostic::error("type-mismatch", base.span, format!("{found} has no members"));
            Err(if found == ScalarType::String {
                diagnostic.with_help("read it with parse_json()")
            } else {
                diagnostic
            })
        }
    }
}

/// The wider of two types of numbers.
fn widest(left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    const ORDER: [ScalarType; 4] = [ScalarType::Int, ScalarType::Long, ScalarType::Real, ScalarType::Decimal];
    let rank = |wanted: ScalarType| ORDER.iter().position(|known| *known == wanted);
    Some(if rank(left)? >= rank(right)? { left } else { right })
}

fn is_compared(left: ScalarType, right: ScalarType) -> bool {
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
fn binary(operator: BinaryOperator, left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    use ScalarType::{Bool, DateTime, Dynamic, Long, Real, String, TimeSpan};
    match operator.kind {
        BinaryKind::And | BinaryKind::Or => {
            let is_condition = |found| matches!(found, Bool | Dynamic) || ScalarType::is_number(found);
            (is_condition(left) && is_condition(right)).then_some(Bool)
        }
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
                    Dynamic => Some(Real),
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
                _ => widest(left, right),
            }
        }
        _ => Some(Bool),
    }
}

fn mismatch(expr: &Expr, operator: BinaryOperator, left: ScalarType, right: ScalarType) -> Diagnostic {
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
        Diagnostic::error("type-mismatch", expr.span, format!("`{sign}` does not take {left} and {right}"));
    let to = |scalar_type: ScalarType| format!("to{}()", scalar_type.name());
    if left == right {
        diagnostic
    } else {
        diagnostic.with_help(format!("convert with {} or {}", to(right), to(left)))
    }
}

fn call<N: Names + ?Sized>(
    expr: &Expr,
    callee: &Expr,
    arguments: &[Argument],
    names: &N,
) -> Result<ScalarType, Diagnostic> {
    let ExprKind::Name(name) = &callee.kind else {
        return Err(Diagnostic::error(
            "not-scalar",
            callee.span,
            "this cannot be called in a scalar expression",
        ));
    };
    let Some(row) = registry::find_kind(name, Kind::Scalar) else {
        if let Some(row) = registry::find(name).filter(|row| row.kind.is_function()) {
            let message = format!("`{name}` is {} function and stands elsewhere", article(row.kind));
            return Err(Diagnostic::error("misplaced-function", callee.span, message));
        }
        let diagnostic =
            Diagnostic::error("unknown-function", callee.span, format!("there is no function `{name}`"));
        return Err(suggest(diagnostic, registry::nearest(name)));
    };
    let given =
        arguments.iter().map(|argument| given(&argument.value, names)).collect::<Result<Vec<Given>, _>>()?;
    let fitting = row.signatures.iter().find(|signature| fits(signature, &given));
    let Some(signature) = fitting else {
        let types: Vec<&str> = given.iter().map(|given| given.name()).collect();
        let message = format!("`{name}` does not take ({})", types.join(", "));
        let usage = row.usage().replace('\n', " or ");
        return Err(Diagnostic::error("no-signature", expr.span, message).with_help(format!("write {usage}")));
    };
    returned(row, signature, &given).ok_or_else(|| {
        Diagnostic::error("not-scalar", expr.span, format!("`{name}` gives no single value here"))
    })
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Aggregate => "an aggregate",
        Kind::Window => "a window",
        _ => "a graph",
    }
}

/// An argument as a signature sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// A value.
    Value(ScalarType),
    /// `typeof(...)`, with the type.
    Type(ScalarType),
    /// `*`
    Star,
}

impl Given {
    fn name(self) -> &'static str {
        match self {
            Given::Value(scalar_type) => scalar_type.name(),
            Given::Type(_) => "type",
            Given::Star => "*",
        }
    }
}

fn given<N: Names + ?Sized>(expr: &Expr, names: &N) -> Result<Given, Diagnostic> {
    match &expr.kind {
        ExprKind::TypeOf(schema) => {
            let scalar_type = schema.columns.first().and_then(|column| column.scalar_type);
            Ok(Given::Type(scalar_type.unwrap_or(ScalarType::Dynamic)))
        }
        ExprKind::Star => Ok(Given::Star),
        _ => scalar_type(expr, names).map(Given::Value),
    }
}

/// True when every argument finds its place. Neighbours that repeat do so as a group; what stands behind them may be
/// left out where it is optional.
fn fits(signature: &Signature, given: &[Given]) -> bool {
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

fn returned(row: &Row, signature: &Signature, given: &[Given]) -> Option<ScalarType> {
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
