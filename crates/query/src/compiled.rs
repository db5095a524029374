//! Conditions and conversions over rows that come outside of queries, one batch after the other.
//!
//! A query over a batch costs milliseconds before it sees a row. What is asked of every batch that arrives is compiled
//! once for a [`Table`], whose conversions it shares: the answers are those of a query over the same rows.
//!
//! ```
//! use std::sync::Arc;
//! use castellan_kql::bind::{Options, bind};
//! use castellan_kql::plan::Step;
//! use castellan_query::arrow::array::{Int64Array, RecordBatch};
//! use castellan_query::compiled::Compiler;
//! use castellan_query::{Engine, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let batch = RecordBatch::try_from_iter([("Failed", Arc::new(Int64Array::from(vec![3, 1, 4])) as _)])?;
//! let mut engine = Engine::new(Settings::default());
//! engine.add_batches("Logins", batch.schema(), vec![batch.clone()])?;
//! let script = castellan_kql::parse("Logins | where Failed > 2").script;
//! let bound = bind(&script, engine.database(), &Options::default()).map_err(castellan_query::Error::from)?;
//! let Step::Filter { predicate, .. } = &bound.results[0].plan.step else { unreachable!() };
//! let table = engine.table("Logins").ok_or("no such table")?;
//! let condition = Compiler::default().condition(&table, predicate)?;
//! assert_eq!(condition.holds(&batch)?.true_count(), 2);
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use castellan_kql::plan::{Scalar, ScalarKind};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::prep_null_mask_filter;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::DFSchema;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;

use crate::functions::row::Draws;
use crate::lower::lower_filter;
use crate::tables::SCAN;
use crate::{Error, Table, physical};

/// Rows whose columns are made when they are asked for: most conditions read two of a hundred.
pub trait Columns: Send + Sync {
    /// How many rows there are.
    fn rows(&self) -> usize;

    /// A column by its position in [`Table::schema`], in the type that it has there.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn column(&self, at: usize) -> Result<ArrayRef, Error>;
}

/// Rows of one table that have just come.
pub trait Arrived: Columns {
    /// The table.
    fn table(&self) -> &Arc<str>;

    /// The columns that the table has since then at the latest: those of [`Table::schema`].
    fn schema(&self) -> &SchemaRef;

    /// Those rows that a mask chooses, with all columns.
    ///
    /// # Errors
    /// A mask of another length, and columns that cannot be made.
    fn chosen(&self, mask: &BooleanArray) -> Result<RecordBatch, Error>;
}

impl Columns for RecordBatch {
    fn rows(&self) -> usize {
        self.num_rows()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, Error> {
        let missing = || Error::new("engine", format!("there is no column {at} in the rows"));
        self.columns().get(at).cloned().ok_or_else(missing)
    }
}

/// Compiles conditions and conversions.
#[derive(Debug)]
pub struct Compiler {
    state: SessionState,
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler { state: SessionStateBuilder::new_with_default_features().build() }
    }
}

impl Compiler {
    /// A condition on rows of a table, over its columns by position.
    ///
    /// Errors: a condition that depends on more than its row, and a table of which a part is seen alone.
    pub fn condition(&self, table: &Table, condition: &Scalar) -> Result<Condition, Error> {
        if condition.is_unknown() || condition.any(&is_of_more) {
            return Err(Error::new("engine", "a condition on single rows reads tables or draws by chance"));
        }
        let values = whole(table)?;
        let test = lower_filter(condition, &values, &Draws::new(0))?;
        let schema = table.schema();
        let mut columns: Vec<usize> =
            test.column_refs().iter().filter_map(|column| schema.index_of(&column.name).ok()).collect();
        columns.sort_unstable();
        let schema = Arc::new(schema.project(&columns)?);
        let test = self.compile(test, &schema)?;
        Ok(Condition { columns, schema, test })
    }

    /// How rows of a table become rows of the language.
    ///
    /// Errors: a table of which a part is seen alone.
    pub fn conversion(&self, table: &Table) -> Result<Conversion, Error> {
        let schema = table.schema();
        let values: Result<Vec<_>, Error> =
            whole(table)?.into_iter().map(|value| self.compile(value, &schema)).collect();
        Ok(Conversion { values: values?, schema: physical::schema(table.columns()) })
    }

    fn compile(&self, value: Expr, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>, Error> {
        let named = DFSchema::try_from_qualified_schema(SCAN, schema)?;
        Ok(self.state.create_physical_expr(value, &named)?)
    }
}

/// Whether a value depends on more than its row.
fn is_of_more(part: &Scalar) -> bool {
    matches!(part.kind, ScalarKind::Volatile(_) | ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. })
}

/// The values of all columns of a table.
fn whole(table: &Table) -> Result<Vec<Expr>, Error> {
    let values = table.values_of_all();
    values.ok_or_else(|| Error::new("engine", "a table of which a part is seen alone is not for this"))
}

/// A condition that is asked of batch after batch.
#[derive(Clone, Debug)]
pub struct Condition {
    columns: Vec<usize>,
    schema: SchemaRef,
    test: Arc<dyn PhysicalExpr>,
}

impl Condition {
    /// Of which rows it is true.
    ///
    /// Errors: columns of other types than the table's, and values that cannot be computed.
    pub fn holds(&self, rows: &dyn Columns) -> Result<BooleanArray, Error> {
        let columns: Result<Vec<ArrayRef>, Error> = self.columns.iter().map(|at| rows.column(*at)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns?, &options);
        let value = self.test.evaluate(&batch?)?.into_array(rows.rows())?;
        let Some(mask) = value.as_boolean_opt() else {
            return Err(Error::new("engine", "a condition gave something that is neither true nor false"));
        };
        Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
    }
}

/// How rows of a table become rows of the language.
#[derive(Clone, Debug)]
pub struct Conversion {
    values: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl Conversion {
    /// The schema of what comes out: that of [`physical::schema`].
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows of the language, of rows with all columns of [`Table::schema`].
    ///
    /// Errors: columns of other types than the table's.
    pub fn converted(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let mut columns = Vec::with_capacity(self.values.len());
        for value in &self.values {
            columns.push(value.evaluate(rows)?.into_array(rows.num_rows())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
