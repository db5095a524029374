//! Analytics rules on their schedules while the server is up.
//!
//! A run of a rule that raised alerts is committed by one write: the ledger with the alerts as an outbox, the incidents that
//! they make, and how far the rule is then. Only after that do alerts go to the lake, each call with a mark that makes it count
//! once. *Invariant (alerts once):* whatever is cut off between two writes, the next start sends the outbox again, and what the
//! lake has already adds nothing.

mod kept;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use castellan_base::{System, Ticks};
use castellan_detect::incident::Incidents;
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::rule::Rule;
use castellan_detect::run::Alert;
use castellan_detect::schedule::{State, Timing, due, run};
use castellan_lake::{Append, Lake, Mark};
use kept::{Call, Folder, Kept, Ledger, Outbox};
use told::Told;

use crate::arguments::UpArguments;
use crate::detect::Read;
use crate::detect::alerts::{ALERTS, INCIDENTS, alert_json, append, calls, incident_json};
use crate::detect::events::Workspace;
use crate::output::{complain, inert_lines};

/// How often it is looked which rules are due.
const EVERY: Duration = Duration::from_secs(2);
/// What marks of the rows of alerts and incidents are named.
const SOURCE: &str = "castellan.analytics";
/// The most incidents that are at hand. Those beyond that nobody works on are archived: their rows say what they were.
const AT_HAND: usize = 50_000;
/// The folder of what is remembered, in the lake's.
const FOLDER: &str = "analytics";

/// Rules, what they run over, and what is remembered of them.
pub(super) struct Analytics {
    workspace: Workspace,
    rules: Vec<Rule>,
    timing: Timing,
    folder: Folder,
    ledger: Ledger,
    kept: BTreeMap<Arc<str>, Kept>,
    told: Told,
}

impl Analytics {
    /// Reads the rules of a folder, and what is remembered of them.
    ///
    /// Errors: a folder that is not there, a watchlist that cannot be used, or files of earlier runs that cannot be read.
    pub(super) async fn open(
        rules: &Path,
        lake: Arc<Lake>,
        arguments: &UpArguments,
        system: &dyn System,
    ) -> Result<Analytics> {
        let read = Read::open(&[rules.to_owned()], arguments.functions.as_deref(), system)?;
        read.tell(false);
        let folder = lake.folder().join(FOLDER);
        let watchlists = arguments.watchlists.as_deref();
        let workspace = Workspace::open(lake, watchlists, read.functions, system)?;
        Analytics::of(workspace, distinct(read.rules), &folder).await
    }

    async fn of(workspace: Workspace, rules: Vec<Rule>, folder: &Path) -> Result<Analytics> {
        let folder = Folder::open(folder)?;
        let mut ledger = folder.ledger()?;
        ledger.offset = ledger.offset.max(sent(workspace.lake()).await?);
        let mut kept = BTreeMap::new();
        for rule in &rules {
            kept.insert(Arc::clone(&rule.id), folder.rule(&rule.id)?);
        }
        let (timing, told) = (Timing::default(), Told::default());
        Ok(Analytics { workspace, rules, timing, folder, ledger, kept, told })
    }

    /// What is told when it starts.
    pub(super) fn describe(&self) -> String {
        let off = self.rules.iter().filter(|rule| !rule.enabled).count();
        format!("{} on their schedules, {off} turned off", self.rules.len() - off)
    }

    /// Runs what is due, again and again. It ends when its future is dropped, wherever it is.
    pub(super) async fn run(mut self, clock: Arc<dyn System>) {
        loop {
            self.turn(clock.now()).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Runs each rule that is due at a time. What fails is told, and tried again in the next turn.
    async fn turn(&mut self, now: Ticks) {
        if !self.sends().await {
            return;
        }
        for at in 0..self.rules.len() {
            let Some(rule) = self.rules.get(at).cloned() else { return };
            let kept = self.kept.get(&rule.id).cloned().unwrap_or_default();
            if rule.enabled && due(&rule, &kept.state, now, &self.timing).windows.is_empty() {
                continue;
            }
            let mut state = kept.state.clone();
            // A rule that is off forgets how far it was, and begins with the last window when it is turned on.
            let ran = run(&rule, &mut state, &self.workspace, now, &self.timing).await;
            if !rule.enabled && state == kept.state {
                continue;
            }
            self.told.ran(&rule, &ran);
            let done = if ran.alerts.is_empty() {
                self.moves_on(&rule, Kept { state, ..kept })
            } else {
                self.commits(&rule, state, &ran.alerts, now)
            };
            if let Err(error) = done {
                self.told.failed("what is remembered of analytics cannot be kept", &format!("{error:#}"));
                return;
            }
            if !self.sends().await {
                return;
            }
        }
        self.told.works("what is remembered of analytics cannot be kept");
    }

    /// Remembers how far a rule is that raised nothing.
    fn moves_on(&mut self, rule: &Rule, kept: Kept) -> Result<()> {
        self.folder.keep_rule(&rule.id, &kept)?;
        self.kept.insert(Arc::clone(&rule.id), kept);
        Ok(())
    }

    /// Writes down what a run raised, and how far its rule is then: in one step.
    fn commits(&mut self, rule: &Rule, state: State, alerts: &[Alert], now: Ticks) -> Result<()> {
        let mut incidents = self.ledger.incidents.clone();
        let changed = take(&mut incidents, rule, alerts, now);
        let rows: Vec<_> = alerts.iter().map(|alert| alert_json(rule, alert)).collect();
        let of_incidents = changed.iter().filter_map(|number| incidents.get(*number));
        let incident_rows: Vec<_> = of_incidents.map(incident_json).collect();
        let mut offset = self.ledger.offset;
        let mut sent = Vec::new();
        for (table, rows) in [(ALERTS, rows), (INCIDENTS, incident_rows)] {
            for rows in calls(&rows) {
                offset += 1;
                sent.push(Call { table: table.to_owned(), offset, rows });
            }
        }
        let outbox = Outbox { rule: rule.id.to_string(), kept: Kept { state, offset }, calls: sent };
        let ledger = Ledger { offset, incidents, outbox: Some(outbox) };
        self.folder.keep_ledger(&ledger)?;
        self.ledger = ledger;
        self.told.raised(rule, alerts.len(), changed.len());
        Ok(())
    }

    /// Sends what was committed and may not have arrived; false where that does not work now.
    async fn sends(&mut self) -> bool {
        const WHAT: &str = "alerts cannot be kept";
        match self.send().await {
            Ok(()) => {
                self.told.works(WHAT);
                true
            }
            Err(error) => {
                self.told.failed(WHAT, &format!("{error:#}"));
                false
            }
        }
    }

    async fn send(&mut self) -> Result<()> {
        let Some(outbox) = &self.ledger.outbox else { return Ok(()) };
        for call in &outbox.calls {
            let mark = Mark { source: SOURCE.into(), offset: call.offset };
            let how = Append { mark: Some(mark), ..Append::default() };
            append(self.workspace.lake(), &call.table, &call.rows, how).await?;
        }
        let (id, kept): (Arc<str>, _) = (outbox.rule.as_str().into(), outbox.kept.clone());
        // The rule may have gone on since, where the outbox stayed after a crash.
        let is_older = self.folder.rule(&id)?.offset < kept.offset;
        if is_older {
            self.folder.keep_rule(&id, &kept)?;
            self.kept.insert(id, kept);
        }
        let ledger = Ledger { outbox: None, ..self.ledger.clone() };
        self.folder
            .keep_ledger(&ledger)
            .context("alerts are in the lake; that they are cannot be written")?;
        self.ledger = ledger;
        Ok(())
    }
}

/// The last offset that the lake knows. Where the ledger is gone or older, calls would count as repeated ones otherwise.
async fn sent(lake: &Lake) -> Result<i64> {
    let mut last = 0;
    for table in [ALERTS, INCIDENTS] {
        last = last.max(lake.mark(table, SOURCE).await?.unwrap_or_default());
    }
    Ok(last)
}

/// Gives alerts to incidents; the numbers of those that changed.
fn take(incidents: &mut Incidents, rule: &Rule, alerts: &[Alert], now: Ticks) -> BTreeSet<u32> {
    let correlation = Correlation::built_in();
    let mut changed = BTreeSet::new();
    for alert in alerts {
        let (_, changes) = incidents.take(rule, alert, correlation, now);
        changed.extend(changes.iter().flat_map(|change| change.touches()).flatten());
    }
    for change in incidents.decide_room(AT_HAND, now) {
        // What was decided on this state fits to it.
        let _ = incidents.apply(&change);
    }
    changed
}

/// Rules of one id would share what is remembered of them: the first one runs.
fn distinct(rules: Vec<Rule>) -> Vec<Rule> {
    let mut ids = BTreeSet::new();
    let mut found = Vec::new();
    for rule in rules {
        if ids.insert(rule.id.to_ascii_lowercase()) {
            found.push(rule);
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
