//! The detectors of personal data on 1,500 synthetic texts with marked spans.
//!
//! A finding is right when a span of the same type overlaps it (`strict`: has the same ends), a span is found when a
//! finding of its type overlaps it. Types that say the same thing at another grain are one: a street, a town and a
//! post code are all `LOCATION`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use castellan_classify::{Engine, Overlap, Selection};

/// Types of the corpus that no detector of this family looks for, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("TITLE", "a form of address alone tells nothing about a person; it is evidence for a name"),
    ("US_DRIVER_LICENSE", "belongs to the identifiers"),
];

/// Least precision and recall over all types: what was reached, less half a percent.
const FLOOR: (f64, f64) = (0.938, 0.839);

pub(crate) fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    named.into_iter().chain([beside]).find(|folder| folder.is_dir())
}

fn group(kind: &str) -> &str {
    match kind {
        "STREET_ADDRESS" | "GPE" | "ZIP_CODE" | "LOCATION" => "LOCATION",
        "DOMAIN_NAME" | "URL" => "URL",
        "IBAN" | "IBAN_CODE" => "IBAN_CODE",
        other => other,
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    right: u32,
    told: u32,
    found: u32,
    marked: u32,
    strict: u32,
}

impl Count {
    fn add(&mut self, other: &Count) {
        self.right += other.right;
        self.told += other.told;
        self.found += other.found;
        self.marked += other.marked;
        self.strict += other.strict;
    }

    fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.told.max(1))
    }

    fn recall(&self) -> f64 {
        f64::from(self.found) / f64::from(self.marked.max(1))
    }

    fn line(&self, name: &str) -> String {
        let (precision, recall) = (self.precision(), self.recall());
        let f1 = 2.0 * precision * recall / (precision + recall).max(f64::EPSILON);
        let strict = (
            f64::from(self.strict) / f64::from(self.told.max(1)),
            f64::from(self.strict) / f64::from(self.marked.max(1)),
        );
        format!(
            "{name:16} P {precision:.3} R {recall:.3} F1 {f1:.3}  strict P {:.3} R {:.3}  ({} marked, {} told)",
            strict.0, strict.1, self.marked, self.told
        )
    }
}

type Span = (Range<usize>, String);

/// The spans of a line, in bytes.
fn marked(text: &str, spans: &serde_json::Value) -> Vec<Span> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let spans = spans.as_array().unwrap().iter().map(|span| {
        let at = |place: usize| places[span[place].as_u64().unwrap() as usize];
        (at(0)..at(1), span[2].as_str().unwrap().to_owned())
    });
    spans.collect()
}

/// What the engine tells, by the types of the corpus.
fn told(engine: &Engine, text: &str) -> Vec<Span> {
    let findings = engine.scan(text);
    let mut all = Vec::new();
    for finding in &findings {
        let Some(kind) = engine.detector(finding).and_then(|it| it.presidio.clone()) else { continue };
        all.push((finding.range(), kind.to_string()));
    }
    all
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn compare(
    counts: &mut BTreeMap<String, Count>,
    marked: &[Span],
    told: &[Span],
    show: &mut dyn FnMut(&str, &Span),
) {
    for span in marked {
        let same = |other: &&Span| group(&other.1) == group(&span.1) && overlap(&span.0, &other.0);
        let count = counts.entry(group(&span.1).to_owned()).or_default();
        count.marked += 1;
        match told.iter().any(|other| same(&other)) {
            true => count.found += 1,
            false => show("missed", span),
        }
        count.strict += u32::from(told.iter().any(|it| group(&it.1) == group(&span.1) && it.0 == span.0));
    }
    for finding in told {
        let same = |other: &&Span| group(&other.1) == group(&finding.1) && overlap(&finding.0, &other.0);
        let count = counts.entry(group(&finding.1).to_owned()).or_default();
        count.told += 1;
        match marked.iter().any(|other| same(&other)) {
            true => count.right += 1,
            false => show("wrong", finding),
        }
    }
}

#[test]
fn finds_what_is_marked() {
    let Some(folder) = corpora() else {
        eprintln!("skipped: no corpora; set CASTELLAN_CORPORA");
        return;
    };
    let (engine, _) = crate::content::engine();
    let selection = Selection { min_confidence: 65, overlap: Overlap::Best, ..Selection::default() };
    let engine = engine.select(&selection).unwrap();
    let text = std::fs::read_to_string(folder.join("pii/synthetic_v2.jsonl")).unwrap();
    let mut counts = BTreeMap::<String, Count>::new();
    let mut texts = 0;
    let loud = std::env::var_os("CASTELLAN_SHOW").is_some();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let body = case["text"].as_str().unwrap();
        texts += 1;
        compare(&mut counts, &marked(body, &case["spans"]), &told(&engine, body), &mut |what, span| {
            if loud {
                println!("{what} {} {:?} in {body:?}", span.1, &body[span.0.clone()]);
            }
        });
    }
    assert_eq!(texts, 1_500);
    counts.retain(|kind, count| count.marked > 0 && LEFT_OUT.iter().all(|(left, _)| left != kind));
    let mut total = Count::default();
    for (kind, count) in &counts {
        println!("{}", count.line(kind));
        total.add(count);
    }
    println!("{}", total.line("all"));
    assert!(total.precision() >= FLOOR.0 && total.recall() >= FLOOR.1, "{}", total.line("all"));
}
