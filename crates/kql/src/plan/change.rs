//! Steps taken apart to be changed: the same lists as those for looking at them.

use std::sync::Arc;

use super::step::{ParseStep, PluginValue};
use super::{
    Aggregate, Graph, GraphChange, GraphPattern, Plan, Scalar, ScanPlan, ScanStepPlan, Series, Step, TopLevel,
};

impl Step {
    /// The plans that it works on.
    pub fn inputs_mut(&mut self) -> Vec<&mut Arc<Plan>> {
        match self {
            Step::Table(_) | Step::Rows(_) | Step::Range { .. } | Step::External { .. } | Step::Part => {
                Vec::new()
            }
            Step::Materialize(input)
            | Step::Filter { input, .. }
            | Step::Project { input, .. }
            | Step::Aggregate { input, .. }
            | Step::Sort { input, .. }
            | Step::Take { input, .. }
            | Step::Sample { input, .. }
            | Step::Window { input, .. }
            | Step::Expand { input, .. }
            | Step::Parse { input, .. }
            | Step::TopNested { input, .. }
            | Step::Reduce { input, .. } => vec![input],
            Step::Apply { input, body, .. } | Step::Partition { input, body, .. } => vec![input, body],
            Step::Join { left, right, .. } => vec![left, right],
            Step::Union(inputs) => inputs.iter_mut().collect(),
            Step::Series(series) => vec![&mut series.input],
            Step::Scan(scan) => vec![&mut scan.input],
            Step::Plugin { input, plugin } => {
                let tables = plugin.arguments.iter_mut().filter_map(|argument| match &mut argument.value {
                    PluginValue::Table(plan) => Some(plan),
                    _ => None,
                });
                std::iter::once(input).chain(tables).collect()
            }
            Step::GraphMatch { graph, .. }
            | Step::GraphShortestPaths { graph, .. }
            | Step::GraphNodes { graph, .. }
            | Step::GraphEdges { graph, .. } => Arc::make_mut(graph).inputs_mut(),
        }
    }

    /// The values that it computes.
    pub fn scalars_mut(&mut self) -> Vec<&mut Scalar> {
        match self {
            Step::Filter { predicate, .. } => vec![predicate],
            Step::Project { values, .. } => values.iter_mut().collect(),
            Step::Range { from, to, step } => vec![from, to, step],
            Step::Aggregate { keys, aggregates, .. } => {
                keys.iter_mut().chain(aggregates.iter_mut().flat_map(Aggregate::scalars_mut)).collect()
            }
            Step::Sort { by, .. } => by.iter_mut().map(|key| &mut key.value).collect(),
            Step::Take { count, .. } | Step::Sample { count, .. } => vec![count],
            Step::Join { on, .. } => on.iter_mut().flat_map(|(left, right)| [left, right]).collect(),
            Step::Window { calls, .. } => calls.iter_mut().flat_map(|call| &mut call.arguments).collect(),
            Step::Expand { columns, limit, .. } | Step::Apply { columns, limit, .. } => {
                columns.iter_mut().map(|column| &mut column.value).chain(limit).collect()
            }
            Step::Partition { by, .. } | Step::Reduce { by, .. } => vec![by],
            Step::Parse { parse, .. } => match parse {
                ParseStep::Pattern { value, .. }
                | ParseStep::KeyValue { value, .. }
                | ParseStep::KeyValueRegex { value, .. } => vec![value],
            },
            Step::Series(series) => {
                let Series { from, to, step, values, .. } = &mut **series;
                let ends = from.iter_mut().chain(to).chain(std::iter::once(step));
                ends.chain(values.iter_mut().map(|value| &mut value.default)).collect()
            }
            Step::TopNested { levels, .. } => levels
                .iter_mut()
                .flat_map(|TopLevel { count, value, by, .. }| {
                    count.iter_mut().chain(std::iter::once(value)).chain(by.scalars_mut())
                })
                .collect(),
            Step::Scan(scan) => {
                let ScanPlan { partition, steps, .. } = &mut **scan;
                let of_steps =
                    steps.iter_mut().flat_map(|ScanStepPlan { condition, assignments, .. }| {
                        std::iter::once(condition).chain(assignments.iter_mut().map(|(_, value)| value))
                    });
                partition.iter_mut().chain(of_steps).collect()
            }
            Step::Plugin { plugin, .. } => plugin
                .arguments
                .iter_mut()
                .flat_map(|argument| match &mut argument.value {
                    PluginValue::Scalar(scalar) => vec![scalar],
                    PluginValue::Aggregate(aggregate) => aggregate.scalars_mut().collect(),
                    _ => Vec::new(),
                })
                .collect(),
            Step::GraphMatch { graph, pattern } | Step::GraphShortestPaths { graph, pattern, .. } => {
                let of_graph = Arc::make_mut(graph).scalars_mut();
                of_graph.into_iter().chain(pattern.scalars_mut()).collect()
            }
            Step::GraphNodes { graph, .. } | Step::GraphEdges { graph, .. } => {
                Arc::make_mut(graph).scalars_mut()
            }
            _ => Vec::new(),
        }
    }
}

impl Aggregate {
    /// The values that it computes.
    pub fn scalars_mut(&mut self) -> impl Iterator<Item = &mut Scalar> {
        self.arguments.iter_mut().chain(&mut self.filter)
    }
}

impl Graph {
    /// The plans that it is made of.
    pub fn inputs_mut(&mut self) -> Vec<&mut Arc<Plan>> {
        std::iter::once(&mut self.edges).chain(self.nodes.iter_mut().map(|(plan, _)| plan)).collect()
    }

    /// The values that it computes.
    pub fn scalars_mut(&mut self) -> Vec<&mut Scalar> {
        self.changes
            .iter_mut()
            .filter_map(|change| match change {
                GraphChange::WhereNodes(scalar) | GraphChange::WhereEdges(scalar) => Some(scalar),
                GraphChange::MarkComponents { .. } => None,
            })
            .collect()
    }
}

impl GraphPattern {
    /// The values that it computes.
    pub fn scalars_mut(&mut self) -> Vec<&mut Scalar> {
        let paths = self.paths.iter_mut().map(|path| &mut path.value);
        self.predicate.iter_mut().chain(&mut self.outputs).chain(paths).collect()
    }
}
