//! Text that is shown: what goes stands apart, and what stays leads to no stranger.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../wire.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod wire;

fuzz_target!(|bytes: &[u8]| wire::shown(bytes));
