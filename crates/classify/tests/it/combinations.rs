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

#[test]
fn what_is_not_run_is_told() {
    let (_, problems) = engine(&RULES.replace("unlimited", "100"));
    assert!(problems[0].contains("affinity `contract` is left out"), "{problems:?}");
    let (_, problems) = engine(&RULES.replace(r"\d{1,3},\d{3} EUR", "[a-z]+@?x"));
    assert!(problems[0].contains("a match can be of any length"), "{problems:?}");
    assert!(problems[1].contains("affinity `contract` is left out"), "{problems:?}");
}
