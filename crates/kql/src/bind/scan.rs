//! `scan`: sequences of rows in order.

use std::sync::Arc;

use super::environment::Environment;
use super::frame::{Frame, Group};
use super::join::option;
use super::{Binder, Result};
use crate::ast::{ParameterKind, Scan, ScanStep};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, ScanOutput, ScanPlan, ScanStepPlan, SortKey, Step};
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn scan(&self, input: Arc<Plan>, scan: &Scan, environment: &Environment) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let partition: Vec<Scalar> =
            scan.partition.iter().map(|expr| self.scalar(expr, frame)).collect::<Result<_>>()?;
        let by: Vec<SortKey> =
            scan.order.iter().map(|item| self.sort_key(item, frame)).collect::<Result<_>>()?;
        let (declared, defaults) = self.declared(scan, environment)?;
        let row: Vec<Field> = input.columns.iter().chain(&declared).cloned().collect();
        let groups: Vec<Group> = scan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| Group {
                name: Arc::clone(&step.name.text),
                offset: row.len() * (at + 1),
                columns: row.clone(),
            })
            .collect();
        let inside = Frame { groups: &groups, ..Frame::new(&row, input.is_open, environment) };
        let steps = scan
            .steps
            .iter()
            .map(|step| self.scan_step(step, &declared, inside))
            .collect::<Result<Vec<ScanStepPlan>>>()?;
        let columns = input.columns.clone();
        let input = if by.is_empty() { input } else { Plan::new(Step::Sort { input, by }, columns) };
        let mut fields = row;
        let match_id = option(&scan.options, "with_match_id");
        fields.extend(match_id.iter().map(|name| Field::new(name.as_str(), ScalarType::Long)));
        let plan = ScanPlan { input, partition, defaults, steps, with_match_id: match_id.is_some() };
        Ok(Plan::new(Step::Scan(Box::new(plan)), fields))
    }

    fn declared(&self, scan: &Scan, environment: &Environment) -> Result<(Vec<Field>, Vec<Value>)> {
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for parameter in &scan.declare {
            let ParameterKind::Scalar(scalar_type) = &parameter.kind else {
                let message = "a column of `scan` is a scalar";
                return Err(Diagnostic::error("type-mismatch", parameter.name.span, message));
            };
            let value = match &parameter.default {
                Some(default) => self.literal(default, Frame::constant(environment))?,
                None => Value::empty(*scalar_type),
            };
            fields.push(Field::new(Arc::clone(&parameter.name.text), *scalar_type));
            values.push(crate::plan::typed(value, *scalar_type));
        }
        Ok((fields, values))
    }

    fn scan_step(&self, step: &ScanStep, declared: &[Field], frame: Frame<'_>) -> Result<ScanStepPlan> {
        let output = match step.output.as_ref().map(|name| &*name.text) {
            None | Some("all") => ScanOutput::All,
            Some("last") => ScanOutput::Last,
            Some("none") => ScanOutput::None,
            Some(word) => {
                let message = format!("there is no output `{word}` of a step");
                return Err(Diagnostic::error("scan-output", step.name.span, message)
                    .with_help("outputs are all, last and none"));
            }
        };
        let mut assignments = Vec::new();
        for assignment in &step.assignments {
            let Some(name) = assignment.names.first() else { continue };
            let Some(at) = declared.iter().position(|field| field.name == name.text) else {
                let message = format!("`{}` is not declared", name.text);
                return Err(Diagnostic::error("unknown-name", name.span, message)
                    .with_help("declare it: `scan declare (name: type) with (...)`"));
            };
            let scalar_type = declared.get(at).map_or(ScalarType::Dynamic, |field| field.scalar_type);
            assignments.push((at, self.scalar(&assignment.value, frame)?.cast(scalar_type)));
        }
        let condition = self.condition(&step.condition, frame)?;
        Ok(ScanStepPlan { is_optional: step.is_optional, output, condition, assignments })
    }
}
