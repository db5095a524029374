//! Paths: what has an API is what every server reads alike.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../wire.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod wire;

fuzz_target!(|bytes: &[u8]| wire::path(bytes));
