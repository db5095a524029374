//! Values of a row.

use std::sync::Arc;

use super::environment::Binding;
use super::frame::{Frame, Gather};
use super::types::{binary, is_compared, mismatch};
use super::{Binder, Result};
use crate::ast::{BinaryKind, BinaryOperator, Expr, ExprKind, MembershipOperator, Name, Query};
use crate::diagnostic::Diagnostic;
use crate::plan::{Scalar, ScalarKind};
use crate::value::{ScalarType, Value};

/// The error of a name that there is not.
pub(super) fn suggest(diagnostic: Diagnostic, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

impl Binder<'_> {
    /// A value of a row.
    pub(super) fn scalar(&self, expr: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        self.or_tell(self.value(expr, frame), || super::check::some_value(frame))
    }

    fn value(&self, expr: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let bound = match &expr.kind {
            ExprKind::Literal { value, scalar_type } => {
                return Ok(Scalar::literal(value.clone(), *scalar_type));
            }
            ExprKind::Name(name) => return self.name(expr, name, frame),
            ExprKind::Member { base, name } => self.member(expr, base, name, frame)?,
            ExprKind::Index { base, index } => {
                let base = self.dynamic(base, frame)?;
                let index = self.scalar(index, frame)?;
                Scalar {
                    kind: ScalarKind::Index(Box::new(base), Box::new(index)),
                    scalar_type: ScalarType::Dynamic,
                }
            }
            ExprKind::Call { callee, arguments } => return self.call(expr, callee, arguments, frame),
            ExprKind::Unary { is_minus, operand } => self.sign(expr, *is_minus, operand, frame)?,
            ExprKind::Binary { operator, left, right } => self.binary(expr, *operator, left, right, frame)?,
            ExprKind::Between { value, is_negated, low, high } => {
                self.between(expr, [value, low, high], *is_negated, frame)?
            }
            ExprKind::Membership { value, operator, items } => {
                self.membership(value, *operator, items, frame)?
            }
            ExprKind::Query(query) => return self.bracketed(expr, query, frame),
            // The syntax is wrong, which was told.
            ExprKind::Error if self.collects() => return Ok(super::check::some_value(frame)),
            _ => return Err(not_scalar(expr)),
        };
        Ok(bound.folded())
    }

    /// A value that is a constant, known now.
    pub(super) fn literal(&self, expr: &Expr, frame: Frame<'_>) -> Result<Value> {
        let scalar = self.constant(expr, frame)?;
        scalar.as_literal().cloned().ok_or_else(|| {
            Diagnostic::error("not-constant", expr.span, "this has to be known before the query runs")
        })
    }

    /// A value that is the same for every row; a subquery may have to give it.
    pub(super) fn constant(&self, expr: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let scalar = self.scalar(expr, Frame::constant(frame.environment)).map_err(|error| {
            let is_column =
                |part: &Expr| matches!(&part.kind, ExprKind::Name(name) if frame.position(name).is_some());
            if error.code == "unknown-name" && is_column(expr) {
                return Diagnostic::error(
                    "not-constant",
                    expr.span,
                    "a constant is expected here, and this is a column",
                );
            }
            error
        })?;
        Ok(scalar)
    }

    /// A condition.
    pub(super) fn condition(&self, expr: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let scalar = self.scalar(expr, frame)?;
        match scalar.scalar_type {
            ScalarType::Bool => Ok(scalar),
            ScalarType::Dynamic | ScalarType::Int | ScalarType::Long | ScalarType::Real => {
                Ok(scalar.cast(ScalarType::Bool))
            }
            found => Err(Diagnostic::error(
                "type-mismatch",
                expr.span,
                format!("a condition is bool, not {found}"),
            )),
        }
    }

    fn name(&self, expr: &Expr, name: &Arc<str>, frame: Frame<'_>) -> Result<Scalar> {
        if let Gather::Aggregates { keys, .. } = frame.gather {
            if let Some(at) = keys.iter().position(|key| key.name == *name) {
                return Ok(Scalar::column(
                    at,
                    keys.get(at).map_or(ScalarType::Dynamic, |key| key.scalar_type),
                ));
            }
            if frame.position(name).is_some() {
                let message = format!("`{name}` has many values here");
                return Err(Diagnostic::error("not-aggregated", expr.span, message)
                    .with_help(format!("take one with take_any({name}), or group by {name}")));
            }
        }
        if let Some(at) = frame.position(name) {
            let scalar_type = frame.columns.get(at).map_or(ScalarType::Dynamic, |column| column.scalar_type);
            return Ok(Scalar::column(at, scalar_type));
        }
        match frame.environment.find(name) {
            Some(Binding::Scalar(scalar)) if frame.sees_row || scalar.is_constant() => {
                self.count_parts(scalar, expr.span)?;
                return Ok(scalar.clone());
            }
            Some(Binding::Scalar(_)) => {
                let message = format!("`{name}` differs from row to row, and a constant is expected here");
                return Err(Diagnostic::error("not-constant", expr.span, message));
            }
            Some(Binding::Function { function, environment }) if function.parameters.is_empty() => {
                return self.scalar_function(expr, function, environment, &[], frame);
            }
            Some(Binding::Table { plan, .. }) => return Ok(self.single_value(plan)),
            _ => {}
        }
        if frame.is_open {
            return Ok(Scalar::unknown(type_of_unknown(name)));
        }
        let message = format!("there is no column or variable `{name}`");
        let columns = frame.columns.iter().map(|column| &*column.name);
        let variables = frame.environment.iter().map(|(known, _)| &**known);
        let near = crate::nearest::nearest(name, columns.chain(variables));
        Err(suggest(Diagnostic::error("unknown-name", expr.span, message), near))
    }

    /// A table where a value is expected: the first value of its first column.
    pub(super) fn single_value(&self, plan: &Arc<crate::plan::Plan>) -> Scalar {
        let scalar_type = plan.columns.first().map_or(ScalarType::Dynamic, |column| column.scalar_type);
        Scalar { kind: ScalarKind::Subquery(Arc::clone(plan)), scalar_type }
    }

    fn member(&self, expr: &Expr, base: &Expr, name: &Name, frame: Frame<'_>) -> Result<Scalar> {
        if let ExprKind::Name(group) = &base.kind
            && let Some(group) = frame.group(group).filter(|_| frame.position(group).is_none())
        {
            let found = group.columns.iter().position(|column| column.name == name.text);
            if let Some((at, column)) = found.and_then(|at| Some((at, group.columns.get(at)?))) {
                return Ok(Scalar::column(group.offset + at, column.scalar_type));
            }
            if frame.is_open {
                return Ok(Scalar::unknown(type_of_unknown(&name.text)));
            }
            let message = format!("`{}` has no column `{}`", group.name, name.text);
            let near = crate::nearest::nearest(&name.text, group.columns.iter().map(|column| &*column.name));
            return Err(suggest(Diagnostic::error("unknown-name", expr.span, message), near));
        }
        let base = self.dynamic(base, frame)?;
        Ok(Scalar {
            kind: ScalarKind::Member(Box::new(base), Arc::clone(&name.text)),
            scalar_type: ScalarType::Dynamic,
        })
    }

    /// Members and items are of dynamic values only.
    fn dynamic(&self, base: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let scalar = self.scalar(base, frame)?;
        match scalar.scalar_type {
            ScalarType::Dynamic => Ok(scalar),
            // Its type was a guess.
            _ if scalar.is_unknown() => Ok(Scalar::unknown(ScalarType::Dynamic)),
            found => {
                let diagnostic =
                    Diagnostic::error("type-mismatch", base.span, format!("{found} has no members"));
                let is_text = found == ScalarType::String;
                Err(if is_text { diagnostic.with_help("read it with parse_json()") } else { diagnostic })
            }
        }
    }

    fn sign(&self, expr: &Expr, is_minus: bool, operand: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let scalar = self.scalar(operand, frame)?;
        let scalar_type = scalar.scalar_type;
        if !scalar_type.is_number() && !matches!(scalar_type, ScalarType::TimeSpan | ScalarType::Dynamic) {
            let message = format!("a sign does not go before {scalar_type}");
            return Err(Diagnostic::error("type-mismatch", expr.span, message));
        }
        Ok(if is_minus { Scalar { kind: ScalarKind::Negate(Box::new(scalar)), scalar_type } } else { scalar })
    }

    fn binary(
        &self,
        expr: &Expr,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        if matches!(left.kind, ExprKind::Star) {
            return self.any_column(operator, right, frame);
        }
        let (left, right) = (self.scalar(left, frame)?, self.scalar(right, frame)?);
        let scalar_type = binary(operator, left.scalar_type, right.scalar_type)
            .ok_or_else(|| mismatch(expr.span, operator, left.scalar_type, right.scalar_type))?;
        let (left, right) = match operator.kind {
            BinaryKind::And | BinaryKind::Or => (left.cast(ScalarType::Bool), right.cast(ScalarType::Bool)),
            BinaryKind::Equal
            | BinaryKind::Less
            | BinaryKind::LessOrEqual
            | BinaryKind::Greater
            | BinaryKind::GreaterOrEqual
                if operator.is_case_sensitive =>
            {
                alike(left, right)
            }
            _ => (left, right),
        };
        let kind = ScalarKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
        Ok(Scalar { kind, scalar_type })
    }

    fn between(&self, expr: &Expr, parts: [&Expr; 3], is_negated: bool, frame: Frame<'_>) -> Result<Scalar> {
        let [value, low, high] = parts;
        let (value, low, high) =
            (self.scalar(value, frame)?, self.scalar(low, frame)?, self.scalar(high, frame)?);
        let is_span = low.scalar_type == ScalarType::DateTime && high.scalar_type == ScalarType::TimeSpan;
        for bound in [&low, &high] {
            if !is_span && !is_compared(value.scalar_type, bound.scalar_type) {
                let message = format!("{} is not compared with {}", value.scalar_type, bound.scalar_type);
                return Err(Diagnostic::error("type-mismatch", expr.span, message));
            }
        }
        let (value, low) = alike(value, low);
        let (value, high) = if is_span { (value, high) } else { alike(value, high) };
        let kind = ScalarKind::Between {
            value: Box::new(value),
            is_negated,
            low: Box::new(low),
            high: Box::new(high),
        };
        Ok(Scalar { kind, scalar_type: ScalarType::Bool })
    }

    fn membership(
        &self,
        value: &Expr,
        operator: MembershipOperator,
        items: &[Expr],
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        let value = Box::new(self.scalar(value, frame)?);
        if let [item] = items
            && let Some(table) = self.table_of(item, frame)?
        {
            let kind = ScalarKind::MembershipOf { value, operator, table };
            return Ok(Scalar { kind, scalar_type: ScalarType::Bool });
        }
        let items = items.iter().map(|item| self.scalar(item, frame)).collect::<Result<Vec<Scalar>>>()?;
        let kind = ScalarKind::Membership { value, operator, items };
        Ok(Scalar { kind, scalar_type: ScalarType::Bool })
    }

    /// What stands in brackets: a table only where one is asked for, else a value.
    fn bracketed(&self, expr: &Expr, query: &Query, frame: Frame<'_>) -> Result<Scalar> {
        match (&query.source, query.operators.as_slice()) {
            (Some(source), []) => self.scalar(source, frame),
            _ => Err(not_scalar(expr).with_help("take its first value with toscalar()")),
        }
    }
}

/// The type of a column that nobody declared: custom logs write it behind the name, as in `User_s`.
///
/// Source: Azure Monitor documentation, "HTTP Data Collector API".
pub(super) fn type_of_unknown(name: &str) -> ScalarType {
    match name.rsplit_once('_') {
        Some((_, "s")) => ScalarType::String,
        Some((_, "d")) => ScalarType::Real,
        Some((_, "b")) => ScalarType::Bool,
        Some((_, "t")) => ScalarType::DateTime,
        Some((_, "g")) => ScalarType::Guid,
        _ => ScalarType::Dynamic,
    }
}

pub(super) fn not_scalar(expr: &Expr) -> Diagnostic {
    Diagnostic::error("not-scalar", expr.span, "a scalar expression is expected here")
}

/// A text beside another type is read as that type.
fn alike(left: Scalar, right: Scalar) -> (Scalar, Scalar) {
    let reads = |scalar_type: ScalarType| {
        matches!(
            scalar_type,
            ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Guid | ScalarType::Bool
        )
    };
    match (left.scalar_type, right.scalar_type) {
        (ScalarType::String, other) if reads(other) => (left.cast(other), right),
        (other, ScalarType::String) if reads(other) => {
            let right = right.cast(other);
            (left, right)
        }
        _ => (left, right),
    }
}
