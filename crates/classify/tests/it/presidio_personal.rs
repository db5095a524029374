//! Cases of Presidio's own tests for personal data without check digits: the same spans, apart from those listed.

use std::collections::BTreeSet;

use castellan_classify::{Engine, Selection};

const TYPES: [&str; 9] = [
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "IP_ADDRESS",
    "URL",
    "DATE_TIME",
    "CRYPTO",
    "MAC_ADDRESS",
    "PERSON",
    "LOCATION",
];

/// Cases that are answered otherwise here, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("presidio-0950", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-0951", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-0953", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-0979", "IPv4-compatible addresses are deprecated (RFC 4291); the IPv4 address in it is found"),
    ("presidio-1017", "five numbers are an object identifier or a version"),
    ("presidio-1024", "a prefix of a malformed address; only the whole tells that it is none"),
    ("presidio-1025", "a prefix of a malformed address; only the whole tells that it is none"),
    ("presidio-1029", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-1030", "the address of everybody tells nothing about a person"),
    ("presidio-1036", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-1040", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-1043", "the address is found without the length of the prefix"),
    ("presidio-1045", "the address is found without the name of the interface"),
    ("presidio-1047", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-1048", "an address of the machine itself or of nobody tells nothing about a person"),
    ("presidio-1052", "the address is found without the length of the prefix"),
    ("presidio-1054", "the address is found without the length of the prefix"),
    ("presidio-1272", "the country code lacks its `+`, and the case asks for the lowest leniency"),
    ("presidio-1273", "the case asks for a leniency that refuses an unusual grouping"),
    ("presidio-1504", "the word `year` is context, not a part of the year"),
    ("presidio-1620", "the quotes are no part of the address"),
];

/// The spans of one type, in characters, at any confidence.
fn spans(engine: &Engine, kind: &str, text: &str) -> Vec<(usize, usize)> {
    let findings = engine.scan(text).into_iter();
    let of_kind = findings.filter(|finding| {
        engine.detector(finding).is_some_and(|detector| detector.presidio.as_deref() == Some(kind))
    });
    let mut all: Vec<_> =
        of_kind.map(|it| (it.start.character as usize, it.end.character as usize)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn engine_of(engine: &Engine, kind: &str) -> Engine {
    let of_kind = engine.rules().detectors.iter().filter(|it| it.presidio.as_deref() == Some(kind));
    let detectors = of_kind.map(|it| it.id.to_string()).collect();
    engine.select(&Selection { detectors, ..Selection::default() }).unwrap()
}

#[test]
fn agrees_with_the_cases() {
    let Some(folder) = crate::synthetic::corpora() else {
        eprintln!("skipped: no corpora; set CASTELLAN_CORPORA");
        return;
    };
    let (engine, _) = crate::content::engine();
    let text = std::fs::read_to_string(folder.join("pii/presidio_cases.jsonl")).unwrap();
    let exceptions: BTreeSet<&str> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    let engines: Vec<_> = TYPES.iter().map(|kind| (*kind, engine_of(&engine, kind))).collect();
    let (mut right, mut cases) = (0, 0);
    let (mut wrong, mut stale) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some((kind, engine)) = engines.iter().find(|(kind, _)| case["entity"] == *kind) else { continue };
        let (id, body) = (case["id"].as_str().unwrap(), case["text"].as_str().unwrap());
        let found = spans(engine, kind, body);
        let expected = case["expected_len"].as_u64().unwrap() as usize;
        let same = match case["spans"].as_array().filter(|spans| spans.len() == expected) {
            Some(spans) => {
                let at = |span: &serde_json::Value, place: usize| span[place].as_u64().unwrap() as usize;
                spans.iter().map(|span| (at(span, 0), at(span, 1))).collect::<Vec<_>>() == found
            }
            None => found.len() == expected,
        };
        cases += 1;
        match (same, exceptions.contains(id)) {
            (true, true) => stale.push(id.to_owned()),
            (true, false) => right += 1,
            (false, true) => {}
            (false, false) => {
                wrong.push(format!("{id} {kind} {body:?} gave {found:?}, not {}", case["spans"]))
            }
        }
    }
    println!("{right} of {cases} cases are answered alike");
    assert!(cases > 120, "only {cases} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(stale.is_empty(), "answered alike by now, take them from the list: {stale:?}");
}
