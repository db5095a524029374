//! A server of the protocol that answers what a test says, over a real socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(super) const MODERN: &str = "2026-07-28";

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// What is answered: a status, a media type and the body.
pub(super) type Reply = (u16, &'static str, String);

/// A server with what came to it.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let (answer, kept) = (Arc::new(answer), Arc::clone(&came));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                    async move {
                        let (head, body) = request.into_parts();
                        let bytes = body.collect().await.unwrap().to_bytes();
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let body = serde_json::from_slice(&bytes).unwrap_or(Value::String(text));
                        kept.lock().unwrap().push(Came { headers: head.headers, body: body.clone() });
                        let (status, kind, text) = answer(&body);
                        let answer = Response::builder().status(status).header("content-type", kind);
                        Ok::<_, Infallible>(answer.body(Full::new(Bytes::from(text))).unwrap())
                    }
                });
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Server { address, came }
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// What came with a method.
    pub(super) fn of(&self, method: &str) -> Vec<Came> {
        self.came().into_iter().filter(|came| came.body["method"] == method).collect()
    }
}

pub(super) fn tool(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description,
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}})
}

pub(super) fn result(request: &Value, result: Value) -> Reply {
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
    (200, "application/json", answer.to_string())
}

/// What a server of 2026-07-28 answers that has these tools.
pub(super) fn modern(request: &Value, tools: &[Value], called: impl Fn(&str, &Value) -> String) -> Reply {
    let said = match request["method"].as_str().unwrap_or_default() {
        "server/discover" => {
            json!({"resultType": "complete", "supportedVersions": [MODERN], "capabilities": {"tools": {}}})
        }
        "tools/list" => json!({"resultType": "complete", "tools": tools}),
        "tools/call" => {
            let params = &request["params"];
            let text = called(params["name"].as_str().unwrap_or_default(), &params["arguments"]);
            json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
        }
        _ => return (202, "text/plain", String::new()),
    };
    result(request, said)
}
