//! SQLite: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.sqlite"];
const STARTS: &[&[u8]] = &[b"SQLite format 3\0"];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
