//! The canonical form: it is read again as the same value, and is its own canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../mcp.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod mcp;

fuzz_target!(|bytes: &[u8]| mcp::jcs(bytes));
