//! Rows become columns: each row names its cells, and the first one makes the schema.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

/// One value of a row, by its KQL type.
pub(super) enum Cell<'a> {
    /// `datetime`: microseconds since 1970.
    Time(i64),
    /// `string`
    Text(&'a str),
    /// `dynamic`: JSON text. The field says so in its metadata, since Arrow has no such type.
    Dynamic(&'a str),
    /// `long`
    Long(i64),
    /// `long` that may be null.
    MaybeLong(Option<i64>),
    /// `int`
    Int(i32),
    /// `real`
    Real(f64),
    /// `bool`
    Flag(bool),
}

/// The key and value that mark a column of JSON text as `dynamic`.
const DYNAMIC: (&str, &str) = ("castellan:type", "dynamic");

enum Builder {
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Long(Int64Builder),
    Int(Int32Builder),
    Real(Float64Builder),
    Flag(BooleanBuilder),
}

struct Column {
    name: &'static str,
    field: Field,
    builder: Builder,
}

/// Rows that were pushed and not yet taken.
#[derive(Default)]
pub(super) struct Rows {
    columns: Vec<Column>,
    length: usize,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends a row, which has to have the columns of the first one in the same order.
    pub(super) fn push(&mut self, row: &[(&'static str, Cell<'_>)]) -> Result<()> {
        if self.columns.is_empty() {
            self.columns = row.iter().map(|(name, cell)| Column::new(name, cell)).collect();
        }
        if self.columns.len() != row.len() {
            bail!("a row of {} cells in a table of {} columns", row.len(), self.columns.len());
        }
        for (column, (name, cell)) in self.columns.iter_mut().zip(row) {
            if column.name != *name {
                bail!("column `{name}` where `{}` was expected", column.name);
            }
            column.push(cell)?;
        }
        self.length += 1;
        Ok(())
    }

    /// What was pushed since the last time.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        self.length = 0;
        let fields: Vec<Field> = self.columns.iter().map(|column| column.field.clone()).collect();
        let arrays = self.columns.iter_mut().map(Column::take).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).context("columns do not fit the schema")
    }
}

impl Column {
    fn new(name: &'static str, cell: &Cell<'_>) -> Self {
        let (data_type, builder) = match cell {
            Cell::Time(_) => (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ),
            Cell::Text(_) | Cell::Dynamic(_) => (DataType::Utf8, Builder::Text(StringBuilder::new())),
            Cell::Long(_) | Cell::MaybeLong(_) => (DataType::Int64, Builder::Long(Int64Builder::new())),
            Cell::Int(_) => (DataType::Int32, Builder::Int(Int32Builder::new())),
            Cell::Real(_) => (DataType::Float64, Builder::Real(Float64Builder::new())),
            Cell::Flag(_) => (DataType::Boolean, Builder::Flag(BooleanBuilder::new())),
        };
        let mut field = Field::new(name, data_type, matches!(cell, Cell::MaybeLong(_)));
        if matches!(cell, Cell::Dynamic(_)) {
            let (key, value) = DYNAMIC;
            field = field.with_metadata(HashMap::from([(key.to_owned(), value.to_owned())]));
        }
        Self { name, field, builder }
    }

    fn push(&mut self, cell: &Cell<'_>) -> Result<()> {
        match (&mut self.builder, cell) {
            (Builder::Time(builder), Cell::Time(at)) => builder.append_value(*at),
            (Builder::Text(builder), Cell::Text(text) | Cell::Dynamic(text)) => builder.append_value(text),
            (Builder::Long(builder), Cell::Long(number)) => builder.append_value(*number),
            (Builder::Long(builder), Cell::MaybeLong(number)) => builder.append_option(*number),
            (Builder::Int(builder), Cell::Int(number)) => builder.append_value(*number),
            (Builder::Real(builder), Cell::Real(number)) => builder.append_value(*number),
            (Builder::Flag(builder), Cell::Flag(flag)) => builder.append_value(*flag),
            _ => bail!("column `{}` changed its type", self.name),
        }
        Ok(())
    }

    fn take(&mut self) -> ArrayRef {
        match &mut self.builder {
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Long(builder) => Arc::new(builder.finish()),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Real(builder) => Arc::new(builder.finish()),
            Builder::Flag(builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_does_not_fit_is_refused() {
        let mut rows = Rows::default();
        rows.push(&[("A", Cell::Int(1)), ("B", Cell::Text("x"))]).unwrap();
        assert!(rows.push(&[("A", Cell::Int(1))]).is_err());
        assert!(rows.push(&[("A", Cell::Int(1)), ("C", Cell::Text("x"))]).is_err());
        assert!(rows.push(&[("A", Cell::Int(1)), ("B", Cell::Int(1))]).is_err());
    }
}
