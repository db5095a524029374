//! The tests that definitions carry with them.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use castellan_query::Engine;
use serde_json::Value;

use crate::activity::{Activity, day};
use crate::definition::{Definition, Example, Expected};
use crate::rows::{BEHAVIOR, Row};
use crate::state::{Bounds, State};
use crate::{Failure, activities};

/// Runs an example over its tables, day by day as if events had been taken in when they happened; what is not as it
/// has to be. What is said of actors that are new counts where it is expected alone, since all are new in the beginning.
///
/// Errors: the query cannot be run.
pub async fn test(
    definition: &Definition,
    example: &Example,
    engine: &Engine,
) -> Result<Vec<String>, Failure> {
    let mut days: BTreeMap<i32, Vec<Activity>> = BTreeMap::new();
    for activity in activities(definition, engine).await? {
        days.entry(day(activity.time)).or_default().push(activity);
    }
    let Some(first) = days.keys().next() else {
        return Ok(vec!["its events give no activity".to_owned()]);
    };
    let begin = i64::from(*first) * Ticks::PER_DAY;
    let mut state = State::new(definition, begin, begin);
    let mut found = Vec::new();
    for (day, activities) in days {
        let until = (i64::from(day) + 1) * Ticks::PER_DAY;
        let taken = state.take(definition, activities, until, &Bounds::default());
        found.extend(taken.rows.of(BEHAVIOR).to_vec());
    }
    Ok(faults(example, found))
}

fn faults(example: &Example, mut found: Vec<Row>) -> Vec<String> {
    let mut faults = Vec::new();
    for expected in &example.expect {
        let nearest = found.iter().map(|row| differences(expected, row)).min_by_key(Vec::len);
        match (found.iter().position(|row| differences(expected, row).is_empty()), nearest) {
            (Some(at), _) => drop(found.remove(at)),
            (None, Some(lacks)) => {
                faults.push(format!("nothing is what `{}` says: {}", expected.actor, lacks.join("; ")));
            }
            (None, None) => faults.push(format!("nothing is found, and `{}` is expected", expected.actor)),
        }
    }
    for row in found.iter().filter(|row| said(row, "Verdict") == "Unusual") {
        let insights = row.get("ActivityInsights").map(Value::to_string).unwrap_or_default();
        faults.push(format!("this is not expected: {} {insights}", text(row.get("ActorPrincipalName"))));
    }
    faults
}

fn differences(expected: &Expected, row: &Row) -> Vec<String> {
    let mut lacks = Vec::new();
    let actor = text(row.get("ActorPrincipalName"));
    if actor != expected.actor {
        lacks.push(format!("it is of `{actor}`"));
    }
    if said(row, "Verdict") != expected.verdict {
        lacks.push(format!("its verdict is `{}`, not `{}`", said(row, "Verdict"), expected.verdict));
    }
    for insight in expected.insights.iter().filter(|insight| said(row, insight) != "True") {
        lacks.push(format!("`{insight}` is `{}`", said(row, insight)));
    }
    let priority = row.get("InvestigationPriority").and_then(Value::as_u64).unwrap_or(0);
    if priority < u64::from(expected.priority) {
        lacks.push(format!("its priority is {priority}, less than {}", expected.priority));
    }
    lacks
}

fn said(row: &Row, member: &str) -> String {
    text(row.get("ActivityInsights").and_then(|insights| insights.get(member)))
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
