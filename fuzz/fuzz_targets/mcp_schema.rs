//! Input schemas and rules for arguments: any schema is prepared or refused, and any value is held against it.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../mcp.rs"]
#[allow(dead_code)] // The other targets' invariants stand beside this one's.
mod mcp;

fuzz_target!(|bytes: &[u8]| mcp::schema(bytes));
