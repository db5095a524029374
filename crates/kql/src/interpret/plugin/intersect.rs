//! `dcount_intersect`: how many values the first sketch has, the first two share, and so on.
//!
//! What sets share is counted by what they have together, each combination in turn added and taken away (inclusion and
//! exclusion).

use super::Call;
use crate::interpret::{Result, Row, Run};
use crate::sketch::Hll;
use crate::value::Value;

/// How many rows it counts for to merge two sketches, which have thousands of registers.
const WORK: usize = 64;

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let sketches = call.scalars("hll")?;
    let mut found = Vec::new();
    for mut row in rows {
        let read = |value: Value| match value {
            Value::Dynamic(dynamic) => Hll::from_dynamic(&dynamic),
            _ => None,
        };
        let sketches: Vec<Option<Hll>> =
            sketches.iter().map(|sketch| read(call.run.value(sketch, &row))).collect();
        row.extend(counts(call.run, &sketches)?);
        found.push(row);
    }
    Ok(found)
}

/// The counts for one row; null from the first value on that is no sketch.
fn counts(run: &Run<'_>, sketches: &[Option<Hll>]) -> Result<Vec<Value>> {
    let known: Vec<&Hll> = sketches.iter().map_while(Option::as_ref).collect();
    let mut sums = vec![0; known.len()];
    add_unions(run, &known, 0, None, 1, &mut sums)?;
    let (mut shared, mut least) = (0_i64, i64::MAX);
    let prefixes = sums.into_iter().map(|sum: i64| {
        shared = shared.saturating_add(sum);
        // Estimates err; a further set never makes what is shared more.
        least = least.min(shared.max(0));
        Value::Long(least)
    });
    let missing = sketches.len() - known.len();
    Ok(prefixes.chain(std::iter::repeat_n(Value::Null, missing)).collect())
}

/// Adds the counts of all unions that go on from one, each where the last of its sketches is.
fn add_unions(
    run: &Run<'_>,
    sketches: &[&Hll],
    first: usize,
    union: Option<&Hll>,
    sign: i64,
    sums: &mut [i64],
) -> Result<()> {
    for (at, sketch) in sketches.iter().enumerate().skip(first) {
        run.count(WORK)?;
        let mut larger = (*sketch).clone();
        if let Some(union) = union {
            larger.merge(union);
        }
        if let Some(sum) = sums.get_mut(at) {
            *sum += sign * larger.count();
        }
        add_unions(run, sketches, at + 1, Some(&larger), -sign, sums)?;
    }
    Ok(())
}
