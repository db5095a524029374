//! `avg(x)` of times, exact to the tick.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::value::MAX_DATETIME_TICKS;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};

use super::native::{Groups, Kind};

/// The mean of datetimes or timespans; null of nothing.
#[derive(Debug)]
pub(super) struct Mean(pub(super) ScalarType);

impl Kind for Mean {
    fn output(&self) -> DataType {
        DataType::Int64
    }

    fn states(&self) -> Vec<DataType> {
        vec![DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0), DataType::Int64]
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Sums { is_date: self.0 == ScalarType::DateTime, sums: Vec::new() })
    }
}

#[derive(Debug)]
struct Sums {
    is_date: bool,
    /// Ticks, and of how many values.
    sums: Vec<(i128, i64)>,
}

impl Sums {
    fn add(&mut self, group: usize, ticks: i128, count: i64) {
        if let Some((total, counted)) = self.sums.get_mut(group) {
            *total += ticks;
            *counted += count;
        }
    }

    fn mean(&self, (ticks, count): (i128, i64)) -> Option<i64> {
        let mean = ticks.checked_div(i128::from(count))?;
        let mean = i64::try_from(mean).unwrap_or(i64::MAX);
        (!self.is_date || (0..=MAX_DATETIME_TICKS).contains(&mean)).then_some(mean)
    }
}

fn wrong(array: &ArrayRef) -> DataFusionError {
    exec_datafusion_err!("no mean is taken of {}", array.data_type())
}

impl Groups for Sums {
    fn grow(&mut self, count: usize) {
        self.sums.resize(count, (0, 0));
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [array] = arguments else { return exec_err!("a mean is taken of one argument") };
        let ticks = array.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(array))?;
        for (ticks, group) in ticks.iter().zip(groups) {
            if let Some(ticks) = ticks {
                self.add(*group, i128::from(ticks), 1);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [sums, counts] = states else { return exec_err!("a mean is handed on as sum and count") };
        let totals = sums.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong(sums))?;
        let counted = counts.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(counts))?;
        for ((ticks, count), group) in totals.values().iter().zip(counted.values()).zip(groups) {
            self.add(*group, *ticks, *count);
        }
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let (totals, counts): (Vec<i128>, Vec<i64>) = self.sums.into_iter().unzip();
        let totals = Decimal128Array::from(totals).with_precision_and_scale(DECIMAL128_MAX_PRECISION, 0)?;
        Ok(vec![Arc::new(totals), Arc::new(Int64Array::from(counts))])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let means: Int64Array = self.sums.iter().map(|sum| self.mean(*sum)).collect();
        Ok(Arc::new(means))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<(i128, i64)>()
    }
}
