//! Any value of the language, a row at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use castellan_kql::plan::{Scalar, Volatile, random};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;

use super::kernel::Kernel;
use crate::limits::{fits, go_on};
use crate::physical::{Reader, Writer};

/// A value over arguments: column 0 is the first of them.
#[derive(Debug)]
pub struct RowExpression {
    name: String,
    scalar: Scalar,
    types: Vec<ScalarType>,
}

impl RowExpression {
    /// For arguments of these types.
    pub fn new(scalar: Scalar, types: Vec<ScalarType>) -> RowExpression {
        RowExpression { name: scalar.to_string(), scalar, types }
    }
}

/// After so many rows the budget is looked at: a row may take milliseconds, and megabytes.
const CHECKED: usize = 8;

/// An argument: the same for all rows, or one for each.
enum Argument<'a> {
    Constant(Value),
    Array(Reader<'a>),
}

impl Kernel for RowExpression {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        self.scalar.scalar_type
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        if arguments.len() != self.types.len() {
            return exec_err!("`{}` takes {} arguments", self.name, self.types.len());
        }
        let arrays = arguments
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Array(array) => Ok(array.clone()),
                ColumnarValue::Scalar(scalar) => scalar.to_array(),
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        let mut readers = Vec::with_capacity(arrays.len());
        for ((argument, array), scalar_type) in arguments.iter().zip(&arrays).zip(&self.types) {
            let reader = Reader::new(array, *scalar_type)?;
            readers.push(match argument {
                ColumnarValue::Scalar(_) => Argument::Constant(reader.value(0)),
                ColumnarValue::Array(_) => Argument::Array(reader),
            });
        }
        let mut writer = Writer::new(self.scalar.scalar_type, rows);
        let mut row = vec![Value::Null; readers.len()];
        for at in 0..rows {
            if at % CHECKED == 0 {
                go_on()?;
                fits(writer.bytes())?;
            }
            for (cell, reader) in row.iter_mut().zip(&readers) {
                match reader {
                    Argument::Constant(value) if at == 0 => *cell = value.clone(),
                    Argument::Constant(_) => {}
                    Argument::Array(reader) => *cell = reader.value(at),
                }
            }
            writer.push(&self.scalar.evaluate(&row))?;
        }
        Ok(writer.finish())
    }
}

/// The chance of a query: all that it draws comes from one row of numbers, so that no two draws are alike.
#[derive(Debug)]
pub struct Draws {
    state: Arc<AtomicU64>,
    made: AtomicUsize,
}

impl Draws {
    /// Beginning at a seed.
    pub fn new(seed: u64) -> Draws {
        Draws { state: Arc::new(AtomicU64::new(seed)), made: AtomicUsize::new(0) }
    }

    /// One place of the query at which something is drawn.
    pub(crate) fn one(&self, what: Volatile, scalar_type: ScalarType) -> Draw {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = match what {
            Volatile::Random(_) => format!("rand_{number}"),
            Volatile::Guid => format!("new_guid_{number}"),
        };
        Draw { name, what, scalar_type, state: Arc::clone(&self.state) }
    }
}

/// `rand()` and `new_guid()`: a value for each row.
#[derive(Debug)]
pub(crate) struct Draw {
    /// Its own: DataFusion takes functions of one name for the same, and drops a condition that stands there twice.
    name: String,
    what: Volatile,
    scalar_type: ScalarType,
    state: Arc<AtomicU64>,
}

impl Draw {
    fn next(&self) -> u64 {
        random::mixed(self.state.fetch_add(random::STEP, Ordering::Relaxed).wrapping_add(random::STEP))
    }
}

impl Kernel for Draw {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        self.scalar_type
    }

    fn is_volatile(&self) -> bool {
        true
    }

    fn run(&self, _arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let mut writer = Writer::new(self.scalar_type, rows);
        for _ in 0..rows {
            writer.push(&self.what.drawn(|| self.next()))?;
        }
        Ok(writer.finish())
    }
}
