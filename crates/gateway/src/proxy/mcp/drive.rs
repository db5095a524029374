//! Does what the state machine says, for one request of a client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use castellan_access::principal::Verified;
use castellan_mcp::message::{Message, Method};
use castellan_mcp::proxy::{
    Answer, Begun, Caller, Exchange as One, Incoming, Outgoing, Received, Step, join,
};
use castellan_mcp::transport::{Reason, error_body};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::select_all;
use http::HeaderMap;
use http::request::Parts;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::Called;
use super::body::{End, Said, event};
use super::told::{MOST, refused, short, told};
use crate::gate::Gate;
use crate::guard::{Action, Selected};
use crate::mcp::{For, Heard, Mcp, Piece, Pieces};
use crate::proxy::exchange::Exchange;
use crate::record::Stage;

/// How long messages may take whose answers nobody waits for.
const BESIDE: Duration = Duration::from_secs(10);

/// A request under way.
pub(super) struct Driver {
    pub(super) gate: Arc<Gate>,
    pub(super) mcp: Arc<Mcp>,
    pub(super) exchange: Exchange,
    pub(super) verified: Arc<Verified>,
    pub(super) whom: For,
    /// Guardrails that hold, once it is known which.
    pub(super) profiles: Option<Arc<Selected>>,
    /// How far it came when the gate said no.
    pub(super) denied: Option<Stage>,
    refused: Option<(Reason, String)>,
    head: Parts,
    bytes: Bytes,
    servers: Vec<String>,
    has_begun: bool,
    is_listening: bool,
    /// Whether pins may have changed.
    has_seen: bool,
    /// The id of the event that is being passed on.
    event: Option<String>,
    until: Instant,
}

impl Driver {
    pub(super) fn new(exchange: Exchange, called: Called) -> Driver {
        let Called { mcp, verified, head, bytes, servers, whom } = called;
        Driver {
            gate: Arc::clone(&exchange.gate),
            until: Instant::now() + Duration::from_millis(mcp.config.bounds.total_ms),
            mcp,
            exchange,
            verified,
            whom,
            profiles: None,
            denied: None,
            refused: None,
            head,
            bytes,
            servers,
            has_begun: false,
            is_listening: false,
            has_seen: false,
            event: None,
        }
    }

    /// Does all of it.
    pub(super) async fn run(mut self, say: mpsc::Sender<Said>) {
        let answer = match self.begin() {
            Err(why) => Answer {
                status: 500,
                body: error_body(None, Reason::Upstream.code(), &why, None).into_bytes(),
                ..Answer::default()
            },
            Ok(Begun::One(mut one, step)) => self.drive(&mut one, step, &say).await,
            Ok(Begun::Batch(all)) => {
                let mut answers = Vec::new();
                for (mut one, step) in all {
                    answers.push(self.drive(&mut one, step, &say).await);
                }
                join(&answers)
            }
        };
        for outgoing in answer.also.clone() {
            self.beside(outgoing);
        }
        if self.head.method == http::Method::DELETE && answer.status == 204 {
            let session = self.head.headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
            self.mcp.ended(&self.whom.principal, session.unwrap_or_default());
        }
        self.keep().await;
        let refused = self.stage();
        let decision = &mut self.exchange.decision;
        decision.status = answer.status;
        decision.is_stream = self.has_begun;
        let end = Box::new(End { answer, exchange: self.exchange, refused });
        // Where nobody takes it, the client has gone, and what is dropped says so.
        let _ = say.send(Said::End(end)).await;
    }

    /// How far a request came that was refused.
    fn stage(&mut self) -> Option<Stage> {
        let (reason, message) = self.refused.take()?;
        let (word, stage) = refused(reason);
        let stage = self.denied.unwrap_or(stage);
        let decision = &mut self.exchange.decision;
        decision.action = decision.action.max(match reason {
            Reason::ApprovalNeeded => Action::RequireApproval,
            _ => Action::Block,
        });
        if decision.word.is_empty() || self.denied.is_none() {
            word.clone_into(&mut decision.word);
        }
        if decision.reason.is_empty() || self.denied.is_none() {
            decision.reason = message;
        }
        Some(stage)
    }

    fn begin(&mut self) -> Result<Begun, String> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|_| "there is no randomness for a session".to_owned())?;
        let caller = Caller {
            principal: self.whom.principal.clone(),
            agent: self.verified.principal.client.clone().unwrap_or_default(),
            conversation: None,
        };
        let incoming = Incoming {
            method: &self.head.method,
            headers: &self.head.headers,
            body: &self.bytes,
            caller: &caller,
            servers: &self.servers,
            now: self.gate.now(),
            entropy,
        };
        Ok(self.mcp.step(|proxy| proxy.begin(incoming)))
    }

    /// Notes whose and about what it is.
    fn introduce(&mut self, one: &One) {
        self.whom.session = one.session().unwrap_or_default().to_owned();
        // Who knows a session's id is halfway into it, so records have its hash.
        self.exchange.decision.session = one
            .session()
            .map(|id| blake3::hash(id.as_bytes()).to_hex().as_str().get(..32).unwrap_or_default().to_owned());
        let only = self.servers.first().filter(|_| self.servers.len() == 1).cloned();
        let Some(mcp) = &mut self.exchange.decision.mcp else { return };
        mcp.server = only;
        let Some(request) = one.request() else { return };
        mcp.method = request.method_name().map(short);
        let is_call = request.method() == Some(Method::ToolsCall);
        mcp.tool = request.subject().filter(|_| is_call).map(short);
    }

    async fn drive(&mut self, one: &mut One, mut step: Step, say: &mpsc::Sender<Said>) -> Answer {
        self.introduce(one);
        // Each message of a batch is judged by what holds for it.
        self.profiles = None;
        let mut source: Option<Pieces> = None;
        let mut server = String::new();
        loop {
            self.note(one);
            step = match step {
                Step::Answer(answer) => return answer,
                Step::Send(outgoing) => {
                    // A program serves one request at a time: what was asked before is let go first.
                    source = None;
                    server.clone_from(&outgoing.server);
                    match self.open(&outgoing).await {
                        Err(why) => self.failed(one, &server, &why),
                        Ok(pieces) => {
                            source = Some(pieces);
                            self.next(one, &mut source, &server, say).await
                        }
                    }
                }
                Step::Decide(question) => {
                    let verdict = self.decide(&question);
                    let verdict = self.admitted(&question, verdict).await;
                    self.mcp.step(|proxy| proxy.decided(one, verdict))
                }
                Step::Visible(listed) => {
                    let places = self.visible(&listed);
                    self.mcp.step(|proxy| proxy.visible(one, &places))
                }
                Step::Emit(bytes) => {
                    self.emit(bytes, say).await;
                    self.next(one, &mut source, &server, say).await
                }
                Step::Reply(outgoing) => {
                    self.beside(outgoing);
                    self.next(one, &mut source, &server, say).await
                }
                Step::Wait => self.next(one, &mut source, &server, say).await,
                Step::Listen(streams) => match self.listen(&streams).await {
                    None => Step::Answer(none()),
                    Some(pieces) => {
                        source = Some(pieces);
                        self.announce(say).await;
                        self.next(one, &mut source, &server, say).await
                    }
                },
            };
        }
    }

    async fn open(&mut self, outgoing: &Outgoing) -> Result<Pieces, String> {
        self.exchange.upstream_asked();
        let decision = &mut self.exchange.decision;
        decision.attempts = decision.attempts.saturating_add(1);
        decision.upstream = Some(outgoing.server.clone());
        let opened = timeout_at(self.until, self.mcp.open(outgoing, &self.whom)).await;
        opened.unwrap_or_else(|_| Err("the request took too long".to_owned()))
    }

    /// What a server says next, taken in.
    async fn next(
        &mut self,
        one: &mut One,
        source: &mut Option<Pieces>,
        server: &str,
        say: &mpsc::Sender<Said>,
    ) -> Step {
        loop {
            let Some(pieces) = source else { return self.failed(one, server, "the stream ended") };
            let piece = match timeout_at(self.until, pieces.next()).await {
                Ok(piece) => piece,
                Err(_) if self.is_listening => None,
                Err(_) => return self.failed(one, server, "the request took too long"),
            };
            let Some(piece) = piece else {
                if self.is_listening {
                    return Step::Answer(Answer { status: 200, ..Answer::default() });
                }
                return self.failed(one, server, "the stream ended before the answer");
            };
            let Piece { server: from, status, session, heard } = piece;
            match heard {
                Heard::Message(body, id) => {
                    self.event = id.map(|id| one.event_id(&from, &id));
                    let now = self.gate.now();
                    let received =
                        Received { server: &from, status, session: session.as_deref(), body: &body, now };
                    return self.mcp.step(|proxy| proxy.received(one, received));
                }
                Heard::Alive if self.has_begun => {
                    let _ = say.send(Said::Bytes(Bytes::from_static(b":\n\n"))).await;
                }
                Heard::Alive => {}
                // Other servers may still have something to say to whoever listens.
                Heard::Broken(why) if self.is_listening => self.tell(json!({
                    "kind": "server", "server": from, "message": short(&why),
                })),
                Heard::Broken(why) => return self.failed(one, &from, &why),
            }
        }
    }

    fn failed(&mut self, one: &mut One, server: &str, why: &str) -> Step {
        self.mcp.failed(server, &self.whom);
        let now = self.gate.now();
        self.mcp.step(|proxy| proxy.failed(one, server, why, now))
    }

    /// Opens streams to listen to; nothing where no server offers one.
    async fn listen(&mut self, streams: &[Outgoing]) -> Option<Pieces> {
        self.is_listening = true;
        self.until = Instant::now() + Duration::from_millis(self.mcp.config.bounds.listen_ms);
        let opened = join_all(streams.iter().map(|outgoing| self.mcp.open(outgoing, &self.whom))).await;
        let mut open = Vec::new();
        for (outgoing, pieces) in streams.iter().zip(opened) {
            match pieces {
                Ok(pieces) => open.push(pieces),
                Err(why) => self.tell(json!({
                    "kind": "server", "server": outgoing.server, "message": short(&why),
                })),
            }
        }
        (!open.is_empty()).then(|| select_all(open).boxed())
    }

    /// Tells the client that a stream comes.
    async fn announce(&mut self, say: &mpsc::Sender<Said>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let mut headers = HeaderMap::new();
            self.exchange.mark(&mut headers);
            let _ = say.send(Said::Begin(headers)).await;
        }
    }

    async fn emit(&mut self, bytes: Vec<u8>, say: &mpsc::Sender<Said>) {
        self.announce(say).await;
        let id = self.event.take();
        let data = String::from_utf8_lossy(&bytes).into_owned();
        let _ = say.send(Said::Bytes(event(data, id))).await;
    }

    /// Sends something whose answer nobody waits for.
    fn beside(&self, outgoing: Outgoing) {
        let (mcp, whom) = (Arc::clone(&self.mcp), self.whom.clone());
        tokio::spawn(async move {
            // Whether it arrives changes nothing for the client.
            let _ = timeout(BESIDE, mcp.open(&outgoing, &whom)).await;
        });
    }

    /// Keeps pins that were seen. The client waits for it, so that what it may use outlasts the gate.
    async fn keep(&mut self) {
        if !self.has_seen {
            return;
        }
        self.mcp.noted();
        let mcp = Arc::clone(&self.mcp);
        let kept = tokio::task::spawn_blocking(move || mcp.keep()).await;
        if let Ok(Err(error)) = kept {
            self.tell(json!({"kind": "pins", "message": short(&error.to_string())}));
        }
    }

    /// Takes over what the state machine tells.
    fn note(&mut self, one: &mut One) {
        for event in one.events() {
            match &event {
                castellan_mcp::proxy::Event::Refused { reason, message } => {
                    self.refused = Some((*reason, message.clone()));
                }
                castellan_mcp::proxy::Event::Pin { observation, .. } => self.has_seen |= observation.news,
                _ => {}
            }
            if let Some(value) = told(&event) {
                self.tell(value);
            }
        }
    }

    pub(super) fn tell(&mut self, value: serde_json::Value) {
        if let Some(mcp) = self.exchange.decision.mcp.as_mut().filter(|mcp| mcp.events.len() < MOST) {
            mcp.events.push(value);
        }
    }

    /// Whether a message asks for an answer.
    pub(super) fn is_request(message: &Message) -> bool {
        message.id().is_some() && !message.is_answer()
    }
}

/// The answer of an address that offers no stream.
fn none() -> Answer {
    let body =
        error_body(None, Reason::HttpMethod.code(), "no server behind this address offers a stream", None);
    let headers = vec![
        ("allow".to_owned(), "POST, DELETE".to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    Answer { status: 405, headers, body: body.into_bytes(), also: Vec::new() }
}
