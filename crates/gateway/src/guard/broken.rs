//! Engines that panic: nothing passes that was not looked at, and the gate goes on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use castellan_base::OsSystem;
use http::Request;
use http_body_util::{BodyExt as _, Full as Whole};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};

use crate::record::{Full, Recorder};
use crate::stub::{Options, Script, Stub};
use crate::{Gate, Listener, config};

#[derive(Default)]
struct Rows(Mutex<Vec<Map<String, Value>>>);

impl Recorder for Rows {
    fn record(&self, table: &'static str, rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        if table == crate::record::DECISIONS {
            self.0.lock().unwrap().extend(rows);
        }
        Ok(())
    }
}

struct Running {
    gate: Arc<Gate>,
    stub: Stub,
    rows: Arc<Rows>,
    url: String,
    client: Client<HttpConnector, Whole<Bytes>>,
}

async fn running(gate: &str) -> Running {
    let script = Script::read("rules: [{ text: some words that are fine, pause_ms: 30 }]").unwrap();
    let stub = Stub::bind(([127, 0, 0, 1], 0).into(), Options::scripted(script)).await.unwrap();
    let text = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n{gate}\n[gate.upstreams]\nmodels.\"*\".members = [{{ url = \"{}/v1\" }}]\n",
        stub.url()
    );
    let rows = Arc::new(Rows::default());
    let recorder = Arc::clone(&rows) as Arc<dyn Recorder>;
    let gate = Arc::new(Gate::new(config::read(&text).unwrap(), Arc::new(OsSystem), recorder).unwrap());
    let listener = Listener::bind(Arc::clone(&gate)).await.unwrap();
    let url = format!("http://{}/v1/chat/completions", listener.address());
    tokio::spawn(listener.run(std::future::pending(), |_| {}));
    let client = Client::builder(TokioExecutor::new()).build_http();
    Running { gate, stub, rows, url, client }
}

impl Running {
    fn breaks(&self, is_broken: bool) {
        self.gate.inspector.is_broken.store(is_broken, Ordering::Relaxed);
    }

    /// The status and the body of an answer. In between, once the head is there, the engines may be broken.
    async fn ask(&self, is_stream: bool, breaks: bool) -> (u16, String) {
        let body = json!({"model": "m", "stream": is_stream, "messages": [{"role": "user", "content": "What is it that you say?"}]});
        let request = Request::post(&self.url).header("content-type", "application/json");
        let request = request.body(Whole::new(Bytes::from(body.to_string()))).unwrap();
        let answer = self.client.request(request).await.unwrap();
        if breaks {
            self.breaks(true);
        }
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn last(&self) -> Map<String, Value> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.rows.0.lock().unwrap().last().cloned().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_looked_at_is_refused_and_the_next_one_is_served() {
    let running = running("").await;
    running.breaks(true);
    let (status, body) = running.ask(false, false).await;
    assert!(status == 400 && body.contains("content_filter"), "{status} {body}");
    assert_eq!(running.stub.requests(), 0);
    let row = running.last().await;
    assert_eq!((row["Action"].as_str(), row["Stage"].as_str()), (Some("block"), Some("inspect_request")));
    assert!(row["Findings"].to_string().contains("\"failed\":true"), "{row:?}");
    running.breaks(false);
    assert_eq!(running.ask(false, false).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_looked_at_ends_as_a_blocked_one() {
    let running = running("").await;
    let (status, body) = running.ask(true, true).await;
    assert_eq!(status, 200);
    assert!(
        !body.contains("fine") && body.contains("content_filter") && body.ends_with("data: [DONE]\n\n"),
        "{body}"
    );
    assert_eq!(running.last().await["Stage"].as_str(), Some("inspect_answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_may_say_that_failures_are_told_instead() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "id: lenient\nversion: 1\ntitle: t\nrules:\n  - { id: a, check: { attack: {} }, points: [user], action: block, on_failure: annotate }\n";
    std::fs::write(folder.path().join("lenient.yaml"), profile).unwrap();
    let running = running(&format!("profiles = [\"lenient\"]\nguardrails = {:?}", folder.path())).await;
    running.breaks(true);
    assert_eq!(running.ask(false, false).await.0, 200);
    let row = running.last().await;
    assert_eq!(row["Action"].as_str(), Some("annotate"));
    assert!(row["Findings"].to_string().contains("\"failed\":true"), "{row:?}");
}
