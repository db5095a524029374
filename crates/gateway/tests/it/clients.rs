//! The official clients of OpenAI and Anthropic, unchanged, through the gate. `tools/clients` installs them.

use std::path::PathBuf;
use std::process::Command;

use castellan_access::key::{Issue, KeyStore, Pepper, Scopes};
use castellan_base::{OsSystem, System as _};
use serde_json::{Value, json};

use super::gate::{Running, configured};
use super::support::scripted;

const KEY: &str = "AKIAQ3EGRZ5XVHW4KLM2";
const SCRIPT: &str = r#"
rules:
  - match: { contains: weather }
    tool_calls: [{ name: get_weather, arguments: { city: Paris } }]
  - match: { contains: threaten }
    text: "Well. I will find you and kill you and your whole family, you filthy animal."
  - match: { contains: leak }
    text: "The deploy uses aws_access_key_id = AKIAQ3EGRZ5XVHW4KLM2 for the bucket."
"#;

/// The Python in which `tools/clients` has installed the clients.
fn python() -> Option<PathBuf> {
    let clients = OsSystem.env("CASTELLAN_CLIENTS").map(PathBuf::from);
    let home = || Some(PathBuf::from(OsSystem.env("HOME")?).join(".cache/castellan/clients"));
    let python = clients.or_else(home)?.join("gate/bin/python");
    python.exists().then_some(python)
}

/// A store of keys in a folder, with one key for all models and one for `m` alone.
pub(crate) struct Keys {
    folder: tempfile::TempDir,
    pub(crate) all: String,
    pub(crate) narrow: String,
}

impl Keys {
    pub(crate) fn new() -> Keys {
        let folder = tempfile::tempdir().unwrap();
        let pepper = "11".repeat(32);
        std::fs::write(folder.path().join("pepper"), &pepper).unwrap();
        let hash = *blake3::Hash::from_hex(&pepper).unwrap().as_bytes();
        let store = KeyStore::open(folder.path().join("keys.json"), Pepper::new(hash)).unwrap();
        let issue = |scopes: Scopes| {
            let issue = Issue {
                owner: "ann".into(),
                name: "app".into(),
                labels: Default::default(),
                scopes,
                groups: Vec::new(),
                budget: None,
                not_before: None,
                expires: None,
                by: "tests".into(),
            };
            store.issue(issue, OsSystem.now()).unwrap().key.reveal().to_owned()
        };
        let narrow = serde_json::from_value(json!({"models": ["m"]})).unwrap();
        let (all, narrow) = (issue(Scopes::all_models()), issue(narrow));
        Keys { folder, all, narrow }
    }

    /// The lines of a configuration that name it.
    pub(crate) fn lines(&self) -> String {
        let folder = self.folder.path().display();
        format!("keys = \"{folder}/keys.json\"\npepper = \"file:{folder}/pepper\"\n")
    }
}

/// What a client holds after it has asked everything.
async fn driven(script: &str) -> Option<(Value, Running)> {
    let Some(python) = python() else {
        eprintln!("skipped: no `openai` and `anthropic`; run `tools/clients`, which installs them");
        return None;
    };
    let stub = scripted(SCRIPT).await;
    let keys = Keys::new();
    let member = format!("[{{ url = \"{}\", form = \"ollama\" }}]", stub.url());
    let gate = configured(&format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\n{}\n[gate.upstreams]\nmodels.m.members = {member}\nmodels.other.members = {member}\n\
         models.scarce.members = {member}\n[[gate.limits.rules]]\nname = \"scarce\"\nper = [\"key\"]\nunit = \"requests\"\n\
         window = \"hour\"\nlimit = 2\nonly = {{ model = [\"scarce\"] }}\n",
        keys.lines()
    ))
    .await;
    let script = format!("{}/tests/it/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let url = format!("http://{}", gate.address);
    let (all, narrow) = (keys.all.clone(), keys.narrow.clone());
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(python).arg(script).args([&url, &all, &narrow]).output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded = gate.rows.text();
    assert!(!recorded.contains(&keys.all) && !recorded.contains(KEY), "a secret was recorded");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(KEY), "a secret has passed");
    Some((serde_json::from_slice(&output.stdout).unwrap(), gate))
}

fn check(held: &Value, expected: &Value) {
    for (name, expected) in expected.as_object().unwrap() {
        assert_eq!(&held[name], expected, "{name}");
    }
}

/// A text whose credential is gone and whose rest is there.
fn check_redacted(text: &Value) {
    let text = text.as_str().unwrap();
    assert!(text.starts_with("The deploy uses") && text.ends_with(" for the bucket."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openai() {
    let Some((held, _gate)) = driven("openai_client.py").await else { return };
    let said = "When do you open?";
    for name in ["openai", "azure", "azure v1"] {
        let of = |what: &str| &held[format!("{name} {what}")];
        assert_eq!(of("chat"), said, "{name}");
        assert_eq!(of("stream"), &json!([[said, "stop"]]), "{name}");
        assert_eq!(of("tool result"), "It is sunny in the city.", "{name}");
        assert_eq!(of("tools"), &json!(["tool_calls", "get_weather", "{\"city\":\"Paris\"}"]), "{name}");
        assert_eq!(of("tools stream"), &json!([["get_weather"], "{\"city\":\"Paris\"}"]), "{name}");
        let refused = json!(["BadRequestError", 400, "content_filter"]);
        assert_eq!((of("blocked prompt"), of("blocked prompt stream")), (&refused, &refused), "{name}");
        assert_eq!(of("blocked answer"), &json!([null, "content_filter"]), "{name}");
        let stream = of("blocked stream");
        assert_eq!(stream[0][1], "content_filter", "{name}: {stream}");
        assert!(!stream.to_string().contains("kill"), "{name}: {stream}");
        check_redacted(of("redacted"));
        check_redacted(&of("redacted stream")[0][0]);
        assert_eq!(of("embeddings"), 2, "{name}");
    }
    check(
        &held,
        &json!({
            "two": [said, said], "two stream": [[said, "stop"], [said, "stop"]], "usage": true, "helper": said, "request id": 36,
            "completion": said, "completion stream": said,
            "response": said, "response stream": [said, "response.completed"], "response helper": said,
            "response tools": ["function_call", "get_weather", "{\"city\":\"Paris\"}"],
            "response tools stream": "{\"city\":\"Paris\"}", "response tool result": "It is sunny in the city.",
            "response blocked prompt": ["BadRequestError", 400, "content_filter"],
            "response blocked": ["incomplete", "content_filter", ""],
            "response blocked stream": ["response.incomplete", "content_filter", false],
            "moderation": false, "models": ["m", "other", "scarce"], "model": "m",
            "annotations": [{"filtered": false, "detected": false}, "safe"],
            "inner error": ["ResponsibleAIPolicyViolation", {"filtered": true, "detected": true}], "azure token": said,
            "none": ["AuthenticationError", 401, "invalid_api_key"],
            "two keys": ["BadRequestError", 400, "ambiguous_credential"],
            "forbidden": ["PermissionDeniedError", 403, "forbidden"], "narrow": said, "subscription key": said,
            "limited": ["RateLimitError", 429, "rate_limit_exceeded"],
            "unknown model": ["NotFoundError", 404, "model_not_found"],
        }),
    );
    check_redacted(&held["response redacted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic() {
    let Some((held, gate)) = driven("anthropic_client.py").await else { return };
    let said = "When do you open?";
    let refused = json!(["BadRequestError", 400, "invalid_request_error"]);
    check(
        &held,
        &json!({
            "message": said, "system": said, "system parts": said, "stream": [said, "message_start", "message_stop"],
            "helper": [said, "end_turn"], "tools": ["tool_use", "get_weather", {"city": "Paris"}],
            "tools stream": ["tool_use", "get_weather", {"city": "Paris"}], "tool result": "It is sunny in the city.",
            "tokens": true, "blocked prompt": refused, "blocked prompt stream": refused, "blocked tool result": refused,
            "blocked count": refused, "blocked answer": ["", "refusal"], "blocked stream": [false, "refusal"],
            "bearer": said, "prefixed": said, "none": ["AuthenticationError", 401, "authentication_error"],
            "forbidden": ["PermissionDeniedError", 403, "permission_error"],
            "limited": ["RateLimitError", 429, "rate_limit_error"],
        }),
    );
    check_redacted(&held["redacted"]);
    check_redacted(&held["redacted stream"]);
    assert!(gate.rows.of("CastellanGateDecisions").len() > 20);
}
