//! The YAML reader: any text gives documents or a diagnostic, within the bounds.
#![no_main]

use castellan_base::{Limits, Sources, yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let source = sources.add("fuzz", text);
    let _ = yaml::parse_all(text, source, &Limits { values: 100_000, ..Limits::default() });
});
