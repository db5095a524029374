//! The listener of the stub, and how one request is answered.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::answer::{self, Content, SSE};
use super::body::Answer;
use super::prompt::Prompt;
use super::reply::{FIXED, Refusal, Reply};
use super::route::{Family, Operation};
use super::script::Fault;
use super::socket::Socket;
use super::{HEADER, Mode, Options};

/// How long the handshake of an encrypted connection may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long to wait after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// A request that the stub took.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A stub that runs until it is dropped.
#[derive(Debug)]
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    seen: Mutex<VecDeque<Seen>>,
    requests: AtomicU64,
    connections: AtomicU64,
    left: Arc<AtomicU64>,
    stopped: tokio::sync::watch::Sender<bool>,
}

impl Stub {
    /// Opens the listener and answers from then on, in the background of the current runtime.
    ///
    /// # Errors
    /// When the system does not give the address.
    pub async fn bind(address: SocketAddr, options: Options) -> io::Result<Stub> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            seen: Mutex::default(),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            left: Arc::default(),
            stopped: tokio::sync::watch::Sender::new(false),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Stub { address, shared, listening })
    }

    /// Where it listens, with the port that was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://HOST:PORT`, or `https` where it encrypts.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.options.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The latest requests, oldest first; as many as [`Options::record`] says.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many requests it took.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many connections it accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many requests their clients left before the end of the answer.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.shared.left.load(Ordering::Relaxed)
    }

    /// Waits for as long as it listens, which is until the process ends.
    pub async fn run(mut self) {
        // The task ends only when it is aborted, which dropping does.
        let _ = (&mut self.listening).await;
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.listening.abort();
        // Open connections end too, so that clients see the server gone.
        self.shared.stopped.send_replace(true);
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connect(stream, Arc::clone(&shared)));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn connect(stream: TcpStream, shared: Arc<Shared>) {
    // An answer is written at once; waiting to fill a packet would only delay it.
    let _ = stream.set_nodelay(true);
    let mut stopped = shared.stopped.subscribe();
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket::new(stream, Arc::clone(&reset));
    let talk = async {
        match shared.options.tls.clone() {
            None => serve(socket, &shared, &reset).await,
            Some(tls) => {
                if let Ok(Ok(socket)) = timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(socket)).await {
                    serve(socket, &shared, &reset).await;
                }
            }
        }
    };
    tokio::select! {
        () = talk => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: S,
    shared: &Arc<Shared>,
    reset: &Arc<AtomicBool>,
) {
    let service = service_fn(|request| {
        let (shared, reset) = (Arc::clone(shared), Arc::clone(reset));
        async move { shared.answer(request, &reset).await }
    });
    // A connection that breaks is the client's affair.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, reset: &AtomicBool) -> io::Result<Response<Answer>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let leaving = Leaving(Some(Arc::clone(&self.left)));
        let answer = self.answer_whole(request, reset).await;
        leaving.stays();
        answer
    }

    async fn answer_whole(
        &self,
        request: Request<Incoming>,
        reset: &AtomicBool,
    ) -> io::Result<Response<Answer>> {
        let (parts, body) = request.into_parts();
        let operation =
            Operation::find(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default());
        let family = operation.as_ref().map_or(Family::OpenAi, Operation::family);
        let Ok(body) = Limited::new(body, self.options.body_limit).collect().await else {
            return Ok(refusal(family, 413, "the body is too large, or broke off"));
        };
        let body = body.to_bytes();
        if self.options.record > 0 {
            self.record(&parts, &body);
        }
        if !self.admits(&parts.headers) {
            return Ok(refusal(family, 401, "the key is not the one this stub was given"));
        }
        let Some(operation) = operation else {
            let message = format!("the stub has no `{} {}`", parts.method, parts.uri.path());
            return Ok(refusal(family, 404, &message));
        };
        if matches!(self.options.mode, Mode::Fixed) {
            if !self.options.delay.is_zero() {
                sleep(self.options.delay).await;
            }
            return Ok(self.fixed(&operation, &body));
        }
        let Some(json) = document(&body) else {
            return Ok(refusal(family, 400, "the body is no JSON object"));
        };
        self.reply(&operation, parts.uri.path(), &json, reset).await
    }

    async fn reply(
        &self,
        operation: &Operation,
        path: &str,
        json: &Value,
        reset: &AtomicBool,
    ) -> io::Result<Response<Answer>> {
        let prompt = Prompt::read(json);
        let rule = match &self.options.mode {
            Mode::Script(script) => script.find(path, &prompt),
            _ => None,
        };
        let reply = rule.map_or_else(|| Reply::echo(&prompt), |rule| Reply::ruled(rule, &prompt));
        let delay = self.options.delay + reply.delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        match reply.fault {
            Some(Fault::Reset) => {
                reset.store(true, Ordering::Relaxed);
                return Err(io::Error::other("scripted reset"));
            }
            Some(Fault::Close) => return Err(io::Error::other("scripted close")),
            Some(Fault::Stall) => std::future::pending().await,
            _ => {}
        }
        if let Some(error) = &reply.error {
            return Ok(scripted_error(operation.family(), error));
        }
        let content = answer::shape(operation, json, &prompt, &reply);
        let mut response = self.dress(content, self.options.pause + reply.pause);
        if let Some(fault) = reply.fault {
            response.body_mut().spoil(fault, reset);
        }
        Ok(response)
    }

    fn record(&self, parts: &http::request::Parts, body: &Bytes) {
        let seen = Seen {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            body: body.clone(),
        };
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= self.options.record {
            all.pop_front();
        }
        all.push_back(seen);
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.options.key else { return true };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        [bearer, text("api-key"), text("x-api-key")].contains(&Some(key.as_str()))
    }

    fn dress(&self, content: Content, pause: Duration) -> Response<Answer> {
        match content {
            Content::Document(value) => {
                response(StatusCode::OK, JSON, Answer::whole(Bytes::from(value.to_string())))
            }
            Content::Stream(kind, events) => {
                let body = Answer::stream(events, pause, Arc::clone(&self.left));
                response(StatusCode::OK, kind, body)
            }
        }
    }

    /// The constant answer, made once for chats and anew for everything else.
    fn fixed(&self, operation: &Operation, body: &[u8]) -> Response<Answer> {
        static CHAT: OnceLock<Bytes> = OnceLock::new();
        static STREAM: OnceLock<Bytes> = OnceLock::new();
        let stream = asks_to_stream(body);
        if *operation == Operation::Chat {
            let prompt = Prompt { stream, ..Prompt::default() };
            let made = if stream { &STREAM } else { &CHAT };
            let bytes =
                made.get_or_init(|| flat(answer::shape(operation, &Value::Null, &prompt, &fixed_reply())));
            let kind = if stream { SSE } else { JSON };
            return response(StatusCode::OK, kind, Answer::whole(bytes.clone()));
        }
        let json = document(body).unwrap_or(Value::Null);
        let prompt = Prompt::read(&json);
        self.dress(answer::shape(operation, &json, &prompt, &fixed_reply()), self.options.pause)
    }
}

const JSON: &str = "application/json";

fn fixed_reply() -> Reply {
    Reply::text(FIXED, 400)
}

fn flat(content: Content) -> Bytes {
    match content {
        Content::Document(value) => Bytes::from(value.to_string()),
        Content::Stream(_, events) => Bytes::from(events.concat()),
    }
}

/// Counts a request whose future is dropped, which happens when its client leaves.
struct Leaving(Option<Arc<AtomicU64>>);

impl Leaving {
    fn stays(mut self) {
        self.0 = None;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(left) = &self.0 {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// True when `"stream":true` stands in the last or first bytes of a body, where clients put it.
fn asks_to_stream(body: &[u8]) -> bool {
    const EDGE: usize = 256;
    let head = body.get(..EDGE.min(body.len())).unwrap_or_default();
    let tail = body.get(body.len().saturating_sub(EDGE)..).unwrap_or_default();
    [head, tail].into_iter().any(|part| {
        [&b"\"stream\":true"[..], b"\"stream\": true"]
            .into_iter()
            .any(|wanted| part.windows(wanted.len()).any(|window| window == wanted))
    })
}

fn document(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Value::Null);
    }
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

fn response(status: StatusCode, kind: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(HeaderName::from_static(HEADER), HeaderValue::from_static("true"));
    response
}

fn refusal(family: Family, status: u16, message: &str) -> Response<Answer> {
    let body = answer::error(family, status, message).to_string();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, JSON, Answer::whole(Bytes::from(body)))
}

fn scripted_error(family: Family, error: &Refusal) -> Response<Answer> {
    let mut response = refusal(family, error.status, &error.message);
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(milliseconds) = error.retry_after_ms {
        response
            .headers_mut()
            .insert(HeaderName::from_static("retry-after-ms"), HeaderValue::from(milliseconds));
    }
    response
}
