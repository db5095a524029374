//! Which resource types a rule can speak about.

use castellan_base::{Node, Object, Value};

use crate::compare::{Operator, compare};
use crate::condition::{Condition, FieldKind, Left, Operand, Test};
use crate::definition::Parameter;
use crate::truth::Truth;

/// A type to ask about: a known one, or some type that the rule does not name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    Type(&'a Node),
    Other,
}

/// Whether a condition can hold for resources of a type, every comparison of something else being unknown.
///
/// False means that the rule is not about resources of that type.
pub(crate) fn concerns(
    condition: &Condition,
    asked: Asked<'_>,
    parameters: Option<&Object>,
    declared: &[Parameter],
) -> Truth {
    match condition {
        Condition::AllOf(parts) => {
            let mut total = Truth::True;
            for part in parts {
                total = total.and(concerns(part, asked, parameters, declared));
                if total == Truth::False {
                    return total;
                }
            }
            total
        }
        Condition::AnyOf(parts) => {
            let mut total = Truth::False;
            for part in parts {
                total = total.or(concerns(part, asked, parameters, declared));
                if total == Truth::True {
                    return total;
                }
            }
            total
        }
        Condition::Not(inner) => !concerns(inner, asked, parameters, declared),
        Condition::Test(test) => type_test(test, asked, parameters, declared),
    }
}

fn type_test(test: &Test, asked: Asked<'_>, parameters: Option<&Object>, declared: &[Parameter]) -> Truth {
    if !is_type(test) {
        return Truth::Unknown;
    }
    let right = match &test.right {
        Operand::Constant(node) => node,
        Operand::Parameter { name, .. } => {
            let given = parameters.and_then(|parameters| parameters.get(name));
            let declared = || declared.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
            match given.or_else(|| declared()?.default.as_ref()) {
                Some(node) => node,
                None => return Truth::Unknown,
            }
        }
        _ => return Truth::Unknown,
    };
    match asked {
        Asked::Type(node) => compare(test.operator, Some(node), right).unwrap_or(Truth::Unknown),
        Asked::Other => match (test.operator, &right.value) {
            (Operator::Equals | Operator::In, Value::String(_) | Value::Array(_)) => Truth::False,
            (Operator::NotEquals | Operator::NotIn, Value::String(_) | Value::Array(_)) => Truth::True,
            _ => Truth::Unknown,
        },
    }
}

fn is_type(test: &Test) -> bool {
    match &test.left {
        Left::Field(field) | Left::Value(Operand::Field(field)) => matches!(field.kind, FieldKind::Type),
        _ => false,
    }
}

/// The types that the condition compares with by name, and whether its type comparisons are all of that kind (no
/// parameters, no patterns).
pub(crate) fn named(condition: &Condition, into: &mut Vec<Node>) -> bool {
    match condition {
        Condition::AllOf(parts) | Condition::AnyOf(parts) => {
            let mut plain = true;
            for part in parts {
                plain &= named(part, into);
            }
            plain
        }
        Condition::Not(inner) => named(inner, into),
        Condition::Test(test) if is_type(test) => match &test.right {
            Operand::Constant(node) => match &node.value {
                Value::String(_) => {
                    into.push(node.clone());
                    matches!(test.operator, Operator::Equals | Operator::NotEquals)
                }
                Value::Array(items) => {
                    into.extend(items.iter().filter(|item| item.as_str().is_some()).cloned());
                    matches!(test.operator, Operator::In | Operator::NotIn)
                }
                _ => false,
            },
            _ => false,
        },
        Condition::Test(_) => true,
    }
}
