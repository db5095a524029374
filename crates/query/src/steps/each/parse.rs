//! `parse` and `parse-kv`: a text that comes apart into columns.

use std::sync::Arc;

use castellan_kql::interpret::{TextReader, failure};
use castellan_kql::plan::{Field as Column, ParseMode, ParseStep};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use datafusion::arrow::compute::filter;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use regex::CaptureLocations;

use super::pattern::Pattern;
use super::slices::Slices;
use super::{Each, Piece, Pieces};
use crate::physical::Writer;
use crate::physical::dynamic::Place;

/// How a text comes apart. It follows the columns that pass through.
#[derive(Debug)]
pub(crate) struct Parse {
    kept: usize,
    is_filter: bool,
    columns: Vec<Column>,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    /// By a pattern; parts that do not fit the types of their columns are forgiven or not.
    Pattern { pattern: Pattern, is_relaxed: bool },
    /// As the plain engine does it.
    Plain(TextReader),
}

impl Parse {
    /// For the columns that come out, behind so many that pass through.
    ///
    /// Errors: a regular expression that is none.
    pub(crate) fn new(kept: usize, step: &ParseStep, columns: &[Column], is_filter: bool) -> Result<Parse> {
        let failed = |error| DataFusionError::External(Box::new(crate::Error::from(error)));
        let reader = match step {
            ParseStep::Pattern { regex, mode, .. } => {
                let pattern = Pattern::new(regex, columns.len())
                    .map_err(|error| failed(failure("invalid-regex", format!("`{regex}`: {error}"))))?;
                Reader::Pattern { pattern, is_relaxed: *mode == ParseMode::Relaxed }
            }
            _ => Reader::Plain(TextReader::new(step, columns).map_err(failed)?),
        };
        Ok(Parse { kept, is_filter, columns: columns.to_vec(), reader })
    }
}

impl Each for Parse {
    fn name(&self) -> &'static str {
        "Parse"
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn run(self: Arc<Self>, batch: RecordBatch) -> Result<Pieces> {
        let source = batch.columns().get(self.kept).and_then(|column| column.as_string_view_opt());
        let source = source.ok_or_else(|| exec_datafusion_err!("no text to parse"))?;
        let passed = batch.columns().iter().take(self.kept).cloned().collect();
        let piece = Output::new(&self, source).piece(passed)?;
        Ok(Box::new(std::iter::once(Ok(piece))))
    }
}

/// The columns of a batch while they are built.
struct Output<'a> {
    parse: &'a Parse,
    source: &'a StringViewArray,
    columns: Vec<Built<'a>>,
    /// Which rows stay, where those that do not fit are dropped.
    stays: Option<Vec<bool>>,
}

enum Built<'a> {
    String(Slices<'a>),
    Other(Writer, ScalarType),
}

impl<'a> Output<'a> {
    fn new(parse: &'a Parse, source: &'a StringViewArray) -> Output<'a> {
        let built = |column: &Column| match column.scalar_type {
            ScalarType::String => Built::String(Slices::new(source, source.len())),
            other => Built::Other(Writer::new(other, source.len()), other),
        };
        let stays = parse.is_filter.then(|| Vec::with_capacity(source.len()));
        Output { parse, source, columns: parse.columns.iter().map(built).collect(), stays }
    }

    fn piece(mut self, passed: Vec<ArrayRef>) -> Result<Piece> {
        match &self.parse.reader {
            Reader::Pattern { pattern, is_relaxed } => self.by_pattern(pattern, *is_relaxed)?,
            Reader::Plain(reader) => self.by_values(reader)?,
        }
        let mut columns = passed;
        let mut rows = self.source.len();
        if let Some(stays) = self.stays {
            let stays = BooleanArray::from(stays);
            rows = stays.true_count();
            columns = columns.iter().map(|column| Ok(filter(column, &stays)?)).collect::<Result<_>>()?;
        }
        for column in &mut self.columns {
            columns.push(match column {
                Built::String(slices) => Arc::new(slices.builder.finish()),
                Built::Other(writer, _) => writer.finish(),
            });
        }
        Ok(Piece { rows, columns })
    }

    fn text(&self, row: usize) -> &'a str {
        if self.source.is_valid(row) { self.source.value(row) } else { "" }
    }

    fn by_pattern(&mut self, pattern: &Pattern, is_relaxed: bool) -> Result<()> {
        let mut memory = pattern.memory();
        let mut cells = Cells::new(self.columns.len());
        for row in 0..self.source.len() {
            let fits = cells.read(self.text(row), pattern, memory.as_mut(), &self.columns, is_relaxed);
            if !self.fits(fits) {
                continue;
            }
            for (column, (place, value)) in
                self.columns.iter_mut().zip(cells.places.iter().zip(&cells.values))
            {
                match (column, place) {
                    (Built::String(slices), Some(place)) if fits => slices.push(row, *place)?,
                    (Built::String(slices), _) => slices.builder.try_append_value("")?,
                    (Built::Other(writer, _), _) => writer.push(if fits { value } else { &Value::Null })?,
                }
            }
        }
        Ok(())
    }

    fn by_values(&mut self, reader: &TextReader) -> Result<()> {
        for row in 0..self.source.len() {
            let read = reader.read(self.text(row));
            if !self.fits(read.is_some()) {
                continue;
            }
            let values = read.unwrap_or_else(|| reader.nothing());
            for (column, value) in self.columns.iter_mut().zip(&values) {
                match column {
                    Built::String(slices) => {
                        slices.builder.try_append_value(value.as_str().unwrap_or_default())?;
                    }
                    Built::Other(writer, _) => writer.push(value)?,
                }
            }
        }
        Ok(())
    }

    /// Notes whether a row fits; whether it comes out.
    fn fits(&mut self, fits: bool) -> bool {
        match &mut self.stays {
            Some(stays) => {
                stays.push(fits);
                fits
            }
            None => true,
        }
    }
}

/// What a text came apart into: places for strings, values for the rest.
struct Cells {
    places: Vec<Option<Place>>,
    values: Vec<Value>,
}

impl Cells {
    fn new(columns: usize) -> Cells {
        Cells { places: vec![None; columns], values: vec![Value::Null; columns] }
    }

    fn read(
        &mut self,
        text: &str,
        pattern: &Pattern,
        memory: Option<&mut CaptureLocations>,
        columns: &[Built<'_>],
        is_relaxed: bool,
    ) -> bool {
        self.places.fill(None);
        if !pattern.read(text, memory, &mut self.places) {
            return false;
        }
        for ((place, value), column) in self.places.iter().zip(&mut self.values).zip(columns) {
            let Built::Other(_, scalar_type) = column else { continue };
            let part = place.map_or("", |place| place.of(text));
            *value = converted(part, *scalar_type);
            // All columns or none, unless the mode forgives.
            if value.is_null() && !is_relaxed {
                return false;
            }
        }
        true
    }
}

fn converted(part: &str, scalar_type: ScalarType) -> Value {
    match (scalar_type, part.parse::<i64>()) {
        (ScalarType::Long, Ok(number)) => Value::Long(number),
        _ => Value::string(part).convert(scalar_type),
    }
}
