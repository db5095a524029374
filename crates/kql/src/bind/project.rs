//! Operators that compute, choose, name and order columns, and those that write rows down.

use std::sync::Arc;

use super::call::{Call, columns, output_columns};
use super::environment::Environment;
use super::frame::Frame;
use super::names::{Names, auto_name};
use super::scalar::suggest;
use super::{Binder, Result};
use crate::ast::{Column, Expr, ExprKind, Name, Ordering, Schema, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, ScalarKind, SortKey, Step};
use crate::registry::{self, Kind};
use crate::span::Span;
use crate::value::{ScalarType, Value};

/// A value with the name that the query gives it, or that it has by itself.
pub(super) struct Named {
    pub(super) given: Option<Arc<str>>,
    pub(super) own: Option<String>,
    pub(super) value: Scalar,
}

impl Binder<'_> {
    /// The columns that an item of `extend`, `project` or `print` gives: one, or several of some functions.
    pub(super) fn outputs(&self, column: &Column, frame: Frame<'_>) -> Result<Vec<Named>> {
        self.or_tell(self.computed(column, frame), || {
            let name = |name: &Name| Named {
                given: Some(Arc::clone(&name.text)),
                own: None,
                value: super::check::some_value(frame),
            };
            column.names.iter().map(name).collect()
        })
    }

    fn computed(&self, column: &Column, frame: Frame<'_>) -> Result<Vec<Named>> {
        if let Some(several) = self.several(column, frame)? {
            return Ok(several);
        }
        if let Some(extra) = column.names.get(1) {
            let message = "several names need a function that gives several columns";
            return Err(Diagnostic::error("too-many-names", extra.span, message));
        }
        let value = self.scalar(&column.value, frame)?;
        let given = column.names.first().map(|name| Arc::clone(&name.text));
        Ok(vec![Named { given, own: auto_name(&column.value), value }])
    }

    /// The columns of a call that gives several.
    fn several(&self, column: &Column, frame: Frame<'_>) -> Result<Option<Vec<Named>>> {
        let ExprKind::Call { callee, arguments } = &column.value.kind else { return Ok(None) };
        let ExprKind::Name(name) = &callee.kind else { return Ok(None) };
        if frame.environment.find(name).is_some() {
            return Ok(None);
        }
        let Some(row) = registry::find_kind(name, Kind::Scalar) else { return Ok(None) };
        let gives_several = |signature: &registry::Signature| {
            matches!(signature.returns, registry::Returns::Tuple | registry::Returns::Arrays)
        };
        if !row.signatures.iter().any(gives_several) {
            return Ok(None);
        }
        let call = Call { expr: &column.value, name, arguments };
        let (signature, scalars, given) = self.arguments(&call, row, frame)?;
        let names: Vec<Option<String>> =
            arguments.iter().map(|argument| auto_name(&argument.value)).collect();
        let Some(fields) = output_columns(row, signature, &given, &names) else { return Ok(None) };
        let function = super::call::implementation(row, column.value.span)?;
        let kind = ScalarKind::Call { function, arguments: scalars };
        let all = Scalar { kind, scalar_type: ScalarType::Dynamic }.folded();
        let output = |(at, field): (usize, &Field)| {
            let position = Scalar::literal(Value::Long(i64::try_from(at).unwrap_or(0)), ScalarType::Long);
            let kind = ScalarKind::Index(Box::new(all.clone()), Box::new(position));
            let item = Scalar { kind, scalar_type: ScalarType::Dynamic }.folded();
            let given = column.names.get(at).map(|name| Arc::clone(&name.text));
            Named { given, own: Some(field.name.to_string()), value: item.cast(field.scalar_type) }
        };
        Ok(Some(fields.iter().enumerate().map(output).collect()))
    }

    pub(super) fn extend(
        &self,
        input: Arc<Plan>,
        items: &[Column],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let mut fields = input.columns.clone();
        let mut values: Vec<Scalar> = columns(&fields).collect();
        let (input, outputs) =
            self.with_windows(input, environment, |frame| self.all_outputs(items, frame))?;
        let mut names = Names::with(fields.iter().map(|field| Arc::clone(&field.name)));
        for output in outputs {
            let scalar_type = output.value.scalar_type;
            let existing =
                output.given.as_ref().and_then(|name| fields.iter().position(|field| field.name == *name));
            if let Some((field, value)) = existing.and_then(|at| fields.get_mut(at).zip(values.get_mut(at))) {
                field.scalar_type = scalar_type;
                *value = output.value;
                continue;
            }
            let name = names.or_numbered(output.given.as_deref().or(output.own.as_deref()));
            fields.push(Field { name, scalar_type });
            values.push(output.value);
        }
        Ok(Plan::new(Step::Project { input, values }, fields))
    }

    fn all_outputs(&self, items: &[Column], frame: Frame<'_>) -> Result<Vec<Named>> {
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            outputs.extend(self.outputs(item, frame)?);
        }
        Ok(outputs)
    }

    pub(super) fn project(
        &self,
        input: Arc<Plan>,
        items: &[Column],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let (input, outputs) =
            self.with_windows(input, environment, |frame| self.all_projected(items, frame))?;
        let mut names = Names::default();
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for output in outputs {
            let name = names.or_numbered(output.given.as_deref().or(output.own.as_deref()));
            fields.push(Field { name, scalar_type: output.value.scalar_type });
            values.push(output.value);
        }
        Ok(closed(Plan::new(Step::Project { input, values }, fields)))
    }

    fn all_projected(&self, items: &[Column], frame: Frame<'_>) -> Result<Vec<Named>> {
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            match &item.value.kind {
                ExprKind::Star => {
                    let all = frame.columns.iter().zip(columns(frame.columns));
                    outputs.extend(all.map(|(field, value)| Named {
                        given: None,
                        own: Some(field.name.to_string()),
                        value,
                    }));
                }
                ExprKind::Wildcard(pattern) => {
                    let all = frame.columns.iter().zip(columns(frame.columns));
                    let matching = all.filter(|(field, _)| matches_wildcard(pattern, &field.name));
                    outputs.extend(matching.map(|(field, value)| Named {
                        given: None,
                        own: Some(field.name.to_string()),
                        value,
                    }));
                }
                _ => outputs.extend(self.outputs(item, frame)?),
            }
        }
        Ok(outputs)
    }

    /// `print`: columns without a name are `print_0` and so on.
    pub(super) fn print(&self, items: &[Column], frame: Frame<'_>) -> Result<Arc<Plan>> {
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        let mut names = Names::default();
        for (at, item) in items.iter().enumerate() {
            let outputs = self.outputs(item, frame)?;
            let is_single = outputs.len() == 1;
            for output in outputs {
                let numbered = format!("print_{at}");
                let own = if is_single { Some(numbered.as_str()) } else { output.own.as_deref() };
                let name = names.or_numbered(output.given.as_deref().or(own));
                fields.push(Field { name, scalar_type: output.value.scalar_type });
                values.push(output.value);
            }
        }
        let one = Plan::new(Step::Rows(vec![Vec::new()]), Vec::new());
        Ok(Plan::new(Step::Project { input: one, values }, fields))
    }

    /// The position of a column that is named.
    pub(super) fn column(&self, expr: &Expr, frame: Frame<'_>) -> Result<usize> {
        let expr = match &expr.kind {
            ExprKind::Query(query) if query.operators.is_empty() => query.source.as_ref().unwrap_or(expr),
            _ => expr,
        };
        match self.scalar(expr, frame)?.kind {
            ScalarKind::Column(at) => Ok(at),
            _ => Err(Diagnostic::error("not-a-column", expr.span, "the name of a column is expected here")),
        }
    }

    /// The positions of the columns that names and wildcards mean, in order of the input.
    fn chosen(&self, input: &Plan, patterns: &[Expr]) -> Result<Vec<bool>> {
        let mut chosen = vec![false; input.columns.len()];
        for pattern in patterns {
            for at in self.matching(input, pattern)? {
                if let Some(flag) = chosen.get_mut(at) {
                    *flag = true;
                }
            }
        }
        Ok(chosen)
    }

    /// The columns that a name or a wildcard means.
    fn matching(&self, input: &Plan, pattern: &Expr) -> Result<Vec<usize>> {
        let all = input.columns.iter().enumerate();
        match &pattern.kind {
            ExprKind::Wildcard(text) => {
                Ok(all.filter(|(_, field)| matches_wildcard(text, &field.name)).map(|(at, _)| at).collect())
            }
            ExprKind::Star => Ok((0..input.columns.len()).collect()),
            ExprKind::Name(name) => match input.position(name) {
                Some(at) => Ok(vec![at]),
                None if input.is_open => Ok(Vec::new()),
                None => Err(unknown_column(input, name, pattern.span)),
            },
            _ => {
                Err(Diagnostic::error("not-a-column", pattern.span, "the name of a column is expected here"))
            }
        }
    }

    pub(super) fn project_away(&self, input: Arc<Plan>, patterns: &[Expr]) -> Result<Arc<Plan>> {
        let chosen = self.chosen(&input, patterns)?;
        let kept = chosen.iter().enumerate().filter(|(_, is_chosen)| !**is_chosen).map(|(at, _)| at);
        Ok(picked(&input, kept))
    }

    pub(super) fn project_keep(&self, input: Arc<Plan>, patterns: &[Expr]) -> Result<Arc<Plan>> {
        let chosen = self.chosen(&input, patterns)?;
        let kept = chosen.iter().enumerate().filter(|(_, is_chosen)| **is_chosen).map(|(at, _)| at);
        let kept = picked(&input, kept);
        // A wildcard keeps columns too that nobody knows.
        let is_wild = |pattern: &Expr| matches!(pattern.kind, ExprKind::Wildcard(_) | ExprKind::Star);
        Ok(if patterns.iter().any(is_wild) { kept } else { closed(kept) })
    }

    /// `project-by-names`: names and wildcards, or arrays of names; those that there are not are left out.
    pub(super) fn project_by_names(
        &self,
        input: Arc<Plan>,
        patterns: &[Expr],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let mut kept: Vec<usize> = Vec::new();
        for pattern in patterns {
            let found = match &pattern.kind {
                ExprKind::Wildcard(_) | ExprKind::Star => self.matching(&input, pattern)?,
                ExprKind::Name(name) if input.position(name).is_some() => {
                    input.position(name).into_iter().collect()
                }
                _ => {
                    let names = self.literal(pattern, Frame::constant(environment))?;
                    let texts: Vec<String> = match &names {
                        Value::Dynamic(dynamic) => match dynamic.as_array() {
                            Some(items) => items.iter().map(|item| item.to_value().to_text()).collect(),
                            None => vec![names.to_text()],
                        },
                        other => vec![other.to_text()],
                    };
                    let of_text = |text: &String| {
                        let all = input.columns.iter().enumerate();
                        let text = text.clone();
                        all.filter(move |(_, field)| matches_wildcard(&text, &field.name)).map(|(at, _)| at)
                    };
                    texts.iter().flat_map(of_text).collect()
                }
            };
            for at in found {
                if !kept.contains(&at) {
                    kept.push(at);
                }
            }
        }
        Ok(closed(picked(&input, kept.into_iter())))
    }

    pub(super) fn project_rename(&self, input: Arc<Plan>, items: &[Column]) -> Result<Arc<Plan>> {
        let mut fields = input.columns.clone();
        for item in items {
            let ExprKind::Name(old) = &item.value.kind else {
                let message = "the name of a column is expected here";
                return Err(Diagnostic::error("not-a-column", item.value.span, message));
            };
            let Some(new) = item.names.first() else {
                let message = "a new name is missing";
                return Err(Diagnostic::error("missing-name", item.value.span, message)
                    .with_help("write `project-rename new = old`"));
            };
            match input.position(old).and_then(|at| fields.get_mut(at)) {
                Some(field) => field.name = Arc::clone(&new.text),
                None if input.is_open => fields.push(Field::new(Arc::clone(&new.text), ScalarType::Dynamic)),
                None => return Err(unknown_column(&input, old, item.value.span)),
            }
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(double) = fields.iter().find(|field| !seen.insert(Arc::clone(&field.name))) {
            let span = items.first().map(|item| item.value.span).unwrap_or_default();
            let message = format!("there are two columns `{}` then", double.name);
            return Err(Diagnostic::error("duplicate-name", span, message));
        }
        let mut values: Vec<Scalar> = columns(&input.columns).collect();
        values.resize(fields.len(), Scalar::literal(Value::Null, ScalarType::Dynamic));
        Ok(Plan::new(Step::Project { input, values }, fields))
    }

    pub(super) fn project_reorder(&self, input: Arc<Plan>, items: &[Ordering]) -> Result<Arc<Plan>> {
        let mut order: Vec<usize> = Vec::new();
        for item in items {
            let mut found = self.matching(&input, &item.value.value)?;
            let name =
                |at: &usize| input.columns.get(*at).map(|field| Arc::clone(&field.name)).unwrap_or_default();
            if let Some(is_ascending) = item.is_ascending {
                found.sort_by(|left, right| {
                    let ordering = if item.is_granny {
                        natural(&name(left), &name(right))
                    } else {
                        name(left).cmp(&name(right))
                    };
                    if is_ascending { ordering } else { ordering.reverse() }
                });
            }
            order.extend(found.into_iter().filter(|at| !order.contains(at)).collect::<Vec<usize>>());
        }
        let rest: Vec<usize> = (0..input.columns.len()).filter(|at| !order.contains(at)).collect();
        Ok(picked(&input, order.into_iter().chain(rest)))
    }

    pub(super) fn distinct(
        &self,
        input: Arc<Plan>,
        items: &[Column],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let outputs = self.all_projected(items, Frame::new(&input.columns, input.is_open, environment))?;
        let mut names = Names::default();
        let (mut fields, mut keys) = (Vec::new(), Vec::new());
        for output in outputs {
            let name = names.or_numbered(output.given.as_deref().or(output.own.as_deref()));
            fields.push(Field { name, scalar_type: output.value.scalar_type });
            keys.push(output.value);
        }
        let is_all =
            items.iter().any(|item| matches!(item.value.kind, ExprKind::Star | ExprKind::Wildcard(_)));
        let plan = Plan::new(Step::Aggregate { input, keys, aggregates: Vec::new() }, fields);
        Ok(if is_all { plan } else { closed(plan) })
    }

    pub(super) fn sort(
        &self,
        input: Arc<Plan>,
        by: &[Ordering],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let by = by.iter().map(|item| self.sort_key(item, frame)).collect::<Result<Vec<SortKey>>>()?;
        let columns = input.columns.clone();
        Ok(Plan::new(Step::Sort { input, by }, columns))
    }

    /// Greatest first unless the query says otherwise; null is the least value.
    pub(super) fn sort_key(&self, item: &Ordering, frame: Frame<'_>) -> Result<SortKey> {
        let value = self.scalar(&item.value.value, frame)?;
        let is_ascending = item.is_ascending.unwrap_or(false);
        Ok(SortKey { value, is_ascending, nulls_first: item.nulls_first.unwrap_or(is_ascending) })
    }

    pub(super) fn datatable(&self, schema: &Schema, cells: &[Expr], frame: Frame<'_>) -> Result<Arc<Plan>> {
        let fields = fields_of(schema);
        if fields.is_empty() || !cells.len().is_multiple_of(fields.len()) {
            let span = cells.last().map(|cell| cell.span).unwrap_or_default();
            let message = format!("{} values do not fill rows of {} columns", cells.len(), fields.len());
            return Err(Diagnostic::error("uneven-rows", span, message));
        }
        let mut rows = Vec::with_capacity(cells.len() / fields.len());
        for row in cells.chunks(fields.len()) {
            let cell = |(cell, field): (&Expr, &Field)| self.cell(cell, field.scalar_type, frame);
            rows.push(row.iter().zip(&fields).map(cell).collect::<Result<Vec<Value>>>()?);
        }
        Ok(Plan::new(Step::Rows(rows), fields))
    }

    fn cell(&self, cell: &Expr, scalar_type: ScalarType, frame: Frame<'_>) -> Result<Value> {
        let scalar = self.constant(cell, frame)?;
        match scalar.cast(scalar_type).as_literal() {
            Some(value) => Ok(value.clone()),
            None => Err(Diagnostic::error(
                "not-constant",
                cell.span,
                "this has to be known before the query runs",
            )),
        }
    }

    pub(super) fn range(&self, name: &Name, parts: [&Expr; 3], frame: Frame<'_>) -> Result<Arc<Plan>> {
        let [from, to, step] = parts;
        let bound = [self.constant(from, frame)?, self.constant(to, frame)?, self.constant(step, frame)?];
        let types = [bound[0].scalar_type, bound[1].scalar_type, bound[2].scalar_type];
        let [from, to, step] = bound;
        let scalar_type = match types {
            [ScalarType::DateTime, ScalarType::DateTime | ScalarType::Dynamic, _] => ScalarType::DateTime,
            [ScalarType::TimeSpan, ..] => ScalarType::TimeSpan,
            [from_type, to_type, step_type] => {
                let widest = super::types::widest(from_type, to_type);
                match widest.and_then(|widest| super::types::widest(widest, step_type)) {
                    Some(widest) => widest,
                    None => {
                        let message = format!("no range goes from {from_type} to {to_type} by {step_type}");
                        return Err(Diagnostic::error("type-mismatch", name.span, message));
                    }
                }
            }
        };
        let step_type = if scalar_type == ScalarType::DateTime { ScalarType::TimeSpan } else { scalar_type };
        let step = Step::Range {
            from: from.cast(scalar_type),
            to: to.cast(scalar_type),
            step: step.cast(step_type),
        };
        Ok(Plan::new(step, vec![Field::new(Arc::clone(&name.text), scalar_type)]))
    }

    pub(super) fn external(
        &self,
        span: Span,
        schema: &Schema,
        sources: &[Expr],
        properties: &[Setting],
        frame: Frame<'_>,
    ) -> Result<Arc<Plan>> {
        let mut places: Vec<Arc<str>> = Vec::new();
        for source in sources {
            places.push(self.literal(source, frame)?.to_text().into());
        }
        if places.is_empty() {
            return Err(Diagnostic::error("no-source", span, "`externaldata` needs the place of a file"));
        }
        let mut read = Vec::new();
        for property in properties {
            let value = match property.values.first() {
                Some(Expr { kind: ExprKind::Name(word), .. }) => Value::string(Arc::clone(word)),
                Some(value) => self.literal(value, frame)?,
                None => Value::Bool(true),
            };
            read.push((Arc::clone(&property.name.text), value));
        }
        Ok(Plan::new(Step::External { sources: places, properties: read }, fields_of(schema)))
    }
}

/// The declared columns; a type that is left out is string.
pub(super) fn fields_of(schema: &Schema) -> Vec<Field> {
    let field = |column: &crate::ast::ColumnDeclaration| {
        Field::new(Arc::clone(&column.name.text), column.scalar_type.unwrap_or(ScalarType::String))
    };
    schema.columns.iter().map(field).collect()
}

/// The columns at positions.
pub(super) fn picked(input: &Arc<Plan>, positions: impl Iterator<Item = usize>) -> Arc<Plan> {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for at in positions {
        let Some(field) = input.columns.get(at) else { continue };
        values.push(Scalar::column(at, field.scalar_type));
        fields.push(field.clone());
    }
    Plan::new(Step::Project { input: Arc::clone(input), values }, fields)
}

/// The same with no columns but those that are known: what the data decided on below was not chosen.
pub(super) fn closed(plan: Arc<Plan>) -> Arc<Plan> {
    if !plan.is_open {
        return plan;
    }
    let mut plan = Arc::unwrap_or_clone(plan);
    plan.is_open = false;
    Arc::new(plan)
}

fn unknown_column(input: &Plan, name: &str, span: Span) -> Diagnostic {
    let near = crate::nearest::nearest(name, input.columns.iter().map(|field| &*field.name));
    suggest(Diagnostic::error("unknown-name", span, format!("there is no column `{name}`")), near)
}

/// Whether a name has the form of a pattern, where `*` stands for any text.
pub(super) fn matches_wildcard(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(found) = rest.find(part) else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// The order in which numbers within names count as numbers.
fn natural(left: &str, right: &str) -> std::cmp::Ordering {
    let parts = |text: &str| -> Vec<(String, u128)> {
        let mut parts: Vec<(String, u128)> = vec![(String::new(), 0)];
        let mut in_number = false;
        for character in text.chars() {
            let digit = character.to_digit(10);
            if digit.is_none() && in_number {
                parts.push((String::new(), 0));
            }
            in_number = digit.is_some();
            if let Some(last) = parts.last_mut() {
                match digit {
                    Some(digit) => last.1 = last.1.saturating_mul(10).saturating_add(u128::from(digit)),
                    None => last.0.push(character),
                }
            }
        }
        parts
    };
    parts(left).cmp(&parts(right))
}
