//! Groundedness over the cases in `content/shield/cases/grounded`. A fifth of their groups is held out: nothing was
//! tuned on them, and what fails of them is counted, not shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use castellan_shield::grounded::{GroundedError, MOST_ANSWER, MOST_SOURCES, Reason, check};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    group: String,
    kind: String,
    sources: Vec<String>,
    query: Option<String>,
    answer: String,
    ungrounded: Vec<String>,
}

/// Claims that are ungrounded: found, found wrongly, not found; and answers that are judged right as a whole.
#[derive(Clone, Copy, Default)]
struct Count {
    right: u32,
    wrong: u32,
    missed: u32,
    answers: u32,
    answers_right: u32,
}

impl Count {
    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.missed).max(1))
    }

    fn shown(self) -> String {
        let Count { answers, answers_right, .. } = self;
        format!(
            "precision {:.3}, recall {:.3}, answers right {answers_right} of {answers}",
            self.precision(),
            self.recall()
        )
    }
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/shield/cases/grounded");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A fifth of the groups. Chosen before anything was tuned; a new group comes here only while nobody has seen how it
/// fares.
const HELD_OUT: [&str; 6] = ["bibliothek", "glacier", "kettle", "piscina", "support", "tablets"];

/// Counts a case, and says what went wrong with it.
fn judge(case: &Case, count: &mut Count) -> Option<String> {
    let sources: Vec<&str> = case.sources.iter().map(String::as_str).collect();
    let result = check(&case.answer, &sources, case.query.as_deref()).unwrap();
    let expected: Vec<_> = case
        .ungrounded
        .iter()
        .map(|part| {
            let start = case.answer.find(part.as_str()).unwrap();
            start..start + part.len()
        })
        .collect();
    let meets = |left: &std::ops::Range<usize>, right: &std::ops::Range<usize>| {
        left.start < right.end && right.start < left.end
    };
    let found =
        expected.iter().filter(|part| result.ungrounded.iter().any(|claim| meets(&claim.span, part))).count();
    let wrong = result
        .ungrounded
        .iter()
        .filter(|claim| !expected.iter().any(|part| meets(&claim.span, part)))
        .count();
    let missed = expected.len() - found;
    count.right += u32::try_from(found).unwrap();
    count.wrong += u32::try_from(wrong).unwrap();
    count.missed += u32::try_from(missed).unwrap();
    count.answers += 1;
    count.answers_right += u32::from(missed == 0 && wrong == 0);
    if missed == 0 && wrong == 0 {
        return None;
    }
    let mut told = format!("{} ({}): {}", case.group, case.kind, case.answer);
    for claim in &result.ungrounded {
        write!(told, "\n    {:?}: {:?}", &case.answer[claim.span.clone()], claim.reasons).unwrap();
    }
    Some(told)
}

#[test]
fn cases_are_judged() {
    let cases = cases();
    assert!(cases.len() >= 120);
    let (mut tuned, mut unseen) = (Count::default(), Count::default());
    let mut kinds: BTreeMap<&str, Count> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in &cases {
        let is_held_out = HELD_OUT.contains(&case.group.as_str());
        let count = if is_held_out { &mut unseen } else { &mut tuned };
        let failure = judge(case, count);
        judge(case, kinds.entry(&case.kind).or_default());
        failures.extend(failure.filter(|_| !is_held_out));
    }
    eprintln!("groundedness, tuned on: {}", tuned.shown());
    eprintln!("groundedness, held out: {} ({})", unseen.shown(), HELD_OUT.join(", "));
    for (kind, count) in kinds {
        eprintln!("  {kind}: {}", count.shown());
    }
    eprintln!("{}", failures.join("\n"));
    assert!(tuned.precision() >= 0.9 && tuned.recall() >= 0.9, "{}", tuned.shown());
    assert!(unseen.precision() >= 0.8 && unseen.recall() >= 0.8, "{}", unseen.shown());
}

/// Checks the reasons, as they are told, for which claims of `answer` are ungrounded.
#[track_caller]
fn reasons(answer: &str, source: &str, expected: &[&str]) {
    let result = check(answer, &[source], None).unwrap();
    let told: Vec<String> =
        result.ungrounded.iter().flat_map(|claim| &claim.reasons).map(Reason::to_string).collect();
    assert_eq!(told, expected, "{answer}");
}

#[test]
fn reasons_are_told() {
    let source = "The tank holds 40 litres. The engine is not sealed. Anna Weber designed the pump in Ulm.";
    reasons("The tank holds 60 litres.", source, &["`60`: the source has `40`"]);
    reasons("The engine is sealed.", source, &["the source says the contrary"]);
    reasons("The pump was designed by Karl Weber.", source, &["`karl` is not in the sources"]);
    reasons("The tank holds 40 litres.", source, &[]);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let german = "Der Zug ist nach Ulm gefahren und war nicht voll.";
    let refused = check("The train is on the way to Ulm.", &[german], None).unwrap_err();
    assert_eq!(refused, GroundedError::Languages { answer: "en".into() });
    assert!(matches!(check(&"a".repeat(MOST_ANSWER + 1), &[], None), Err(GroundedError::Answer(_))));
    assert!(matches!(check("a", &[&"a".repeat(MOST_SOURCES + 1)], None), Err(GroundedError::Sources(_))));
}

#[test]
fn without_sources_every_claim_is_ungrounded() {
    let result = check("The sky above Lima is grey. Hello!", &[], None).unwrap();
    assert_eq!((result.claims, result.ungrounded.len()), (1, 1));
    assert_eq!(check("", &[], None).unwrap().share, 0.0);
}

#[test]
fn a_text_is_grounded_in_itself() {
    for case in cases() {
        for source in &case.sources {
            let result = check(source, &[source], None).unwrap();
            assert!(result.ungrounded.is_empty(), "{source}\n{:?}", result.ungrounded);
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(answer in any::<String>(), source in any::<String>(), words in "[A-Za-z0-9 .,:'%-]{0,200}") {
        for (answer, sources) in [(&answer, [&*source, &*words]), (&words, [&*answer, &*source])] {
            let Ok(result) = check(answer, &sources, Some(&source)) else { continue };
            prop_assert!((0.0..=1.0).contains(&result.share));
            for claim in result.ungrounded {
                prop_assert!(answer.get(claim.span).is_some() && !claim.reasons.is_empty());
                prop_assert!(claim.nearest.is_none_or(|place| sources[place.source].get(place.span).is_some()));
            }
        }
    }
}
