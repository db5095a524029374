//! Redaction: what is found is gone, what is reversible comes back, and chunks do not matter.

use std::cell::Cell;
use std::sync::Arc;

use castellan_base::Sources;
use castellan_classify::redact::{
    CheckDigits, Form, HoldBack, Item, Keyring, Policy, RedactError, Redactor, Session, TokenError,
    TokenForm, TokenOptions, Tokeniser,
};
use castellan_classify::{Engine, Overlap, Selection};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::agreement::{all, special};
use crate::texts::text;

fn keys() -> Arc<Keyring> {
    Arc::new(Keyring::new("k1", &secret(1)).unwrap())
}

fn secret(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first.wrapping_add(at as u8))
}

fn policy(text: &str) -> Policy {
    let mut sources = Sources::default();
    let file = sources.add("policy.yaml", text.to_owned());
    Policy::read(&sources, file).unwrap()
}

fn redactor(engine: &Engine, text: &str) -> Redactor {
    Redactor::new(engine, &policy(text), Some(keys())).unwrap()
}

/// Detectors whose evidence stands nearby.
fn bounded() -> Engine {
    let names = ["nine-digits", "subword", "token", "literal", "words", "names", "lettered", "prefixed"];
    let detectors = names.map(str::to_owned).to_vec();
    all(special()).select(&Selection { detectors, overlap: Overlap::All, ..Selection::default() }).unwrap()
}

fn product() -> Engine {
    all(crate::content::rules().0)
}

fn check(engine: &Engine, policy: &str, text: &str, expected: &str) {
    let redacted = redactor(engine, policy).redact(text, &engine.scan(text), &mut Session::new("t")).unwrap();
    assert_eq!(redacted.text, expected, "{text} by {policy}");
}

#[test]
fn operators_do_what_they_say() {
    let engine = product();
    let card = "card 4111 1111 1111 1111, again 4111 1111 1111 1111";
    check(&engine, "{}", card, "card <PAYMENT_CARD>, again <PAYMENT_CARD>");
    check(&engine, "default: { replace: numbered }", card, "card <PAYMENT_CARD_1>, again <PAYMENT_CARD_1>");
    check(&engine, "default: { replace: { text: x } }", card, "card x, again x");
    check(&engine, "default: remove", card, "card , again ");
    check(&engine, "default: keep", card, card);
    check(&engine, "types: { payment-card: { keep: true } }", card, card);
    check(&engine, "categories: { financial: keep }", card, card);
    check(
        &engine,
        "types: { payment-card: { mask: true, min_confidence: 100 } }".replace("true", "{}").as_str(),
        card,
        card,
    );
    check(
        &engine,
        "types: { PAYMENT-CARD: { mask: { keep_last: 4, character: '#' } } }\ncategories: { financial: remove }",
        card,
        "card ###############1111, again ###############1111",
    );
    check(
        &engine,
        "default: { mask: { count: 4, from_end: true } }",
        card,
        "card 4111 1111 1111 ****, again 4111 1111 1111 ****",
    );
}

#[test]
fn tokens_of_the_same_form_validate_or_do_not() {
    let engine = product();
    for (text, valid) in [("valid", true), ("invalid", false)] {
        let policy = format!("default: {{ token: {{ form: format, check: {text}, keep_first: 6 }} }}");
        let redactor = redactor(&engine, &policy);
        let mut session = Session::new("t");
        let card = "card number 4111 1111 1111 1111";
        let redacted = redactor.redact(card, &engine.scan(card), &mut session).unwrap();
        assert_eq!(redacted.text.len(), card.len());
        assert_ne!(redacted.text, card);
        assert_eq!(!engine.scan(&redacted.text).is_empty(), valid, "{}", redacted.text);
        let restored = Tokeniser::new(keys(), "t").restore(&redacted.text, &redacted.items, None);
        assert_eq!(*restored.text, card);
    }
}

#[test]
fn the_most_restrictive_operator_wins_over_all_bytes() {
    let engine = bounded();
    let text = "alpha gone 12 345 678 901 end";
    let redact = |policy: &str| {
        let redactor = redactor(&engine, policy);
        redactor.redact(text, &engine.scan(text), &mut Session::new("t")).unwrap()
    };
    // `prefixed` finds `12 345` and `678 901`, `nine-digits` what is between and the latter: a chain of three.
    for (policy, operator, expected) in [
        ("nine-digits: remove, prefixed: { mask: { keep_last: 1 } }", "remove", "alpha gone  end"),
        ("prefixed: remove, nine-digits: { mask: { keep_last: 1 } }", "remove", "alpha gone  end"),
        ("prefixed: replace, nine-digits: encrypt", "replace", "alpha gone <PREFIXED> end"),
        // None of them would show the last character of another.
        (
            "prefixed: { mask: { keep_last: 1 } }, nine-digits: { mask: { keep_last: 1 } }",
            "mask",
            "alpha gone ************** end",
        ),
        ("nine-digits: remove", "remove", "alpha gone 12  end"),
    ] {
        let redacted = redact(&format!("{{ default: keep, types: {{ {policy} }} }}"));
        assert_eq!(redacted.text, expected, "{policy}");
        assert_eq!((redacted.items.len(), redacted.items[0].operator), (1, operator));
    }
    // What only touches stays apart, and a token over several findings does not pretend to be one of them.
    let token = redact("{ default: keep, types: { prefixed: token, nine-digits: token } }");
    assert_eq!((token.items.len(), token.items[0].form), (1, Form::Fallback));
}

#[test]
fn findings_of_another_text_are_refused() {
    let engine = product();
    let text = "card 4111 1111 1111 1111";
    let findings = engine.scan(text);
    let refused = redactor(&engine, "{}").redact("card", &findings, &mut Session::new("t"));
    assert_eq!(refused.unwrap_err(), RedactError::Foreign(5, 24));
}

#[test]
fn faults_of_policies_are_told_with_their_place() {
    let check = |text: &str, expected: &str| {
        let mut sources = Sources::default();
        let file = sources.add("p.yaml", text.to_owned());
        let problems = Policy::read(&sources, file).unwrap_err();
        let told: Vec<String> = problems
            .iter()
            .map(|it| format!("{}: {}", sources.locate(it.span).unwrap(), it.message))
            .collect();
        assert!(told.iter().any(|it| it.contains(expected)), "{text}: {told:?} lacks `{expected}`");
    };
    check("default: replase", "p.yaml:1:10: there is no operator `replase`");
    check("min_confidence: 101", "p.yaml:1:17: `min_confidence` of the policy is not a whole number");
    check("[a]", "p.yaml:1:1: the policy is");
    check("types: [a]", "p.yaml:1:8: `types` is");
    check("categories: { persons: keep }", "there is no category `persons`");
    check("types: { a: { mask: { keep_last: 4, count: 3 } } }", "says twice");
    check("types: { a: { mask: { character: 'x' } } }", "neither letter nor digit");
    check("types: { a: { mask: {}, remove: true } }", "exactly one operator");
    check("types: { a: { min_confidence: 3 } }", "exactly one operator");
    check("types: { a: { hash: { bytes: 4 } } }", "from 8 to 32");
    check("types: { a: { hash: { algorithm: md5 } } }", "unknown value `md5`");
    check("types: { a: { token: { form: fpe } } }", "unknown value `fpe`");
    check("types: { a: { replace: { text: '' } } }", "is empty");
    check("types: { a: { replace: numbers } }", "no replacement `numbers`");
    check("types: { a: keep, A: keep }", "there is another");
    check("type: { a: keep }", "has no member `type`");
    check("default: {", "p.yaml:");
    let engine = product();
    let unknown = Redactor::new(&engine, &policy("types: { no-such: keep }"), None).unwrap_err();
    assert_eq!(unknown[0].message, "there is no detector `no-such`");
    let keyless = Redactor::new(&engine, &policy("default: hash"), None).unwrap_err();
    assert_eq!(keyless[0].message, "`hash` needs a key");
    let json = policy(r#"{"default": {"mask": {"keep_last": 4}}}"#).default.operator;
    assert_eq!(json, policy("default: { mask: { keep_last: 4 } }").default.operator);
}

const FINAL: [&str; 8] = [
    "default: replace",
    "default: { replace: numbered }",
    "default: mask",
    "default: hash",
    "default: { hash: { algorithm: hmac-sha256, bytes: 32 } }",
    "default: encrypt",
    "default: { token: { form: sealed } }",
    "default: { replace: { text: '[gone]' } }",
];

/// Texts of the examples of all detectors, in any order.
fn examples(engine: &Engine) -> impl Strategy<Value = String> + use<> {
    let texts: Vec<String> =
        engine.rules().detectors.iter().flat_map(|it| &it.examples).map(|it| it.text.to_string()).collect();
    (
        prop::collection::vec(prop::sample::select(texts), 1..6),
        prop::sample::select(vec![" ", "\n", ", ", ". "]),
    )
        .prop_map(|(parts, between)| parts.join(between))
}

fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let tested = TestRunner::new(config).run(strategy, |value| {
        test(value);
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn nothing_is_found_where_something_was() {
    let engine = product();
    let redactors = FINAL.map(|policy| redactor(&engine, policy));
    let total = Cell::new(0);
    run(60, &examples(&engine), |text| {
        for (redactor, policy) in redactors.iter().zip(FINAL) {
            let redacted = redactor.redact(&text, &engine.scan(&text), &mut Session::new("t")).unwrap();
            total.set(total.get() + redacted.items.len());
            for left in engine.scan(&redacted.text) {
                // A new text has other distances, and names of types are keywords: what was no finding can become one.
                // No replacement may, and nothing that was one is left.
                let touched = redacted
                    .items
                    .iter()
                    .find(|it| it.start < left.range().end && left.range().start < it.end);
                let found = &redacted.text[left.range()];
                assert!(touched.is_none(), "{found} in {:?} by {policy}, of {text:?}", redacted.text);
            }
        }
    });
    assert!(total.get() > 300, "only {}", total.get());
}

#[test]
fn nothing_is_left_of_any_example() {
    let engine = product();
    for policy in FINAL {
        let redactor = redactor(&engine, policy);
        for example in engine.rules().detectors.iter().flat_map(|it| &it.examples) {
            let findings = engine.scan(&example.text);
            let redacted = redactor.redact(&example.text, &findings, &mut Session::new("t")).unwrap();
            let left = engine.scan(&redacted.text);
            assert!(left.is_empty(), "{} of {} by {policy}", redacted.text, example.text);
        }
    }
}

#[test]
fn items_say_what_stands_where() {
    let engine = product();
    let redactors = FINAL.map(|policy| redactor(&engine, policy));
    run(30, &examples(&engine), |text| {
        for redactor in &redactors {
            let redacted = redactor.redact(&text, &engine.scan(&text), &mut Session::new("t")).unwrap();
            let (mut old, mut new) = (0, 0);
            for item in &redacted.items {
                assert_eq!(text[old..item.original.start], redacted.text[new..item.start]);
                (old, new) = (item.original.end, item.end);
            }
            assert_eq!(text[old..], redacted.text[new..]);
        }
    });
}

#[test]
fn tokens_of_whole_texts_come_back() {
    let engine = product();
    let policies = ["default: token", "default: { token: { form: format } }", "default: encrypt"];
    let redactors = policies.map(|policy| redactor(&engine, policy));
    let tokeniser = Tokeniser::new(keys(), "t");
    let total = Cell::new(0);
    run(60, &examples(&engine), |text| {
        for redactor in &redactors {
            let redacted = redactor.redact(&text, &engine.scan(&text), &mut Session::new("t")).unwrap();
            let restored = tokeniser.restore(&redacted.text, &redacted.items, Some("somebody"));
            assert_eq!(*restored.text, text);
            assert_eq!(restored.refused, []);
            assert_eq!(restored.audit.values, redacted.items.len() as u64);
            total.set(total.get() + redacted.items.len());
        }
    });
    assert!(total.get() > 100, "only {}", total.get());
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{0,20}", "[A-Z]{2}[0-9]{4,12}[a-z -]{0,9}", "\\PC{0,40}", "[A-Za-z0-9]{5,140}"]
}

/// The same text with every letter and digit as its kind.
fn shape(text: &str) -> String {
    let kind = |character: char| match character {
        '0'..='9' => '0',
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        other => other,
    };
    text.chars().map(kind).collect()
}

#[test]
fn every_value_comes_back_and_keeps_its_form() {
    let tokeniser = Tokeniser::new(keys(), "t");
    let formatted = Cell::new(0);
    let forms = prop::sample::select(vec![TokenForm::Auto, TokenForm::Format, TokenForm::Sealed]);
    run(600, &(any_value(), forms, 0..9_u8), |(value, form, keep_first)| {
        let options = TokenOptions { form, invalid: false, keep_first };
        let token = tokeniser.tokenise("T", CheckDigits::None, options, &value).unwrap();
        assert_eq!(token, tokeniser.tokenise("T", CheckDigits::None, options, &value).unwrap());
        if let Form::Format(_) = token.form {
            formatted.set(formatted.get() + 1);
            assert_eq!(shape(&token.text), shape(&value));
        }
        let back = tokeniser.untokenise("T", &token.text, token.form, "k1").unwrap();
        assert_eq!(*back, value);
    });
    assert!(formatted.get() > 100, "only {}", formatted.get());
}

#[test]
fn keys_types_and_scopes_make_a_difference() {
    let other_secret = Arc::new(Keyring::new("k1", &secret(2)).unwrap());
    let mut rotated = Keyring::new("k1", &secret(1)).unwrap();
    rotated.rotate("k2", &secret(3)).unwrap();
    let rotated = Tokeniser::new(Arc::new(rotated), "t");
    let first = Tokeniser::new(keys(), "t");
    for form in [TokenForm::Format, TokenForm::Sealed] {
        let options = TokenOptions { form, invalid: false, keep_first: 0 };
        let make = |tokeniser: &Tokeniser, kind| {
            tokeniser.tokenise(kind, CheckDigits::None, options, "123456789012").unwrap()
        };
        let token = make(&first, "T");
        let scope = Tokeniser::new(keys(), "u");
        let strangers = [(&scope, "T"), (&first, "U"), (&Tokeniser::new(other_secret.clone(), "t"), "T")];
        for (stranger, kind) in strangers {
            assert_ne!(make(stranger, kind).text, token.text);
            // Sealed tokens are refused; the others give another value.
            let wrong = stranger.untokenise(kind, &token.text, token.form, "k1");
            assert!(
                wrong.is_ok_and(|value| form == TokenForm::Format && *value != "123456789012")
                    || form == TokenForm::Sealed
            );
        }
        let newer = make(&rotated, "T");
        assert_eq!(newer.key.as_str(), "k2");
        assert_ne!(newer.text, token.text);
        for token in [&token, &newer] {
            let value = rotated.untokenise("T", &token.text, token.form, token.key.as_str()).unwrap();
            assert_eq!(*value, "123456789012");
        }
        assert!(first.untokenise("T", &newer.text, newer.form, "k2").is_err());
    }
    let kind = first.tokenise(
        "a:b",
        CheckDigits::None,
        TokenOptions { form: TokenForm::Auto, invalid: false, keep_first: 0 },
        "x",
    );
    assert_eq!(kind.unwrap_err(), TokenError::Kind("a:b".into()));
}

#[test]
fn restoring_refuses_what_was_tampered_with_and_leaves_it() {
    let tokeniser = Tokeniser::new(keys(), "t");
    let options = TokenOptions { form: TokenForm::Sealed, invalid: false, keep_first: 0 };
    let token = tokeniser.tokenise("PERSON", CheckDigits::None, options, "Ren\u{e9}").unwrap().text;
    let text = format!("{token} {} [[tok:v1:PERSON:k9:AAAA]]", token.replace("PERSON", "PERSONS"));
    let restored = tokeniser.restore(&text, &[], Some("ann"));
    assert_eq!(*restored.text, text.replacen(&token, "Ren\u{e9}", 1));
    assert_eq!(restored.refused.len(), 2);
    assert_eq!((restored.audit.values, restored.audit.refused), (1, 2));
    assert_eq!(
        restored.audit.keys.iter().map(|(key, count)| (key.as_str(), *count)).collect::<Vec<_>>(),
        [("k1", 1)]
    );
    // Items of another text are told and change nothing.
    let format = Form::Format(castellan_classify::redact::Format::default());
    let item = Item {
        operator: "token",
        kind: "T".into(),
        start: 5,
        end: 900,
        original: 0..1,
        form: format,
        key: None,
    };
    let keyed = Item { key: Some(restored.audit.keys.keys().next().unwrap().clone()), ..item };
    assert_eq!(*tokeniser.restore("short", &[keyed.clone(), keyed], None).text, "short");
}

fn streamed(redactor: &Redactor, hold: HoldBack, text: &[u8], sizes: &[usize]) -> (Vec<u8>, Vec<Item>, u64) {
    let mut stream = redactor.stream(Session::new("t"), hold).unwrap();
    let mut output = b"before".to_vec();
    let mut items = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, others) = rest.split_at((*size).clamp(1, rest.len()));
        stream.push(chunk, &mut output).unwrap();
        items.extend(stream.take_items());
        rest = others;
    }
    let end = stream.finish(&mut output).unwrap();
    assert_eq!(end.bytes, text.len());
    items.extend(end.items);
    (output.split_off(6), items, end.late)
}

fn long_text() -> impl Strategy<Value = String> {
    (prop::collection::vec(text(40), 1..30), 1..40_usize).prop_map(|(parts, times)| {
        let unit = parts.join(" ");
        unit.repeat(times.min(60_000 / unit.len().max(1)).max(1))
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..10_usize, 1..900_usize, 1..60_000_usize], 1..8)
}

const MIXED: &str = "{ default: { replace: numbered }, types: { token: { mask: { keep_last: 4 } }, literal: encrypt }, \
                     categories: { custom: { token: { form: format } } } }";

#[test]
fn an_exact_stream_gives_what_the_whole_text_gives() {
    let engine = bounded();
    let redactor = redactor(&engine, MIXED);
    let total = Cell::new(0);
    run(60, &(long_text(), sizes()), |(text, sizes)| {
        let whole = redactor.redact(&text, &engine.scan(&text), &mut Session::new("t")).unwrap();
        let (output, items, late) = streamed(&redactor, HoldBack::Exact, text.as_bytes(), &sizes);
        assert!(output == whole.text.as_bytes(), "{} and {} bytes", output.len(), whole.text.len());
        assert!(items == whole.items);
        assert_eq!(late, 0);
        total.set(total.get() + items.len());
    });
    assert!(total.get() > 1_000, "only {}", total.get());
}

#[test]
fn an_early_stream_does_not_depend_on_cuts() {
    let engine = all(special());
    let redactor = redactor(&engine, MIXED);
    let total = Cell::new(0);
    run(25, &(long_text(), sizes(), 0..600_usize), |(mut text, sizes, hold)| {
        text.truncate((0..=12_000.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap());
        let hold = HoldBack::Early(hold);
        let whole = streamed(&redactor, hold, text.as_bytes(), &[usize::MAX]);
        let cut = streamed(&redactor, hold, text.as_bytes(), &sizes);
        assert!(whole == cut);
        total.set(total.get() + cut.1.len());
    });
    assert!(total.get() > 200, "only {}", total.get());
}

#[test]
fn an_early_stream_passes_in_time_and_tells_what_came_late() {
    let engine = all(special())
        .select(&Selection { detectors: vec!["nine-digits".into()], ..Selection::default() })
        .unwrap();
    let redactor = redactor(&engine, "{}");
    let filler = "x ".repeat(400);
    let text = format!("{filler}alpha 123456789 {filler}");
    for hold in [0, 40, 256] {
        let mut stream = redactor.stream(Session::new("t"), HoldBack::Early(hold)).unwrap();
        let mut output = Vec::new();
        for (at, byte) in text.as_bytes().iter().enumerate() {
            stream.push(&[*byte], &mut output).unwrap();
            // Findings are shorter than the longest match, 11 bytes here.
            assert!(output.len() + hold + 64.max(hold / 4) + 11 >= at, "{} of {at}", output.len());
        }
        stream.finish(&mut output).unwrap();
    }
    let (output, _, late) = streamed(&redactor, HoldBack::Early(40), text.as_bytes(), &[7]);
    assert_eq!((String::from_utf8(output).unwrap(), late), (text.replace("123456789", "<NINE_DIGITS>"), 0));
    // The evidence comes when the number has passed: with nothing held back, at some place it does.
    let late = (0..64).map(|at| {
        let text = format!("{}123456789 alpha {filler}", &filler[..2 * at]);
        streamed(&redactor, HoldBack::Early(0), text.as_bytes(), &[7]).2
    });
    assert!(late.sum::<u64>() > 0);
}

#[test]
fn an_exact_stream_is_refused_where_it_would_hold_everything() {
    let engine = all(special());
    assert!(redactor(&engine, "{}").stream(Session::new("t"), HoldBack::Exact).is_err());
    assert_eq!(engine.hold_back(), None);
    assert!(bounded().hold_back().is_some_and(|bytes| bytes < 4_096), "{:?}", bounded().hold_back());
}

#[test]
fn any_bytes_are_streamed() {
    let redactor = redactor(&bounded(), MIXED);
    run(150, &(prop::collection::vec(any::<u8>(), 0..900), 1..40_usize), |(bytes, cut)| {
        for hold in [HoldBack::Exact, HoldBack::Early(32)] {
            let whole = streamed(&redactor, hold, &bytes, &[usize::MAX]);
            assert!(whole == streamed(&redactor, hold, &bytes, &[cut]));
        }
    });
}

#[test]
fn any_text_is_restored() {
    let tokeniser = Tokeniser::new(keys(), "t");
    let options = TokenOptions { form: TokenForm::Sealed, invalid: false, keep_first: 0 };
    let token = tokeniser.tokenise("A", CheckDigits::None, options, "v").unwrap().text;
    let pieces =
        ["[[", "tok:v1:", "enc:v1:", "A:", "k1:", "AAAA", "]]", "\u{e9}", "[", &token].map(str::to_owned);
    run(300, &prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..20), |pieces| {
        let text = pieces.concat();
        let restored = tokeniser.restore(&text, &[], None);
        // What is opened is what was made here, and everything else stays.
        assert_eq!(*restored.text, text.replace(&token, "v"));
        assert_eq!(restored.audit.values as usize, text.matches(&token).count());
    });
}

#[test]
fn any_policy_is_read_or_refused() {
    let words = [
        "default",
        "types",
        ": ",
        "{ ",
        " }",
        "mask",
        "keep_last",
        "4",
        "hash",
        "\n",
        ", ",
        "- ",
        "a",
        "\u{e9}",
    ];
    run(300, &prop::collection::vec(prop::sample::select(words.to_vec()), 0..25), |words| {
        let mut sources = Sources::default();
        let file = sources.add("p.yaml", words.concat());
        if let Err(problems) = Policy::read(&sources, file) {
            assert!(!problems.is_empty());
        }
    });
}
