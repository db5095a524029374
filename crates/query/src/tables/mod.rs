//! Tables: anything that DataFusion can scan, seen as columns of the language.

mod convert;
mod file;
mod raw;
mod rows;
mod text;
mod ticks;

use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use crate::access::Rule;
use crate::functions::row::Draws;
use crate::lower::lower_filter;

pub(crate) use raw::{RawConditions, or_empty};

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    provider: Arc<dyn TableProvider>,
    values: Vec<Expr>,
    bytes: usize,
    guard: Option<Arc<Guard>>,
}

/// What rows have to meet before anything is seen of them.
#[derive(Debug)]
struct Guard {
    /// All columns, those too that are not seen: conditions are over them.
    columns: Vec<Column>,
    values: Vec<Expr>,
    rules: Vec<Rule>,
}

/// What the scan of a table is called inside a plan.
pub(crate) const SCAN: &str = "t";

impl Table {
    /// The table that a provider has. Times become ticks, nested values dynamic, and null texts empty.
    ///
    /// Errors: a column of a type that has no place in the language.
    pub fn new(provider: Arc<dyn TableProvider>) -> Result<Table> {
        Table::with_types(provider, &[])
    }

    /// The same with the types of some columns known: text may hold JSON or times.
    ///
    /// Errors: as [`Table::new`].
    pub fn with_types(provider: Arc<dyn TableProvider>, known: &[Column]) -> Result<Table> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for field in provider.schema().fields() {
            let source = Expr::Column(datafusion::common::Column::new(Some(SCAN), field.name()));
            let wanted = known.iter().find(|column| *column.name == **field.name());
            let (scalar_type, value) = convert::column(field, source)?;
            let (scalar_type, value) = match wanted {
                Some(wanted) => convert::wanted(scalar_type, value, wanted.scalar_type),
                None => (scalar_type, value),
            };
            columns.push(Column::new(field.name().as_str(), scalar_type));
            values.push(value.alias(field.name()));
        }
        Ok(Table { columns, provider, values, bytes: 0, guard: None })
    }

    /// The table that batches in memory make.
    ///
    /// Errors: as [`Table::new`], and batches that differ in their columns.
    pub fn of_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Table> {
        Table::of_batches_with_types(schema, batches, &[])
    }

    /// The same with the types of some columns known.
    ///
    /// Errors: as [`Table::of_batches`].
    pub fn of_batches_with_types(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        known: &[Column],
    ) -> Result<Table> {
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let table = Table::with_types(Arc::new(MemTable::try_new(schema, vec![batches])?), known)?;
        Ok(Table { bytes, ..table })
    }

    /// How much memory it takes, where it lies in memory.
    pub(crate) fn memory(&self) -> usize {
        self.bytes
    }

    /// The table that partitions of batches in memory make; they are read at the same time.
    ///
    /// Errors: as [`Table::of_batches`].
    pub fn of_partitions(schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Result<Table> {
        Table::new(Arc::new(MemTable::try_new(schema, partitions)?))
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns as they are stored, before they are converted.
    pub fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    /// The values of the columns; none where a part of the table is seen alone.
    pub(crate) fn values_of_all(&self) -> Option<Vec<Expr>> {
        self.guard.is_none().then(|| self.values.iter().cloned().map(Expr::unalias).collect())
    }

    /// All columns, those too that are hidden.
    pub(crate) fn all_columns(&self) -> &[Column] {
        self.guard.as_ref().map_or(&self.columns, |guard| &guard.columns)
    }

    /// The same with fewer columns, and rows that meet these rules besides those that hold already. The rules are over
    /// [`Table::all_columns`].
    pub(crate) fn restricted(self, shows: impl Fn(&str) -> bool, rules: Vec<Rule>) -> Table {
        let (columns, values, mut all_rules) = match &self.guard {
            Some(guard) => (guard.columns.clone(), guard.values.clone(), guard.rules.clone()),
            None => (self.columns.clone(), self.values.clone(), Vec::new()),
        };
        all_rules.extend(rules);
        let seen = self.columns.into_iter().zip(self.values).filter(|(column, _)| shows(&column.name));
        let (seen_columns, seen_values) = seen.unzip();
        let guard = Guard { columns, values, rules: all_rules };
        Table {
            columns: seen_columns,
            values: seen_values,
            provider: self.provider,
            bytes: self.bytes,
            guard: Some(Arc::new(guard)),
        }
    }

    /// A scan that gives the columns, of the rows that may be seen at this time (ticks since year 1).
    ///
    /// *Invariant (below everything):* there is no other way to the rows of a table.
    pub(crate) fn scan(&self, now: i64) -> Result<LogicalPlan> {
        let source = provider_as_source(Arc::clone(&self.provider));
        let mut scan = LogicalPlanBuilder::scan(TableReference::bare(SCAN), source, None)?;
        if let Some(guard) = &self.guard {
            for rule in &guard.rules {
                let condition = rule.bound(&guard.columns, now);
                let condition = condition.map_err(|error| DataFusionError::External(Box::new(error)))?;
                let values: Vec<Expr> = guard.values.iter().cloned().map(Expr::unalias).collect();
                scan = scan.filter(lower_filter(&condition, &values, &Draws::new(0))?)?;
            }
        }
        scan.project(self.values.clone())?.build()
    }
}
