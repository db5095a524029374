//! Threat intelligence while the server is up: feeds are fetched, what arrives is matched, the past is hunted.
//!
//! Three loops beside each other, so that a slow feed or a long hunt holds nothing up. They share the lake: an indicator is
//! matched and hunted whichever way it came into the table of indicators.

mod told;

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use castellan_base::{System, Ticks};
use castellan_detect::run::Alert;
use castellan_incident::Desk;
use castellan_intel::config::Config;
use castellan_intel::matching::{LIVE, Never, RETRO, rule};
use castellan_intel::retro::Options;
use castellan_lake::Lake;
use told::Told;

use crate::intel::expire::expire;
use crate::intel::feeds::{Positions, fetch};
use crate::intel::hunt::{Shared, journal, next, queue};
use crate::intel::live::Live;
use crate::intel::pull::read;
use crate::output::read_text;

/// How often what arrives is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked which feeds are due, and whether there is something to hunt.
const LOOK: Duration = Duration::from_secs(2);
/// How long is waited after a hunt that could not be made.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// How often what has expired is marked.
const UPKEEP: Duration = Duration::from_secs(3_600);
/// The largest file of values that are never matched, in bytes.
const LARGEST: u64 = 16 << 20;

/// Feeds, and what is done with their indicators.
pub(super) struct Intel {
    lake: Arc<Lake>,
    config: Config,
    never: Never,
    live: Live,
    journal: Shared,
    positions: Positions,
    desk: Arc<Desk>,
}

impl Intel {
    /// Reads a file of feeds, and what is remembered.
    ///
    /// Errors: a file that cannot be used, or files of earlier runs that cannot be read.
    pub(super) async fn open(
        file: &Path,
        lake: Arc<Lake>,
        desk: Arc<Desk>,
        system: &dyn System,
    ) -> Result<Intel> {
        let config = read(file, system)?;
        let mut never = Never::built_in().clone();
        for path in &config.never {
            let text = read_text(path, LARGEST, system)?;
            let named = || format!("`{}`", path.display());
            never.add(&text).map_err(anyhow::Error::msg).with_context(named)?;
        }
        let live = Live::open(Arc::clone(&lake), never.clone(), config.minimum_confidence).await?;
        let (journal, positions) = (journal(&lake)?, Positions::open(&lake)?);
        Ok(Intel { lake, config, never, live, journal, positions, desk })
    }

    /// What is told when it starts.
    pub(super) fn describe(&self) -> String {
        let names: Vec<&str> = self.config.feeds.iter().map(|feed| feed.name.as_str()).collect();
        let hunts = if self.config.hunt.is_some() { "the past is hunted" } else { "the past is not hunted" };
        format!("{} feeds ({}); {hunts}", names.len(), names.join(", "))
    }

    /// Fetches, matches and hunts, again and again. It ends when its future is dropped, wherever it is.
    pub(super) async fn run(self, clock: Arc<dyn System>) {
        let Intel { lake, config, never, live, journal, positions, desk } = self;
        let matching =
            matches(live, Arc::clone(&journal), config.hunt, Arc::clone(&desk), Arc::clone(&clock));
        let hunting = hunts(Arc::clone(&lake), journal, config.hunt, never, (desk, Arc::clone(&clock)));
        let fetching = fetches(lake, config, positions, clock);
        tokio::join!(matching, hunting, fetching);
    }
}

/// Gives alerts to incidents. They are in the lake already, so that one that gets lost here is in no incident, and is seen
/// all the same.
fn join(desk: &Desk, rule_id: &str, alerts: &[Alert], now: Ticks, told: &mut Told) {
    const WHAT: &str = "alerts of intelligence do not come to incidents";
    let Some(rule) = rule(rule_id).filter(|_| !alerts.is_empty()) else { return };
    match desk.join(rule, alerts, now) {
        Ok(_) => told.works(WHAT),
        Err(error) => told.failed(WHAT, &error.to_string()),
    }
}

async fn matches(
    mut live: Live,
    journal: Shared,
    hunt: Option<Options>,
    desk: Arc<Desk>,
    clock: Arc<dyn System>,
) {
    let mut told = Told::default();
    loop {
        let now = clock.now();
        let until = live.reached(now);
        match live.turn(now).await {
            Ok(turn) => {
                told.works("events are not matched");
                told.matched(&turn, live.indicators());
                join(&desk, LIVE, &turn.alerts, now, &mut told);
                let queued = match hunt {
                    Some(options) => queue(&journal, &turn.arrived, until, &options),
                    None => Ok(0),
                };
                match queued {
                    Ok(count) => {
                        told.works("hunts are not kept");
                        told.queued(count);
                    }
                    Err(error) => {
                        live.learn_anew();
                        told.failed("hunts are not kept", &format!("{error:#}"));
                    }
                }
                if turn.has_more {
                    continue;
                }
            }
            Err(error) => told.failed("events are not matched", &format!("{error:#}")),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn hunts(
    lake: Arc<Lake>,
    journal: Shared,
    hunt: Option<Options>,
    never: Never,
    (desk, clock): (Arc<Desk>, Arc<dyn System>),
) {
    let Some(options) = hunt else { return };
    let mut told = Told::default();
    loop {
        let is_idle = match next(&lake, &journal, &options, &never).await {
            Ok(None) => true,
            Ok(Some((hunted, made))) if hunted.is_whole() => {
                told.works("the past is not hunted");
                join(&desk, RETRO, &made, clock.now(), &mut told);
                let left = journal.lock().unwrap_or_else(PoisonError::into_inner).queue().pending();
                told.hunted(hunted.hunts.len(), made.len(), left);
                false
            }
            Ok(Some((hunted, _))) => {
                let tables: Vec<String> =
                    hunted.failed.iter().map(|(table, error)| format!("{table}: {error}")).collect();
                told.failed("the past is not hunted", &tables.join("; "));
                tokio::time::sleep(AFTER_FAILURE).await;
                true
            }
            Err(error) => {
                told.failed("the past is not hunted", &format!("{error:#}"));
                tokio::time::sleep(AFTER_FAILURE).await;
                true
            }
        };
        if is_idle {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn fetches(lake: Arc<Lake>, config: Config, mut positions: Positions, clock: Arc<dyn System>) {
    let mut told = Told::default();
    let mut due: Vec<Instant> = vec![Instant::now(); config.feeds.len()];
    let mut upkeep = Instant::now();
    loop {
        for (feed, due) in config.feeds.iter().zip(&mut due) {
            if Instant::now() < *due {
                continue;
            }
            let what = format!("the feed `{}` cannot be fetched", feed.name);
            match fetch(feed, &lake, &mut positions, config.legacy, &*clock).await {
                Ok(fetched) => {
                    told.works(&what);
                    told.fetched(feed, &fetched);
                }
                Err(error) => told.failed(&what, &format!("{error:#}")),
            }
            *due = Instant::now() + feed.every;
        }
        if Instant::now() >= upkeep {
            const WHAT: &str = "what has expired cannot be marked";
            match expire(&lake, &[], true, clock.now()).await {
                Ok(_) => told.works(WHAT),
                Err(error) => told.failed(WHAT, &format!("{error:#}")),
            }
            upkeep = Instant::now() + UPKEEP;
        }
        tokio::time::sleep(LOOK).await;
    }
}
