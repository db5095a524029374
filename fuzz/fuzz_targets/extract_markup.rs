//! XML, HTML and RTF: any bytes, bare and behind a start that is recognised, give an outcome within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../extract.rs"]
mod extract;

const NAMES: &[&str] = &["a.xml", "a.html", "a.rtf"];
const STARTS: &[&[u8]] = &[b"", b"{\\rtf1"];

fuzz_target!(|bytes: &[u8]| extract::holds(NAMES, STARTS, bytes));
