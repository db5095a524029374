//! `join` and `lookup`.

use std::sync::Arc;

use super::call::columns;
use super::environment::Environment;
use super::frame::{Frame, Group};
use super::names::Names;
use super::{Binder, Result};
use crate::ast::{BinaryKind, Expr, ExprKind, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, JoinKind, Plan, Scalar, Step};
use crate::span::Span;

/// A pair of values that have to be equal.
struct Condition {
    left: Scalar,
    right: Scalar,
}

impl Binder<'_> {
    pub(super) fn join(
        &self,
        span: Span,
        left: Arc<Plan>,
        right: &Expr,
        on: &[Expr],
        options: &[Setting],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let kind = match option(options, "kind") {
            None => JoinKind::InnerUnique,
            Some(word) => join_kind(&word).ok_or_else(|| unknown_kind(span, &word))?,
        };
        let right = self.table(right, environment)?;
        let conditions = self.conditions(span, &left, &right, on, environment)?;
        let mut names = Names::default();
        let mut fields = Vec::new();
        if kind.has_left() {
            fields.extend(left.columns.iter().cloned());
        }
        if kind.has_right() {
            fields.extend(right.columns.iter().cloned());
        }
        for field in &mut fields {
            field.name = names.unique(&field.name);
        }
        let on = conditions.into_iter().map(|condition| (condition.left, condition.right)).collect();
        Ok(Plan::new(Step::Join { kind, left, right, on }, fields))
    }

    /// `lookup`: a join that does not repeat the columns that are compared.
    pub(super) fn lookup(
        &self,
        span: Span,
        left: Arc<Plan>,
        right: &Expr,
        on: &[Expr],
        options: &[Setting],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let kind = match option(options, "kind").as_deref() {
            None | Some("leftouter") => JoinKind::LeftOuter,
            Some("inner") => JoinKind::Inner,
            Some(word) => {
                return Err(unknown_kind(span, word).with_help("`lookup` is leftouter or inner"));
            }
        };
        let right = self.table(right, environment)?;
        let conditions = self.conditions(span, &left, &right, on, environment)?;
        // A column of the right side that is compared is there already, on the left.
        let compared: Vec<usize> = conditions
            .iter()
            .filter_map(|condition| match condition.right.kind {
                crate::plan::ScalarKind::Column(at) => Some(at),
                _ => None,
            })
            .collect();
        let width = left.columns.len();
        let all: Vec<Field> = left.columns.iter().chain(&right.columns).cloned().collect();
        let on = conditions.into_iter().map(|condition| (condition.left, condition.right)).collect();
        let mut names = Names::default();
        let unique: Vec<Field> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < width || !compared.contains(&(at - width)))
            .map(|(_, field)| Field { name: names.unique(&field.name), scalar_type: field.scalar_type })
            .collect();
        let values: Vec<Scalar> = columns(&all)
            .enumerate()
            .filter(|(at, _)| *at < width || !compared.contains(&(at - width)))
            .map(|(_, value)| value)
            .collect();
        let mut inner = Names::default();
        let inner = all
            .iter()
            .map(|field| Field { name: inner.unique(&field.name), scalar_type: field.scalar_type })
            .collect();
        let joined = Plan::new(Step::Join { kind, left, right, on }, inner);
        Ok(Plan::new(Step::Project { input: joined, values }, unique))
    }

    fn conditions(
        &self,
        span: Span,
        left: &Plan,
        right: &Plan,
        on: &[Expr],
        environment: &Environment,
    ) -> Result<Vec<Condition>> {
        if on.is_empty() {
            return Err(Diagnostic::error(
                "no-condition",
                span,
                "there is nothing to compare the two sides by",
            )
            .with_help("write `on column` or `on $left.a == $right.b`"));
        }
        let mut conditions = Vec::new();
        for expr in on {
            self.condition_parts(expr, left, right, environment, &mut conditions)?;
        }
        Ok(conditions)
    }

    /// `a`, `$left.a == $right.b`, and several of those with `and`.
    fn condition_parts(
        &self,
        expr: &Expr,
        left: &Plan,
        right: &Plan,
        environment: &Environment,
        conditions: &mut Vec<Condition>,
    ) -> Result<()> {
        match &expr.kind {
            ExprKind::Query(query) if query.operators.is_empty() => match &query.source {
                Some(inner) => self.condition_parts(inner, left, right, environment, conditions),
                None => Ok(()),
            },
            ExprKind::Binary { operator, left: first, right: second } if operator.kind == BinaryKind::And => {
                self.condition_parts(first, left, right, environment, conditions)?;
                self.condition_parts(second, left, right, environment, conditions)
            }
            ExprKind::Binary { operator, left: first, right: second }
                if operator.kind == BinaryKind::Equal
                    && !operator.is_negated
                    && operator.is_case_sensitive =>
            {
                conditions.push(self.equality(expr, first, second, left, right, environment)?);
                Ok(())
            }
            ExprKind::Name(_) => {
                let here = self
                    .scalar(expr, Frame::new(&left.columns, left.is_open, environment))
                    .map_err(|error| error.with_side("left"))?;
                let there = self
                    .scalar(expr, Frame::new(&right.columns, right.is_open, environment))
                    .map_err(|error| error.with_side("right"))?;
                comparable(expr.span, &here, &there)?;
                conditions.push(Condition { left: here, right: there });
                Ok(())
            }
            _ => Err(Diagnostic::error("join-condition", expr.span, "a join compares columns by `==` alone")
                .with_help(
                    "write `on $left.a == $right.b`, and put other conditions into a `where` after the join",
                )),
        }
    }

    fn equality(
        &self,
        expr: &Expr,
        first: &Expr,
        second: &Expr,
        left: &Plan,
        right: &Plan,
        environment: &Environment,
    ) -> Result<Condition> {
        let side = |side: &Expr| match &side.kind {
            ExprKind::Member { base, .. } => match &base.kind {
                ExprKind::Name(name) => Some(&**name == "$right"),
                _ => None,
            },
            _ => None,
        };
        let (here, there) = match (side(first), side(second)) {
            (Some(true), _) | (_, Some(false)) => (second, first),
            _ => (first, second),
        };
        let bound = |expr: &Expr, plan: &Plan, name: &str| {
            let groups = [Group { name: name.into(), offset: 0, columns: plan.columns.clone() }];
            let frame = Frame { groups: &groups, ..Frame::new(&plan.columns, plan.is_open, environment) };
            self.scalar(expr, frame)
        };
        let (left, right) = (bound(here, left, "$left")?, bound(there, right, "$right")?);
        comparable(expr.span, &left, &right)?;
        Ok(Condition { left, right })
    }
}

/// The value of an option, as a word.
pub(super) fn option(options: &[Setting], name: &str) -> Option<String> {
    let setting = options.iter().find(|setting| &*setting.name.text == name)?;
    match &setting.values.first()?.kind {
        ExprKind::Name(word) => Some(word.to_string()),
        ExprKind::Literal { value, .. } => Some(value.to_text()),
        _ => None,
    }
}

fn join_kind(word: &str) -> Option<JoinKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "innerunique" => JoinKind::InnerUnique,
        "inner" => JoinKind::Inner,
        "leftouter" => JoinKind::LeftOuter,
        "rightouter" => JoinKind::RightOuter,
        "fullouter" => JoinKind::FullOuter,
        "leftsemi" => JoinKind::LeftSemi,
        "leftanti" | "anti" | "leftantisemi" => JoinKind::LeftAnti,
        "rightsemi" => JoinKind::RightSemi,
        "rightanti" | "rightantisemi" => JoinKind::RightAnti,
        _ => return None,
    })
}

fn unknown_kind(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error("join-kind", span, format!("there is no kind `{word}` of join"))
        .with_help("kinds are innerunique, inner, leftouter, rightouter, fullouter, leftsemi, leftanti, rightsemi, rightanti")
}

fn comparable(span: Span, left: &Scalar, right: &Scalar) -> Result<()> {
    let (left, right) = (left.scalar_type, right.scalar_type);
    let is_fine = left == right
        || super::types::widest(left, right).is_some()
        || left == crate::ScalarType::Dynamic
        || right == crate::ScalarType::Dynamic;
    if is_fine {
        return Ok(());
    }
    let message = format!("the left side is {left} and the right side {right}");
    Err(Diagnostic::error("type-mismatch", span, message)
        .with_help(format!("convert one of them before the join, as with to{left}()")))
}

impl Diagnostic {
    /// Says on which side of a join a name is missing.
    fn with_side(mut self, side: &str) -> Diagnostic {
        if self.code == "unknown-name" {
            self.message = format!("{} on the {side} side", self.message);
        }
        self
    }
}
