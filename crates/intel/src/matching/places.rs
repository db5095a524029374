//! Which columns of which tables hold what.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_stix::Kind;

const BUILT_IN: &str = include_str!("../../../../content/intel/observables.csv");

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Values of a kind.
    Value(Kind),
    /// Texts in which values may stand anywhere.
    Text,
    /// Who or what an event is about.
    About(Role),
}

/// Who or what an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An account.
    Account,
    /// A host.
    Host,
    /// A resource of Azure.
    Resource,
}

/// A column and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The column.
    pub column: Arc<str>,
    /// What it holds.
    pub holds: Holds,
}

/// Columns by their tables.
#[derive(Clone, Debug, Default)]
pub struct Places {
    tables: BTreeMap<Arc<str>, Vec<Place>>,
}

impl Places {
    /// What `content/intel` holds.
    pub fn built_in() -> &'static Places {
        static PLACES: OnceLock<Places> = OnceLock::new();
        // A test reads it to its end; there is nothing to report.
        PLACES.get_or_init(|| Places::read(BUILT_IN).unwrap_or_default())
    }

    /// Reads lines of `table,column,kind` under a header.
    ///
    /// Errors: a line of another form, with its number.
    pub fn read(text: &str) -> Result<Places, String> {
        let mut tables: BTreeMap<Arc<str>, Vec<Place>> = BTreeMap::new();
        for (number, record) in csv::Reader::from_reader(text.as_bytes()).records().enumerate() {
            let line = number + 2;
            let record = record.map_err(|error| format!("line {line}: {error}"))?;
            let (Some(table), Some(column), Some(kind)) = (record.get(0), record.get(1), record.get(2))
            else {
                return Err(format!("line {line}: it is not `table,column,kind`"));
            };
            let holds = holds(kind).ok_or_else(|| format!("line {line}: `{kind}` is no kind"))?;
            let place = Place { column: column.into(), holds };
            let own = tables.entry(table.into()).or_default();
            if own.contains(&place) {
                return Err(format!("line {line}: it stands there twice"));
            }
            own.push(place);
        }
        Ok(Places { tables })
    }

    /// The columns of a table; none where nothing of it is known.
    pub fn of(&self, table: &str) -> &[Place] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tables.keys()
    }

    /// Those columns of a table that it has in fact, as far as they can be read.
    pub fn within(&self, table: &str, columns: &[Column]) -> Vec<Place> {
        let is_there = |place: &&Place| {
            columns.iter().any(|column| {
                column.name == place.column
                    && matches!(column.scalar_type, ScalarType::String | ScalarType::Dynamic)
            })
        };
        self.of(table).iter().filter(is_there).cloned().collect()
    }
}

fn holds(name: &str) -> Option<Holds> {
    Some(match name {
        "text" => Holds::Text,
        "account" => Holds::About(Role::Account),
        "host" => Holds::About(Role::Host),
        "resource" => Holds::About(Role::Resource),
        other => Holds::Value(Kind::named(other)?),
    })
}
