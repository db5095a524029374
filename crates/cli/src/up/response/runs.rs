//! Playbooks that automation rules start, and runs that go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_detect::incident::{By, Command, Incident, Order};
use castellan_respond::Library;
use castellan_respond::actions::Catalogue;
use castellan_respond::run::{Folder, Report, RunError, Runner, Start, State, Status};

use crate::playbook::about::{About, variables};

/// How often runs are looked at that wait for a time.
const EVERY: Duration = Duration::from_secs(5);
/// Answers beyond which no more are kept for the incidents.
const MOST_TOLD: usize = 10_000;

/// A playbook that a rule wants to be started.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its id or name.
    pub(crate) playbook: String,
    /// The rule.
    pub(crate) rule: String,
    /// The incident that it is for.
    pub(crate) incident: Incident,
    /// What the start is known by.
    pub(crate) key: String,
}

/// A thread that starts playbooks and goes on with their runs.
pub(crate) struct Runs {
    wanted: Option<Sender<Wanted>>,
    told: Receiver<Command>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with.
struct Worker {
    library: Library,
    catalogue: Catalogue,
    folder: PathBuf,
    system: Arc<dyn System>,
    is_stopped: Arc<AtomicBool>,
    tell: Sender<Command>,
}

impl Runs {
    /// Begins, and goes on with the runs of a folder.
    ///
    /// Errors: the folder cannot be made, or the system gives no thread.
    pub(crate) fn begin(
        library: Library,
        catalogue: Catalogue,
        folder: &Path,
        system: Arc<dyn System>,
    ) -> Result<Runs> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let (wanted, receiver) = channel();
        let (tell, told) = channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            library,
            catalogue,
            folder: folder.to_owned(),
            system,
            is_stopped: Arc::clone(&is_stopped),
            tell,
        };
        let named = std::thread::Builder::new().name("playbooks".to_owned());
        let thread = named.spawn(move || worker.work(&receiver)).context("the system gives no thread")?;
        Ok(Runs { wanted: Some(wanted), told, is_stopped, thread: Some(thread) })
    }

    /// Has a playbook started.
    pub(crate) fn start(&self, wanted: Wanted) {
        if let Some(sender) = &self.wanted {
            // The thread ends with this; until then it listens.
            let _ = sender.send(wanted);
        }
    }

    /// What there is to say in incidents of what became of starts.
    pub(crate) fn told(&self) -> Vec<Command> {
        self.told.try_iter().take(MOST_TOLD).collect()
    }
}

impl Drop for Runs {
    /// Stops before the next step; what was begun is gone on with when it begins again.
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.wanted.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Worker {
    fn work(&self, wanted: &Receiver<Wanted>) {
        self.go_on();
        loop {
            match wanted.recv_timeout(EVERY) {
                Ok(wanted) => self.start(&wanted),
                Err(RecvTimeoutError::Timeout) => self.go_on(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn start(&self, wanted: &Wanted) {
        let name = &wanted.playbook;
        let said = match self.started(wanted) {
            Ok(report) => format!("Playbook `{name}` was started: {}", shown(&report)),
            Err(error) => format!("Playbook `{name}` was not started: {error}"),
        };
        self.say(wanted, said);
    }

    fn started(&self, wanted: &Wanted) -> Result<Report, RunError> {
        let missing = || RunError::NoPlaybook(wanted.playbook.clone());
        let entry = self.library.find(&wanted.playbook).ok_or_else(missing)?;
        let start = Start {
            variables: variables(&entry.playbook, &About::of(&wanted.incident)),
            by: format!("automation rule {}", wanted.rule),
            cause: format!("incident {}", wanted.incident.number),
            key: Some(wanted.key.clone()),
            allow_unsigned: false,
        };
        let stop = || self.is_stopped.load(Ordering::Relaxed);
        self.runner(&stop).start(&entry.playbook.id, &start)
    }

    /// Says in the incident what became of a start.
    fn say(&self, wanted: &Wanted, text: String) {
        let by = By::Automation(wanted.rule.clone());
        let order = Order::Comment { text };
        // Nobody listens any more when everything ends.
        let _ = self.tell.send(Command { incident: wanted.incident.number, seen: None, by, order });
    }

    /// Goes on with runs that are not over: times may have come, people may have answered.
    fn go_on(&self) {
        let stop = || self.is_stopped.load(Ordering::Relaxed);
        let runner = self.runner(&stop);
        for run in runner.runs().unwrap_or_default() {
            if stop() {
                return;
            }
            let is_open = runner.history(&run).ok().and_then(|records| State::of(&records));
            if is_open.is_some_and(|state| state.closed.is_none()) {
                // What cannot be gone on with is told by `castellan playbook history`.
                let _ = runner.resume(&run);
            }
        }
    }

    fn runner<'w>(&'w self, is_stopped: &'w (dyn Fn() -> bool + Sync)) -> Runner<'w> {
        Runner {
            system: self.system.as_ref(),
            library: &self.library,
            catalogue: &self.catalogue,
            folder: Folder::new(&self.folder),
            is_stopped,
        }
    }
}

/// How a run stands, in words.
fn shown(report: &Report) -> String {
    let stands = match report.status {
        Status::Waiting => "it waits for people or a time",
        Status::Completed => "it is done",
        Status::Failed => "it failed",
        Status::Cancelled => "it was stopped",
        Status::Interrupted => "it goes on",
    };
    let reason = if report.reason.is_empty() { String::new() } else { format!(" ({})", report.reason) };
    format!("{stands}{reason}; `castellan playbook history {}` shows it", report.run)
}
