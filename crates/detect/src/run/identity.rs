//! What makes a result the same as one of another run.
//!
//! Runs whose windows overlap find the same things again. A row of events is the same when all its values are; a row of
//! a group is the same group whatever its counts are now. Which columns say what the group is can be seen in the plan: they
//! are the keys of the last `summarize`, as far as the steps behind it carry them along.

use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::plan::{JoinKind, Plan, Scalar, ScalarKind, Step};
use castellan_kql::value::Dynamic;

/// A digest of what makes a result the same, as 32 hexadecimal digits.
pub type Identity = String;

/// The columns that identify a row of a plan; none where all do.
pub fn keys(plan: &Arc<Plan>) -> Option<Vec<usize>> {
    match &plan.step {
        Step::Aggregate { keys, .. } => Some((0..keys.len()).collect()),
        Step::Filter { input, .. }
        | Step::Sort { input, .. }
        | Step::Take { input, .. }
        | Step::Sample { input, .. }
        | Step::Window { input, .. }
        | Step::Materialize(input) => keys(input),
        Step::Project { input, values } => carried(&keys(input)?, values),
        Step::Expand { input, kept, .. } => expanded(&keys(input)?, kept, plan.columns.len()),
        Step::Join { left, right, .. } if plan.columns.len() == left.columns.len() + right.columns.len() => {
            let mut found = keys(left)?;
            found.extend(keys(right)?.into_iter().map(|at| at + left.columns.len()));
            Some(found)
        }
        Step::Join { kind: JoinKind::LeftSemi | JoinKind::LeftAnti, left, .. } => keys(left),
        Step::Join { kind: JoinKind::RightSemi | JoinKind::RightAnti, right, .. } => keys(right),
        Step::Union(parts) => of_union(parts),
        _ => None,
    }
}

/// The keys that all parts have, and a column that says of which part a row is: the same key means another thing in another
/// part. None where nothing says it, unless all parts are the same.
fn of_union(parts: &[Arc<Plan>]) -> Option<Vec<usize>> {
    let (first, rest) = parts.split_first()?;
    let mut found = keys(first)?;
    if !rest.iter().all(|part| keys(part).as_ref() == Some(&found)) {
        return None;
    }
    if rest.iter().all(|part| part == first) {
        return Some(found);
    }
    let tells = |at: &usize| {
        let mut said: Vec<&Value> = parts.iter().map_while(|part| constant(part, *at)).collect();
        let count = said.len();
        said.sort_by_key(|value| value.to_text());
        said.dedup();
        count == parts.len() && said.len() == count
    };
    let column = (0..first.columns.len()).find(tells)?;
    found.push(column);
    found.dedup();
    Some(found)
}

/// The value that a column has in each row.
fn constant(plan: &Plan, at: usize) -> Option<&Value> {
    match &plan.step {
        Step::Filter { input, .. } | Step::Sort { input, .. } => constant(input, at),
        Step::Project { input, values } => match &values.get(at)?.kind {
            ScalarKind::Literal(value) => Some(value),
            ScalarKind::Column(below) => constant(input, *below),
            _ => None,
        },
        _ => None,
    }
}

/// The values that are made of keys alone; none where a key gets lost.
fn carried(keys: &[usize], values: &[Scalar]) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut seen = vec![false; keys.len()];
    for (at, value) in values.iter().enumerate() {
        let mut columns = Vec::new();
        if !reads(value, &mut columns) || columns.is_empty() {
            continue;
        }
        let places: Option<Vec<usize>> =
            columns.iter().map(|column| keys.iter().position(|key| key == column)).collect();
        let Some(places) = places else { continue };
        found.push(at);
        if let (ScalarKind::Column(_), [place]) = (&value.kind, places.as_slice())
            && let Some(mark) = seen.get_mut(*place)
        {
            *mark = true;
        }
    }
    seen.into_iter().all(|is_seen| is_seen).then_some(found)
}

/// The columns that a value reads; false where it depends on more than its row.
fn reads(value: &Scalar, columns: &mut Vec<usize>) -> bool {
    match &value.kind {
        ScalarKind::Column(at) => columns.push(*at),
        ScalarKind::Volatile(_) | ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. } => return false,
        _ => {}
    }
    value.operands().into_iter().all(|operand| reads(operand, columns))
}

/// The keys that are kept, and the items that a row comes apart into.
fn expanded(keys: &[usize], kept: &[usize], columns: usize) -> Option<Vec<usize>> {
    let places: Option<Vec<usize>> =
        keys.iter().map(|key| kept.iter().position(|column| column == key)).collect();
    let mut found = places?;
    found.extend(kept.len()..columns);
    Some(found)
}

/// The identity of a row.
pub fn identity(row: &[Value], keys: Option<&[usize]>) -> Identity {
    let mut hasher = blake3::Hasher::new();
    match keys {
        Some(keys) => keys.iter().filter_map(|at| row.get(*at)).for_each(|value| take(&mut hasher, value)),
        None => row.iter().for_each(|value| take(&mut hasher, value)),
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}

fn take(hasher: &mut blake3::Hasher, value: &Value) {
    let text = match value {
        Value::Dynamic(dynamic) => sorted(dynamic),
        other => other.to_text(),
    };
    hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// Items of arrays in order: those of sets come in any.
fn sorted(dynamic: &Dynamic) -> String {
    match dynamic {
        Dynamic::Array(items) => {
            let mut texts: Vec<String> = items.iter().map(sorted).collect();
            texts.sort();
            format!("[{}]", texts.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use super::*;
    use crate::check::Schemas;

    /// The names of the columns that identify a row.
    fn check(query: &str, expected: Option<&[&str]>) {
        let bound = bind(&parse(query).script, &Schemas::default(), &Options::default()).unwrap();
        let plan = &bound.results[0].plan;
        let found = keys(plan).map(|keys| {
            let mut names: Vec<&str> = keys.iter().map(|at| &*plan.columns[*at].name).collect();
            names.sort_unstable();
            names
        });
        assert_eq!(found.as_deref(), expected, "{query}");
    }

    #[test]
    fn keys_of_groups_are_found() {
        check("SigninLogs | where ResultType != '0'", None);
        check("SigninLogs | summarize count()", Some(&[]));
        check("SigninLogs | summarize n = count() by UserId | where n > 3", Some(&["UserId"]));
        check(
            "SigninLogs | summarize n = count() by UserId | extend X = tolower(UserId), Y = n",
            Some(&["UserId", "X"]),
        );
        check("SigninLogs | summarize n = count() by UserId, IPAddress | project n, UserId", None);
        check(
            "SigninLogs | summarize s = make_set(IPAddress) by UserId | mv-expand s",
            Some(&["UserId", "s"]),
        );
        check("SigninLogs | distinct UserId | sort by UserId | take 5", Some(&["UserId"]));
        check(
            "SigninLogs | summarize n = count() by UserId | join kind=inner (AuditLogs | summarize m = count() by Id) on $left.UserId == $right.Id",
            Some(&["Id", "UserId"]),
        );
        check(
            "union (SigninLogs | summarize n = count() by UserId), (SigninLogs | summarize n = count() by UserId)",
            Some(&["UserId"]),
        );
        check(
            "union (SigninLogs | summarize n = count() by UserId | extend What = 'a'), (SigninLogs | where ResultType == '0' | summarize n = count() by UserId | extend What = 'b')",
            Some(&["UserId", "What"]),
        );
        check(
            "union (SigninLogs | summarize n = count() by UserId), (SigninLogs | where ResultType == '0' | summarize n = count() by UserId)",
            None,
        );
        check(
            "SigninLogs | summarize n = count() by UserId | join kind=leftanti (AuditLogs) on $left.UserId == $right.Id",
            Some(&["UserId"]),
        );
    }

    #[test]
    fn sets_have_no_order() {
        let of = |text: &str| vec![Value::dynamic(Dynamic::parse(text).unwrap())];
        assert_eq!(identity(&of("[1,2]"), None), identity(&of("[2,1]"), None));
        assert_ne!(identity(&of("[1,2]"), None), identity(&of("[12]"), None));
        let row = [Value::string("a"), Value::Long(1)];
        assert_eq!(identity(&row, Some(&[0])), identity(&[Value::string("a"), Value::Long(2)], Some(&[0])));
    }
}
