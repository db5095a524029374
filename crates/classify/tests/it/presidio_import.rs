//! Recognisers of Presidio: what carries over, what is told, what is left out.

use std::sync::LazyLock;

use castellan_base::{Level, Sources};
use castellan_classify::check::Checks;
use castellan_classify::exchange::presidio::{read, read_json};
use castellan_classify::rule::Rules;
use castellan_classify::{Dictionaries, Engine};
use proptest::prelude::*;

const REGISTRY: &str = r#"
supported_languages: [en, de]
global_regex_flags: 26
recognizers:
  - name: Badge recognizer
    supported_entity: BADGE
    type: custom
    supported_languages:
      - { language: en, context: [badge, staff] }
      - { language: de, context: [ausweis] }
    patterns:
      - { name: long, regex: '\bB-\d{6}\b', score: 0.6 }
      - { name: short, regex: '\bB-\d{4}\b', score: 0.01 }
      - { name: never, regex: '\bB-\d{2}\b', score: 0 }
  - name: Titles
    supported_language: en
    supported_entity: TITLE
    deny_list: [Mr., Mrs., Doctor of Law, '++']
    deny_list_score: 0.7
  - name: Exact case
    supported_entity: CASED
    global_regex_flags: 0
    patterns: [{ name: a, regex: 'code-[A-Z]{4}', score: 1.0 }]
  - name: Switched off
    supported_entity: OFF
    enabled: false
    deny_list: [nowhere]
  - CreditCardRecognizer
  - { name: UsSsnRecognizer, type: predefined, supported_languages: [en] }
  - { name: Cards once more, class_name: CreditCardRecognizer, type: predefined }
"#;

pub(crate) static KNOWN: LazyLock<Rules> = LazyLock::new(|| crate::content::rules().0);

fn load(text: &str) -> (Rules, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("recognizers", text.to_owned());
    let (rules, problems) = match text.starts_with(['{', '[']) {
        true => read_json(&sources, file, &KNOWN),
        false => read(&sources, file, &KNOWN),
    };
    let lines = problems.iter().map(|problem| {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {:?}: {}", problem.level, problem.message)
    });
    (rules, lines.collect())
}

fn compile(rules: Rules) -> Engine {
    let dictionaries = crate::content::dictionaries();
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &dictionaries);
    assert!(problems.iter().all(|problem| problem.level != Level::Error), "{problems:?}");
    engine
}

/// What is found in a text: entities, texts and confidences.
fn check(engine: &Engine, text: &str, expected: &[(&str, &str, u8)]) {
    let findings = engine.scan(text);
    let found: Vec<(&str, &str, u8)> = findings
        .iter()
        .map(|it| {
            let entity = engine.detector(it).unwrap().presidio.as_deref().unwrap();
            (entity, &text[it.range()], it.confidence)
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn what_carries_over_finds() {
    let (rules, problems) = load(REGISTRY);
    assert_eq!(problems, Vec::<String>::new());
    let engine = compile(rules);
    let check = |text: &str, expected: &[(&str, &str, u8)]| check(&engine, text, expected);
    check("b-123456", &[("BADGE", "b-123456", 60)]);
    // Context adds 0.35, and makes it 0.4 at least.
    check("Dienstausweis B-123456", &[("BADGE", "B-123456", 95)]);
    check("badge B-1234", &[("BADGE", "B-1234", 40)]);
    check("B-1234", &[("BADGE", "B-1234", 1)]);
    let far = format!("badge {} B-123456", "x".repeat(60));
    check(&far, &[("BADGE", "B-123456", 60)]);
    check("badge B-12", &[]);
    check("badge xB-123456", &[]);
    check("mrs. Doctor\nof law", &[("TITLE", "mrs.", 70), ("TITLE", "Doctor\nof law", 70)]);
    check("a ++ b", &[("TITLE", "++", 70)]);
    check("nowhere", &[]);
    check("code-ABCD code-abcd", &[("CASED", "code-ABCD", 100)]);
    // Presidio's own are ours.
    check("visa 4111 1111 1111 1111", &[("CREDIT_CARD", "4111 1111 1111 1111", 85)]);
}

#[test]
fn json_is_read_in_every_shape() {
    let one = r#"{"name": "Zip", "supported_language": "en", "supported_entity": "ZIP", "context": ["zip"],
        "patterns": [{"name": "zip", "regex": "(\\b\\d{5}(?:\\-\\d{4})?\\b)", "score": 0.01}]}"#;
    for text in [
        one.to_owned(),
        format!("[{one}]"),
        format!(r#"{{"text": "a", "language": "en", "ad_hoc_recognizers": [{one}]}}"#),
        format!(r#"{{"recognizers": [{one}]}}"#),
        format!(r#"{{"recognizer_registry": {{"recognizers": [{one}]}}}}"#),
    ] {
        let (rules, problems) = load(&text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        check(&compile(rules), "zip 12345-6789", &[("ZIP", "12345-6789", 40)]);
    }
}

#[test]
fn the_rest_is_told() {
    let check = |recogniser: &str, expected: &str| {
        let (rules, problems) = load(&format!("recognizers:\n  - {{ {recogniser} }}\n"));
        assert!(problems.iter().any(|it| it.contains(expected)), "{problems:?} lacks `{expected}`");
        assert!(problems.iter().all(|it| it.starts_with("recognizers:")), "{problems:?}");
        (rules.detectors.len(), problems.len())
    };
    let pattern = |regex: &str| {
        format!("name: N, supported_entity: E, patterns: [{{ name: p, regex: '{regex}', score: 0.5 }}]")
    };
    let out = (0, 1);
    assert_eq!(check("supported_language: en", "the recogniser has no `name`"), out);
    assert_eq!(check("name: N, deny_list: [a]", "it has no `supported_entity`"), out);
    assert_eq!(check("name: N, supported_entities: [A, B], deny_list: [a]", "several entities"), out);
    assert_eq!(check("name: N, supported_entity: E", "neither `patterns` nor a `deny_list`"), out);
    assert_eq!(check("name: N, supported_entity: E, deny_list: ['']", "a word is empty"), out);
    assert_eq!(check("name: N, type: remote", "its type `remote` is not known"), out);
    assert_eq!(check("name: NobodyRecognizer, type: predefined", "Presidio brings none of this name"), out);
    assert_eq!(check("name: GLiNERRecognizer", "a model decides what it finds"), out);
    assert_eq!(check("name: UuidRecognizer, type: predefined", "nothing here stands for `UUID`"), out);
    assert_eq!(check(&pattern(r"(?<!\d)\d{9}"), "look-around has no counterpart"), out);
    assert_eq!(check(&pattern("(ab)?"), "matches the empty text"), out);
    assert_eq!(check(&pattern("[a-"), "a class is not closed"), out);
    assert_eq!(check(&pattern("abcd").replace("0.5", "5"), "`score` is no number from 0 to 1"), out);
    assert_eq!(
        check("name: N, supported_entity: E, global_regex_flags: 64, deny_list: [a]", "`VERBOSE`"),
        out
    );
    assert_eq!(check(&pattern("abc[0-9]+"), "they have at most 2048 bytes here"), (1, 1));
    assert_eq!(
        check(&(pattern("abcd") + ", mood: good"), "`mood` of the recogniser `N` is not read"),
        (1, 1)
    );
    assert_eq!(check("name: 3", "not text"), (0, 2));
    assert!(load("recognizers: [").1[0].contains("Error"));
}

/// What Presidio brings, where it is at hand.
#[test]
fn what_presidio_brings() {
    let folder = std::env::var("CASTELLAN_CORPORA").unwrap_or_else(|_| "../../../shared/corpora".to_owned());
    for name in ["default_recognizers.yaml", "example_recognizers.yaml"] {
        let Ok(text) = std::fs::read_to_string(format!("{folder}/presidio/{name}")) else {
            println!("skipped: there is no {folder}/presidio/{name}");
            continue;
        };
        let (rules, problems) = load(&text);
        problems.iter().for_each(|problem| println!("{problem}"));
        println!("{name}: {} detectors", rules.detectors.len());
        assert!(!rules.detectors.is_empty());
        compile(rules);
    }
}

proptest! {
    /// Any text gives rules or diagnostics, and what compiles scans.
    #[test]
    fn no_text_is_too_odd(parts in prop::collection::vec(part(), 0..10)) {
        for text in [format!("recognizers:\n{}", parts.concat()), parts.concat(), format!("[{}]", parts.concat())] {
            let (rules, _) = load(&text);
            let (engine, _) = Engine::compile_strictly(rules, &Checks::standard(), &Dictionaries::default());
            let _ = engine.scan(&text);
        }
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("  - name: a\n".to_owned()),
        Just("    supported_entity: A\n".to_owned()),
        Just("    deny_list: [a, b c]\n    context: [x]\n".to_owned()),
        Just("    deny_list_score: 0.3\n".to_owned()),
        Just("  - IpRecognizer\n".to_owned()),
        Just(r#"{"supported_entity": "A", "deny_list": ["a"]},"#.to_owned()),
        r#"[\[\](){}|*+?^$.\\a-z0-9&~-]{0,20}"#
            .prop_map(|regex| format!("    patterns: [{{ regex: '{regex}', score: 0.4 }}]\n")),
        "\\PC{0,30}\n",
    ]
}
