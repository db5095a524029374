//! Calls that can share what they keep.

use castellan_kql::plan::{Aggregate, AggregateFunction};

/// Which call an output is of, and which of its outputs it is.
type Place = (usize, usize);

/// Calls in which percentiles of the same values are one, and where the outputs of the calls given are.
pub fn together(calls: &[Aggregate]) -> (Vec<Aggregate>, Vec<Place>) {
    let mut joint: Vec<Aggregate> = Vec::with_capacity(calls.len());
    let mut places = Vec::new();
    for call in calls {
        let (at, start) = match joint.iter_mut().enumerate().find(|(_, known)| is_same(known, call)) {
            Some((at, known)) => {
                let start = known.outputs.len();
                join(known, call);
                (at, start)
            }
            None => {
                joint.push(call.clone());
                (joint.len() - 1, 0)
            }
        };
        places.extend((0..call.outputs.len()).map(|output| (at, start + output)));
    }
    (joint, places)
}

/// Whether two calls take percentiles of the same values.
fn is_same(known: &Aggregate, call: &Aggregate) -> bool {
    let are_percentiles = match (&known.function, &call.function) {
        (
            AggregateFunction::Percentiles { is_weighted, as_array: false, .. },
            AggregateFunction::Percentiles { is_weighted: also_weighted, as_array: false, .. },
        ) => is_weighted == also_weighted,
        _ => false,
    };
    are_percentiles && known.arguments == call.arguments && known.filter == call.filter
}

fn join(known: &mut Aggregate, call: &Aggregate) {
    if let (
        AggregateFunction::Percentiles { ranks, .. },
        AggregateFunction::Percentiles { ranks: others, .. },
    ) = (&mut known.function, &call.function)
    {
        ranks.extend(others);
        known.outputs.extend(call.outputs.iter().cloned());
    }
}
