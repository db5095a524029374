//! A disk that fails, and that loses what was not synced when the power goes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use castellan_lake::{Disk, OsDisk, Output};

/// Numbers that look random and are the same for the same seed. Source: Vigna, "xorshift128+", `splitmix64`.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub(crate) fn is_one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends in the middle of an operation, and the power with it.
    Crash,
    /// An operation fails, a write after some of its bytes.
    Error(io::ErrorKind),
}

#[derive(Debug, Default)]
struct State {
    dice: Option<Dice>,
    /// Operations until the fault.
    until: Option<u64>,
    fault: Option<Fault>,
    is_dead: bool,
    /// Bytes of each open or unsynced file that are on the disk for certain.
    synced: BTreeMap<PathBuf, u64>,
    /// Names that a loss of power may take back: what stood there before.
    names: BTreeMap<PathBuf, Option<Vec<u8>>>,
    pub(crate) log: Vec<String>,
}

/// Wraps the disk of the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct FaultyOutput {
    disk: FaultyDisk,
    path: PathBuf,
    inner: Box<dyn Output>,
    length: u64,
}

impl FaultyDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a fault happen after some operations.
    pub(crate) fn arm(&self, fault: Fault, after: u64, dice: Dice) {
        let mut state = self.state();
        (state.fault, state.until, state.dice) = (Some(fault), Some(after), Some(dice));
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// What happened, for messages of tests that fail.
    pub(crate) fn history(&self) -> String {
        let state = self.state();
        let from = state.log.len().saturating_sub(12);
        state.log.get(from..).unwrap_or_default().join("\n")
    }

    /// Errors: the disk is dead, or the fault is now. Gives how much of a write of so many bytes still happens.
    fn step(&self, what: &str, path: &Path, bytes: usize) -> Result<(), (io::Error, usize)> {
        let mut state = self.state();
        if state.is_dead {
            return Err((io::Error::other("the process is dead"), 0));
        }
        state.log.push(format!("{what} {}", path.display()));
        match state.until {
            Some(0) => {
                state.until = None;
                let fault = state.fault.take();
                let part = state.dice.as_mut().map_or(0, |dice| dice.below(bytes as u64 + 1));
                let part = usize::try_from(part).unwrap_or(0);
                state.log.push(format!("{fault:?} after {part} of {bytes} bytes"));
                match fault {
                    Some(Fault::Error(kind)) => Err((io::Error::new(kind, "injected"), part)),
                    _ => {
                        state.is_dead = true;
                        Err((io::Error::other("the process is dead"), part))
                    }
                }
            }
            Some(left) => {
                state.until = Some(left - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn plain(&self, what: &str, path: &Path) -> io::Result<()> {
        self.step(what, path, 0).map_err(|(error, _)| error)
    }

    fn remember(&self, path: &Path) {
        let before = OsDisk.read(path).ok();
        self.state().names.entry(path.to_owned()).or_insert(before);
    }

    /// The power goes: what was not synced is there, or partly, or not at all.
    pub(crate) fn lose_power(&self, dice: &mut Dice) -> io::Result<()> {
        let mut state = self.state();
        let lost: BTreeSet<PathBuf> = state.names.keys().filter(|_| dice.is_one_in(2)).cloned().collect();
        for (path, length) in &state.synced {
            let Ok(metadata) = std::fs::metadata(path) else { continue };
            let kept = length + dice.below(metadata.len().saturating_sub(*length) + 1);
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            file.set_len(kept)?;
            // What was not synced may be anything.
            if kept > *length && dice.is_one_in(2) {
                let noise: Vec<u8> = (0..kept - length).map(|_| (dice.next() & 0xff) as u8).collect();
                std::os::unix::fs::FileExt::write_all_at(&file, &noise, *length)?;
            }
        }
        for (path, before) in state.names.iter().filter(|(path, _)| lost.contains(*path)) {
            match before {
                Some(bytes) => std::fs::write(path, bytes)?,
                None => match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                },
            }
        }
        *state = State::default();
        Ok(())
    }
}

impl Output for FaultyOutput {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.disk.step("write", &self.path, bytes.len()) {
            Ok(()) => {
                self.inner.write_all(bytes)?;
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err((error, part)) => {
                self.inner.write_all(bytes.get(..part).unwrap_or_default())?;
                self.length += part as u64;
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.plain("sync", &self.path)?;
        self.disk.state().synced.insert(self.path.clone(), self.length);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.plain("cut", &self.path)?;
        self.inner.cut(length)?;
        self.length = length;
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.plain("create", path)?;
        self.remember(path);
        let inner = OsDisk.create(path)?;
        self.state().synced.insert(path.to_owned(), 0);
        Ok(Box::new(FaultyOutput { disk: self.clone(), path: path.to_owned(), inner, length: 0 }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        OsDisk.read(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
        OsDisk.list(folder)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        OsDisk.size(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        self.plain("create folder", path)?;
        OsDisk.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plain("rename", to)?;
        self.remember(to);
        OsDisk.rename(from, to)?;
        let mut state = self.state();
        if let Some(length) = state.synced.remove(from) {
            state.synced.insert(to.to_owned(), length);
        }
        state.names.remove(from);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plain("link", to)?;
        self.remember(to);
        OsDisk.link(from, to)?;
        let mut state = self.state();
        if let Some(length) = state.synced.get(from).copied() {
            state.synced.insert(to.to_owned(), length);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.plain("remove", path)?;
        OsDisk.remove(path)?;
        let mut state = self.state();
        state.synced.remove(path);
        state.names.remove(path);
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.plain("sync file", path)?;
        let length = OsDisk.size(path)?;
        self.state().synced.insert(path.to_owned(), length);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.plain("sync folder", path)?;
        self.state().names.retain(|name, _| name.parent() != Some(path));
        Ok(())
    }

    fn available(&self, path: &Path) -> io::Result<u64> {
        OsDisk.available(path)
    }
}
