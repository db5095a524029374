//! Integration tests of `castellan-classify`.
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

mod agreement;
mod any;
mod chunks;
mod combinations;
mod content;
mod exact;
mod explain;
mod fingerprint;
mod gitleaks;
mod indexed;
mod noise;
mod presidio_import;
mod read;
mod redact;
mod reference;
mod rule_package;
mod synthetic;
mod texts;
mod validators;
