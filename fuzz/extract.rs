//! What the targets of `castellan-extract` share.

use std::io::Cursor;
use std::sync::Once;

use castellan_extract::{Limits, Part, extract};

const TEXT: u64 = 1 << 20;
const EXPANDED: u64 = 8 << 20;

/// Reads the bytes under every name and behind every start, and looks at what the outcome promises.
pub fn holds(names: &[&str], starts: &[&[u8]], bytes: &[u8]) {
    watch_panics();
    for name in names {
        for start in starts {
            one(name, &[start, bytes].concat());
        }
    }
}

fn one(name: &str, bytes: &[u8]) {
    let limits = Limits {
        text_bytes: TEXT,
        expanded_bytes: EXPANDED,
        memory: 1 << 20,
        entries: 100,
        chunk: 256,
        listed: 50,
        ..Limits::default()
    };
    let mut given = 0;
    let mut sink = |part: &Part<'_>| {
        assert!(!part.text.is_empty() && part.text.len() <= 256);
        given += part.text.len() as u64;
    };
    let outcome = extract(name, &mut Cursor::new(bytes), &limits, &mut sink);
    assert_eq!(outcome.coverage.text_bytes, given);
    assert!(given <= TEXT && outcome.skipped.len() <= 50 && outcome.notes.len() <= 50);
}

/// A panic in a decoder of somebody else's is contained and is no finding here; one of our own is.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let file = info.location().map(|location| location.file()).unwrap_or_default();
            if file.contains("crates/extract/") || file.contains("fuzz/") || file.starts_with("extract.rs") {
                eprintln!("{info}");
                std::process::abort();
            }
        }));
    });
}
