//! Protected texts: runs are those that a comparison word by word gives.

use castellan_shield::protected::{Index, Kind, Options, ProtectedError, Source};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const KEY: [u8; 32] = [0; 32];

fn source(name: &str, kind: Kind) -> Source {
    Source { name: name.to_owned(), licence: None, kind }
}

fn index(least_words: usize, texts: &[&str]) -> Index {
    let options = Options { least_words, ..Options::default() };
    let names: Vec<String> = (0..texts.len()).map(|number| number.to_string()).collect();
    let texts = names.iter().zip(texts).map(|(name, text)| (source(name, Kind::Text), *text));
    Index::build(options, texts).unwrap()
}

/// `count` different words, from number `first` on.
fn words(first: usize, count: usize) -> String {
    let words: Vec<String> = (first..first + count).map(|number| format!("w{number}")).collect();
    words.join(" ")
}

/// Checks the parts of `text` that are found, with their sources.
#[track_caller]
fn check(index: &Index, text: &str, expected: &[(&str, &str)]) {
    let found = index.find(text);
    let runs: Vec<_> =
        found.runs.iter().map(|run| (&text[run.span.clone()], run.source.name.as_str())).collect();
    assert_eq!(runs, expected);
}

#[test]
fn runs_have_their_least_length() {
    let index = index(20, &[&words(0, 200)]);
    for start in 1..40 {
        let enough = words(start, 20);
        check(&index, &format!("before {enough} after"), &[(&enough, "0")]);
        check(&index, &format!("before {} after", words(start, 19)), &[]);
    }
}

#[test]
fn runs_end_where_a_word_differs() {
    let index = index(20, &[&words(0, 100)]);
    let (first, second) = (words(10, 25), words(36, 30));
    check(&index, &format!("{first} other {second}"), &[(&first, "0"), (&second, "0")]);
    let found = index.find(&format!("{first} other {second}"));
    assert!((found.share - 55.0 / 56.0).abs() < 1e-9);
    assert!((found.runs[1].share_of_source - 0.3).abs() < 1e-9);
    check(&index, &format!("{} other {}", words(10, 15), words(26, 15)), &[]);
}

#[test]
fn the_longest_of_several_sources_is_told() {
    let index = index(20, &[&words(0, 50), &words(10, 90), &words(0, 50)]);
    check(&index, &words(10, 60), &[(&words(10, 60), "1")]);
    check(&index, &words(0, 50), &[(&words(0, 50), "0")]);
    check(&index, &words(0, 60), &[(&words(0, 50), "0"), (&words(10, 50), "1")]);
}

#[test]
fn case_signs_and_disguises_do_not_matter() {
    let index = index(20, &[&words(0, 30)]);
    let shouted = words(0, 30).to_uppercase().replace(' ', ",\u{200b}\n  ");
    check(&index, &shouted, &[(&shouted, "0")]);
}

#[test]
fn code_is_found_without_regard_to_white_space() {
    let code = "fn area(width: f64, height: f64) -> f64 {\n    let product = width * height;\n    product\n}\n\
                impl Shape for Square {\n    fn scale(&mut self, factor: f64) {\n        self.side *= factor;\n    }\n\
                    fn corners(&self) -> usize {\n        4\n    }\n    fn name(&self) -> String {\n        \
                format!(\"square of {}\", self.side)\n    }\n}\n";
    let licensed = Source { licence: Some("GPL-3.0".into()), ..source("shapes.rs", Kind::Code) };
    let index = Index::build(Options::default(), [(licensed, code)]).unwrap();
    let squeezed = code.replace("\n", " ").replace("    ", "");
    let found = index.find(&format!("Here you are: ```{squeezed}```"));
    assert_eq!(found.runs.len(), 1);
    assert_eq!(found.runs[0].source.licence.as_deref(), Some("GPL-3.0"));
    assert!((found.runs[0].share_of_source - 1.0).abs() < 1e-9);
    assert!(index.find("fn area(width: f64, height: f64) -> f64 {").runs.is_empty());
}

#[test]
fn repetitions_end_and_stay_bounded() {
    let chorus = "la ".repeat(5_000);
    let index = index(20, &[&chorus]);
    let found = index.find(&"la ".repeat(50_000));
    assert!(!found.runs.is_empty());
    assert!(index.find("la la la").runs.is_empty());
}

#[test]
fn what_is_refused_says_why() {
    let short = Index::new(Options { least_words: 10, ..Options::default() }).unwrap_err();
    assert_eq!(short, ProtectedError::Least(10, 11));
    assert!(Index::new(Options { least_code: 18, ..Options::default() }).is_err());
    let mut held = index(20, &[]);
    let refused = held.add(source("a", Kind::Text), &words(0, 19)).unwrap_err();
    assert_eq!(refused, ProtectedError::Short { name: "a".into(), words: 19, least: 20 });
    assert!(held.add(source(&"a".repeat(1025), Kind::Text), &words(0, 30)).is_err());
    assert_eq!(held.sources().len(), 0);
}

#[test]
fn bytes_are_checked_and_tell_no_text() {
    let text = "the quick brown fox jumps over the lazy dog while seventeen zebras watch from behind a tall wooden \
                fence near the river";
    let options = Options { key: [9; 32], ..Options::default() };
    let index = Index::build(options, [(source("fable", Kind::Text), text)]).unwrap();
    let bytes = index.to_bytes().unwrap();
    let readable = String::from_utf8_lossy(&bytes);
    assert!(text.split(' ').filter(|word| word.len() > 3).all(|word| !readable.contains(word)));
    assert!(!bytes.windows(8).any(|part| part == [9; 8]));

    let back = Index::from_bytes(&bytes, &[9; 32]).unwrap();
    assert_eq!(back.find(text), index.find(text));
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert!(Index::from_bytes(&bytes, &KEY).is_err());
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(Index::from_bytes(&changed, &[9; 32]).is_err(), "{place}");
        assert!(Index::from_bytes(&bytes[..place], &[9; 32]).is_err(), "{place}");
    }
}

/// The most words in a row that two texts have in common.
fn longest_common(left: &str, right: &str) -> usize {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
    let mut longest = 0;
    let mut row = vec![0_usize; right.len() + 1];
    for word in &left {
        for place in (0..right.len()).rev() {
            row[place + 1] = if right[place] == *word { row[place] + 1 } else { 0 };
            longest = longest.max(row[place + 1]);
        }
    }
    longest
}

/// Texts of common phrases, as harmless texts share.
fn of_phrases() -> impl Strategy<Value = String> {
    const PHRASES: [&str; 12] = [
        "on the other hand",
        "as a matter of fact",
        "in the long run",
        "please do not hesitate to contact us",
        "thank you very much for your help",
        "at the end of the day",
        "it is important to note that",
        "for more information see the documentation",
        "the terms and conditions of this agreement",
        "yes",
        "we look forward to hearing from you soon",
        "once upon a time there was",
    ];
    prop::collection::vec(prop::sample::select(&PHRASES[..]), 6..30).prop_map(|phrases| phrases.join(" "))
}

/// The same cases in each run: eight bits of a check may be equal by chance.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn common_phrases_are_no_hits_unless_they_make_a_run() {
    let hits = std::cell::Cell::new(0);
    let outcome = runner(500).run(&(of_phrases(), of_phrases()), |(protected, text)| {
        let longest = longest_common(&protected, &text);
        let Ok(index) = Index::build(Options::default(), [(source("a", Kind::Text), protected.as_str())])
        else {
            return Ok(());
        };
        let found = index.find(&text);
        let most = found.runs.iter().map(|run| run.words).max().unwrap_or(0);
        prop_assert_eq!(most, if longest >= 20 { longest } else { 0 }, "{} in {}", protected, text);
        hits.set(hits.get() + usize::from(most > 0));
        Ok(())
    });
    outcome.unwrap();
    assert!(hits.get() > 0, "the texts are too different to tell anything");
}

#[test]
fn runs_are_as_long_as_a_slow_comparison_says() {
    let text = || {
        prop::collection::vec(prop::sample::select(&["a", "b", "c"][..]), 12..120).prop_map(|w| w.join(" "))
    };
    let outcome =
        runner(1_000).run(&(text(), text(), 0..60_usize, 10..40_usize), |(protected, other, at, length)| {
            // Part of the protected text is put into the other one.
            let part: Vec<&str> = protected.split(' ').skip(at).take(length).collect();
            let text =
                format!("{} {} {other}", &other[..other.len() / 4 * 2], part.join(" ")).replace("  ", " ");
            let longest = longest_common(&protected, &text);
            let found = index(12, &[&protected]).find(&text);
            let most = found.runs.iter().map(|run| run.words).max().unwrap_or(0);
            // A word beside a run has the check of the right one by chance once in 256.
            let is_right = if longest >= 12 {
                (longest..=longest + 2).contains(&most)
            } else {
                most == 0 || longest >= 10
            };
            prop_assert!(is_right, "{} for {}", most, longest);
            Ok(())
        });
    outcome.unwrap();
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut held = index(11, &[]);
        let _ = held.add(source("a", Kind::Code), &text);
        let _ = held.add(source("b", Kind::Text), &text);
        for run in held.find(&text).runs {
            prop_assert!(text.get(run.span).is_some());
        }
        prop_assert!(Index::from_bytes(&bytes, &KEY).is_err());
    }
}
