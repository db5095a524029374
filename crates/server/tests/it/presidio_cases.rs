//! Presidio's own test cases, asked through the API: the same spans, apart from those listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::{Running, usual};

/// Least share of cases with equal spans.
const GOAL: f64 = 0.97;

/// Cases that are answered otherwise here, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("presidio-0152", "the number begins with a letter and two digits, which name the authority"),
    ("presidio-0153", "the number begins with a letter and two digits, which name the authority"),
    ("presidio-0154", "the number begins with a letter and two digits, which name the authority"),
    ("presidio-0155", "the number begins with a letter and two digits, which name the authority"),
    ("presidio-0159", "the number begins with a letter and two digits, which name the authority"),
    ("presidio-0248", "plates are written in capitals; in small letters they are words of a sentence"),
    ("presidio-0249", "plates are written in capitals; in small letters they are words of a sentence"),
    ("presidio-0348", "the tax office repeats one of the first ten digits; here none is"),
    ("presidio-0349", "the tax office repeats one of the first ten digits; here none is"),
    ("presidio-0350", "the tax office repeats one of the first ten digits; here none is"),
    ("presidio-0371", "thirteen digits without any word are far too common"),
    ("presidio-0391", "the check digit does not fit"),
    ("presidio-0495", "a letter touches the number"),
    ("presidio-0927", "two letters and four digits without any word are far too common"),
    ("presidio-0928", "three letters and four digits without any word are far too common"),
    ("presidio-0929", "a letter and five digits without any word are far too common"),
    ("presidio-0950", "two colons stand in too much that is no address"),
    ("presidio-0953", "two colons stand in too much that is no address"),
    ("presidio-0979", "IPv4-compatible addresses are deprecated (RFC 4291); the IPv4 address in it is found"),
    ("presidio-1017", "five numbers are an object identifier or a version"),
    ("presidio-1024", "a prefix of a malformed address; only the whole tells that it is none"),
    ("presidio-1025", "a prefix of a malformed address; only the whole tells that it is none"),
    ("presidio-1078", "no VAT number is written with an underscore"),
    ("presidio-1272", "the country code lacks its `+`, and the case asks for the lowest leniency"),
    ("presidio-1273", "the case asks for a leniency that refuses an unusual grouping"),
    ("presidio-1324", "a letter touches the number"),
    ("presidio-1504", "the word `year` is context, not a part of the year"),
    ("presidio-1539", "the span expected begins with the blank before the number"),
    ("presidio-1620", "the quotes are no part of the address"),
    ("presidio-1625", "twelve digits without any word are far too common"),
    ("presidio-1629", "runs of digits without any word are far too common"),
    ("presidio-1733", "no licence number has asterisks"),
    ("presidio-1745", "letters touch the number"),
    ("presidio-1747", "`FIN` is a name of the case's own; Presidio's entity is `SG_NRIC_FIN`"),
];

pub(crate) fn corpora() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = PathBuf::from(std::env::var("CASTELLAN_CORPORA").unwrap_or_else(|_| beside.to_owned()));
    folder.is_dir().then_some(folder)
}

struct Case {
    id: String,
    entity: String,
    text: String,
    /// In code points, where the case says so; otherwise only how many there are.
    spans: Option<Vec<(u64, u64)>>,
    count: usize,
}

fn read(line: &str) -> Option<Case> {
    let case: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| case[key].as_str().map(str::to_owned);
    let count = usize::try_from(case["expected_len"].as_u64()?).unwrap();
    let spans = case["spans"].as_array().filter(|spans| spans.len() == count);
    let spans = spans
        .map(|spans| spans.iter().map(|it| (it[0].as_u64().unwrap(), it[1].as_u64().unwrap())).collect());
    Some(Case { id: text("id")?, entity: text("entity")?, text: text("text")?, spans, count })
}

/// The cases of one kind.
fn cases(kind: &str) -> Option<Vec<Case>> {
    let text = std::fs::read_to_string(corpora()?.join("pii/presidio_cases.jsonl")).ok()?;
    let of_kind = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["kind"] == kind;
    Some(text.lines().filter(of_kind).filter_map(read).collect())
}

/// The spans of an answer in order; nothing where there is none.
async fn found(server: &Running, case: &Case) -> Option<Vec<(u64, u64)>> {
    let asked = json!({ "text": case.text, "language": "en", "entities": [case.entity] });
    let (status, answer) = server.post("/analyze", &asked).await;
    if case.text.is_empty() {
        return Some(Vec::new());
    }
    let results = answer.as_array().filter(|_| status == 200)?;
    let spans = results.iter().map(|it| (it["start"].as_u64().unwrap(), it["end"].as_u64().unwrap()));
    Some(spans.collect::<BTreeSet<_>>().into_iter().collect())
}

async fn agree(kind: &str, least: usize, goal: f64) {
    let Some(cases) = cases(kind) else {
        eprintln!("skipped: no corpora; set CASTELLAN_CORPORA");
        return;
    };
    let server = usual().await;
    let listed: BTreeMap<&str, &str> = OTHERWISE.iter().copied().collect();
    let (mut equal, mut wrong, mut stale) = (0, Vec::new(), Vec::new());
    for case in &cases {
        let spans = found(&server, case).await;
        let same = match (&spans, &case.spans) {
            (Some(spans), Some(expected)) => spans == expected,
            (Some(spans), None) => spans.len() == case.count,
            (None, _) => false,
        };
        equal += usize::from(same);
        match (same, listed.contains_key(case.id.as_str())) {
            (true, true) => stale.push(case.id.clone()),
            (false, false) => {
                let Case { id, entity, text, .. } = case;
                wrong.push(format!("{id} {entity} {text:?} {:?} gave {spans:?}", case.spans));
            }
            _ => {}
        }
    }
    println!("{kind}: {equal} of {} cases with equal spans", cases.len());
    assert!(cases.len() >= least, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "answered alike by now, take them from the list: {stale:?}");
    let share = f64::from(u32::try_from(equal).unwrap()) / f64::from(u32::try_from(cases.len()).unwrap());
    assert!(share >= goal, "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_those_of_presidio() {
    agree("span", 862, GOAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_presidio() {
    agree("count", 51, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_dates_are_those_of_presidio() {
    agree("ner", 22, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn context_is_that_of_presidio() {
    agree("context", 20, 0.0).await;
}
