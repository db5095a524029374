//! Messages of the Model Context Protocol: any bytes are read or told, every text can be edited, and what is edited is read.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../mcp.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod mcp;

fuzz_target!(|bytes: &[u8]| mcp::message(bytes));
