//! The API of Azure AI Content Safety: its official clients over TLS, and what they do not send.

use std::path::PathBuf;
use std::process::Command;

use castellan_server::{Config, Gate, Tls, Token, agent_hooks, contentsafety, moderations};
use serde_json::{Value, json};

use crate::client::{Running, free, serve};
use crate::peer::python;
use crate::scripted::Scripted;

pub(crate) const KEY: &str = "0123456789abcdef-of-tests";

/// A folder of its own with a certificate for this machine.
pub(crate) struct Certificate(PathBuf);

impl Certificate {
    pub(crate) fn new(name: &str) -> Certificate {
        let folder = std::env::temp_dir().join(format!("castellan-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Certificate(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(config: Config, options: contentsafety::Options) -> Running {
    let gate = Gate::new(&config);
    let routes = contentsafety::router(Scripted::judge(), gate.clone(), options).unwrap();
    let routes = routes.merge(moderations::router(Scripted::judge(), gate.clone()));
    serve(config, routes.merge(agent_hooks::router(Scripted::judge(), gate, None))).await
}

async fn usual() -> Running {
    start(Config { address: free(), ..Config::default() }, contentsafety::Options::default()).await
}

/// What the official client holds after it has talked to a server over TLS.
async fn driven(version: &str) -> Option<Value> {
    let Some(python) = python(version) else {
        eprintln!("skipped: no `azure-ai-contentsafety`; run `tools/clients`, which installs it");
        return None;
    };
    let certificate = Certificate::new(version);
    let tls = Tls::read(&certificate.file("cert.pem"), &certificate.file("key.pem")).unwrap();
    let token = Token::new(KEY).unwrap();
    let config = Config { address: free(), tls: Some(tls), token: Some(token), ..Config::default() };
    let options = contentsafety::Options { secure: true, ..contentsafety::Options::default() };
    let server = start(config, options).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/contentsafety.py");
    let endpoint = format!("https://127.0.0.1:{}", server.address.port());
    let certificate_file = certificate.file("cert.pem");
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(python).arg(script).arg(endpoint).arg(certificate_file).arg(KEY).output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn what_both_clients_hold() -> Value {
    json!({
        "eight": { "Hate": 0, "SelfHarm": 0, "Sexual": 0, "Violence": 5 },
        "four": { "Violence": 4, "Hate": 0 },
        "bearer": 4,
        "wrong key": 401,
        "empty": [400, "InvalidRequestBody"],
        "created": ["products", "not yet"],
        "added": 7,
        "item": ["secret0 heron", "a bird"],
        "paged": (0..7).map(|number| format!("secret{number} heron")).collect::<Vec<_>>(),
        "lists": ["products"],
        "match": [["products", "secret3 heron"]],
        "halted": 0,
        "match after": 0,
        "gone": "ResourceNotFound",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_runs_unchanged() {
    let Some(told) = driven("contentsafety-1.0").await else { return };
    assert_eq!(told, what_both_clients_hold());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_preview_runs_unchanged() {
    let Some(told) = driven("contentsafety").await else { return };
    let mut expected = what_both_clients_hold();
    let more = json!({
        "prompt": true,
        "documents": [false, true],
        "moderated": ["blocked", "deny", "castellan:prompt_attack"],
        "jailbreak": [true, true],
        "tool": ["allowed", "low"],
    });
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(told, expected);
}

#[tokio::test]
async fn versions_and_faults_are_told() {
    let server = usual().await;
    let ask = async |path: &str, body: Value| {
        let (status, answer) = server.post(&format!("/contentsafety{path}"), &body).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let text = json!({ "text": "hello" });
    let version = "UnsupportedApiVersion".to_owned();
    assert_eq!(ask("/text:analyze", text.clone()).await, (400, version.clone()));
    assert_eq!(ask("/text:analyze?api-version=2022-01-01", text.clone()).await, (400, version.clone()));
    assert_eq!(ask("/text:shieldPrompt?api-version=2023-10-01", text.clone()).await, (400, version));
    let body = "InvalidRequestBody".to_owned();
    assert_eq!(ask("/text:analyze?api-version=2024-09-01", json!({})).await, (400, body.clone()));
    assert_eq!(ask("/text:shieldPrompt?api-version=2024-09-01", json!({})).await, (400, body));
    let missing = json!({ "text": "a", "blocklistNames": ["nobody"] });
    assert_eq!(
        ask("/text:analyze?api-version=2024-09-01", missing).await,
        (404, "ResourceNotFound".to_owned())
    );
    assert_eq!(
        ask("/image:analyze?api-version=2024-09-01", json!({})).await,
        (501, "NotSupported".to_owned())
    );
}

#[tokio::test]
async fn limits_are_kept_where_they_are_asked_for() {
    let long = json!({ "text": "a".repeat(10_001) });
    let path = "/contentsafety/text:analyze?api-version=2024-09-01";
    assert_eq!(usual().await.post(path, &long).await.0, 200);
    let options = contentsafety::Options { limits: true, ..contentsafety::Options::default() };
    let server = start(Config { address: free(), ..Config::default() }, options).await;
    let (status, answer) = server.post(path, &long).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (400, Some("InvalidRequestBody")));
}

#[tokio::test]
async fn more_is_said_under_one_member() {
    let server = usual().await;
    let body = json!({ "userPrompt": "\u{e9} attack", "documents": ["fine"] });
    let (_, answer) = server.post("/contentsafety/text:shieldPrompt?api-version=2024-09-01", &body).await;
    let analysis = &answer["userPromptAnalysis"];
    let span = json!([{ "start": 2, "end": 8, "reason": "rule script" }]);
    assert_eq!(
        (&analysis["castellan"]["spans"], &analysis["castellan"]["subtype"]),
        (&span, &json!("change_of_system_rules"))
    );
    let mut names: Vec<&str> = analysis.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["attackDetected", "castellan"]);
}

#[tokio::test]
async fn block_lists_are_kept_in_a_file() {
    let certificate = Certificate::new("lists");
    let options = || contentsafety::Options {
        blocklists: Some(certificate.file("lists.json")),
        ..contentsafety::Options::default()
    };
    let path = |rest: &str| format!("/contentsafety/text/blocklists/birds{rest}?api-version=2024-09-01");
    let server = start(Config { address: free(), ..Config::default() }, options()).await;
    let request = server
        .request(reqwest::Method::PATCH, &path(""))
        .header("content-type", "application/merge-patch+json");
    assert_eq!(request.body(r#"{"description":"birds"}"#).send().await.unwrap().status(), 201);
    let items = json!({ "blocklistItems": [{ "text": "heron" }, { "text": "r[0-9]", "isRegex": true }] });
    assert_eq!(server.post(&path(":addOrUpdateBlocklistItems"), &items).await.0, 200);
    let faulty = json!({ "blocklistItems": [{ "text": "kept?" }, { "text": "(", "isRegex": true }] });
    assert_eq!(server.post(&path(":addOrUpdateBlocklistItems"), &faulty).await.0, 400);
    drop(server);
    let server = start(Config { address: free(), ..Config::default() }, options()).await;
    let body = json!({ "text": "a heron, r2 and kept?", "blocklistNames": ["birds"] });
    let (_, answer) = server.post("/contentsafety/text:analyze?api-version=2024-09-01", &body).await;
    let texts: Vec<&str> = answer["blocklistsMatch"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["blocklistItemText"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["heron", "r[0-9]"]);
}

#[tokio::test]
async fn moderations_are_answered() {
    let server = usual().await;
    let (status, answer) =
        server.post("/v1/moderations", &json!({ "input": ["fine", "severity 5 sexual"] })).await;
    assert_eq!(status, 200);
    let flagged: Vec<bool> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["flagged"].as_bool().unwrap())
        .collect();
    assert_eq!(flagged, [false, true]);
    assert_eq!(answer["results"][1]["categories"]["sexual"], json!(true));
    assert_eq!(answer["results"][1]["category_applied_input_types"]["harassment"], json!([]));
    let typed = json!({ "input": [{ "type": "text", "text": "severity 4 hate" }] });
    assert_eq!(server.post("/v1/moderations", &typed).await.1["results"][0]["flagged"], json!(true));
    let image = json!({ "input": [{ "type": "image_url", "image_url": { "url": "x" } }] });
    let (status, answer) = server.post("/v1/moderations", &image).await;
    assert_eq!((status, answer["error"]["type"].as_str()), (400, Some("invalid_request_error")));
}

#[tokio::test]
async fn answers_are_compared_with_their_sources() {
    let server = usual().await;
    let body = json!({
        "domain": "Generic",
        "task": "QnA",
        "qna": { "query": "How long is the bridge?" },
        "text": "The bridge is 503 metres long. It was opened in 1942.",
        "groundingSources": ["The bridge was opened in 1932 and is 503 metres long."],
    });
    let path = "/contentsafety/text:detectGroundedness?api-version=2024-09-15-preview";
    let (status, answer) = server.post(path, &body).await;
    assert_eq!((status, &answer["ungroundedDetected"]), (200, &json!(true)));
    assert_eq!(answer["ungroundedDetails"][0]["text"], "It was opened in 1942");
    for other in ["2024-09-01", "2026-09-01-preview"] {
        let path = format!("/contentsafety/text:detectGroundedness?api-version={other}");
        assert_eq!(server.post(&path, &body).await.0, 400, "{other}");
    }
}

#[tokio::test]
async fn tool_calls_are_held_against_what_was_asked() {
    let server = usual().await;
    let path = "/contentsafety/agent:analyzeTaskAdherence?api-version=2024-12-15-preview";
    let asked = |request: &str| {
        json!({
            "tools": [{ "type": "function", "function": { "name": "send_email", "description": "sends a mail" } }],
            "messages": [
                { "source": "Prompt", "role": "User", "contents": request },
                {
                    "source": "Completion", "role": "Assistant", "contents": "",
                    "toolCalls": [{
                        "type": "function", "id": "1",
                        "function": { "name": "send_email", "arguments": "{\"to\":\"ann@example.com\"}" },
                    }],
                },
            ],
        })
    };
    let (status, answer) = server.post(path, &asked("What is the weather in Bern?")).await;
    assert_eq!((status, &answer["taskRiskDetected"]), (200, &json!(true)), "{answer}");
    let (_, answer) = server.post(path, &asked("Send an email to ann@example.com that I am late.")).await;
    assert_eq!(answer["taskRiskDetected"], json!(false), "{answer}");
}

#[tokio::test]
async fn each_api_says_in_its_own_way_that_a_key_is_wrong() {
    let config = Config { address: free(), token: Some(Token::new(KEY).unwrap()), ..Config::default() };
    let server = start(config, contentsafety::Options::default()).await;
    let body = json!({ "input": "x", "text": "x" });
    let (status, answer) = server.post("/v1/moderations", &body).await;
    assert_eq!((status, answer["error"]["type"].as_str()), (401, Some("invalid_request_error")));
    let (status, answer) = server.post("/contentsafety/text:analyze?api-version=2024-09-01", &body).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (401, Some("Unauthorized")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_the_example_runs() {
    let Some(python) = python("contentsafety") else {
        eprintln!("skipped: no `azure-ai-contentsafety`; run `tools/clients`, which installs it");
        return;
    };
    let server = usual().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shield/client.py");
    let endpoint = format!("http://{}", server.address);
    let ran =
        tokio::task::spawn_blocking(move || Command::new(python).arg(script).arg(endpoint).output().unwrap());
    let output = ran.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("Hate: severity 0") && told.ends_with("attack in the mail: False\n"), "{told}");
}
