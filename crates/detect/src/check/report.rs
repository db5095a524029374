//! What is known of many rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Diagnostic, Level, Sources};
use castellan_kql::bind::Database;

use super::{Checked, Verdict, check};
use crate::rule::Rule;

/// What is known of many rules.
#[derive(Debug, Default)]
pub struct Report {
    /// Each rule, in their order.
    pub rules: Vec<Checked>,
    /// Rules that have an id which another one has.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// How many rules have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rules.iter().filter(|checked| checked.verdict == verdict).count()
    }

    /// How many messages of a level there are.
    pub fn messages(&self, level: Level) -> usize {
        let own = self.rules.iter().flat_map(|checked| &checked.diagnostics);
        own.chain(&self.diagnostics).filter(|found| found.level == level).count()
    }
}

/// Checks rules, each by itself, and whether their ids differ.
pub fn report(rules: &[Rule], database: &dyn Database, sources: &Sources) -> Report {
    let mut report = Report::default();
    let mut ids: BTreeMap<Arc<str>, &Rule> = BTreeMap::new();
    for rule in rules {
        report.rules.push(check(rule, database, sources));
        let id: Arc<str> = rule.id.to_ascii_lowercase().into();
        if let Some(before) = ids.get(&id) {
            let message =
                format!("the rules `{}` and `{}` have the same id `{}`", before.name, rule.name, rule.id);
            let help = "give one of them another id: their alerts and their state would be mixed up";
            report.diagnostics.push(Diagnostic::error(rule.span, message).with_help(help));
        } else {
            ids.insert(id, rule);
        }
    }
    report
}
