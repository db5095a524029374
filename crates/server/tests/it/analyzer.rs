//! `/analyze` and what belongs to it.

use serde_json::{Value, json};

use crate::client::{Running, usual};

/// Asks about a text with further members; the entities found as `ENTITY start..end score`.
async fn found(server: &Running, text: &str, more: Value) -> Vec<String> {
    let (status, answer) = server.post("/analyze", &asked(json!(text), more)).await;
    assert_eq!(status, 200, "{answer}");
    shown(&answer)
}

fn asked(text: Value, more: Value) -> Value {
    let mut body = json!({ "text": text, "language": "en" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn shown(answer: &Value) -> Vec<String> {
    let results = answer.as_array().unwrap().iter();
    results
        .map(|it| {
            format!("{} {}..{} {}", it["entity_type"].as_str().unwrap(), it["start"], it["end"], it["score"])
        })
        .collect()
}

async fn refused(server: &Running, body: Value, status: u16, part: &str) {
    let (actual, answer) = server.post("/analyze", &body).await;
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(actual == status && error.contains(part), "{body} gave {actual} {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_and_several() {
    let server = usual().await;
    let card = "\u{1f600} visa card 4111 1111 1111 1111";
    let one = found(&server, card, json!({})).await;
    assert_eq!(one, ["CREDIT_CARD 12..31 1.0"]);
    let (status, answer) = server.post("/analyze", &asked(json!([card, "", "nothing"]), json!({}))).await;
    assert_eq!(status, 200);
    let lists: Vec<_> = answer.as_array().unwrap().iter().map(shown).collect();
    assert_eq!(lists, [one, vec![], vec![]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentences_of_presidio() {
    let server = usual().await;
    let spans = async |text: &str| {
        let (_, answer) = server.post("/analyze", &asked(json!(text), json!({}))).await;
        let all: Vec<Value> = answer.as_array().unwrap().clone();
        let mut all: Vec<_> = all.iter().map(|it| format!("{} {}", it["start"], it["entity_type"])).collect();
        all.sort();
        all
    };
    let licence = spans("John Smith drivers license is AC432223").await;
    assert_eq!(licence, ["0 \"PERSON\"", "30 \"US_DRIVER_LICENSE\""]);
    let phone = spans("hello world, my name is Jane Doe. My number is: 034453334").await;
    assert_eq!(phone, ["24 \"PERSON\"", "48 \"PHONE_NUMBER\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_result() {
    let server = usual().await;
    let (_, answer) = server.post("/analyze", &asked(json!("mail a@b.co"), json!({ "trace": "x" }))).await;
    let expected =
        r#"[{"analysis_explanation":null,"end":11,"entity_type":"EMAIL_ADDRESS","score":0.85,"start":5}]"#;
    assert_eq!(answer.to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_and_thresholds() {
    let server = usual().await;
    let text = "the item 4111111111111111";
    assert_eq!(found(&server, "listens on 127.0.0.1", json!({})).await, Vec::<String>::new());
    let named = json!({ "entities": ["IP_ADDRESS"] });
    assert_eq!(found(&server, "listens on 127.0.0.1", named).await, ["IP_ADDRESS 11..20 0.3"]);
    let high = json!({ "entities": ["IP_ADDRESS"], "score_threshold": 0.31 });
    assert_eq!(found(&server, "listens on 127.0.0.1", high).await, Vec::<String>::new());
    let low = found(&server, "listens on 127.0.0.1", json!({ "score_threshold": 0.3 })).await;
    assert!(low.contains(&"IP_ADDRESS 11..20 0.3".to_owned()), "{low:?}");
    let own = found(&server, text, json!({ "entities": ["CREDIT_CARD", "US_SSN"] })).await;
    assert_eq!(own, ["CREDIT_CARD 9..25 1.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_that_nothing_finds() {
    let server = usual().await;
    refused(&server, asked(json!("a"), json!({ "entities": ["NOTHING"] })), 500, "No matching recognizers")
        .await;
    let body = asked(json!("a@b.co"), json!({ "entities": ["EMAIL_ADDRESS", "NOTHING", "a\nb"] }));
    let request =
        server.request(reqwest::Method::POST, "/analyze").header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(response.headers()["castellan-ignored-entities"], "NOTHING, and 1 more");
    assert_eq!(response.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn detectors_without_an_entity_have_names_of_their_own() {
    let server = usual().await;
    let (_, entities) = server.get("/supportedentities?language=en").await;
    let entities: Vec<String> = serde_json::from_str(&entities).unwrap();
    for name in ["CREDIT_CARD", "US_SSN", "PERSON", "UK_POSTCODE", "USER_HANDLE"] {
        assert!(entities.iter().any(|entity| entity == name), "{name}");
    }
    let own = found(&server, "Username: jdoe_87", json!({ "entities": ["USER_HANDLE"] })).await;
    assert_eq!(own, ["USER_HANDLE 10..17 0.75"]);
    let (_, recognizers) = server.get("/recognizers?language=de").await;
    assert!(recognizers.contains("\"payment-card\""));
    assert_eq!(server.get("/supportedentities?other=1").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_presidio_refuses() {
    let server = usual().await;
    refused(&server, json!({}), 500, "No text provided").await;
    refused(&server, json!({ "text": "", "language": "en" }), 500, "No text provided").await;
    refused(&server, json!({ "text": [], "language": "en" }), 500, "No text provided").await;
    refused(&server, json!({ "text": "a" }), 500, "No language provided").await;
    refused(&server, json!({ "text": "a", "language": "zz" }), 500, "No matching recognizers were found")
        .await;
    refused(&server, json!({ "text": 5, "language": "en" }), 400, "`text` is a string").await;
    refused(&server, json!({ "text": "a", "language": "en", "entities": "A" }), 400, "expected a sequence")
        .await;
    assert_eq!(server.get("/supportedentities?language=zz").await.0, 500);
    assert_eq!(server.get("/health").await, (200, "Castellan is up".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_explained() {
    let server = usual().await;
    let more = json!({ "return_decision_process": true, "entities": ["CREDIT_CARD"] });
    let (_, answer) = server.post("/analyze", &asked(json!("visa card 4111 1111 1111 1111"), more)).await;
    let why = &answer[0]["analysis_explanation"];
    assert_eq!(
        (why["recognizer"].as_str(), why["validation_result"].as_bool()),
        (Some("payment-card"), Some(true))
    );
    assert_eq!((why["score"].as_f64(), why["supportive_context_word"].as_str()), (Some(1.0), Some("visa")));
    let told = why["textual_explanation"].as_str().unwrap();
    assert!(told.contains("passed credit-card") && told.contains("characters away"), "{told}");
    assert!(why["score_context_improvement"].as_f64().unwrap() > 0.0 && why["pattern"].is_string());
    let more = json!({ "return_decision_process": 0 });
    let (_, answer) = server.post("/analyze", &asked(json!("a@b.co"), more)).await;
    assert!(answer[0]["analysis_explanation"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn context_of_the_request_stands_before_the_text() {
    let server = usual().await;
    let text = "\u{e9} 078-05-1120 or 536-90-4399";
    let more = |context: Value| json!({ "entities": ["US_SSN"], "context": context });
    let without = found(&server, text, more(json!([]))).await;
    let with = found(&server, text, more(json!(["social security number"]))).await;
    assert_eq!(with, ["US_SSN 17..28 0.85"], "{without:?}");
    assert_ne!(without, with);
    // What stands in the context is not found itself.
    assert_eq!(found(&server, "x", json!({ "context": ["a@b.co"] })).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn allow_lists() {
    let server = usual().await;
    let text = "email: admin@GitHub.com";
    let check = async |more: Value, expected: usize| {
        assert_eq!(found(&server, text, more.clone()).await.len(), expected, "{more}");
    };
    check(json!({ "allow_list": ["admin@GitHub.com"] }), 0).await;
    check(json!({ "allow_list": ["admin@github.com"] }), 1).await;
    check(json!({ "allow_list": [".*@github.com"] }), 1).await;
    check(json!({ "allow_list": [".*@github.com"], "allow_list_match": "regex" }), 0).await;
    check(json!({ "allow_list": [".*@github.com"], "allow_list_match": "regex", "regex_flags": 0 }), 1).await;
    check(json!({ "allow_list": [""], "allow_list_match": "regex" }), 1).await;
    let body = |more| asked(json!(text), more);
    refused(&server, body(json!({ "allow_list": ["a"], "allow_list_match": "other" })), 400, "neither").await;
    let around = json!({ "allow_list": ["(?=a)"], "allow_list_match": "regex" });
    refused(&server, body(around), 400, "look-around").await;
}

/// A recogniser of five digits.
fn zip(more: Value) -> Value {
    let pattern = json!({ "name": "zip", "regex": r"(\b\d{5}(?:\-\d{4})?\b)", "score": 0.01 });
    let mut recognizer = json!({ "name": "Zip", "supported_language": "en", "patterns": [pattern], "supported_entity": "ZIP" });
    recognizer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "ad_hoc_recognizers": [recognizer], "entities": ["ZIP"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn ad_hoc_recognisers() {
    let server = usual().await;
    let text = "\u{e9} Zip code: 10023 and 5 others";
    assert_eq!(found(&server, text, zip(json!({}))).await, ["ZIP 12..17 0.01"]);
    assert_eq!(found(&server, text, zip(json!({ "context": ["zip", "code"] }))).await, ["ZIP 12..17 0.4"]);
    assert_eq!(found(&server, text, zip(json!({ "context": ["others"] }))).await, ["ZIP 12..17 0.01"]);
    let titles = json!({ "name": "T", "supported_entity": "TITLE", "deny_list": ["Mr.", "Mister"] });
    let more = json!({ "ad_hoc_recognizers": [titles], "entities": ["TITLE"] });
    assert_eq!(found(&server, "Mr. X, mister Y, Misters", more).await, ["TITLE 0..3 1.0", "TITLE 7..13 1.0"]);
    // Of another language, it is not asked; then nothing stands for the entity.
    let other = asked(json!(text), zip(json!({ "supported_language": "de" })));
    refused(&server, other, 500, "No matching recognizers").await;
    // With everything else, it adds to what is found.
    let mut all = zip(json!({}));
    all.as_object_mut().unwrap().remove("entities");
    let both = found(&server, "a@b.co 10023", all).await;
    assert_eq!(both, ["EMAIL_ADDRESS 0..6 0.85", "ZIP 7..12 0.01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ad_hoc_recognisers_that_cannot_run() {
    let server = usual().await;
    let check = async |more: Value, part: &str| {
        refused(&server, asked(json!("a"), zip(more)), 400, part).await;
    };
    let pattern = |regex: &str| json!({ "patterns": [{ "name": "p", "regex": regex, "score": 0.5 }] });
    check(pattern("(?<=a)b"), "look-around is not supported").await;
    check(pattern("(a"), "unclosed group").await;
    check(pattern(r"(a)\1"), "backreferences").await;
    check(json!({ "patterns": [{ "type": "p", "regex": "a", "score": 0.5 }] }), "unknown field `type`").await;
    check(json!({ "patterns": [{ "name": "p", "regex": "a", "score": 2 }] }), "score").await;
    check(json!({ "patterns": [] }), "neither").await;
    check(json!({ "supported_entity": "" }), "no `supported_entity`").await;
    check(json!({ "deny_list": vec!["a"; 3_000] }), "more than 2048 words").await;
    let many: Vec<Value> = (0..200).map(|_| json!({ "name": "p", "regex": "a", "score": 0.5 })).collect();
    check(json!({ "patterns": many }), "more than 64").await;
    check(pattern(&r"\w{200}".repeat(50)), "the pattern `p`").await;
}
