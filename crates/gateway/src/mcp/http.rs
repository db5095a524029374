//! Servers that are reached by streamable HTTP.

use std::collections::VecDeque;
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderValue, Method, Request};
use bytes::Bytes;
use castellan_mcp::proxy::{Outgoing, Server};
use castellan_mcp::transport::{Item, SseReader};
use futures_util::StreamExt as _;
use futures_util::stream::{once, unfold};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::{For, Heard, Mcp, Piece, Pieces};

impl Mcp {
    pub(super) async fn over_http(
        &self,
        server: &Server,
        url: &str,
        outgoing: &Outgoing,
        whom: &For,
    ) -> Result<Pieces, String> {
        let mut request = Request::builder().method(outgoing.method.clone()).uri(url);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        request = request.header("traceparent", &whom.trace);
        if let Some(value) = self.authorization(server, whom).await? {
            request = request.header(AUTHORIZATION, value);
        }
        let body = Full::new(Bytes::copy_from_slice(&outgoing.body));
        let request = request.body(body).map_err(|error| error.to_string())?;
        let silence = self.silence();
        let answer = timeout(silence, self.http.request(request)).await;
        let answer = answer.map_err(|_| "it took too long to answer".to_owned())?;
        let answer = answer.map_err(|error| format!("it cannot be reached: {}", cause(&error)))?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        if matches!(status, 401 | 403) {
            self.doubt(server, whom);
        }
        let session = text(&head.headers, "mcp-session-id").map(str::to_owned);
        let piece = Piece {
            server: outgoing.server.clone(),
            status,
            session,
            heard: Heard::Message(Vec::new(), None),
        };
        if !outgoing.answered || matches!(status, 202 | 204) {
            return Ok(once(async { piece }).boxed());
        }
        if head.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
            return Err(
                "it answers compressed, which the gate did not ask for and cannot look into".to_owned()
            );
        }
        let kind = text(&head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let most = self.config.bounds.answer_bytes;
        if kind.eq_ignore_ascii_case("text/event-stream") && head.status.is_success() {
            let is_listening = outgoing.method == Method::GET;
            let wait =
                if is_listening { Duration::from_millis(self.config.bounds.listen_ms) } else { silence };
            return Ok(events(body, piece, wait, most));
        }
        if outgoing.method == Method::GET {
            return Err(format!("it offers no stream (HTTP status {status})"));
        }
        let whole = timeout(silence, Limited::new(body, most).collect()).await;
        let body = match whole.map_err(|_| "its answer took too long".to_owned())? {
            Ok(body) => body.to_bytes().to_vec(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(format!("its answer is larger than {most} bytes"));
            }
            Err(error) => return Err(format!("its answer broke off: {error}")),
        };
        Ok(once(async move { Piece { heard: Heard::Message(body, None), ..piece } }).boxed())
    }
}

/// The innermost reason of an error.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(HeaderValue::to_str)?.ok()
}

/// A stream that is being read.
struct Reading {
    body: Incoming,
    reader: Option<SseReader>,
    ready: VecDeque<Heard>,
    of: Piece,
    wait: Duration,
}

/// The events of a stream.
fn events(body: Incoming, of: Piece, wait: Duration, most: usize) -> Pieces {
    let reading = Reading { body, reader: Some(SseReader::new(most)), ready: VecDeque::new(), of, wait };
    unfold(reading, |mut reading| async move {
        loop {
            if let Some(heard) = reading.ready.pop_front() {
                let of = &reading.of;
                let (server, session) = (of.server.clone(), of.session.clone());
                return Some((Piece { server, status: of.status, session, heard }, reading));
            }
            reading.reader.as_ref()?;
            reading.read().await;
        }
    })
    .boxed()
}

impl Reading {
    /// Reads what comes next.
    async fn read(&mut self) {
        let Some(mut reader) = self.reader.take() else { return };
        let frame = match timeout(self.wait, self.body.frame()).await {
            Err(_) => return self.broken("its stream was silent for too long".to_owned()),
            Ok(None) => {
                if let Err(error) = reader.finish() {
                    self.broken(error.to_string());
                }
                return;
            }
            Ok(Some(Err(error))) => return self.broken(format!("its stream broke off: {}", cause(&error))),
            Ok(Some(Ok(frame))) => frame,
        };
        let items = match reader.push(frame.data_ref().unwrap_or(&Bytes::new())) {
            Ok(items) => items,
            Err(error) => return self.broken(error.to_string()),
        };
        self.reader = Some(reader);
        for item in items {
            self.ready.push_back(match item {
                // An event without data only sets where a stream can be taken up again.
                Item::Event(event) if event.data.is_empty() => Heard::Alive,
                Item::Event(event) => Heard::Message(event.data.into_bytes(), event.id),
                Item::KeepAlive => Heard::Alive,
            });
        }
    }

    fn broken(&mut self, why: String) {
        self.ready.push_back(Heard::Broken(why));
    }
}
