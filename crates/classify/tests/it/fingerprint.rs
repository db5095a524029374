//! Fingerprints of generated documents.

use castellan_classify::exact::{Key, OpenError};
use castellan_classify::fingerprint::{Builder, Built, Comparison, Index, Membership, Thresholds};
use proptest::prelude::*;

const FIXTURE: &[u8] = include_bytes!("../fixtures/fingerprint-1.bin");

fn key() -> Key {
    Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

/// Words drawn as from a language: few often, many seldom.
fn words(seed: u64, count: usize) -> Vec<String> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut word = || 2000 / (next() % 2000 + 1) + next() % 60;
    (0..count).map(|_| format!("word{}", word())).collect()
}

fn document(seed: u64) -> String {
    words(seed, 1000).chunks(50).map(|paragraph| paragraph.join(" ") + ".").collect::<Vec<_>>().join("\n\n")
}

fn build(seeds: std::ops::Range<u64>) -> Built {
    let mut builder = Builder::new(&key(), *b"salt of the test");
    seeds.for_each(|seed| builder.add(&format!("document {seed}"), &document(seed)).unwrap());
    builder.finish().unwrap()
}

fn compare(text: &str) -> (Comparison, Vec<(String, f64, f64, u64)>) {
    let index = Index::open(build(0..20).bytes, &key()).unwrap();
    let comparison = index.compare(text, &Thresholds::default());
    let told = comparison.documents.iter().map(|similar| {
        let longest = similar.passages.first().map_or(0, |passage| passage.words);
        (index.name(similar.document).unwrap().to_owned(), similar.of_text, similar.of_document, longest)
    });
    let told = told.collect();
    (comparison, told)
}

/// Compares, and expects one document, number 7, with shares in these ranges.
fn check(
    text: &str,
    of_text: std::ops::RangeInclusive<f64>,
    of_document: std::ops::RangeInclusive<f64>,
) -> u64 {
    let (_, told) = compare(text);
    assert_eq!(told.len(), 1, "{told:?}");
    let (name, text_share, document_share, longest) = &told[0];
    assert_eq!(name, "document 7");
    assert!(of_text.contains(text_share), "{told:?}");
    assert!(of_document.contains(document_share), "{told:?}");
    *longest
}

#[test]
fn a_whole_document() {
    let longest = check(&document(7), 1.0..=1.0, 1.0..=1.0);
    assert!(longest >= 980, "{longest}");
    let (comparison, _) = compare(&document(7));
    assert!(matches!(comparison.membership(), Membership::Whole(_)));
    assert_eq!(comparison.words, 1000);
    // Neither case nor punctuation nor line breaks matter.
    let loud = document(7).to_uppercase().replace(' ', ",\r\n");
    assert!(matches!(compare(&loud).0.membership(), Membership::Whole(_)));
}

#[test]
fn half_a_document() {
    let all = words(7, 1000);
    let longest = check(&all[300..800].join(" "), 1.0..=1.0, 0.42..=0.58);
    assert!(longest >= 480, "{longest}");
    assert!(matches!(compare(&all[300..800].join(" ")).0.membership(), Membership::Contained(_)));
}

#[test]
fn a_document_within_another_text() {
    let around = words(1007, 500).join(" ");
    let text = format!("{around} {} {around}", document(7));
    let longest = check(&text, 0.45..=0.55, 1.0..=1.0);
    assert!(longest >= 980, "{longest}");
    assert!(matches!(compare(&text).0.membership(), Membership::Partly(_)));
}

#[test]
fn shuffled_paragraphs() {
    let text = document(7);
    let mut paragraphs: Vec<&str> = text.split("\n\n").collect();
    paragraphs.reverse();
    // A paragraph of 50 words keeps 45 of its 50 shingles.
    let longest = check(&paragraphs.join("\n\n"), 0.8..=0.98, 0.8..=0.98);
    assert!((40..=50).contains(&longest), "{longest}");
}

#[test]
fn changed_words() {
    let change = |every: usize| {
        let mut all = words(7, 1000);
        all.iter_mut().step_by(every).for_each(|word| word.insert(0, 'x'));
        all.join(" ")
    };
    // One word in thirty changes six shingles in thirty.
    check(&change(30), 0.65..=0.9, 0.65..=0.9);
    let (comparison, told) = compare(&change(6));
    assert_eq!((told.len(), comparison.membership()), (0, Membership::NotFound));
}

#[test]
fn unrelated_texts() {
    for seed in 1000..1030 {
        let (comparison, told) = compare(&document(seed));
        assert_eq!((told.len(), comparison.membership()), (0, Membership::NotFound), "{seed}: {told:?}");
    }
}

#[test]
fn short_and_empty_texts() {
    assert_eq!(compare("").0.membership(), Membership::TooShort);
    assert_eq!(compare(&words(7, 10).join(" ")).0.membership(), Membership::TooShort);
    let mut builder = Builder::new(&key(), [0; 16]);
    builder.add("short", "only three words").unwrap();
    builder.add("empty", "").unwrap();
    let built = builder.finish().unwrap();
    assert_eq!((built.documents, built.marks, built.without_marks.len()), (2, 0, 2));
    let index = Index::open(built.bytes, &key()).unwrap();
    let comparison = index.compare("Only three -- words", &Thresholds::default());
    let Membership::Whole(document) = comparison.membership() else { panic!("{comparison:?}") };
    assert_eq!((index.name(document), index.words(document)), (Some("short"), Some(3)));
    assert_eq!(index.compare("", &Thresholds::default()).membership(), Membership::TooShort);
    assert!(builder_refuses_long_names());
}

fn builder_refuses_long_names() -> bool {
    Builder::new(&key(), [0; 16]).add(&"n".repeat(1025), "").is_err()
}

#[test]
fn what_is_common_is_left_out() {
    let letterhead = words(99, 40).join(" ");
    let mut builder = Builder::new(&key(), [1; 16]);
    for seed in 0..70 {
        builder.add(&seed.to_string(), &format!("{letterhead} {}", words(seed, 100).join(" "))).unwrap();
    }
    let built = builder.finish().unwrap();
    assert!(built.common_marks > 70 * 5, "{}", built.common_marks);
    let index = Index::open(built.bytes, &key()).unwrap();
    assert!(index.compare(&letterhead, &Thresholds::default()).documents.is_empty());
    let text = words(5, 100).join(" ");
    assert_eq!(index.name(index.compare(&text, &Thresholds::default()).documents[0].document), Some("5"));
}

#[test]
fn a_fixture_of_version_1_is_read() {
    let built = build(0..3);
    if std::env::var_os("CASTELLAN_WRITE_FIXTURES").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fingerprint-1.bin"),
            &built.bytes,
        )
        .unwrap();
    }
    let index = Index::open(FIXTURE, &key()).unwrap();
    let comparison = index.compare(&document(2), &Thresholds::default());
    let Membership::Whole(document) = comparison.membership() else { panic!("{comparison:?}") };
    assert_eq!(index.name(document), Some("document 2"));
    assert_eq!(FIXTURE, built.bytes, "the format has changed: give it a new version");
}

#[test]
fn another_key_is_told_apart() {
    let other = Key::new(b"0123456789abcdef0123456789abcdeg").unwrap();
    assert_eq!(Index::open(FIXTURE, &other).err(), Some(OpenError::WrongKey));
    assert_eq!(Index::open(&b"something else"[..], &key()).err(), Some(OpenError::NotAnIndex));
    let holds = |part: &[u8]| FIXTURE.windows(part.len()).any(|window| window == part);
    assert!(holds(b"document 2") && !holds(b"word"));
}

/// Runs of words, each given by where it begins and ends.
fn places(text: &str) -> Vec<(usize, usize)> {
    let start_of = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|word| (start_of(word), start_of(word) + word.len())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn eleven_words_in_a_row_are_found(from in 0_usize..980, length in 11_usize..20, before in 0_usize..30, after in 0_usize..30) {
        let index = Index::open(FIXTURE, &key()).unwrap();
        let shared = words(1, 1000)[from..from + length].join(" ");
        let text = format!("{} {shared} {}", words(500, before).join(" "), words(600, after).join(" "));
        let thresholds = Thresholds { words: 6, ..Thresholds::default() };
        let comparison = index.compare(&text, &thresholds);
        let found = comparison.documents.iter().any(|similar| index.name(similar.document) == Some("document 1"));
        prop_assert!(found, "{comparison:?}");
    }

    #[test]
    fn passages_are_in_both(cuts in proptest::collection::vec((0_usize..900, 1_usize..100), 1..6)) {
        let index = Index::open(FIXTURE, &key()).unwrap();
        let all = words(1, 1000);
        let text = cuts.iter().map(|(from, length)| all[*from..from + length].join(" ")).collect::<Vec<_>>().join(" / ");
        let places = places(&text);
        let comparison = index.compare(&text, &Thresholds { words: 6, ..Thresholds::default() });
        for similar in comparison.documents.iter().filter(|similar| index.name(similar.document) == Some("document 1")) {
            for passage in &similar.passages {
                let inside = |place: &&(usize, usize)| place.0 as u64 >= passage.span.start && place.1 as u64 <= passage.span.end;
                let said: Vec<&str> = places.iter().filter(inside).map(|place| &text[place.0..place.1]).filter(|word| *word != "/").collect();
                let from = usize::try_from(passage.document_word).unwrap();
                prop_assert_eq!(said.len() as u64, passage.words);
                prop_assert_eq!(said, all[from..from + passage.words as usize].to_vec());
            }
        }
    }

    #[test]
    fn chunks_do_not_matter(seed in 0_u64..6, cuts in proptest::collection::vec(1_usize..200, 1..50)) {
        let text = document(seed).replace("word1", "w\u{f6}rd\u{301}").replace("word2", "\u{5c71}\u{7530}");
        let mut builder = Builder::new(&key(), [2; 16]);
        let mut matched = Vec::new();
        builder.add("whole", &text).unwrap();
        let mut document = builder.begin("cut").unwrap();
        let whole = Index::open(FIXTURE, &key()).unwrap();
        let mut matcher = whole.matcher();
        let mut rest = text.as_str();
        for cut in cuts {
            let (chunk, left) = rest.split_at(rest.floor_char_boundary(cut.min(rest.len())));
            document.push(chunk);
            matcher.push(chunk);
            rest = left;
        }
        document.push(rest);
        matcher.push(rest);
        document.finish().unwrap();
        matched.push(matcher.finish(&Thresholds::default()));
        matched.push(whole.compare(&text, &Thresholds::default()));
        prop_assert_eq!(&matched[0], &matched[1]);
        let index = Index::open(builder.finish().unwrap().bytes, &key()).unwrap();
        let comparison = index.compare(&text, &Thresholds::default());
        prop_assert_eq!(comparison.documents.iter().filter(|similar| similar.of_document == 1.0).count(), 2);
    }

    #[test]
    fn any_change_is_refused(at in 0_usize..FIXTURE.len(), bit in 0_u8..8) {
        let mut bytes = FIXTURE.to_vec();
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(Index::open(bytes, &key()).is_err());
        prop_assert!(Index::open(&FIXTURE[..at], &key()).is_err());
    }
}
