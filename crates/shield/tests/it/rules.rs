//! Every rule of `content/shield/rules` matches its examples and none of its counterexamples.

use std::path::Path;

use castellan_base::{OsSystem, System};
use castellan_shield::rules::{self, Rules};
use castellan_shield::view;

fn all() -> Rules {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/shield/rules");
    let mut files = Vec::new();
    for entry in OsSystem.read_dir(&folder).unwrap() {
        if entry.path.extension().is_some_and(|extension| extension == "yaml") {
            let text = String::from_utf8(OsSystem.read(&entry.path, 1 << 20).unwrap()).unwrap();
            files.push((entry.path.display().to_string(), text));
        }
    }
    rules::read(&files).map_err(|faults| faults.join("\n")).unwrap()
}

/// Whether the rule numbered `index` matches a text of either source.
fn matches(rules: &Rules, index: usize, text: &str) -> bool {
    let plain = view::plain(text);
    [false, true]
        .iter()
        .any(|content| rules.find(plain.text(), *content).hits.iter().any(|hit| hit.rule == index))
}

#[test]
fn examples_match_and_counterexamples_do_not() {
    let rules = all();
    assert!(rules.rules.len() >= 40, "only {} rules", rules.rules.len());
    let mut faults = Vec::new();
    for (index, rule) in rules.rules.iter().enumerate() {
        for example in &rule.examples {
            if !matches(&rules, index, example) {
                faults.push(format!("{} misses `{example}`", rule.id));
            }
        }
        for example in &rule.counterexamples {
            if matches(&rules, index, example) {
                faults.push(format!("{} matches `{example}`", rule.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_hostile_text_is_searched_in_linear_time() {
    let rules = all();
    let text = "ignore the decode reveal ".repeat(40_000);
    let started = std::time::Instant::now();
    let hits = rules.find(&text, false);
    assert!(hits.hits.len() <= 64);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn faults_are_told_with_their_place() {
    let file = (
        "x.yaml".to_owned(),
        "family: f\nsubtype: role_play\nrules:\n  - { id: a, weight: 1, words: [Big] }\n".to_owned(),
    );
    let faults = rules::read(&[file]).unwrap_err();
    assert_eq!(
        faults,
        ["rule `a`: `words` are written in lower case", "rule `a`: it needs an example and a counterexample"]
    );
    let file = ("y.yaml".to_owned(), "family: f\nsubtype: nonsense\nrules: []\n".to_owned());
    assert!(rules::read(&[file]).unwrap_err()[0].starts_with("y.yaml:1:1: `nonsense`"));
}
