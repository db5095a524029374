//! What nobody should send; the server answers the next request all the same.

use std::time::{Duration, Instant};

use castellan_server::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Running, free, start, usual};

async fn is_alive(server: &Running) {
    let asked = json!({ "text": "mail a@b.co", "language": "en" });
    let (status, answer) = server.post("/analyze", &asked).await;
    assert_eq!((status, answer[0]["entity_type"].as_str()), (200, Some("EMAIL_ADDRESS")));
}

async fn refused(server: &Running, path: &str, body: impl Into<reqwest::Body>, status: u16) {
    let (actual, answer) = server.send(path, body).await;
    assert!(actual == status && answer["error"].is_string(), "{actual} {answer}");
    is_alive(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_request() {
    let server = usual().await;
    for path in ["/analyze", "/anonymize", "/deanonymize"] {
        for body in ["", "{", "{\"text\":", "\u{feff}{}", "nul", "{\"text\":\"\\ud800\"}", "{\"text\":1e999}"]
        {
            refused(&server, path, body, 400).await;
        }
        for member in ["return_decision_process", "anonymizers", "deanonymizers", "x"] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let (open, close) = (open.repeat(100_000), close.repeat(100_000));
                let (status, _) = server.send(path, format!("{{\"{member}\":{open}0{close}}}")).await;
                assert!(status >= 400, "{path} {member} {status}");
                is_alive(&server).await;
            }
        }
        for body in ["[]", "5", "\"text\"", "[[1]]"] {
            let (status, answer) = server.send(path, body).await;
            assert!((400..500).contains(&status), "{path} {body} {status} {answer}");
        }
        refused(&server, path, vec![0xFF_u8, 0xFE, 0x00], 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large() {
    let config = Config { address: free(), largest_body: 10_000, ..Config::default() };
    let server = start(config).await;
    let body = |length: usize| json!({ "text": "a".repeat(length), "language": "en" }).to_string();
    assert_eq!(server.send("/analyze", body(9_000)).await.0, 200);
    refused(&server, "/analyze", body(10_000), 413).await;
    // Without a length, it is counted while it comes.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /analyze HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("2710\r\n{}\r\n", "a".repeat(10_000));
    let _ = stream.write_all(format!("{chunk}{chunk}0\r\n\r\n").as_bytes()).await;
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 413"));
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_large() {
    let server = usual().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(1_000_000));
    let _ = stream.write_all(head.as_bytes()).await;
    let told = read(&mut stream).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 431"), "{told}");
    is_alive(&server).await;
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(Ok(length @ 1..)) =
        tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await
    {
        bytes.extend_from_slice(&buffer[..length]);
        if bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A server of little patience.
async fn impatient() -> Running {
    let short = Duration::from_secs(1);
    let times = Config { header_time: short, body_time: short, patience: short, ..Config::default() };
    start(Config { address: free(), requests: 2, ..times }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_are_slow() {
    let server = impatient().await;
    let begun = Instant::now();
    let mut head = TcpStream::connect(server.address).await.unwrap();
    head.write_all(b"POST /analyze HTTP/1.1\r\nhost: loc").await.unwrap();
    let mut body = TcpStream::connect(server.address).await.unwrap();
    let request = "POST /analyze HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 100\r\n\r\n{\"text\"";
    body.write_all(request.as_bytes()).await.unwrap();
    is_alive(&server).await;
    assert!(read(&mut body).await.starts_with("HTTP/1.1 408"));
    let told = read(&mut head).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_idle() {
    let server = impatient().await;
    let mut never = TcpStream::connect(server.address).await.unwrap();
    let mut after = TcpStream::connect(server.address).await.unwrap();
    after.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(read(&mut after).await.starts_with("HTTP/1.1 200"));
    for stream in [&mut never, &mut after] {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "it is still open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_are_open_at_once() {
    let short = Duration::from_millis(300);
    let server =
        start(Config { address: free(), connections: 2, header_time: short, ..Config::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_slow_clients_than_there_are_places() {
    let server = impatient().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = "POST /analyze HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
            content-length: 100\r\n\r\n{";
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    for mut stream in streams {
        let told = read(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 408") || told.starts_with("HTTP/1.1 503"), "{told}");
    }
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read() {
    let server = impatient().await;
    let text = "a@b.co ".repeat(100_000);
    let body = json!({ "text": text, "language": "en" }).to_string();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /analyze HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(end.is_err() || answer.len() < 9_000_000, "all {} bytes came", answer.len());
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_entities() {
    let server = usual().await;
    let text = "a ".repeat(20_000);
    let entity =
        |index: usize| json!({ "start": index * 4, "end": index * 4 + 1, "entity_type": "A", "score": 1 });
    let results: Vec<Value> = (0..10_000).map(entity).collect();
    let begun = Instant::now();
    let asked = json!({ "text": text, "analyzer_results": results });
    let (status, answer) = server.post("/anonymize", &asked).await;
    assert_eq!((status, answer["items"].as_array().map(Vec::len)), (200, Some(10_000)));
    assert_eq!(answer["text"].as_str().unwrap().matches("<A>").count(), 10_000);
    // Each overlaps the next, and each is of a type of its own.
    let entity = |index: usize| json!({ "start": index, "end": index + 20_000, "entity_type": format!("T{index}"), "score": 1 });
    let results: Vec<Value> = (0..10_000).map(entity).collect();
    let asked = json!({ "text": text, "analyzer_results": results, "anonymizers": { "DEFAULT": { "type": "keep" } } });
    let (status, answer) = server.post("/anonymize", &asked).await;
    assert!(status == 422 && answer["error"].as_str().unwrap().contains("come to more than"), "{status}");
    let names: Vec<String> = (0..10_000).map(|index| format!("E{index}")).collect();
    let asked = json!({ "text": "a", "language": "en", "entities": names });
    assert_eq!(server.post("/analyze", &asked).await.0, 500);
    assert!(begun.elapsed() < Duration::from_secs(60));
    is_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_are_not_in_the_text() {
    let server = usual().await;
    let places: [(Value, Value); 8] = [
        (json!(0), json!(9)),
        (json!(9), json!(9)),
        (json!(-1), json!(1)),
        (json!(2), json!(1)),
        (json!(0), json!(u64::MAX)),
        (json!(0.5), json!(1)),
        (json!("0"), json!(1)),
        (json!(true), json!(1)),
    ];
    for (start, end) in places {
        let results = json!([{ "start": start, "end": end, "entity_type": "A", "score": 1 }]);
        let asked = json!({ "text": "\u{1f600}\u{e9}", "analyzer_results": results });
        refused(&server, "/anonymize", asked.to_string(), 422).await;
    }
    // The first of two characters, of which each has several bytes.
    let results = json!([{ "start": 0, "end": 1, "entity_type": "A", "score": 1 }]);
    let asked = json!({ "text": "\u{1f600}\u{e9}", "analyzer_results": results });
    assert_eq!(server.post("/anonymize", &asked).await.1["text"], "<A>\u{e9}");
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_that_would_take_long() {
    let server = usual().await;
    let begun = Instant::now();
    for regex in ["(a+)+$", "(a|aa)+b", ".*[^A-Z]|[A-Z]", "(?:a?){50}a{50}"] {
        let pattern = json!({ "name": "p", "regex": regex, "score": 0.5 });
        let recognizer = json!({ "name": "R", "supported_entity": "E", "patterns": [pattern] });
        let text = "a".repeat(50_000);
        let asked =
            json!({ "text": text, "language": "en", "ad_hoc_recognizers": [recognizer], "entities": ["E"] });
        let (status, _) = server.post("/analyze", &asked).await;
        assert!(status == 200 || status == 400, "{regex}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
    is_alive(&server).await;
}
