//! `scan`: sequences of rows that go through steps.
//!
//! Source: Kusto documentation, "scan operator", section on the matching logic. Every step holds at most one sequence:
//! the last row that each step so far matched. A row is tried at the steps from the last to the first. It moves a
//! sequence of the step before on to this one, or it continues the sequence of this step, or it begins one at the first.

use super::{Result, Row, Run};
use crate::plan::{ScanOutput, ScanPlan, ScanStepPlan};
use crate::value::Value;

/// A sequence: for each step the row that it matched last, and its number.
#[derive(Clone, Debug)]
struct Sequence {
    rows: Vec<Option<Row>>,
    id: i64,
}

/// A row that comes out, and whether it waits for being the last of its step.
struct Emitted {
    row: Row,
    step: usize,
    id: i64,
}

impl Run<'_> {
    pub(super) fn scan(&self, scan: &ScanPlan) -> Result<Vec<Row>> {
        let partition = self.all_ready(&scan.partition)?;
        let ready = |step: &ScanStepPlan| -> Result<ScanStepPlan> {
            let assignments = step.assignments.iter().map(|(at, value)| Ok((*at, self.ready(value)?)));
            Ok(ScanStepPlan {
                condition: self.ready(&step.condition)?,
                assignments: assignments.collect::<Result<_>>()?,
                ..step.clone()
            })
        };
        let steps = scan.steps.iter().map(ready).collect::<Result<Vec<ScanStepPlan>>>()?;
        let width = scan.input.columns.len();
        let mut results = Vec::new();
        let mut next_id = 0;
        for (_, rows) in self.groups(self.plan(&scan.input)?, &partition) {
            let mut state: Vec<Option<Sequence>> = vec![None; steps.len()];
            let mut emitted: Vec<Emitted> = Vec::new();
            for row in rows {
                self.scan_row(&row, width, scan, &steps, &mut state, &mut next_id, &mut emitted);
            }
            results.extend(finished(emitted, &steps, scan.with_match_id));
        }
        Ok(results)
    }

    #[allow(clippy::too_many_arguments)]
    fn scan_row(
        &self,
        row: &Row,
        width: usize,
        scan: &ScanPlan,
        steps: &[ScanStepPlan],
        state: &mut [Option<Sequence>],
        next_id: &mut i64,
        emitted: &mut Vec<Emitted>,
    ) {
        for (at, step) in steps.iter().enumerate().rev() {
            let before = self.promoted(at, steps, state);
            let own = state.get(at).cloned().flatten();
            let fresh = Sequence { rows: vec![None; steps.len()], id: *next_id };
            let candidates = [
                before.and_then(|from| {
                    state.get(from).cloned().flatten().map(|sequence| (sequence, Some(from)))
                }),
                own.map(|sequence| (sequence, None)),
                (at == 0 || steps.iter().take(at).all(|step| step.is_optional)).then_some((fresh, None)),
            ];
            for (position, (sequence, from)) in
                candidates.into_iter().enumerate().filter_map(|(i, c)| Some((i, c?)))
            {
                let Some(extended) = self.matched(row, width, scan, step, &sequence) else { continue };
                if position == 2 {
                    *next_id += 1;
                }
                let mut sequence = sequence;
                if let Some(place) = sequence.rows.get_mut(at) {
                    *place = Some(extended.clone());
                }
                if let Some(place) = from.and_then(|from| state.get_mut(from)) {
                    *place = None;
                }
                emitted.push(Emitted { row: extended, step: at, id: sequence.id });
                if let Some(place) = state.get_mut(at) {
                    *place = Some(sequence);
                }
                return;
            }
        }
    }

    /// The step whose sequence may move on to this one: the one before, or further back over optional ones.
    fn promoted(&self, at: usize, steps: &[ScanStepPlan], state: &[Option<Sequence>]) -> Option<usize> {
        for from in (0..at).rev() {
            if state.get(from).is_some_and(Option::is_some) {
                return Some(from);
            }
            if !steps.get(from).is_some_and(|step| step.is_optional) {
                return None;
            }
        }
        None
    }

    /// The row with the declared columns as the step sets them, if it belongs to the step.
    fn matched(
        &self,
        row: &Row,
        width: usize,
        scan: &ScanPlan,
        step: &ScanStepPlan,
        sequence: &Sequence,
    ) -> Option<Row> {
        let mut seen: Row = row.iter().chain(&scan.defaults).cloned().collect();
        let full = width + scan.defaults.len();
        for held in &sequence.rows {
            match held {
                Some(held) => seen.extend(held.iter().cloned()),
                None => {
                    let nothing = scan.input.columns.iter().map(|field| Value::empty(field.scalar_type));
                    seen.extend(nothing.chain(scan.defaults.iter().cloned()));
                }
            }
        }
        if self.value(&step.condition, &seen) != Value::Bool(true) {
            return None;
        }
        let mut extended: Row = seen.iter().take(full).cloned().collect();
        for (place, value) in &step.assignments {
            let value = self.value(value, &seen);
            if let Some(cell) = extended.get_mut(width + place) {
                *cell = value;
            }
        }
        Some(extended)
    }
}

/// The rows that come out: of a step with `output=last` only the last of each sequence.
fn finished(emitted: Vec<Emitted>, steps: &[ScanStepPlan], with_match_id: bool) -> Vec<Row> {
    let mut last: std::collections::HashMap<(usize, i64), usize> = std::collections::HashMap::new();
    for (at, row) in emitted.iter().enumerate() {
        last.insert((row.step, row.id), at);
    }
    let is_out = |at: usize, row: &Emitted| match steps.get(row.step).map(|step| step.output) {
        Some(ScanOutput::All) => true,
        Some(ScanOutput::Last) => last.get(&(row.step, row.id)) == Some(&at),
        _ => false,
    };
    emitted
        .into_iter()
        .enumerate()
        .filter(|(at, row)| is_out(*at, row))
        .map(|(_, mut emitted)| {
            if with_match_id {
                emitted.row.push(Value::Long(emitted.id));
            }
            emitted.row
        })
        .collect()
}
