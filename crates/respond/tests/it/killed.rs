//! A process that is killed between every two lines of its journal, and while the service has acted and not answered.
#![expect(clippy::disallowed_methods, reason = "a process is started in order to be killed")]

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use castellan_base::{OsSystem, System as _};
use castellan_respond::playbook::extension;
use castellan_respond::run::{Folder, Journal, Runner, Start, State, Status, Storage, load};
use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Outcome, catalogue, does, id, library, playbook, runner};

/// Sequence, list, branches side by side and a condition; with `fails`, the last step asks for what is not there, so that
/// all of it is undone.
fn everything(host: &str, fails: bool) -> Value {
    let mut each = does("each-__item__:value", &id("parallel", 1));
    each["step_extensions"][extension::FOR_EACH] = json!({"list": "__items__:value", "variable": "__item__"});
    let last = does("last", &id("end", 1));
    let mut steps = json!({
        (id("action", 1)): does("first", &id("action", 2)),
        (id("action", 2)): each,
        (id("parallel", 1)): {
            "type": "parallel", "next_steps": [id("action", 3), id("action", 4)],
            "on_success": id("if-condition", 1),
        },
        (id("action", 3)): does("left", &id("end", 1)),
        (id("action", 4)): does("right", &id("end", 1)),
        (id("if-condition", 1)): {
            "type": "if-condition", "condition": "__mode__:value = 'full'",
            "on_true": id("action", 5), "on_success": id("action", 6),
        },
        (id("action", 5)): does("deep", &id("end", 1)),
        (id("action", 6)): last,
    });
    if fails {
        steps[id("action", 6)]["commands"][0]["command"] = json!("NOT-A-REQUEST-LINE");
    }
    playbook(host, &id("action", 1), steps, fails)
}

const DONE: [&str; 7] = ["deep", "each-one", "each-two", "first", "last", "left", "right"];

/// A journal's file that stops the process for ever before or after one of its lines.
struct Stopping {
    file: std::fs::File,
    left: usize,
    is_before: bool,
}

impl Stopping {
    fn stop() {
        let _ = writeln!(io::stdout().lock(), "stopped");
        let _ = io::stdout().flush();
        std::thread::sleep(Duration::from_secs(60));
    }
}

impl Storage for Stopping {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.left == 0 && self.is_before {
            Stopping::stop();
        }
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        if self.left == 0 && !self.is_before {
            Stopping::stop();
        }
        self.left = self.left.wrapping_sub(1);
        Ok(())
    }
}

fn environment(name: &str) -> Option<String> {
    OsSystem.env(&format!("CASTELLAN_RESPOND_{name}"))
}

/// The process that is killed. Its parent runs it.
#[test]
#[ignore = "its parent runs it"]
fn child() -> Outcome {
    let (Some(file), Some(host)) = (environment("FILE"), environment("HOST")) else { return Ok(()) };
    let left = environment("LEFT").and_then(|left| left.parse().ok()).unwrap_or(usize::MAX);
    let is_before = environment("BEFORE").is_some();
    let bytes = std::fs::read(&file)?;
    let loaded = load("r", &bytes)?;
    let state = State::of(&loaded.records).ok_or("no run")?;
    let handle = std::fs::OpenOptions::new().append(true).open(&file)?;
    handle.set_len(u64::try_from(loaded.whole)?)?;
    let journal = Journal::resume(Box::new(Stopping { file: handle, left, is_before }), &loaded);
    let (library, catalogue) = (library(&[])?, catalogue(&host));
    let folder = PathBuf::from(&file);
    let runner = runner(&OsSystem, &library, &catalogue, folder.parent().unwrap_or(Path::new(".")));
    let report = runner.work(journal, state)?;
    let _ = writeln!(io::stdout().lock(), "ended {:?}", report.status);
    Ok(())
}

fn spawn(file: &Path, host: &str, left: Option<(usize, bool)>) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["killed::child", "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
    command.env("CASTELLAN_RESPOND_FILE", file).env("CASTELLAN_RESPOND_HOST", host);
    if let Some((left, is_before)) = left {
        command.env("CASTELLAN_RESPOND_LEFT", left.to_string());
        if is_before {
            command.env("CASTELLAN_RESPOND_BEFORE", "1");
        }
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Follows a process until it stops itself or ends; one that stops is killed. Tells whether it was.
fn kill_when_stopped(mut child: Child) -> Result<bool, Box<dyn std::error::Error>> {
    let output = child.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if line?.contains("stopped") {
            child.kill()?;
            child.wait()?;
            return Ok(true);
        }
    }
    if child.wait()?.success() { Ok(false) } else { Err("the process failed by itself".into()) }
}

/// Opens a run without taking a step.
fn open(folder: &Path, host: &str, fails: bool) -> Result<(PathBuf, String), Box<dyn std::error::Error>> {
    let (library, catalogue) = (library(&[everything(host, fails)])?, catalogue(host));
    let stopped = || true;
    let runner = Runner {
        system: &OsSystem,
        library: &library,
        catalogue: &catalogue,
        folder: Folder::new(folder),
        is_stopped: &stopped,
    };
    let report = runner.start(&id("playbook", 1), &Start { by: "test".to_owned(), ..Start::default() })?;
    assert_eq!(report.status, Status::Interrupted);
    Ok((folder.join(format!("{}.journal", report.run)), report.run))
}

fn finish(folder: &Path, host: &str, run: &str) -> Result<Status, Box<dyn std::error::Error>> {
    let (library, catalogue) = (library(&[])?, catalogue(host));
    Ok(runner(&OsSystem, &library, &catalogue, folder).resume(run)?.status)
}

fn check(service: &Service, fails: bool, what: &str) {
    let counts = service.counts();
    let expected = |names: &[&str]| -> BTreeMap<String, usize> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    };
    let done: Vec<&str> = DONE.into_iter().filter(|name| !fails || *name != "last").collect();
    assert_eq!(counts.done, expected(&done), "{what}");
    let undone = if fails { expected(&done) } else { BTreeMap::new() };
    assert_eq!(counts.undone, undone, "{what}");
}

fn killed_at_every_line(fails: bool) -> Outcome {
    let ends_as = if fails { Status::Failed } else { Status::Completed };
    let mut kills = 0;
    for is_before in [false, true] {
        for left in 0.. {
            let (service, folder) = (Service::start()?, tempfile::tempdir()?);
            let (file, run) = open(folder.path(), &service.host(), fails)?;
            let was_killed = kill_when_stopped(spawn(&file, &service.host(), Some((left, is_before)))?)?;
            assert_eq!(finish(folder.path(), &service.host(), &run)?, ends_as, "{left} {is_before}");
            check(&service, fails, &format!("killed at line {left}, before: {is_before}"));
            if !was_killed {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 40, "{kills} kills");
    Ok(())
}

#[test]
fn killed_at_every_line_nothing_is_done_twice() -> Outcome {
    killed_at_every_line(false)
}

#[test]
fn killed_at_every_line_of_a_failing_run_nothing_is_undone_twice() -> Outcome {
    killed_at_every_line(true)
}

/// Each process writes one line, acts on it and is killed before it writes the next, until the run is through.
#[test]
fn killed_before_each_second_line_of_one_run() -> Outcome {
    let (service, folder) = (Service::start()?, tempfile::tempdir()?);
    let (file, run) = open(folder.path(), &service.host(), false)?;
    let mut kills = 0;
    while kill_when_stopped(spawn(&file, &service.host(), Some((1, true)))?)? {
        kills += 1;
        assert!(kills < 200, "the run does not come to its end");
    }
    assert_eq!(finish(folder.path(), &service.host(), &run)?, Status::Completed);
    check(&service, false, "one line a process");
    Ok(())
}

/// The service has acted and says nothing: the process is killed before it knows.
#[test]
fn killed_before_the_answer() -> Outcome {
    for post in 1..=DONE.len() {
        let (service, folder) = (Service::start()?, tempfile::tempdir()?);
        let (file, run) = open(folder.path(), &service.host(), false)?;
        service.stall_at(post);
        let mut child = spawn(&file, &service.host(), None)?;
        while !service.is_stalled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill()?;
        child.wait()?;
        assert_eq!(finish(folder.path(), &service.host(), &run)?, Status::Completed);
        check(&service, false, &format!("killed before the answer {post}"));
    }
    Ok(())
}
