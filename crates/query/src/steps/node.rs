//! A step that the plain engine runs, in a logical plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use castellan_kql::plan::{Field as Column, Plan};
use datafusion::common::{DFSchemaRef, Result, internal_err};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// Which rows a step has to see together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// Each row says all: batches are taken as they come.
    Row,
    /// All rows, in the order asked for.
    Table,
}

/// A step of the plain engine. Its inputs are the tables `$0`, `$1` and so on of its plan.
#[derive(Clone, Debug)]
pub(crate) struct Interpret {
    /// What it is called in plans.
    pub(crate) name: &'static str,
    /// The step, over tables named by the inputs.
    pub(crate) plan: Arc<Plan>,
    /// The columns of each input.
    pub(crate) columns: Vec<Vec<Column>>,
    /// The inputs.
    pub(crate) inputs: Vec<LogicalPlan>,
    /// The order of each input, by position of column.
    pub(crate) orders: Vec<Vec<Sort>>,
    /// Which rows it has to see together.
    pub(crate) scope: Scope,
    /// The schema of what comes out.
    pub(crate) schema: DFSchemaRef,
}

impl PartialEq for Interpret {
    fn eq(&self, other: &Interpret) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan) && self.inputs == other.inputs
    }
}

impl Eq for Interpret {}

impl PartialOrd for Interpret {
    fn partial_cmp(&self, other: &Interpret) -> Option<Ordering> {
        if self == other { Some(Ordering::Equal) } else { None }
    }
}

impl Hash for Interpret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name, Arc::as_ptr(&self.plan), &self.inputs).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for Interpret {
    fn name(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.orders.iter().flatten().map(|sort| sort.expr.clone()).collect()
    }

    fn prevent_predicate_push_down_columns(&self) -> std::collections::HashSet<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }

    fn with_exprs_and_inputs(&self, expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Interpret> {
        if inputs.len() != self.inputs.len() {
            return internal_err!("`{}` has {} inputs", self.name, self.inputs.len());
        }
        let mut expressions = expressions.into_iter();
        let reorder = |order: &Vec<Sort>, expressions: &mut std::vec::IntoIter<Expr>| {
            let with =
                |sort: &Sort| Sort { expr: expressions.next().unwrap_or(sort.expr.clone()), ..sort.clone() };
            order.iter().map(with).collect::<Vec<Sort>>()
        };
        let orders = self.orders.iter().map(|order| reorder(order, &mut expressions)).collect();
        Ok(Interpret { inputs, orders, ..self.clone() })
    }
}
