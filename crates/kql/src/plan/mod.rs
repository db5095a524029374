//! What a query means: a tree of relational steps whose names are resolved and whose values are typed.
//!
//! Columns go by position, since two sides of a join may share names; every step lists its columns with names and types.
//! Steps are few and say what Kusto's operators come down to: `extend`, `project-away` and `lookup` are projections and
//! joins here. How a step runs is an engine's business.

mod change;
pub mod codec;
mod extent;
mod graph;
mod prune;
pub mod random;
mod scalar;
mod step;

use std::sync::Arc;

pub use extent::Extent;
pub use graph::{Combine, Cycles, Graph, GraphChange, GraphPattern, PathValue, PatternEdge};
pub use prune::pruned;
pub use scalar::typed;
pub use scalar::{Scalar, ScalarKind, Volatile};
pub use step::{
    Aggregate, AggregateFunction, Expansion, JoinKind, ParseMode, ParseStep, Plugin, PluginArgument,
    PluginValue, ScanOutput, ScanPlan, ScanStepPlan, Series, SeriesValue, SortKey, Step, TopLevel,
    WindowCall, WindowFunction,
};

use crate::value::ScalarType;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub scalar_type: ScalarType,
}

impl Field {
    /// A column.
    pub fn new(name: impl Into<Arc<str>>, scalar_type: ScalarType) -> Field {
        Field { name: name.into(), scalar_type }
    }
}

/// A step with all that is below it. Shared where a query names it twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is done.
    pub step: Step,
    /// The columns that come out.
    pub columns: Vec<Field>,
    /// True where the data decide on further columns, which were not looked at: such a plan can be checked but not run.
    pub is_open: bool,
}

impl Plan {
    /// A plan with known columns.
    pub fn new(step: Step, columns: Vec<Field>) -> Arc<Plan> {
        let is_open = step.inputs().iter().any(|input| input.is_open);
        Arc::new(Plan { step, columns, is_open })
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// Whether it works on the part of rows that a `mv-apply` or `partition` around it is at: then it gives something else
    /// for each part.
    pub fn reads_part(&self) -> bool {
        let mut open: Vec<Arc<Plan>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut found = self.step_reads_part(&mut open);
        while let (false, Some(plan)) = (found, open.pop()) {
            // A plan may stand in many places.
            if seen.insert(Arc::as_ptr(&plan)) {
                found = plan.step_reads_part(&mut open);
            }
        }
        found
    }

    /// The same of the step alone; what it is made of is for later.
    fn step_reads_part(&self, open: &mut Vec<Arc<Plan>>) -> bool {
        match &self.step {
            // What stands in a body is the body's own part.
            Step::Apply { input, .. } | Step::Partition { input, .. } => open.push(Arc::clone(input)),
            step => open.extend(step.inputs().into_iter().cloned()),
        }
        open.extend(self.step.subqueries());
        matches!(self.step, Step::Part)
    }

    /// All tables that are read, each once, in the order in which they are met.
    pub fn tables(self: &Arc<Plan>) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        self.each_table(&mut |name, _| {
            if !found.contains(name) {
                found.push(Arc::clone(name));
            }
        });
        found
    }

    /// Shows each step that reads a table, with the name and the columns that it knows.
    pub fn each_table(self: &Arc<Plan>, see: &mut dyn FnMut(&Arc<str>, &[Field])) {
        let mut open = vec![Arc::clone(self)];
        let mut seen = std::collections::HashSet::new();
        while let Some(plan) = open.pop() {
            if !seen.insert(Arc::as_ptr(&plan)) {
                continue;
            }
            if let Step::Table(name) = &plan.step {
                see(name, &plan.columns);
            }
            open.extend(plan.step.inputs().into_iter().cloned());
            open.extend(plan.step.subqueries());
        }
    }
}

/// A result of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPlan {
    /// Its name, where `fork` or `facet` gives one.
    pub name: Option<Arc<str>>,
    /// The rows.
    pub plan: Arc<Plan>,
}

/// How `render` wants the result drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// `timechart`, `barchart`, ...
    pub kind: Arc<str>,
    /// `title`, `xcolumn`, `ycolumns`, `series`, ... with their values as text.
    pub properties: Vec<(Arc<str>, Vec<String>)>,
}
