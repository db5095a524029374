//! The engine finds what the definition finds.

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::rule::{Rules, read};
use castellan_classify::{Engine, Offset, Overlap, Selection};
use proptest::prelude::*;

use crate::reference::{Combined, Found, Reference};
use crate::texts::{COMBINATIONS, NAMES, RULES, text};

pub(crate) fn all(rules: Rules) -> Engine {
    let dictionaries = crate::content::stand_ins(&rules, &NAMES);
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &dictionaries);
    let problems: Vec<_> = problems.iter().filter(|it| it.level == castellan_base::Level::Error).collect();
    assert!(problems.is_empty(), "{problems:?}");
    engine.select(&Selection { overlap: Overlap::All, ..Selection::default() }).unwrap()
}

pub(crate) fn special() -> Rules {
    rules(RULES)
}

pub(crate) fn rules(text: &str) -> Rules {
    let mut sources = Sources::default();
    let file = sources.add("special.yaml", text.replace("\\u{e9}", "\u{e9}"));
    let (rules, problems) = read(&sources, &[file]);
    assert!(problems.is_empty(), "{problems:?}");
    rules
}

fn found(engine: &Engine, text: &str) -> Vec<Found> {
    let findings = engine.scan(text).into_iter();
    let mut all: Vec<Found> = findings
        .map(|it| {
            assert_eq!(text[..it.range().start].chars().count() as u64, it.start.character);
            assert_eq!(text[..it.range().end].encode_utf16().count() as u64, it.end.utf16);
            (it.detector, it.range().start, it.range().end, it.confidence)
        })
        .collect();
    all.sort_unstable();
    all
}

/// Both ways on one text; how much was found.
fn check(engine: &Engine, reference: &Reference<'_>, text: &str) -> usize {
    let (fast, slow) = (found(engine, text), reference.scan(text));
    let name = |it: &Found| format!("{} {:?} {}", engine.rules().detectors[it.0].id, &text[it.1..it.2], it.3);
    let lacks: Vec<_> = slow.iter().filter(|it| !fast.contains(it)).map(name).collect();
    let has: Vec<_> = fast.iter().filter(|it| !slow.contains(it)).map(name).collect();
    assert!(fast == slow, "in {text:?}\nthe engine lacks {lacks:?}\nand has in excess {has:?}");
    fast.len()
}

fn agree(rules: Rules, cases: u32, most: usize) {
    let engine = all(rules);
    let checks = Checks::standard();
    let reference = Reference::new(engine.rules(), &checks, &NAMES);
    let mut total = 0;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    let tried = std::cell::Cell::new(0);
    runner
        .run(&text(most), |text| {
            tried.set(tried.get() + check(&engine, &reference, &text));
            Ok(())
        })
        .unwrap();
    total += tried.get();
    // A test of texts in which nothing is found could not fail.
    assert!(total > cases as usize / 4, "only {total} findings in {cases} texts");
}

/// How many texts: `$PROPTEST_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(usual)
}

#[test]
fn on_detectors_of_every_kind() {
    agree(special(), cases(400), 40);
}

/// Combinations as a whole and in chunks against the definition; how many.
fn combine(engine: &Engine, reference: &Reference<'_>, text: &str, chunk: usize) -> Vec<usize> {
    let mut scanner = engine.scanner();
    text.as_bytes().chunks(chunk).for_each(|chunk| scanner.push(chunk, &mut Vec::new()));
    let whole = engine.scan_bytes(text.as_bytes()).combinations;
    assert_eq!(whole, scanner.finish(&mut Vec::new()).combinations, "cut by {chunk}: {text:?}");
    let place = |offset: Offset| {
        let byte = offset.byte as usize;
        assert_eq!(text[..byte].chars().count() as u64, offset.character);
        byte
    };
    let mut fast: Vec<Combined> =
        whole.iter().map(|it| (it.affinity, place(it.start), place(it.end), it.confidence)).collect();
    fast.sort_unstable();
    assert_eq!(fast, reference.combinations(text), "in {text:?}");
    fast.iter().map(|it| it.0).collect()
}

#[test]
fn on_combinations() {
    let engine = all(rules(COMBINATIONS));
    let checks = Checks::standard();
    let reference = Reference::new(engine.rules(), &checks, &NAMES);
    let told = std::cell::RefCell::new(vec![0; engine.rules().affinities.len()]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases(400)));
    runner
        .run(&(text(60), 1..200_usize), |(text, chunk)| {
            for affinity in combine(&engine, &reference, &text, chunk) {
                told.borrow_mut()[affinity] += 1;
            }
            Ok(())
        })
        .unwrap();
    let told = told.into_inner();
    assert!(told.iter().all(|count| *count > 5), "some are never or hardly ever told: {told:?}");
}

#[test]
fn on_the_detectors_of_the_product() {
    agree(crate::content::rules().0, cases(60), 24);
}

#[test]
fn on_every_example() {
    let engine = all(crate::content::rules().0);
    let checks = Checks::standard();
    let reference = Reference::new(engine.rules(), &checks, &NAMES);
    let examples: Vec<_> = engine.rules().detectors.iter().flat_map(|it| &it.examples).collect();
    let total: usize = examples.iter().map(|it| check(&engine, &reference, &it.text)).sum();
    assert!(total > examples.len() / 2);
}
