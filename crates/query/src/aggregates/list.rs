//! `make_list(x)`: the values in the order in which they came; of arrays their items.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::value::Dynamic;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::items::{array_in, texts};
use super::native::{Groups, Kind};
use crate::physical::{Reader, dynamic};

/// Lists of at most so many values of a type.
#[derive(Debug)]
pub(super) struct MakeList {
    pub(super) scalar_type: ScalarType,
    pub(super) limit: usize,
    pub(super) with_nulls: bool,
}

impl Kind for MakeList {
    fn output(&self) -> DataType {
        DataType::Utf8View
    }

    fn states(&self) -> Vec<DataType> {
        vec![DataType::Utf8View, DataType::Int64]
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Lists {
            scalar_type: self.scalar_type,
            limit: self.limit,
            with_nulls: self.with_nulls,
            lists: Vec::new(),
            held: 0,
        })
    }
}

#[derive(Debug)]
struct Lists {
    scalar_type: ScalarType,
    limit: usize,
    with_nulls: bool,
    lists: Vec<List>,
    held: usize,
}

/// Items with commas between them.
#[derive(Clone, Debug, Default)]
struct List {
    text: String,
    count: usize,
}

impl List {
    fn push(&mut self, write: impl FnOnce(&mut String)) {
        if self.count > 0 {
            self.text.push(',');
        }
        write(&mut self.text);
        self.count += 1;
    }

    fn extend(&mut self, items: &[Dynamic], limit: usize) {
        for item in items.iter().take(limit.saturating_sub(self.count)) {
            self.push(|out| dynamic::write(item, out));
        }
    }
}

impl Lists {
    /// Changes the list of a group that has room.
    fn change(&mut self, group: usize, change: impl FnOnce(&mut List, usize)) {
        if let Some(list) = self.lists.get_mut(group).filter(|list| list.count < self.limit) {
            let before = list.text.capacity();
            change(list, self.limit);
            self.held += list.text.capacity() - before;
        }
    }

    fn add_strings(&mut self, array: &ArrayRef, groups: &[usize]) -> Result<()> {
        for (text, group) in texts(array)?.iter().zip(groups) {
            self.change(*group, |list, _| list.push(|out| dynamic::quote(text.unwrap_or_default(), out)));
        }
        Ok(())
    }

    fn add_dynamic(&mut self, array: &ArrayRef, groups: &[usize]) -> Result<()> {
        let reader = Reader::new(array, ScalarType::Dynamic)?;
        for ((at, text), group) in texts(array)?.iter().enumerate().zip(groups) {
            if let Some(items) = text.and_then(array_in) {
                self.change(*group, |list, limit| list.extend(&items, limit));
                continue;
            }
            let item = Dynamic::from_value(&reader.value(at));
            if self.with_nulls || item != Dynamic::Null {
                self.change(*group, |list, _| list.push(|out| dynamic::write(&item, out)));
            }
        }
        Ok(())
    }

    fn add_others(&mut self, array: &ArrayRef, groups: &[usize]) -> Result<()> {
        let reader = Reader::new(array, self.scalar_type)?;
        for (at, group) in groups.iter().enumerate() {
            if self.with_nulls || array.is_valid(at) {
                let item = Dynamic::from_value(&reader.value(at));
                self.change(*group, |list, _| list.push(|out| dynamic::write(&item, out)));
            }
        }
        Ok(())
    }
}

impl Groups for Lists {
    fn grow(&mut self, count: usize) {
        self.lists.resize(count, List::default());
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = arguments else { return exec_err!("a list is made of one argument") };
        match self.scalar_type {
            ScalarType::String => self.add_strings(values, groups),
            ScalarType::Dynamic => self.add_dynamic(values, groups),
            _ => self.add_others(values, groups),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [lists, counts] = states else { return exec_err!("a list is handed on as text and count") };
        let wrong = || exec_datafusion_err!("the count of a list is a number");
        let counts = counts.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        for ((text, count), group) in texts(lists)?.iter().zip(counts.values()).zip(groups) {
            let (Some(text), Ok(count)) = (text, usize::try_from(*count)) else { continue };
            if count == 0 {
                continue;
            }
            self.change(*group, |list, limit| {
                if list.count.saturating_add(count) <= limit {
                    list.push(|out| out.push_str(text));
                    list.count += count - 1;
                } else {
                    list.extend(&array_in(&format!("[{text}]")).unwrap_or_default(), limit);
                }
            });
        }
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let mut builder = StringViewBuilder::with_capacity(self.lists.len());
        for list in &self.lists {
            builder.try_append_value(&list.text)?;
        }
        let counts = self.lists.iter().map(|list| i64::try_from(list.count).unwrap_or(i64::MAX));
        Ok(vec![Arc::new(builder.finish()), Arc::new(Int64Array::from_iter_values(counts))])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(self.lists.len());
        let mut text = String::new();
        for list in self.lists {
            text.clear();
            text.push('[');
            text.push_str(&list.text);
            text.push(']');
            builder.try_append_value(&text)?;
        }
        Ok(Arc::new(builder.finish()))
    }

    fn size(&self) -> usize {
        self.held + self.lists.capacity() * size_of::<List>()
    }
}
