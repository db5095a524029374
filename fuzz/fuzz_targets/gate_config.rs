//! Configurations of the gate: any text is read or told with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../gate.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod gate;

fuzz_target!(|bytes: &[u8]| gate::config(bytes));
