//! Windows cover everything.

use castellan_shield::view::{WindowSize, windows};
use proptest::prelude::*;

#[test]
fn a_text_that_fits_is_one_window() {
    let all: Vec<_> = windows("one two", WindowSize::default()).collect();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].span.clone(), all[0].text), (0..7, "one two"));
    assert_eq!(windows("", WindowSize::default()).count(), 0);
}

#[test]
fn windows_end_with_sentences() {
    let text = "The first sentence is here. The second one is longer than that. And a third. ".repeat(20);
    let all: Vec<_> = windows(&text, WindowSize { size: 200, overlap: 40 }).collect();
    assert!(all.len() > 5);
    for window in &all[..all.len() - 1] {
        assert!(window.text.ends_with(". "), "{:?}", window.text);
    }
}

proptest! {
    #[test]
    fn every_short_stretch_is_whole_in_a_window(text in "([a-z]{1,9}[ .\n]{1,2}|\\PC){0,120}", size in 0_usize..90, overlap in 0_usize..60) {
        let all: Vec<_> = windows(&text, WindowSize { size, overlap }).map(|window| window.span).collect();
        let size = size.max(16);
        let shared = overlap.min(size / 2);
        prop_assert_eq!(all.first().map_or(0, |span| span.start), 0);
        prop_assert_eq!(all.last().map_or(0, |span| span.end), text.len());
        for pair in all.windows(2) {
            prop_assert!(pair[0].start < pair[1].start && pair[0].end < pair[1].end);
            prop_assert!(pair[1].start <= pair[0].end - shared);
        }
        prop_assert!(all.iter().all(|span| span.len() <= size));
    }
}
