//! Categories of one's own, as files and on real texts; incidents.

use castellan_shield::harm::{Examples, Incident, NamedCategory, is_name};
use proptest::prelude::*;
use serde_json::Value;

use crate::corpus;

fn trained() -> NamedCategory {
    let mut examples = Examples::default();
    for number in 0..20 {
        examples.add(format!("please refund order {number}"), true);
        examples.add(format!("the weather on day {number}"), false);
    }
    NamedCategory::train("refunds", "asks for money", &examples).unwrap()
}

#[test]
fn a_file_holds_the_category() {
    let category = trained();
    let bytes = category.to_bytes().unwrap();
    assert_eq!(NamedCategory::from_bytes(&bytes).unwrap(), category);
    assert_eq!(trained().to_bytes().unwrap(), bytes, "training is reproducible to the bit");
}

#[test]
fn damaged_files_are_refused() {
    let bytes = trained().to_bytes().unwrap();
    for place in (0..bytes.len()).step_by(97).chain(0..64) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(NamedCategory::from_bytes(&damaged).is_err(), "byte {place}");
        assert!(NamedCategory::from_bytes(&bytes[..place]).is_err(), "cut at {place}");
    }
}

#[test]
fn names_and_examples_are_checked() {
    for name in ["a", "refunds-2", "A1"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "-a", "a-", "a b", "a/b", &"a".repeat(65)] {
        assert!(!is_name(name), "{name}");
    }
    let told = |lines: &str| Examples::read(lines).unwrap_err().to_string();
    assert!(told("{\"text\":\"a\",\"isPositive\":true}\n\n{\"text\":3}").starts_with("line 3: "));
    assert!(told("{\"text\":\" \",\"isPositive\":true}").contains("`text` is empty"));
    let few = Examples { positive: vec!["a".to_owned()], negative: Vec::new() };
    assert!(NamedCategory::train("a", "", &few).is_err());
}

/// Texts of a harm and texts without any, of the corpus that the harm model is trained on.
fn rows() -> Option<(Vec<String>, Vec<String>)> {
    let lines = corpus("shield/harm_train.jsonl")?;
    let (mut harmful, mut harmless) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = row["text"].as_str().unwrap_or_default().to_owned();
        if !(20..400).contains(&text.len()) {
            continue;
        }
        let labels = ["hate", "sexual", "violence", "self_harm"].map(|harm| row[harm].as_u64());
        if labels.contains(&Some(1)) {
            harmful.push(text);
        } else if labels == [Some(0); 4] {
            harmless.push(text);
        }
    }
    Some((harmful, harmless))
}

/// A text with every fifth word left out.
fn shortened(text: &str) -> String {
    let words = text.split_whitespace().enumerate().filter(|(place, _)| place % 5 != 4);
    words.map(|(_, word)| word).collect::<Vec<&str>>().join(" ")
}

#[test]
fn incidents_find_their_samples_changed_and_little_else() {
    let Some((mut harmful, harmless)) = rows() else { return };
    harmful.truncate(100);
    assert!(harmful.len() == 100 && harmless.len() > 1_000, "{} {}", harmful.len(), harmless.len());
    let incident = Incident::new(&harmful);
    let found = harmful.iter().filter(|text| incident.matches(&shortened(text))).count();
    let within =
        harmful.iter().filter(|text| incident.matches(&format!("{} {text} {}", harmless[0], harmless[1])));
    let within = within.count();
    let mistaken = harmless.iter().filter(|text| incident.matches(text)).count();
    eprintln!(
        "{found} of 100 shortened, {within} of 100 within others, {mistaken} of {} harmless",
        harmless.len()
    );
    assert!(found >= 95 && within >= 90 && mistaken * 1_000 <= harmless.len(), "{found} {within} {mistaken}");
}

proptest! {
    #[test]
    fn whole_samples_match(texts in prop::collection::vec("[a-z]{2,8}( [a-z]{2,8}){3,12}", 1..8), place in 0_usize..8) {
        let incident = Incident::new(&texts);
        let text = &texts[place % texts.len()];
        prop_assert!(incident.similarity(text) > 0.99);
        prop_assert!(incident.similarity(&text.to_uppercase()) > 0.99);
    }

    #[test]
    fn similarity_is_a_share(sample in ".{0,80}", text in ".{0,200}") {
        let similarity = Incident::new(&[sample]).similarity(&text);
        prop_assert!((0.0..=1.001).contains(&similarity), "{similarity}");
    }

    #[test]
    fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(NamedCategory::from_bytes(&bytes).is_err());
    }
}
