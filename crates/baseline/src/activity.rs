//! Who did what, when, and how much of it.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::plan::Field as Column;
use castellan_kql::{ScalarType, Value};

use crate::Failure;
use crate::definition::Definition;

/// The longest value, in bytes: a longer one is cut, and a digest of all of it is put behind, so that two stay two.
const LONGEST: usize = 256;

/// One activity, as the query of a definition gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Activity {
    /// When, in ticks.
    pub time: i64,
    /// Who: an id that stays.
    pub actor: Arc<str>,
    /// What of it is remembered: a value for each dimension of the definition; empty where there is none.
    pub values: Vec<Arc<str>>,
    /// How much.
    pub amount: u64,
    /// The actor for people.
    pub name: Arc<str>,
    /// Who has the same is a peer.
    pub group: Arc<str>,
    /// From where.
    pub address: Arc<str>,
    /// From which country.
    pub country: Arc<str>,
    /// On what.
    pub target: Arc<str>,
    /// The event that it is.
    pub record: Arc<str>,
}

/// Where columns of activities stand in the result of a query.
pub(crate) struct Places {
    time: usize,
    actor: usize,
    values: Vec<usize>,
    amount: Option<usize>,
    texts: [Option<usize>; 6],
}

impl Places {
    /// Errors: a column that a definition needs and its query does not give.
    pub(crate) fn of(definition: &Definition, columns: &[Column]) -> Result<Places, Failure> {
        let find = |name: &str| columns.iter().position(|column| &*column.name == name);
        let need = |name: &str| {
            find(name).ok_or_else(|| Failure::Column {
                definition: Arc::clone(&definition.id),
                column: name.to_owned(),
            })
        };
        let time = need("Time")?;
        if columns.get(time).is_none_or(|column| column.scalar_type != ScalarType::DateTime) {
            let column = "Time: datetime".to_owned();
            return Err(Failure::Column { definition: Arc::clone(&definition.id), column });
        }
        let values = definition.dimensions.iter().map(|dimension| need(&dimension.column));
        Ok(Places {
            time,
            actor: need("Actor")?,
            values: values.collect::<Result<_, _>>()?,
            amount: find("Amount"),
            texts: ["ActorName", "Group", "Address", "Country", "Target", "Record"].map(find),
        })
    }

    /// The activity of a row; `None` for one without a time.
    pub(crate) fn read(&self, row: &[Value]) -> Option<Activity> {
        let Some(Value::DateTime(time)) = row.get(self.time) else { return None };
        let at = |place: Option<usize>| text(place.and_then(|place| row.get(place)));
        let [name, group, address, country, target, record] = self.texts.map(at);
        Some(Activity {
            time: *time,
            actor: at(Some(self.actor)),
            values: self.values.iter().map(|place| at(Some(*place))).collect(),
            amount: self.amount.map_or(1, |place| amount(row.get(place))),
            name,
            group,
            address,
            country,
            target,
            record,
        })
    }
}

/// A value as text, without what surrounds it, and no longer than it may be.
fn text(value: Option<&Value>) -> Arc<str> {
    match value {
        None => "".into(),
        Some(Value::String(text)) if text.len() <= LONGEST && text.trim().len() == text.len() => {
            Arc::clone(text)
        }
        Some(Value::String(text)) => shortened(text.trim()),
        Some(other) => shortened(other.to_text().trim()),
    }
}

fn shortened(text: &str) -> Arc<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let digest = blake3::hash(text.as_bytes()).to_hex();
    let mut cut = LONGEST - 18;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let (kept, marks) = (text.get(..cut).unwrap_or_default(), digest.get(..16).unwrap_or_default());
    format!("{kept}~{marks}").into()
}

/// Amounts are whole: what is less than nothing is nothing.
fn amount(value: Option<&Value>) -> u64 {
    let number = value.and_then(Value::to_f64).unwrap_or(0.0);
    // The conversion of floating point numbers keeps within bounds, and takes what is no number for 0.
    number.round() as u64
}

/// The day of a time, counted from year 1.
pub(crate) fn day(time: i64) -> i32 {
    i32::try_from(time.div_euclid(Ticks::PER_DAY)).unwrap_or(i32::MAX)
}

/// The hour of a time, counted from year 1.
pub(crate) fn hour(time: i64) -> i64 {
    time.div_euclid(Ticks::PER_DAY / 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_stay_different() {
        let (one, other) = ("\u{e9}".repeat(300), format!("{}x", "\u{e9}".repeat(300)));
        let (one, other) = (shortened(&one), shortened(&other));
        assert!(one.len() <= LONGEST && other.len() <= LONGEST && one != other);
        assert_eq!(&*text(Some(&Value::string(" a "))), "a");
    }

    #[test]
    fn amounts_are_whole() {
        let of = |number: f64| amount(Some(&Value::Real(number)));
        assert_eq!((of(-3.0), of(f64::NAN), of(2.6), of(f64::INFINITY)), (0, 0, 3, u64::MAX));
        assert_eq!(amount(Some(&Value::Long(7))), 7);
    }
}
