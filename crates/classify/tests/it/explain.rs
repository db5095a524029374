//! What is nearly found, and why it is not.

use castellan_classify::{Reason, Selection};

#[test]
fn each_reason_is_told() {
    let (engine, _) = crate::content::engine();
    let rules = engine.rules();
    let told = |text: &str, id: &str| {
        let misses = engine.explain(text.as_bytes()).misses;
        let one = misses.into_iter().find(|miss| &*rules.detectors[miss.detector].id == id).unwrap();
        (text[one.start as usize..one.end as usize].to_owned(), one.reason)
    };
    let (text, reason) = told("SSN: 078-05-1120", "us-social-security-number");
    assert_eq!((text.as_str(), reason), ("078-05-1120", Reason::Check("not".into())));

    let (_, reason) = told("part 12345678", "hr-driving-licence-number");
    let Reason::Evidence { pattern: 0, lacking } = reason else { panic!("{reason:?}") };
    let names: Vec<&str> = lacking.iter().map(|id| &*rules.element(*id).unwrap().name).collect();
    assert!(names.contains(&"driving-licence-words"), "{names:?}");
}

#[test]
fn what_gives_way_is_told() {
    let engine = crate::agreement::all(crate::agreement::special());
    let engine =
        engine.select(&Selection { detectors: vec!["words".into()], ..Selection::default() }).unwrap();
    let explanation = engine.explain(b"gamma a1amm");
    assert!(explanation.misses.iter().all(|miss| miss.reason != Reason::Overlapped));
    let explanation = crate::content::engine().0.explain(b"AKIAQYLPMN5HFIQR7XYA secret access key");
    assert!(explanation.misses.len() < 1_000);
}

#[test]
fn it_finds_what_a_scan_finds() {
    let (engine, _) = crate::content::engine();
    for example in engine.rules().detectors.iter().flat_map(|detector| &detector.examples) {
        let explanation = engine.explain(example.text.as_bytes());
        assert_eq!(explanation.outcome.findings, engine.scan(&example.text), "{}", example.text);
    }
}

#[test]
fn it_tells_the_same_of_a_text_in_chunks() {
    let (engine, _) = crate::content::engine();
    let detectors = engine.rules().detectors.iter().filter(|it| it.id.starts_with("us-"));
    let examples: Vec<&str> = detectors.flat_map(|it| &it.examples).map(|it| &*it.text).take(60).collect();
    let text = examples.join("\n and more of it \n");
    let whole = engine.explain(text.as_bytes());
    assert!((10..1_000).contains(&whole.misses.len()), "{} misses", whole.misses.len());
    let sorted = |misses: &[castellan_classify::Miss]| {
        let mut lines: Vec<String> = misses.iter().map(|miss| format!("{miss:?}")).collect();
        lines.sort();
        lines
    };
    for size in [7, 1_000, 70_000] {
        let (mut scanner, mut findings) = (engine.explainer(), Vec::new());
        text.as_bytes().chunks(size).for_each(|chunk| scanner.push(chunk, &mut findings));
        let told = scanner.explain(&mut findings);
        assert_eq!(sorted(&told.misses), sorted(&whole.misses), "cut by {size}");
        assert_eq!(findings, whole.outcome.findings, "cut by {size}");
    }
    // A scanner that was not asked to explain knows no misses.
    let mut scanner = engine.scanner();
    scanner.push(text.as_bytes(), &mut Vec::new());
    assert!(scanner.explain(&mut Vec::new()).misses.is_empty());
}
