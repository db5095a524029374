//! Plans without columns that nothing reads.

use std::sync::Arc;

use super::{Field, Plan, Scalar, ScalarKind, Step};

/// The same plan, in which steps below the last one carry only the columns that a step above them reads.
///
/// What is computed once for several readers ([`Step::Materialize`], subqueries) stays as it is.
///
/// ```
/// use castellan_kql::ScalarType;
/// use castellan_kql::bind::{Options, Tables, bind};
/// use castellan_kql::plan::{Field, Step, pruned};
///
/// let mut tables = Tables::default();
/// let column = |name: &str| Field::new(name, ScalarType::Dynamic);
/// tables.add("T", vec![column("a"), column("b"), column("c")]);
/// let script = castellan_kql::parse("T | mv-expand b | project b").script;
/// let mut plan = pruned(&bind(&script, &tables, &Options::default()).unwrap().results[0].plan);
/// while !matches!(plan.step, Step::Table(_)) {
///     assert_eq!(plan.columns.len(), 1, "nothing but `b` is read");
///     plan = plan.step.inputs()[0].clone();
/// }
/// ```
pub fn pruned(plan: &Arc<Plan>) -> Arc<Plan> {
    let all = vec![true; plan.columns.len()];
    let pruned = prune(plan, &all);
    // What is asked for whole comes out whole and in order.
    debug_assert!(pruned.places.iter().enumerate().all(|(at, place)| *place == Some(at)));
    pruned.plan
}

/// A plan with fewer columns, and where those of the old one are.
struct Pruned {
    plan: Arc<Plan>,
    places: Vec<Option<usize>>,
}

impl Pruned {
    fn same(plan: Arc<Plan>) -> Pruned {
        let places = (0..plan.columns.len()).map(Some).collect();
        Pruned { plan, places }
    }

    /// A value over the old columns as one over the new ones.
    fn moved(&self, scalar: &Scalar) -> Scalar {
        let moved = scalar.rebuilt::<std::convert::Infallible>(&mut |part| {
            Ok(match part.kind {
                ScalarKind::Column(at) => match self.places.get(at).copied().flatten() {
                    Some(place) => Scalar::column(place, part.scalar_type),
                    None => part,
                },
                _ => part,
            })
        });
        match moved {
            Ok(scalar) => scalar,
            Err(never) => match never {},
        }
    }
}

/// Marks the columns that a value reads.
fn read(scalar: &Scalar, needed: &mut [bool]) {
    if let ScalarKind::Column(at) = scalar.kind
        && let Some(flag) = needed.get_mut(at)
    {
        *flag = true;
    }
    scalar.operands().into_iter().for_each(|operand| read(operand, needed));
}

fn prune(plan: &Arc<Plan>, needed: &[bool]) -> Pruned {
    // A step without any column would lose its rows in some engines, and costs little.
    if plan.is_open || !needed.contains(&true) && matches!(plan.step, Step::Table(_) | Step::Project { .. }) {
        return Pruned::same(Arc::clone(plan));
    }
    match &plan.step {
        Step::Table(_) => narrowed(plan, needed),
        Step::Project { input, values } => project(plan, input, values, needed),
        Step::Filter { .. } | Step::Sort { .. } | Step::Take { .. } | Step::Sample { .. } => {
            through(plan, needed)
        }
        Step::Aggregate { input, .. } => {
            let mut below = vec![false; input.columns.len()];
            plan.step.scalars().into_iter().for_each(|scalar| read(scalar, &mut below));
            let input = prune(input, &below);
            Pruned::same(rebuilt(plan, &input, plan.columns.clone()))
        }
        Step::Expand { input, kept, .. } => expand(plan, input, kept, needed),
        Step::Parse { input, .. } | Step::Window { input, .. } => {
            // The input's columns come first; those of the step follow and stay.
            let width = input.columns.len();
            let mut below: Vec<bool> = needed.iter().take(width).copied().collect();
            plan.step.scalars().into_iter().for_each(|scalar| read(scalar, &mut below));
            if matches!(plan.step, Step::Window { .. }) {
                below.fill(true);
            }
            let input = prune(input, &below);
            let own = plan.columns.get(width..).unwrap_or_default();
            let columns: Vec<Field> = input.plan.columns.iter().chain(own).cloned().collect();
            let start = input.plan.columns.len();
            let places =
                input.places.iter().copied().chain((0..own.len()).map(|at| Some(start + at))).collect();
            Pruned { plan: rebuilt(plan, &input, columns), places }
        }
        _ => Pruned::same(Arc::clone(plan)),
    }
}

/// The step over a pruned input, with its values moved.
fn rebuilt(plan: &Plan, input: &Pruned, columns: Vec<Field>) -> Arc<Plan> {
    let mut step = plan.step.clone();
    for scalar in step.scalars_mut() {
        *scalar = input.moved(scalar);
    }
    if let Some(own) = step.inputs_mut().into_iter().next() {
        *own = Arc::clone(&input.plan);
    }
    Plan::new(step, columns)
}

/// A projection to the columns that are needed.
fn narrowed(plan: &Arc<Plan>, needed: &[bool]) -> Pruned {
    if needed.iter().all(|flag| *flag) {
        return Pruned::same(Arc::clone(plan));
    }
    let (mut places, mut values, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for (at, column) in plan.columns.iter().enumerate() {
        let is_needed = needed.get(at).copied().unwrap_or(true);
        places.push(is_needed.then_some(values.len()));
        if is_needed {
            values.push(Scalar::column(at, column.scalar_type));
            columns.push(column.clone());
        }
    }
    Pruned { plan: Plan::new(Step::Project { input: Arc::clone(plan), values }, columns), places }
}

fn project(plan: &Plan, input: &Arc<Plan>, values: &[Scalar], needed: &[bool]) -> Pruned {
    let (mut places, mut kept, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    let mut below = vec![false; input.columns.len()];
    for ((value, column), is_needed) in values.iter().zip(&plan.columns).zip(needed) {
        places.push(is_needed.then_some(kept.len()));
        if *is_needed {
            read(value, &mut below);
            kept.push(value);
            columns.push(column.clone());
        }
    }
    let input = prune(input, &below);
    let values = kept.into_iter().map(|value| input.moved(value)).collect();
    Pruned { plan: Plan::new(Step::Project { input: input.plan, values }, columns), places }
}

/// Steps that give the columns of their input.
fn through(plan: &Plan, needed: &[bool]) -> Pruned {
    let Some(input) = plan.step.inputs().into_iter().next() else {
        return Pruned::same(Arc::new(plan.clone()));
    };
    let mut below = needed.to_vec();
    plan.step.scalars().into_iter().for_each(|scalar| read(scalar, &mut below));
    let input = prune(input, &below);
    let columns = input.plan.columns.clone();
    Pruned { plan: rebuilt(plan, &input, columns), places: input.places }
}

fn expand(plan: &Plan, input: &Arc<Plan>, kept: &[usize], needed: &[bool]) -> Pruned {
    let mut below = vec![false; input.columns.len()];
    plan.step.scalars().into_iter().for_each(|scalar| read(scalar, &mut below));
    let is_needed = |at: usize| needed.get(at).copied().unwrap_or(true);
    for (_, from) in kept.iter().enumerate().filter(|(at, _)| is_needed(*at)) {
        if let Some(flag) = below.get_mut(*from) {
            *flag = true;
        }
    }
    let input = prune(input, &below);
    let (mut places, mut still, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for (at, from) in kept.iter().enumerate() {
        let moved = input.places.get(*from).copied().flatten().filter(|_| is_needed(at));
        places.push(moved.map(|_| still.len()));
        if let (Some(moved), Some(column)) = (moved, plan.columns.get(at)) {
            still.push(moved);
            columns.push(column.clone());
        }
    }
    let own = plan.columns.get(kept.len()..).unwrap_or_default();
    places.extend((0..own.len()).map(|at| Some(still.len() + at)));
    columns.extend(own.iter().cloned());
    let mut made = (*rebuilt(plan, &input, columns)).clone();
    if let Step::Expand { kept, .. } = &mut made.step {
        *kept = still;
    }
    Pruned { plan: Arc::new(made), places }
}
