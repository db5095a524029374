//! Baselines from definitions to rows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail loudly, and figures are printed"
)]

mod content;
mod order;
mod planted;
mod speed;
mod support;
mod tables;
