//! Data collection rules: which streams there are, how their rows are transformed, and where they go.
//!
//! Rules are files of a folder, in Azure's own JSON. They are checked when they are read: a flow's stream is declared,
//! its transformation binds against the stream and uses only what Azure allows, and what comes out fits the table. Tables
//! of a user's own are made with the columns that come out. A file that changes takes effect without a restart.
//!
//! *Invariant (a broken rule harms nothing):* a file that cannot be used leaves the one before it in force, and is told.

mod read;
mod subset;
mod transform;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use castellan_base::{OsSystem, System as _};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::schema::{RECEIVED, TIME};
use castellan_lake::{Lake, TableSchema, rows};

use transform::Transform;

/// The id of the rule that there is where no folder of rules is given.
pub const BUILT_IN: &str = "dcr-castellan";

/// Largest file of rules, in bytes.
const LARGEST: u64 = 4 << 20;
/// Most files of rules.
const MAX_FILES: usize = 10_000;

/// A rule in force.
#[derive(Debug)]
pub(super) struct Rule {
    id: Arc<str>,
    streams: BTreeMap<Arc<str>, Stream>,
}

/// What comes in under a name, and where it goes.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) schema: TableSchema,
    pub(super) flows: Vec<Flow>,
}

/// A way from a stream to a table.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) table: Arc<str>,
    transform: Transform,
}

impl Flow {
    /// A way to a table that no rule declares.
    ///
    /// Errors: what is wrong with the transformation first, with its place in it.
    #[cfg(feature = "kafka")]
    pub(super) fn new(table: &str, kql: &str, stream: &TableSchema) -> Result<Flow, String> {
        let transform = Transform::new(kql, stream).map_err(|wrong| {
            let (line, column) = wrong.span.line_and_column(kql);
            format!("line {line}, column {column}: {wrong}")
        })?;
        Ok(Flow { table: table.into(), transform })
    }

    /// The rows for the table; `None` where the transformation leaves none.
    ///
    /// Errors: what the engine says.
    pub(super) async fn transformed(
        &self,
        stream: &TableSchema,
        read: &rows::Rows,
    ) -> Result<Option<castellan_query::arrow::array::RecordBatch>, String> {
        self.transform.run(stream, read).await
    }
}

impl Rule {
    /// The stream of a name.
    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name)
    }
}

/// What an id stands for.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// A rule of a file.
    Rule(Arc<Rule>),
    /// The built-in rule: each stream goes to the table of its name.
    BuiltIn,
}

/// The rules that are in force.
#[derive(Debug)]
pub struct Rules {
    folder: Option<PathBuf>,
    files: tokio::sync::Mutex<BTreeMap<PathBuf, File>>,
    force: RwLock<BTreeMap<Arc<str>, Arc<Rule>>>,
}

/// A file as it was when it was last looked at.
#[derive(Debug)]
struct File {
    stamp: (Option<SystemTime>, u64),
    rules: Vec<Arc<Rule>>,
}

impl Rules {
    /// No rules but the built-in one, `dcr-castellan`: the streams `Custom-TABLE` and `Microsoft-TABLE` go to the table
    /// as they come. A table of one's own is made when rows for it come first.
    pub fn built_in() -> Rules {
        Rules { folder: None, files: tokio::sync::Mutex::default(), force: RwLock::default() }
    }

    /// The rules of the files `*.json` of a folder, and what there is to tell about them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn open(folder: &Path, lake: &Lake) -> io::Result<(Rules, Vec<String>)> {
        let rules = Rules { folder: Some(folder.to_owned()), ..Rules::built_in() };
        let told = rules.refresh(lake).await?;
        Ok((rules, told))
    }

    /// The ids of the rules that are in force.
    pub fn ids(&self) -> Vec<Arc<str>> {
        match self.folder {
            None => vec![BUILT_IN.into()],
            Some(_) => self.force.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect(),
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Found> {
        match self.folder {
            None => (id == BUILT_IN).then_some(Found::BuiltIn),
            Some(_) => {
                let force = self.force.read().unwrap_or_else(PoisonError::into_inner);
                force.get(id).cloned().map(Found::Rule)
            }
        }
    }

    /// Looks for files that are new, changed or gone, and gives what there is to tell about them.
    ///
    /// # Errors
    /// When the folder cannot be read; the rules stay as they were.
    pub async fn refresh(&self, lake: &Lake) -> io::Result<Vec<String>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let found = listed(folder)?;
        let mut files = self.files.lock().await;
        let mut told = Vec::new();
        files.retain(|path, _| {
            let stays = found.contains_key(path);
            if !stays {
                told.push(format!("{}: the file is gone, and so are its rules", path.display()));
            }
            stays
        });
        for (path, stamp) in found {
            if files.get(&path).is_none_or(|file| file.stamp != stamp) {
                let read = self.read(&path, &files, lake, &mut told).await;
                let before = files.remove(&path).map(|file| file.rules).unwrap_or_default();
                let rules = match read {
                    Some(rules) => rules,
                    None => {
                        told.push(match before.is_empty() {
                            true => format!("{}: nothing of this file is in force", path.display()),
                            false => format!("{}: the version before this stays in force", path.display()),
                        });
                        before
                    }
                };
                files.insert(path, File { stamp, rules });
            }
        }
        let all = files.values().flat_map(|file| &file.rules);
        let force = all.map(|rule| (Arc::clone(&rule.id), Arc::clone(rule))).collect();
        *self.force.write().unwrap_or_else(PoisonError::into_inner) = force;
        Ok(told)
    }

    /// The rules of a file; `None` where it cannot be used.
    async fn read(
        &self,
        path: &Path,
        files: &BTreeMap<PathBuf, File>,
        lake: &Lake,
        told: &mut Vec<String>,
    ) -> Option<Vec<Arc<Rule>>> {
        let name = path.display().to_string();
        let text = OsSystem.read(path, LARGEST).map_err(|error| error.to_string());
        let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        let text = match text {
            Ok(text) => text,
            Err(reason) => {
                told.push(format!("{name}: the file cannot be read: {reason}"));
                return None;
            }
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let mut read = read::read(&name, stem, &text);
        told.append(&mut read.notes);
        for rule in &read.rules {
            let elsewhere = files.iter().filter(|(other, _)| *other != path);
            let twice =
                elsewhere.into_iter().find(|(_, file)| file.rules.iter().any(|one| one.id == rule.id));
            if let Some((other, _)) = twice {
                read.errors.push(format!("{name}: the rule `{}` is in {} too", rule.id, other.display()));
            }
        }
        if read.errors.is_empty() {
            for rule in &read.rules {
                if let Err(reason) = prepare(rule, lake, told).await {
                    read.errors.push(format!("{name}: {reason}"));
                }
            }
        }
        let is_usable = read.errors.is_empty();
        told.append(&mut read.errors);
        is_usable.then(|| read.rules.into_iter().map(Arc::new).collect())
    }
}

/// The files of rules of a folder, with what tells a version from the next.
fn listed(folder: &Path) -> io::Result<BTreeMap<PathBuf, (Option<SystemTime>, u64)>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if !is_json || found.len() >= MAX_FILES {
            continue;
        }
        // A file that goes away meanwhile is none.
        if let Ok(about) = std::fs::metadata(&path)
            && about.is_file()
        {
            found.insert(path, (about.modified().ok(), about.len()));
        }
    }
    Ok(found)
}

/// The table that an output stream names.
///
/// # Errors
/// What is wrong with the name.
pub(super) fn table_of(stream: &str) -> Result<&str, String> {
    if let Some(table) = stream.strip_prefix("Custom-") {
        let reason = || format!("`{stream}` names no table: those of your own end in `_CL`");
        return if table.ends_with("_CL") { Ok(table) } else { Err(reason()) };
    }
    let Some(table) = stream.strip_prefix("Microsoft-") else {
        return Err(format!("`{stream}` is neither `Custom-TABLE_CL` nor `Microsoft-TABLE`"));
    };
    match TableSchema::declared(table) {
        Some(_) => Ok(table),
        None => Err(format!("there is no table `{table}`; `castellan content list tables` lists them")),
    }
}

/// Makes the tables that the flows of a rule go to, and checks that what comes out fits them.
async fn prepare(rule: &Rule, lake: &Lake, told: &mut Vec<String>) -> Result<(), String> {
    for (name, stream) in &rule.streams {
        for flow in &stream.flows {
            let about = |reason: String| format!("the rule `{}`, stream `{name}`: {reason}", rule.id);
            check(flow, lake, told).await.map_err(about)?;
        }
    }
    Ok(())
}

/// Makes the table of a flow, or gives it columns, and checks that what comes out fits it.
///
/// Errors: what does not fit.
pub(super) async fn check(flow: &Flow, lake: &Lake, told: &mut Vec<String>) -> Result<(), String> {
    let columns = &flow.transform.columns;
    let time = columns.iter().find(|column| &*column.name == TIME);
    if let Some(time) = time.filter(|time| time.scalar_type != ScalarType::DateTime) {
        let kind = time.scalar_type.name();
        return Err(format!("`TimeGenerated` comes out as {kind}; make it a datetime with todatetime()"));
    }
    let known = lake.schema(&flow.table).ok();
    let (mut more, mut lost): (Vec<Field>, Vec<&str>) = (Vec::new(), Vec::new());
    for column in columns {
        let place =
            known.as_ref().and_then(|table| table.columns().iter().find(|known| known.name == column.name));
        match place {
            Some(place) if rows::fits(column.scalar_type, place.scalar_type) => {}
            Some(place) => {
                return Err(format!(
                    "`{}` comes out as {} and is {} in {}; convert it in `transformKql`",
                    column.name,
                    column.scalar_type.name(),
                    place.scalar_type.name(),
                    flow.table
                ));
            }
            None if is_own(&column.name) => {}
            None if flow.table.ends_with("_CL") => more.push(column.clone()),
            None => lost.push(&column.name),
        }
    }
    if !lost.is_empty() {
        told.push(format!(
            "{} has no column {}: what comes out there is left out",
            flow.table,
            lost.join(", ")
        ));
    }
    if known.is_none() || !more.is_empty() {
        lake.create_table(&flow.table, more).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Columns that the lake alone fills.
fn is_own(column: &str) -> bool {
    matches!(column, "Type" | "TenantId" | "_IsBillable" | "_BilledSize" | RECEIVED)
}
