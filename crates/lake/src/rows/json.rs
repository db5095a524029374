//! Rows as JSON objects.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::parse_datetime;
use datafusion::arrow::array::{ArrayRef, Float64Array};

use super::column::{ColumnBuilder, Fit};
use super::scan::{Fault, Scanner, Value, unescaped};
use super::{Misfit, MisfitReason, Origin, Rows, assemble};
use crate::Error;
use crate::schema::TableSchema;

/// How rows stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An array of objects, or one object. A fault anywhere refuses all of it.
    Array,
    /// An object a line. A faulty line refuses that line alone.
    Lines,
}

/// A row that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which line or item, from 1.
    pub row: usize,
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// Reads rows.
///
/// Errors: text in the form of an array that is none, with its place.
pub(super) fn read(schema: &TableSchema, text: &[u8], form: Form, origin: &Origin) -> Result<Rows, Error> {
    let mut reader = Reader::new(schema, origin.longest.unwrap_or(usize::MAX));
    let refused = objects(text, form, &mut |fields, size| reader.row(fields, size))?;
    reader.finish(refused, origin)
}

/// A member of an object: its name, whether that is escaped, and its value.
type Member<'t> = (&'t str, bool, Value<'t>);

/// Calls `row` with the members of each object and its size in bytes. Gives what was refused.
fn objects<'t>(
    text: &'t [u8],
    form: Form,
    row: &mut dyn FnMut(&[Member<'t>], usize),
) -> Result<Vec<Refused>, Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match form {
        Form::Array => array(text, row).map(|()| Vec::new()),
        Form::Lines => Ok(lines(text, row)),
    }
}

fn array<'t>(text: &'t [u8], row: &mut dyn FnMut(&[Member<'t>], usize)) -> Result<(), Error> {
    let wrong =
        |row: usize, fault: Fault| Error::Rows { row, offset: fault.offset, reason: fault.reason.to_owned() };
    let text = std::str::from_utf8(text).map_err(|error| Error::Rows {
        row: 0,
        offset: error.valid_up_to(),
        reason: "the text is not UTF-8".to_owned(),
    })?;
    let (mut scanner, mut fields, mut count) = (Scanner::new(text), Vec::new(), 1);
    let mut read = |scanner: &mut Scanner<'t>, count: &mut usize| {
        let start = scanner.place();
        members(scanner, &mut fields)?;
        row(&fields, scanner.place() - start);
        *count += 1;
        Ok(())
    };
    scanner.blank();
    let read = if scanner.took(b'[') {
        scanner.items(b']', |scanner| read(scanner, &mut count))
    } else {
        read(&mut scanner, &mut count)
    };
    read.map_err(|fault| wrong(count, fault))?;
    scanner.blank();
    if scanner.is_at_end() {
        Ok(())
    } else {
        Err(wrong(count, scanner.fault("nothing may follow behind the rows")))
    }
}

fn lines<'t>(text: &'t [u8], row: &mut dyn FnMut(&[Member<'t>], usize)) -> Vec<Refused> {
    let (mut fields, mut refused, mut start) = (Vec::new(), Vec::new(), 0);
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let offset = start;
        start += line.len() + 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = std::str::from_utf8(line)
            .map_err(|error| Fault { offset: error.valid_up_to(), reason: "the line is not UTF-8" })
            .and_then(|line| {
                let mut scanner = Scanner::new(line);
                scanner.blank();
                members(&mut scanner, &mut fields)?;
                scanner.blank();
                if scanner.is_at_end() { Ok(()) } else { Err(scanner.fault("one object a line is expected")) }
            });
        match read {
            Ok(()) => row(&fields, line.len()),
            Err(fault) => {
                refused.push(Refused { row: at + 1, offset: offset + fault.offset, reason: fault.reason });
            }
        }
    }
    refused
}

fn members<'t>(scanner: &mut Scanner<'t>, fields: &mut Vec<Member<'t>>) -> Result<(), Fault> {
    fields.clear();
    scanner.take(b'{', "an object is expected for each row")?;
    scanner.items(b'}', |scanner| {
        let (name, has_escapes) = scanner.string()?;
        scanner.blank();
        scanner.take(b':', "a colon is expected behind the name")?;
        scanner.blank();
        fields.push((name, has_escapes, scanner.value()?));
        Ok(())
    })
}

/// Reads objects into columns.
struct Reader<'s> {
    schema: &'s TableSchema,
    /// Bytes of a value beyond which it is cut.
    longest: usize,
    names: HashMap<&'s str, usize, foldhash::fast::FixedState>,
    /// Names that are no column's, and the column that they are another case of.
    others: HashMap<String, Option<usize>>,
    builders: Vec<Option<ColumnBuilder>>,
    /// The columns of the last row, in its order: the next has mostly the same.
    order: Vec<usize>,
    rows: usize,
    sizes: Vec<f64>,
    misfits: BTreeMap<(String, u8), (usize, MisfitReason)>,
}

impl<'s> Reader<'s> {
    fn new(schema: &'s TableSchema, longest: usize) -> Reader<'s> {
        let names = schema.columns().iter().enumerate().map(|(at, column)| (&*column.name, at));
        Reader {
            schema,
            longest,
            names: names.collect(),
            others: HashMap::new(),
            builders: schema.columns().iter().map(|_| None).collect(),
            order: Vec::new(),
            rows: 0,
            sizes: Vec::new(),
            misfits: BTreeMap::new(),
        }
    }

    fn row(&mut self, fields: &[Member<'_>], size: usize) {
        for (place, (name, has_escapes, value)) in fields.iter().enumerate() {
            let owned = if *has_escapes { Some(unescaped(name)) } else { None };
            let name = owned.as_deref().unwrap_or(name);
            match self.column(place, name) {
                Some(at) => self.value(at, *value),
                None => self.misfit(name, MisfitReason::NoColumn),
            }
        }
        self.rows += 1;
        #[expect(clippy::cast_precision_loss, reason = "a row has far less than 2^53 bytes")]
        self.sizes.push(size as f64);
    }

    fn column(&mut self, place: usize, name: &str) -> Option<usize> {
        if let Some(at) = self.order.get(place)
            && self.schema.columns().get(*at).is_some_and(|column| &*column.name == name)
        {
            return Some(*at);
        }
        let at = self.names.get(name).copied().or_else(|| self.otherwise(name))?;
        self.order.truncate(place);
        if self.order.len() == place {
            self.order.push(at);
        }
        Some(at)
    }

    /// The column of a name in another case, or none; asked once for each name.
    fn otherwise(&mut self, name: &str) -> Option<usize> {
        /// Names come from outside and may be many.
        const MOST: usize = 10_000;
        if let Some(known) = self.others.get(name) {
            return *known;
        }
        let place = self.schema.place(name).filter(|_| !self.schema.is_stream());
        if self.others.len() < MOST {
            self.others.insert(name.to_owned(), place);
        }
        place
    }

    fn value(&mut self, at: usize, value: Value<'_>) {
        let (Some(column), Some(builder)) = (self.schema.columns().get(at), self.builders.get_mut(at)) else {
            return;
        };
        let is_reserved =
            !self.schema.is_stream() && super::standard::is_reserved(&column.name, column.scalar_type);
        if value == Value::Null || is_reserved {
            return;
        }
        let shorter = shortened(value, self.longest);
        let value = shorter.as_deref().map_or(value, |text| Value::String(text, true));
        let builder = builder.get_or_insert_with(|| ColumnBuilder::new(column.scalar_type));
        if builder.rows() > self.rows {
            return self.misfit(&column.name, MisfitReason::Twice);
        }
        builder.pad(self.rows);
        if builder.push(value) == Fit::No {
            self.misfit(&column.name, MisfitReason::WrongType);
        } else if shorter.is_some() {
            self.misfit(&column.name, MisfitReason::Cut);
        }
    }

    fn misfit(&mut self, column: &str, reason: MisfitReason) {
        /// Names come from outside and may be many.
        const MOST: usize = 1_000;
        let key = (column.chars().take(256).collect::<String>(), reason as u8);
        if self.misfits.len() < MOST || self.misfits.contains_key(&key) {
            self.misfits.entry(key).or_insert((0, reason)).0 += 1;
        }
    }

    fn finish(self, refused: Vec<Refused>, origin: &Origin) -> Result<Rows, Error> {
        let rows = self.rows;
        let columns = self.builders.into_iter().map(|builder| builder.map(|builder| builder.finish(rows)));
        let mut columns: Vec<Option<ArrayRef>> = columns.collect();
        if let Some(at) = super::standard::position(self.schema.arrow(), "_BilledSize")
            && let Some(column) = columns.get_mut(at)
        {
            *column = Some(Arc::new(Float64Array::from(self.sizes)));
        }
        let misfits = self.misfits.into_iter();
        let misfits =
            misfits.map(|((column, _), (count, reason))| Misfit { column, count, reason }).collect();
        assemble(self.schema, columns, rows, misfits, refused, origin)
    }
}

/// What is left of a text or a nested value that is too long, as it would stand between quotes.
fn shortened(value: Value<'_>, longest: usize) -> Option<String> {
    let text = match value {
        // An escape is never shorter than what it stands for.
        Value::String(raw, _) | Value::Nested(raw) if raw.len() <= longest => return None,
        Value::String(raw, true) => Cow::Owned(unescaped(raw)),
        Value::String(raw, false) | Value::Nested(raw) => Cow::Borrowed(raw),
        _ => return None,
    };
    if text.len() <= longest {
        return None;
    }
    let quoted = serde_json::Value::from(super::standard::cut(&text, longest)).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).map(str::to_owned)
}

/// The columns that rows have beyond those of a table, with the types that their values have.
///
/// Errors: as [`super::from_json`].
pub(super) fn further(schema: &TableSchema, text: &[u8], form: Form) -> Result<Vec<Column>, Error> {
    let mut found: BTreeMap<String, Option<ScalarType>> = BTreeMap::new();
    let mut spelled: HashMap<String, String> = HashMap::new();
    objects(text, form, &mut |fields, _| {
        for (name, has_escapes, value) in fields {
            let name = if *has_escapes { unescaped(name) } else { (*name).to_owned() };
            if schema.place(&name).is_none() && found.len() <= crate::schema::MAX_COLUMNS {
                // Names that differ in case alone are one column.
                let first = spelled.entry(name.to_ascii_lowercase()).or_insert(name);
                let known = found.entry(first.clone()).or_insert(None);
                *known = wider(*known, type_of(*value));
            }
        }
    })?;
    Ok(found
        .into_iter()
        .map(|(name, found)| Column::new(name, found.unwrap_or(ScalarType::String)))
        .collect())
}

fn type_of(value: Value<'_>) -> Option<ScalarType> {
    Some(match value {
        Value::Null | Value::String("", _) => return None,
        Value::Bool(_) => ScalarType::Bool,
        Value::Number(text) if text.parse::<i64>().is_ok() => ScalarType::Long,
        Value::Number(_) => ScalarType::Real,
        Value::Nested(_) => ScalarType::Dynamic,
        Value::String(text, false) if text.contains('T') && parse_datetime(text).is_some() => {
            ScalarType::DateTime
        }
        Value::String(..) => ScalarType::String,
    })
}

/// The type that has a place for both.
fn wider(known: Option<ScalarType>, next: Option<ScalarType>) -> Option<ScalarType> {
    let (Some(known), Some(next)) = (known, next) else { return known.or(next) };
    Some(match (known, next) {
        (known, next) if known == next => known,
        (ScalarType::Long | ScalarType::Real, ScalarType::Long | ScalarType::Real) => ScalarType::Real,
        (ScalarType::Dynamic, _) | (_, ScalarType::Dynamic) => ScalarType::Dynamic,
        _ => ScalarType::String,
    })
}
