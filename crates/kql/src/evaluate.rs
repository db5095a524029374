//! Scalar expressions over one row.
//!
//! Slow and plain on purpose: this is what a compiled plan is checked against, and what a caller with a single row uses.

use crate::ast::{Argument, Expr, ExprKind, MembershipOperator};
use crate::diagnostic::Diagnostic;
use crate::functions::{self, operators};
use crate::nearest::nearest;
use crate::span::Span;
use crate::value::{Dynamic, ScalarType, Value};

/// What an expression can see.
pub trait Scope {
    /// The value of a column or variable; `None` for a name that there is not.
    fn value(&self, name: &str) -> Option<Value>;

    /// The time of the query in ticks since year 1; `None` makes `now()` and `ago()` an error.
    fn now(&self) -> Option<i64> {
        None
    }
}

/// The value of an expression.
///
/// Errors: a name or function that there is not, a number of arguments that a function does not take, and what needs
/// more than one row (pipelines, aggregates). Each with its place.
///
/// ```
/// use castellan_kql::{Scope, Value, ast::*, evaluate};
///
/// struct Row;
/// impl Scope for Row {
///     fn value(&self, name: &str) -> Option<Value> {
///         (name == "Name").then(|| Value::string("svc-backup"))
///     }
/// }
/// let parsed = castellan_kql::parse(r#"Name startswith "SVC" and strlen(Name) > 3"#);
/// let Statement::Query(expr) = &parsed.script.statements[0] else { panic!() };
/// assert_eq!(evaluate(expr, &Row).unwrap(), Value::Bool(true));
/// ```
pub fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Value, Diagnostic> {
    match &expr.kind {
        ExprKind::Literal { value, .. } => Ok(value.clone()),
        ExprKind::Name(name) => scope.value(name).ok_or_else(|| {
            Diagnostic::error("unknown-name", expr.span, format!("there is no column or variable `{name}`"))
        }),
        ExprKind::Member { base, name } => Ok(member(&evaluate(base, scope)?, &name.text)),
        ExprKind::Index { base, index } => Ok(item(&evaluate(base, scope)?, &evaluate(index, scope)?)),
        ExprKind::Call { callee, arguments } => call(callee, arguments, expr.span, scope),
        ExprKind::Unary { is_minus, operand } => {
            let value = evaluate(operand, scope)?;
            Ok(if *is_minus { operators::negate(&value) } else { value })
        }
        ExprKind::Binary { operator, left, right } => {
            Ok(operators::binary(*operator, &evaluate(left, scope)?, &evaluate(right, scope)?))
        }
        ExprKind::Between { value, is_negated, low, high } => {
            let value = evaluate(value, scope)?;
            Ok(between(&value, &evaluate(low, scope)?, &evaluate(high, scope)?, *is_negated))
        }
        ExprKind::Membership { value, operator, items } => {
            let value = evaluate(value, scope)?;
            let items: Vec<Value> =
                items.iter().map(|item| evaluate(item, scope)).collect::<Result<_, _>>()?;
            Ok(Value::Bool(match operator {
                MembershipOperator::In { is_negated, is_case_sensitive } => {
                    operators::is_in(&value, &items, *is_case_sensitive) != *is_negated
                }
                MembershipOperator::HasAny => operators::has_terms(&value, &items, false),
                MembershipOperator::HasAll => operators::has_terms(&value, &items, true),
            }))
        }
        // A type as an argument goes by its name.
        ExprKind::TypeOf(schema) => {
            let scalar_type = schema.columns.first().and_then(|column| column.scalar_type);
            Ok(Value::string(scalar_type.unwrap_or(ScalarType::Dynamic).name()))
        }
        // Pipelines, functions, wildcards, and what could not be read.
        _ => Err(Diagnostic::error("not-scalar", expr.span, "a scalar expression is expected here")),
    }
}

/// `base.name`; null where there is no such member.
pub(crate) fn member(base: &Value, name: &str) -> Value {
    match base {
        Value::Dynamic(dynamic) => {
            dynamic.get(name).map_or(Value::Null, |found| Value::dynamic(found.clone()))
        }
        _ => Value::Null,
    }
}

/// `base[index]`, by key or by position.
pub(crate) fn item(base: &Value, index: &Value) -> Value {
    let Value::Dynamic(dynamic) = base else { return Value::Null };
    let found = match index {
        Value::String(key) => dynamic.get(key),
        other => other.to_i64().and_then(|position| dynamic.at(position)),
    };
    found.map_or(Value::Null, |found: &Dynamic| Value::dynamic(found.clone()))
}

/// A timespan as the upper bound of a time counts from the lower one.
fn between(value: &Value, low: &Value, high: &Value, is_negated: bool) -> Value {
    use crate::ast::{BinaryKind, BinaryOperator};
    let operator = |kind| BinaryOperator { kind, is_negated: false, is_case_sensitive: true };
    let high = match (low, high) {
        (Value::DateTime(_), Value::TimeSpan(_)) => operators::binary(operator(BinaryKind::Add), low, high),
        _ => high.clone(),
    };
    let above = operators::binary(operator(BinaryKind::GreaterOrEqual), value, low);
    let below = operators::binary(operator(BinaryKind::LessOrEqual), value, &high);
    match operators::binary(operator(BinaryKind::And), &above, &below) {
        Value::Bool(inside) => Value::Bool(inside != is_negated),
        other => other,
    }
}

fn call(callee: &Expr, arguments: &[Argument], span: Span, scope: &dyn Scope) -> Result<Value, Diagnostic> {
    let ExprKind::Name(name) = &callee.kind else {
        return Err(Diagnostic::error(
            "not-scalar",
            callee.span,
            "this cannot be called in a scalar expression",
        ));
    };
    let values = || -> Result<Vec<Value>, Diagnostic> {
        arguments.iter().map(|argument| evaluate(&argument.value, scope)).collect()
    };
    if let "now" | "ago" = &**name {
        let values = values()?;
        let Some(now) = scope.now() else {
            return Err(Diagnostic::error(
                "no-clock",
                span,
                format!("`{name}()` needs the time of the query"),
            ));
        };
        let offset = values.first().map_or(Some(0), Value::to_timespan).unwrap_or(0);
        let ticks = if &**name == "now" { now.checked_add(offset) } else { now.checked_sub(offset) };
        return Ok(ticks.map_or(Value::Null, Value::datetime));
    }
    let Some(function) = functions::find(name) else {
        let message = format!("there is no scalar function `{name}`");
        let diagnostic = Diagnostic::error("unknown-function", callee.span, message);
        let near = nearest(name, functions::all().map(|function| function.name));
        return Err(match near {
            Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    };
    function.call(&values()?).ok_or_else(|| {
        let message = format!("`{name}` takes {}, not {}", counted(function), arguments.len());
        Diagnostic::error("argument-count", span, message)
    })
}

fn counted(function: &functions::ScalarFunction) -> String {
    match (function.least, function.most) {
        (least, most) if least == most && least == 1 => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}
