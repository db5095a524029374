//! Forms: what is read can be written, and is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../wire.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod wire;

fuzz_target!(|bytes: &[u8]| wire::form(bytes));
