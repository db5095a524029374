//! Redaction per second: `cargo bench -p castellan-classify --bench redact`.
//!
//! Texts are the same page of prose with a card, an account and a badge in it. Scanning is part of streams, and not of
//! what works on findings.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::redact::{
    CheckDigits, HoldBack, Keyring, Policy, Redactor, Session, TokenForm, TokenOptions, Tokeniser,
};
use castellan_classify::{Dictionaries, Engine, rule};
use divan::counter::{BytesCount, ItemsCount};

const RULES: &str = r"
detectors:
  - { id: card, title: Card, category: financial, elements: { e: { regex: '\d{4} \d{4} \d{4} \d{4}', checks: [luhn] } }, patterns: [{ confidence: 75, primary: e }] }
  - { id: account, title: Account, category: financial, elements: { e: { regex: '[A-Z]{2}\d{20}', checks: [iban] } }, patterns: [{ confidence: 75, primary: e }] }
  - { id: badge, title: Badge, category: custom, elements: { e: { regex: 'B-\d{6}' } }, patterns: [{ confidence: 75, primary: e }] }
";

fn main() {
    divan::main();
}

fn keys() -> Arc<Keyring> {
    let secret = std::array::from_fn(|at| u8::try_from(at).unwrap());
    Arc::new(Keyring::new("k1", &secret).unwrap())
}

fn engine() -> Engine {
    let mut sources = Sources::default();
    let file = sources.add("rules.yaml", RULES);
    let (rules, problems) = rule::read(&sources, &[file]);
    assert!(problems.is_empty());
    Engine::compile(rules, &Checks::standard(), &Dictionaries::default()).0
}

fn redactor(policy: &str) -> Redactor {
    let mut sources = Sources::default();
    let file = sources.add("policy.yaml", policy.to_owned());
    Redactor::new(&engine(), &Policy::read(&sources, file).unwrap(), Some(keys())).unwrap()
}

fn page() -> String {
    let prose = "It was agreed that the matter would be taken up again in the course of the week. ".repeat(8);
    format!("{prose}4111 1111 1111 1111 {prose}DE89370400440532013000 {prose}B-123456 ").repeat(50)
}

#[divan::bench(args = ["replace", "{ replace: numbered }", "{ mask: { keep_last: 4 } }", "hash", "encrypt", "token"])]
fn findings(bencher: divan::Bencher<'_, '_>, operator: &str) {
    let (text, redactor) = (page(), redactor(&format!("default: {operator}")));
    let findings = engine().scan(&text);
    bencher
        .counter(ItemsCount::new(findings.len()))
        .bench(|| redactor.redact(&text, &findings, &mut Session::new("t")).unwrap());
}

#[divan::bench(args = ["exact", "early"])]
fn streams(bencher: divan::Bencher<'_, '_>, mode: &str) {
    let (text, redactor) = (page(), redactor("default: replace"));
    let hold = if mode == "exact" { HoldBack::Exact } else { HoldBack::Early(256) };
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut output = Vec::with_capacity(text.len());
        let mut stream = redactor.stream(Session::new("t"), hold).unwrap();
        for chunk in text.as_bytes().chunks(16) {
            stream.push(chunk, &mut output).unwrap();
        }
        stream.finish(&mut output).unwrap();
        output
    });
}

#[divan::bench(args = ["4111 1111 1111 1111", "AB12345678CD", "Maria Example"])]
fn round_trips(bencher: divan::Bencher<'_, '_>, value: &str) {
    let tokeniser = Tokeniser::new(keys(), "t");
    let options = TokenOptions { form: TokenForm::Auto, invalid: false, keep_first: 0 };
    bencher.counter(ItemsCount::new(1_usize)).bench(|| {
        let token = tokeniser.tokenise("T", CheckDigits::None, options, value).unwrap();
        tokeniser.untokenise("T", &token.text, token.form, token.key.as_str()).unwrap()
    });
}
