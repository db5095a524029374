//! Servers that fail, and clients that go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use castellan_gateway::stub::Options;
use castellan_gateway::upstream::{BodyError, Phase, Standing, UpstreamError};
use http_body_util::BodyExt as _;

use crate::support::{chat, content, document, one, raw, scripted, streaming, stub, until, upstreams, whole};

/// What comes of one request to a stub whose every answer has a fault, when nothing is tried again.
async fn fault(name: &str, more: &str) -> Result<(), String> {
    let stub =
        scripted(&format!("rules: [{{ fault: {name}, text: some words to break in the middle }}]")).await;
    let upstreams = one(&stub, &format!("retry.attempts = 1\n{more}"));
    match upstreams.send(streaming("hi")).await {
        Err(error) => Err(format!("head: {}", error.kind())),
        Ok(answer) => match answer.body.collect().await {
            Ok(_) => Ok(()),
            Err(BodyError::Broken { .. }) => Err("body: broken".to_owned()),
            Err(BodyError::Timeout { phase, .. }) => Err(format!("body: {phase:?}")),
        },
    }
}

#[tokio::test]
async fn every_fault_is_told() {
    let quick = "timeouts.first_byte_ms = 200\ntimeouts.between_bytes_ms = 200";
    for (name, expected) in [
        ("reset", Err("head: broken")),
        ("close", Err("head: broken")),
        ("stall", Err("head: timeout")),
        ("reset-midway", Err("body: broken")),
        ("truncated", Err("body: broken")),
        ("stall-midway", Err("body: BetweenBytes")),
        // These end properly as HTTP; who reads the events has to notice.
        ("malformed-sse", Ok(())),
        ("unfinished", Ok(())),
    ] {
        assert_eq!(fault(name, quick).await, expected.map_err(str::to_owned), "{name}");
    }
}

#[tokio::test]
async fn what_never_got_an_answer_is_tried_again() {
    for first in
        ["fault: reset", "fault: close", "status: 500", "status: 503", "status: 429, retry_after_ms: 50"]
    {
        let stub = scripted(&format!("rules: [{{ times: 1, {first} }}, {{ text: fine }}]")).await;
        let answer = one(&stub, "").send(chat("hi")).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.attempts), (200, 2), "{first}");
        assert_eq!(content(&document(answer).await), "fine");
        assert_eq!(stub.requests(), 2, "{first}");
    }
}

#[tokio::test]
async fn what_has_effects_is_not_sent_twice() {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let address = raw(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        String::new()
    })
    .await;
    let member = format!("models.m.members = [{{ url = \"http://{address}/v1\" }}]");
    let mut call = chat("hi");
    call.path = "/v1/files".to_owned();
    assert_eq!(upstreams(&member).send(call).await.unwrap_err().kind(), "broken");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let careful = upstreams(&format!("retry.after_send = false\n{member}"));
    assert_eq!(careful.send(chat("hi")).await.unwrap_err().kind(), "broken");
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!(upstreams(&member).send(chat("hi")).await.unwrap_err().kind(), "broken");
    assert_eq!(count.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_first_byte() {
    let stub = scripted("rules: [{ fault: truncated, text: some words that end }]").await;
    let answer = one(&stub, "").send(streaming("hi")).await.unwrap();
    assert!(answer.body.collect().await.is_err());
    assert_eq!(stub.requests(), 1);
}

#[tokio::test]
async fn the_upstreams_own_error_is_given_when_nothing_better_comes() {
    let stub = scripted("rules: [{ status: 429, retry_after: 60, message: slow down }]").await;
    let upstreams = one(&stub, "");
    let answer = upstreams.send(chat("hi")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (429, 1));
    assert_eq!(answer.headers.get("retry-after").unwrap(), "60");
    assert!(document(answer).await.to_string().contains("slow down"));
    // It asked to be left alone, and is.
    let error = upstreams.send(chat("hi")).await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(58) && wait <= Duration::from_secs(60), "{wait:?}");
    assert_eq!(stub.requests(), 1);
}

#[tokio::test]
async fn a_client_that_goes_before_the_head_stops_the_upstream() {
    let stub = stub(Options { delay: Duration::from_secs(60), ..Options::default() }).await;
    let upstreams = one(&stub, "");
    let gone = tokio::time::timeout(Duration::from_millis(100), upstreams.send(chat("hi"))).await;
    assert!(gone.is_err());
    until(|| stub.left() == 1).await;
}

#[tokio::test]
async fn a_client_that_goes_during_the_body_stops_the_upstream() {
    let stub = stub(Options { pause: Duration::from_millis(20), ..Options::default() }).await;
    let upstreams = one(&stub, "");
    let mut answer = upstreams.send(streaming(&"word ".repeat(1_000))).await.unwrap();
    answer.body.frame().await.unwrap().unwrap();
    drop(answer);
    until(|| stub.left() == 1).await;
}

#[tokio::test]
async fn the_whole_has_a_deadline() {
    let stub = stub(Options { pause: Duration::from_millis(30), ..Options::default() }).await;
    let mut call = streaming(&"word ".repeat(1_000));
    call.deadline = Some(Instant::now() + Duration::from_millis(300));
    let began = Instant::now();
    let answer = one(&stub, "").send(call).await.unwrap();
    let error = answer.body.collect().await.unwrap_err();
    assert!(matches!(error, BodyError::Timeout { phase: Phase::Total, .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn clients_without_time_do_not_break_a_member() {
    let stub = stub(Options { delay: Duration::from_millis(200), ..Options::default() }).await;
    let upstreams = one(&stub, "breaker.failures = 2");
    for _ in 0..6 {
        let mut call = chat("hi");
        call.deadline = Some(Instant::now() + Duration::from_millis(20));
        let error = upstreams.send(call).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Timeout { phase: Phase::Total, .. }), "{error}");
    }
    assert_eq!(upstreams.standing("m")[0].1, Standing::Closed);
    assert_eq!(upstreams.send(chat("hi")).await.unwrap().status.as_u16(), 200);
}

#[tokio::test]
async fn a_slow_body_that_keeps_coming_is_no_fault() {
    let stub = stub(Options { pause: Duration::from_millis(20), ..Options::default() }).await;
    let answer =
        one(&stub, "timeouts.between_bytes_ms = 500").send(streaming(&"word ".repeat(40))).await.unwrap();
    assert!(whole(answer).await.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_half_closed_connection_is_told() {
    // The head promises more than comes before the server closes its half.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
            let _ = stream.shutdown().await;
            kept.push(stream);
        }
    });
    let upstreams = upstreams(&format!("models.m.members = [{{ url = \"http://{address}/v1\" }}]"));
    let answer = upstreams.send(chat("hi")).await.unwrap();
    assert!(matches!(answer.body.collect().await, Err(BodyError::Broken { .. })));
}

/// The kind of error that comes of a server's bytes.
async fn check_bytes(bytes: String, expected: &str) {
    let address = raw(move |_| bytes.clone()).await;
    let upstreams =
        upstreams(&format!("retry.attempts = 1\nmodels.m.members = [{{ url = \"http://{address}/v1\" }}]"));
    let found = upstreams.send(chat("hi")).await;
    assert_eq!(found.map_or_else(|error| error.kind(), |_| "answer"), expected);
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    check_bytes(
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "redirect",
    )
    .await;
    check_bytes("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), "broken").await;
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(100 << 10));
    check_bytes(large, "broken").await;
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    check_bytes(format!("HTTP/1.1 200 OK\r\n{many}\r\n"), "broken").await;
    check_bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc".to_owned(), "broken")
        .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_quickly() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let upstreams = upstreams(&format!("models.m.members = [{{ url = \"http://{address}/v1\" }}]"));
    assert!(matches!(upstreams.send(chat("hi")).await, Err(UpstreamError::Connect { .. })));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_connect_timeout() {
    // It accepts, and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstreams = upstreams(&format!(
        "retry.attempts = 1\ntimeouts = {{ connect_ms = 100, tls_ms = 100 }}\n\
         models.m.members = [{{ url = \"https://{address}/v1\" }}]"
    ));
    let error = upstreams.send(chat("hi")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Timeout { phase: Phase::Connect, .. }), "{error}");
    drop(listener);
}
