//! What the lake itself says about rows: when they came, from where, what they are.

use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};

use crate::delta::MICROS_OF_DAY;
use crate::schema::{RECEIVED, TIME};

/// Where rows come from, and when they came.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// When they were taken in, in microseconds since 1970.
    pub received: i64,
    /// The resource that sent them, where rows do not say one.
    pub resource: Option<Arc<str>>,
    /// Whether times far from now are kept, as for logs of the past that are read from files. Otherwise a
    /// `TimeGenerated` more than two days old or more than a day ahead becomes the time of receipt.
    /// Source: Azure Monitor, standard columns.
    pub keeps_times: bool,
    /// Bytes of a text or a nested value beyond which it is cut, at a character; never when `None`.
    pub longest: Option<usize>,
}

impl Origin {
    /// `TimeGenerated` of rows: what they say, or when they came. Gives how many were too far away.
    pub(super) fn times(&self, given: Option<&ArrayRef>, rows: usize) -> (ArrayRef, usize) {
        let Some(given) = given.and_then(|given| given.as_primitive_opt::<TimestampMicrosecondType>()) else {
            return (same_time(self.received, rows), 0);
        };
        let (first, last) =
            (self.received.saturating_sub(2 * MICROS_OF_DAY), self.received.saturating_add(MICROS_OF_DAY));
        let is_near = |time: i64| self.keeps_times || (first..=last).contains(&time);
        if given.null_count() == 0 && given.values().iter().all(|time| is_near(*time)) {
            return (Arc::new(given.clone()), 0);
        }
        let far = given.iter().flatten().filter(|time| !is_near(*time)).count();
        let times = given.iter().map(|time| time.filter(|time| is_near(*time)).unwrap_or(self.received));
        (Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")), far)
    }
}

/// A column that holds the same text in every row.
pub(super) fn same_text(text: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
}

/// A column that holds the same time in every row, in microseconds since 1970.
fn same_time(micros: i64, rows: usize) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_value(micros, rows).with_timezone("UTC"))
}

/// The value that a column has in rows which do not say one.
///
/// It is worked out when rows are read or written to files, so that it takes no memory before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults<'d> {
    /// The name of the table.
    pub(crate) table: &'d str,
    /// The id of the workspace.
    pub(crate) tenant: &'d str,
    /// When the rows were taken in.
    pub(crate) received: i64,
}

impl Defaults<'_> {
    /// The column for so many rows, as its field in a file has it.
    pub(crate) fn column(&self, name: &str, data_type: &DataType, rows: usize) -> ArrayRef {
        let text = |text: &str| -> ArrayRef {
            // A table may declare one of these columns with another type: then it stays empty.
            cast(&same_text(text, rows), data_type).unwrap_or_else(|_| new_null_array(data_type, rows))
        };
        match name {
            "Type" => text(self.table),
            "TenantId" => text(self.tenant),
            "_IsBillable" => text("true"),
            RECEIVED | TIME if matches!(data_type, DataType::Timestamp(..)) => same_time(self.received, rows),
            _ => new_null_array(data_type, rows),
        }
    }
}

/// Whether the lake alone says what a column holds; what senders say is not kept.
pub(super) fn is_reserved(name: &str, scalar_type: ScalarType) -> bool {
    match name {
        "Type" | "TenantId" | "_IsBillable" => scalar_type == ScalarType::String,
        "_BilledSize" => scalar_type == ScalarType::Real,
        RECEIVED => scalar_type == ScalarType::DateTime,
        _ => false,
    }
}

/// As much of a text as so many bytes hold, without half a character.
pub(super) fn cut(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text)
}

/// The position of a column.
pub(super) fn position(schema: &SchemaRef, name: &str) -> Option<usize> {
    schema.index_of(name).ok()
}

/// The subscription of a resource id, as `_SubscriptionId` has it.
pub(super) fn subscription(resource: &str) -> Option<&str> {
    let mut parts = resource.split('/').filter(|part| !part.is_empty());
    let (first, second) = (parts.next()?, parts.next()?);
    first.eq_ignore_ascii_case("subscriptions").then_some(second)
}
