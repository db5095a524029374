//! Any aggregate of the language: rows are kept and given to the plain accumulator at the end.

use std::hash::{Hash, Hasher};
use std::mem::size_of_val;
use std::sync::Arc;

use castellan_kql::aggregates::accumulator;
use castellan_kql::plan::{Aggregate, AggregateFunction, Field as Column, typed};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::{name_of, output_fields, output_type};
use crate::physical::{Reader, Writer, data_type, scalar};

/// The aggregate as a function of DataFusion.
pub(super) fn function(aggregate: &Aggregate, types: Vec<ScalarType>) -> AggregateUDF {
    AggregateUDF::new_from_impl(RowAggregate {
        name: name_of(aggregate),
        function: aggregate.function.clone(),
        outputs: aggregate.outputs.clone(),
        signature: Signature::any(types.len().max(1), Volatility::Immutable),
        types,
    })
}

#[derive(Clone, Debug)]
struct RowAggregate {
    name: Arc<str>,
    function: AggregateFunction,
    types: Vec<ScalarType>,
    outputs: Vec<Column>,
    signature: Signature,
}

impl PartialEq for RowAggregate {
    fn eq(&self, other: &RowAggregate) -> bool {
        self.name == other.name && self.types == other.types && self.outputs == other.outputs
    }
}

impl Eq for RowAggregate {}

impl Hash for RowAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.types, &self.outputs).hash(state);
    }
}

impl AggregateUDFImpl for RowAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(output_type(&self.outputs))
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Kept { of: self.clone(), rows: Vec::new(), bytes: 0 }))
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |(at, scalar_type): (usize, &ScalarType)| {
            let item = Field::new_list_field(data_type(*scalar_type), true);
            Arc::new(Field::new(format!("{}[{at}]", self.name), DataType::List(Arc::new(item)), true))
        };
        Ok(self.types.iter().enumerate().map(list).collect())
    }
}

/// The rows so far.
#[derive(Debug)]
struct Kept {
    of: RowAggregate,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Kept {
    fn keep(&mut self, values: &[ArrayRef]) -> Result<()> {
        let pairs = values.iter().zip(&self.of.types);
        let readers =
            pairs.map(|(array, scalar_type)| Reader::new(array, *scalar_type)).collect::<Result<Vec<_>>>()?;
        let count = values.first().map_or(0, |array| array.len());
        for at in 0..count {
            let row: Vec<Value> = readers.iter().map(|reader| reader.value(at)).collect();
            self.bytes += size_of::<Vec<Value>>() + row.iter().map(bytes).sum::<usize>();
            self.rows.push(row);
        }
        Ok(())
    }
}

/// About what a value takes in memory.
fn bytes(value: &Value) -> usize {
    let behind = match value {
        Value::String(text) => text.len(),
        // A tree of values takes several times its text, which is not known here.
        Value::Dynamic(_) => 256,
        Value::Decimal(_) => 32,
        _ => 0,
    };
    size_of::<Value>() + behind
}

impl Accumulator for Kept {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let wanted = values.get(..self.of.types.len()).unwrap_or(values);
        self.keep(wanted)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let count = states.first().map_or(0, |array| array.len());
        for at in 0..count {
            let lists: Vec<ArrayRef> = states.iter().map(|array| array.as_list::<i32>().value(at)).collect();
            self.keep(&lists)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |(at, scalar_type): (usize, &ScalarType)| {
            let mut writer = Writer::new(*scalar_type, self.rows.len());
            for row in &self.rows {
                writer.push(row.get(at).unwrap_or(&Value::Null))?;
            }
            let values: Vec<ScalarValue> = {
                let array = writer.finish();
                (0..array.len()).map(|at| ScalarValue::try_from_array(&array, at)).collect::<Result<_>>()?
            };
            Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &data_type(*scalar_type))))
        };
        self.of.types.iter().enumerate().map(list).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut running = accumulator(&self.of.function, &self.of.types);
        self.rows.iter().for_each(|row| running.update(row));
        let results: Vec<Value> = running
            .finish()
            .into_iter()
            .zip(&self.of.outputs)
            .map(|(value, column)| typed(value, column.scalar_type))
            .collect();
        let constant = |(value, column): (&Value, &Column)| scalar(value, column.scalar_type);
        let mut constants: Vec<ScalarValue> = results.iter().zip(&self.of.outputs).map(constant).collect();
        if self.of.outputs.len() == 1 {
            return Ok(constants.pop().unwrap_or(ScalarValue::Null));
        }
        let arrays = constants.iter().map(ScalarValue::to_array).collect::<Result<Vec<ArrayRef>>>()?;
        let fields = output_fields(&self.of.outputs);
        let array = datafusion::arrow::array::StructArray::try_new(fields, arrays, None)?;
        Ok(ScalarValue::Struct(Arc::new(array)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }
}
