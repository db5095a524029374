//! From logical to physical steps.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::Interpret;
use super::each::EachNode;
use super::execution::InterpretExec;
use super::guard::guarded;
use crate::limits::Budget;

/// Plans the steps of our own.
#[derive(Debug)]
pub(crate) struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Planner)]);
        let plan = planner.create_physical_plan(plan, session).await?;
        match session.config().get_extension::<Budget>() {
            Some(budget) => guarded(plan, &budget),
            None => Ok(plan),
        }
    }
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let (Some(node), [input]) = (node.as_any().downcast_ref::<EachNode>(), physical_inputs) {
            return Ok(Some(Arc::new(node.physical(Arc::clone(input)))));
        }
        let Some(node) = node.as_any().downcast_ref::<Interpret>() else { return Ok(None) };
        let mut orders = Vec::with_capacity(node.orders.len());
        for (order, input) in node.orders.iter().zip(logical_inputs) {
            let sort = |sort: &datafusion::logical_expr::expr::Sort| {
                let expr = planner.create_physical_expr(&sort.expr, input.schema(), session, context)?;
                let options = datafusion::arrow::compute::SortOptions {
                    descending: !sort.asc,
                    nulls_first: sort.nulls_first,
                };
                Ok(PhysicalSortExpr { expr, options })
            };
            let sorts = order.iter().map(sort).collect::<Result<Vec<PhysicalSortExpr>>>()?;
            orders.push(LexOrdering::new(sorts));
        }
        Ok(Some(Arc::new(InterpretExec::new(node.clone(), physical_inputs.to_vec(), orders))))
    }
}
