//! Redaction of streams: wherever a text is cut, the output is that for the whole.
#![no_main]

use std::sync::OnceLock;

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::redact::{HoldBack, Policy, Redactor, Session};
use castellan_classify::rule::read;
use castellan_classify::{Dictionaries, Engine};
use libfuzzer_sys::fuzz_target;

const RULES: &str = r"
detectors:
  - id: badge
    title: Badge
    category: custom
    proximity: 8
    elements: { e: { regex: 'B-\d{2,6}' }, words: { keywords: [lost, badge] } }
    patterns: [{ confidence: 85, primary: e, evidence: [words] }, { confidence: 65, primary: e }]
  - id: key
    title: Key
    category: credential
    elements: { e: { regex: '(?i)key=(?P<value>[a-z0-9-]{2,9})', boundary: none } }
    patterns: [{ confidence: 75, primary: e }]
";

fn parts() -> &'static (Engine, Redactor) {
    static PARTS: OnceLock<(Engine, Redactor)> = OnceLock::new();
    PARTS.get_or_init(|| {
        let mut sources = Sources::default();
        let file = sources.add("rules.yaml", RULES);
        let policy = sources.add("policy.yaml", "types: { badge: { replace: numbered }, key: { mask: {} } }");
        let (rules, _) = read(&sources, &[file]);
        let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
        let policy = Policy::read(&sources, policy).unwrap();
        let redactor = Redactor::new(&engine, &policy, None).unwrap();
        (engine, redactor)
    })
}

fuzz_target!(|input: (u8, &str)| {
    let (size, text) = (usize::from(input.0) + 1, input.1);
    let (engine, redactor) = parts();
    let whole = redactor.redact(text, &engine.scan(text), &mut Session::new("t")).unwrap();
    let mut stream = redactor.stream(Session::new("t"), HoldBack::Exact).unwrap();
    let mut cut = Vec::new();
    for chunk in text.as_bytes().chunks(size) {
        stream.push(chunk, &mut cut).unwrap();
    }
    stream.finish(&mut cut).unwrap();
    assert_eq!(whole.text.as_bytes(), cut);
});
