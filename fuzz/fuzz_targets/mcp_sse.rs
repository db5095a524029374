//! Streams of events: chunks do not matter, and what is written is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../mcp.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod mcp;

fuzz_target!(|bytes: &[u8]| mcp::sse(bytes));
