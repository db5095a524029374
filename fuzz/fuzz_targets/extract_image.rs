//! The texts of pictures: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.png", "a.jpg"];
const STARTS: &[&[u8]] = &[b"\x89PNG\r\n\x1A\n", b"\xFF\xD8\xFF\xE1"];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
