//! Values of a row.

use std::fmt;
use std::sync::Arc;

use super::Plan;
use crate::ast::{BinaryKind, BinaryOperator, MembershipOperator};
use crate::functions::{ScalarFunction, operators};
use crate::value::{Dynamic, ScalarType, Value};

/// A value of a row with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// How it comes about.
    pub kind: ScalarKind,
    /// Its type.
    pub scalar_type: ScalarType,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarKind {
    /// A constant.
    Literal(Value),
    /// A column of the input, by position.
    Column(usize),
    /// `function(arguments)`
    Call {
        /// The function.
        function: &'static ScalarFunction,
        /// The arguments.
        arguments: Vec<Scalar>,
    },
    /// A value that differs each time.
    Volatile(Volatile),
    /// `-value`
    Negate(Box<Scalar>),
    /// `left operator right`
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// Its left side.
        left: Box<Scalar>,
        /// Its right side.
        right: Box<Scalar>,
    },
    /// `value between (low .. high)`
    Between {
        /// What is tested.
        value: Box<Scalar>,
        /// True for `!between`.
        is_negated: bool,
        /// The lower bound, included.
        low: Box<Scalar>,
        /// The upper bound, included.
        high: Box<Scalar>,
    },
    /// `value in (items)` and its relatives.
    Membership {
        /// What is tested.
        value: Box<Scalar>,
        /// How.
        operator: MembershipOperator,
        /// Scalars and arrays.
        items: Vec<Scalar>,
    },
    /// The same against the first column of a table.
    MembershipOf {
        /// What is tested.
        value: Box<Scalar>,
        /// How.
        operator: MembershipOperator,
        /// The table.
        table: Arc<Plan>,
    },
    /// `base.name`
    Member(Box<Scalar>, Arc<str>),
    /// `base[index]`
    Index(Box<Scalar>, Box<Scalar>),
    /// The value as [`Scalar::scalar_type`].
    Cast(Box<Scalar>),
    /// The first value of the first column of a table, null when there is no row.
    Subquery(Arc<Plan>),
}

/// Values that differ each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Volatile {
    /// `rand()`: a real from 0 up to 1; with a limit a whole number below it.
    Random(Option<i64>),
    /// `new_guid()`
    Guid,
}

impl Scalar {
    /// A constant.
    pub fn literal(value: Value, scalar_type: ScalarType) -> Scalar {
        Scalar { kind: ScalarKind::Literal(value), scalar_type }
    }

    /// A column of the input.
    pub fn column(position: usize, scalar_type: ScalarType) -> Scalar {
        Scalar { kind: ScalarKind::Column(position), scalar_type }
    }

    /// A column that nobody declared, of a table that may have more than it says. A plan with one can be checked, not
    /// run: it stands behind all columns, where every row is empty.
    pub fn unknown(scalar_type: ScalarType) -> Scalar {
        Scalar::column(usize::MAX, scalar_type)
    }

    /// Whether it is a column that nobody declared.
    pub fn is_unknown(&self) -> bool {
        self.kind == ScalarKind::Column(usize::MAX)
    }

    /// The value as another type; itself when it has that type.
    #[must_use]
    pub fn cast(self, scalar_type: ScalarType) -> Scalar {
        if self.scalar_type == scalar_type {
            return self;
        }
        Scalar { kind: ScalarKind::Cast(Box::new(self)), scalar_type }.folded()
    }

    /// The constant, where it is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ScalarKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The operands, from left to right.
    pub fn operands(&self) -> Vec<&Scalar> {
        match &self.kind {
            ScalarKind::Literal(_)
            | ScalarKind::Column(_)
            | ScalarKind::Volatile(_)
            | ScalarKind::Subquery(_) => Vec::new(),
            ScalarKind::Call { arguments, .. } => arguments.iter().collect(),
            ScalarKind::Negate(value) | ScalarKind::Cast(value) | ScalarKind::Member(value, _) => vec![value],
            ScalarKind::Binary { left, right, .. } => vec![left, right],
            ScalarKind::Between { value, low, high, .. } => vec![value, low, high],
            ScalarKind::Membership { value, items, .. } => std::iter::once(&**value).chain(items).collect(),
            ScalarKind::MembershipOf { value, .. } => vec![value],
            ScalarKind::Index(base, index) => vec![base, index],
        }
    }

    /// Whether any part of it, itself included, is so.
    pub fn any(&self, is_so: &dyn Fn(&Scalar) -> bool) -> bool {
        is_so(self) || self.operands().into_iter().any(|operand| operand.any(is_so))
    }

    /// Whether it is the same for every row.
    pub fn is_constant(&self) -> bool {
        !self.any(&|part| matches!(part.kind, ScalarKind::Column(_) | ScalarKind::Volatile(_)))
    }

    /// Rebuilds it from the leaves up: `change` sees each part after its operands were changed.
    ///
    /// Errors: the first that `change` gives.
    pub fn rebuilt<E>(&self, change: &mut dyn FnMut(Scalar) -> Result<Scalar, E>) -> Result<Scalar, E> {
        let mut boxed = |scalar: &Scalar| scalar.rebuilt(change).map(Box::new);
        let kind = match &self.kind {
            ScalarKind::Literal(_)
            | ScalarKind::Column(_)
            | ScalarKind::Volatile(_)
            | ScalarKind::Subquery(_) => self.kind.clone(),
            ScalarKind::Call { function, arguments } => ScalarKind::Call {
                function,
                arguments: arguments
                    .iter()
                    .map(|argument| argument.rebuilt(change))
                    .collect::<Result<_, E>>()?,
            },
            ScalarKind::Negate(value) => ScalarKind::Negate(boxed(value)?),
            ScalarKind::Cast(value) => ScalarKind::Cast(boxed(value)?),
            ScalarKind::Member(base, name) => ScalarKind::Member(boxed(base)?, Arc::clone(name)),
            ScalarKind::Index(base, index) => ScalarKind::Index(boxed(base)?, boxed(index)?),
            ScalarKind::Binary { operator, left, right } => {
                ScalarKind::Binary { operator: *operator, left: boxed(left)?, right: boxed(right)? }
            }
            ScalarKind::Between { value, is_negated, low, high } => ScalarKind::Between {
                value: boxed(value)?,
                is_negated: *is_negated,
                low: boxed(low)?,
                high: boxed(high)?,
            },
            ScalarKind::Membership { value, operator, items } => ScalarKind::Membership {
                value: boxed(value)?,
                operator: *operator,
                items: items.iter().map(|item| item.rebuilt(change)).collect::<Result<_, E>>()?,
            },
            ScalarKind::MembershipOf { value, operator, table } => ScalarKind::MembershipOf {
                value: boxed(value)?,
                operator: *operator,
                table: Arc::clone(table),
            },
        };
        change(Scalar { kind, scalar_type: self.scalar_type })
    }

    /// The same over other columns: a column's position becomes a value.
    #[must_use]
    pub fn over(&self, columns: &[Scalar]) -> Scalar {
        let replaced = self.rebuilt::<std::convert::Infallible>(&mut |part| {
            Ok(match part.kind {
                ScalarKind::Column(position) => columns.get(position).cloned().unwrap_or(part),
                _ => part,
            })
        });
        match replaced {
            Ok(scalar) => scalar,
            Err(never) => match never {},
        }
    }

    /// The constant that it comes to, where all operands are constants.
    #[must_use]
    pub fn folded(self) -> Scalar {
        let is_leaf = matches!(
            self.kind,
            ScalarKind::Literal(_)
                | ScalarKind::Column(_)
                | ScalarKind::Volatile(_)
                | ScalarKind::Subquery(_)
                | ScalarKind::MembershipOf { .. }
        );
        if is_leaf || self.operands().iter().any(|operand| operand.as_literal().is_none()) {
            return self;
        }
        let value = self.evaluate(&[]);
        Scalar::literal(value, self.scalar_type)
    }

    /// The value in a row. What an engine has to put in first (subqueries, volatile values) is null.
    ///
    /// ```
    /// use castellan_kql::plan::{Scalar, ScalarKind};
    /// use castellan_kql::{ScalarType, Value, functions};
    ///
    /// let function = functions::find("strlen").unwrap();
    /// let arguments = vec![Scalar::column(0, ScalarType::String)];
    /// let length = Scalar { kind: ScalarKind::Call { function, arguments }, scalar_type: ScalarType::Long };
    /// assert_eq!(length.evaluate(&[Value::string("abc")]), Value::Long(3));
    /// ```
    pub fn evaluate(&self, row: &[Value]) -> Value {
        let value = match &self.kind {
            ScalarKind::Literal(value) => return value.clone(),
            ScalarKind::Column(position) => return row.get(*position).cloned().unwrap_or_default(),
            ScalarKind::Volatile(_) | ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. } => {
                Value::Null
            }
            ScalarKind::Call { function, arguments } => {
                let values: Vec<Value> = arguments.iter().map(|argument| argument.evaluate(row)).collect();
                function.call(&values).unwrap_or_default()
            }
            ScalarKind::Negate(value) => operators::negate(&value.evaluate(row)),
            ScalarKind::Binary { operator, left, right } => {
                operators::binary(*operator, &left.evaluate(row), &right.evaluate(row))
            }
            ScalarKind::Between { value, is_negated, low, high } => {
                between(&value.evaluate(row), &low.evaluate(row), &high.evaluate(row), *is_negated)
            }
            ScalarKind::Membership { value, operator, items } => {
                let items: Vec<Value> = items.iter().map(|item| item.evaluate(row)).collect();
                membership(&value.evaluate(row), *operator, &items)
            }
            ScalarKind::Member(base, name) => member(&base.evaluate(row), name),
            ScalarKind::Index(base, index) => item(&base.evaluate(row), &index.evaluate(row)),
            ScalarKind::Cast(value) => value.evaluate(row),
        };
        typed(value, self.scalar_type)
    }
}

/// The value as a query would write it, with `#0` for the first column.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Scalar]| {
            for (at, item) in items.iter().enumerate() {
                f.write_str(if at > 0 { ", " } else { "" })?;
                item.fmt(f)?;
            }
            f.write_str(")")
        };
        match &self.kind {
            ScalarKind::Literal(Value::String(text)) => write!(f, "{text:?}"),
            ScalarKind::Literal(Value::Null) => write!(f, "{}(null)", self.scalar_type),
            ScalarKind::Literal(value @ (Value::Bool(_) | Value::Long(_) | Value::Real(_))) => {
                f.write_str(&value.to_text())
            }
            ScalarKind::Literal(value) => write!(f, "{}({})", self.scalar_type, value.to_text()),
            ScalarKind::Column(at) => write!(f, "#{at}"),
            ScalarKind::Call { function, arguments } => {
                write!(f, "{}(", function.name)?;
                list(f, arguments)
            }
            ScalarKind::Volatile(Volatile::Random(below)) => write!(f, "rand({})", below.unwrap_or(1)),
            ScalarKind::Volatile(Volatile::Guid) => f.write_str("new_guid()"),
            ScalarKind::Negate(value) => write!(f, "-{value}"),
            ScalarKind::Binary { operator, left, right } => {
                write!(f, "({left} {} {right})", operator.spelling())
            }
            ScalarKind::Between { value, is_negated, low, high } => {
                write!(f, "({value} {}between ({low} .. {high}))", if *is_negated { "!" } else { "" })
            }
            ScalarKind::Membership { value, operator, items } => {
                write!(f, "({value} {} (", operator.spelling())?;
                list(f, items)?;
                f.write_str(")")
            }
            ScalarKind::MembershipOf { value, operator, .. } => {
                write!(f, "({value} {} (table))", operator.spelling())
            }
            ScalarKind::Member(base, name) => write!(f, "{base}.{name}"),
            ScalarKind::Index(base, index) => write!(f, "{base}[{index}]"),
            ScalarKind::Cast(value) => write!(f, "to{}({value})", self.scalar_type),
            ScalarKind::Subquery(_) => f.write_str("toscalar(table)"),
        }
    }
}

/// The value as a type: numbers widen, and a scalar becomes a dynamic value or comes out of one.
pub fn typed(value: Value, scalar_type: ScalarType) -> Value {
    match (&value, scalar_type) {
        (Value::Null, _) => Value::empty(scalar_type),
        (Value::Dynamic(_), ScalarType::Dynamic) => value,
        (_, ScalarType::Dynamic) => Value::dynamic(Dynamic::from_value(&value)),
        _ if value.scalar_type() == Some(scalar_type) => value,
        _ => value.convert(scalar_type),
    }
}

/// Whether a value is among others.
pub(crate) fn membership(value: &Value, operator: MembershipOperator, items: &[Value]) -> Value {
    Value::Bool(match operator {
        MembershipOperator::In { is_negated, is_case_sensitive } => {
            operators::is_in(value, items, is_case_sensitive) != is_negated
        }
        MembershipOperator::HasAny => operators::has_terms(value, items, false),
        MembershipOperator::HasAll => operators::has_terms(value, items, true),
    })
}

/// `base.name`; null where there is no such member.
fn member(base: &Value, name: &str) -> Value {
    match base {
        Value::Dynamic(dynamic) => {
            dynamic.get(name).map_or(Value::Null, |found| Value::dynamic(found.clone()))
        }
        _ => Value::Null,
    }
}

/// `base[index]`, by key or by position.
fn item(base: &Value, index: &Value) -> Value {
    let Value::Dynamic(dynamic) = base else { return Value::Null };
    let found = match index.as_str() {
        Some(key) => dynamic.get(key),
        None => index.to_i64().and_then(|position| dynamic.at(position)),
    };
    found.map_or(Value::Null, |found: &Dynamic| Value::dynamic(found.clone()))
}

/// A timespan as the upper bound of a time counts from the lower one.
fn between(value: &Value, low: &Value, high: &Value, is_negated: bool) -> Value {
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
