//! Journals and snapshots: written, and read back.

use super::record::Record;
use super::state::State;
use super::{Files, StoreError, chain};

/// The longest record, in bytes.
const LONGEST: usize = 256 << 20;

/// The journal that is written to.
#[derive(Debug)]
pub(super) struct Journal {
    number: u32,
    head: String,
    size: u64,
}

fn journal_name(number: u32) -> String {
    format!("journal-{number:08}.jsonl")
}

fn snapshot_name(number: u32) -> String {
    format!("snapshot-{number:08}.json")
}

impl Journal {
    /// Its number, from 1.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Its bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Writes a record, durably.
    pub(super) fn append(&mut self, files: &mut dyn Files, record: &Record) -> Result<(), StoreError> {
        let text = serde_json::to_string(record).map_err(|error| StoreError::Unfit(error.to_string()))?;
        if text.len() > LONGEST {
            return Err(StoreError::TooLarge { size: text.len(), most: LONGEST });
        }
        let (line, head) = chain::line(&self.head, &text);
        files.append(&journal_name(self.number), line.as_bytes())?;
        self.head = head;
        self.size = self.size.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Begins the next journal: a snapshot says what came before. The journal itself comes with its first record.
    pub(super) fn next(&mut self, files: &mut dyn Files, state: &State) -> Result<(), StoreError> {
        let number = self.number.saturating_add(1);
        let text = serde_json::to_string(&(&self.head, state));
        let text = text.map_err(|error| StoreError::Unfit(error.to_string()))?;
        let (line, _) = chain::line("", &text);
        files.replace(&snapshot_name(number), line.as_bytes())?;
        (self.number, self.size) = (number, 0);
        Ok(())
    }
}

/// A journal as it was read.
pub(super) struct Loaded {
    pub(super) records: Vec<Record>,
    pub(super) head: String,
    whole: u64,
    is_torn: bool,
}

/// Reads a journal that begins behind a head; one that is not there has no records.
pub(super) fn load(files: &dyn Files, number: u32, head: &str) -> Result<Loaded, StoreError> {
    let name = journal_name(number);
    let bytes = files.read(&name)?.unwrap_or_default();
    let damaged = |line| StoreError::Damaged { name: name.clone(), line };
    let lines = chain::read(&bytes, head).map_err(damaged)?;
    let mut records = Vec::with_capacity(lines.texts.len());
    for (at, text) in lines.texts.iter().enumerate() {
        records.push(serde_json::from_str(text).map_err(|_| damaged(at + 1))?);
    }
    let whole = u64::try_from(lines.whole).unwrap_or(u64::MAX);
    Ok(Loaded { records, head: lines.head, whole, is_torn: lines.is_torn })
}

/// The records of a journal whose lines are whole; whether they follow one another is for those who verify.
pub(super) fn records(files: &dyn Files, number: u32) -> Result<Vec<Record>, StoreError> {
    let head = if number <= 1 {
        String::new()
    } else {
        snapshot(files, number)?.map(|(head, _)| head).unwrap_or_default()
    };
    if number > 1 && head.is_empty() {
        // Without its snapshot, only the journals before say where it begins.
        let mut before = String::new();
        for earlier in 1..number {
            before = load(files, earlier, &before)?.head;
        }
        return load(files, number, &before).map(|loaded| loaded.records);
    }
    load(files, number, &head).map(|loaded| loaded.records)
}

/// A snapshot: the head that its journal begins behind, and the state; `None` where it is not there or damaged.
fn snapshot(files: &dyn Files, number: u32) -> Result<Option<(String, State)>, StoreError> {
    let Some(bytes) = files.read(&snapshot_name(number))? else { return Ok(None) };
    let read = chain::read(&bytes, "").ok();
    let text = read.filter(|lines| !lines.is_torn).and_then(|lines| lines.texts.first().copied());
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}

/// Reads everything: the newest snapshot that is whole, and the journals from there on.
pub(super) fn read(files: &mut dyn Files, told: &mut Vec<String>) -> Result<(Journal, State), StoreError> {
    let names = files.names()?;
    let number = |name: &str, before: &str, after: &str| -> Option<u32> {
        name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
    };
    let journals = names.iter().filter_map(|name| number(name, "journal-", ".jsonl"));
    let last_journal = journals.max().unwrap_or(1);
    let mut snapshots: Vec<u32> =
        names.iter().filter_map(|name| number(name, "snapshot-", ".json")).collect();
    snapshots.sort_unstable();
    let last = last_journal.max(snapshots.last().copied().unwrap_or(1));
    let (mut first, mut head, mut state) = (1, String::new(), State::default());
    while let Some(newest) = snapshots.pop() {
        if let Some((at, found)) = snapshot(files, newest)? {
            (first, head, state) = (newest, at, found);
            break;
        }
        told.push(format!(
            "`{}` is damaged; the journals before it were read instead",
            snapshot_name(newest)
        ));
    }
    let mut journal = Journal { number: first, head: head.clone(), size: 0 };
    for each in first..=last {
        let loaded = load(files, each, &journal.head)?;
        if loaded.is_torn && each != last {
            return Err(StoreError::Damaged { name: journal_name(each), line: loaded.records.len() + 1 });
        }
        if loaded.is_torn {
            told.push(format!(
                "`{}` ended in a line that is not whole; it was never acknowledged and is cut off",
                journal_name(each)
            ));
            files.cut(&journal_name(each), loaded.whole)?;
        }
        for record in &loaded.records {
            state.apply(record, each)?;
        }
        journal = Journal { number: each, head: loaded.head, size: loaded.whole };
    }
    Ok((journal, state))
}
