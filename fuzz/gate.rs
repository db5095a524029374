//! What must hold of the gate's own files for any bytes, for the targets of `castellan-gateway` and for the tests of that crate.

use castellan_base::Sources;
use castellan_gateway::{config, guard};

/// A configuration: any text is read or told with its place.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(fault) = config::read(text) {
        assert!(!fault.message().is_empty());
        assert!(fault.span().is_none_or(|span| span.end <= text.len() && text.is_char_boundary(span.start)));
    }
}

/// A profile: any text is read or told, and what is read does something.
pub(crate) fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let source = Sources::default().add("fuzz.yaml", text);
    let Ok(profile) = guard::read(text, source) else { return };
    for rule in &profile.rules {
        assert!(rule.action > guard::Action::Allow && !rule.check.as_str().is_empty());
        assert!(rule.wait_seconds <= 300 && rule.restore <= (rule.action == guard::Action::Tokenise));
    }
    assert_eq!(profile.stream.and(profile.stream), profile.stream);
}
