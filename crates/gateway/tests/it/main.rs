//! Tests of the gate against real connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr, // Tests that cannot run say so.
    clippy::disallowed_methods
)]

mod cache;
mod clients;
mod coverage;
mod faults;
mod gate;
mod held;
#[path = "../../../../fuzz/gate.rs"]
mod invariants;
mod limit;
mod mcp;
#[path = "../../../../fuzz/nearly.rs"]
mod nearly;
mod random;
mod second;
mod serving;
mod stub;
mod support;
mod traces;
mod upstream;
mod what;
