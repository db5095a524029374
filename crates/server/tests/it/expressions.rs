//! An ad hoc expression means what it means in Python, or is refused.

use serde_json::{Value, json};

use crate::client::usual;
use crate::peer::{Numbers, peer, skipped};

/// Pieces that expressions are drawn from.
const PIECES: [&str; 46] = [
    "a", "b", "1", "-", " ", ".", r"\d", r"\w", r"\s", r"\W", r"\b", r"\B", "^", "$", "(", ")", "(?:", "|",
    "[", "]", "[^", "a-z", "*", "+", "?", "{2}", "{1,}", "{,2}", "{0,3}", r"\.", r"\[", r"\]", "&", "~", "#",
    "]", r"\-", "(?i)", "(?P<n>", "(?=", r"\1", "{", "}", r"\x61", "\u{e9}", r"\A",
];

const CHARACTERS: [&str; 14] =
    ["a", "b", "A", "1", "2", " ", "-", ".", "\n", "\u{e9}", "\u{c9}", "_", "[", "\u{1f600}"];

fn drawn(numbers: &mut Numbers) -> Value {
    let regex: String = (0..1 + numbers.below(7)).map(|_| numbers.pick(&PIECES)).collect();
    let text: String = (0..numbers.below(16)).map(|_| numbers.pick(&CHARACTERS)).collect();
    json!({ "path": "expression", "body": { "regex": regex, "text": format!("a{text}") } })
}

#[tokio::test(flavor = "multi_thread")]
async fn drawn_expressions_match_as_in_python() {
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    let requests: Vec<Value> = (0..6_000).map(|_| drawn(&mut numbers)).collect();
    let Some(answers) = peer(&requests) else { return skipped() };
    let server = usual().await;
    let (mut ran, mut wrong) = (0, Vec::new());
    for (asked, answer) in requests.iter().zip(&answers) {
        let (regex, text) = (&asked["body"]["regex"], &asked["body"]["text"]);
        let pattern = json!({ "name": "p", "regex": regex, "score": 0.5 });
        let recognizer = json!({ "supported_entity": "E", "patterns": [pattern] });
        let body =
            json!({ "text": text, "language": "en", "entities": ["E"], "ad_hoc_recognizers": [recognizer] });
        let (status, found) = server.post("/analyze", &body).await;
        if status != 200 {
            continue;
        }
        ran += 1;
        let mut spans: Vec<_> =
            found.as_array().unwrap().iter().map(|it| json!([it["start"], it["end"]])).collect();
        spans.sort_by_key(|span| span[0].as_u64());
        if answer["status"] != 200 || answer["answer"] != json!(spans) {
            wrong.push(format!("{regex} {text} gave {spans:?}, not {}", answer["answer"]));
        }
    }
    println!("{ran} of {} expressions ran", requests.len());
    assert!(ran > 1_000, "only {ran} ran");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
