//! Affinities: combinations of evidence over a document.

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::rule::read;
use castellan_classify::{Dictionaries, Engine, Selection};

const RULES: &str = r"
elements:
  contract: { keywords: [employment contract, agreement] }
  salary: { keywords: [salary, wage], match: string }
  amount: { regex: '\d{1,3},\d{3} EUR' }
affinities:
  - id: contract
    title: Employment contract
    proximity: unlimited
    threshold: 80
    evidence:
      - { confidence: 60, of: [contract] }
      - { confidence: 60, of: [salary, { any: [amount] }] }
";

fn engine(rules: &str) -> (Engine, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("rules.yaml", rules.to_owned());
    let (rules, problems) = read(&sources, &[file]);
    assert!(problems.is_empty(), "{problems:?}");
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &Dictionaries::default());
    (engine, problems.into_iter().map(|problem| problem.message).collect())
}

fn check(text: &str, expected: &[u8]) {
    let (engine, problems) = engine(RULES);
    assert_eq!(problems, Vec::<String>::new());
    let mut scanner = engine.scanner();
    let mut findings = Vec::new();
    text.as_bytes().chunks(7).for_each(|chunk| scanner.push(chunk, &mut findings));
    let outcomes = [engine.scan_bytes(text.as_bytes()), scanner.finish(&mut findings)];
    for outcome in outcomes {
        let found: Vec<u8> = outcome.combinations.iter().map(|it| it.confidence).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn evidence_adds_up_over_the_document() {
    let far = " and so on ".repeat(3_000);
    // 1 - 0.4 * 0.4 = 0.84
    check(&format!("Employment contract {far} the salary is 70,000 EUR"), &[84]);
    check(&format!("Employment contract {far} the salary is high"), &[]);
    check("the salary is 70,000 EUR", &[]);
    check("", &[]);
}

#[test]
fn they_can_be_selected() {
    let (engine, _) = engine(RULES);
    let selection = Selection { detectors: vec!["contract".to_owned()], ..Selection::default() };
    assert_eq!(
        engine.select(&selection).unwrap().scan_bytes(b"agreement: wage 1,000 EUR").combinations.len(),
        1
    );
    let selection = Selection { detectors: vec!["other".to_owned()], ..Selection::default() };
    assert!(engine.select(&selection).unwrap_err().contains("`other`"));
}

/// What holds within a distance: the texts from its first to its last piece, with the confidence.
fn near(text: &str, expected: &[(&str, u8)]) {
    let rules =
        RULES.replace("unlimited", "40").replace("of: [contract]", "of: [contract, { none: [sample] }]");
    let (engine, problems) =
        engine(&rules.replace("elements:", "elements:\n  sample: { keywords: [sample] }"));
    assert_eq!(problems, Vec::<String>::new());
    for size in [text.len().max(1), 64, 7, 1] {
        let mut scanner = engine.scanner();
        text.as_bytes().chunks(size).for_each(|chunk| scanner.push(chunk, &mut Vec::new()));
        let outcome = scanner.finish(&mut Vec::new());
        let told: Vec<(&str, u8)> = (outcome.combinations.iter())
            .map(|it| (&text[it.start.byte as usize..it.end.byte as usize], it.confidence))
            .collect();
        assert_eq!(told, expected, "{text}, cut by {size}");
        assert!(!outcome.incomplete);
    }
}

#[test]
fn within_a_distance_each_place_is_told() {
    near("Agreement: salary 70,000 EUR.", &[("Agreement: salary 70,000 EUR", 84)]);
    // In any order, in characters of any width.
    near("70,000 EUR \u{1f600} wage, agreement", &[("70,000 EUR \u{1f600} wage, agreement", 84)]);
    // Forty characters from the first to the last, and one more.
    let apart = |count: usize| format!("agreement{} wage 1,000 EUR", " \u{e9}".repeat(count));
    near(&apart(8), &[(&apart(8), 84)]);
    near(&apart(8).replace("wage", " wage"), &[]);
    near("", &[]);
    // What was told is not told again, and another one far away is.
    let filler = ". and so on ".repeat(1_000);
    let text = format!("agreement wage 1,000 EUR wage{filler}agreement wage 2,000 EUR");
    near(&text, &[("agreement wage 1,000 EUR", 84), ("agreement wage 2,000 EUR", 84)]);
    near(&format!("agreement wage {filler} 2,000 EUR"), &[]);
}

#[test]
fn what_must_not_stand_there_must_not_stand_before_it_either() {
    near("sample: agreement, wage 1,000 EUR", &[]);
    near("agreement, wage 1,000 EUR (sample)", &[]);
    let far = "This is a sample. ".to_owned() + &"so on ".repeat(10);
    near(&(far + "agreement, wage 1,000 EUR"), &[("agreement, wage 1,000 EUR", 84)]);
}

/// A text of evidence alone is bounded in memory, and what that loses is told.
#[test]
fn too_much_evidence_is_told() {
    let rules = RULES
        .replace("unlimited", "8192")
        .replace("'\\d{1,3},\\d{3} EUR'", "'\\d', boundary: none, slow: true");
    let (engine, _) = engine(&rules);
    let outcome = engine.scan_bytes("7".repeat(200_000).as_bytes());
    assert_eq!((outcome.combinations.len(), outcome.incomplete), (0, false));
    let outcome = engine.scan_bytes("wage 7 agreement ".repeat(70_000).as_bytes());
    assert_eq!((outcome.combinations.len(), outcome.incomplete), (65_536, true));
}

#[test]
fn what_is_not_run_is_told() {
    let (_, problems) = engine(&RULES.replace(r"\d{1,3},\d{3} EUR", "[a-z]+@?x"));
    assert!(problems[0].contains("a match can be of any length"), "{problems:?}");
    assert!(problems[1].contains("affinity `contract` is left out"), "{problems:?}");
}
