//! What guardrails do with what they find, through the gate: tokens, transforms, checks, approvals, policies about answers.

mod approvals;
mod checks;
mod released;
mod tokens;
mod transforms;

use castellan_gateway::stub::Stub;
use serde_json::{Value, json};

use super::gate::{Got, Running, configured};

/// A gate in front of a stub, with a profile of its own and what else `[gate]` says; tables come after `---`.
async fn guarded(stub: &Stub, profile: &str, gate: &str) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.yaml"), profile).unwrap();
    let gate = running(stub, &folder, gate).await;
    (gate, folder)
}

async fn running(stub: &Stub, folder: &tempfile::TempDir, gate: &str) -> Running {
    let (top, tables) = gate.split_once("---").unwrap_or((gate, ""));
    let who = if top.contains("keys =") { "" } else { "anonymous = true" };
    let text = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\n{who}\nprofiles = [\"own\"]\nguardrails = {:?}\n{top}\n{tables}\n\
         [gate.upstreams]\nmodels.\"*\".members = [{{ url = \"{}\", form = \"ollama\" }}]\n",
        folder.path(),
        stub.url()
    );
    configured(&text).await
}

fn chat(text: &str, is_stream: bool) -> Value {
    json!({"model": "m", "stream": is_stream, "messages": [{"role": "user", "content": text}]})
}

async fn ask(gate: &Running, body: &Value) -> Got {
    gate.post("/v1/chat/completions", body).await
}

/// What the model has said, whole or as a stream.
fn said(got: &Got) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(&got.body) {
        return value["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
    }
    let text = got.text();
    let events =
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    events
        .map(|event| event["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// What the upstream was asked last.
fn seen(stub: &Stub) -> String {
    stub.seen().pop().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).unwrap_or_default()
}
