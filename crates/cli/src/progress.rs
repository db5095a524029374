//! A progress bar on standard error while something long runs and a person watches.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Draws the steps of a long job; silent when quiet or when standard error is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(quiet: bool) -> Bar {
        if quiet || !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar(bar)
    }

    /// So many rows of tables are read; of how many is not always known, and then it is 0.
    pub(crate) fn rows(&self, what: &str, rows: u64, expected: u64) {
        let template = match expected {
            0 => "{spinner} {elapsed} {msg} {human_pos} rows",
            _ => "{spinner} {elapsed} {msg} {wide_bar} {human_pos} of {human_len} rows",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        self.0.set_length(expected.max(rows));
        self.0.set_position(rows);
        self.0.set_message(what.to_owned());
    }

    /// So many files are read.
    pub(crate) fn files(&self, done: usize, total: usize, last: &str) {
        if let Ok(style) = ProgressStyle::with_template(
            "{spinner} {elapsed} {wide_bar} {human_pos} of {human_len} files  {msg}",
        ) {
            self.0.set_style(style);
        }
        self.0.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        self.0.set_message(crate::output::inert_lines(last));
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl castellan_estate::Progress for Bar {
    fn step(&self, done: usize, total: Option<usize>, what: &str) {
        if let Some(total) = total {
            self.0.set_length(u64::try_from(total).unwrap_or(u64::MAX));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
                self.0.set_style(style);
            }
        }
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        self.0.set_message(what.to_owned());
    }
}
