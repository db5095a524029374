//! A week that has passed: its rows go to the lake, and the rules that are built in look at it as they would have at the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use castellan_base::{System, Ticks};
use castellan_detect::rule::Rule;
use castellan_detect::run::Memory;
use castellan_detect::schedule::{Ran, State, Timing, run};
use castellan_detect::stream::Heard;
use castellan_detect::watchlist::{Watchlist, Watchlists};
use castellan_incident::Desk;
use castellan_incident::store::Note;
use castellan_kql::bind::Database;
use castellan_lake::{Append, Form, Key, Lake};
use castellan_sample::{ESTATE, Organization, Week, week};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::detect::Read;
use crate::output::{complain, inert_lines};
use crate::up::analytics::begins_at;
use crate::up::analytics::board::Board;

/// Which of all weeks it is. Tests of detection run on it: its attacks become eight incidents.
const SEED: u64 = 21;
/// Rows of one call to the lake.
const A_CALL: usize = 4_096;
/// An hour and a day, in ticks.
const HOUR: i64 = 3_600 * Ticks::PER_SECOND;
const DAY: i64 = 24 * HOUR;
/// Rows that were taken in can be seen after so long at the latest, in ticks.
const SETTLED: i64 = 10 * Ticks::PER_SECOND;
/// What the lake knows that the week is told by; a second start in the same folder tells it once.
const KEY: &str = "demo";

/// A week that is in the lake, and at which no rule has looked yet.
pub(super) struct Kept {
    week: Week,
    read: Read,
    begun: Instant,
}

/// Puts the week that ends with the last day of which most is over into the lake, and has rules begin after it; those that look
/// back over days rest until [`tell`] is done. Nothing where
/// an earlier start in the same folder did.
///
/// Errors: the lake takes nothing.
pub(super) async fn keep(
    lake: &Lake,
    (desk, board): (&Desk, &Board),
    system: &dyn System,
) -> Result<Option<Kept>> {
    if desk.note(KEY).is_some() {
        complain("demo: the week of an earlier start is there");
        return Ok(None);
    }
    let begun = Instant::now();
    let week = told(system.now())?;
    append(lake, &week).await?;
    complain(&format!(
        "demo: a week of {} events is kept, after {:.1} s",
        week.len(),
        begun.elapsed().as_secs_f64()
    ));
    let mut read = Read::default();
    read.built_in();
    read.forget_fixtures();
    // What was taken in just now is not late: the replay looks at it.
    let after = system.now().checked_add(SETTLED).context("a time after all others")?;
    for rule in &read.rules {
        begins_at(lake.folder(), &rule.id, after)?;
    }
    // Rules that look back over days would raise what the replay raises.
    let back = read.rules.iter().filter(|rule| rule.period >= DAY);
    board.rest(back.map(|rule| Arc::clone(&rule.id)).collect());
    Ok(Some(Kept { week, read, begun }))
}

/// Has rules look at the week as they would have at the time.
///
/// Errors: the lake or the incidents take nothing.
pub(super) async fn tell(kept: Kept, lake: &Lake, desk: &Desk, board: &Board) -> Result<()> {
    let Kept { week, read, begun } = kept;
    let events = Arc::new(events(&read, &week)?);
    let enabled: Vec<Rule> = read.rules.iter().filter(|rule| rule.enabled).cloned().collect();
    let heard = Heard::open(&enabled, &events, week.begins()).await?;
    let alerts = replay(enabled, heard, &events, &week, (lake, desk), board).await?;
    complain(&format!(
        "demo: {alerts} alerts of that week in its incidents, after {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The week under the names of the example estate.
fn told(now: Ticks) -> Result<Week> {
    // The seventh day is today where its last attack is over by now, and yesterday otherwise.
    let since = (now.get() - Ticks::MIN.get()).rem_euclid(DAY);
    let midnight = now.checked_add(-since).context("a time before all others")?;
    let days = if since > 13 * HOUR { 6 } else { 7 };
    let begins = midnight.checked_add(-days * DAY).context("a time before all others")?;
    let organization = Organization::new(SEED);
    let agent = |at: usize| organization.agents.get(at).cloned().unwrap_or_default();
    let (first, second) = (agent(0), agent(1));
    let subscription = "/subscriptions/6f1c2f52-9a34-4f0e-8a53-0d6f9a1f5b10/";
    let names = [
        (first.id.as_str(), "claims-triage"),
        (second.id.as_str(), "payout"),
        (first.name.as_str(), "claims-triage"),
        (second.name.as_str(), "payout"),
        ("/subscriptions/5a1/", subscription),
        ("aoai-prod", "harbour-assistant"),
        ("aoai-analytics", "harbour-analytics"),
        ("contoso.com", "harbour-mutual.example"),
    ];
    Ok(week(SEED, begins).renamed(&names))
}

/// Appends all rows.
async fn append(lake: &Lake, told: &Week) -> Result<()> {
    for (table, rows) in &told.tables.rows {
        for (number, some) in rows.chunks(A_CALL).enumerate() {
            let mut text = String::new();
            for row in some {
                let mut row = row.clone();
                // The lake knows when it took it in.
                row.remove("_TimeReceived");
                text.push_str(&Value::Object(row).to_string());
                text.push('\n');
            }
            // A start that is cut off and comes again adds nothing that is there.
            let how = Append {
                key: Some(Key::of(&[ESTATE.as_bytes(), table.as_bytes(), &number.to_le_bytes()])),
                // As files of the past do; over the network they would all have happened now.
                keeps_times: true,
                ..Append::default()
            };
            lake.append(table, text.as_bytes(), Form::Lines, how)
                .await
                .with_context(|| format!("rows of {table}"))?;
        }
    }
    Ok(())
}

/// The week in memory, with the tables that rules read and it does not fill.
fn events(read: &Read, told: &Week) -> Result<Memory> {
    let columns = |name: &str| read.schemas.table(name).map(|table| table.columns);
    let mut events = Memory::default();
    let made = castellan_detect::check::report(&read.rules, &read.schemas, &read.sources);
    let wanted: BTreeSet<&Arc<str>> = made.rules.iter().flat_map(|checked| &checked.tables).collect();
    for name in wanted.into_iter().filter(|name| !told.tables.rows.contains_key(&***name)) {
        if let Some(columns) = columns(name) {
            events.add(name, columns, &[]).map_err(|error| anyhow!("{name}: {error}"))?;
        }
    }
    for (name, rows) in &told.tables.rows {
        let columns = columns(name).with_context(|| format!("there is no table {name}"))?;
        events.add_json(name, columns, rows).map_err(|error| anyhow!("{name}: {error}"))?;
    }
    let mut watchlists = Watchlists::default();
    let canary = json!({ "Canary": "HM-CANARY-7F3A9C21" }).as_object().cloned().unwrap_or_default();
    watchlists.add(Watchlist::of_rows("ai-canaries", &[canary], told.begins()));
    events.set_watchlists(watchlists);
    for name in read.schemas.function_names() {
        if let Some(function) = read.schemas.function(&name) {
            events.add_function(name, function);
        }
    }
    Ok(events)
}

/// A rule that looked at a window.
type Ended = (usize, State, Ran);

/// Runs all rules over the windows in which something happened, in the order of these, and gives what they raise to incidents
/// at the times of these. How many alerts there were.
async fn replay(
    rules: Vec<Rule>,
    heard: Heard,
    events: &Arc<Memory>,
    told: &Week,
    (lake, desk): (&Lake, &Desk),
    board: &Board,
) -> Result<usize> {
    // One processor is left to what happens now.
    let workers = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let (rules, heard): (Vec<Arc<Rule>>, Arc<Heard>) =
        (rules.into_iter().map(Arc::new).collect(), Arc::new(heard));
    let mut states: BTreeMap<usize, State> = BTreeMap::new();
    let (mut alerts, mut failed) = (0, BTreeSet::new());
    for until in told.ends() {
        let now = until.checked_add(120 * Ticks::PER_SECOND).unwrap_or(until);
        let is_midnight = (until.get() - told.begins().get()).rem_euclid(DAY) == 0;
        // Rules of a day run at midnight, the others after each hour.
        // Most rules look at tables that the week does not fill.
        let can_tell =
            |at: usize, rule: &Rule| (rule.frequency > HOUR) == is_midnight && !heard.is_silent(at);
        let due = rules.iter().enumerate().filter(|(at, rule)| can_tell(*at, rule));
        let mut waiting: Vec<(usize, Arc<Rule>)> = due.map(|(at, rule)| (at, Arc::clone(rule))).collect();
        waiting.reverse();
        let mut working: JoinSet<Ended> = JoinSet::new();
        let mut ended: Vec<Ended> = Vec::new();
        loop {
            while working.len() < workers
                && let Some((at, rule)) = waiting.pop()
            {
                let mut state = states.remove(&at).unwrap_or_default();
                // Nothing happened in the windows between.
                state.done = Some(until.get() - rule.frequency);
                let (events, heard) = (Arc::clone(events), Arc::clone(&heard));
                working.spawn(async move {
                    let events = heard.events(at, &*events);
                    let ran = run(&rule, &mut state, &events, now, &Timing::default()).await;
                    (at, state, ran)
                });
            }
            match working.join_next().await {
                Some(done) => ended.push(done.context("looking at the week ended")?),
                None => break,
            }
        }
        ended.sort_by_key(|(at, ..)| *at);
        for (at, state, ran) in ended {
            states.insert(at, state);
            let Some(rule) = rules.get(at) else { continue };
            if let Some(failure) = &ran.failure
                && failed.insert(at)
            {
                complain(&inert_lines(&format!(
                    "warning: demo: `{}` cannot look at the week: {failure}",
                    rule.name
                )));
            }
            if !ran.alerts.is_empty() {
                alerts += ran.alerts.len();
                desk.take(rule, &ran.alerts, None, now)?;
            }
        }
        desk.send(lake, now).await?;
    }
    let raised = states.into_iter().filter_map(|(at, state)| Some((Arc::clone(&rules.get(at)?.id), state)));
    board.recall(raised.collect());
    board.rest(BTreeSet::new());
    let note = Note { key: KEY.to_owned(), value: told.begins().to_string() };
    if let Some(rule) = rules.first() {
        desk.take(rule, &[], Some(note), told.ends().last().copied().unwrap_or(told.begins()))?;
    }
    Ok(alerts)
}
