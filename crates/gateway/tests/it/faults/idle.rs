//! Connections on which nothing is asked, and connections that are old.

use std::time::{Duration, Instant};

use bytes::Bytes;
use castellan_gateway::stub::Options;
use http::Request;
use http_body_util::{BodyExt as _, Full as Whole};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::gate::{Running, running};
use super::super::support::{scripted, stub};
use super::{CHAT, ask};

type Sender = http2::SendRequest<Whole<Bytes>>;

/// A connection of HTTP/2, with what says that it has ended.
async fn second(gate: &Running) -> (Sender, tokio::task::JoinHandle<()>) {
    let stream = TcpStream::connect(gate.address).await.unwrap();
    let (sender, connection) =
        http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(async move { drop(connection.await) }))
}

fn request(gate: &Running, is_stream: bool) -> Request<Whole<Bytes>> {
    Request::post(format!("http://{}{CHAT}", gate.address))
        .header("content-type", "application/json")
        .body(Whole::new(Bytes::from(ask(is_stream).to_string())))
        .unwrap()
}

async fn asked(gate: &Running, sender: &mut Sender) -> Option<u16> {
    let answer = sender.send_request(request(gate, false)).await.ok()?;
    let status = answer.status().as_u16();
    answer.into_body().collect().await.ok()?;
    Some(status)
}

async fn ended(connection: tokio::task::JoinHandle<()>, within: Duration) -> Option<()> {
    tokio::time::timeout(within, connection).await.ok()?.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_of_http_2_ends_in_order() {
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), "bounds = { header_ms = 300 }").await;
    let began = Instant::now();
    // The client answers pings by itself.
    let (never, connection) = second(&gate).await;
    ended(connection, Duration::from_secs(2)).await.expect("it stays open");
    let took = began.elapsed();
    assert!(took > Duration::from_millis(250) && took < Duration::from_secs(2), "{took:?}");
    drop(never);
    // One that asks now and then stays.
    let (mut sender, connection) = second(&gate).await;
    for _ in 0..8 {
        assert_eq!(asked(&gate, &mut sender).await, Some(200));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ended(connection, Duration::from_secs(2)).await.expect("it stays open");
    assert_eq!(asked(&gate, &mut sender).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_a_stream_is_not_idle() {
    let stub = stub(Options { pause: Duration::from_millis(150), ..Options::default() }).await;
    let gate = running(stub.address(), "bounds = { header_ms = 200 }").await;
    let (mut sender, connection) = second(&gate).await;
    let began = Instant::now();
    let answer = sender.send_request(request(&gate, true)).await.unwrap();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.ends_with(b"data: [DONE]\n\n") && began.elapsed() > Duration::from_millis(500), "{text:?}");
    ended(connection, Duration::from_secs(2)).await.expect("it stays open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_go_is_let_go() {
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), "bounds = { header_ms = 300 }").await;
    // The preface and empty settings, their acknowledgement, and then an answer to no ping and no GOAWAY.
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0")
        .await
        .unwrap();
    let mut heard = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut heard)).await;
    assert!(read.is_ok(), "it stays open");
    // A frame of the type GOAWAY: its length, and its type.
    assert!(heard.windows(4).any(|bytes| bytes == [0, 0, 8, 7]), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_ends_when_what_is_under_way_has() {
    let stub = stub(Options { pause: Duration::from_millis(100), ..Options::default() }).await;
    let gate = running(stub.address(), "bounds = { connection_age_ms = 300, header_ms = 300 }").await;
    let (mut sender, connection) = second(&gate).await;
    let answer = sender.send_request(request(&gate, true)).await.unwrap();
    let began = Instant::now();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.ends_with(b"data: [DONE]\n\n"), "{text:?}");
    assert!(began.elapsed() > Duration::from_millis(350), "{:?}", began.elapsed());
    ended(connection, Duration::from_secs(2)).await.expect("it stays open");
    // Of the first version as well.
    let stream = TcpStream::connect(gate.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(async move { drop(connection.await) });
    let answer = sender.send_request(request(&gate, true)).await.unwrap();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.ends_with(b"data: [DONE]\n\n"), "{text:?}");
    ended(connection, Duration::from_millis(250)).await.expect("it stays open");
}
