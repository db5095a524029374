//! Which columns a table has, and how their values lie in batches and files.
//!
//! | type of the language | Arrow, Parquet, Delta | why |
//! |---|---|---|
//! | bool, int, long, real | boolean, integer, long, double | the same thing |
//! | string | string; the empty text is null | the language has no null string, and nulls cost nothing |
//! | datetime | timestamp in UTC, microseconds | what every reader of Delta Lake knows; the seventh digit is cut off when a row is taken in |
//! | timespan | long, ticks of 100 ns | Delta Lake has no durations |
//! | guid | string, 8-4-4-4-12 in lower case | Delta Lake has no guids |
//! | decimal | string, normalized digits | 34 floating digits fit no decimal |
//! | dynamic | string, JSON | |
//!
//! The metadata of a field says the type of the language, in batches and in Delta's own schema alike.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use castellan_query::physical::TYPE_KEY;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::Error;

/// The column that says when a row was taken in; `ingestion_time()` gives it.
pub const RECEIVED: &str = "_TimeReceived";
/// The column that says when the event happened.
pub const TIME: &str = "TimeGenerated";
/// Longest name of a table or a column. Source: Azure Monitor, limits of custom logs.
const MAX_NAME: usize = 45;
/// Most columns of a table. Source: Azure Monitor, limits of custom logs.
pub const MAX_COLUMNS: usize = 500;

/// Columns that every table has, whatever declares it. Source: Azure Monitor, standard columns.
const STANDARD: [(&str, ScalarType); 5] = [
    (TIME, ScalarType::DateTime),
    ("TenantId", ScalarType::String),
    ("Type", ScalarType::String),
    ("_ResourceId", ScalarType::String),
    (RECEIVED, ScalarType::DateTime),
];

/// The columns of a table.
#[derive(Clone, Debug)]
pub struct TableSchema {
    name: Arc<str>,
    columns: Arc<[Column]>,
    arrow: SchemaRef,
    /// As the query engine is given them, made when it is first asked for: each row that a follower hears of comes with it.
    queried: Arc<OnceLock<SchemaRef>>,
    is_open: bool,
    is_stream: bool,
}

impl TableSchema {
    /// A table that content declares: one of Azure Monitor's, Defender's or ours.
    pub fn declared(name: &str) -> Option<TableSchema> {
        let table = Catalog::built_in().table(name)?;
        // Azure Monitor has columns that differ in the case of letters alone (`clientIp_s`, `clientIP_s`), Delta Lake has
        // not: the first takes the values of both.
        let mut seen = HashSet::new();
        let own = table.columns().list.iter().filter(|column| seen.insert(column.name.to_ascii_lowercase()));
        let columns = own.map(|column| Column::new(&*column.name, column.scalar_type)).collect();
        Some(TableSchema::new(table.name(), columns, table.columns().is_open))
    }

    /// A table of a user's own.
    ///
    /// Errors: names that Azure Monitor does not allow either, columns twice, too many of them.
    pub fn custom(name: &str, columns: Vec<Column>) -> Result<TableSchema, Error> {
        let wrong = |reason: String| Error::Definition { table: name.to_owned(), reason };
        if !name.ends_with("_CL") {
            return Err(wrong("the name of a custom table ends in `_CL`".to_owned()));
        }
        checked_name(name).map_err(wrong)?;
        check_columns(name, &columns)?;
        Ok(TableSchema::new(name, columns, false))
    }

    /// What comes in, before it is transformed into rows of a table: the columns are these alone, and what they hold
    /// is as it came.
    ///
    /// Errors: names of columns that are not allowed, columns twice, too many of them.
    pub fn stream(name: &str, columns: Vec<Column>) -> Result<TableSchema, Error> {
        check_columns(name, &columns)?;
        let fields: Vec<Field> = columns.iter().map(field).collect();
        Ok(TableSchema {
            name: name.into(),
            arrow: Arc::new(Schema::new(fields)),
            queried: Arc::default(),
            columns: columns.into(),
            is_open: false,
            is_stream: true,
        })
    }

    pub(crate) fn new(name: &str, mut columns: Vec<Column>, is_open: bool) -> TableSchema {
        for (standard, scalar_type) in STANDARD {
            if !columns.iter().any(|column| &*column.name == standard) {
                columns.push(Column::new(standard, scalar_type));
            }
        }
        let fields: Vec<Field> = columns.iter().map(field).collect();
        TableSchema {
            name: name.into(),
            arrow: Arc::new(Schema::new(fields)),
            queried: Arc::default(),
            columns: columns.into(),
            is_open,
            is_stream: false,
        }
    }

    /// The name of the table.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its columns, the standard ones included.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column: of its name, or where there is none of its name in another case, since Delta Lake does not
    /// tell these apart.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let other = || self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        self.columns.iter().position(|column| &*column.name == name).or_else(other)
    }

    /// The columns as they lie in batches in memory and in files.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The columns as the query engine is given them: it has texts as views. The same for all copies of this.
    pub(crate) fn queried(&self) -> &SchemaRef {
        self.queried.get_or_init(|| {
            let fields = self.arrow.fields().iter().map(|field| match field.data_type() {
                DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
                _ => Arc::clone(field),
            });
            Arc::new(Schema::new(fields.collect::<Vec<Arc<Field>>>()))
        })
    }

    /// Whether rows may bring further columns, which are then added.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether this is what comes in, and no table.
    pub(crate) fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// The same with further columns; `None` when all are there already.
    ///
    /// Errors: a column that is there with another type, a name that is not allowed, too many columns.
    pub fn with(&self, more: &[Column]) -> Result<Option<TableSchema>, Error> {
        let mut added: Vec<Column> = Vec::new();
        for column in more {
            match self.columns.iter().chain(&added).find(|known| known.name == column.name) {
                Some(known) if known.scalar_type == column.scalar_type => {}
                Some(known) => {
                    return Err(Error::TypeChanged {
                        table: self.name.to_string(),
                        column: column.name.to_string(),
                        has: known.scalar_type.name(),
                        wanted: column.scalar_type.name(),
                    });
                }
                None => added.push(column.clone()),
            }
        }
        if added.is_empty() {
            return Ok(None);
        }
        let columns: Vec<Column> = self.columns.iter().cloned().chain(added.iter().cloned()).collect();
        check_columns(&self.name, &added)?;
        if columns.len() > MAX_COLUMNS {
            return Err(too_many(&self.name, columns.len()));
        }
        Ok(Some(TableSchema::new(&self.name, columns, self.is_open)))
    }
}

fn too_many(table: &str, count: usize) -> Error {
    let reason = format!("{count} columns; a table has at most {MAX_COLUMNS}");
    Error::Definition { table: table.to_owned(), reason }
}

fn check_columns(table: &str, columns: &[Column]) -> Result<(), Error> {
    let wrong = |reason: String| Error::Definition { table: table.to_owned(), reason };
    if columns.len() > MAX_COLUMNS {
        return Err(too_many(table, columns.len()));
    }
    let mut seen: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        checked_name(&column.name).map_err(wrong)?;
        // Delta Lake tells columns apart without regard to case.
        let lower = column.name.to_ascii_lowercase();
        if seen.contains(&lower) {
            return Err(wrong(format!("the column `{}` stands there twice", column.name)));
        }
        seen.push(lower);
    }
    Ok(())
}

/// Errors: what is wrong with a name.
fn checked_name(name: &str) -> Result<(), String> {
    let is_right = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins && name.chars().all(is_right) && name.len() <= MAX_NAME {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name: it begins with a letter, has letters, digits and underscores, and at most {MAX_NAME} of them",
        name.chars().take(2 * MAX_NAME).collect::<String>()
    ))
}

/// The Arrow type that values of a type have.
pub fn data_type(scalar_type: ScalarType) -> DataType {
    match scalar_type {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ScalarType::String | ScalarType::Decimal | ScalarType::Guid | ScalarType::Dynamic => DataType::Utf8,
    }
}

/// The field of a column.
pub(crate) fn field(column: &Column) -> Field {
    let metadata = HashMap::from([(TYPE_KEY.to_owned(), column.scalar_type.name().to_owned())]);
    Field::new(&*column.name, data_type(column.scalar_type), true).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_tables_have_the_standard_columns() {
        let Some(schema) = TableSchema::declared("SigninLogs") else { unreachable!() };
        assert_eq!(schema.columns().iter().filter(|column| &*column.name == TIME).count(), 1);
        assert!(schema.columns().iter().any(|column| &*column.name == RECEIVED));
        assert!(TableSchema::declared("NoSuchTable").is_none());
    }

    #[test]
    fn a_schema_grows_and_never_changes() -> Result<(), Error> {
        let schema = TableSchema::custom("App_CL", vec![Column::new("Count", ScalarType::Long)])?;
        let wider = schema.with(&[Column::new("User", ScalarType::String)])?;
        assert_eq!(wider.map(|wider| wider.columns().len()), Some(schema.columns().len() + 1));
        assert!(schema.with(&[Column::new("Count", ScalarType::Long)])?.is_none());
        let changed = schema.with(&[Column::new("Count", ScalarType::String)]);
        assert!(matches!(changed, Err(Error::TypeChanged { has: "long", wanted: "string", .. })));
        Ok(())
    }

    #[test]
    fn names_are_checked() {
        assert!(TableSchema::custom("App", Vec::new()).is_err());
        assert!(TableSchema::custom("../x_CL", Vec::new()).is_err());
        assert!(TableSchema::custom(&format!("{}_CL", "x".repeat(60)), Vec::new()).is_err());
        let twice = vec![Column::new("a", ScalarType::Long), Column::new("A", ScalarType::Long)];
        assert!(TableSchema::custom("App_CL", twice).is_err());
    }
}
