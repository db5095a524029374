//! All closed patterns that are frequent, each found once.
//!
//! Depth first: a pattern is extended by items in their order, and kept if closing it adds no item that comes before the
//! one it was extended by (Uno, Asai, Uchida, Arimura: "An efficient algorithm for enumerating closed patterns in
//! transaction databases").

use super::{Data, Pattern, Weights};
use crate::interpret::{Result, Run};

/// How many cells that are looked at count as a row.
const WORK: usize = 32;

/// What to look for.
pub(super) struct Search<'s, 'r> {
    pub(super) run: &'s Run<'r>,
    pub(super) data: &'s Data,
    /// The most values that have to be chosen for a pattern; those that follow from them are not counted.
    pub(super) dimensions: usize,
}

impl Search<'_, '_> {
    /// The patterns that are frequent, the one that says nothing left out.
    pub(super) fn patterns(&self, is_frequent: &dyn Fn(Weights) -> bool) -> Result<Vec<Pattern>> {
        let whole = self.data.whole();
        let mut found = Vec::new();
        if whole.size() > 0 && is_frequent(whole.weights) {
            found.push(whole.clone());
        }
        self.extend(&whole, 0, 0, is_frequent, &mut found)?;
        Ok(found)
    }

    fn extend(
        &self,
        pattern: &Pattern,
        first: usize,
        depth: usize,
        is_frequent: &dyn Fn(Weights) -> bool,
        found: &mut Vec<Pattern>,
    ) -> Result<()> {
        if depth >= self.dimensions {
            return Ok(());
        }
        for (item, rows) in self.data.extensions(pattern).into_iter().enumerate().skip(first) {
            if rows.is_empty() || !is_frequent(self.data.weights(&rows)) {
                continue;
            }
            self.run.count(rows.len().saturating_mul(self.data.columns.len()) / WORK + 1)?;
            let longer = self.data.closed(rows);
            if adds_before(pattern, &longer, item) {
                continue;
            }
            found.push(longer.clone());
            self.extend(&longer, item + 1, depth + 1, is_frequent, found)?;
        }
        Ok(())
    }
}

/// Whether closing a pattern has added an item that comes before the one it was extended by.
fn adds_before(pattern: &Pattern, longer: &Pattern, item: usize) -> bool {
    let mut pairs = pattern.items.iter().zip(&longer.items);
    pairs.any(|(own, new)| own.is_none() && new.is_some_and(|new| new < item))
}
