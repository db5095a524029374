//! What is said of threat intelligence on standard error: each thing once, until it changes.

use std::collections::BTreeMap;

use castellan_intel::config::Feed;

use crate::intel::feeds::Fetched;
use crate::intel::live::Turn;
use crate::output::{complain, inert_lines};

/// The most lines that one fetch tells.
const LINES: usize = 10;

/// What was said and still holds, by what it is of.
#[derive(Debug, Default)]
pub(super) struct Told {
    said: BTreeMap<String, String>,
}

impl Told {
    /// Tells that something does not work, unless that was told.
    pub(super) fn failed(&mut self, what: &str, why: &str) {
        let before = self.said.insert(what.to_owned(), why.to_owned());
        if before.as_deref() != Some(why) {
            say(&format!("error: {what}: {why}; it is tried again"));
        }
    }

    /// Tells that something works again which did not.
    pub(super) fn works(&mut self, what: &str) {
        if self.said.remove(what).is_some() {
            say(&format!("it works again: {what}"));
        }
    }

    /// Tells what a turn found, and what it left out.
    pub(super) fn matched(&mut self, turn: &Turn, indicators: usize) {
        for alert in &turn.alerts {
            say(&format!("threat intelligence: {}; {} events", alert.name, alert.results));
        }
        for (table, error) in &turn.failed {
            self.failed(&format!("{table} is not matched"), error);
        }
        if turn.failed.is_empty() {
            let of_tables: Vec<String> =
                self.said.keys().filter(|what| what.ends_with(" is not matched")).cloned().collect();
            of_tables.iter().for_each(|what| self.works(what));
        }
        for line in turn.refused.iter().take(LINES) {
            if self.said.insert(line.clone(), String::new()).is_none() {
                say(&format!("warning: {line}"));
            }
        }
        if turn.left > 0 {
            say(&format!("warning: {} pieces of long texts were not looked at", turn.left));
        }
        let count = indicators.to_string();
        let before = self.said.insert("indicators".to_owned(), count.clone());
        if before.unwrap_or_else(|| "0".to_owned()) != count {
            say(&format!("threat intelligence: {count} indicators are watched for"));
        }
    }

    /// Tells how many hunts were queued.
    pub(super) fn queued(&self, count: usize) {
        if count > 0 {
            say(&format!("threat intelligence: {count} indicators are to be hunted in the past"));
        }
    }

    /// Tells what a batch of hunts found.
    pub(super) fn hunted(&self, hunts: usize, alerts: usize, left: usize) {
        say(&format!(
            "threat intelligence: {hunts} indicators were hunted and raised {alerts} alerts; {left} are left"
        ));
    }

    /// Tells what a feed brought, where that is anything.
    pub(super) fn fetched(&mut self, feed: &Feed, fetched: &Fetched) {
        if fetched.kept.indicators + fetched.kept.objects > 0 {
            say(&format!("feed `{}`: {}", feed.name, fetched.kept.told()));
        }
        let not_matched = fetched.kept.not_matched.len();
        if not_matched > 0 {
            say(&format!(
                "feed `{}`: {not_matched} indicators are kept, and not or not wholly matched row by row",
                feed.name
            ));
        }
        let told = format!("{} {:?}", fetched.left_out, fetched.told);
        let before = self.said.insert(format!("left out of {}", feed.name), told.clone());
        if fetched.left_out > 0 && before.as_deref() != Some(&told) {
            for line in fetched.told.iter().take(LINES) {
                say(&format!("warning: feed `{}`: {line}", feed.name));
            }
            say(&format!("warning: feed `{}`: {} were left out", feed.name, fetched.left_out));
        }
    }
}

fn say(line: &str) {
    complain(&inert_lines(line));
}
