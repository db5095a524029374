//! Patterns of STIX: any text is read or told, and what was read writes back the same.
#![no_main]

use castellan_stix::matchable;
use castellan_stix::pattern::Pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(pattern) = Pattern::parse(text) {
        let written = pattern.to_string();
        assert_eq!(Pattern::parse(&written).as_ref(), Ok(&pattern), "{written}");
        for alternative in matchable(&pattern).alternatives {
            assert!(!alternative.parts.is_empty());
            assert!(alternative.parts.iter().all(|part| part.kind.normal(&part.value).is_some()));
        }
    }
});
