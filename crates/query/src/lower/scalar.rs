//! Values of rows as expressions of DataFusion.

use castellan_kql::ast::{BinaryKind, BinaryOperator};
use castellan_kql::plan::{Scalar, ScalarKind};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit, not, when};

use crate::functions::kernel::call;
use crate::functions::row::{Draws, RowExpression};
use crate::physical::{self, data_type};

/// A value over columns. Subqueries have been put in.
///
/// Errors: those of DataFusion's own expressions.
pub(super) fn lower(scalar: &Scalar, columns: &[Expr], draws: &Draws) -> Result<Expr> {
    Lower { columns, draws }.value(scalar)
}

/// A condition of which only "true" matters: null and false are the same.
pub(crate) fn lower_filter(scalar: &Scalar, columns: &[Expr], draws: &Draws) -> Result<Expr> {
    Lower { columns, draws }.condition(scalar)
}

pub(super) struct Lower<'l> {
    columns: &'l [Expr],
    draws: &'l Draws,
}

/// The arguments of a value that is computed a row at a time.
struct Cut {
    /// Which columns stand where among the arguments.
    columns: Vec<(usize, usize)>,
    types: Vec<ScalarType>,
    arguments: Vec<Expr>,
}

impl Cut {
    fn push(&mut self, argument: Expr, scalar_type: ScalarType) -> usize {
        self.arguments.push(argument);
        self.types.push(scalar_type);
        self.arguments.len() - 1
    }
}

impl Lower<'_> {
    pub(super) fn value(&self, scalar: &Scalar) -> Result<Expr> {
        match self.compiled(scalar)? {
            Some(compiled) => Ok(compiled),
            None => self.row(scalar),
        }
    }

    /// A value that is computed an array at a time.
    fn compiled(&self, scalar: &Scalar) -> Result<Option<Expr>> {
        match self.native(scalar)? {
            Some(native) => Ok(Some(native)),
            None => self.kernel(scalar),
        }
    }

    /// A value that is computed a row at a time, of the columns that it needs and of its parts that are computed an array
    /// at a time.
    fn row(&self, scalar: &Scalar) -> Result<Expr> {
        let mut cut = Cut { columns: Vec::new(), types: Vec::new(), arguments: Vec::new() };
        let rest = self.cut(scalar, &mut cut, true)?;
        Ok(call(RowExpression::new(rest, cut.types), cut.arguments))
    }

    /// The same over the arguments of `cut`, which gets those that are missing.
    fn cut(&self, scalar: &Scalar, cut: &mut Cut, is_root: bool) -> Result<Scalar> {
        match &scalar.kind {
            ScalarKind::Literal(_) => return Ok(scalar.clone()),
            ScalarKind::Column(at) => {
                let Some(column) = self.columns.get(*at) else {
                    return Ok(Scalar::literal(Value::empty(scalar.scalar_type), scalar.scalar_type));
                };
                let known = cut.columns.iter().find(|(known, _)| known == at).map(|(_, position)| *position);
                let position = match known {
                    Some(position) => position,
                    None => {
                        let position = cut.push(column.clone(), scalar.scalar_type);
                        cut.columns.push((*at, position));
                        position
                    }
                };
                return Ok(Scalar::column(position, scalar.scalar_type));
            }
            _ => {}
        }
        if !is_root && let Some(compiled) = self.compiled(scalar)? {
            return Ok(Scalar::column(cut.push(compiled, scalar.scalar_type), scalar.scalar_type));
        }
        let mut operands = Vec::new();
        for operand in scalar.operands() {
            operands.push(self.cut(operand, cut, false)?);
        }
        let mut operands = operands.into_iter();
        Ok(with_operands(scalar, &mut || {
            operands.next().unwrap_or(Scalar::literal(Value::Null, ScalarType::Dynamic))
        }))
    }

    pub(super) fn condition(&self, scalar: &Scalar) -> Result<Expr> {
        if let ScalarKind::Binary { operator, left, right } = &scalar.kind {
            match operator.kind {
                BinaryKind::And | BinaryKind::Or if !(is_bool(left) && is_bool(right)) => {}
                BinaryKind::And => return Ok(self.condition(left)?.and(self.condition(right)?)),
                BinaryKind::Or => {
                    return match self.in_ranges(scalar)? {
                        Some(test) => Ok(test),
                        None => Ok(self.condition(left)?.or(self.condition(right)?)),
                    };
                }
                // Null and false are the same here, so the database's own equality will do.
                BinaryKind::Equal if !operator.is_negated && is_plain_pair(operator, left, right) => {
                    let (left, right) = self.pair(left, right)?;
                    return Ok(left.eq(right));
                }
                _ => {}
            }
        }
        self.value(scalar)
    }

    /// What DataFusion computes exactly as the language does.
    fn native(&self, scalar: &Scalar) -> Result<Option<Expr>> {
        Ok(Some(match &scalar.kind {
            ScalarKind::Literal(value) => lit(physical::scalar(value, scalar.scalar_type)),
            ScalarKind::Column(at) => match self.columns.get(*at) {
                Some(column) => column.clone(),
                None => return Ok(None),
            },
            ScalarKind::Binary { operator, left, right } => {
                return self.binary(scalar, *operator, left, right);
            }
            ScalarKind::Call { function, arguments } => {
                return self.function(function.name, arguments, scalar);
            }
            ScalarKind::Cast(value) => return self.cast(value, scalar.scalar_type),
            ScalarKind::Volatile(what) => call(self.draws.one(what.clone(), scalar.scalar_type), Vec::new()),
            ScalarKind::Negate(value) if value.scalar_type == ScalarType::Real => {
                Expr::Negative(Box::new(self.value(value)?))
            }
            ScalarKind::Between { value, is_negated: false, low, high }
                if is_whole(value.scalar_type)
                    && low.scalar_type == value.scalar_type
                    && high.scalar_type == value.scalar_type =>
            {
                let value = self.value(value)?;
                value.between(self.value(low)?, self.value(high)?)
            }
            _ => return Ok(None),
        }))
    }

    fn binary(
        &self,
        scalar: &Scalar,
        operator: BinaryOperator,
        left: &Scalar,
        right: &Scalar,
    ) -> Result<Option<Expr>> {
        let pair = |operator: Operator| -> Result<Option<Expr>> {
            let (left, right) = self.pair(left, right)?;
            Ok(Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))))
        };
        let is_plain = is_plain_pair(&operator, left, right);
        let has_constant =
            [left, right].iter().any(|side| side.as_literal().is_some_and(|value| !value.is_null()));
        let is_text = left.scalar_type == ScalarType::String && right.scalar_type == ScalarType::String;
        match operator.kind {
            // Numbers and dynamic values are conditions too, but not to the database.
            BinaryKind::And if is_bool(left) && is_bool(right) => pair(Operator::And),
            BinaryKind::Or if is_bool(left) && is_bool(right) => pair(Operator::Or),
            BinaryKind::Equal if is_plain && is_text => {
                pair(if operator.is_negated { Operator::NotEq } else { Operator::Eq })
            }
            // Beside a constant that is not null, equality is never null.
            BinaryKind::Equal if is_plain && has_constant => {
                pair(if operator.is_negated { Operator::IsDistinctFrom } else { Operator::IsNotDistinctFrom })
            }
            BinaryKind::Less if is_plain => pair(Operator::Lt),
            BinaryKind::LessOrEqual if is_plain => pair(Operator::LtEq),
            BinaryKind::Greater if is_plain => pair(Operator::Gt),
            BinaryKind::GreaterOrEqual if is_plain => pair(Operator::GtEq),
            BinaryKind::Add | BinaryKind::Subtract | BinaryKind::Multiply => {
                let operator = match operator.kind {
                    BinaryKind::Add => Operator::Plus,
                    BinaryKind::Subtract => Operator::Minus,
                    _ => Operator::Multiply,
                };
                match (left.scalar_type, right.scalar_type) {
                    (ScalarType::Int | ScalarType::Long, ScalarType::Int | ScalarType::Long)
                        if scalar.scalar_type == ScalarType::Long =>
                    {
                        let left = cast(self.value(left)?, DataType::Int64);
                        let right = cast(self.value(right)?, DataType::Int64);
                        Ok(Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))))
                    }
                    (ScalarType::Real, ScalarType::Real) => pair(operator),
                    _ => Ok(None),
                }
            }
            BinaryKind::Divide
                if left.scalar_type == ScalarType::Real && right.scalar_type == ScalarType::Real =>
            {
                pair(Operator::Divide)
            }
            _ => Ok(None),
        }
    }

    /// Two sides as the wider of their types.
    fn pair(&self, left: &Scalar, right: &Scalar) -> Result<(Expr, Expr)> {
        let (mut here, mut there) = (self.value(left)?, self.value(right)?);
        match (left.scalar_type, right.scalar_type) {
            (ScalarType::Int, ScalarType::Long) => here = cast(here, DataType::Int64),
            (ScalarType::Long, ScalarType::Int) => there = cast(there, DataType::Int64),
            _ => {}
        }
        Ok((here, there))
    }

    fn function(&self, name: &str, arguments: &[Scalar], scalar: &Scalar) -> Result<Option<Expr>> {
        Ok(match (name, arguments) {
            ("not", [value]) if value.scalar_type == ScalarType::Bool => Some(not(self.value(value)?)),
            ("isnull", [value]) if has_nulls(value.scalar_type) => Some(self.value(value)?.is_null()),
            ("isnotnull", [value]) if has_nulls(value.scalar_type) => Some(self.value(value)?.is_not_null()),
            ("isempty", [value]) if value.scalar_type == ScalarType::String => {
                Some(self.value(value)?.eq(empty()))
            }
            ("isnotempty" | "notempty", [value]) if value.scalar_type == ScalarType::String => {
                Some(self.value(value)?.not_eq(empty()))
            }
            ("iff" | "iif", [condition, then, otherwise]) if condition.scalar_type == ScalarType::Bool => {
                let (then, otherwise) = (self.as_type(then, scalar)?, self.as_type(otherwise, scalar)?);
                Some(when(self.condition(condition)?, then).otherwise(otherwise)?)
            }
            ("case", [branches @ .., _]) if branches.iter().step_by(2).all(is_bool) => {
                return self.case(arguments, scalar).map(Some);
            }
            _ => None,
        })
    }

    fn case(&self, arguments: &[Scalar], scalar: &Scalar) -> Result<Expr> {
        let Some((last, branches)) = arguments.split_last() else { return Ok(lit(true)) };
        let mut built = self.as_type(last, scalar)?;
        for branch in branches.chunks(2).rev() {
            if let [condition, then] = branch {
                built = when(self.condition(condition)?, self.as_type(then, scalar)?).otherwise(built)?;
            }
        }
        Ok(built)
    }

    /// A branch as the type of the whole.
    fn as_type(&self, branch: &Scalar, whole: &Scalar) -> Result<Expr> {
        self.value(&branch.clone().cast(whole.scalar_type))
    }

    fn cast(&self, value: &Scalar, to: ScalarType) -> Result<Option<Expr>> {
        Ok(match (value.scalar_type, to) {
            (ScalarType::Int, ScalarType::Long) | (ScalarType::Int | ScalarType::Long, ScalarType::Real) => {
                Some(cast(self.value(value)?, data_type(to)))
            }
            _ => None,
        })
    }
}

fn is_bool(scalar: &Scalar) -> bool {
    scalar.scalar_type == ScalarType::Bool
}

fn empty() -> Expr {
    lit(physical::scalar(&Value::string(""), ScalarType::String))
}

/// Types that lie in Arrow as whole numbers, and compare as those.
fn is_whole(scalar_type: ScalarType) -> bool {
    matches!(scalar_type, ScalarType::Int | ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan)
}

/// Types whose null is Arrow's null. A dynamic null may also stand in the text.
fn has_nulls(scalar_type: ScalarType) -> bool {
    !matches!(scalar_type, ScalarType::String | ScalarType::Dynamic)
}

/// Pairs that Arrow compares as the language does.
fn is_plain_pair(operator: &BinaryOperator, left: &Scalar, right: &Scalar) -> bool {
    let (left, right) = (left.scalar_type, right.scalar_type);
    let numbers = [ScalarType::Int, ScalarType::Long];
    operator.is_case_sensitive
        && (left == right
            && (is_whole(left) || matches!(left, ScalarType::String | ScalarType::Guid | ScalarType::Bool))
            || numbers.contains(&left) && numbers.contains(&right))
}

/// The same with other operands, from left to right.
fn with_operands(scalar: &Scalar, next: &mut dyn FnMut() -> Scalar) -> Scalar {
    let mut boxed = || Box::new(next());
    let kind = match &scalar.kind {
        ScalarKind::Call { function, arguments } => {
            ScalarKind::Call { function, arguments: arguments.iter().map(|_| *boxed()).collect() }
        }
        ScalarKind::Negate(_) => ScalarKind::Negate(boxed()),
        ScalarKind::Cast(_) => ScalarKind::Cast(boxed()),
        ScalarKind::Member(_, name) => ScalarKind::Member(boxed(), name.clone()),
        ScalarKind::Index(..) => ScalarKind::Index(boxed(), boxed()),
        ScalarKind::Binary { operator, .. } => {
            ScalarKind::Binary { operator: *operator, left: boxed(), right: boxed() }
        }
        ScalarKind::Between { is_negated, .. } => {
            ScalarKind::Between { value: boxed(), is_negated: *is_negated, low: boxed(), high: boxed() }
        }
        ScalarKind::Membership { operator, items, .. } => {
            let value = boxed();
            ScalarKind::Membership {
                value,
                operator: *operator,
                items: items.iter().map(|_| *boxed()).collect(),
            }
        }
        other => other.clone(),
    };
    Scalar { kind, scalar_type: scalar.scalar_type }
}
