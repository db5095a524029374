//! Compound files: Outlook messages and Excel 97: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.msg", "a.xls"];
const STARTS: &[&[u8]] = &[b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
