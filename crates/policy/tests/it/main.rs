//! Integration tests of the policy crate.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod cases;
mod corpus;
mod governance;
mod support;
mod unknown;
