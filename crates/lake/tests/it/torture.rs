//! Crashes, torn writes, failed syncs and full disks at places that dice choose.
//!
//! `CASTELLAN_TORTURE` says how many runs there are; `cargo xtask torture` runs thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use castellan_base::{OsSystem, System as _};
use castellan_lake::{Append, Form, Key, Lake, Mark, Options};

use crate::faults::{Dice, Fault, FaultyDisk};
use crate::support::{Outcome, query, quiet};

/// What senders know of their events.
#[derive(Debug)]
struct Senders {
    next: u64,
    acknowledged: BTreeSet<u64>,
    /// Calls of which they do not know whether they arrived.
    open: Vec<Vec<u64>>,
    /// Events that were taken away again.
    gone: BTreeSet<u64>,
    /// Those of which nobody knows whether they were: the disk failed.
    unsure: BTreeSet<u64>,
    /// How far the queue was read, as far as its reader knows.
    read: i64,
}

/// A table that a queue of the same name goes to.
const QUEUE: &str = "AzureActivity";

impl Senders {
    fn new() -> Senders {
        let none = BTreeSet::new;
        Senders { next: 0, acknowledged: none(), open: Vec::new(), gone: none(), unsure: none(), read: -1 }
    }

    /// Sends what is open again, then something new, until the disk fails.
    async fn send(&mut self, lake: &Lake, dice: &mut Dice) {
        let mut calls: Vec<Vec<u64>> = std::mem::take(&mut self.open);
        for _ in 0..=dice.below(6) {
            let count = 1 + dice.below(20);
            calls.push((self.next..self.next + count).collect());
            self.next += count;
        }
        let table =
            |ids: &[u64]| if ids.first().is_some_and(|id| id % 3 == 0) { "AuditLogs" } else { "SigninLogs" };
        let sending = calls.into_iter().map(|ids| async move {
            let rows: String = ids.iter().map(|id| format!("{{\"CorrelationId\": \"{id}\"}}\n")).collect();
            let key = ids.first().map(|id| Key::of(&[&id.to_le_bytes()]));
            let how = Append { key, ..Append::default() };
            let sent = lake.append(table(&ids), rows.as_bytes(), Form::Lines, how).await;
            (ids, sent)
        });
        for (ids, sent) in futures_util::future::join_all(sending).await {
            match sent {
                Ok(_) => self.acknowledged.extend(ids),
                Err(_) => self.open.push(ids),
            }
        }
    }

    /// Takes some event away that is there.
    async fn delete(&mut self, lake: &Lake, dice: &mut Dice) {
        let count = u64::try_from(self.acknowledged.len()).unwrap_or_default();
        let skipped = usize::try_from(dice.below(count.max(1))).unwrap_or_default();
        let Some(id) = self.acknowledged.iter().nth(skipped).copied() else { return };
        let condition = format!("CorrelationId == '{id}'");
        let mut all_done = true;
        for table in ["SigninLogs", "AuditLogs"] {
            all_done &= lake.delete(table, &condition).await.is_ok();
        }
        self.acknowledged.remove(&id);
        if all_done {
            self.gone.insert(id)
        } else {
            self.unsure.insert(id)
        };
    }

    /// Reads on in a queue that has all numbers, from where the lake says that it was, until the disk fails.
    async fn read_queue(&mut self, lake: &Lake, dice: &mut Dice) {
        for _ in 0..=dice.below(3) {
            let Ok(mark) = lake.mark(QUEUE, QUEUE).await else { return };
            let first = mark.map_or(0, |mark| mark + 1);
            let last = first + i64::try_from(dice.below(9)).unwrap_or_default();
            let rows: String =
                (first..=last).map(|offset| format!("{{\"CorrelationId\": \"{offset}\"}}\n")).collect();
            let mark = Some(Mark { source: QUEUE.into(), offset: last });
            let how = Append { mark, ..Append::default() };
            if lake.append(QUEUE, rows.as_bytes(), Form::Lines, how).await.is_err() {
                return;
            }
            self.read = last;
        }
    }

    /// Errors: the queue is further than it was read, or not as far, or a number of it is not there once.
    async fn check_queue(&self, lake: &Lake) -> Result<(), String> {
        let mark = lake.mark(QUEUE, QUEUE).await.map_err(|error| error.to_string())?.unwrap_or(-1);
        if mark < self.read {
            return Err(format!("the queue was read up to {}, and the lake says {mark}", self.read));
        }
        let text =
            format!("{QUEUE} | summarize count(), dcount(CorrelationId, 4), max(toint(CorrelationId))");
        let rows = query(lake, &text).await.map_err(|error| error.to_string())?;
        let (count, last) = ((mark + 1).to_string(), if mark < 0 { String::new() } else { mark.to_string() });
        match rows.as_slice() {
            [row] if *row == [count.clone(), count.clone(), last] => Ok(()),
            _ => Err(format!("of {count} numbers of the queue there are {rows:?}")),
        }
    }

    /// Errors: an acknowledged event that is not there, or any that is there twice.
    async fn check(&self, lake: &Lake) -> Result<(), String> {
        self.check_queue(lake).await?;
        let text = "union SigninLogs, AuditLogs | summarize count() by CorrelationId";
        let rows = query(lake, text).await.map_err(|error| error.to_string())?;
        let mut found: BTreeMap<u64, String> = BTreeMap::new();
        for row in rows {
            let [id, count] = row.as_slice() else { return Err("two columns are expected".to_owned()) };
            found.insert(id.parse().map_err(|error| format!("{id}: {error}"))?, count.clone());
        }
        if let Some((id, count)) = found.iter().find(|(_, count)| *count != "1") {
            return Err(format!("event {id} is there {count} times"));
        }
        if let Some(id) = self.gone.iter().find(|id| found.contains_key(id)) {
            return Err(format!("event {id} was taken away and is there again"));
        }
        match self.acknowledged.iter().find(|id| !found.contains_key(id)) {
            Some(id) => Err(format!("event {id} was acknowledged and is not there")),
            None => Ok(()),
        }
    }
}

fn options(disk: &FaultyDisk) -> Options {
    Options { disk: Arc::new(disk.clone()), vacuum_after: std::time::Duration::ZERO, ..quiet() }
}

/// Uses a lake until the fault has happened, or for some steps.
async fn use_it(lake: &Lake, disk: &FaultyDisk, senders: &mut Senders, dice: &mut Dice) {
    for _ in 0..8 {
        if disk.is_dead() {
            return;
        }
        senders.send(lake, dice).await;
        senders.read_queue(lake, dice).await;
        // What fails here has to be made good later; that is what is tested.
        if dice.is_one_in(2) {
            let _ = lake.flush().await;
        }
        if dice.is_one_in(4) {
            let _ = lake.tidy().await;
        }
        if dice.is_one_in(6) {
            senders.delete(lake, dice).await;
        }
    }
}

async fn run(seed: u64, folder: &Path) -> Result<(), String> {
    let mut dice = Dice(seed);
    let (disk, mut senders) = (FaultyDisk::default(), Senders::new());
    for _ in 0..3 {
        let fault = match dice.below(5) {
            0 => Fault::Error(ErrorKind::StorageFull),
            1 => Fault::Error(ErrorKind::Other),
            2 => Fault::Error(ErrorKind::ReadOnlyFilesystem),
            _ => Fault::Crash,
        };
        let after = dice.below(120);
        disk.arm(fault, after, Dice(dice.next()));
        let told = |error: &dyn std::fmt::Display, disk: &FaultyDisk| format!("{error}\n{}", disk.history());
        if let Ok(lake) = Lake::open(folder, options(&disk)).await {
            use_it(&lake, &disk, &mut senders, &mut dice).await;
            if !disk.is_dead() {
                senders.check(&lake).await.map_err(|error| told(&error, &disk))?;
            }
        }
        let history = disk.history();
        disk.lose_power(&mut dice).map_err(|error| error.to_string())?;
        let lake = Lake::open(folder, options(&disk)).await.map_err(|error| format!("{error}\n{history}"))?;
        if !lake.damages().is_empty() {
            return Err(format!("damage is told where there was none: {:?}\n{history}", lake.damages()));
        }
        senders.check(&lake).await.map_err(|error| format!("{error}\n{history}"))?;
        senders.send(&lake, &mut dice).await;
        senders.read_queue(&lake, &mut dice).await;
        lake.flush().await.map_err(|error| format!("{error}\n{history}"))?;
        senders.check(&lake).await.map_err(|error| format!("{error}\n{history}"))?;
        if !senders.open.is_empty() {
            return Err(format!("a sound disk refused events\n{history}"));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() -> Outcome {
    let number = |name: &str| OsSystem.env(name).and_then(|text| text.parse::<u64>().ok());
    let runs = number("CASTELLAN_TORTURE").unwrap_or(60);
    let first = number("CASTELLAN_TORTURE_SEED").unwrap_or(0);
    for seed in first..first + runs {
        let folder = tempfile::tempdir()?;
        run(seed, folder.path()).await.map_err(|problem| format!("seed {seed}: {problem}"))?;
    }
    Ok(())
}
