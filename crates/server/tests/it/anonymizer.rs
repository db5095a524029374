//! `/anonymize` and `/deanonymize`, against what Presidio's own library answers.

use serde_json::{Value, json};

use crate::client::{Running, usual};
use crate::peer::{Numbers, peer, skipped};

/// What the library answered: one case a line. `data/peer.py` wrote the answers.
const TABLE: &str = include_str!("../data/anonymizer.jsonl");

const KEY: &str = "WmZq4t7w!z%C&F)J";

/// Whether the server answers as the library did; of refusals, the status counts.
async fn difference(server: &Running, asked: &Value, peer: &Value) -> Option<String> {
    let (status, answer) = server.post(asked["path"].as_str().unwrap(), &asked["body"]).await;
    let same_answer = status != 200 || answer == peer["answer"];
    let same = peer["status"] == status && same_answer;
    let told = status == 200 || answer["error"].as_str().is_some_and(|error| !error.is_empty());
    (!same || !told).then(|| format!("{}\n  gave {status} {answer}\n  not  {peer}", asked["body"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_library() {
    let server = usual().await;
    let mut wrong = Vec::new();
    let cases: Vec<Value> = TABLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    for case in &cases {
        wrong.extend(difference(&server, case, case).await);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn drawn(numbers: &mut Numbers) -> Value {
    let length = numbers.below(30);
    let letters = ["a", "b", " ", " ", "\u{e9}", "\u{1f600}", "\n"];
    let text: String = (0..length).map(|_| numbers.pick(&letters)).collect();
    let results: Vec<Value> = (0..numbers.below(8))
        .map(|_| {
            let start = numbers.below(length + 1);
            let end = start + numbers.below(8);
            let score = numbers.pick(&[0.1, 0.5, 0.5, 1.0]);
            let entity = numbers.pick(&["A", "A", "B", "C"]);
            json!({ "start": start, "end": end, "entity_type": entity, "score": score })
        })
        .collect();
    let operators = [
        json!({ "type": "keep" }),
        json!({ "type": "redact" }),
        json!({ "type": "replace" }),
        json!({ "type": "replace", "new_value": "\u{e9}" }),
        json!({ "type": "mask", "masking_char": "#", "chars_to_mask": 2, "from_end": true }),
        json!({ "type": "hash", "salt": "0123456789abcdef" }),
    ];
    let mut chosen = serde_json::Map::new();
    for entity in ["A", "B", "DEFAULT"] {
        if numbers.below(3) > 0 {
            chosen.insert(entity.to_owned(), numbers.pick(&operators));
        }
    }
    json!({ "path": "/anonymize", "body": { "text": text, "analyzer_results": results, "anonymizers": chosen } })
}

#[tokio::test(flavor = "multi_thread")]
async fn drawn_requests_are_answered_as_by_the_library() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let requests: Vec<Value> = (0..3_000).map(|_| drawn(&mut numbers)).collect();
    let Some(answers) = peer(&requests) else { return skipped() };
    assert_eq!(answers.len(), requests.len());
    let server = usual().await;
    let mut wrong = Vec::new();
    for (asked, answer) in requests.iter().zip(&answers) {
        wrong.extend(difference(&server, asked, answer).await);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

/// A request that encrypts all of a text.
fn encrypt(text: &str, key: &str) -> Value {
    let all = json!([{ "start": 0, "end": text.chars().count(), "entity_type": "A", "score": 1.0 }]);
    let operators = json!({ "A": { "type": "encrypt", "key": key } });
    json!({ "text": text, "analyzer_results": all, "anonymizers": operators })
}

/// A request that takes back what another has answered.
fn decrypt(answer: &Value, key: &str) -> Value {
    let operators = json!({ "DEFAULT": { "type": "decrypt", "key": key } });
    json!({ "text": answer["text"], "anonymizer_results": answer["items"], "deanonymizers": operators })
}

const KEYS: [&str; 3] = [KEY, "WmZq4t7w!z%C&F)J@NcRfUjX", "WmZq4t7w!z%C&F)J@NcRfUjXn2r5u8x/"];
const TEXTS: [&str; 4] =
    ["a", "Jane Doe", "exactly sixteen!", "\u{e9}\u{1f600} and more than one block of it"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_comes_back() {
    let server = usual().await;
    for key in KEYS {
        for text in TEXTS {
            let (status, sealed) = server.post("/anonymize", &encrypt(text, key)).await;
            assert_eq!((status, sealed["items"][0]["operator"].as_str()), (200, Some("encrypt")));
            assert_eq!(sealed["items"][0]["end"], sealed["text"].as_str().unwrap().len());
            let (status, opened) = server.post("/deanonymize", &decrypt(&sealed, key)).await;
            assert_eq!((status, opened["text"].as_str()), (200, Some(text)));
            assert_eq!(opened["items"][0]["operator"], "decrypt");
            let other = KEYS.iter().find(|other| **other != key).unwrap();
            let (status, opened) = server.post("/deanonymize", &decrypt(&sealed, other)).await;
            assert!(status == 422 || opened["text"] != text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_undoes_what_the_other_did() {
    let server = usual().await;
    for key in KEYS {
        for text in TEXTS {
            let (_, ours) = server.post("/anonymize", &encrypt(text, key)).await;
            let asked = [
                json!({ "path": "/deanonymize", "body": decrypt(&ours, key) }),
                json!({ "path": "/anonymize", "body": encrypt(text, key) }),
            ];
            let Some(answers) = peer(&asked) else { return skipped() };
            assert_eq!(answers[0]["answer"]["text"], text);
            let (_, opened) = server.post("/deanonymize", &decrypt(&answers[1]["answer"], key)).await;
            assert_eq!(opened["text"], text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_without_a_salt_do_not_show_equal_texts() {
    let server = usual().await;
    let results = json!([
        { "start": 0, "end": 3, "entity_type": "A", "score": 1 },
        { "start": 4, "end": 7, "entity_type": "B", "score": 1 },
    ]);
    let asked = json!({ "text": "abc,abc", "analyzer_results": results, "anonymizers": { "DEFAULT": { "type": "hash" } } });
    let (status, answer) = server.post("/anonymize", &asked).await;
    assert_eq!((status, answer["items"].as_array().map(Vec::len)), (200, Some(2)));
    assert_ne!(answer["items"][0]["text"], answer["items"][1]["text"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_operators() {
    let server = usual().await;
    let (status, names) = server.get("/anonymizers").await;
    assert_eq!(
        (status, names.as_str()),
        (200, r#"["custom","encrypt","hash","keep","mask","redact","replace"]"#)
    );
    assert_eq!(server.get("/deanonymizers").await.1, r#"["decrypt","deanonymize_keep"]"#);
}
