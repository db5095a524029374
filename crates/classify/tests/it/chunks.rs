//! Where a text is cut never changes what is found, and no bytes are too strange.

use castellan_classify::{Engine, Finding, Overlap, Selection};
use proptest::prelude::*;

use crate::agreement::{all, special};
use crate::texts::text;

fn in_chunks(engine: &Engine, text: &[u8], sizes: &[usize]) -> Vec<Finding> {
    let mut scanner = engine.scanner();
    let mut findings = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, others) = rest.split_at((*size).clamp(1, rest.len()));
        scanner.push(chunk, &mut findings);
        rest = others;
    }
    assert_eq!(scanner.finish(&mut findings).bytes, text.len() as u64);
    findings
}

fn check(engine: &Engine, text: &[u8], sizes: &[usize]) -> usize {
    let whole = engine.scan_bytes(text).findings;
    let cut = in_chunks(engine, text, sizes);
    let first = whole.iter().zip(&cut).find(|(one, other)| one != other);
    assert!(whole == cut, "{} and {} findings, of which the first differ: {first:?}", whole.len(), cut.len());
    whole.len()
}

/// Detectors whose matches and evidence are short, so that a scanner holds little back.
fn short() -> Engine {
    let names = ["nine-digits", "subword", "token", "literal", "words", "names", "lettered", "prefixed"];
    let detectors = names.map(str::to_owned).to_vec();
    all(special()).select(&Selection { detectors, overlap: Overlap::Best, ..Selection::default() }).unwrap()
}

fn long_text() -> impl Strategy<Value = String> {
    (prop::collection::vec(text(60), 1..40), 1..60_usize).prop_map(|(parts, times)| {
        let unit = parts.join(" ");
        unit.repeat(times.min(200_000 / unit.len().max(1)).max(1))
    })
}

#[test]
fn cuts_do_not_matter() {
    let engines = [short(), all(special()), all(crate::content::rules().0)];
    let total = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let sizes = prop::collection::vec(prop_oneof![1..10_usize, 1..5_000_usize, 1..200_000_usize], 1..8);
    runner
        .run(&(long_text(), sizes), |(text, sizes)| {
            for engine in &engines {
                total.set(total.get() + check(engine, text.as_bytes(), &sizes));
            }
            Ok(())
        })
        .unwrap();
    assert!(total.get() > 1_000, "only {} findings", total.get());
}

proptest! {
    #[test]
    fn any_bytes_are_scanned(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 1..40_usize) {
        check(&short(), &bytes, &[cut]);
    }

    #[test]
    fn any_bytes_among_texts_are_scanned(
        parts in prop::collection::vec((text(12), prop::collection::vec(any::<u8>(), 0..4)), 0..30),
        cut in 1..400_usize,
    ) {
        let mut bytes = Vec::new();
        for (text, strange) in &parts {
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(strange);
        }
        check(&short(), &bytes, &[cut]);
    }
}
