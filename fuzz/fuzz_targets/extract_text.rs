//! Text, CSV, JSON, JSON Lines and notebooks: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.txt", "a.csv", "a.json", "a.jsonl", "a.ipynb"];
const STARTS: &[&[u8]] = &[b""];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
