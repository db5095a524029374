//! `arg_max(key, values)`, `arg_min` and `take_any(values)`: one row of each group.

use std::cmp::Ordering;
use std::sync::Arc;

use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::{Result, exec_datafusion_err};

use super::native::{Groups, Kind};
use super::order::{is_number, numbers};
use super::places::present;
use super::rows::{NO_ROW, Place, Rows};
use crate::physical::{data_type, scalar};

/// Which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The first with the greatest first argument; null is less than all others.
    Greatest,
    /// The first with the least one; null is greater than all others.
    Least,
    /// The first. Of a single argument rather the first that is not null.
    Any,
}

/// One row of each group.
#[derive(Debug)]
pub(super) struct Pick {
    pub(super) choice: Choice,
    /// Of the arguments.
    pub(super) types: Vec<ScalarType>,
    /// Of the results, which are the arguments.
    pub(super) fields: Fields,
}

/// Whether rows can be chosen by values of a type.
pub(super) fn is_key(scalar_type: ScalarType) -> bool {
    is_number(scalar_type) || matches!(scalar_type, ScalarType::String | ScalarType::Guid)
}

impl Pick {
    fn argument_types(&self) -> impl Iterator<Item = DataType> {
        self.types.iter().map(|scalar_type| data_type(*scalar_type))
    }
}

impl Kind for Pick {
    fn output(&self) -> DataType {
        match self.types.as_slice() {
            [single] => data_type(*single),
            _ => DataType::Struct(self.fields.clone()),
        }
    }

    fn states(&self) -> Vec<DataType> {
        std::iter::once(DataType::Boolean).chain(self.argument_types()).collect()
    }

    fn groups(&self) -> Box<dyn Groups> {
        let key = self.types.first().copied().unwrap_or(ScalarType::Bool);
        let best = match self.choice {
            Choice::Any => Best::Any,
            _ if key == ScalarType::String => Best::Text(Vec::new(), 0),
            _ if key == ScalarType::Guid => Best::Guid(Vec::new()),
            _ => Best::Number(Vec::new()),
        };
        Box::new(Picked {
            choice: self.choice,
            types: self.types.clone(),
            fields: self.fields.clone(),
            ranks: Vec::new(),
            best,
            places: Vec::new(),
            rows: None,
        })
    }

    fn alone(&self, arguments: &[ArrayRef]) -> Result<Option<Vec<ArrayRef>>> {
        let count = arguments.first().map_or(0, |array| array.len());
        let has_row: ArrayRef = Arc::new(BooleanArray::from(vec![true; count]));
        Ok(Some(std::iter::once(has_row).chain(arguments.iter().cloned()).collect()))
    }
}

/// How good the row of a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// There is none.
    None,
    /// Its first argument is null.
    Null,
    /// It has all that is asked for.
    Full,
}

#[derive(Debug)]
struct Picked {
    choice: Choice,
    types: Vec<ScalarType>,
    fields: Fields,
    ranks: Vec<Rank>,
    best: Best,
    places: Vec<Place>,
    /// None before the first row.
    rows: Option<Rows>,
}

/// The key of each group's row.
#[derive(Debug)]
enum Best {
    Any,
    Number(Vec<i64>),
    Guid(Vec<u128>),
    /// With the bytes that they hold.
    Text(Vec<Vec<u8>>, usize),
}

impl Best {
    fn grow(&mut self, count: usize) {
        match self {
            Best::Any => {}
            Best::Number(keys) => keys.resize(count, 0),
            Best::Guid(keys) => keys.resize(count, 0),
            Best::Text(keys, _) => keys.resize(count, Vec::new()),
        }
    }

    fn size(&self) -> usize {
        match self {
            Best::Any => 0,
            Best::Number(keys) => keys.capacity() * size_of::<i64>(),
            Best::Guid(keys) => keys.capacity() * size_of::<u128>(),
            Best::Text(keys, held) => keys.capacity() * size_of::<Vec<u8>>() + held,
        }
    }
}

impl Picked {
    /// Offers a batch of rows, of which `offer` takes the key if it is better than the group's.
    fn choose(
        ranks: &mut [Rank],
        places: &mut [Place],
        batch: usize,
        groups: &[usize],
        nulls: Option<&NullBuffer>,
        mut offer: impl FnMut(usize, usize, bool) -> bool,
    ) {
        for (row, group) in groups.iter().enumerate() {
            let Some((rank, place)) = ranks.get_mut(*group).zip(places.get_mut(*group)) else { continue };
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                if *rank == Rank::None {
                    (*rank, *place) = (Rank::Null, (batch, row));
                }
            } else if offer(row, *group, *rank < Rank::Full) {
                (*rank, *place) = (Rank::Full, (batch, row));
            }
        }
    }

    /// Finds the rows of a batch that are better than those of their groups.
    fn compare(&mut self, key: &ArrayRef, batch: usize, groups: &[usize]) -> Result<()> {
        let scalar_type = self.types.first().copied().unwrap_or(ScalarType::Bool);
        let wanted = if self.choice == Choice::Greatest { Ordering::Greater } else { Ordering::Less };
        let wrong = || exec_datafusion_err!("{scalar_type} is not read from {}", key.data_type());
        let (ranks, places) = (&mut self.ranks, &mut self.places);
        let nulls = key.nulls();
        match &mut self.best {
            Best::Any => {
                let nulls = nulls.filter(|_| self.types.len() == 1);
                Self::choose(ranks, places, batch, groups, nulls, |_, _, is_first| is_first);
            }
            Best::Number(best) => {
                let keys = numbers(key, scalar_type)?;
                Self::choose(ranks, places, batch, groups, nulls, |row, group, is_first| {
                    replaces(best, keys.get(row).copied().unwrap_or(0), group, is_first, wanted)
                });
            }
            Best::Guid(best) => {
                let keys = key.as_fixed_size_binary_opt().ok_or_else(wrong)?;
                Self::choose(ranks, places, batch, groups, nulls, |row, group, is_first| {
                    let guid = <[u8; 16]>::try_from(keys.value(row)).map_or(0, u128::from_be_bytes);
                    replaces(best, guid, group, is_first, wanted)
                });
            }
            Best::Text(best, held) => {
                let keys = key.as_string_view_opt().ok_or_else(wrong)?;
                Self::choose(ranks, places, batch, groups, nulls, |row, group, is_first| {
                    let (Some(best), text) = (best.get_mut(group), keys.value(row).as_bytes()) else {
                        return false;
                    };
                    if !is_first && text.cmp(best) != wanted {
                        return false;
                    }
                    let before = best.capacity();
                    best.clear();
                    best.extend_from_slice(text);
                    *held += best.capacity() - before;
                    true
                });
            }
        }
        Ok(())
    }

    /// Keeps the rows of a batch that are the best of their groups now.
    fn keep(&mut self, columns: &[ArrayRef], groups: &[usize], rows: &mut Rows) -> Result<()> {
        let batch = rows.next();
        let mut kept = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            if let Some(place) = self.places.get_mut(*group).filter(|place| **place == (batch, row)) {
                place.1 = kept.len();
                kept.push(row as u64);
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        rows.keep(columns, kept)?;
        rows.clear(&mut self.places)
    }

    fn rows(&mut self) -> Result<Rows> {
        if let Some(rows) = self.rows.take() {
            return Ok(rows);
        }
        let none = |scalar_type: &ScalarType| scalar(&Value::empty(*scalar_type), *scalar_type).to_array();
        Ok(Rows::new(self.types.iter().map(none).collect::<Result<_>>()?))
    }

    /// The rows of all groups.
    fn columns(&mut self) -> Result<Vec<ArrayRef>> {
        self.rows()?.at(&self.places)
    }
}

/// Whether a key is better than the group's, which it becomes then.
fn replaces<K: Ord>(best: &mut [K], key: K, group: usize, is_first: bool, wanted: Ordering) -> bool {
    match best.get_mut(group) {
        Some(best) if is_first || key.cmp(best) == wanted => {
            *best = key;
            true
        }
        _ => false,
    }
}

impl Groups for Picked {
    fn grow(&mut self, count: usize) {
        self.ranks.resize(count, Rank::None);
        self.places.resize(count, NO_ROW);
        self.best.grow(count);
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let columns: Vec<ArrayRef> = arguments
            .iter()
            .zip(&self.types)
            .map(|(array, scalar_type)| match scalar_type {
                ScalarType::String => present(array),
                _ => Arc::clone(array),
            })
            .collect();
        let Some(key) = columns.first() else { return Ok(()) };
        let mut rows = self.rows()?;
        self.compare(key, rows.next(), groups)?;
        self.keep(&columns, groups, &mut rows)?;
        self.rows = Some(rows);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let Some((has_row, columns)) = states.split_first() else { return Ok(()) };
        let wrong = || exec_datafusion_err!("whether there is a row is a bool");
        let has_row = has_row.as_boolean_opt().ok_or_else(wrong)?;
        if has_row.true_count() == has_row.len() {
            return self.update(columns, groups);
        }
        let columns =
            columns.iter().map(|column| Ok(filter(column, has_row)?)).collect::<Result<Vec<_>>>()?;
        let chosen = groups.iter().zip(has_row).filter(|(_, flag)| *flag == Some(true));
        let groups: Vec<usize> = chosen.map(|(group, _)| *group).collect();
        self.update(&columns, &groups)
    }

    fn states(mut self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let has_row: BooleanArray = self.ranks.iter().map(|rank| Some(*rank != Rank::None)).collect();
        let columns = self.columns()?;
        Ok(std::iter::once(Arc::new(has_row) as ArrayRef).chain(columns).collect())
    }

    fn finish(mut self: Box<Self>) -> Result<ArrayRef> {
        let mut columns = self.columns()?;
        match columns.len() {
            1 => columns.pop().ok_or_else(|| exec_datafusion_err!("there is no column")),
            _ => Ok(Arc::new(StructArray::try_new(self.fields.clone(), columns, None)?)),
        }
    }

    fn size(&self) -> usize {
        self.ranks.capacity()
            + self.places.capacity() * size_of::<Place>()
            + self.best.size()
            + self.rows.as_ref().map_or(0, Rows::size)
    }
}
