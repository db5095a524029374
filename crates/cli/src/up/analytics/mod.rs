//! Analytics rules while the server is up: told of events as they arrive where that is possible, and on their schedules.
//!
//! A run of a rule that raised alerts is committed by one record of the desk's journal: the alerts as rows that it owes the
//! lake, and the incidents that they change. How far the rule is then was prepared before, and counts once that record is
//! there. Only after that do rows go to the lake, each call with a mark that makes it count once. *Invariant (alerts once):*
//! whatever is cut off between two writes, the next start finds out whether the run was committed, sends its rows again, and
//! what the lake has already adds nothing.

pub(super) mod board;
mod edits;
mod following;
mod health;
pub(crate) mod kept;
#[cfg(test)]
mod tests;
pub(super) mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use board::Board;
use castellan_base::{System, Ticks};
use castellan_detect::rule::Rule;
use castellan_detect::run::Alert;
use castellan_detect::schedule::{Ran, State, Timing, due, run};
use castellan_detect::stream::{How, Streams};
use castellan_incident::Desk;
use castellan_incident::store::Note;
use castellan_lake::Lake;
use edits::{Edits, Versions};
use following::Following;
use health::Health;
use kept::{Folder, Kept};
use tokio::task::JoinSet;
use told::Told;

use crate::arguments::UpArguments;
use crate::detect::Read;
use crate::detect::events::Workspace;
use crate::output::{complain, inert_lines};

/// How often it is looked which rules are due.
const EVERY: Duration = Duration::from_secs(2);
/// What arrives is looked at so often: rows come together meanwhile, so that a thousand calls are not a thousand looks.
const TOGETHER: Duration = Duration::from_millis(150);
/// Incidents whose texts are looked for after a run; those beyond are looked at after the next.
const CAPTURED: usize = 20;
/// The folder of what is remembered, in the lake's.
const FOLDER: &str = "analytics";

/// Rules, what they run over, and what is remembered of them.
pub(super) struct Analytics {
    workspace: Arc<Workspace>,
    rules: Vec<Rule>,
    timing: Timing,
    folder: Folder,
    desk: Arc<Desk>,
    kept: BTreeMap<Arc<str>, Kept>,
    told: Told,
    /// Rules that are told of rows as they arrive; nothing until it has begun, and when it has to begin again.
    following: Option<Following>,
    /// When what arrived was taken last.
    heard: Instant,
    health: Health,
    /// What is shown of all this.
    board: Arc<Board>,
    /// How rules are read, to do it again when files change.
    reading: Reading,
    edits: Edits,
}

/// Where rules come from.
#[derive(Clone, Debug, Default)]
struct Reading {
    paths: Vec<PathBuf>,
    functions: Option<PathBuf>,
    watchlists: Option<PathBuf>,
    built_in: bool,
}

impl Reading {
    /// Errors: a path at which there is nothing.
    fn read(&self, system: &dyn System) -> Result<Read> {
        let mut read = Read::open(&self.paths, self.functions.as_deref(), system)?;
        if self.built_in {
            // Rules of one's own come first: one with the id of a built-in rule stands in its place.
            read.built_in();
        }
        read.tell(false);
        read.forget_fixtures();
        read.rules = distinct(std::mem::take(&mut read.rules), self.built_in);
        Ok(read)
    }

    /// The files that are read, as they are now.
    fn versions(&self, system: &dyn System) -> Versions {
        let folders = self.functions.iter().chain(&self.watchlists);
        Versions::below(self.paths.iter().chain(folders).map(PathBuf::as_path), system)
    }
}

impl Analytics {
    /// Reads the rules of a folder, and what is remembered of them.
    ///
    /// Errors: a folder that is not there, a watchlist that cannot be used, or files of earlier runs that cannot be read.
    pub(super) async fn open(
        rules: &Path,
        lake: Arc<Lake>,
        desk: Arc<Desk>,
        board: Arc<Board>,
        arguments: &UpArguments,
        system: &dyn System,
    ) -> Result<Analytics> {
        let reading = Reading {
            paths: vec![rules.to_owned()],
            functions: arguments.functions.clone(),
            watchlists: arguments.watchlists.clone(),
            built_in: arguments.built_in,
        };
        let mut edits = Edits::default();
        edits.reads(reading.versions(system));
        let read = reading.read(system)?;
        board.has(&read);
        let folder = lake.folder().join(FOLDER);
        let workspace = Workspace::open(lake, reading.watchlists.as_deref(), read.functions, system)?;
        let analytics = Analytics::of(workspace, read.rules, &folder, desk, system.now())?;
        Ok(Analytics { board, reading, edits, ..analytics })
    }

    fn of(
        workspace: Workspace,
        rules: Vec<Rule>,
        folder: &Path,
        desk: Arc<Desk>,
        now: Ticks,
    ) -> Result<Analytics> {
        let folder = Folder::open(folder)?;
        let mut kept = BTreeMap::new();
        for rule in &rules {
            // A run that was cut off: whether it counts is what the journal says.
            if let Some(pending) = folder.pending(&rule.id)? {
                match desk.note(&key(&rule.id)) {
                    Some(commit) if commit == pending.commit => folder.settle(&rule.id)?,
                    _ => folder.discard(&rule.id)?,
                }
            }
            kept.insert(Arc::clone(&rule.id), folder.rule(&rule.id)?);
        }
        let (timing, told) = (Timing::default(), Told::default());
        let health = Health::new(folder.sources()?, now);
        Ok(Analytics {
            workspace: Arc::new(workspace),
            rules,
            timing,
            folder,
            desk,
            kept,
            told,
            following: None,
            heard: Instant::now(),
            health,
            board: Arc::default(),
            reading: Reading::default(),
            edits: Edits::default(),
        })
    }

    /// What is told when it starts.
    pub(super) fn describe(&self) -> String {
        let off = self.rules.iter().filter(|rule| !rule.enabled).count();
        format!("{} on their schedules, {off} turned off", self.rules.len() - off)
    }

    /// Runs what is due, again and again. It ends when its future is dropped, wherever it is.
    pub(super) async fn run(mut self, clock: Arc<dyn System>) {
        loop {
            if self.following.is_none() {
                self.begin(clock.now()).await;
            }
            for (id, state) in self.board.recalled() {
                let kept = self.kept.entry(id).or_default();
                for (identity, raised) in state.raised {
                    kept.state.raised.entry(identity).or_insert(raised);
                }
            }
            if self.follows_edits(clock.as_ref()) {
                continue;
            }
            self.turn(clock.now()).await;
            self.tell_health(clock.now()).await;
            let next = tokio::time::Instant::now() + EVERY;
            while tokio::time::Instant::now() < next {
                self.hears(clock.as_ref(), next).await;
            }
        }
    }

    /// Reads rules, functions and watchlists again where somebody changed them; whether that was so.
    fn follows_edits(&mut self, system: &dyn System) -> bool {
        let versions = self.reading.versions(system);
        let (is_done, is_saved) = (self.edits.are_done(&versions), self.board.is_changed());
        if !is_done && !is_saved {
            return false;
        }
        // What cannot be read now is tried again when it has changed once more.
        self.edits.reads(versions);
        const WHAT: &str = "rules that were changed cannot be read";
        match self.reads_again(system) {
            Ok(()) => self.told.works(WHAT),
            Err(error) => self.told.failed(WHAT, &format!("{error:#}")),
        }
        true
    }

    /// Reads everything again. What is remembered of rules that stay stays; what cannot be read leaves all as it is.
    fn reads_again(&mut self, system: &dyn System) -> Result<()> {
        let mut read = self.reading.read(system)?;
        let (watchlists, functions) =
            (self.reading.watchlists.as_deref(), std::mem::take(&mut read.functions));
        let workspace = self.workspace.again(watchlists, functions, system)?;
        for rule in &read.rules {
            if !self.kept.contains_key(&rule.id) {
                self.kept.insert(Arc::clone(&rule.id), self.folder.rule(&rule.id)?);
            }
        }
        self.board.has(&read);
        (self.rules, self.workspace) = (read.rules, Arc::new(workspace));
        // Who is told of what is worked out anew, over what the tables hold.
        self.following = None;
        Ok(())
    }

    /// Writes how rules run and whether sources send, when it is time.
    async fn tell_health(&mut self, now: Ticks) {
        const WHAT: &str = "how rules run cannot be written down";
        let heard = self.following.as_mut().map(Following::heard).unwrap_or_default();
        self.health.heard(heard, now);
        if !self.health.is_due(now) {
            return;
        }
        let written = self.health.write(&self.rules, self.workspace.lake(), now).await;
        match written.and_then(|()| self.folder.keep_sources(self.health.sources())) {
            Ok(()) => self.told.works(WHAT),
            Err(error) => self.told.failed(WHAT, &format!("{error:#}")),
        }
    }

    /// Begins to be told of rows.
    async fn begin(&mut self, now: Ticks) {
        const WHAT: &str = "rules cannot be told of events as they arrive";
        match Following::begin(&self.rules, &self.kept, &self.workspace, now, &self.timing).await {
            Ok(following) => {
                self.told.works(WHAT);
                self.told.follows(following.counts(self.rules.len()));
                self.board.told(following.streams());
                self.following = Some(following);
            }
            Err(error) => self.told.failed(WHAT, &format!("{error:#}")),
        }
    }

    /// Takes what arrives for a while, and looks at it.
    async fn hears(&mut self, clock: &dyn System, until: tokio::time::Instant) {
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        let Some(following) = &mut self.following else {
            tokio::time::sleep(left).await;
            return;
        };
        following.wait(left).await;
        tokio::time::sleep(TOGETHER.min(left)).await;
        self.takes(clock.now()).await;
    }

    /// Takes what arrived, and looks at it. `now` is not earlier than the arrival of any of it.
    async fn takes(&mut self, now: Ticks) {
        let begun = Instant::now();
        if !self.takes_rows(now).await {
            return;
        }
        // Looking at windows takes tens of milliseconds for each rule, and nobody waits for that whose rule needs none.
        for at in self.waiting(&How::Windows) {
            if self.heard.elapsed() >= TOGETHER && !self.takes_rows(after(now, begun)).await {
                return;
            }
            if !self.looks(at, after(now, begun)).await {
                return;
            }
        }
    }

    /// Takes what arrived, and has those rules look at it that look at each event by itself; false where nobody is told of
    /// events any more, or what was raised cannot be kept.
    async fn takes_rows(&mut self, now: Ticks) -> bool {
        let Some(following) = self.following.take() else { return false };
        self.heard = Instant::now();
        match following.arrive().await {
            Ok(following) => self.following = Some(following),
            Err(error) => {
                self.told.failed("rules are told of events", &format!("{error:#}"));
                return false;
            }
        }
        for at in self.waiting(&How::Rows) {
            if !self.looks(at, now).await {
                return false;
            }
        }
        true
    }

    /// The rules of a kind that something arrived for, by their places.
    fn waiting(&self, how: &How) -> Vec<usize> {
        let Some(streams) = self.following.as_ref().map(Following::streams) else { return Vec::new() };
        streams.waiting().into_iter().filter(|at| streams.how(*at) == Some(how)).collect()
    }

    /// Lets a rule look at what arrived for it; false where what it raised cannot be kept.
    async fn looks(&mut self, at: usize, now: Ticks) -> bool {
        let (Some(rule), Some(following)) = (self.rules.get(at).cloned(), &mut self.following) else {
            return true;
        };
        if self.board.is_resting(&rule.id) {
            return true;
        }
        let kept = self.kept.get(&rule.id).cloned().unwrap_or_default();
        let mut state = kept.state.clone();
        let ran =
            following.streams_mut().look(at, &mut state, self.workspace.as_ref(), now, &self.timing).await;
        self.told.ran(&rule, &ran);
        self.health.looked(&rule, &ran);
        self.board.ran(&rule, &ran, now);
        let done = match ran.alerts.is_empty() {
            true => {
                // Nothing was raised: after a crash the same is looked at again. The next turn writes it down.
                self.kept.insert(Arc::clone(&rule.id), Kept { state, ..kept });
                return true;
            }
            false => self.commits(&rule, state, &ran.alerts, now),
        };
        let changed = match done {
            Ok(changed) => changed,
            Err(error) => {
                self.told.failed("what is remembered of analytics cannot be kept", &format!("{error:#}"));
                // What was looked at is in the tables: everything begins again over them.
                self.following = None;
                return false;
            }
        };
        if !self.sends(now).await {
            return false;
        }
        self.captures(&changed, now).await;
        true
    }

    /// Runs each rule that is due at a time. What fails is told, and tried again in the next turn.
    async fn turn(&mut self, now: Ticks) {
        let begun = Instant::now();
        if !self.sends(now).await {
            return;
        }
        for at in 0..self.rules.len() {
            let Some(rule) = self.rules.get(at).cloned() else { return };
            if self.board.is_resting(&rule.id) {
                continue;
            }
            let kept = self.kept.get(&rule.id).cloned().unwrap_or_default();
            if rule.enabled && due(&rule, &kept.state, now, &self.timing).windows.is_empty() {
                continue;
            }
            // A rule that is off forgets how far it was, and begins with the last window when it is turned on.
            let (ran, state) = self.runs(at, &rule, kept.state.clone(), (now, begun)).await;
            if !rule.enabled && state == kept.state {
                continue;
            }
            self.told.ran(&rule, &ran);
            self.health.ran(&rule, &ran, now);
            self.board.ran(&rule, &ran, now);
            let done = if ran.alerts.is_empty() {
                self.moves_on(&rule, Kept { state, ..kept })
            } else {
                self.commits(&rule, state, &ran.alerts, now)
            };
            let changed = match done {
                Ok(changed) => changed,
                Err(error) => {
                    self.told.failed("what is remembered of analytics cannot be kept", &format!("{error:#}"));
                    return;
                }
            };
            if !self.sends(now).await {
                return;
            }
            self.captures(&changed, now).await;
            self.takes_between((now, begun)).await;
        }
        self.told.works("what is remembered of analytics cannot be kept");
        let forgotten =
            self.following.as_mut().map_or(Ok(()), |own| own.streams_mut().forget(now, &self.timing));
        if let Err(error) = forgotten {
            self.told.failed("rules are told of events", &format!("{error:#}"));
            self.following = None;
        }
    }

    /// Runs a rule over what is held for it, or over the tables.
    async fn runs(
        &mut self,
        at: usize,
        rule: &Rule,
        mut state: State,
        time: (Ticks, Instant),
    ) -> (Ran, State) {
        let streams = self.following.as_ref().map(Following::streams);
        let is_told = |own: &&Streams| matches!(own.how(at), Some(How::Rows | How::Windows));
        if let Some(events) = streams.filter(is_told).and_then(|own| own.events(at, self.workspace.as_ref()))
        {
            let ran = run(rule, &mut state, &events, time.0, &self.timing).await;
            return (ran, state);
        }
        self.runs_aside(rule.clone(), state, time).await
    }

    /// Runs a rule over the tables, which can take a second, and goes on taking what arrives. Nobody else looks with this rule
    /// meanwhile: it is not told of events.
    async fn runs_aside(&mut self, rule: Rule, mut state: State, time: (Ticks, Instant)) -> (Ran, State) {
        let (workspace, timing) = (Arc::clone(&self.workspace), self.timing);
        // What runs in a set ends with it, as everything here ends when its future is dropped.
        let mut aside = JoinSet::new();
        aside.spawn(async move {
            let ran = run(&rule, &mut state, workspace.as_ref(), time.0, &timing).await;
            (ran, state)
        });
        loop {
            match tokio::time::timeout(TOGETHER, aside.join_next()).await {
                Ok(Some(Ok(done))) => return done,
                Ok(Some(Err(error))) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // Only who drops the set ends it otherwise.
                Ok(_) => std::future::pending().await,
                Err(_) => self.takes_between(time).await,
            }
        }
    }

    /// Takes what arrived, unless that was done just now: rules that are due must not keep those waiting that are told of
    /// events. `turn` is the time of the turn, and when that was.
    async fn takes_between(&mut self, (turn, begun): (Ticks, Instant)) {
        if self.heard.elapsed() < TOGETHER {
            return;
        }
        self.takes(after(turn, begun)).await;
    }

    /// Remembers how far a rule is that raised nothing.
    fn moves_on(&mut self, rule: &Rule, kept: Kept) -> Result<Vec<u32>> {
        self.folder.keep_rule(&rule.id, &kept)?;
        self.kept.insert(Arc::clone(&rule.id), kept);
        Ok(Vec::new())
    }

    /// Writes down what a run raised, and how far its rule is then: in one step. The numbers of incidents that changed.
    fn commits(&mut self, rule: &Rule, state: State, alerts: &[Alert], now: Ticks) -> Result<Vec<u32>> {
        let kept = Kept { state, commit: unique()? };
        self.folder.prepare(&rule.id, &kept)?;
        let note = Note { key: key(&rule.id), value: kept.commit.clone() };
        let taken = self.desk.take(rule, alerts, Some(note), now)?;
        self.folder.settle(&rule.id)?;
        self.kept.insert(Arc::clone(&rule.id), kept);
        self.told.raised(rule, alerts.len(), taken.changed.len());
        Ok(taken.changed)
    }

    /// Sends what was committed and may not have arrived; false where that does not work now.
    async fn sends(&mut self, now: Ticks) -> bool {
        const WHAT: &str = "alerts cannot be kept";
        match self.desk.send(self.workspace.lake(), now).await {
            Ok(_) => {
                self.told.works(WHAT);
                true
            }
            Err(error) => {
                self.told.failed(WHAT, &error.to_string());
                false
            }
        }
    }

    /// Keeps the texts that incidents are about. What does not work is told; alerts are kept all the same.
    async fn captures(&mut self, changed: &[u32], now: Ticks) {
        const WHAT: &str = "texts cannot be kept as evidence";
        for number in changed.iter().take(CAPTURED) {
            match self.desk.capture(self.workspace.lake(), *number, now).await {
                Ok(_) => self.told.works(WHAT),
                Err(error) => {
                    self.told.failed(WHAT, &error.to_string());
                    return;
                }
            }
        }
    }
}

/// Writes down that all that came before a time counts as looked at by a rule that has not run.
///
/// Errors: it cannot be written.
pub(super) fn begins_at(lake: &Path, rule: &str, at: Ticks) -> Result<()> {
    let state = State { done: Some(at.get()), received: Some(at.get()), ..State::default() };
    Folder::open(&lake.join(FOLDER))?.keep_rule(rule, &Kept { state, commit: String::new() })
}

/// A time as much later as has gone by since an instant that was then.
fn after(time: Ticks, then: Instant) -> Ticks {
    let since = i64::try_from(then.elapsed().as_nanos() / 100).unwrap_or(i64::MAX);
    time.checked_add(since).unwrap_or(time)
}

/// What notes of a rule are kept by.
fn key(rule: &str) -> String {
    format!("rule:{}", rule.to_ascii_lowercase())
}

/// A name that no other commit has.
fn unique() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Rules of one id would share what is remembered of them: the first one runs.
fn distinct(rules: Vec<Rule>, is_silent: bool) -> Vec<Rule> {
    let mut ids = BTreeSet::new();
    let mut found = Vec::new();
    for rule in rules {
        if ids.insert(rule.id.to_ascii_lowercase()) {
            found.push(rule);
            continue;
        }
        if is_silent {
            continue;
        }
        let message = format!(
            "error: the rule `{}` does not run: another one has its id `{}`; give it an id of its own",
            rule.name, rule.id
        );
        complain(&inert_lines(&message));
    }
    found
}
