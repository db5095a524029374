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
