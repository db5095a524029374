//! Judging: no text and no weights make it panic, probabilities and spans lie where they may, and where a text is cut
//! makes no difference.
#![no_main]

use std::sync::OnceLock;

use castellan_shield::model::bytes::Reader;
use castellan_shield::model::calibration::OperatingPoint;
use castellan_shield::{Shield, Source};
use libfuzzer_sys::fuzz_target;

static SHIELD: OnceLock<Shield> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut reader) = Reader::open(bytes) {
        let _ = reader.linear::<2>();
        let _ = reader.language();
        let _ = reader.salad();
    }
    let shield = SHIELD.get_or_init(|| Shield::builtin().expect("the built-in shield is whole"));
    let Some((first, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let source = if first % 2 == 0 { Source::User } else { Source::ToolResult };
    let verdict = shield.attack(&text, source);
    assert!((0.0..=1.0).contains(&verdict.probability));
    assert!(verdict.spans.iter().all(|span| text.get(span.start..span.end).is_some()));
    let mut stream = shield.stream(source, OperatingPoint::default());
    for part in text.split_inclusive(char::from(*first)) {
        stream.push(part);
    }
    assert_eq!(stream.finish(), verdict);
    assert!((0.0..=1.0).contains(&shield.harm(&text).any()));
});
