//! Steps list the same plans and values for looking at them and for changing them.

use std::sync::Arc;

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::plan::{Plan, Scalar};

/// Compares both lists of a plan and of all that is below it; gives how many steps there were.
fn compare(plan: &Arc<Plan>) -> usize {
    let mut changed = plan.step.clone();
    let scalars: Vec<Scalar> = plan.step.scalars().into_iter().cloned().collect();
    let changeable: Vec<Scalar> = changed.scalars_mut().into_iter().map(|scalar| scalar.clone()).collect();
    assert_eq!(scalars, changeable);
    let inputs: Vec<Arc<Plan>> = plan.step.inputs().into_iter().cloned().collect();
    let changeable: Vec<Arc<Plan>> = changed.inputs_mut().into_iter().map(|input| input.clone()).collect();
    assert_eq!(inputs, changeable);
    1 + inputs.iter().map(compare).sum::<usize>()
}

#[test]
fn both_lists_of_a_step_agree() {
    let mut steps = 0;
    for name in ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl"] {
        let Some(path) = crate::corpus(name) else { return };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let script = castellan_kql::parse(case["query"].as_str().unwrap()).script;
            let Ok(bound) = bind(&script, &Tables::default(), &Options::default()) else { continue };
            steps += bound.results.iter().map(|result| compare(&result.plan)).sum::<usize>();
        }
    }
    assert!(steps >= 1_500, "{steps}");
}
