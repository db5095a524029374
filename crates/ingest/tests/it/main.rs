//! What comes in, as rows that the tables' schemas allow.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod check;
mod clients;
mod diagnostic;
mod genai;
mod genai_rules;
mod otlp;
mod otlp_any;
mod syslog;
