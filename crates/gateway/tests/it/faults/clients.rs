//! Clients that go, and clients that are many.

use std::time::Duration;

use bytes::Bytes;
use castellan_gateway::stub::Options;
use http::Request;
use http_body_util::{BodyExt as _, Full as Whole};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpStream;

use super::super::gate::{Running, keys, running};
use super::super::support::{stub, until};
use super::{CHAT, ask};

const LIMIT: &str = "[[gate.limits.rules]]\nname = \"tokens\"\nper = [\"principal\"]\nunit = \"tokens\"\nwindow = \"hour\"\nlimit = 2000\n";

/// Asks, and goes: before the head of the answer, or after the first piece of its body.
async fn go(gate: &Running, path: &str, before_head: bool) {
    let mut body = ask(true);
    body["max_tokens"] = json!(600);
    body["messages"][0]["content"] = json!("The warehouse opens at nine. ".repeat(170));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{}{path}", gate.address))
        .body(Whole::new(Bytes::from(body.to_string())));
    let answer = client.request(request.unwrap());
    if before_head {
        let early = tokio::time::timeout(Duration::from_millis(150), answer).await;
        assert!(early.is_err(), "{early:?}");
    } else {
        let mut answer = answer.await.unwrap().into_body();
        answer.frame().await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_is_recorded_and_has_used_what_it_reserved() {
    for (path, before_head) in [(CHAT, true), (CHAT, false), ("/v1/messages", false)] {
        let delay = if before_head { Duration::from_secs(60) } else { Duration::ZERO };
        let stub = stub(Options { delay, pause: Duration::from_millis(10), ..Options::default() }).await;
        let gate = running(stub.address(), LIMIT).await;
        go(&gate, path, before_head).await;
        until(|| stub.left() == 1).await;
        let row = gate.rows.decision(1).await;
        assert_eq!(
            (row["Stage"].as_str(), row["IsStream"].as_bool()),
            (Some("cancelled"), Some(true)),
            "{row:?}"
        );
        // Some 1,250 of its tokens and 600 of the answer are gone, so that a second one of that size is refused.
        let mut body = ask(false);
        body["max_tokens"] = json!(600);
        let refused = gate.post(CHAT, &body).await;
        assert_eq!(refused.status, 429, "{path} {before_head}: {}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_do_no_harm() {
    let stub = stub(Options::default()).await;
    let gate = running(stub.address(), "").await;
    let mut idle = Vec::new();
    for _ in 0..2_000 {
        match TcpStream::connect(gate.address).await {
            Ok(stream) => idle.push(stream),
            Err(error) => {
                eprintln!("skipped: the system gives {} connections, not 2,000: {error}", idle.len());
                return;
            }
        }
    }
    let began = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(gate.post(CHAT, &ask(false)).await.status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let told = gate.send("GET", "/metrics", &[], "").await.text();
    let open =
        told.lines().find_map(|line| line.strip_prefix("castellan_gate_connections ")?.parse::<u32>().ok());
    assert!(open > Some(2_000), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_when_all_places_are_taken_waits_for_one() {
    let stub = stub(Options::default()).await;
    let gate = running(stub.address(), "bounds = { connections = 20, header_ms = 400 }").await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(gate.address).await.unwrap());
    }
    let began = std::time::Instant::now();
    let got = tokio::time::timeout(Duration::from_secs(5), gate.post(CHAT, &ask(false))).await.unwrap();
    assert!(got.status == 200 && began.elapsed() > Duration::from_millis(200), "{:?}", began.elapsed());
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_principal_does_not_keep_others_out() {
    let stub = stub(Options { pause: Duration::from_millis(100), ..Options::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (config, keys) = keys(folder.path(), &["ann", "bob"]);
    let rules = "[[gate.limits.concurrent]]\nname = \"at once\"\nper = [\"principal\"]\nlimit = 2\n";
    let gate = running(stub.address(), &format!("{config}\n{rules}")).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let send = |key: &str, path: &str| {
        let mut body = ask(true);
        body["messages"][0]["content"] = json!("The warehouse opens at nine. ".repeat(10));
        body["max_tokens"] = json!(9);
        let request = Request::post(format!("http://{}{path}", gate.address)).header("x-api-key", key);
        client.request(request.body(Whole::new(Bytes::from(body.to_string()))).unwrap())
    };
    let one = send(&keys[0], CHAT).await.unwrap();
    let other = send(&keys[0], CHAT).await.unwrap();
    assert_eq!((one.status().as_u16(), other.status().as_u16()), (200, 200));
    for (path, kind) in [(CHAT, "rate_limit_exceeded"), ("/v1/messages", "rate_limit_error")] {
        let third = send(&keys[0], path).await.unwrap();
        assert_eq!((third.status().as_u16(), third.headers()["retry-after"].to_str().unwrap()), (429, "1"));
        let text = third.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(kind) && text.contains("at once"), "{text}");
    }
    let row = gate.rows.decision(2).await;
    assert_eq!(
        (row["Stage"].as_str(), row["Reason"].as_str()),
        (Some("meter"), Some("limit:at once")),
        "{row:?}"
    );
    assert_eq!(send(&keys[1], CHAT).await.unwrap().status(), 200, "others are let in");
    // One that has ended makes room, and so does one whose client has gone.
    drop(one);
    until(|| gate.rows.of("CastellanGateDecisions").iter().any(|row| row["Stage"] == "cancelled")).await;
    assert_eq!(send(&keys[0], CHAT).await.unwrap().status(), 200);
    other.into_body().collect().await.unwrap();
    assert_eq!(send(&keys[0], CHAT).await.unwrap().status(), 200);
}
