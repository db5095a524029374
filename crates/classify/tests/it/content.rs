//! The detectors that the product brings.

use castellan_base::{SourceId, Sources};
use castellan_classify::check::Checks;
use castellan_classify::rule::{ElementKind, Rules, read};
use castellan_classify::{Dictionaries, Engine, Selection, prepare};

/// Every file of `content/detectors`, read together.
pub(crate) fn rules() -> (Rules, Vec<String>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/detectors");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let mut sources = Sources::default();
    let mut files: Vec<SourceId> = Vec::new();
    for path in &paths {
        let text = String::from_utf8(std::fs::File::open(path).map(bytes).unwrap()).unwrap();
        files.push(sources.add(path.file_name().unwrap().to_string_lossy().into_owned(), text));
    }
    let (rules, problems) = read(&sources, &files);
    let lines = problems.iter().map(|problem| {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place}: {} ({})", problem.message, problem.help)
    });
    (rules, lines.collect())
}

fn bytes(mut file: std::fs::File) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

#[test]
fn every_file_reads_without_a_fault() {
    let (rules, problems) = rules();
    assert_eq!(problems, Vec::<String>::new());
    assert!(rules.detectors.len() >= 400, "only {} detectors", rules.detectors.len());
}

#[test]
fn every_detector_shows_what_it_finds_and_what_not() {
    let (rules, _) = rules();
    for detector in &rules.detectors {
        let counter = detector.examples.iter().filter(|example| example.spans.is_empty()).count();
        let positive = detector.examples.len() - counter;
        assert!(positive >= 1 && counter >= 1, "`{}` has {positive} and {counter} examples", detector.id);
    }
}

/// The word lists of `content/detectors/names`: a list a file, a term a line, `#` begins a remark.
pub(crate) fn dictionaries() -> Dictionaries {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/detectors/names");
    let mut dictionaries = Dictionaries::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8(std::fs::File::open(&path).map(bytes).unwrap()).unwrap();
        let terms = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let terms: Vec<String> = terms.map(str::to_owned).collect();
        dictionaries = dictionaries.with(path.file_stem().unwrap().to_string_lossy(), terms);
    }
    dictionaries
}

/// The same few words for every list that the rules name, for tests that need short lists.
pub(crate) fn stand_ins(rules: &Rules, words: &[&str]) -> Dictionaries {
    rules.elements.iter().fold(Dictionaries::default(), |dictionaries, element| match &element.kind {
        ElementKind::Dictionary(dictionary) => {
            dictionaries.with(dictionary.list.clone(), words.iter().map(|word| (*word).to_owned()))
        }
        _ => dictionaries,
    })
}

#[test]
fn word_lists_are_sorted_and_hold_no_term_twice() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/detectors/names");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8(std::fs::File::open(&path).map(bytes).unwrap()).unwrap();
        let terms: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let wrong = terms.windows(2).find(|pair| pair[0] >= pair[1]);
        assert_eq!(wrong, None, "{}", path.display());
        assert!(terms.iter().all(|term| !term.trim().is_empty()), "{}", path.display());
    }
}

/// The engine with all detectors and the word lists of the product.
pub(crate) fn engine() -> (Engine, Vec<String>) {
    let (rules, problems) = rules();
    assert_eq!(problems, Vec::<String>::new());
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &dictionaries());
    (engine, problems.into_iter().map(|problem| problem.message).collect())
}

#[test]
fn everything_compiles() {
    assert_eq!(engine().1, Vec::<String>::new());
}

#[test]
fn every_example_finds_what_it_marks() {
    let (engine, _) = engine();
    let mut faults = Vec::new();
    for detector in &engine.rules().detectors {
        let selection = Selection { detectors: vec![detector.id.to_string()], ..Selection::default() };
        let alone = engine.select(&selection).unwrap();
        for example in &detector.examples {
            let findings = alone.scan(&example.text);
            let spans: Vec<_> =
                findings.iter().map(|finding| (finding.range().start, finding.range().end)).collect();
            let confidences: Vec<_> = findings.iter().map(|finding| finding.confidence).collect();
            let sure = example.confidence.is_none_or(|expected| confidences.iter().all(|it| *it == expected));
            if spans != example.spans || !sure {
                faults.push(format!("{}: `{}` gave {spans:?} {confidences:?}", detector.id, example.text));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn prepared_rules_find_the_same() {
    let (engine, _) = engine();
    let prepared = Engine::prepared(&prepare(rules().0, dictionaries()).unwrap()).unwrap();
    for example in engine.rules().detectors.iter().flat_map(|detector| &detector.examples) {
        assert_eq!(prepared.scan(&example.text), engine.scan(&example.text), "{}", example.text);
    }
}

#[test]
fn bytes_that_nobody_prepared_are_refused() {
    let bytes = prepare(rules().0, dictionaries()).unwrap();
    let told = |bytes: &[u8]| Engine::prepared(bytes).unwrap_err().to_string();
    assert!(told(&bytes[..bytes.len() / 2]).contains("prepare them again"));
    assert!(told(b"").contains("these are no prepared rules"));
    assert!(told(b"\x03abc").contains("prepared by `abc`"));
}
