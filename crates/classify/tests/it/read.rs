//! Reading rules: what is taken, and what is refused with which words.

use castellan_base::Sources;
use castellan_classify::rule::{Rules, read};

fn load(text: &str) -> (Rules, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("rules.yaml", text.to_owned());
    let (rules, problems) = read(&sources, &[file]);
    let lines = problems.iter().map(|problem| {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place}: {}", problem.message)
    });
    (rules, lines.collect())
}

/// A detector with these lines in place of its element and pattern.
fn detector(element: &str, pattern: &str) -> String {
    format!(
        "detectors:\n  - id: a\n    title: A\n    category: custom\n    elements:\n      e: {element}\n    patterns:\n      - {pattern}\n"
    )
}

fn check_refused(element: &str, pattern: &str, expected: &str) {
    let (rules, problems) = load(&detector(element, pattern));
    assert!(rules.detectors.is_empty(), "{element} {pattern} was taken");
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?} lacks `{expected}`");
}

#[test]
fn a_whole_detector_is_taken() {
    let (rules, problems) = load(&detector("{ regex: 'ab\\d{6}' }", "{ confidence: 85, primary: e }"));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(rules.detectors.len(), 1);
    assert_eq!(&*rules.elements[0].name, "a/e");
}

#[test]
fn faults_are_named_with_their_place() {
    let regex = "{ regex: 'ab' }";
    let pattern = "{ confidence: 85, primary: e }";
    check_refused("{ regexp: 'ab' }", pattern, "rules.yaml:6:10: the element needs exactly one of");
    check_refused("{ regex: 'ab', keywords: [a] }", pattern, "the element needs exactly one of");
    check_refused("{ regex: 'ab', bound: word }", pattern, "has no member `bound`");
    check_refused("{ regex: 'ab', boundary: line }", pattern, "has the unknown value `line`");
    check_refused("{ keywords: [] }", pattern, "the list has no terms");
    check_refused("{ keywords: ['#'] }", pattern, "has no letter or digit");
    check_refused("{ regex: 'ab', checks: [{ entropie: 3 }] }", pattern, "there is no check `entropie`");
    check_refused("{ regex: 'ab', checks: [{ entropy: 9 }] }", pattern, "bits from 0 to 8");
    check_refused(
        regex,
        "{ confidence: 0, primary: e }",
        "`confidence` of the pattern is not a whole number from 1 to 100",
    );
    check_refused(regex, "{ primary: e }", "the pattern has no `confidence`");
    check_refused(regex, "{ confidence: 85, primary: x }", "there is no element `x`");
    check_refused(regex, "{ confidence: 85, primary: e, evidence: [{ sum: [e] }] }", "has no member `sum`");
    check_refused(
        regex,
        "{ confidence: 85, primary: e, evidence: [{ none: [e], max: 2 }] }",
        "of no known form",
    );
}

#[test]
fn one_fault_leaves_the_rest() {
    let good = "  - { id: b, title: B, category: custom, elements: { e: { regex: 'cd' } }, patterns: [{ confidence: 75, primary: e }] }\n";
    let text = detector("{ regex: 'ab', boundary: line }", "{ confidence: 85, primary: e }") + good;
    let (rules, problems) = load(&text);
    assert_eq!(rules.detectors.len(), 1);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(load("detectors: [").1.len(), 1);
    assert!(load("").0.detectors.is_empty());
}
