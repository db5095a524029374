//! `externaldata`.

use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::plan::{Field as Column, Plan};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{LogicalPlan, Union, lit};

use super::{Lowering, Ordered, named, projection};
use crate::external::Loader;
use crate::limits::Budget;
use crate::physical;
use crate::tables::Table;

impl Lowering<'_> {
    /// The rows of files from elsewhere, which are read now.
    pub(super) async fn external(
        &self,
        plan: &Plan,
        sources: &[Arc<str>],
        properties: &[(Arc<str>, Value)],
    ) -> Result<Ordered> {
        let own = |error: crate::Error| DataFusionError::External(Box::new(error));
        let loader = self.context.copied_config().get_extension::<Loader>();
        let loader = loader
            .ok_or_else(|| own(crate::Error::new("external-data", "`externaldata` is not allowed here")))?;
        let tables = loader.tables(sources, properties, &plan.columns).await.map_err(own)?;
        Budget::of(&self.context.task_ctx()).hold(tables.iter().map(Table::memory).sum())?;
        let parts = tables.iter().map(|table| of_columns(table, &plan.columns, self.now).map(Arc::new));
        match <[Arc<LogicalPlan>; 1]>::try_from(parts.collect::<Result<Vec<_>>>()?) {
            Ok([single]) => Ok(Ordered::unordered(Arc::unwrap_or_clone(single))),
            Err(parts) => Ok(Ordered::unordered(LogicalPlan::Union(Union::try_new_with_loose_types(parts)?))),
        }
    }
}

/// The scan of a table, as these columns: those that it lacks are empty.
fn of_columns(table: &Table, columns: &[Column], now: i64) -> Result<LogicalPlan> {
    let scan = Ordered::unordered(table.scan(now)?);
    let value = |column: &Column| {
        let at = table.columns().iter().position(|known| known == column);
        let value = match at {
            Some(at) => scan.column(at),
            None => lit(physical::scalar(&Value::empty(column.scalar_type), column.scalar_type)),
        };
        named(value, column)
    };
    projection(scan.plan.clone(), columns.iter().map(value).collect())
}
