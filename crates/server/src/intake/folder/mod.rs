//! A folder that is watched: files that are put there are taken in.
//!
//! | name | what becomes of it |
//! |---|---|
//! | `TABLE__anything.jsonl`, `.json`, `.csv`, `.parquet`, the first three also `.gz`, `.zst` | rows of the table |
//! | `diagnostics__anything.json`, `.jsonl`, also packed | rows of the tables that its records belong to |
//! | `.anything`, `anything.tmp`, `.part`, `.partial`, `~` | left alone: it is still being written |
//!
//! A file is taken once it has not changed from one look to the next. Then it is moved to `done`, or to `refused` with a
//! file `.why` that says why; what was left out of a file that was taken is said in a `.why` too.
//!
//! *Invariant (once):* a journal says which parts of a file are kept, so that a process that ends in the middle, however it
//! ends, goes on behind them. Where it ended between keeping a part and writing so, the time of receipt that was written
//! down before tells whether the part is there.

mod journal;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use castellan_lake::{Append, Error as LakeError, Key, Lake};
use castellan_query::Settings;

use super::files::{self, Format, Part, Parts};
use super::keep::Kept;
use super::{Tell, received};
use journal::{Entry, Journal, Stamp};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Where files go that were taken in, and those that could not be.
const DONE: &str = "done";
const REFUSED: &str = "refused";
/// What precedes `__` in the names of diagnostic logs.
const DIAGNOSTICS: &str = "diagnostics";
/// Ends of names of files that are still being written.
const UNFINISHED: [&str; 6] = [".tmp", ".part", ".partial", ".filepart", ".crdownload", "~"];
/// Lines that a `.why` names one by one.
const NAMED: usize = 100;

/// A folder and the lake that its files go to.
pub struct Folder {
    path: PathBuf,
    lake: Arc<Lake>,
    tell: Tell,
    /// Files as they were at the last look.
    seen: BTreeMap<String, Stamp>,
    journal: Journal,
}

/// Why a file was not taken.
enum Trouble {
    /// It is not what it should be.
    Refused(String),
    /// The lake or the system cannot take it now.
    Later(String),
}

/// What a file is by its name.
struct Kind {
    table: Option<String>,
    format: Format,
}

impl Folder {
    /// Opens a folder, and makes `done` and `refused` in it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(path: &Path, lake: Arc<Lake>, tell: Tell) -> io::Result<Folder> {
        fs::create_dir_all(path.join(DONE))?;
        fs::create_dir_all(path.join(REFUSED))?;
        let journal = Journal::open(path)?;
        Ok(Folder { path: path.to_owned(), lake, tell, seen: BTreeMap::new(), journal })
    }

    /// Looks every two seconds until `stop` ends. A part that was begun is brought to its end.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut trouble = None;
        let tell = Arc::clone(&self.tell);
        let stopped = std::sync::atomic::AtomicBool::new(false);
        loop {
            let look = self.look(&stopped);
            tokio::pin!(look);
            let looked = tokio::select! {
                looked = &mut look => Some(looked),
                () = &mut stop => {
                    stopped.store(true, std::sync::atomic::Ordering::Relaxed);
                    let _ = look.await;
                    None
                }
            };
            let Some(looked) = looked else { return };
            let error = looked.err().map(|error| format!("the watched folder cannot be read: {error}"));
            if error.is_some() && error != trouble {
                error.iter().for_each(|error| tell(error));
            }
            trouble = error;
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Looks once: takes in what has not changed since the last look.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn look(&mut self, stopped: &std::sync::atomic::AtomicBool) -> io::Result<()> {
        let found = listed(&self.path)?;
        let steady: Vec<(String, Stamp)> = found
            .iter()
            .filter(|(name, stamp)| self.seen.get(*name) == Some(stamp))
            .map(|(name, stamp)| (name.clone(), *stamp))
            .collect();
        self.journal.retain(|name| found.contains_key(name));
        self.seen = found;
        for (name, stamp) in steady {
            if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            if let Err(reason) = self.one(&name, stamp, stopped).await {
                (self.tell)(&format!("{}: {reason}; it is tried again", self.path.join(&name).display()));
                // Nothing else can be kept either.
                break;
            }
        }
        Ok(())
    }

    async fn one(
        &mut self,
        name: &str,
        stamp: Stamp,
        stopped: &std::sync::atomic::AtomicBool,
    ) -> Result<(), String> {
        let taken = match kind(name) {
            Ok(kind) => self.taken(name, stamp, &kind, stopped).await,
            Err(reason) => Err(Trouble::Refused(reason)),
        };
        let (to, why) = match taken {
            Ok(None) => return Ok(()),
            Ok(Some(why)) => (DONE, why),
            Err(Trouble::Refused(why)) => (REFUSED, why),
            Err(Trouble::Later(reason)) => return Err(reason),
        };
        self.moved(name, to, &why).map_err(|error| format!("it cannot be moved to `{to}`: {error}"))?;
        if to == REFUSED {
            (self.tell)(&format!(
                "{}: refused: {}",
                self.path.join(name).display(),
                why.lines().next().unwrap_or_default()
            ));
        }
        self.journal.forget(name).map_err(|error| error.to_string())
    }

    /// Takes a file in from where the journal says. Gives what was left out of it; `None` when it was broken off.
    async fn taken(
        &mut self,
        name: &str,
        stamp: Stamp,
        kind: &Kind,
        stopped: &std::sync::atomic::AtomicBool,
    ) -> Result<Option<String>, Trouble> {
        let mut entry = self.journal.entry(name, stamp);
        let mut parts = Parts::open(&self.path.join(name), kind.format).map_err(of_file)?;
        let (mut why, mut kept, mut place) = (Vec::new(), Kept::default(), 0_u64);
        loop {
            let (back, part) = read(parts).await?;
            parts = back;
            let Some(part) = part.map_err(of_file)? else { break };
            place += 1;
            if place <= entry.parts {
                continue;
            }
            let table = part.table.as_deref().or(kind.table.as_deref()).unwrap_or_default().to_owned();
            if !(entry.received > 0 && self.is_kept(&table, entry.received).await?) {
                entry.received = received();
                self.journal.write(name, entry).map_err(of_journal)?;
                let appended = self.append(name, &table, &part, &entry).await.map_err(of_lake)?;
                for row in appended.refused.iter().take(NAMED.saturating_sub(why.len())) {
                    why.push(format!("line {}: {}", parts.first_line() + row.row - 1, row.reason));
                }
                kept.add(&appended);
            }
            entry = Entry { parts: place, received: 0, ..entry };
            self.journal.write(name, entry).map_err(of_journal)?;
            if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(None);
            }
        }
        why.extend(kept.notes());
        why.extend(parts.problems().iter().cloned());
        Ok(Some(why.join("\n")))
    }

    async fn append(
        &self,
        name: &str,
        table: &str,
        part: &Part,
        entry: &Entry,
    ) -> Result<castellan_lake::Appended, LakeError> {
        let (size, modified) = (entry.stamp.size.to_le_bytes(), entry.stamp.modified.to_le_bytes());
        let place = entry.parts.to_le_bytes();
        let how = Append {
            key: Some(Key::of(&[b"folder", name.as_bytes(), &size, &modified, &place, table.as_bytes()])),
            // Files hold what has happened, whenever that was.
            keeps_times: true,
            received: Some(entry.received),
            adds_columns: table.ends_with("_CL"),
            ..Append::default()
        };
        files::keep(&self.lake, table, &part.rows, &how).await
    }

    /// Whether the rows that were to be received at a time are there.
    async fn is_kept(&self, table: &str, received: i64) -> Result<bool, Trouble> {
        if self.lake.schema(table).is_err() {
            return Ok(false);
        }
        let engine = self.lake.engine(Settings { threads: 1, ..Settings::default() });
        let query = format!(
            "['{table}'] | where ingestion_time() == unixtime_microseconds_todatetime({received}) | take 1"
        );
        let answers = super::queried(engine, query).await.map_err(Trouble::Later)?;
        Ok(answers.answers.iter().any(|answer| answer.rows() > 0))
    }

    /// Moves a file away, under a name that is free, with what there is to say about it.
    fn moved(&self, name: &str, to: &str, why: &str) -> io::Result<()> {
        let folder = self.path.join(to);
        let mut target = folder.join(name);
        let mut further = 0;
        while target.exists() {
            further += 1;
            target = folder.join(format!("{name}.{further}"));
        }
        if !why.is_empty() {
            let mut path = target.clone().into_os_string();
            path.push(".why");
            fs::write(path, format!("{why}\n"))?;
        }
        fs::rename(self.path.join(name), target)
    }
}

/// The next part, read away from the threads that serve connections.
async fn read(mut parts: Parts) -> Result<(Parts, Result<Option<Part>, files::Error>), Trouble> {
    let handle = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let part = handle.block_on(parts.next());
        (parts, part)
    });
    work.await.map_err(|_| Trouble::Refused("the file could not be read: its reader broke off".to_owned()))
}

fn of_file(error: files::Error) -> Trouble {
    Trouble::Refused(error.to_string())
}

fn of_journal(error: io::Error) -> Trouble {
    Trouble::Later(format!("the journal cannot be written: {error}"))
}

fn of_lake(error: LakeError) -> Trouble {
    match error {
        LakeError::UnknownTable { .. }
        | LakeError::Definition { .. }
        | LakeError::TypeChanged { .. }
        | LakeError::Rows { .. }
        | LakeError::TooLarge { .. } => Trouble::Refused(error.to_string()),
        other => Trouble::Later(other.to_string()),
    }
}

/// What a file is by its name.
fn kind(name: &str) -> Result<Kind, String> {
    let wrong = || {
        format!(
            "`{name}` does not say its table; name it TABLE__anything.jsonl, or diagnostics__anything.json"
        )
    };
    let (table, rest) = name.split_once("__").ok_or_else(wrong)?;
    let is_name =
        |text: &str| text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if table.is_empty() || !is_name(table) {
        return Err(wrong());
    }
    let Some(format) = Format::of(rest) else {
        return Err(format!(
            "`{name}` is no kind of file that is known; write .jsonl, .json, .csv or .parquet"
        ));
    };
    if table != DIAGNOSTICS {
        return Ok(Kind { table: Some(table.to_owned()), format });
    }
    match format {
        Format::Lines | Format::Array => Ok(Kind { table: None, format: Format::Diagnostics }),
        _ => Err(format!("`{name}`: diagnostic logs are JSON; write .json or .jsonl")),
    }
}

/// The files of a folder that may be taken. Links are not followed.
fn listed(folder: &Path) -> io::Result<BTreeMap<String, Stamp>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_unfinished = name.starts_with('.') || UNFINISHED.iter().any(|end| name.ends_with(end));
        // A file that goes away meanwhile is none.
        let Ok(about) = entry.metadata() else { continue };
        if !is_unfinished && about.is_file() {
            found.insert(name, Stamp::of(&about));
        }
    }
    Ok(found)
}
