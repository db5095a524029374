//! From files and servers of intelligence to rows, matches and alerts.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod content;
mod live;
mod past;
mod sentinel;
mod server;
mod support;
mod taxii;
