//! `mv-expand` and `mv-apply`.

use std::sync::Arc;

use super::call::columns;
use super::environment::Environment;
use super::frame::Frame;
use super::join::option;
use super::names::{Names, auto_name};
use super::{Binder, Result};
use crate::ast::{ExpandedColumn, Expr, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Expansion, Field, Plan, Scalar, Step};
use crate::value::ScalarType;

/// What is expanded, with the columns that come out: those of the input, an expanded one in the place of its own.
struct Expanded {
    columns: Vec<Expansion>,
    /// The columns of the step: the input's, then the expanded ones.
    step_fields: Vec<Field>,
    /// The columns of the operator, each with its position in the step.
    fields: Vec<(Field, usize)>,
}

impl Expanded {
    /// Adds the column of `with_itemindex`, where it is asked for.
    fn number(&mut self, options: &[Setting]) -> bool {
        let Some(name) = option(options, "with_itemindex") else { return false };
        let field = Field::new(name.as_str(), ScalarType::Long);
        self.fields.push((field.clone(), self.step_fields.len()));
        self.step_fields.push(field);
        true
    }
}

impl Binder<'_> {
    pub(super) fn expand(
        &self,
        input: Arc<Plan>,
        options: &[Setting],
        items: &[ExpandedColumn],
        limit: Option<&Expr>,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let mut expanded = self.expanded(&input, items, environment)?;
        let with_index = expanded.number(options);
        // What is replaced by its items does not come out beside them.
        let width = input.columns.len();
        let kept: Vec<usize> =
            expanded.fields.iter().map(|(_, from)| *from).filter(|from| *from < width).collect();
        let moved = |from: usize| match kept.iter().position(|at| *at == from) {
            Some(at) => at,
            None => kept.len() + from - width,
        };
        let fields: Vec<(Field, usize)> =
            expanded.fields.iter().map(|(field, from)| (field.clone(), moved(*from))).collect();
        let of_kept = kept.iter().filter_map(|at| input.columns.get(*at));
        let step_fields: Vec<Field> =
            of_kept.chain(expanded.step_fields.get(width..).unwrap_or_default()).cloned().collect();
        let kind = option(options, "kind").or_else(|| option(options, "bagexpansion"));
        let limit = limit.map(|limit| self.count(limit, environment)).transpose()?;
        let step = Step::Expand {
            input,
            kept,
            columns: expanded.columns,
            limit,
            bags_as_arrays: kind.as_deref() == Some("array"),
            with_index,
        };
        let plan = Plan::new(step, unique(&step_fields));
        Ok(arranged(plan, &fields))
    }

    pub(super) fn apply(
        &self,
        input: Arc<Plan>,
        options: &[Setting],
        items: &[ExpandedColumn],
        limit: Option<&Expr>,
        body: &Expr,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let mut expanded = self.expanded(&input, items, environment)?;
        let with_index = expanded.number(options);
        let limit = limit.map(|limit| self.count(limit, environment)).transpose()?;
        // The body sees the rows as `mv-expand` would give them.
        let step_fields = unique(&expanded.step_fields);
        let part = Arc::new(Plan { step: Step::Part, columns: step_fields.clone(), is_open: input.is_open });
        let part = arranged(part, &expanded.fields);
        let inner = environment.outside_parts();
        let body = self.flow(body, &inner, Some(&part))?.table(body.span)?;
        let outer = kept_outside(&input, &body, &expanded);
        let kept: Vec<usize> = outer.iter().map(|(_, at)| *at).collect();
        let fields: Vec<Field> =
            outer.into_iter().map(|(field, _)| field).chain(body.columns.iter().cloned()).collect();
        let step = Step::Apply { input, kept, columns: expanded.columns, limit, with_index, body };
        Ok(Plan::new(step, fields))
    }

    fn expanded(
        &self,
        input: &Arc<Plan>,
        items: &[ExpandedColumn],
        environment: &Environment,
    ) -> Result<Expanded> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let width = input.columns.len();
        let mut fields: Vec<(Field, usize)> = input.columns.iter().cloned().zip(0..).collect();
        let mut names = Names::with(input.columns.iter().map(|field| Arc::clone(&field.name)));
        let mut step_fields = input.columns.clone();
        let mut expansions = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let value = self.scalar(&item.column.value, frame)?;
            if value.scalar_type != ScalarType::Dynamic && value.scalar_type != ScalarType::String {
                let message = format!("an array or a bag is expected here, not {}", value.scalar_type);
                return Err(Diagnostic::error("type-mismatch", item.column.value.span, message));
            }
            let to = item.to.unwrap_or(ScalarType::Dynamic);
            let given = item.column.names.first().map(|name| name.text.to_string());
            let wanted = given.or_else(|| auto_name(&item.column.value));
            // Also where the name is its own: rules write `mv-expand parse_json(Entities)`, and go on with `Entities`.
            let replaced =
                wanted.as_ref().and_then(|name| fields.iter().position(|(field, _)| *field.name == **name));
            let field = match replaced.and_then(|at| fields.get_mut(at)) {
                Some((field, from)) => {
                    *from = width + at;
                    field.scalar_type = to;
                    field.clone()
                }
                None => {
                    let field = Field { name: names.or_numbered(wanted.as_deref()), scalar_type: to };
                    fields.push((field.clone(), width + at));
                    field
                }
            };
            step_fields.push(field);
            expansions.push(Expansion { value: value.cast(ScalarType::Dynamic), to });
        }
        Ok(Expanded { columns: expansions, step_fields, fields })
    }
}

/// The input's columns that the body does not give itself.
fn kept_outside(input: &Plan, body: &Plan, expanded: &Expanded) -> Vec<(Field, usize)> {
    let is_replaced = |at: usize| !expanded.fields.iter().any(|(_, from)| *from == at);
    let all = input.columns.iter().enumerate();
    all.filter(|(at, field)| !is_replaced(*at) && body.position(&field.name).is_none())
        .map(|(at, field)| (field.clone(), at))
        .collect()
}

/// The same columns with names that differ.
pub(super) fn unique(fields: &[Field]) -> Vec<Field> {
    let mut names = Names::default();
    fields
        .iter()
        .map(|field| Field { name: names.unique(&field.name), scalar_type: field.scalar_type })
        .collect()
}

/// Columns by their positions, with their names.
pub(super) fn arranged(input: Arc<Plan>, fields: &[(Field, usize)]) -> Arc<Plan> {
    let values: Vec<Scalar> =
        fields.iter().map(|(field, at)| Scalar::column(*at, field.scalar_type)).collect();
    let wanted: Vec<Field> = fields.iter().map(|(field, _)| field.clone()).collect();
    let is_same = wanted == input.columns
        && values.iter().zip(columns(&input.columns)).all(|(value, own)| *value == own);
    if is_same { input } else { Plan::new(Step::Project { input, values }, wanted) }
}
