//! Parquet and Arrow: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.parquet", "a.arrow"];
const STARTS: &[&[u8]] = &[b"PAR1", b"ARROW1\0\0", b""];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
