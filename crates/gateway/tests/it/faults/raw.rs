//! Bytes that no well-meaning client sends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::gate::{Running, running};
use super::super::support::scripted;
use super::{CHAT, ask, quick, told};

/// What came back, and how long it took until the gate closed; nothing where it did not within five seconds.
pub(super) async fn talk(
    address: SocketAddr,
    pieces: &[&[u8]],
    pause: Duration,
) -> Option<(String, Duration)> {
    let began = Instant::now();
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let talking = async {
        for piece in pieces {
            // What comes too late finds a closed connection.
            let _ = write.write_all(piece).await;
            tokio::time::sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    let hearing = async {
        let mut text = Vec::new();
        // A connection that is reset has ended, too.
        let _ = read.read_to_end(&mut text).await;
        (String::from_utf8_lossy(&text).into_owned(), began.elapsed())
    };
    tokio::select! {
        () = talking => None,
        heard = hearing => Some(heard),
        () = tokio::time::sleep(Duration::from_secs(5)) => None,
    }
}

fn is_soon(took: Duration) -> bool {
    took > Duration::from_millis(250) && took < Duration::from_secs(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_are_slow_are_let_go() {
    let stub = scripted("rules: []").await;
    let gate = quick(&stub, "bounds = { header_ms = 300, body_ms = 300 }").await;
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n");
    let byte_by_byte: Vec<&[u8]> = head.as_bytes().chunks(1).collect();
    let preface: Vec<&[u8]> = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r".chunks(1).collect();
    for (name, pieces) in [
        ("nothing", vec![]),
        ("half a head", vec![head.as_bytes()]),
        ("a head byte by byte", byte_by_byte),
        ("a preface byte by byte", preface),
    ] {
        let (_, took) = talk(gate.address, &pieces, Duration::from_millis(100)).await.expect(name);
        assert!(is_soon(took), "{name}: {took:?}");
    }
    let head = format!("{head}\r\n");
    let (text, took) = talk(gate.address, &[head.as_bytes(), b"{\"model\""], Duration::ZERO).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408") && is_soon(took), "{took:?} {text}");
    assert_eq!(told(&gate.rows.decision(1).await), ("read", "timeout", 408));
    // An idle connection is let go as well.
    let (text, took) =
        talk(gate.address, &[b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"], Duration::ZERO)
            .await
            .unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && is_soon(took), "{took:?} {text}");
    assert_eq!(stub.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_its_half_has_gone() {
    let stub = scripted("rules: [{ delay_ms: 3000, text: late }]").await;
    let gate = running(stub.address(), "").await;
    let body = ask(false).to_string();
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    let request =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "");
    assert_eq!(gate.rows.decision(1).await["Stage"], "cancelled");
    super::until(|| stub.left() == 1).await;
}

/// What one connection gets for its bytes; the gate has to have closed it.
async fn answered(gate: &Running, bytes: &str) -> String {
    let heard = talk(gate.address, &[bytes.as_bytes()], Duration::ZERO).await;
    heard.map(|(text, _)| text).unwrap_or_else(|| panic!("it stays open after {bytes}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_two_servers_read_differently() {
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), "bounds = { header_ms = 1000 }").await;
    let body = ask(false).to_string();
    let length = body.len();
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let hidden = "GET /v1/files HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let post = |headers: &str, body: &str| {
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n{body}")
    };
    for (name, bytes) in [
        ("two lengths", post(&format!("content-length: {length}\r\ncontent-length: 4"), &body)),
        ("a list of lengths", post(&format!("content-length: {length}, 4"), &body)),
        ("chunks are not last", post("transfer-encoding: chunked, identity", &chunked)),
        ("unknown coding", post("transfer-encoding: xchunked", &chunked)),
        ("signed length", post(&format!("content-length: +{length}"), &body)),
        ("folded header", post(&format!("content-length: {length}\r\nx-a: b\r\n content-length: 4"), &body)),
        ("space before colon", post(&format!("content-length : {length}"), &body)),
        ("null in a header", post(&format!("content-length: {length}\r\nx: a\0b"), &body)),
        ("bare CR in a header", post(&format!("content-length: {length}\r\nx: a\rb"), &body)),
        (
            "chunk with extension and bare LF",
            post("transfer-encoding: chunked", &format!("{length:x};a\nb\r\n{body}\r\n0\r\n\r\n")),
        ),
        (
            "chunk length too large",
            post("transfer-encoding: chunked", &format!("fffffffffffffffff\r\n{body}")),
        ),
        (
            "absolute path upwards",
            format!(
                "POST /v1/../v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        ),
        (
            "HTTP/1.0 with chunks",
            format!("POST {CHAT} HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"),
        ),
    ] {
        let text = answered(&gate, &format!("{bytes}{hidden}")).await;
        let status = text.split(' ').nth(1).unwrap_or_default();
        assert!(text.is_empty() || matches!(status, "400" | "404"), "{name}: {text}");
        assert_eq!(text.matches("HTTP/1.1").count(), usize::from(!text.is_empty()), "{name}: {text}");
        assert_eq!(stub.requests(), 0, "{name}");
    }
    // With both a length and chunks the chunks count, or it is refused; what follows is never a request of its own.
    for headers in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let text = answered(&gate, &format!("{}{hidden}", post(headers, &chunked))).await;
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 200") || text.starts_with("HTTP/1.1 400"),
            "{text}"
        );
        assert!(text.matches("HTTP/1.1").count() <= 1 && !text.contains("404"), "{headers}: {text}");
    }
    let before = stub.seen();
    assert!(
        before
            .iter()
            .all(|seen| seen.body.len() == length && !seen.headers.contains_key("transfer-encoding"))
    );
    // Lines that end in LF alone are lines to every parser that there is, and mean the same to all.
    let bare = post(&format!("content-length: {length}\r\nconnection: close"), &body);
    let (head, rest) = bare.split_once("\r\n\r\n").unwrap();
    let text = answered(&gate, &format!("{}\n\n{rest}", head.replace("\r\n", "\n"))).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let seen = stub.seen();
    assert_eq!((seen.len(), seen[seen.len() - 1].body.len()), (before.len() + 1, length));
}
