use castellan_shield::harm::{Examples, NamedCategory};
use serde_json::json;

use super::super::support::scripted;
use super::{ask, chat, guarded, running, said};

fn profile(rules: &str) -> String {
    format!("id: own\nversion: 1\ntitle: t\nrules:\n{rules}")
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_of_texts_and_of_requests_are_bounded() {
    let stub = scripted("rules: []").await;
    let rules = "  - { id: text, check: { size: { characters: 40 } }, points: [user, output], action: block }\n  \
        - { id: tokens, check: { size: { tokens: 8 } }, points: [system], action: block }\n  \
        - { id: request, check: { size: { messages: 2, tools: 1, images: 0 } }, action: block }\n  \
        - { id: all, check: { size: { total_tokens: 60 } }, action: annotate }\n";
    let (gate, _folder) = guarded(&stub, &profile(rules), "").await;
    let user = |text: &str| json!({"role": "user", "content": text});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {}}});
    let picture = json!([{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]);
    for (body, rule) in [
        (json!({"model": "m", "messages": [user(&"x".repeat(41))]}), "own/text"),
        (
            json!({"model": "m", "messages": [{"role": "system", "content": "You are to answer in a friendly way, always and everywhere."}]}),
            "own/tokens",
        ),
        (json!({"model": "m", "messages": [user("a"), user("b"), user("c")]}), "own/request"),
        (json!({"model": "m", "messages": [user("a")], "tools": [tool, tool]}), "own/request"),
        (json!({"model": "m", "messages": [{"role": "user", "content": picture}]}), "own/request"),
    ] {
        let got = ask(&gate, &body).await;
        assert!(got.status == 400 && got.text().contains(rule), "{body}: {}", got.text());
    }
    assert_eq!(
        ask(&gate, &json!({"model": "m", "messages": [user("a"), user("b")], "tools": [tool]})).await.status,
        200
    );
    assert_eq!(stub.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_too_long_in_pieces_too() {
    let stub = scripted(&format!("rules:\n  - text: {}\n", "words and words ".repeat(400))).await;
    let rules = "  - { id: long, check: { size: { characters: 5000 } }, points: [output], action: block }\n";
    let (gate, _folder) = guarded(&stub, &profile(rules), "").await;
    let got = ask(&gate, &chat("Talk.", true)).await;
    assert!(got.text().contains("content_filter") && said(&got).len() < 5_300, "{}", said(&got).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_of_ones_own_are_found() {
    let lines: String = (0..60)
        .map(|n| match n % 2 {
            0 => json!({"text": format!("please refund order {n}, it arrived broken"), "isPositive": true}),
            _ => json!({"text": format!("what is the weather on day {n} of the month"), "isPositive": false}),
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let category =
        NamedCategory::train("refunds", "Asks for money.", &Examples::read(&lines).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("refunds.category"), category.to_bytes().unwrap()).unwrap();
    let rules = "  - { id: refunds, check: { custom: { category: refunds.category, threshold: 0.6 } }, points: [user], action: block }\n";
    std::fs::write(folder.path().join("own.yaml"), profile(rules)).unwrap();
    let stub = scripted("rules: []").await;
    let gate = running(&stub, &folder, "").await;
    let got = ask(&gate, &chat("my order came broken, please refund it", false)).await;
    assert!(got.status == 400 && got.text().contains("refunds (own/refunds)"), "{}", got.text());
    assert_eq!(ask(&gate, &chat("will the weather be fine today", false)).await.status, 200);
}

const SCHEMA: &str = r#"{"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number", "maximum": 100}}, "additionalProperties": false}"#;

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_tools_answers_and_bodies_have_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("refund.json", SCHEMA);
    write("body.json", r#"{"properties": {"temperature": {"maximum": 1}}}"#);
    write(
        "own.yaml",
        &profile(
            "  - { id: call, check: { schema: { file: refund.json, tool: 'refund*' } }, points: [tool_call], action: block }\n  \
             - { id: body, check: { schema: { file: body.json } }, action: block }\n",
        ),
    );
    let script = "rules:\n  - { match: { contains: much }, tool_calls: [{ name: refund_order, arguments: { amount: 500 } }] }\n  \
        - { match: { contains: other }, tool_calls: [{ name: weather, arguments: { city: Paris } }] }\n  \
        - { tool_calls: [{ name: refund_order, arguments: { amount: 50 } }] }\n";
    let stub = scripted(script).await;
    let gate = running(&stub, &folder, "").await;
    let with_tools = |text: &str, is_stream: bool| {
        let mut body = chat(text, is_stream);
        body["tools"] = json!([{"type": "function", "function": {"name": "refund_order", "parameters": {}}}, {"type": "function", "function": {"name": "weather", "parameters": {}}}]);
        body
    };
    for is_stream in [false, true] {
        for (path, text, passes) in [
            ("/v1/chat/completions", "give me much", false),
            ("/v1/chat/completions", "give me some", true),
            ("/v1/chat/completions", "the other thing", true),
            ("/v1/messages", "give me much", false),
            ("/v1/messages", "give me some", true),
        ] {
            let mut body = with_tools(text, is_stream);
            body["max_tokens"] = json!(50);
            if path.ends_with("messages") {
                body["tools"] = json!([{"name": "refund_order", "input_schema": {}}]);
            }
            let got = gate.post(path, &body).await;
            let text = got.text().replace('\\', "");
            let has_call = ["500", "50}", "Paris"].iter().any(|value| text.contains(value));
            assert!(got.status == 200 && has_call == passes, "{path} {text} {is_stream}: {}", got.text());
        }
    }
    let hot = json!({"model": "m", "temperature": 2, "messages": []});
    let got = ask(&gate, &hot).await;
    assert!(got.status == 400 && got.text().contains("own/body"), "{}", got.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_answers_have_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("refund.json"), SCHEMA).unwrap();
    let rules =
        "  - { id: answer, check: { schema: { file: refund.json } }, points: [output], action: block }\n";
    std::fs::write(folder.path().join("own.yaml"), profile(rules)).unwrap();
    let script = "rules:\n  - { match: { contains: good }, text: '{\"amount\": 5}' }\n  - { text: 'You get {\"amount\": 5}' }\n";
    let stub = scripted(script).await;
    let gate = running(&stub, &folder, "").await;
    for is_stream in [false, true] {
        assert_eq!(said(&ask(&gate, &chat("good", is_stream)).await), "{\"amount\": 5}");
        assert_eq!(said(&ask(&gate, &chat("bad", is_stream)).await), "");
    }
}

#[test]
fn files_lie_beside_the_profile_and_say_what_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let load = |rules: &str| {
        std::fs::write(folder.path().join("own.yaml"), profile(rules)).unwrap();
        let profiles = castellan_gateway::guard::Profiles::builtin().unwrap();
        profiles.with_folder(folder.path(), &castellan_base::OsSystem).map(drop).unwrap_err().to_string()
    };
    let schema =
        |file: &str| format!("  - {{ id: a, check: {{ schema: {{ file: {file} }} }}, action: block }}\n");
    assert!(load(&schema("../x.json")).contains("beside the profile"));
    assert!(load(&schema("none.json")).contains("none.json"));
    std::fs::write(folder.path().join("odd.json"), r#"{"contains": {}}"#).unwrap();
    assert!(load(&schema("odd.json")).contains("/contains"));
    assert!(load("  - { id: a, check: { size: {} }, action: block }\n").contains("bounds nothing"));
    assert!(
        load("  - { id: a, check: { attack: {} }, points: [user], action: tokenise }\n")
            .contains("tokenises")
    );
    assert!(
        load(
            "  - { id: a, check: { any: {} }, points: [output], action: transform, transform: [normalise] }\n"
        )
        .contains("normalises")
    );
}
