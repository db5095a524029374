//! Aggregates of our own over whole arrays, as DataFusion runs them.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// An aggregate with its constants.
pub(super) trait Kind: Debug + Send + Sync + 'static {
    /// The type of its results.
    fn output(&self) -> DataType;

    /// The types of what is handed from one stage to the next.
    fn states(&self) -> Vec<DataType>;

    /// No groups yet.
    fn groups(&self) -> Box<dyn Groups>;

    /// What each row hands on that is a group of its own, where that is known without grouping.
    ///
    /// Errors: arguments of other types than it was made for.
    fn alone(&self, _arguments: &[ArrayRef]) -> Result<Option<Vec<ArrayRef>>> {
        Ok(None)
    }
}

/// What an aggregate knows about each group. Groups are counted from 0.
pub(super) trait Groups: Debug + Send + Sync {
    /// There are so many groups from now on, never fewer than before.
    fn grow(&mut self, count: usize);

    /// Takes rows: their arguments and their groups.
    ///
    /// Errors: arguments of other types than it was made for.
    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()>;

    /// Takes what other groups handed on.
    ///
    /// Errors: as [`Groups::update`].
    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()>;

    /// What is handed on, a row a group.
    ///
    /// Errors: arrays that are too large.
    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>>;

    /// The results, a row a group.
    ///
    /// Errors: arrays that are too large.
    fn finish(self: Box<Self>) -> Result<ArrayRef>;

    /// The bytes that are held.
    fn size(&self) -> usize;
}

/// The aggregate as a function of DataFusion. Functions of one name do the same.
pub(super) fn function(name: &str, kind: Arc<dyn Kind>, arguments: usize) -> AggregateUDF {
    AggregateUDF::new_from_impl(Native {
        name: name.into(),
        signature: Signature::any(arguments, Volatility::Immutable),
        kind,
    })
}

#[derive(Debug)]
struct Native {
    name: Arc<str>,
    signature: Signature,
    kind: Arc<dyn Kind>,
}

impl PartialEq for Native {
    fn eq(&self, other: &Native) -> bool {
        self.name == other.name
    }
}

impl Eq for Native {}

impl Hash for Native {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for Native {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.kind.output())
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types = self.kind.states().into_iter().enumerate();
        Ok(types
            .map(|(at, data_type)| Arc::new(Field::new(format!("{}[{at}]", self.name), data_type, true)))
            .collect())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Whole::new(Arc::clone(&self.kind))))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Grouped::new(Arc::clone(&self.kind))))
    }
}

/// Many groups.
struct Grouped {
    kind: Arc<dyn Kind>,
    groups: Box<dyn Groups>,
    count: usize,
}

impl Grouped {
    fn new(kind: Arc<dyn Kind>) -> Grouped {
        Grouped { groups: kind.groups(), kind, count: 0 }
    }

    fn grow(&mut self, count: usize) {
        self.count = count;
        self.groups.grow(count);
    }

    /// Takes groups out, from the first on.
    fn taken(&mut self, emit_to: EmitTo) -> Result<Box<dyn Groups>> {
        let all = std::mem::replace(&mut self.groups, self.kind.groups());
        let count = std::mem::take(&mut self.count);
        match emit_to {
            EmitTo::First(first) if first < count => self.split(all, first, count),
            EmitTo::All | EmitTo::First(_) => Ok(all),
        }
    }

    /// The first groups; the others stay. This is for input that comes in the order of the groups, where few do.
    fn split(&mut self, all: Box<dyn Groups>, first: usize, count: usize) -> Result<Box<dyn Groups>> {
        let states = all.states()?;
        let part = |start: usize, length: usize| -> Vec<ArrayRef> {
            states.iter().map(|array| array.slice(start, length)).collect()
        };
        let mut taken = self.kind.groups();
        taken.grow(first);
        taken.merge(&part(0, first), &numbers(first))?;
        let rest = count - first;
        self.grow(rest);
        self.groups.merge(&part(first, rest), &numbers(rest))?;
        Ok(taken)
    }
}

fn numbers(count: usize) -> Vec<usize> {
    (0..count).collect()
}

impl GroupsAccumulator for Grouped {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        match opt_filter {
            None => self.groups.update(values, group_indices),
            Some(chosen) => {
                let values = filtered(values, chosen)?;
                self.groups.update(&values, &chosen_of(group_indices.iter().copied(), chosen))
            }
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.taken(emit_to)?.finish()
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.taken(emit_to)?.states()
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        self.groups.merge(values, group_indices)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        if opt_filter.is_none()
            && let Some(states) = self.kind.alone(values)?
        {
            return Ok(states);
        }
        let count = values.first().map_or(0, |array| array.len());
        let mut groups = Grouped::new(Arc::clone(&self.kind));
        groups.update_batch(values, &numbers(count), opt_filter, count)?;
        groups.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.groups.size()
    }
}

/// The rows for which the filter is true.
fn filtered(values: &[ArrayRef], chosen: &BooleanArray) -> Result<Vec<ArrayRef>> {
    values.iter().map(|array| Ok(filter(array, chosen)?)).collect()
}

fn chosen_of(groups: impl Iterator<Item = usize>, chosen: &BooleanArray) -> Vec<usize> {
    groups.zip(chosen).filter_map(|(group, flag)| (flag == Some(true)).then_some(group)).collect()
}

/// One group with all rows.
#[derive(Debug)]
struct Whole {
    kind: Arc<dyn Kind>,
    groups: Box<dyn Groups>,
    zeros: Vec<usize>,
}

impl Whole {
    fn new(kind: Arc<dyn Kind>) -> Whole {
        let groups = one(kind.as_ref());
        Whole { kind, groups, zeros: Vec::new() }
    }

    fn taken(&mut self) -> Box<dyn Groups> {
        std::mem::replace(&mut self.groups, one(self.kind.as_ref()))
    }

    fn zeros(&mut self, arrays: &[ArrayRef]) {
        self.zeros.resize(arrays.first().map_or(0, |array| array.len()), 0);
    }
}

fn one(kind: &dyn Kind) -> Box<dyn Groups> {
    let mut groups = kind.groups();
    groups.grow(1);
    groups
}

impl Accumulator for Whole {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.zeros(values);
        self.groups.update(values, &self.zeros)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.zeros(states);
        self.groups.merge(states, &self.zeros)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.taken().states()?.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.taken().finish()?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.zeros.capacity() * size_of::<usize>() + self.groups.size()
    }
}

#[cfg(test)]
mod tests {
    use castellan_kql::ScalarType;
    use datafusion::arrow::array::{Int64Array, StringViewArray};
    use datafusion::arrow::compute::SortOptions;
    use datafusion::arrow::datatypes::Fields;

    use super::super::bag::MakeBag;
    use super::super::distinct::Distinct;
    use super::super::list::MakeList;
    use super::super::mean::Mean;
    use super::super::percentile::Percentiles;
    use super::super::pick::{Choice, Pick};
    use super::super::set::MakeSet;
    use super::super::sorted::Sorted;
    use super::*;
    use crate::physical::field;

    const COUNT: usize = 23;

    /// Every kind, with the arguments of as many rows as there are groups twice over.
    fn kinds() -> Vec<(Arc<dyn Kind>, Vec<ArrayRef>)> {
        let numbers: ArrayRef = Arc::new(
            (0..2 * COUNT as i64).map(|at| (at % 5 > 0).then_some(at * 7 % 11)).collect::<Int64Array>(),
        );
        let words = ["", "a", "a word of some length", "{\"k\":1}", "[1,1,\"x\"]"];
        let texts: ArrayRef =
            Arc::new(words.iter().cycle().take(2 * COUNT).map(Some).collect::<StringViewArray>());
        let (long, string, dynamic) = (ScalarType::Long, ScalarType::String, ScalarType::Dynamic);
        let fields: Fields = vec![field("o0", long), field("o1", string)].into();
        let list = |scalar_type, limit| MakeList { scalar_type, limit, with_nulls: true };
        let pick =
            |choice, types: &[ScalarType]| Pick { choice, types: types.to_vec(), fields: fields.clone() };
        let percentiles = |is_weighted, as_array| Percentiles {
            scalar_type: long,
            ranks: vec![10.0, 90.0],
            is_weighted,
            as_array,
            fields: vec![field("o0", long), field("o1", long)].into(),
        };
        let weights: ArrayRef = Arc::new(datafusion::arrow::array::Float64Array::from(vec![2.0; 2 * COUNT]));
        let sorted = Sorted {
            inner: Arc::new(list(string, 2)),
            argument: DataType::Utf8View,
            options: vec![SortOptions { descending: true, nulls_first: false }],
        };
        let made: Vec<(Arc<dyn Kind>, Vec<&ArrayRef>)> = vec![
            (Arc::new(Distinct::exact(long)), vec![&numbers]),
            (Arc::new(Distinct::exact(string)), vec![&texts]),
            (Arc::new(Distinct::exact(dynamic)), vec![&texts]),
            (Arc::new(Distinct::estimated(string)), vec![&texts]),
            (Arc::new(MakeSet { scalar_type: string, limit: 2 }), vec![&texts]),
            (Arc::new(MakeSet { scalar_type: dynamic, limit: 100 }), vec![&texts]),
            (Arc::new(list(string, 100)), vec![&texts]),
            (Arc::new(list(dynamic, 3)), vec![&texts]),
            (Arc::new(list(long, 1)), vec![&numbers]),
            (Arc::new(MakeBag { limit: 100 }), vec![&texts]),
            (Arc::new(pick(Choice::Greatest, &[long, string])), vec![&numbers, &texts]),
            (Arc::new(pick(Choice::Least, &[string])), vec![&texts]),
            (Arc::new(pick(Choice::Any, &[long])), vec![&numbers]),
            (Arc::new(percentiles(false, false)), vec![&numbers]),
            (Arc::new(percentiles(true, true)), vec![&numbers, &weights]),
            (Arc::new(Mean(ScalarType::TimeSpan)), vec![&numbers]),
            (Arc::new(sorted), vec![&texts, &numbers]),
        ];
        made.into_iter().map(|(kind, arguments)| (kind, arguments.into_iter().cloned().collect())).collect()
    }

    fn groups() -> Vec<usize> {
        (0..2 * COUNT).map(|at| at % COUNT).collect()
    }

    fn filled(kind: &Arc<dyn Kind>, arguments: &[ArrayRef]) -> Grouped {
        let mut grouped = Grouped::new(Arc::clone(kind));
        grouped.update_batch(arguments, &groups(), None, COUNT).unwrap();
        grouped
    }

    #[test]
    fn groups_that_are_taken_out_first_are_the_same() {
        for (kind, arguments) in kinds() {
            let all = filled(&kind, &arguments).evaluate(EmitTo::All).unwrap();
            assert_eq!((all.len(), all.data_type()), (COUNT, &kind.output()), "{kind:?}");
            let mut grouped = filled(&kind, &arguments);
            let first = grouped.evaluate(EmitTo::First(9)).unwrap();
            let rest = grouped.evaluate(EmitTo::All).unwrap();
            assert_eq!((&first, &rest), (&all.slice(0, 9), &all.slice(9, COUNT - 9)), "{kind:?}");
        }
    }

    #[test]
    fn rows_that_are_handed_on_alone_are_the_same() {
        for (kind, arguments) in kinds() {
            let all = filled(&kind, &arguments).evaluate(EmitTo::All).unwrap();
            let mut grouped = Grouped::new(Arc::clone(&kind));
            let states = grouped.convert_to_state(&arguments, None).unwrap();
            let types: Vec<DataType> = states.iter().map(|array| array.data_type().clone()).collect();
            assert_eq!(types, kind.states(), "{kind:?}");
            grouped.merge_batch(&states, &groups(), COUNT).unwrap();
            assert_eq!(&grouped.evaluate(EmitTo::All).unwrap(), &all, "{kind:?}");
        }
    }

    #[test]
    fn rows_that_do_not_count_hand_nothing_on() {
        let none = BooleanArray::from(vec![Some(false); 2 * COUNT]);
        for (kind, arguments) in kinds() {
            let mut grouped = Grouped::new(Arc::clone(&kind));
            let states = grouped.convert_to_state(&arguments, Some(&none)).unwrap();
            grouped.merge_batch(&states, &groups(), COUNT).unwrap();
            let mut empty = Grouped::new(Arc::clone(&kind));
            empty.grow(COUNT);
            let empty = empty.evaluate(EmitTo::All).unwrap();
            assert_eq!(&grouped.evaluate(EmitTo::All).unwrap(), &empty, "{kind:?}");
        }
    }

    #[test]
    fn what_is_held_is_counted() {
        for (kind, arguments) in kinds() {
            let empty = Grouped::new(Arc::clone(&kind)).size();
            assert!(filled(&kind, &arguments).size() >= empty + COUNT * size_of::<u64>(), "{kind:?}");
        }
    }
}
