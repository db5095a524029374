//! The JSON reader: any text gives a tree or a diagnostic inside the text.
#![no_main]

use castellan_base::{Limits, Sources, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let source = sources.add("fuzz", text);
    if let Err(diagnostic) = json::parse(text, source, &Limits::default()) {
        assert!(usize::try_from(diagnostic.span.end).is_ok_and(|end| end <= text.len()));
    }
});
