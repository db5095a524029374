use castellan_gateway::{Gate, config};
use serde_json::json;

use super::super::support::scripted;
use super::{ask, chat, guarded, said, seen};

const CARD: &str = "4111 1111 1111 1111";

fn profile(restore: bool) -> String {
    format!(
        "id: own\nversion: 1\ntitle: t\nrules:\n  - id: cards\n    check: {{ sensitive: {{ detectors: [payment-card] }} }}\n    \
         points: [user, history, output]\n    action: tokenise\n    restore: {restore}\n"
    )
}

fn tokens(folder: &tempfile::TempDir, more: &str) -> String {
    let key = folder.path().join("key");
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    format!("---[gate.tokens]\nkey = \"file:{}\"\n{more}", key.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_never_sees_a_value_and_the_client_gets_it_back() {
    let keys = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let (gate, _folder) = guarded(&stub, &profile(true), &tokens(&keys, "")).await;
    let text = format!("My card is {CARD}, visa, expires 11/29. Is {CARD} mine?");
    for is_stream in [false, true] {
        let got = ask(&gate, &chat(&text, is_stream)).await;
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(said(&got), text, "stream: {is_stream}");
        let sent = seen(&stub);
        assert!(!sent.contains(CARD) && !sent.contains("4111"), "{sent}");
    }
    let row = gate.rows.decision(2).await;
    assert_eq!((row["Action"].as_str(), row["ValuesTokenised"].as_u64()), (Some("tokenise"), Some(2)));
    assert_eq!(row["ValuesRestored"].as_u64(), Some(2), "{row:?}");
    assert!(!gate.rows.text().contains(CARD), "values are not recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_stay_where_no_rule_restores_them_and_belong_to_a_session() {
    let keys = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let (gate, _folder) = guarded(&stub, &profile(false), &tokens(&keys, "keep_first = 4")).await;
    let body = chat(&format!("My card is {CARD}, visa."), false).to_string();
    let mut told = Vec::new();
    for session in ["one", "one", "two"] {
        let headers = [("content-type", "application/json"), ("x-castellan-session", session)];
        let got = gate.send("POST", "/v1/chat/completions", &headers, body.clone()).await;
        let token = said(&got);
        assert!(!token.contains(CARD) && token.contains("4111 "), "{token}");
        told.push(token);
    }
    assert_eq!(told[0], told[1], "one value has one token in a session");
    assert_ne!(told[0], told[2], "and another one in another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_back_over_pieces_of_a_stream_and_in_arguments() {
    let keys = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let profile = profile(true).replace("[payment-card]", "[email-address]");
    let (gate, _folder) = guarded(&stub, &profile, &tokens(&keys, "form = \"numbered\"")).await;
    let body = chat("Write to ann.smith@example.com, please.", true);
    let got = ask(&gate, &body).await;
    assert_eq!(said(&got), "Write to ann.smith@example.com, please.", "{}", got.text());
    assert!(seen(&stub).contains("_1>"), "{}", seen(&stub));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_redacted_by_one_profile_is_no_token_of_another() {
    let keys = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let (gate, folder) = guarded(&stub, &profile(true), &tokens(&keys, "")).await;
    drop(gate);
    let redacts =
        profile(false).replace("id: own", "id: more").replace("tokenise\n    restore: false", "redact");
    std::fs::write(folder.path().join("more.yaml"), redacts).unwrap();
    let more = format!("model_profiles.m = [\"more\"]\n{}", tokens(&keys, ""));
    let gate = super::running(&stub, &folder, &more).await;
    let got = ask(&gate, &chat(&format!("My card is {CARD}, visa."), false)).await;
    assert!(said(&got).contains("<PAYMENT_CARD>"), "{}", got.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_in_a_string_stays_json_when_a_value_comes_back() {
    let keys = tempfile::tempdir().unwrap();
    let script = "rules:\n  - { tool_calls: [{ name: pay, arguments: { card: x } }] }\n";
    let stub = scripted(script).await;
    let (gate, _folder) = guarded(&stub, &profile(true), &tokens(&keys, "")).await;
    let arguments = json!({"card": CARD}).to_string();
    let call = json!({"id": "c", "type": "function", "function": {"name": "pay", "arguments": arguments}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Pay."}, {"role": "assistant", "tool_calls": [call]}]});
    assert_eq!(ask(&gate, &body).await.status, 200);
}

#[test]
fn a_profile_that_tokenises_needs_a_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.yaml"), profile(true)).unwrap();
    let text = format!(
        "[gate]\nanonymous = true\nprofiles = [\"own\"]\nguardrails = {:?}\n[gate.upstreams]\nmodels.m.members = [{{ url = \"http://127.0.0.1:1/v1\" }}]\n",
        folder.path()
    );
    let recorder = std::sync::Arc::new(super::super::gate::Rows::default());
    let gate =
        Gate::new(config::read(&text).unwrap(), std::sync::Arc::new(castellan_base::OsSystem), recorder);
    assert!(gate.unwrap_err().to_string().contains("[gate.tokens]"));
}
