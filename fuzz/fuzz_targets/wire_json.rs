//! Bodies: what is not edited stays, what is edited is gone, and marks keep JSON what it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../wire.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod wire;

fuzz_target!(|bytes: &[u8]| wire::json(bytes));
