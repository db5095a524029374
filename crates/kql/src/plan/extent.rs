//! How much a plan comes to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{NamedPlan, Plan};

/// How much a plan comes to, with all that is below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The most steps above each other.
    pub height: usize,
    /// The steps, each counted as often as it is reached. A plan may be read twice by one that is read twice and so on,
    /// and is then small to write and endless to run.
    pub steps: u64,
}

impl Extent {
    /// Of a plan over others; `None` where one of those is not known.
    pub(super) fn over(plan: &Plan, known: &HashMap<*const Plan, Extent>) -> Option<Extent> {
        let mut whole = Extent { height: 1, steps: 1 };
        for plan in below(plan) {
            let part = known.get(&Arc::as_ptr(&plan))?;
            whole.height = whole.height.max(part.height.saturating_add(1));
            whole.steps = whole.steps.saturating_add(part.steps);
        }
        Some(whole)
    }

    /// Of all results of a query. Takes as long as there are different steps.
    ///
    /// ```
    /// use castellan_kql::bind::{Options, Tables, bind};
    /// use castellan_kql::plan::Extent;
    ///
    /// let script = castellan_kql::parse("let t = print x = 1; let u = union t, t; union u, u").script;
    /// let results = bind(&script, &Tables::default(), &Options::default()).unwrap().results;
    /// assert!(Extent::of(&results).steps > 4, "`t` is reached four times");
    /// ```
    pub fn of(results: &[NamedPlan]) -> Extent {
        let mut known: HashMap<*const Plan, Extent> = HashMap::new();
        for plan in in_order(results) {
            let extent = Extent::over(&plan, &known).unwrap_or_default();
            known.insert(Arc::as_ptr(&plan), extent);
        }
        let mut whole = Extent::default();
        for part in results.iter().filter_map(|result| known.get(&Arc::as_ptr(&result.plan))) {
            whole.height = whole.height.max(part.height);
            whole.steps = whole.steps.saturating_add(part.steps);
        }
        whole
    }
}

/// All plans, each once and behind those that it works on.
pub(super) fn in_order(results: &[NamedPlan]) -> Vec<Arc<Plan>> {
    let mut done: Vec<Arc<Plan>> = Vec::new();
    let mut seen = HashSet::new();
    // A plan comes by twice: to open it, and to take it once all below it are there.
    let mut open: Vec<(Arc<Plan>, bool)> =
        results.iter().rev().map(|result| (Arc::clone(&result.plan), false)).collect();
    while let Some((plan, is_opened)) = open.pop() {
        if is_opened {
            done.push(plan);
        } else if seen.insert(Arc::as_ptr(&plan)) {
            let below = below(&plan);
            open.push((plan, true));
            open.extend(below.into_iter().rev().map(|plan| (plan, false)));
        }
    }
    done
}

/// The plans that a plan needs.
fn below(plan: &Plan) -> Vec<Arc<Plan>> {
    plan.step.inputs().into_iter().cloned().chain(plan.step.subqueries()).collect()
}
