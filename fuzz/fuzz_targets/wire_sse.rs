//! Streams: cuts do not matter, and no byte is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../wire.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod wire;

fuzz_target!(|bytes: &[u8]| wire::sse(bytes));
