//! Answers of token endpoints: only another bearer token than the one that was sent is one.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../mcp.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod mcp;

fuzz_target!(|bytes: &[u8]| mcp::oauth(bytes));
