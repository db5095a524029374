//! `new_activity_metrics`: of the ids that are new in a window, how many are back in each later one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::{Call, long};
use super::{Axis, Group, Position, share};
use crate::interpret::{Result, Row};
use crate::value::Key;

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let (axis, groups) = super::read(call, rows, "window", 0)?;
    let cohort = call.constant("cohort")?.map_or(Ok(None), |value| Position::of(&value))?;
    let cohort = cohort.map(|at| axis.windows.start(at));
    let known = known(call)?;
    let mut found = Vec::new();
    for group in &groups {
        let returns = returns(&axis, group, &known);
        for (from, cohort_size) in cohorts(&returns) {
            if cohort.is_none_or(|cohort| cohort == from) {
                pairs(call, &axis, group, &returns, (from, cohort_size), &mut found)?;
            }
        }
    }
    Ok(found)
}

/// Ids that are not new wherever they appear: those of the lookback table.
fn known(call: &Call<'_, '_>) -> Result<HashSet<Key>> {
    let Some(table) = call.plugin.table("lookback") else { return Ok(HashSet::new()) };
    let id = call.column("id").and_then(|at| call.input.columns.get(at));
    let place = id.and_then(|field| table.position(&field.name)).unwrap_or(0);
    Ok(call.run.plan(table)?.iter().filter_map(|row| row.get(place)).map(Key::of).collect())
}

/// For each window how many ids of each cohort are there.
fn returns(axis: &Axis, group: &Group, known: &HashSet<Key>) -> BTreeMap<i64, BTreeMap<i64, usize>> {
    let mut first: HashMap<&Key, i64> = HashMap::new();
    let mut returns: BTreeMap<i64, BTreeMap<i64, usize>> = BTreeMap::new();
    for (window, ids) in axis.ids(group) {
        let cohorts = returns.entry(window).or_default();
        for id in ids.into_iter().filter(|id| !known.contains(id)) {
            *cohorts.entry(*first.entry(id).or_insert(window)).or_default() += 1;
        }
    }
    returns
}

/// The windows with new ids, and how many.
fn cohorts(returns: &BTreeMap<i64, BTreeMap<i64, usize>>) -> Vec<(i64, usize)> {
    let own = |(window, cohorts): (&i64, &BTreeMap<i64, usize>)| Some((*window, *cohorts.get(window)?));
    returns.iter().filter_map(own).collect()
}

/// A cohort against its own window and each that follows, those without anybody included.
fn pairs(
    call: &Call<'_, '_>,
    axis: &Axis,
    group: &Group,
    returns: &BTreeMap<i64, BTreeMap<i64, usize>>,
    (from, size): (i64, usize),
    found: &mut Vec<Row>,
) -> Result<()> {
    let mut to = from;
    while to <= axis.to {
        call.run.count(1)?;
        let cohorts = returns.get(&to);
        let retained = cohorts.and_then(|cohorts| cohorts.get(&from)).copied().unwrap_or(0);
        let new = if to == from {
            size
        } else {
            cohorts.map_or(0, |cohorts| cohorts.range(from.saturating_add(1)..).map(|(_, count)| count).sum())
        };
        let mut row = axis.row(from, group, []);
        row.insert(1, Position::value(to, axis.scalar_type));
        row.extend([long(new), long(retained), long(size - retained)]);
        row.extend([share(retained, size), share(size - retained, size)]);
        found.push(row);
        let next = axis.windows.after(to);
        if next <= to {
            break;
        }
        to = next;
    }
    Ok(())
}
