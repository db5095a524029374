//! Joins by hash.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Result, Row, Run};
use crate::plan::{Field, JoinKind, Plan, Scalar};
use crate::value::{Key, Value};

impl Run<'_> {
    pub(super) fn join(
        &self,
        kind: JoinKind,
        left: &Arc<Plan>,
        right: &Arc<Plan>,
        on: &[(Scalar, Scalar)],
    ) -> Result<Vec<Row>> {
        let here = on.iter().map(|(left, _)| self.ready(left)).collect::<Result<Vec<_>>>()?;
        let there = on.iter().map(|(_, right)| self.ready(right)).collect::<Result<Vec<_>>>()?;
        let (mut left_rows, right_rows) = (self.plan(left)?, self.plan(right)?);
        if kind == JoinKind::InnerUnique {
            let mut seen = HashSet::new();
            left_rows.retain(|row| self.key(&here, row).is_none_or(|key| seen.insert(key)));
        }
        let mut by_key: HashMap<Vec<Key>, Vec<usize>> = HashMap::new();
        for (at, row) in right_rows.iter().enumerate() {
            if let Some(key) = self.key(&there, row) {
                by_key.entry(key).or_default().push(at);
            }
        }
        let mut joined = Vec::new();
        let mut met = vec![false; right_rows.len()];
        for row in &left_rows {
            let partners = self.key(&here, row).and_then(|key| by_key.get(&key));
            let partners: &[usize] = partners.map_or(&[], Vec::as_slice);
            for at in partners {
                if let Some(flag) = met.get_mut(*at) {
                    *flag = true;
                }
            }
            self.pairs(kind, row, partners, &right_rows, &right.columns, &mut joined)?;
        }
        let alone = right_rows.iter().zip(&met).filter(|(_, met)| !**met).map(|(row, _)| row);
        match kind {
            JoinKind::RightOuter | JoinKind::FullOuter => {
                joined.extend(
                    alone.map(|row| nothing(&left.columns).chain(row.iter().cloned()).collect::<Row>()),
                );
            }
            JoinKind::RightAnti => joined.extend(alone.cloned()),
            JoinKind::RightSemi => {
                joined
                    .extend(right_rows.iter().zip(&met).filter(|(_, met)| **met).map(|(row, _)| row.clone()));
            }
            _ => {}
        }
        Ok(joined)
    }

    /// What a left row gives with its partners.
    fn pairs(
        &self,
        kind: JoinKind,
        row: &Row,
        partners: &[usize],
        right_rows: &[Row],
        right: &[Field],
        joined: &mut Vec<Row>,
    ) -> Result<()> {
        match kind {
            JoinKind::LeftSemi if !partners.is_empty() => joined.push(row.clone()),
            JoinKind::LeftAnti if partners.is_empty() => joined.push(row.clone()),
            JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::RightSemi | JoinKind::RightAnti => {}
            JoinKind::LeftOuter | JoinKind::FullOuter if partners.is_empty() => {
                joined.push(row.iter().cloned().chain(nothing(right)).collect());
            }
            _ => {
                self.count(partners.len())?;
                let found = partners.iter().filter_map(|at| right_rows.get(*at));
                joined.extend(found.map(|other| row.iter().chain(other).cloned().collect::<Row>()));
            }
        }
        Ok(())
    }

    /// The key of a row; none when a part of it is null, which equals nothing.
    fn key(&self, scalars: &[Scalar], row: &[Value]) -> Option<Vec<Key>> {
        let key: Vec<Key> = scalars.iter().map(|scalar| Key::of(&self.value(scalar, row))).collect();
        (!key.contains(&Key::Null)).then_some(key)
    }
}

/// A row in which nothing stands.
fn nothing(fields: &[Field]) -> impl Iterator<Item = Value> + '_ {
    fields.iter().map(|field| Value::empty(field.scalar_type))
}
