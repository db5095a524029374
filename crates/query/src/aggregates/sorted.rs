//! Aggregates over rows in an order: rows are kept with their sort keys and sorted within their groups at the end, so
//! that it does not matter how many streams they came in.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, new_empty_array};
use datafusion::arrow::compute::{SortOptions, interleave};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::buckets::{Buckets, flat, list_type, lists};
use super::native::{Groups, Kind};
use super::rows::Place;

/// An aggregate of one argument, behind which come sort keys.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) inner: Arc<dyn Kind>,
    /// The type of the argument.
    pub(super) argument: DataType,
    /// The direction of each key.
    pub(super) options: Vec<SortOptions>,
}

impl Kind for Sorted {
    fn output(&self) -> DataType {
        self.inner.output()
    }

    fn states(&self) -> Vec<DataType> {
        vec![list_type(DataType::BinaryView), list_type(self.argument.clone())]
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Kept {
            inner: self.inner.groups(),
            argument: self.argument.clone(),
            options: self.options.clone(),
            converter: None,
            count: 0,
            entries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            held: 0,
        })
    }
}

/// A group, and where its row is: which batch, and where in it.
type Entry = (usize, Place);

#[derive(Debug)]
struct Kept {
    /// Without groups until the end.
    inner: Box<dyn Groups>,
    argument: DataType,
    options: Vec<SortOptions>,
    converter: Option<RowConverter>,
    count: usize,
    entries: Vec<Entry>,
    /// A batch each.
    keys: Vec<BinaryViewArray>,
    values: Vec<ArrayRef>,
    held: usize,
}

impl Kept {
    /// Sort keys as bytes that compare as they do.
    fn bytes(&mut self, keys: &[ArrayRef]) -> Result<BinaryViewArray> {
        if self.converter.is_none() {
            let fields = keys.iter().zip(&self.options);
            let fields =
                fields.map(|(key, options)| SortField::new_with_options(key.data_type().clone(), *options));
            self.converter = Some(RowConverter::new(fields.collect())?);
        }
        let converter = self.converter.as_mut().ok_or_else(|| exec_datafusion_err!("there are no keys"))?;
        let rows = converter.convert_columns(keys)?;
        Ok(rows.iter().map(|row| Some(row.data().to_vec())).collect())
    }

    fn keep(&mut self, keys: BinaryViewArray, values: ArrayRef, groups: &[usize]) {
        let batch = self.values.len();
        self.entries.extend(groups.iter().enumerate().map(|(row, group)| (*group, (batch, row))));
        self.held += keys.get_array_memory_size() + values.get_array_memory_size();
        self.keys.push(keys);
        self.values.push(values);
    }

    /// Where the rows of each group are, and where the groups lie in them.
    fn places(&self, in_order: bool) -> (Vec<Place>, Vec<usize>) {
        let key = |(batch, row): &Place| self.keys.get(*batch).map(|keys| keys.value(*row));
        let mut buckets = Buckets::new(self.count, self.entries.iter().copied());
        if in_order {
            // Rows with equal keys stay as they came.
            buckets.groups_mut().for_each(|group| group.sort_by(|left, right| key(left).cmp(&key(right))));
        }
        buckets.into_parts()
    }

    fn values(&self, places: &[Place]) -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = self.values.iter().map(AsRef::as_ref).collect();
        if arrays.is_empty() { Ok(new_empty_array(&self.argument)) } else { Ok(interleave(&arrays, places)?) }
    }

    fn keys(&self, places: &[Place]) -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = self.keys.iter().map(|keys| keys as &dyn Array).collect();
        if arrays.is_empty() {
            return Ok(new_empty_array(&DataType::BinaryView));
        }
        Ok(interleave(&arrays, places)?)
    }
}

impl Groups for Kept {
    fn grow(&mut self, count: usize) {
        self.count = count;
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let Some((values, keys)) = arguments.split_first() else { return Ok(()) };
        let keys = self.bytes(keys)?;
        self.keep(keys, Arc::clone(values), groups);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [keys, values] = states else { return exec_err!("sorted rows are handed on as keys and values") };
        let ((keys, spread), (values, _)) = (flat(keys, groups)?, flat(values, groups)?);
        let wrong = || exec_datafusion_err!("sort keys are bytes");
        let keys = keys.as_binary_view_opt().ok_or_else(wrong)?.clone();
        self.keep(keys, values, &spread);
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let (places, starts) = self.places(false);
        Ok(vec![lists(self.keys(&places)?, &starts)?, lists(self.values(&places)?, &starts)?])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let (places, starts) = self.places(true);
        let values = self.values(&places)?;
        let lengths = starts.iter().zip(starts.iter().skip(1)).map(|(start, end)| end - start);
        let groups: Vec<usize> =
            lengths.enumerate().flat_map(|(group, length)| std::iter::repeat_n(group, length)).collect();
        let Kept { mut inner, count, .. } = *self;
        inner.grow(count);
        inner.update(&[values], &groups)?;
        inner.finish()
    }

    fn size(&self) -> usize {
        self.held + self.entries.capacity() * size_of::<Entry>()
    }
}
