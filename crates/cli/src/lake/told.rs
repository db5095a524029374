//! What is said about rows that were taken in.

use std::collections::BTreeMap;
use std::path::Path;

use castellan_lake::{Appended, MisfitReason};
use castellan_server::intake::files::Parts;

use crate::output::{complain, inert_lines};

/// Lines that are named one by one.
const NAMED: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) rows: u64,
    pub(super) refused: u64,
    named: Vec<String>,
    misfits: BTreeMap<(String, &'static str), u64>,
    problems: Vec<String>,
}

impl Told {
    /// Adds what became of a part of a file that begins with a line.
    pub(super) fn add(&mut self, file: &Path, first: usize, appended: &Appended) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.rows += count(appended.rows);
        self.refused += count(appended.refused.len());
        for row in &appended.refused {
            if self.named.len() < NAMED {
                self.named.push(format!("{}:{}: {}", file.display(), first + row.row - 1, row.reason));
            }
        }
        for misfit in &appended.misfits {
            let key = (misfit.column.clone(), reason(misfit.reason));
            *self.misfits.entry(key).or_default() += count(misfit.count);
        }
    }

    /// Adds what is to be said about diagnostic logs of a file that was read to its end.
    pub(super) fn diagnostics(&mut self, file: &Path, parts: &Parts) {
        self.refused += parts.rejected();
        let problems = parts.problems().iter();
        self.problems.extend(problems.map(|problem| format!("{}: {problem}", file.display())));
    }

    pub(super) fn print(&self, quiet: bool) {
        for line in &self.named {
            complain(&inert_lines(line));
        }
        if quiet {
            return;
        }
        for problem in &self.problems {
            complain(&inert_lines(problem));
        }
        for ((column, reason), count) in &self.misfits {
            complain(&inert_lines(&format!("{column}: {count} {reason}")));
        }
        let refused = match self.refused {
            0 => String::new(),
            1 => "; 1 line was left out".to_owned(),
            many => format!("; {many} lines were left out"),
        };
        complain(&format!("{} rows are kept{refused}", self.rows));
    }
}

fn reason(reason: MisfitReason) -> &'static str {
    match reason {
        MisfitReason::NoColumn => "values left out: the table has no such column (--create adds it)",
        MisfitReason::WrongType => "values became null: they are none of the column's type",
        MisfitReason::Twice => "values left out: their rows name the column twice",
        MisfitReason::FarTime => "times lie too far from now",
        MisfitReason::Cut => "values were cut: they are longer than is taken",
    }
}
