//! Archives, compression and the documents that are archives within: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.zip", "a.tar", "a.docx"];
const STARTS: &[&[u8]] = &[b"", b"PK\x03\x04"];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
