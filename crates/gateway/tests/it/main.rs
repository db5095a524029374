//! Tests of the gate against real connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr, // Tests that cannot run say so.
    clippy::disallowed_methods
)]

mod clients;
mod coverage;
mod faults;
mod gate;
mod limit;
mod mcp;
mod serving;
mod stub;
mod support;
mod upstream;
mod what;
