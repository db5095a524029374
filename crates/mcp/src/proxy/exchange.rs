//! One request of a client, from its beginning to its answer.

use std::collections::VecDeque;

use ::http::HeaderMap;
use castellan_base::Ticks;

use crate::json::{Kind as JsonKind, Value};
use crate::message::{Id, Message, Method};
use crate::pin::Kind;
use crate::taint::Conversation;
use crate::transport::{Pending, Reason, Refusal, Version, known_method};

use super::forward::route;
use super::rewrite;
use super::{Answer, Caller, Event, Incoming, Proxy, Step};

/// What remains to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Know the server's revision and have a session there.
    Link(String),
    /// Know what the server defines.
    List(String, Kind),
    /// Ask the gateway about the request.
    Ask(String),
    /// Send the request.
    Forward(String),
    /// Answer `initialize` or `server/discover`.
    Introduce,
    /// Answer a listing.
    Show(Kind),
    /// Answer with an empty result.
    Empty,
}

/// What is being waited for.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Idle,
    Probing(String),
    Initializing(String),
    Confirming,
    Listing { server: String, kind: Kind, items: Vec<Value>, pages: usize },
    Asking { server: String },
    Forwarded,
    Answering { server: String, message: Box<Message>, last: bool },
    Showing { kind: Kind, listed: Vec<super::Listed> },
    Listening,
    Done,
}

/// One request on its way.
#[derive(Debug)]
pub struct Exchange {
    pub(super) caller: Caller,
    pub(super) servers: Vec<String>,
    pub(super) headers: HeaderMap,
    pub(super) version: Version,
    pub(super) session: Option<String>,
    pub(super) request: Option<Message>,
    pub(super) tasks: VecDeque<Task>,
    pub(super) stage: Stage,
    pub(super) now: Ticks,
    pub(super) events: Vec<Event>,
    pub(super) retried: bool,
    pub(super) target: Option<String>,
    pub(super) pending: Option<Pending>,
}

impl Exchange {
    pub(super) fn new(
        incoming: &Incoming<'_>,
        version: Version,
        session: Option<String>,
        request: Option<Message>,
    ) -> Exchange {
        Exchange {
            caller: incoming.caller.clone(),
            servers: incoming.servers.to_vec(),
            headers: incoming.headers.clone(),
            version,
            session,
            request,
            tasks: VecDeque::new(),
            stage: Stage::Idle,
            now: incoming.now,
            events: Vec::new(),
            retried: false,
            target: None,
            pending: None,
        }
    }

    /// What should be recorded since this was last called.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The client's message.
    #[must_use]
    pub fn request(&self) -> Option<&Message> {
        self.request.as_ref()
    }

    /// The revision that the client speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The client's session, which an answer to `initialize` begins.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub(super) fn id(&self) -> Option<&Id> {
        self.request.as_ref().and_then(Message::id)
    }

    pub(super) fn method(&self) -> Option<Method> {
        self.request.as_ref().and_then(Message::method)
    }

    /// Whether names carry the server's id.
    pub(super) fn is_shared(&self) -> bool {
        self.servers.len() > 1
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) -> Step {
        self.stage = Stage::Done;
        self.tasks.clear();
        let event = Event::Refused { reason: refusal.reason, message: refusal.message.clone() };
        self.events.push(event);
        let mut headers = json_headers();
        headers.extend(refusal.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let is_notification = self.request.as_ref().is_some_and(|request| request.id().is_none());
        // A notification has no answer that could say so but the transport's.
        let status = if is_notification && refusal.status == 200 { 403 } else { refusal.status };
        Step::Answer(Answer { status, headers, body: refusal.body.into_bytes(), also: Vec::new() })
    }

    pub(super) fn refuse_for(&mut self, reason: Reason, message: impl Into<String>) -> Step {
        let refusal = Refusal::new(reason, self.id(), message);
        self.refuse(refusal)
    }

    /// The same with what programs are told beside the message.
    pub(super) fn refuse_with(
        &mut self,
        reason: Reason,
        message: impl Into<String>,
        data: Option<Box<crate::json::Value>>,
    ) -> Step {
        let mut refusal = Refusal::new(reason, self.id(), message);
        if let Some(data) = data {
            refusal = refusal.with_data(self.id(), *data);
        }
        self.refuse(refusal)
    }

    pub(super) fn answer(&mut self, body: Vec<u8>) -> Step {
        self.stage = Stage::Done;
        if body.is_empty() {
            return Step::Answer(Answer { status: 202, ..Answer::default() });
        }
        let mut headers = json_headers();
        if self.method() == Some(Method::Initialize)
            && let Some(session) = &self.session
        {
            headers.push(("mcp-session-id".to_owned(), session.clone()));
        }
        Step::Answer(Answer { status: 200, headers, body, also: Vec::new() })
    }

    pub(super) fn conversation(&self) -> Conversation {
        let id = self.session.clone().or_else(|| self.caller.conversation.clone());
        Conversation { principal: self.caller.principal.clone(), id: id.unwrap_or_default() }
    }
}

pub(super) fn json_headers() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "application/json".to_owned())]
}

impl Proxy {
    /// Decides what has to be done for a message.
    pub(super) fn start(&mut self, mut exchange: Exchange) -> (Exchange, Step) {
        let step = match self.plan(&mut exchange) {
            Ok(()) => self.advance(&mut exchange),
            Err(refusal) => exchange.refuse(refusal),
        };
        (exchange, step)
    }

    fn plan(&mut self, exchange: &mut Exchange) -> Result<(), Refusal> {
        let Some(request) = exchange.request.clone() else { return Ok(()) };
        if exchange.servers.iter().any(|id| self.server(id).is_none()) || exchange.servers.is_empty() {
            let message = "no server stands behind this address for you";
            return Err(Refusal::new(Reason::Forbidden, request.id(), message));
        }
        if request.is_answer() {
            return self.plan_answer(exchange, &request);
        }
        let method = known_method(&self.config.transport, &request, exchange.version)?;
        let all = exchange.servers.clone();
        let tasks = &mut exchange.tasks;
        let list_kind = match method {
            Some(Method::ToolsList) => Some(Kind::Tool),
            Some(Method::PromptsList) => Some(Kind::Prompt),
            Some(Method::ResourcesList) => Some(Kind::Resource),
            Some(Method::ResourcesTemplates) => Some(Kind::Template),
            _ => None,
        };
        if let Some(kind) = list_kind {
            if request.param("cursor").is_some() {
                // All of a listing is given at once, so no cursor is ever handed out.
                return Err(Refusal::new(Reason::Parameters, request.id(), "Invalid cursor"));
            }
            tasks.extend(all.iter().flat_map(|id| [Task::Link(id.clone()), Task::List(id.clone(), kind)]));
            tasks.push_back(Task::Show(kind));
            return Ok(());
        }
        match method {
            Some(Method::Initialize | Method::Discover) => {
                tasks.extend(all.into_iter().map(Task::Link));
                tasks.push_back(Task::Introduce);
            }
            Some(Method::Ping) => tasks.push_back(Task::Empty),
            Some(Method::Initialized) => {}
            Some(Method::SetLevel) if all.len() > 1 => tasks.push_back(Task::Empty),
            Some(Method::Cancelled | Method::Progress | Method::RootsChanged) | None
                if request.id().is_none() =>
            {
                for id in all {
                    tasks.extend([Task::Ask(id.clone()), Task::Forward(id)]);
                }
            }
            _ => {
                let (server, subject) = route(exchange, &request)?;
                exchange.target = subject;
                let tasks = &mut exchange.tasks;
                tasks.push_back(Task::Link(server.clone()));
                match method {
                    Some(Method::ToolsCall) => tasks.push_back(Task::List(server.clone(), Kind::Tool)),
                    Some(Method::PromptsGet) => tasks.push_back(Task::List(server.clone(), Kind::Prompt)),
                    _ => {}
                }
                tasks.extend([Task::Ask(server.clone()), Task::Forward(server)]);
            }
        }
        Ok(())
    }

    /// An answer of a client to a request that a server sent it (before 2026-07-28).
    fn plan_answer(&mut self, exchange: &mut Exchange, answer: &Message) -> Result<(), Refusal> {
        let session = exchange.session.clone().unwrap_or_default();
        let pending = answer.id().and_then(|id| self.sessions.answered(&session, id));
        let unknown = || Refusal::new(Reason::NotAMessage, None, "nobody asked for this response");
        let pending =
            pending.filter(|pending| exchange.servers.contains(&pending.server)).ok_or_else(unknown)?;
        let server = pending.server.clone();
        exchange.pending = Some(pending);
        exchange.tasks.extend([Task::Ask(server.clone()), Task::Forward(server)]);
        Ok(())
    }

    /// Does what is next until somebody else has to do something.
    pub(super) fn advance(&mut self, exchange: &mut Exchange) -> Step {
        while let Some(task) = exchange.tasks.pop_front() {
            let step = match task {
                Task::Link(server) => self.link(exchange, &server),
                Task::List(server, kind) => self.list(exchange, &server, kind),
                Task::Ask(server) => Some(self.ask(exchange, &server)),
                Task::Forward(server) => Some(self.forward(exchange, &server)),
                Task::Introduce => Some(self.introduce(exchange)),
                Task::Show(kind) => Some(self.show(exchange, kind)),
                Task::Empty => {
                    let id = exchange.id().map(Id::to_json).unwrap_or_default();
                    Some(
                        exchange
                            .answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#).into_bytes()),
                    )
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
        exchange.answer(Vec::new())
    }
}

/// Whether a member is an object, as JSON text; an empty one otherwise.
pub(super) fn object_source(message: &Message, value: Option<&Value>) -> String {
    let value = value.filter(|value| matches!(value.kind, JsonKind::Object(_)));
    value.map_or_else(|| "{}".to_owned(), |value| rewrite::source(message, value).to_owned())
}
