//! What is said of analytics on standard error: each thing once, until it changes.

use std::collections::BTreeMap;

use castellan_detect::rule::Rule;
use castellan_detect::schedule::Ran;

use crate::output::{complain, inert_lines};

/// What was said and still holds, by what it is of.
#[derive(Debug, Default)]
pub(in crate::up) struct Told {
    said: BTreeMap<String, String>,
}

impl Told {
    /// Tells that something does not work, unless that was told.
    pub(in crate::up) fn failed(&mut self, what: &str, why: &str) {
        let before = self.said.insert(what.to_owned(), why.to_owned());
        if before.as_deref() != Some(why) {
            say(&format!("error: {what}: {why}; it is tried again"));
        }
    }

    /// Tells that something works again which did not.
    pub(in crate::up) fn works(&mut self, what: &str) {
        if self.said.remove(what).is_some() {
            say(&format!("it works again: {what}"));
        }
    }

    /// Tells how rules run.
    pub(super) fn follows(&self, [rows, windows, scheduled]: [usize; 3]) {
        say(&format!(
            "analytics: {rows} rules are told of each event, {windows} of windows as they fill, {scheduled} run on their \
             schedules alone"
        ));
    }

    /// Tells what a run raised.
    pub(super) fn raised(&mut self, rule: &Rule, alerts: usize, incidents: usize) {
        say(&format!("analytics: `{}` raised {alerts} alerts; {incidents} incidents changed", rule.name));
    }

    /// Tells what went wrong in a run, and what it left out.
    pub(super) fn ran(&mut self, rule: &Rule, ran: &Ran) {
        let what = format!("the rule `{}` ({}) cannot be run", rule.name, rule.id);
        match &ran.failure {
            Some(failure) => self.failed(&what, &failure.to_string()),
            None => self.works(&what),
        }
        let left_out = [
            (ran.skipped, "windows were missed and are too many to make up for"),
            (ran.late_left, "windows that events came late for are too many to look at again"),
            (ran.given_up, "windows were given up: they could not be looked at"),
            (ran.forgotten, "results of earlier runs were forgotten: they may raise alerts once more"),
        ];
        for (count, words) in left_out.into_iter().filter(|(count, _)| *count > 0) {
            say(&format!("warning: the rule `{}`: {count} {words}", rule.name));
        }
        if ran.blind.is_empty() {
            return;
        }
        let tables = ran.blind.join(", ");
        let known = self.said.insert(format!("blind {}", rule.id), tables.clone());
        if known.as_deref() != Some(&*tables) {
            say(&format!(
                "warning: the rule `{}` reads tables that do not say when rows were taken in: {tables}; what comes \
                 late there is not seen",
                rule.name
            ));
        }
    }
}

fn say(line: &str) {
    complain(&inert_lines(line));
}
