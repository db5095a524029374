//! Watchlists: tables of one's own that rules look things up in, by an alias.
//!
//! A watchlist is a CSV file with a line of names. `_GetWatchlist("alias")` gives its columns, all of them texts, with
//! `SearchKey`, `_DTItemId` and `LastUpdatedTimeUTC`; `_GetWatchlistAlias` gives the aliases. There is no bound on how many items
//! or how many changes there are but [`MAX_FILE`]. Source: Microsoft Sentinel documentation, "Build queries with watchlists".
//!
//! ```
//! use castellan_base::Ticks;
//! use castellan_detect::watchlist::{Watchlist, Watchlists};
//! use castellan_query::{Engine, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "Account,Team\nann@contoso.com,red\nbob@contoso.com,blue\n";
//! let mut watchlists = Watchlists::default();
//! watchlists.add(Watchlist::read_csv("vips", Some("Account"), text, "2026-11-21".parse()?)?);
//! let mut engine = Engine::new(Settings::default());
//! watchlists.add_to(&mut engine)?;
//! let answers = engine.query("_GetWatchlist('vips') | where SearchKey == 'ann@contoso.com' | project Team").await?;
//! assert_eq!(answers.answers[0].values()?[0][0].as_str(), Some("red"));
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use castellan_base::{System, Ticks};
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use castellan_query::{Engine, Table, physical};
use uuid::Uuid;

/// The largest file, in bytes.
pub const MAX_FILE: u64 = 512 << 20;
/// The most columns.
pub const MAX_COLUMNS: usize = 500;

/// Functions that are answered by watchlists: where a workspace declares them as well, the watchlists count.
pub const FUNCTIONS: [&str; 4] = ["_GetWatchlist", "_GetWatchlistAlias", RAW[0], RAW[1]];

/// Functions that give the items as they are, each with a bag of its columns.
const RAW: [&str; 2] = ["_ASIM_GetWatchlistRaw", "ASIM_GetWatchlistRaw"];

/// Why a watchlist cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WatchlistError {
    /// A file that cannot be read.
    #[error("the watchlist `{file}` cannot be read: {message}")]
    File {
        /// The file.
        file: String,
        /// Why.
        message: String,
    },
    /// A line of the file.
    #[error("the watchlist `{alias}`: {message}")]
    Line {
        /// The alias.
        alias: String,
        /// What is wrong and where.
        message: String,
    },
    /// No column of the name.
    #[error("the watchlist `{alias}` has no column `{column}` to search by; it has {known}")]
    SearchKey {
        /// The alias.
        alias: String,
        /// The column that was named.
        column: String,
        /// The columns that there are.
        known: String,
    },
    /// What the engine says.
    #[error("the watchlist `{alias}` cannot be made a table: {message}")]
    Engine {
        /// The alias.
        alias: String,
        /// Why.
        message: String,
    },
}

/// A table that rules look things up in.
#[derive(Clone, Debug, PartialEq)]
pub struct Watchlist {
    /// What rules call it.
    pub alias: Arc<str>,
    /// The names of its columns.
    pub columns: Vec<Arc<str>>,
    /// The position of the column to search by.
    pub key: usize,
    /// When it was changed.
    pub updated: Ticks,
    items: Vec<Vec<Arc<str>>>,
}

impl Watchlist {
    /// Reads a CSV file under the name of a file: `alias.csv`, or `alias@Column.csv`, which names the column to search by.
    ///
    /// Errors: those of [`Watchlist::read_csv`].
    pub fn of_file(name: &str, text: &str, updated: Ticks) -> Result<Watchlist, WatchlistError> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match stem.split_once('@') {
            Some((alias, key)) => Watchlist::read_csv(alias, Some(key), text, updated),
            None => Watchlist::read_csv(stem, None, text, updated),
        }
    }

    /// Reads a CSV file (RFC 4180) with a line of names. The first column is searched by where none is named.
    ///
    /// Errors: lines of other lengths, two columns of a name, no column to search by.
    pub fn read_csv(
        alias: &str,
        key: Option<&str>,
        text: &str,
        updated: Ticks,
    ) -> Result<Watchlist, WatchlistError> {
        let wrong = |message: String| WatchlistError::Line { alias: alias.to_owned(), message };
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
        let heads = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
        let columns: Vec<Arc<str>> = heads.iter().map(Into::into).collect();
        if columns.is_empty() || columns.len() > MAX_COLUMNS {
            return Err(wrong(format!("it has {} columns; there are 1 to {MAX_COLUMNS}", columns.len())));
        }
        for (at, name) in columns.iter().enumerate() {
            if name.is_empty() || columns.iter().take(at).any(|before| before == name) {
                return Err(wrong(format!("column {} is `{name}`; names are not empty and differ", at + 1)));
            }
        }
        let mut items = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            items.push(record.iter().map(Into::into).collect());
        }
        let key = match key {
            None => 0,
            Some(wanted) => columns.iter().position(|name| **name == *wanted).ok_or_else(|| {
                WatchlistError::SearchKey {
                    alias: alias.to_owned(),
                    column: wanted.to_owned(),
                    known: columns.join(", "),
                }
            })?,
        };
        Ok(Watchlist { alias: alias.into(), columns, key, updated, items })
    }

    /// A watchlist of items as JSON, all of whose members are columns. The first member of the first is searched by.
    pub fn of_rows(
        alias: &str,
        rows: &[serde_json::Map<String, serde_json::Value>],
        updated: Ticks,
    ) -> Watchlist {
        let mut columns: Vec<Arc<str>> = Vec::new();
        for name in rows.iter().flat_map(|row| row.keys()) {
            if !columns.iter().any(|known| **known == **name) {
                columns.push(name.as_str().into());
            }
        }
        let text = |row: &serde_json::Map<String, serde_json::Value>, name: &str| match row.get(name) {
            None | Some(serde_json::Value::Null) => "".into(),
            Some(serde_json::Value::String(text)) => text.as_str().into(),
            Some(other) => other.to_string().into(),
        };
        let items = rows.iter().map(|row| columns.iter().map(|name| text(row, name)).collect()).collect();
        Watchlist { alias: alias.into(), columns, key: 0, updated, items }
    }

    /// How many items it has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The columns that `_GetWatchlist` gives.
    pub fn shape(&self) -> Vec<Column> {
        let mut made = standard();
        let own = self.columns.iter().filter(|name| !made.iter().any(|column| column.name == **name));
        let own: Vec<Column> = own.map(|name| Column::new(Arc::clone(name), ScalarType::String)).collect();
        made.extend(own);
        made
    }

    fn item(&self, item: &[Arc<str>]) -> [Value; 3] {
        let key = item.get(self.key).cloned().unwrap_or_default();
        let name = format!("{}\u{1f}{}", self.alias, item.join("\u{1f}"));
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        [Value::string(id.to_string()), Value::datetime(self.updated.get()), Value::string(key)]
    }

    fn table(&self) -> Result<Table, WatchlistError> {
        let columns = self.shape();
        let rows: Vec<Vec<Value>> = self
            .items
            .iter()
            .map(|item| {
                let cells = self.columns.iter().zip(item);
                let own = cells.filter(|(name, _)| !standard().iter().any(|column| column.name == **name));
                self.item(item)
                    .into_iter()
                    .chain(own.map(|(_, text)| Value::string(Arc::clone(text))))
                    .collect()
            })
            .collect();
        self.made(&columns, &rows)
    }

    fn raw_table(&self) -> Result<Table, WatchlistError> {
        let mut columns = standard();
        columns.push(Column::new("WatchlistItem", ScalarType::Dynamic));
        let bag = |item: &Vec<Arc<str>>| {
            let members = self.columns.iter().zip(item);
            Dynamic::bag(members.map(|(name, text)| (Arc::clone(name), Dynamic::String(Arc::clone(text)))))
        };
        let row =
            |item: &Vec<Arc<str>>| self.item(item).into_iter().chain([Value::dynamic(bag(item))]).collect();
        let rows: Vec<Vec<Value>> = self.items.iter().map(row).collect();
        self.made(&columns, &rows)
    }

    fn made(&self, columns: &[Column], rows: &[Vec<Value>]) -> Result<Table, WatchlistError> {
        table(columns, rows)
            .map_err(|message| WatchlistError::Engine { alias: self.alias.to_string(), message })
    }
}

/// Columns that every watchlist has.
fn standard() -> Vec<Column> {
    vec![
        Column::new("_DTItemId", ScalarType::String),
        Column::new("LastUpdatedTimeUTC", ScalarType::DateTime),
        Column::new("SearchKey", ScalarType::String),
    ]
}

fn table(columns: &[Column], rows: &[Vec<Value>]) -> Result<Table, String> {
    let schema = physical::schema(columns);
    let batch =
        physical::batch(Arc::clone(&schema), columns, rows.iter()).map_err(|error| error.to_string())?;
    Table::of_batches(schema, vec![batch]).map_err(|error| error.to_string())
}

/// Watchlists by their aliases.
#[derive(Clone, Debug, Default)]
pub struct Watchlists {
    by_alias: BTreeMap<Arc<str>, (Watchlist, Option<Made>)>,
}

/// The tables of a watchlist.
#[derive(Clone, Debug)]
struct Made {
    table: Table,
    raw: Table,
}

impl Watchlists {
    /// Adds a watchlist, in the place of one of the same alias.
    pub fn add(&mut self, watchlist: Watchlist) {
        self.by_alias.insert(Arc::clone(&watchlist.alias), (watchlist, None));
    }

    /// Adds watchlists, each in the place of one of the same alias.
    pub fn extend(&mut self, others: Watchlists) {
        self.by_alias.extend(others.by_alias);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_alias.is_empty()
    }

    /// Takes a watchlist away.
    pub fn remove(&mut self, alias: &str) -> Option<Watchlist> {
        self.by_alias.remove(alias).map(|(watchlist, _)| watchlist)
    }

    /// The watchlists in the order of their aliases.
    pub fn iter(&self) -> impl Iterator<Item = &Watchlist> {
        self.by_alias.values().map(|(watchlist, _)| watchlist)
    }

    /// Makes the tables, so that [`Watchlists::add_to`] does not make them each time.
    ///
    /// Errors: a watchlist that is too large for the engine.
    pub fn prepare(&mut self) -> Result<(), WatchlistError> {
        for (watchlist, made) in self.by_alias.values_mut().filter(|(_, made)| made.is_none()) {
            *made = Some(Made { table: watchlist.table()?, raw: watchlist.raw_table()? });
        }
        Ok(())
    }

    /// Gives an engine the functions by which rules read watchlists.
    ///
    /// Errors: as [`Watchlists::prepare`].
    pub fn add_to(&self, engine: &mut Engine) -> Result<(), WatchlistError> {
        for (alias, (watchlist, made)) in &self.by_alias {
            let Made { table, raw } = match made {
                Some(made) => made.clone(),
                None => Made { table: watchlist.table()?, raw: watchlist.raw_table()? },
            };
            engine.add_call("_GetWatchlist", &[alias], table);
            for name in RAW {
                engine.add_call(name, &[alias], raw.clone());
            }
        }
        let rows: Vec<Vec<Value>> =
            self.by_alias.keys().map(|alias| vec![Value::string(Arc::clone(alias))]).collect();
        let aliases = table(&[Column::new("WatchlistAlias", ScalarType::String)], &rows);
        let aliases =
            aliases.map_err(|message| WatchlistError::Engine { alias: "(aliases)".to_owned(), message })?;
        engine.add_call("_GetWatchlistAlias", &[], aliases);
        Ok(())
    }
}

/// Reads the watchlists of a folder: each `.csv` file is one, whose name is its alias. `alias@Column.csv` names the column to
/// search by.
///
/// Errors: the first file that cannot be used.
pub fn read_folder(folder: &Path, system: &dyn System) -> Result<Watchlists, WatchlistError> {
    let unread = |path: &Path, message: String| WatchlistError::File {
        file: path.to_string_lossy().into_owned(),
        message,
    };
    let mut found = Watchlists::default();
    let entries = system.read_dir(folder).map_err(|error| unread(folder, error.to_string()))?;
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let path = &entry.path;
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            continue;
        }
        let bytes = system.read(path, MAX_FILE).map_err(|error| unread(path, error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unread(path, "it is not UTF-8".to_owned()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.add(Watchlist::of_file(&name, &text, system.now())?);
    }
    Ok(found)
}
