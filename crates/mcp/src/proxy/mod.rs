//! The proxy as a state machine: it does no I/O, the gateway does what its steps say and tells it what came of it.
//!
//! ```text
//! begin(request) -> (exchange, step)
//!   Send     do this HTTP request (or write this line), then received(...) for the answer, or for each event of a stream;
//!            failed(...) if none came
//!   Decide   authorise and scan this, then decided(verdict)
//!   Visible  which of these may the principal see?, then visible(...)
//!   Emit     pass this on as an event of the stream; reading goes on
//!   Reply    send this beside the stream; reading goes on
//!   Wait     nothing to pass on; reading goes on
//!   Listen   open these streams; every event of them goes to received(...)
//!   Answer   the end: status, headers, body (or the last event, where a stream has begun)
//! ```
//!
//! *Invariant (fail closed):* what cannot be read, matched, pinned or decided becomes an `Answer` that refuses; no byte
//! of a server's answer is given out before its `Decide` was allowed. Each side speaks its own revision; what cannot be
//! carried over is refused and says so.

mod config;
mod exchange;
mod forward;
mod hooks;
mod listing;
mod question;
mod returned;
mod rewrite;
mod upstream;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ::http::{HeaderMap, Method as HttpMethod};
use castellan_base::Ticks;

use crate::arguments::{Record, Rules, Schema, Violated};
use crate::hidden::Class;
use crate::inspect::{Edit, From};
use crate::message::{Message, Method, Payload};
use crate::names::Finding;
use crate::pin::{Kind, Observation, Store};
use crate::taint::{Flows, Labels, Match, Taints};
use crate::transport::{Accepted, Reason, Refusal, Sessions, Version, check};

pub use config::{Config, Era, Place, Server};
pub use exchange::Exchange;
pub use listing::Listed;

/// Who asks, as the gateway established it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The principal, in a form that two never share.
    pub principal: String,
    /// The agent or application, for events; may be empty.
    pub agent: String,
    /// What holds requests without a session together: a conversation's or a trace's id that the gateway trusts. Without
    /// it labels are the principal's.
    pub conversation: Option<String>,
}

/// A request of a client.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// HTTP method.
    pub method: &'a HttpMethod,
    /// HTTP headers.
    pub headers: &'a HeaderMap,
    /// The body, whole.
    pub body: &'a [u8],
    /// Who asks.
    pub caller: &'a Caller,
    /// Servers at this address that the principal may reach, the most trusted first. With more than one, names carry the
    /// server's id.
    pub servers: &'a [String],
    /// When.
    pub now: Ticks,
    /// Randomness for a session's id, from a cryptographic source, used once.
    pub entropy: [u8; 32],
}

/// What an upstream said: a whole answer, or one event of its stream.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Which server.
    pub server: &'a str,
    /// HTTP status; 200 for standard output.
    pub status: u16,
    /// `Mcp-Session-Id`, if it stood in the headers.
    pub session: Option<&'a str>,
    /// The JSON: the body, an event's data, a line. Empty for 202.
    pub body: &'a [u8],
    /// When.
    pub now: Ticks,
}

/// A request to a server behind. The gateway adds the token; the client's own never goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The server.
    pub server: String,
    /// POST, GET or DELETE. Over standard input only POST exists: write the body as a line.
    pub method: HttpMethod,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether an answer comes. If not, `received` is called with the empty body all the same.
    pub answered: bool,
}

/// The answer to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status. Of no more use where a stream has begun.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body, or the last event's data. Empty for 202 and 204.
    pub body: Vec<u8>,
    /// What to send besides, whose answers nobody waits for.
    pub also: Vec<Outgoing>,
}

/// At which point a decision is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Before a request or notification goes to a server.
    Request,
    /// Before an answer goes to the client.
    Answer,
    /// Before a notification or request of a server goes to the client.
    Event,
}

/// What the gateway has to decide. Scan `inspect::inspect(&message, from, request)`.
#[derive(Clone, Debug)]
pub struct Question {
    /// At which point.
    pub asked: Asked,
    /// The server; empty for what the proxy itself answers.
    pub server: String,
    /// The tool, prompt or resource, by the server's own name.
    pub subject: Option<String>,
    /// The message.
    pub message: Message,
    /// Who wrote it.
    pub from: From,
    /// The method of the request that this is or answers.
    pub request: Option<Method>,
    /// Arguments, laid flat for policies.
    pub arguments: Option<Record>,
    /// Labels of the call.
    pub call: BTreeSet<String>,
    /// Labels that the conversation has.
    pub labels: Labels,
    /// Flow rules that hold; one that blocks has already refused.
    pub flows: Vec<Match>,
    /// Keywords of the tool's schema that are not checked.
    pub unsupported: Vec<String>,
    /// Hidden characters that were in it; those of the configuration are out of an answer already.
    pub hidden: Vec<Class>,
    /// The context of Agent Hooks 0.1, for calls of tools.
    pub hook: Option<serde_json::Value>,
}

/// What the gateway decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes on, with these edits. `approved` is whether a person agreed, which flow rules may ask for.
    Allow {
        /// Edits of the question's message.
        edits: Vec<Edit>,
        /// Labels to remember, each with what was found.
        labels: Vec<(String, String)>,
        /// Whether a person agreed to this very call.
        approved: bool,
    },
    /// It does not.
    Deny {
        /// Why: forbidden, blocked, or a person has to approve.
        reason: Reason,
        /// What the client is told.
        message: String,
        /// Labels to remember, each with what was found.
        labels: Vec<(String, String)>,
        /// What programs are told beside it, as `data` of the error.
        data: Option<Box<crate::json::Value>>,
    },
}

impl Verdict {
    /// Goes on as it is.
    #[must_use]
    pub fn allow() -> Verdict {
        Verdict::Allow { edits: Vec::new(), labels: Vec::new(), approved: false }
    }
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send this, and tell what came.
    Send(Outgoing),
    /// Decide this.
    Decide(Box<Question>),
    /// Say which of these the principal may see, by place.
    Visible(Vec<Listed>),
    /// Pass this on as an event and read on.
    Emit(Vec<u8>),
    /// Send this beside the stream and read on.
    Reply(Outgoing),
    /// Read on.
    Wait,
    /// Open these streams and read them all.
    Listen(Vec<Outgoing>),
    /// Answer this. The exchange is over.
    Answer(Answer),
}

/// What the gateway should record.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A definition is new, changed, renamed, gone.
    Pin {
        /// The server.
        server: String,
        /// How it stands.
        observation: Observation,
    },
    /// A name looks like another one. The definition is left out.
    Name(Finding),
    /// A definition was left out.
    LeftOut {
        /// The server.
        server: String,
        /// What kind.
        kind: Kind,
        /// Its name, hidden characters written out.
        name: String,
        /// Why.
        reason: String,
    },
    /// Flow rules held.
    Flow(Match),
    /// A request was refused.
    Refused {
        /// Why.
        reason: Reason,
        /// What the client was told.
        message: String,
    },
    /// A server did not answer as it must.
    Server {
        /// The server.
        server: String,
        /// What was wrong.
        message: String,
    },
    /// A message was not passed on.
    Dropped {
        /// The server that sent it.
        server: String,
        /// Why.
        reason: String,
    },
    /// A context of Agent Hooks 0.1.
    Hook(serde_json::Value),
}

/// What a request has become.
#[derive(Debug)]
pub enum Begun {
    /// One exchange.
    One(Box<Exchange>, Step),
    /// One for each message of a batch (2025-03-26). Drive them in order, then put their answers together by [`join`].
    Batch(Vec<(Exchange, Step)>),
}

/// A connection to a server behind: which revision it speaks, in which session.
#[derive(Clone, Debug)]
struct Link {
    version: Version,
    session: Option<String>,
    capabilities: String,
    instructions: Option<String>,
    used: Ticks,
}

/// Whose connection to which server: principal, session, server.
type LinkKey = (String, String, String);

/// What a principal was last told that there is.
#[derive(Clone, Debug)]
struct Listing {
    at: Ticks,
    names: Vec<String>,
}

/// Most connections, listings and prepared schemas that are remembered.
const MOST_REMEMBERED: usize = 20_000;

/// The proxy: everything that outlasts one exchange.
#[derive(Debug)]
pub struct Proxy {
    config: Config,
    sessions: Sessions,
    pins: Store,
    taints: Taints,
    flows: Flows,
    rules: Rules,
    links: HashMap<LinkKey, Link>,
    listings: HashMap<(String, String, Kind), Listing>,
    schemas: HashMap<String, Arc<Result<Schema, String>>>,
    sequence: u64,
}

impl Proxy {
    /// A proxy with pins as they were kept.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(config: Config, pins: Store, flows: Flows) -> Result<Proxy, String> {
        config.validate()?;
        let rules = Rules::new(config.argument_rules.clone())?;
        Ok(Proxy {
            sessions: Sessions::new(config.sessions),
            taints: Taints::new(config.labels.clone()),
            pins,
            flows,
            rules,
            links: HashMap::new(),
            listings: HashMap::new(),
            schemas: HashMap::new(),
            sequence: 0,
            config,
        })
    }

    /// The pins, to keep them and to show what waits.
    #[must_use]
    pub fn pins(&self) -> &Store {
        &self.pins
    }

    /// The pins, to take decisions.
    pub fn pins_mut(&mut self) -> &mut Store {
        &mut self.pins
    }

    /// The labels of conversations.
    pub fn taints_mut(&mut self) -> &mut Taints {
        &mut self.taints
    }

    /// Begins with a client's request.
    pub fn begin(&mut self, incoming: Incoming<'_>) -> Begun {
        match self.accept(&incoming) {
            Ok(begun) => begun,
            Err(refusal) => {
                let mut exchange = Exchange::new(&incoming, Version::V2026_07_28, None, None);
                let step = exchange.refuse(refusal);
                Begun::One(Box::new(exchange), step)
            }
        }
    }

    fn accept(&mut self, incoming: &Incoming<'_>) -> Result<Begun, Refusal> {
        let principal = incoming.caller.principal.as_str();
        match check(&self.config.transport, incoming.method, incoming.headers, incoming.body)? {
            Accepted::End { session } => {
                let id = session.ok_or_else(missing)?;
                if !self.sessions.end(&id, principal) {
                    return Err(unknown());
                }
                let also = self.unlink(principal, &id);
                let exchange = Exchange::new(incoming, Version::V2025_11_25, None, None);
                Ok(Begun::One(
                    Box::new(exchange),
                    Step::Answer(Answer { status: 204, also, ..Answer::default() }),
                ))
            }
            Accepted::Stream { session, last_event } => {
                let id = session.ok_or_else(missing)?;
                let version = self.sessions.use_by(&id, principal, incoming.now).ok_or_else(unknown)?.version;
                let mut exchange = Exchange::new(incoming, version, Some(id), None);
                let step = self.listen(&mut exchange, last_event.as_deref());
                Ok(Begun::One(Box::new(exchange), step))
            }
            Accepted::Post(posted) => {
                let (version, session) =
                    self.era(incoming, posted.version, posted.session, &posted.payload)?;
                let mut begun = match posted.payload {
                    Payload::Single(message) => {
                        let exchange = Exchange::new(incoming, version, session, Some(*message));
                        let (exchange, step) = self.start(exchange);
                        return Ok(Begun::One(Box::new(exchange), step));
                    }
                    Payload::Batch(messages) => messages.into_iter(),
                };
                let starts = begun.by_ref().map(|message| {
                    self.start(Exchange::new(incoming, version, session.clone(), Some(message)))
                });
                Ok(Begun::Batch(starts.collect()))
            }
        }
    }

    /// The revision and the session of a POST.
    fn era(
        &mut self,
        incoming: &Incoming<'_>,
        said: Option<Version>,
        session: Option<String>,
        payload: &Payload,
    ) -> Result<(Version, Option<String>), Refusal> {
        let principal = incoming.caller.principal.as_str();
        let first = payload.messages().first();
        if said.is_some_and(Version::is_modern) {
            return Ok((Version::V2026_07_28, None));
        }
        if let (Some(message), Payload::Single(_)) = (first, payload)
            && message.method() == Some(Method::Initialize)
        {
            let version = self.negotiated(message)?;
            let id = self.sessions.begin(principal, version, incoming.entropy, incoming.now);
            let full =
                || Refusal::new(Reason::SessionsFull, message.id(), "there is no room for another session");
            return Ok((version, Some(id.ok_or_else(full)?)));
        }
        let id = session.ok_or_else(missing)?;
        let version = self.sessions.use_by(&id, principal, incoming.now).ok_or_else(unknown)?.version;
        if said.is_some_and(|said| said != version) {
            let what =
                format!("the session speaks {version}, the header MCP-Protocol-Version says otherwise");
            return Err(Refusal::new(Reason::HeaderMismatch, first.and_then(Message::id), what));
        }
        if matches!(payload, Payload::Batch(_)) && !version.has_batches() {
            return Err(Refusal::new(Reason::NotAMessage, None, "this revision has no batches"));
        }
        Ok((version, Some(id)))
    }

    /// What `initialize` agrees on: the client's revision if it is spoken here, else the newest with sessions.
    fn negotiated(&self, message: &Message) -> Result<Version, Refusal> {
        let wanted = message.param("protocolVersion").and_then(crate::json::Value::as_str);
        let Some(wanted) = wanted else {
            return Err(Refusal::new(Reason::Parameters, message.id(), "`protocolVersion` is missing"));
        };
        let mut spoken = self.config.transport.versions.clone();
        spoken.retain(|version| !version.is_modern());
        spoken.sort();
        let same = spoken.iter().find(|version| version.as_str() == wanted);
        let refused = || Refusal::version(message.id(), wanted, &self.config.transport.versions);
        same.or(spoken.last()).copied().ok_or_else(refused)
    }

    fn server(&self, id: &str) -> Option<&Server> {
        self.config.servers.iter().find(|server| server.id == id)
    }
}

fn missing() -> Refusal {
    Refusal::new(
        Reason::SessionMissing,
        None,
        "the header Mcp-Session-Id is missing; begin with `initialize`",
    )
}

fn unknown() -> Refusal {
    Refusal::new(Reason::SessionUnknown, None, "there is no such session; begin anew with `initialize`")
}

/// The answers to the messages of a batch as one body; the empty ones, of notifications, are left out.
#[must_use]
pub fn join(answers: &[Answer]) -> Answer {
    let bodies: Vec<&[u8]> =
        answers.iter().map(|answer| answer.body.as_slice()).filter(|body| !body.is_empty()).collect();
    let also = answers.iter().flat_map(|answer| answer.also.clone()).collect();
    if bodies.is_empty() {
        return Answer { status: 202, also, ..Answer::default() };
    }
    let mut body = b"[".to_vec();
    body.extend_from_slice(&bodies.join(&b','));
    body.push(b']');
    Answer { status: 200, headers: exchange::json_headers(), body, also }
}

/// Arguments that a rule forbids, as one text.
fn told(violated: &[Violated]) -> String {
    let reasons: Vec<&str> = violated.iter().map(|one| one.reason.as_str()).collect();
    reasons.join("; ")
}
