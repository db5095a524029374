//! Integration tests of `castellan-server`.
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

mod access;
mod agent_hooks;
mod analyzer;
mod anonymizer;
mod client;
mod console;
mod contentsafety;
mod custom;
mod expressions;
mod hostile;
mod incidents;
mod intake;
mod mcp;
mod peer;
mod presidio_cases;
mod queries;
mod scripted;
mod workspaces;
