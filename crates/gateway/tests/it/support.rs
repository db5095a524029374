//! What the tests share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use castellan_base::OsSystem;
use castellan_gateway::stub::{Options, Script, Stub};
use castellan_gateway::upstream::{Answer, Call, Config, Metrics, Upstreams};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub(crate) async fn stub(options: Options) -> Stub {
    Stub::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap()
}

pub(crate) async fn scripted(script: &str) -> Stub {
    stub(Options::scripted(Script::read(script).unwrap()).recording(100)).await
}

/// Upstreams from TOML, with fixed randomness.
pub(crate) fn upstreams(config: &str) -> Upstreams {
    let config: Config = toml::from_str(config).unwrap();
    Upstreams::with_seed(config, Arc::new(OsSystem), &Metrics::default(), 7).unwrap()
}

/// One member of the OpenAI form, asked for as `m`.
pub(crate) fn one(stub: &Stub, more: &str) -> Upstreams {
    upstreams(&format!("models.m.members = [{{ url = \"{}/v1\" }}]\n{more}", stub.url()))
}

pub(crate) fn chat(text: &str) -> Call {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    Call::post("m", "/v1/chat/completions", body.to_string())
}

pub(crate) fn streaming(text: &str) -> Call {
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": text}]});
    Call::post("m", "/v1/chat/completions", body.to_string())
}

pub(crate) async fn whole(answer: Answer) -> Bytes {
    answer.body.collect().await.unwrap().to_bytes()
}

pub(crate) async fn document(answer: Answer) -> Value {
    serde_json::from_slice(&whole(answer).await).unwrap()
}

pub(crate) fn content(document: &Value) -> &str {
    document.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default()
}

/// A server that answers each connection's bytes, up to the end of a head, with the bytes that `answer` makes of them,
/// and then waits for the peer to close. An empty answer closes the connection.
pub(crate) async fn raw(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut buffer = vec![0_u8; 64 << 10];
                let mut length = 0;
                while let Ok(read) = stream.read(&mut buffer[length..]).await {
                    length += read;
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    if read == 0 {
                        return;
                    }
                    if is_whole(&text) {
                        let bytes = answer(&text);
                        if bytes.is_empty() || stream.write_all(bytes.as_bytes()).await.is_err() {
                            return;
                        }
                        length = 0;
                    }
                }
            });
        }
    });
    address
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

/// An answer of HTTP/1.1 with a body of JSON.
pub(crate) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Waits until something holds, for at most five seconds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true within five seconds");
}
