//! Servers that are programs.

use serde_json::{Value, json};

use super::{ask, gate, labels, names};

fn program(arguments: &[&str], environment: &str) -> Option<String> {
    let python = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let Some(python) = python.into_iter().find(|path| std::path::Path::new(path).exists()) else {
        eprintln!("skipped: no python3, which the program of this test needs");
        return None;
    };
    let arguments: Vec<String> = arguments.iter().map(|argument| format!("{argument:?}")).collect();
    let arguments = arguments.join(", ");
    Some(format!(
        "[[gate.mcp.servers]]\nid = \"own\"\nat = {{ stdio = {{ program = \"{python}\", arguments = [{arguments}], environment = {{ {environment} }} }} }}\n{}",
        labels("own", "[]")
    ))
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/mcp_server.py");

/// The last message of an answer, be it a stream or not.
fn last(text: &str) -> Value {
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    serde_json::from_str(last.unwrap_or(text)).unwrap_or_else(|_| panic!("{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_started_used_and_started_again() {
    let Some(servers) = program(&[SCRIPT], "OWN = \"plain\", FROM = \"env:HOME\"") else { return };
    let (gate, _folder) = gate(&servers, "").await;
    assert_eq!(names(&gate, "/mcp").await, ["echo", "environment", "die"]);
    let call = async |name: &str| {
        let params = json!({"name": name, "arguments": {"text": "good morning"}});
        ask(&gate, "/mcp", "tools/call", params).await.text()
    };
    let said = call("echo").await;
    assert!(said.contains("half of it"), "{said}");
    assert_eq!(last(&said)["result"]["content"][0]["text"], "good morning");
    assert_eq!((&last(&said)["id"], &last(&said)["result"]["resultType"]), (&json!(7), &json!("complete")));
    let environment = last(&call("environment").await)["result"]["content"][0]["text"].to_string();
    assert!(environment.contains(";plain") && environment.contains("FROM"), "{environment}");
    assert!(!environment.contains("HOME") && !environment.contains("CARGO"), "{environment}");
    // Two requests at once take turns.
    let (one, two) = tokio::join!(call("echo"), call("echo"));
    for answer in [one, two] {
        assert_eq!(last(&answer)["result"]["content"][0]["text"], "good morning");
    }
    assert_eq!(last(&call("die").await)["error"]["code"], -32603);
    // It is not started again at once.
    assert_eq!(last(&call("echo").await)["error"]["code"], -32603);
    let row = gate.rows.of("CastellanGateDecisions").pop().unwrap();
    assert!(row["McpEvents"].to_string().contains("started again"), "{row:?}");
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(last(&call("echo").await)["result"]["content"][0]["text"], "good morning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_says_no_message_fails() {
    let Some(servers) = program(&["-c", "print('hello', flush=True); import time; time.sleep(60)"], "")
    else {
        return;
    };
    let (gate, _folder) = gate(&servers, "").await;
    let listed = ask(&gate, "/mcp", "tools/list", json!({})).await.json();
    assert_eq!(listed["error"]["code"], -32603, "{listed}");
    let row = gate.rows.decision(1).await;
    assert!(row["McpEvents"].to_string().contains("no message"), "{row:?}");
}
