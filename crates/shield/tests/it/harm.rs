//! Harm is seen wherever it stands in a text.

use std::sync::OnceLock;

use castellan_shield::Shield;
use castellan_shield::harm::Harms;
use castellan_shield::train::corpus::is_held_out;
use proptest::prelude::*;
use serde::Deserialize;

/// The most that harmless sentences around a harm lower its severity, of 7, with up to [`MOST_AROUND`] sentences on each
/// side.
const MOST_LOST: u8 = 2;
const MOST_AROUND: usize = 40;

/// Sentences in which nothing is harmful.
const HARMLESS: [&str; 12] = [
    "Install the package with the default options.",
    "Then restart the service and check the log.",
    "The invoice for May is attached, and payment is due within thirty days.",
    "Our office is closed on Monday because of the holiday.",
    "The function returns the number of rows that were written.",
    "Please bring two copies of the signed form to the appointment.",
    "Heat the oven and mix the flour with the butter.",
    "The train to the coast leaves at ten past eight.",
    "Each column has a name and a type.",
    "She planted tomatoes and beans along the wall.",
    "The default time-out is thirty seconds.",
    "Let me know whether the new date suits you.",
];

#[derive(Deserialize)]
struct Case {
    text: String,
    hate: Option<u8>,
    sexual: Option<u8>,
    violence: Option<u8>,
    self_harm: Option<u8>,
    group: String,
}

impl Case {
    fn grades(&self) -> [u8; 4] {
        [self.hate, self.sexual, self.violence, self.self_harm].map(Option::unwrap_or_default)
    }
}

fn shield() -> &'static Shield {
    static SHIELD: OnceLock<Shield> = OnceLock::new();
    SHIELD.get_or_init(|| Shield::builtin().unwrap())
}

/// The graded cases of our own.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/shield/cases/harm");
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let texts = paths.iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts
            .flat_map(|text| {
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Case>>()
            })
            .collect()
    })
}

fn severities(harms: &Harms) -> [u8; 4] {
    harms.all().map(|harm| harm.severity)
}

/// A text with a mark at its end, as it is written between others.
fn closed(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '\u{3002}', '\u{ff1f}', '\u{ff01}']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

fn around(count: usize, first: usize) -> String {
    let sentences = HARMLESS.iter().cycle().skip(first).take(count);
    sentences.map(|sentence| format!("{sentence} ")).collect()
}

#[test]
fn a_threat_between_technical_sentences_is_a_threat() {
    let threat = "I will kill you and your whole family tonight.";
    let alone = shield().harm(threat);
    let between = shield().harm(&format!(
        "Install the package with the default options. {threat} Then restart the service and check the log."
    ));
    assert!(alone.violence.severity >= 4, "{alone:?}");
    assert!(between.violence.severity >= 4, "{between:?}");
    let without = shield()
        .harm("Install the package with the default options. Then restart the service and check the log.");
    assert!(without.any() < 0.2, "{without:?}");
}

#[test]
fn harmless_sentences_alone_are_harmless_at_any_length() {
    for count in [1, 2, 5, 20, 80, 400] {
        let harms = shield().harm(&around(count, 0));
        assert!(severities(&harms).iter().all(|severity| *severity < 2), "{count}: {harms:?}");
    }
}

#[test]
fn no_case_is_hidden_by_a_document() {
    let mut seen = 0;
    for case in cases() {
        let text = closed(&case.text);
        let alone = severities(&shield().harm(&text));
        for count in [1, 6, MOST_AROUND] {
            let whole = format!("{}{text} {}", around(count, 0), around(count, 5));
            let between = severities(&shield().harm(&whole));
            for (alone, between) in alone.iter().zip(between) {
                assert!(between + MOST_LOST >= *alone, "{alone} {between} with {count}: {text}");
            }
        }
        seen += usize::from(alone.iter().any(|severity| *severity >= 2));
    }
    assert!(seen > 600, "hardly any case is harmful by itself: {seen}");
}

/// Of the cases that training never saw and that are found by themselves, most are found between harmless sentences too.
#[test]
fn unseen_harm_is_found_between_harmless_sentences() {
    let (mut alone, mut between) = (0, 0);
    for case in cases().iter().filter(|case| is_held_out(&case.group)) {
        let Some((harm, _)) = case.grades().into_iter().enumerate().find(|(_, grade)| *grade >= 3) else {
            continue;
        };
        let text = closed(&case.text);
        let found = |text: &str| shield().harm(text).all()[harm].probability >= 0.5;
        if found(&text) {
            alone += 1;
            between += usize::from(found(&format!("{}{text} {}", around(10, 3), around(10, 7))));
        }
    }
    println!("{between} of {alone} are still found");
    assert!(alone >= 20 && between * 2 > alone, "{between} of {alone}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn harmless_sentences_lower_severity_by_no_more_than_a_bound(
        index in any::<prop::sample::Index>(), before in 0..=MOST_AROUND, after in 0..=MOST_AROUND, first in 0_usize..12,
    ) {
        let text = closed(&index.get(cases()).text);
        let alone = severities(&shield().harm(&text));
        let whole = format!("{}{text} {}", around(before, first), around(after, first + 5));
        for (alone, between) in alone.iter().zip(severities(&shield().harm(&whole))) {
            prop_assert!(between + MOST_LOST >= *alone, "{} {}: {}", alone, between, whole);
        }
    }
}
