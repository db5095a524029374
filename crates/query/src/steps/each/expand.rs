//! `mv-expand`: a row for each item of arrays and bags.
//!
//! Items are stretches of the text that holds them, and come out as views of the same bytes.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::{Field as Column, typed};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::slices::Slices;
use super::{Each, PIECE, Piece, Pieces};
use crate::physical::Writer;
use crate::physical::dynamic::{Item, Place, decode, items};

/// What is expanded, and how. The columns to expand follow those that pass through.
#[derive(Debug)]
pub(crate) struct Expand {
    /// How many columns pass through.
    pub(crate) kept: usize,
    /// At most so many items for each row.
    pub(crate) limit: usize,
    /// Whether a bag gives arrays of key and value instead of bags of one key.
    pub(crate) bags_as_arrays: bool,
    /// What comes out: the items of each column, then their position where it is asked for.
    pub(crate) columns: Vec<Column>,
    /// Whether the last column is the position.
    pub(crate) with_index: bool,
}

impl Each for Expand {
    fn name(&self) -> &'static str {
        "MvExpand"
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn run(self: Arc<Self>, batch: RecordBatch) -> Result<Pieces> {
        Ok(Box::new(Cursor { expand: self, batch, at: 0 }))
    }
}

/// A batch and the first of its rows that was not expanded yet.
struct Cursor {
    expand: Arc<Expand>,
    batch: RecordBatch,
    at: usize,
}

impl Iterator for Cursor {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.at >= self.batch.num_rows() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.batch.num_rows();
        }
        Some(piece)
    }
}

/// The items of one column for the rows of a piece, and for each row where they end.
#[derive(Default)]
struct Found {
    items: Vec<Item>,
    ends: Vec<usize>,
}

impl Found {
    /// Finds those of the next row; how many there are.
    fn read(&mut self, text: &str, limit: usize) -> usize {
        let before = self.items.len();
        items(text, &mut self.items);
        self.items.truncate(before.saturating_add(limit));
        self.ends.push(self.items.len());
        self.items.len() - before
    }
}

impl Cursor {
    fn piece(&mut self) -> Result<Piece> {
        let sources = self
            .batch
            .columns()
            .iter()
            .skip(self.expand.kept)
            .map(|column| {
                column.as_string_view_opt().ok_or_else(|| exec_datafusion_err!("no dynamic column"))
            })
            .collect::<Result<Vec<&StringViewArray>>>()?;
        let mut found: Vec<Found> = sources.iter().map(|_| Found::default()).collect();
        let (first, mut counts, mut rows) = (self.at, Vec::new(), 0);
        while self.at < self.batch.num_rows() && rows < PIECE {
            let mut count = 0;
            for (source, found) in sources.iter().zip(&mut found) {
                let text = if source.is_valid(self.at) { source.value(self.at) } else { "" };
                count = count.max(found.read(text, self.expand.limit));
            }
            counts.push(count);
            rows += count;
            self.at += 1;
        }
        let mut columns = self.passed(first, &counts, rows)?;
        for ((source, found), column) in sources.iter().zip(&found).zip(&self.expand.columns) {
            let output =
                Output { source, first, counts: &counts, found, bags_as_arrays: self.expand.bags_as_arrays };
            columns.push(output.array(column.scalar_type, rows)?);
        }
        if self.expand.with_index {
            let positions = counts.iter().flat_map(|count| (0_i64..).take(*count));
            columns.push(Arc::new(Int64Array::from_iter_values(positions)));
        }
        Ok(Piece { rows, columns })
    }

    /// The columns that pass through, each row as often as it has items.
    fn passed(&self, first: usize, counts: &[usize], rows: usize) -> Result<Vec<ArrayRef>> {
        let passed = self.batch.columns().iter().take(self.expand.kept);
        if counts.len() == self.batch.num_rows() && counts.iter().all(|count| *count == 1) {
            return Ok(passed.cloned().collect());
        }
        let mut positions = Vec::with_capacity(rows);
        for (row, count) in (first as u64..).zip(counts) {
            positions.extend(std::iter::repeat_n(row, *count));
        }
        let positions = UInt64Array::from(positions);
        passed.map(|column| Ok(take(column, &positions, None)?)).collect()
    }
}

/// A column of items.
struct Output<'a> {
    source: &'a StringViewArray,
    /// The row of the batch at which the piece begins.
    first: usize,
    /// The rows that come out of each row.
    counts: &'a [usize],
    found: &'a Found,
    bags_as_arrays: bool,
}

impl Output<'_> {
    fn array(&self, scalar_type: ScalarType, rows: usize) -> Result<ArrayRef> {
        match scalar_type {
            ScalarType::Dynamic => {
                let mut slices = Slices::new(self.source, rows);
                self.each(|row, item| push_dynamic(&mut slices, row, item, self.bags_as_arrays))?;
                Ok(Arc::new(slices.builder.finish()))
            }
            ScalarType::String => {
                let mut slices = Slices::new(self.source, rows);
                self.each(|row, item| push_string(&mut slices, row, item, self.bags_as_arrays))?;
                Ok(Arc::new(slices.builder.finish()))
            }
            _ => {
                let mut writer = Writer::new(scalar_type, rows);
                self.each(|row, item| {
                    let value = match text_of(self.source.value(row), item, self.bags_as_arrays) {
                        Text::Null => castellan_kql::Value::Null,
                        Text::Place(place) => decode(place.of(self.source.value(row))),
                        Text::Made(text) => decode(&text),
                    };
                    writer.push(&typed(value, scalar_type))
                })?;
                Ok(writer.finish())
            }
        }
    }

    /// Every item with its row in the batch; null where another column has more.
    fn each(&self, mut push: impl FnMut(usize, Item) -> Result<()>) -> Result<()> {
        let mut start = 0;
        for ((row, count), end) in (self.first..).zip(self.counts).zip(&self.found.ends) {
            let items = self.found.items.get(start..*end).unwrap_or_default();
            let padded = items.iter().copied().chain(std::iter::repeat(Item::Null));
            padded.take(*count).try_for_each(|item| push(row, item))?;
            start = *end;
        }
        Ok(())
    }
}

/// The text of an item.
enum Text {
    Null,
    Place(Place),
    Made(String),
}

fn text_of(text: &str, item: Item, bags_as_arrays: bool) -> Text {
    match item {
        Item::Null => Text::Null,
        Item::Value(place) => Text::Place(place),
        Item::Member { key, value } => {
            let (key, value) = (key.of(text), value.of(text));
            Text::Made(if bags_as_arrays {
                format!("[\"{key}\",{value}]")
            } else {
                format!("{{\"{key}\":{value}}}")
            })
        }
    }
}

fn push_dynamic(slices: &mut Slices<'_>, row: usize, item: Item, bags_as_arrays: bool) -> Result<()> {
    match text_of(slices.source.value(row), item, bags_as_arrays) {
        Text::Null => slices.builder.append_null(),
        Text::Place(place) => slices.push(row, place)?,
        Text::Made(text) => slices.builder.try_append_value(text)?,
    }
    Ok(())
}

fn push_string(slices: &mut Slices<'_>, row: usize, item: Item, bags_as_arrays: bool) -> Result<()> {
    let source = slices.source.value(row);
    let value = match text_of(source, item, bags_as_arrays) {
        Text::Null => return Ok(slices.builder.try_append_value("")?),
        Text::Place(place) => match between_quotes(place, source) {
            Some(inner) => return slices.push(row, inner),
            None => decode(place.of(source)),
        },
        Text::Made(text) => decode(&text),
    };
    Ok(slices.builder.try_append_value(typed(value, ScalarType::String).as_str().unwrap_or_default())?)
}

/// What is between the quotes of a string without escapes.
fn between_quotes(place: Place, text: &str) -> Option<Place> {
    let inner = place.of(text).strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = memchr::memchr2(b'"', b'\\', inner.as_bytes()).is_none();
    is_plain.then_some(Place { start: place.start + 1, end: place.end - 1 })
}
