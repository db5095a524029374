//! Rows of text, a value after the other.

use std::fmt;

use castellan_kql::value::Dynamic;
use serde_json::de::IoRead;
use serde_json::value::Value as Json;

use super::super::file::{Format, failure};
use super::source::Part;
use crate::Error;

/// Takes rows.
pub(super) trait Sink {
    /// The place of a column; none where its values are not asked for.
    ///
    /// Errors: why no more columns are taken.
    fn column(&mut self, name: &str) -> Result<Option<usize>, String>;

    /// The value of a column in the row that is at hand.
    fn value(&mut self, column: usize, value: Dynamic);

    /// The row is complete; so many bytes of text were read for it, where that is known.
    fn end_row(&mut self, bytes: usize) -> Result<Next, Error>;
}

/// Whether a sink takes more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Row,
    Stop,
}

/// Gives all rows of a part to a sink.
///
/// Errors: what is no row, with its place.
pub(super) fn all(part: &Part, sink: &mut dyn Sink) -> Result<(), Error> {
    match part.source.format {
        Format::Csv => csv(part, sink),
        _ if part.source.is_array => array(part, sink),
        _ => lines(part, sink),
    }
}

/// An object a line.
fn lines(part: &Part, sink: &mut dyn Sink) -> Result<(), Error> {
    let fail = |error: &dyn fmt::Display| failure(&part.source.path, error);
    let mut lines = part.lines()?;
    let mut line = Vec::new();
    let mut is_first = true;
    while lines.next(&mut line).map_err(|error| fail(&error))? {
        let text = if is_first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line) } else { &line };
        is_first = false;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut reader = serde_json::Deserializer::from_slice(text);
        let read =
            serde::de::DeserializeSeed::deserialize(Object(sink), &mut reader).and_then(|()| reader.end());
        read.map_err(|error| fail(&format!("{}: {}", lines.place(), without_line(&error))))?;
        if sink.end_row(line.len())? == Next::Stop {
            break;
        }
    }
    Ok(())
}

/// The message of an error, whose line is always the first.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

/// One array of objects.
fn array(part: &Part, sink: &mut dyn Sink) -> Result<(), Error> {
    let mut text = part.source.text()?;
    skip_mark(&mut text).map_err(|error| failure(&part.source.path, error))?;
    let mut reader = serde_json::Deserializer::new(IoRead::new(text));
    let mut stopped = None;
    let rows = Rows { sink, stopped: &mut stopped };
    let read = serde::de::Deserializer::deserialize_seq(&mut reader, rows).and_then(|()| reader.end());
    match stopped {
        Some(told) => told,
        None => read.map_err(|error| failure(&part.source.path, error)),
    }
}

/// A byte order mark is no JSON.
fn skip_mark(text: &mut dyn std::io::BufRead) -> std::io::Result<()> {
    if text.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        text.consume(3);
    }
    Ok(())
}

/// The objects of an array.
struct Rows<'s> {
    sink: &'s mut dyn Sink,
    /// Why it ended before the array did.
    stopped: &'s mut Option<Result<(), Error>>,
}

impl<'de> serde::de::Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Object(self.sink))?.is_some() {
            let told = self.sink.end_row(0);
            if told != Ok(Next::Row) {
                *self.stopped = Some(told.map(|_| ()));
                return Err(serde::de::Error::custom("ended"));
            }
        }
        Ok(())
    }
}

/// A row.
struct Object<'s>(&'s mut dyn Sink);

impl<'de> serde::de::DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            match self.0.column(&name).map_err(serde::de::Error::custom)? {
                Some(column) => {
                    let value: Json = members.next_value()?;
                    self.0.value(column, Dynamic::from_json(&value));
                }
                None => {
                    members.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Cells below a header. A row may be short; what stands behind the last column has no name and is left out.
fn csv(part: &Part, sink: &mut dyn Sink) -> Result<(), Error> {
    let fail = |error: &dyn fmt::Display| failure(&part.source.path, error);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(part.source.text()?);
    let header = reader.byte_headers().map_err(|error| fail(&error))?.clone();
    let mut columns = Vec::new();
    for name in names(&header) {
        columns.push(sink.column(&name).map_err(|error| fail(&error))?);
    }
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| fail(&error))? {
        for (column, cell) in columns.iter().zip(&record) {
            if let Some(column) = column {
                sink.value(*column, Dynamic::String(String::from_utf8_lossy(cell).into()));
            }
        }
        if sink.end_row(record.as_slice().len() + record.len())? == Next::Stop {
            break;
        }
    }
    Ok(())
}

/// The names of a header; one that is taken gets a number behind it, as everywhere in the language.
fn names(header: &csv::ByteRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let name = String::from_utf8_lossy(name);
        let name = name.trim_start_matches('\u{feff}');
        let name = if name.is_empty() { format!("Column{}", at + 1) } else { name.to_owned() };
        let numbered = (1..).map(|number| format!("{name}{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(name));
        names.push(free.unwrap_or(name));
    }
    names
}
