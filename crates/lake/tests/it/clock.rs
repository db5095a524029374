//! A clock that jumps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use castellan_base::{DirEntry, OsSystem, ProgramOutput, System, Ticks};
use castellan_lake::{Append, Clock, Form, Key, Lake, Options};

use crate::support::{Outcome, quiet, value};

/// The system with a clock that is set.
#[derive(Clone, Default)]
pub(crate) struct Jumping(Arc<AtomicI64>);

impl Jumping {
    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::of(Arc::new(self.clone()))
    }
}

impl System for Jumping {
    fn now(&self) -> Ticks {
        let seconds = i128::from(self.0.load(Ordering::Relaxed));
        Ticks::from_unix_nanos(seconds * 1_000_000_000).unwrap_or(Ticks::MAX)
    }
    fn read(&self, path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
        OsSystem.read(path, limit)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        OsSystem.write(path, bytes)
    }
    fn read_dir(&self, path: &Path) -> std::io::Result<Vec<DirEntry>> {
        OsSystem.read_dir(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        OsSystem.is_dir(path)
    }
    fn exists(&self, path: &Path) -> bool {
        OsSystem.exists(path)
    }
    fn env(&self, name: &str) -> Option<String> {
        OsSystem.env(name)
    }
    fn run(&self, program: &str, arguments: &[&str]) -> std::io::Result<ProgramOutput> {
        OsSystem.run(program, arguments)
    }
}

/// 2026-01-01, in seconds since 1970.
pub(crate) const START: i64 = 1_767_225_600;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

async fn send(lake: &Lake, id: usize) -> Result<bool, castellan_lake::Error> {
    let row = format!("[{{\"CorrelationId\": \"{id}\"}}]");
    let key = Some(Key::of(&[&id.to_le_bytes()]));
    let how = Append { key, ..Append::default() };
    Ok(lake.append("SigninLogs", row.as_bytes(), Form::Array, how).await?.is_repeated)
}

/// Back by an hour, on by years, before 1970, and back again: every event is there once, repeated calls add nothing, and
/// the process recovers by itself.
#[tokio::test]
async fn nothing_is_lost_and_nothing_is_there_twice_when_the_clock_jumps() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    let options = || Options { clock: clock.clock(), ..quiet() };
    let jumps = [0, -HOUR, 20 * 365 * DAY, -60 * 365 * DAY, DAY, 0, -1, 1];
    for (at, jump) in jumps.into_iter().enumerate() {
        clock.set(START + jump);
        let lake = Lake::open(folder.path(), options()).await?;
        assert!(!send(&lake, at).await?, "jump {jump}");
        assert!(send(&lake, at).await?, "a call that is repeated at once is known, jump {jump}");
        assert_eq!(value(&lake, "SigninLogs | count").await?, (at + 1).to_string());
        match at % 3 {
            0 => lake.flush().await?,
            1 => lake.tidy().await?,
            _ => {}
        }
    }
    clock.set(START);
    let lake = Lake::open(folder.path(), options()).await?;
    lake.flush().await?;
    lake.tidy().await?;
    assert!(lake.damages().is_empty() && lake.problems().is_empty());
    assert_eq!(value(&lake, "SigninLogs | count").await?, jumps.len().to_string());
    let different = "SigninLogs | summarize dcount(CorrelationId, 4)";
    assert_eq!(value(&lake, different).await?, jumps.len().to_string());
    Ok(())
}

/// Rows that came when the clock was ahead go to files all the same, once it is right again.
#[tokio::test]
async fn rows_of_the_future_are_flushed_by_the_upkeep() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START + DAY);
    let options = Options { upkeep: true, clock: clock.clock(), ..quiet() };
    let lake = Lake::open(folder.path(), options).await?;
    send(&lake, 1).await?;
    clock.set(START);
    for _ in 0..100 {
        if lake.tables().iter().all(|table| table.rows_in_memory == 0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the rows stayed in memory".into())
}

/// A clock that is years ahead for a while makes every row look old. Rows are removed by what it says, so the upkeep of a
/// lake with a retention waits until it has gone well for a while.
#[tokio::test]
async fn a_clock_that_is_ahead_for_a_moment_removes_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START);
    let retention = Some(Duration::from_secs(90 * 86_400));
    let clock_steady_for = Duration::ZERO;
    let options = Options { retention, clock_steady_for, clock: clock.clock(), ..quiet() };
    let lake = Lake::open(folder.path(), options).await?;
    send(&lake, 1).await?;
    lake.flush().await?;
    clock.set(START + 20 * 365 * DAY);
    lake.tidy().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1", "the jump is told and nothing is removed");
    assert!(lake.problems().contains_key("clock"));
    clock.set(START + DAY);
    lake.tidy().await?;
    lake.tidy().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1");
    assert!(!lake.problems().contains_key("clock"), "it recovers by itself");
    clock.set(START + 20 * 365 * DAY);
    lake.tidy().await?;
    lake.tidy().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "0", "a clock that keeps saying so is believed");
    Ok(())
}
