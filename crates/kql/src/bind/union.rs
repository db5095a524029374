//! `union`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::database::Database;
use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::join::option;
use super::names::Names;
use super::project::matches_wildcard;
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind, OperatorKind, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, Step};
use crate::span::Span;
use crate::value::{ScalarType, Value};

/// How many columns all tables of a union have together, once each has those of the others too. A union beyond that, as
/// over every table that is known, can be checked and not run.
const MAX_CELLS: usize = 1 << 20;

/// One table of a union, with the name that `withsource` gives it.
pub(super) struct Leg {
    pub(super) name: Arc<str>,
    pub(super) plan: Arc<Plan>,
}

impl Binder<'_> {
    pub(super) fn union(
        &self,
        span: Span,
        first: Option<Arc<Plan>>,
        options: &[Setting],
        tables: &[Expr],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let is_fuzzy = match option(options, "isfuzzy") {
            None => false,
            Some(word) => self.is_true(&word, environment),
        };
        let mut legs = Vec::new();
        if let Some(plan) = first {
            legs.push(Leg { name: source_name(&plan, 0), plan });
        }
        let mut missing = None;
        for table in tables {
            let found = if is_fuzzy {
                self.strictly(|| self.legs(table, legs.len(), environment))
            } else {
                self.legs(table, legs.len(), environment)
            };
            match found {
                Ok(found) => legs.extend(found),
                Err(error) if is_fuzzy && is_missing(&error) => {
                    self.warn("fuzzy-union", error.span, format!("left out of the union: {}", error.message));
                    missing = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if legs.is_empty() {
            return Err(missing.unwrap_or_else(|| {
                Diagnostic::error("unknown-table", span, "none of the tables of this union exists")
            }));
        }
        let is_inner = option(options, "kind").as_deref() == Some("inner");
        Ok(union_of(legs, is_inner, option(options, "withsource").or_else(|| option(options, "with_source"))))
    }

    /// `true`, or the name of a variable that is.
    fn is_true(&self, word: &str, environment: &Environment) -> bool {
        match environment.find(word) {
            Some(Binding::Scalar(scalar)) => scalar.as_literal().and_then(Value::to_bool) == Some(true),
            _ => word.eq_ignore_ascii_case("true") || word == "1",
        }
    }

    /// The tables that an item of a union means: several for a wildcard.
    pub(super) fn legs(&self, table: &Expr, before: usize, environment: &Environment) -> Result<Vec<Leg>> {
        let pattern = match &table.kind {
            ExprKind::Wildcard(pattern) => pattern,
            ExprKind::Star => "*",
            ExprKind::Query(query) if query.operators.is_empty() => match &query.source {
                Some(source) => return self.legs(source, before, environment),
                None => "",
            },
            _ => {
                let plan = self.table(table, environment)?;
                let name = written_name(table).unwrap_or_else(|| source_name(&plan, before));
                return Ok(vec![Leg { name, plan }]);
            }
        };
        let mut legs: Vec<Leg> = Vec::new();
        for (name, binding) in environment.iter() {
            if let Binding::Table { plan, is_view: true } = binding
                && matches_wildcard(pattern, name)
                && !legs.iter().any(|leg| leg.name == *name)
            {
                legs.push(Leg { name: Arc::clone(name), plan: Arc::clone(plan) });
            }
        }
        let database = self.visible(environment);
        for name in database.table_names() {
            if matches_wildcard(pattern, &name)
                && let Some(shape) = database.table(&name)
            {
                let plan = super::source::stored(&name, shape);
                legs.push(Leg { name, plan });
            }
        }
        if legs.is_empty() {
            return Err(Diagnostic::error(
                "unknown-table",
                table.span,
                format!("no table has a name like `{pattern}`"),
            ));
        }
        Ok(legs)
    }

    /// The table of a leg over a frame, for callers that filter each.
    pub(super) fn frame_of<'f>(plan: &'f Plan, environment: &'f Environment) -> Frame<'f> {
        Frame::new(&plan.columns, plan.is_open, environment)
    }
}

/// Whether a leg is just not there, which `isfuzzy` forgives.
fn is_missing(error: &Diagnostic) -> bool {
    matches!(error.code, "unknown-table" | "unknown-function" | "elsewhere" | "unknown-name")
}

/// The name that a leg has in the query: its own, or what `as` gives it.
fn written_name(table: &Expr) -> Option<Arc<str>> {
    match &table.kind {
        ExprKind::Name(name) => Some(Arc::clone(name)),
        ExprKind::Query(query) => match &query.operators.last()?.kind {
            OperatorKind::As { name, .. } => Some(Arc::clone(&name.text)),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the table that rows come from.
pub(super) fn source_name(plan: &Plan, position: usize) -> Arc<str> {
    match &plan.step {
        Step::Table(name) => Arc::clone(name),
        _ => format!("union_arg{position}").into(),
    }
}

/// The legs with the same columns, one after the other.
pub(super) fn union_of(legs: Vec<Leg>, is_inner: bool, with_source: Option<String>) -> Arc<Plan> {
    let columns = if is_inner { common_columns(&legs) } else { all_columns(&legs) };
    let is_open = legs.iter().any(|leg| leg.plan.is_open);
    let mut fields: Vec<Field> =
        with_source.iter().map(|name| Field::new(name.as_str(), ScalarType::String)).collect();
    fields.extend(columns.iter().map(|(field, _)| field.clone()));
    if legs.len().saturating_mul(fields.len()) > MAX_CELLS {
        let inputs = legs.into_iter().map(|leg| leg.plan).collect();
        return Arc::new(Plan { step: Step::Union(inputs), columns: fields, is_open: true });
    }
    let aligned =
        legs.into_iter().map(|leg| aligned(leg, &columns, with_source.is_some(), &fields)).collect();
    let plan = Plan::new(Step::Union(aligned), fields);
    if is_open { plan } else { super::project::closed(plan) }
}

/// A column of the union, with the name that it has in the tables.
type Column = (Field, Arc<str>);

/// Every column of any table. Where types differ, each gets a column of its own with the type behind its name.
fn all_columns(legs: &[Leg]) -> Vec<Column> {
    let mut seen: HashSet<&Field> = HashSet::new();
    let mut types: HashMap<&str, usize> = HashMap::new();
    let mut found: Vec<&Field> = Vec::new();
    for field in legs.iter().flat_map(|leg| &leg.plan.columns) {
        if seen.insert(field) {
            found.push(field);
            *types.entry(&field.name).or_default() += 1;
        }
    }
    let conflicts = |name: &str| types.get(name).is_some_and(|count| *count > 1);
    let plain = found.iter().filter(|field| !conflicts(&field.name)).map(|field| Arc::clone(&field.name));
    let mut names = Names::with(plain);
    found
        .iter()
        .map(|field| {
            let name = Arc::clone(&field.name);
            if conflicts(&name) {
                let unique = names.unique(&format!("{name}_{}", field.scalar_type));
                (Field::new(unique, field.scalar_type), name)
            } else {
                ((*field).clone(), name)
            }
        })
        .collect()
}

/// The columns that all tables have, with the same type.
fn common_columns(legs: &[Leg]) -> Vec<Column> {
    let Some((first, rest)) = legs.split_first() else { return Vec::new() };
    let in_all = |field: &&Field| rest.iter().all(|leg| leg.plan.columns.contains(field));
    first.plan.columns.iter().filter(in_all).map(|field| (field.clone(), Arc::clone(&field.name))).collect()
}

fn aligned(leg: Leg, columns: &[Column], with_source: bool, fields: &[Field]) -> Arc<Plan> {
    let source =
        with_source.then(|| Scalar::literal(Value::string(Arc::clone(&leg.name)), ScalarType::String));
    let places: HashMap<(&str, ScalarType), usize> = (leg.plan.columns.iter().enumerate().rev())
        .map(|(at, own)| ((&*own.name, own.scalar_type), at))
        .collect();
    let value = |(field, name): &Column| match places.get(&(&**name, field.scalar_type)).copied() {
        Some(at) => Scalar::column(at, field.scalar_type),
        None => Scalar::literal(Value::empty(field.scalar_type), field.scalar_type),
    };
    let values: Vec<Scalar> = source.into_iter().chain(columns.iter().map(value)).collect();
    let is_same = *fields == *leg.plan.columns
        && values.iter().zip(super::call::columns(&leg.plan.columns)).all(|(value, own)| *value == own);
    if is_same { leg.plan } else { Plan::new(Step::Project { input: leg.plan, values }, fields.to_vec()) }
}
