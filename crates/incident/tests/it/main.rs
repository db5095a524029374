//! Integration tests of `castellan-incident`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod exports;
mod sample;
mod store;

type Outcome = Result<(), Box<dyn std::error::Error>>;
