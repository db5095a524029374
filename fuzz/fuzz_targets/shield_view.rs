//! Views: normalising twice changes nothing, every span lies in the text, and no budget is passed.
#![no_main]

use castellan_shield::codec;
use castellan_shield::view::{Budget, WindowSize, decode, normalise, windows};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let view = normalise(&text);
    assert!(view.map().is_monotone());
    assert!(text.get(view.origin(0..view.text().len())).is_some());
    let twice = normalise(view.text());
    assert_eq!(twice.text(), view.text());

    let budget = Budget { depth: usize::from(first % 4), ..Budget::default() };
    let found = decode(&text, &budget);
    let most = budget.bytes.max(text.len() * budget.bytes_per_byte);
    assert!(found.payloads.iter().map(|one| one.view.text().len()).sum::<usize>() <= most);
    for one in &found.payloads {
        assert!(text.get(one.span.clone()).is_some());
        assert!(text.get(one.view.origin(0..one.view.text().len())).is_some());
    }

    let size = WindowSize { size: usize::from(*first), overlap: usize::from(first / 3) };
    let mut covered = 0;
    for window in windows(&text, size) {
        assert!(window.span.start <= covered && window.span.end > covered);
        covered = window.span.end;
    }
    assert_eq!(covered, text.len());

    let codec = codec::ALL[usize::from(*first) % codec::ALL.len()];
    let _ = codec.decode(&text);
    if let Some(encoded) = codec.encode(&text) {
        assert_eq!(codec.decode(&encoded), codec.returns(&text));
    }
});
