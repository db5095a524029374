//! `top-nested`.

use std::sync::Arc;

use super::group::Call;
use super::{Result, Row, Run};
use crate::plan::{Plan, Scalar, TopLevel};
use crate::value::{ScalarType, Value};

/// A level whose values are ready.
struct Level<'l> {
    level: &'l TopLevel,
    count: usize,
    value: Scalar,
    by: Call,
}

/// A value of a level with its rows.
struct Group {
    value: Value,
    weight: Value,
    rows: Vec<Row>,
}

impl Run<'_> {
    pub(super) fn top_nested(&self, input: &Arc<Plan>, levels: &[TopLevel]) -> Result<Vec<Row>> {
        let levels = levels.iter().map(|level| self.level(level)).collect::<Result<Vec<Level<'_>>>>()?;
        let rows = self.plan(input)?;
        let mut found = Vec::new();
        self.nested_level(rows, &levels, &Vec::new(), &mut found);
        Ok(found)
    }

    fn level<'l>(&self, level: &'l TopLevel) -> Result<Level<'l>> {
        let TopLevel { count, value, by, .. } = level;
        Ok(Level {
            level,
            count: count.as_ref().map(|count| self.number(count)).transpose()?.unwrap_or(usize::MAX),
            value: self.ready(value)?,
            by: self.ready_call(by)?,
        })
    }

    fn nested_level(&self, rows: Vec<Row>, levels: &[Level<'_>], above: &Row, found: &mut Vec<Row>) {
        let Some((level, deeper)) = levels.split_first() else {
            found.push(above.clone());
            return;
        };
        let mut groups: Vec<Group> = self
            .groups(rows, std::slice::from_ref(&level.value))
            .into_iter()
            .map(|(value, rows)| Group {
                value: value.into_iter().next().unwrap_or_default(),
                weight: self.weight(level, &rows),
                rows,
            })
            .collect();
        groups.sort_by(|left, right| {
            let ordering = super::sort::total(&left.weight, &right.weight);
            if level.level.is_ascending { ordering } else { ordering.reverse() }
        });
        let rest = groups.split_off(level.count.min(groups.len()));
        for group in groups {
            let mut row = above.clone();
            row.extend([group.value, group.weight]);
            self.nested_level(group.rows, deeper, &row, found);
        }
        if let Some(others) = level.level.others.as_ref() {
            let rows: Vec<Row> = rest.into_iter().flat_map(|group| group.rows).collect();
            if !rows.is_empty() {
                self.others(others, &rows, level, deeper, above, found);
            }
        }
    }

    /// The rest of a level as one row: levels below it are not taken apart.
    fn others(
        &self,
        name: &Value,
        rows: &[Row],
        level: &Level<'_>,
        deeper: &[Level<'_>],
        above: &Row,
        found: &mut Vec<Row>,
    ) {
        let mut row = above.clone();
        row.extend([name.clone(), self.weight(level, rows)]);
        for level in deeper {
            let value = level.level.others.clone().unwrap_or(Value::empty(level.value.scalar_type));
            row.extend([value, self.weight(level, rows)]);
        }
        found.push(row);
    }

    fn weight(&self, level: &Level<'_>, rows: &[Row]) -> Value {
        let mut accumulator = level.by.accumulator();
        for row in rows {
            self.update(&level.by, accumulator.as_mut(), row);
        }
        let scalar_type = level.level.by.outputs.first().map_or(ScalarType::Long, |field| field.scalar_type);
        crate::plan::typed(accumulator.finish().into_iter().next().unwrap_or_default(), scalar_type)
    }
}
