//! `schema_merge`: several schemas, as `getschema` gives them, in one.

use indexmap::IndexMap;

use super::{Call, long};
use crate::bind::dotnet_name;
use crate::interpret::{Result, Row};
use crate::value::{ScalarType, Value};

/// What the schemas say of a column.
struct Column {
    first: i64,
    /// The highest position, which decides on the order.
    last: i64,
    is_moved: bool,
    scalar_type: Merged,
}

/// The type of a column in all schemas.
#[derive(Clone)]
enum Merged {
    /// A type that all have or become.
    Common(ScalarType),
    /// Types that have nothing in common.
    Apart(Vec<String>),
}

impl Merged {
    fn of(word: &str) -> Merged {
        ScalarType::named(word).map_or_else(|| Merged::Apart(vec![word.to_owned()]), Merged::Common)
    }

    fn with(&self, word: &str) -> Merged {
        let found = ScalarType::named(word);
        match self {
            Merged::Common(known) => match found.and_then(|found| common(*known, found)) {
                Some(common) => Merged::Common(common),
                None => Merged::Apart(vec![known.name().to_owned(), word.to_owned()]),
            },
            Merged::Apart(types) => {
                let fresh = (!types.iter().any(|known| known == word)).then(|| word.to_owned());
                Merged::Apart(types.iter().cloned().chain(fresh).collect())
            }
        }
    }
}

/// The type that values of two types have together: a wider number.
fn common(left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    use ScalarType::{Int, Long, Real};
    match (left, right) {
        _ if left == right => Some(left),
        (Int, Long) | (Long, Int) => Some(Long),
        (Int | Long, Real) | (Real, Int | Long) => Some(Real),
        _ => None,
    }
}

pub(super) fn rows(call: &Call<'_, '_>, rows: &[Row]) -> Result<Vec<Row>> {
    let keeps_order = call.constant("PreserveOrder")? != Some(Value::Bool(false));
    let cell = |row: &Row, name: &str| {
        call.input.position(name).and_then(|at| row.get(at)).cloned().unwrap_or_default()
    };
    let mut columns: IndexMap<String, Column> = IndexMap::new();
    for row in rows {
        let name = cell(row, "ColumnName").to_text();
        let ordinal = cell(row, "ColumnOrdinal").to_i64().unwrap_or(0);
        let word = cell(row, "ColumnType").to_text();
        let fresh = Column { first: ordinal, last: ordinal, is_moved: false, scalar_type: Merged::of(&word) };
        let more = |known: &mut Column| {
            known.last = known.last.max(ordinal);
            known.is_moved |= known.first != ordinal;
            known.scalar_type = known.scalar_type.with(&word);
        };
        columns.entry(name).and_modify(more).or_insert(fresh);
    }
    columns.sort_by(|_, left, _, right| (left.last, left.first).cmp(&(right.last, right.first)));
    let mut next = 0;
    let row = |(name, column): (String, Column)| -> Row {
        let (ordinal, types) = match column.scalar_type {
            _ if keeps_order && column.is_moved => (None, Err("columns are out of order".to_owned())),
            Merged::Common(scalar_type) => (Some(next), Ok(scalar_type)),
            Merged::Apart(types) => (Some(next), Err(format!("no common type: {}", types.join(", ")))),
        };
        next += usize::from(ordinal.is_some());
        let (data_type, word) = match types {
            Ok(scalar_type) => (dotnet_name(scalar_type).to_owned(), scalar_type.name().to_owned()),
            Err(reason) => (format!("ERROR(unknown CSL type:ERROR({reason}))"), format!("ERROR({reason})")),
        };
        let ordinal = ordinal.map_or(Value::Long(-1), long);
        vec![Value::string(name), ordinal, Value::string(data_type), Value::string(word)]
    };
    Ok(columns.into_iter().map(row).collect())
}
