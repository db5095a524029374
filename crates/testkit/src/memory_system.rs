//! A machine that exists in memory only.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use castellan_base::{DirEntry, ProgramOutput, System, Ticks};

/// Files, environment, programs and a clock, all set by the test.
///
/// Paths are compared after `.` and `..` are folded away; folders exist as soon as a file lies in them. The clock
/// stands still until [`MemorySystem::advance`] or [`MemorySystem::set_now`] moves it.
#[derive(Debug)]
pub struct MemorySystem {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Ticks,
    files: BTreeMap<PathBuf, Vec<u8>>,
    folders: BTreeSet<PathBuf>,
    environment: BTreeMap<String, String>,
    programs: Vec<(String, ProgramOutput)>,
    runs: Vec<String>,
}

/// 2026-11-21T00:00:00Z in ticks of 100 ns since year 1, the day on which the clock stands at first.
const START: i64 = 639_308_160_000_000_000;

impl Default for MemorySystem {
    fn default() -> Self {
        MemorySystem {
            state: Mutex::new(State {
                now: Ticks::new(START).unwrap_or(Ticks::MIN),
                files: BTreeMap::new(),
                folders: BTreeSet::from([PathBuf::new(), PathBuf::from("/")]),
                environment: BTreeMap::new(),
                programs: Vec::new(),
                runs: Vec::new(),
            }),
        }
    }
}

impl MemorySystem {
    /// With the clock at this time.
    ///
    /// # Panics
    /// When `time` is neither a date nor an RFC 3339 time.
    #[must_use]
    pub fn at(self, time: &str) -> Self {
        self.set_now(time);
        self
    }

    /// With this file, and the folders it lies in.
    #[must_use]
    pub fn with_file(self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Self {
        self.state().put(path.as_ref(), content.as_ref());
        self
    }

    /// With this environment variable.
    #[must_use]
    pub fn with_env(self, name: &str, value: &str) -> Self {
        self.state().environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a program that prints `stdout` and succeeds whenever its command line starts with `command_line`, for
    /// example `az account get-access-token`. The first match counts.
    #[must_use]
    pub fn with_program(self, command_line: &str, stdout: impl AsRef<[u8]>) -> Self {
        let output = ProgramOutput { code: Some(0), stdout: stdout.as_ref().to_vec(), stderr: Vec::new() };
        self.with_program_output(command_line, output)
    }

    /// With a program that ends as `output` says whenever its command line starts with `command_line`.
    #[must_use]
    pub fn with_program_output(self, command_line: &str, output: ProgramOutput) -> Self {
        self.state().programs.push((command_line.to_owned(), output));
        self
    }

    /// Puts the clock to a time.
    ///
    /// # Panics
    /// When `time` is neither a date nor an RFC 3339 time.
    #[allow(clippy::panic)] // A wrong fixture has to stop the test that wrote it.
    pub fn set_now(&self, time: &str) {
        match time.parse() {
            Ok(ticks) => self.state().now = ticks,
            Err(error) => panic!("{error}"),
        }
    }

    /// Moves the clock on by a number of seconds.
    pub fn advance(&self, seconds: i64) {
        let mut state = self.state();
        let ticks = seconds.saturating_mul(Ticks::PER_SECOND);
        state.now = state.now.checked_add(ticks).unwrap_or(Ticks::MAX);
    }

    /// The command lines that were run, oldest first.
    pub fn runs(&self) -> Vec<String> {
        self.state().runs.clone()
    }

    /// A file's bytes, for looking at what was written.
    pub fn file(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.state().files.get(&fold(path.as_ref())).cloned()
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().files.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, path: &Path, content: &[u8]) {
        let path = fold(path);
        self.folders.extend(path.ancestors().skip(1).map(Path::to_owned));
        self.files.insert(path, content.to_vec());
    }
}

/// The path without `.` and with `..` applied.
fn fold(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                folded.pop();
            }
            other => folded.push(other),
        }
    }
    folded
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("nothing at `{}` in memory", path.display()))
}

impl System for MemorySystem {
    fn now(&self) -> Ticks {
        self.state().now
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let state = self.state();
        let bytes = state.files.get(&fold(path)).ok_or_else(|| not_found(path))?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
        }
        Ok(bytes.clone())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.state().put(path, bytes);
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let state = self.state();
        let folder = fold(path);
        if !state.folders.contains(&folder) {
            return Err(not_found(path));
        }
        let inside = |entry: &Path| entry.parent() == Some(&folder) && entry != folder;
        let entry = |entry: &PathBuf, is_dir| DirEntry {
            path: path.join(entry.file_name().unwrap_or_default()),
            is_dir,
        };
        let folders = state.folders.iter().filter(|path| inside(path)).map(|path| entry(path, true));
        let files = state.files.keys().filter(|path| inside(path)).map(|path| entry(path, false));
        let mut entries: Vec<DirEntry> = folders.chain(files).collect();
        entries.sort();
        Ok(entries)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.state().folders.contains(&fold(path))
    }

    fn exists(&self, path: &Path) -> bool {
        let path = fold(path);
        let state = self.state();
        state.files.contains_key(&path) || state.folders.contains(&path)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.state().environment.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput> {
        let mut command_line = program.to_owned();
        for argument in arguments {
            command_line.push(' ');
            command_line.push_str(argument);
        }
        let mut state = self.state();
        state.runs.push(command_line.clone());
        let scripted = state.programs.iter().find(|(prefix, _)| command_line.starts_with(prefix.as_str()));
        scripted.map(|(_, output)| output.clone()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no program is scripted for `{command_line}`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders() {
        let system = MemorySystem::default().with_file("a/b/c.json", "{}").with_file("a/d.json", "1");
        let names: Vec<_> = system.read_dir(Path::new("a")).unwrap();
        assert_eq!(
            names,
            [
                DirEntry { path: "a/b".into(), is_dir: true },
                DirEntry { path: "a/d.json".into(), is_dir: false }
            ]
        );
        assert!(system.is_dir(Path::new("a/./b/../b")) && !system.is_dir(Path::new("a/d.json")));
        assert!(system.exists(Path::new("./a/d.json")) && !system.exists(Path::new("x")));
        assert_eq!(system.read(Path::new("a/d.json"), 1).unwrap(), b"1");
        let large = system.read(Path::new("a/b/c.json"), 1).unwrap_err();
        assert_eq!(large.kind(), io::ErrorKind::FileTooLarge);
        system.write(Path::new("out/report.json"), b"{}").unwrap();
        assert_eq!(system.file("out/report.json").as_deref(), Some(b"{}".as_slice()));
        assert!(system.read_dir(Path::new("nowhere")).is_err());
    }

    #[test]
    fn clock_environment_and_programs() {
        let system = MemorySystem::default();
        assert_eq!(system.now().to_string(), "2026-11-21T00:00:00.0000000Z");
        system.advance(90);
        assert_eq!(system.now().to_string(), "2026-11-21T00:01:30.0000000Z");
        let system = MemorySystem::default().with_env("EMPTY", "");
        assert_eq!(system.env("EMPTY"), None);
        assert_eq!(system.run("az", &["login"]).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(system.runs(), ["az login"]);
    }
}
