//! The canonical form: it is read again as the same value, and is its own canonical form.
#![no_main]

use castellan_mcp::jcs::{Integers, canonical};
use castellan_mcp::json::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = parse(bytes, &Default::default()) else { return };
    for integers in [Integers::EcmaScript, Integers::Exact] {
        let once = canonical(&value, integers);
        let again = parse(once.as_bytes(), &Default::default()).unwrap();
        assert_eq!(canonical(&again, integers), once);
        assert!(integers == Integers::EcmaScript || value.same(&again));
    }
});
