//! Bodies that are held at once.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::gate::{Running, running};
use super::support::{scripted, until};

const CHAT: &str = "/v1/chat/completions";
/// Room for two bodies of 64 KiB and a little more.
const BOUNDS: &str =
    "bounds = { request_bytes = 100_000, answer_bytes = 100_000, held_bytes = 160_000, held_wait_ms = 300 }";

fn ask(text: &str, is_stream: bool) -> Value {
    json!({"model": "m", "stream": is_stream, "messages": [{"role": "user", "content": text}]})
}

async fn metric(gate: &Running, name: &str) -> u64 {
    let told = gate.send("GET", "/metrics", &[], "").await.text();
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {told}"))
}

/// A connection that has sent most of a large body, and says nothing more.
async fn holding(gate: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 70000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b' '; 65_536]).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_refused_and_told_when_to_come_back() {
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), &format!("profiles = []\n{BOUNDS}")).await;
    let held = [holding(&gate).await, holding(&gate).await];
    for _ in 0..500 {
        if metric(&gate, "castellan_gate_held_bytes").await >= 131_072 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What announces much and sends nothing takes nothing.
    let mut idle = TcpStream::connect(gate.address).await.unwrap();
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90000\r\n\r\n");
    idle.write_all(head.as_bytes()).await.unwrap();
    let small = gate.post(CHAT, &ask("When do you open?", false)).await;
    assert_eq!(small.status, 200, "{}", small.text());
    let large = "The warehouse opens at nine. ".repeat(2_000);
    for (path, body) in [
        (CHAT, ask(&large, false)),
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": large}]}),
        ),
    ] {
        let began = std::time::Instant::now();
        let got = gate.post(path, &body).await;
        assert_eq!((got.status, got.headers["retry-after"].to_str().unwrap()), (503, "1"), "{}", got.text());
        assert!(began.elapsed() >= Duration::from_millis(250), "it waits first: {:?}", began.elapsed());
        let kind = got.json().pointer("/error/type").cloned();
        let expected = if path == CHAT { "server_error" } else { "overloaded_error" };
        assert_eq!(kind, Some(json!(expected)), "{}", got.text());
    }
    let row = gate.rows.decision(3).await;
    assert_eq!(
        (row["Stage"].as_str(), row["Reason"].as_str()),
        (Some("read"), Some("memory_full")),
        "{row:?}"
    );
    assert_eq!(metric(&gate, "castellan_gate_held_refused_total").await, 2);
    // Once others have gone there is room again, and whoever waits for it gets it.
    let waiting = async { gate.post(CHAT, &ask(&large, false)).await };
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(held);
    };
    let (got, ()) = tokio::join!(waiting, leaving);
    assert_eq!(got.status, 200, "{}", got.text());
    until(|| gate.rows.of("CastellanGateDecisions").len() >= 6).await;
    drop(idle);
    for _ in 0..500 {
        if metric(&gate, "castellan_gate_held_bytes").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is held forever");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_take_room_until_the_client_has_them() {
    let large = "word ".repeat(16_000);
    let stub = scripted(&format!("rules: [{{ match: {{ contains: long }}, text: \"{large}\" }}]")).await;
    let gate = running(stub.address(), BOUNDS).await;
    let held = [holding(&gate).await, holding(&gate).await];
    for _ in 0..500 {
        if metric(&gate, "castellan_gate_held_bytes").await >= 131_072 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let got = gate.post(CHAT, &ask("a long one", false)).await;
    assert_eq!(got.status, 503, "{}", got.text());
    let row = gate.rows.decision(1).await;
    assert_eq!(
        (row["Stage"].as_str(), row["Reason"].as_str()),
        (Some("inspect_answer"), Some("memory_full"))
    );
    // A stream that finds no room breaks off: it is not made to look whole, and nothing passes unseen.
    let got = gate.post(CHAT, &ask("a long one", true)).await;
    assert!(got.status == 200 && !got.text().contains("[DONE]"), "{}", got.text().len());
    let row = gate.rows.decision(2).await;
    assert_eq!(
        (row["Reason"].as_str(), row["StatusCode"].as_u64()),
        (Some("memory_full"), Some(503)),
        "{row:?}"
    );
    drop(held);
    let got = gate.post(CHAT, &ask("a long one", true)).await;
    assert!(got.text().contains("[DONE]"));
    assert_eq!(gate.post(CHAT, &ask("a long one", false)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_its_answer() {
    // More than the system takes on its way to a client that does not read.
    let large = "word ".repeat(780_000);
    let stub = scripted(&format!("rules: [{{ text: \"{large}\" }}]")).await;
    let bounds = "bounds = { request_bytes = 1_000_000, answer_bytes = 8_000_000, held_bytes = 20_000_000 }";
    let gate = running(stub.address(), &format!("profiles = []\n{bounds}")).await;
    let body = ask("x", false).to_string();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(gate.address).await.unwrap();
    let request =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = vec![0_u8; 1_000];
    stream.read_exact(&mut text).await.unwrap();
    assert!(text.starts_with(b"HTTP/1.1 200"));
    assert_eq!(gate.rows.decision(1).await["Stage"], "done");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let held = metric(&gate, "castellan_gate_held_bytes").await;
    assert!(held >= 3_900_000, "{held}");
    drop(stream);
    for _ in 0..500 {
        if metric(&gate, "castellan_gate_held_bytes").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is held forever");
}

#[test]
fn room_for_less_than_one_body_is_refused() {
    let text = "[gate]\nanonymous = true\nbounds = { held_bytes = 1000 }\n[gate.upstreams]\nmodels.m.members = [{ url = \"http://127.0.0.1:1/v1\" }]\n";
    let config = castellan_gateway::config::read(text).unwrap();
    let rows = std::sync::Arc::new(super::gate::Rows::default());
    let made = castellan_gateway::Gate::new(config, std::sync::Arc::new(castellan_base::OsSystem), rows);
    let fault = made.err().unwrap().to_string();
    assert!(fault.contains("`bounds.held_bytes` (1000)"), "{fault}");
}
