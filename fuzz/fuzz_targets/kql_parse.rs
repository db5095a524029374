//! Queries: any text has a tree whose places lie inside it, and what reads without complaint prints to the same text
//! again.
#![no_main]

use castellan_kql::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = parse(text);
    for diagnostic in &parsed.diagnostics {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(text.get(start..end).is_some(), "{diagnostic:?}");
    }
    if parsed.diagnostics.is_empty() {
        let printed = parsed.script.to_string();
        let again = parse(&printed);
        // Brackets that the text did not have can lead beyond the limit of depth.
        if again.diagnostics.iter().any(|told| told.code == "too-deep") {
            return;
        }
        assert!(again.diagnostics.is_empty(), "{printed}: {:?}", again.diagnostics);
        assert_eq!(printed, again.script.to_string());
    }
});
