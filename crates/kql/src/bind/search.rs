//! `search` and `find`: tables that are looked through for a text or by a condition.

use std::sync::Arc;

use super::call::{columns, named_call, operation};
use super::environment::Environment;
use super::frame::Frame;
use super::join::option;
use super::union::{Leg, source_name, union_of};
use super::{Binder, Result};
use crate::ast::{BinaryKind, BinaryOperator, Expr, ExprKind, Find, FindColumn, Setting};
use crate::plan::{Field, Plan, Scalar, ScalarKind, Step};
use crate::span::Span;
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn search(
        &self,
        span: Span,
        first: Option<Arc<Plan>>,
        options: &[Setting],
        tables: &[Expr],
        predicate: &Expr,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let is_case_sensitive = option(options, "kind").as_deref() == Some("case_sensitive");
        let legs = match first {
            Some(plan) => vec![Leg { name: source_name(&plan, 0), plan }],
            None => self.all_legs(span, tables, environment)?,
        };
        let mut found = Vec::with_capacity(legs.len());
        for leg in legs {
            let frame = Self::frame_of(&leg.plan, environment);
            let predicate = self.looked_for(predicate, frame, is_case_sensitive)?;
            found.push(Leg { name: leg.name, plan: filtered(leg.plan, predicate) });
        }
        Ok(union_of(found, false, Some("$table".to_owned())))
    }

    /// The tables named, or all that there are.
    fn all_legs(&self, span: Span, tables: &[Expr], environment: &Environment) -> Result<Vec<Leg>> {
        if tables.is_empty() {
            let all = Expr { kind: ExprKind::Star, span };
            return self.legs(&all, 0, environment);
        }
        let mut legs = Vec::new();
        for table in tables {
            legs.extend(self.legs(table, legs.len(), environment)?);
        }
        Ok(legs)
    }

    pub(super) fn find(&self, span: Span, find: &Find, environment: &Environment) -> Result<Arc<Plan>> {
        let source = option(&find.options, "withsource").unwrap_or_else(|| "source_".to_owned());
        let legs = self.all_legs(span, &find.tables, environment)?;
        let mut found = Vec::new();
        let mut shown = mentioned(&find.predicate);
        shown.extend(common(&legs));
        let wanted = find.project.as_ref().map(|columns| typed(columns, &legs));
        for leg in legs {
            let frame = Self::frame_of(&leg.plan, environment);
            let predicate = self.looked_for(&find.predicate, frame, false)?;
            let plan = filtered(leg.plan, predicate);
            let plan = match &wanted {
                Some(columns) => projected(&plan, columns),
                None => smart(&plan, &shown),
            };
            let plan = self.project_known_away(plan, &find.project_away)?;
            found.push(Leg { name: leg.name, plan });
        }
        Ok(union_of(found, false, Some(source)))
    }

    /// `project-away` over tables of which not all have the column.
    fn project_known_away(&self, plan: Arc<Plan>, patterns: &[Expr]) -> Result<Arc<Plan>> {
        let is_known = |pattern: &&Expr| match &pattern.kind {
            ExprKind::Name(name) => plan.position(name).is_some(),
            _ => true,
        };
        let known: Vec<Expr> = patterns.iter().filter(is_known).cloned().collect();
        if known.is_empty() { Ok(plan) } else { self.project_away(plan, &known) }
    }

    /// A condition in which a text stands for "some column has it", and columns that there are not for "no".
    fn looked_for(&self, expr: &Expr, frame: Frame<'_>, is_case_sensitive: bool) -> Result<Scalar> {
        match &expr.kind {
            ExprKind::Literal { value: Value::String(text), .. } => {
                Ok(anywhere(frame.columns, text, is_case_sensitive))
            }
            ExprKind::Star => Ok(Scalar::literal(Value::Bool(true), ScalarType::Bool)),
            ExprKind::Query(query) if query.operators.is_empty() => match &query.source {
                Some(inner) => self.looked_for(inner, frame, is_case_sensitive),
                None => Err(super::scalar::not_scalar(expr)),
            },
            ExprKind::Binary { operator, left, right }
                if matches!(operator.kind, BinaryKind::And | BinaryKind::Or) =>
            {
                let left = self.looked_for(left, frame, is_case_sensitive)?;
                let right = self.looked_for(right, frame, is_case_sensitive)?;
                Ok(operation(operator.kind, left, right, ScalarType::Bool))
            }
            ExprKind::Call { callee, arguments } if matches!(&callee.kind, ExprKind::Name(name) if &**name == "not") =>
            {
                let Some(argument) = arguments.first() else { return self.condition(expr, frame) };
                let inner = self.looked_for(&argument.value, frame, is_case_sensitive)?;
                Ok(named_call("not", vec![inner], ScalarType::Bool))
            }
            ExprKind::Binary { operator, left, right } if matches!(left.kind, ExprKind::Star) => {
                self.any_column(*operator, right, frame)
            }
            ExprKind::Binary { operator, left, right } if operator.kind == BinaryKind::Search => {
                self.column_term(left, right, frame, is_case_sensitive)
            }
            _ => match self.strictly(|| self.condition(expr, frame)) {
                Err(error) if error.code == "unknown-name" => {
                    Ok(Scalar::literal(Value::Bool(false), ScalarType::Bool))
                }
                other => other,
            },
        }
    }

    /// `* has "term"`: whether some column is so.
    pub(super) fn any_column(
        &self,
        operator: BinaryOperator,
        wanted: &Expr,
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        let wanted = self.scalar(wanted, frame)?;
        Ok(any_column(frame.columns, |column| compared(operator, column, wanted.clone())))
    }

    /// `column: "term"`
    fn column_term(
        &self,
        column: &Expr,
        term: &Expr,
        frame: Frame<'_>,
        is_case_sensitive: bool,
    ) -> Result<Scalar> {
        let value = match self.strictly(|| self.scalar(column, frame)) {
            Ok(value) => value,
            Err(error) if error.code == "unknown-name" => {
                return Ok(Scalar::literal(Value::Bool(false), ScalarType::Bool));
            }
            Err(error) => return Err(error),
        };
        match self.literal(term, frame)? {
            Value::String(text) => Ok(term_test(value, &text, is_case_sensitive)),
            other => {
                let scalar_type = other.scalar_type().unwrap_or(ScalarType::Long);
                Ok(operation(BinaryKind::Equal, value, Scalar::literal(other, scalar_type), ScalarType::Bool))
            }
        }
    }
}

fn filtered(input: Arc<Plan>, predicate: Scalar) -> Arc<Plan> {
    let columns = input.columns.clone();
    Plan::new(Step::Filter { input, predicate }, columns)
}

/// Some text column has the term.
fn anywhere(fields: &[Field], text: &str, is_case_sensitive: bool) -> Scalar {
    any_column(fields, |column| term_test(column, text, is_case_sensitive))
}

fn any_column(fields: &[Field], test: impl Fn(Scalar) -> Scalar) -> Scalar {
    let is_text = |scalar: &Scalar| {
        matches!(scalar.scalar_type, ScalarType::String | ScalarType::Dynamic | ScalarType::Guid)
    };
    let no = Scalar::literal(Value::Bool(false), ScalarType::Bool);
    columns(fields)
        .filter(is_text)
        .map(test)
        .reduce(|left, right| operation(BinaryKind::Or, left, right, ScalarType::Bool))
        .unwrap_or(no)
}

fn compared(operator: BinaryOperator, column: Scalar, wanted: Scalar) -> Scalar {
    let column = if column.scalar_type == wanted.scalar_type {
        column
    } else {
        named_call("tostring", vec![column], ScalarType::String)
    };
    let kind = ScalarKind::Binary { operator, left: Box::new(column), right: Box::new(wanted) };
    Scalar { kind, scalar_type: ScalarType::Bool }
}

/// `term` is a whole term, `term*` its beginning, `*term` its end, `*term*` any part.
fn term_test(column: Scalar, text: &str, is_case_sensitive: bool) -> Scalar {
    let (kind, wanted) = match (text.strip_prefix('*'), text.strip_suffix('*')) {
        (Some(rest), Some(_)) => (BinaryKind::Contains, rest.strip_suffix('*').unwrap_or(rest)),
        (Some(rest), None) => (BinaryKind::HasSuffix, rest),
        (None, Some(rest)) => (BinaryKind::HasPrefix, rest),
        (None, None) => (BinaryKind::Has, text),
    };
    let (kind, wanted) = if wanted.contains('*') { (BinaryKind::Like, text) } else { (kind, wanted) };
    let operator = BinaryOperator { kind, is_negated: false, is_case_sensitive };
    compared(operator, column, Scalar::literal(Value::string(wanted), ScalarType::String))
}

/// The names that a condition mentions.
fn mentioned(expr: &Expr) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Name(name) => names.push(Arc::clone(name)),
            ExprKind::Member { base, .. } | ExprKind::Index { base, .. } => open.push(base),
            ExprKind::Unary { operand, .. } => open.push(operand),
            ExprKind::Binary { left, right, .. } => open.extend([&**right, &**left]),
            ExprKind::Between { value, low, high, .. } => open.extend([&**high, &**low, &**value]),
            ExprKind::Membership { value, .. } => open.push(value),
            ExprKind::Call { arguments, .. } => {
                open.extend(arguments.iter().rev().map(|argument| &argument.value))
            }
            ExprKind::Query(query) => open.extend(query.source.iter()),
            _ => {}
        }
    }
    names
}

/// The names of the columns that all tables have.
///
/// Source: Kusto documentation, "find operator", output schema.
fn common(legs: &[Leg]) -> Vec<Arc<str>> {
    let Some((first, rest)) = legs.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Vec::new();
    };
    let in_all = |field: &&Field| rest.iter().all(|leg| leg.plan.columns.contains(field));
    first.plan.columns.iter().filter(in_all).map(|field| Arc::clone(&field.name)).collect()
}

/// The columns of `project` with the types that the first table says which has them, where the query says none.
fn typed(wanted: &[FindColumn], legs: &[Leg]) -> Vec<FindColumn> {
    let known = |name: &str| {
        let fields = legs.iter().flat_map(|leg| &leg.plan.columns);
        fields.into_iter().find(|field| *field.name == *name).map(|field| field.scalar_type)
    };
    let mut typed = wanted.to_vec();
    for column in &mut typed {
        if let FindColumn::Column(column) = column {
            column.scalar_type = column.scalar_type.or_else(|| known(&column.name.text));
        }
    }
    typed
}

/// `project` of `find`: columns with their types, null where a table has none.
fn projected(plan: &Arc<Plan>, wanted: &[FindColumn]) -> Arc<Plan> {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for column in wanted {
        match column {
            FindColumn::Column(column) => {
                let here = plan.position(&column.name.text);
                let found = here.and_then(|at| plan.columns.get(at).map(|field| (at, field.scalar_type)));
                let scalar_type =
                    column.scalar_type.or(found.map(|(_, found)| found)).unwrap_or(ScalarType::String);
                let value = match found {
                    Some((at, found)) => Scalar::column(at, found).cast(scalar_type),
                    None => Scalar::literal(Value::empty(scalar_type), scalar_type),
                };
                fields.push(Field::new(Arc::clone(&column.name.text), scalar_type));
                values.push(value);
            }
            FindColumn::Pack(_) => {
                fields.push(Field::new("pack_", ScalarType::Dynamic));
                values.push(pack(plan, &[]));
            }
        }
    }
    Plan::new(Step::Project { input: Arc::clone(plan), values }, fields)
}

/// The columns that are shown, and all others in a bag.
fn smart(plan: &Arc<Plan>, shown: &[Arc<str>]) -> Arc<Plan> {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for (field, value) in plan.columns.iter().zip(columns(&plan.columns)) {
        if shown.contains(&field.name) {
            fields.push(field.clone());
            values.push(value);
        }
    }
    fields.push(Field::new("pack_", ScalarType::Dynamic));
    values.push(pack(plan, shown));
    Plan::new(Step::Project { input: Arc::clone(plan), values }, fields)
}

fn pack(plan: &Plan, without: &[Arc<str>]) -> Scalar {
    let pairs = plan.columns.iter().zip(columns(&plan.columns));
    let arguments: Vec<Scalar> = pairs
        .filter(|(field, _)| !without.contains(&field.name))
        .flat_map(|(field, value)| {
            [Scalar::literal(Value::string(Arc::clone(&field.name)), ScalarType::String), value]
        })
        .collect();
    if arguments.is_empty() {
        return Scalar::literal(Value::Null, ScalarType::Dynamic);
    }
    named_call("bag_pack", arguments, ScalarType::Dynamic)
}
