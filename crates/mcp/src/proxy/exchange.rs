//! One request of a client, from its beginning to its answer.

use std::collections::{BTreeSet, VecDeque};

use ::http::HeaderMap;
use castellan_base::Ticks;

use crate::arguments::record;
use crate::inspect::{self, From, inspect};
use crate::json::{Kind as JsonKind, Limits, Value};
use crate::message::{Id, Message, Method, Shape};
use crate::names::{resolve, resolve_uri};
use crate::pin::Kind;
use crate::taint::{Action, Conversation, Hints, Labels, Step as LabelStep};
use crate::transport::{Reason, Refusal, Version, annotations, check_parameters, known_method};

use super::rewrite::{self, Patch, patch};
use super::{
    Answer, Asked, Caller, Event, Incoming, Outgoing, Proxy, Question, Received, Step, Verdict, hooks, told,
};

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
    retried: bool,
    target: Option<String>,
    pending: Option<crate::transport::Pending>,
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

    /// What the gateway has to decide about a request, after all that is decided here.
    fn ask(&mut self, exchange: &mut Exchange, server: &str) -> Step {
        match self.question(exchange, server) {
            Ok(question) => {
                exchange.stage = Stage::Asking { server: server.to_owned() };
                Step::Decide(Box::new(question))
            }
            Err(refusal) => exchange.refuse(refusal),
        }
    }

    fn question(&mut self, exchange: &mut Exchange, server: &str) -> Result<Question, Refusal> {
        let Some(message) = exchange.request.clone() else {
            return Err(Refusal::new(Reason::NotAMessage, None, "there is no message"));
        };
        let method = message.method();
        let request = match &exchange.pending {
            Some(pending) => Method::of(&pending.method),
            None => method,
        };
        let labels = self.taints.of(&exchange.conversation(), exchange.now);
        let hidden = inspect(&message, From::Client, request).hidden_classes();
        let mut question = Question {
            asked: Asked::Request,
            server: server.to_owned(),
            subject: exchange.target.clone(),
            from: From::Client,
            request,
            arguments: None,
            call: BTreeSet::new(),
            labels,
            flows: Vec::new(),
            unsupported: Vec::new(),
            hidden,
            hook: None,
            message,
        };
        match method {
            Some(Method::ToolsCall) => self.tool(exchange, &mut question)?,
            Some(Method::PromptsGet) => {
                self.defined(exchange, &question, Kind::Prompt)?;
                question.arguments = question.message.param("arguments").map(record);
            }
            _ => {}
        }
        Ok(question)
    }

    /// The definition of what is called: pinned, and listed for this principal.
    fn defined(&self, exchange: &Exchange, question: &Question, kind: Kind) -> Result<Value, Refusal> {
        let (server, id) = (question.server.as_str(), question.message.id());
        let name = question.subject.as_deref().unwrap_or_default();
        let key = (exchange.caller.principal.clone(), server.to_owned(), kind);
        let is_listed =
            self.listings.get(&key).is_some_and(|listing| listing.names.iter().any(|one| one == name));
        let pinned = self.pins.trusted(server, kind, name).filter(|_| is_listed);
        let parsed = pinned.and_then(|text| crate::json::parse(text.as_bytes(), &Limits::default()).ok());
        parsed.ok_or_else(|| {
            let waits = self.pins.pin(server, kind, name).is_some_and(|pin| pin.quarantine.is_some());
            if waits {
                let message = format!(
                    "the definition of the {kind} is not approved; an administrator has to look at it"
                );
                return Refusal::new(Reason::Quarantined, id, message);
            }
            Refusal::new(Reason::Parameters, id, format!("Unknown {kind}"))
        })
    }

    fn tool(&mut self, exchange: &mut Exchange, question: &mut Question) -> Result<(), Refusal> {
        let definition = self.defined(exchange, question, Kind::Tool)?;
        let id = question.message.id().cloned();
        let id = id.as_ref();
        let name = question.subject.clone().unwrap_or_default();
        let empty = Value::object(Vec::new());
        let arguments = question.message.param("arguments").unwrap_or(&empty).clone();
        if !arguments.is_object() {
            return Err(Refusal::new(Reason::Parameters, id, "`arguments` has to be an object"));
        }
        let schema = definition.get("inputSchema").cloned().unwrap_or(Value::object(Vec::new()));
        self.conforms(question, &schema, &arguments)?;
        if exchange.version.is_modern() {
            let annotated = annotations(&schema).map_err(|why| Refusal::new(Reason::Quarantined, id, why))?;
            check_parameters(&exchange.headers, &annotated, &question.message)?;
        }
        let violated = self.rules.check(&question.server, &name, &arguments);
        if !violated.is_empty() {
            return Err(Refusal::new(Reason::Forbidden, id, told(&violated)));
        }
        let hint = |key: &str| definition.at(&["annotations", key]).and_then(Value::as_bool);
        let hints = Hints {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            open_world: hint("openWorldHint"),
        };
        question.call = self.taints.config().call(&question.server, &name, hints);
        question.flows = self.flows.judge(&question.labels, &question.call);
        exchange.events.extend(question.flows.iter().cloned().map(Event::Flow));
        if let Some(found) = question.flows.first().filter(|found| found.action == Action::Block) {
            return Err(Refusal::new(Reason::Blocked, id, found.reason.clone()));
        }
        question.arguments = Some(record(&arguments));
        let hook = hooks::before(&self.about(exchange, &question.server, &name), &question.message);
        exchange.events.push(Event::Hook(hook.clone()));
        question.hook = Some(hook);
        Ok(())
    }

    fn conforms(
        &mut self,
        question: &mut Question,
        schema: &Value,
        arguments: &Value,
    ) -> Result<(), Refusal> {
        let id = question.message.id().cloned();
        let prepared = self.schema(schema);
        let prepared = match &*prepared {
            Ok(prepared) => prepared,
            Err(why) => {
                let message = format!("the tool's input schema cannot be used: {why}");
                return Err(Refusal::new(Reason::Quarantined, id.as_ref(), message));
            }
        };
        question.unsupported = prepared.unsupported().to_vec();
        if self.config.refuse_unsupported_schemas && !question.unsupported.is_empty() {
            let message =
                "the tool's input schema asserts what is not checked here, which the configuration refuses";
            return Err(Refusal::new(Reason::Quarantined, id.as_ref(), message));
        }
        let checked = prepared.check(arguments);
        if checked.holds() {
            return Ok(());
        }
        let told: Vec<String> = checked
            .violations
            .iter()
            .take(5)
            .map(|violation| format!("`arguments{}` {}", violation.path, violation.message))
            .collect();
        let told = if checked.exhausted { "they take too long to check".to_owned() } else { told.join("; ") };
        Err(Refusal::new(Reason::Parameters, id.as_ref(), format!("Invalid arguments: {told}")))
    }

    pub(super) fn about<'a>(
        &mut self,
        exchange: &'a Exchange,
        server: &'a str,
        tool: &'a str,
    ) -> hooks::About<'a> {
        self.sequence += 1;
        hooks::About {
            agent: &exchange.caller.agent,
            session: exchange
                .session
                .as_deref()
                .or(exchange.caller.conversation.as_deref())
                .unwrap_or_default(),
            user: &exchange.caller.principal,
            server,
            tool,
            call: exchange.id().map(Id::to_json).unwrap_or_default(),
            sequence: self.sequence,
            now: exchange.now,
        }
    }

    /// The gateway has decided.
    pub fn decided(&mut self, exchange: &mut Exchange, verdict: Verdict) -> Step {
        let stage = std::mem::replace(&mut exchange.stage, Stage::Idle);
        let (labels, edits, approved, denied) = match verdict {
            Verdict::Allow { edits, labels, approved } => (labels, edits, approved, None),
            Verdict::Deny { reason, message, labels } => (labels, Vec::new(), false, Some((reason, message))),
        };
        let server = match &stage {
            Stage::Asking { server } | Stage::Answering { server, .. } => server.clone(),
            _ => String::new(),
        };
        for (label, why) in labels {
            self.label(exchange, &server, &label, &why);
        }
        match stage {
            Stage::Asking { server } => {
                if let Some((reason, message)) = denied {
                    return exchange.refuse_for(reason, message);
                }
                match self.approve(exchange, &server, &edits, approved) {
                    Ok(()) => self.advance(exchange),
                    Err(refusal) => exchange.refuse(refusal),
                }
            }
            Stage::Answering { message, last, server } => match denied {
                Some((reason, text)) if last => exchange.refuse_for(reason, text),
                Some((_, reason)) => {
                    exchange.stage = Stage::Forwarded;
                    exchange.events.push(Event::Dropped { server, reason });
                    Step::Wait
                }
                None => match inspect::apply(message.bytes(), &edits, &self.config.transport.limits()) {
                    Ok(bytes) if last => exchange.answer(bytes),
                    Ok(bytes) => {
                        exchange.stage = Stage::Forwarded;
                        Step::Emit(bytes)
                    }
                    Err(error) => exchange.refuse_for(Reason::Blocked, error.to_string()),
                },
            },
            _ => exchange.refuse_for(Reason::Blocked, "a decision came that nobody asked for"),
        }
    }

    fn approve(
        &mut self,
        exchange: &mut Exchange,
        server: &str,
        edits: &[inspect::Edit],
        approved: bool,
    ) -> Result<(), Refusal> {
        let Some(request) = exchange.request.clone() else { return Ok(()) };
        if request.method() == Some(Method::ToolsCall) && !approved {
            // What the verdict itself found counts for this call too.
            let labels = self.taints.of(&exchange.conversation(), exchange.now);
            let name = exchange.target.clone().unwrap_or_default();
            let found = self.flow_of(server, &name, &labels);
            if let Some((action, reason)) = found.filter(|(action, _)| *action >= Action::RequireApproval) {
                let why = if action == Action::Block { Reason::Blocked } else { Reason::ApprovalNeeded };
                return Err(Refusal::new(why, request.id(), reason));
            }
        }
        if edits.is_empty() {
            return Ok(());
        }
        let limits = self.config.transport.limits();
        let edited = inspect::apply(request.bytes(), edits, &limits).ok();
        let edited = edited.and_then(|bytes| Message::parse(&bytes, &limits).ok());
        let same = |edited: &Message| {
            edited.shape() == request.shape()
                && edited.method_name() == request.method_name()
                && edited.subject() == request.subject()
        };
        let changed = || Refusal::new(Reason::Blocked, request.id(), "an edit would change what is called");
        exchange.request = Some(edited.filter(same).ok_or_else(changed)?);
        Ok(())
    }

    fn flow_of(&self, server: &str, name: &str, labels: &Labels) -> Option<(Action, String)> {
        let definition = self.pins.trusted(server, Kind::Tool, name)?;
        let definition = crate::json::parse(definition.as_bytes(), &Limits::default()).ok()?;
        let hint = |key: &str| definition.at(&["annotations", key]).and_then(Value::as_bool);
        let hints = Hints {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            open_world: hint("openWorldHint"),
        };
        let call = self.taints.config().call(server, name, hints);
        let found = self.flows.judge(labels, &call).into_iter().next()?;
        Some((found.action, found.reason))
    }

    fn label(&mut self, exchange: &Exchange, server: &str, label: &str, why: &str) {
        let subject = exchange.target.clone().unwrap_or_default();
        let step =
            LabelStep { server: server.to_owned(), subject, why: why.to_owned(), at: exchange.now.get() };
        self.taints.add(&exchange.conversation(), label, step, exchange.now);
    }

    /// Sends the request to its server.
    fn forward(&mut self, exchange: &mut Exchange, server: &str) -> Step {
        exchange.stage = Stage::Forwarded;
        match self.outgoing(exchange, server) {
            Ok(Some(outgoing)) => Step::Send(outgoing),
            // A server that nobody has talked to needs no notification.
            Ok(None) => self.advance(exchange),
            Err(refusal) => exchange.refuse(refusal),
        }
    }

    fn outgoing(&mut self, exchange: &Exchange, server: &str) -> Result<Option<Outgoing>, Refusal> {
        let Some(request) = exchange.request.clone() else { return Ok(None) };
        let is_request = matches!(request.shape(), Shape::Request { .. });
        let Some(link) = self.link_of(exchange, server) else {
            let gone =
                || Refusal::new(Reason::Upstream, request.id(), "the connection to the server is gone");
            return if is_request { Err(gone()) } else { Ok(None) };
        };
        let not_bridged = |what: &str| Refusal::new(Reason::NotBridged, request.id(), what);
        if let Some(method) = request.method()
            && !method.exists_in(link.version)
        {
            if !is_request {
                return Ok(None);
            }
            let what = format!(
                "`{}` has no counterpart in {}, which the server speaks",
                method.name(),
                link.version
            );
            return Err(not_bridged(&what));
        }
        let mut patches = Vec::new();
        if let Some(pending) = &exchange.pending {
            patches.extend(rewrite::other_id(&request, &pending.id));
        }
        if exchange.is_shared() {
            patches.extend(renamed(&request));
        }
        if link.version.is_modern() && !exchange.version.is_modern() && is_request {
            // The client cannot take requests for input in results, so it is said to have no capabilities.
            let client = self.client_of(exchange);
            patches.extend(rewrite::modern_meta(&request, "{}", &client));
        }
        let bytes = patched(&request, patches);
        let sent = bytes.and_then(|bytes| Message::parse(&bytes, &self.config.transport.limits()).ok());
        let sent = sent.ok_or_else(|| not_bridged("the request cannot be carried to the server"))?;
        Ok(Some(self.post(&link, server, &sent, is_request)))
    }

    /// A server has answered, or an event of its stream has come.
    pub fn received(&mut self, exchange: &mut Exchange, received: Received<'_>) -> Step {
        exchange.now = received.now;
        match std::mem::replace(&mut exchange.stage, Stage::Idle) {
            Stage::Forwarded => self.returned(exchange, &received, false),
            Stage::Listening => self.returned(exchange, &received, true),
            Stage::Done => exchange.refuse_for(Reason::Upstream, "a server answered twice"),
            stage => self.prepared(exchange, stage, &received),
        }
    }

    /// A server has not answered, or its stream ended too early.
    pub fn failed(&mut self, exchange: &mut Exchange, server: &str, why: &str, now: Ticks) -> Step {
        exchange.now = now;
        if matches!(exchange.stage, Stage::Done) {
            return exchange.refuse_for(Reason::Upstream, "the exchange is over");
        }
        self.unlink_one(exchange, server);
        self.broken(exchange, server, why)
    }

    /// One server of several may fail where all were asked; where one was meant, the request fails.
    pub(super) fn broken(&mut self, exchange: &mut Exchange, server: &str, why: &str) -> Step {
        exchange.events.push(Event::Server { server: server.to_owned(), message: why.to_owned() });
        let asks_all = exchange.tasks.iter().any(|task| matches!(task, Task::Introduce | Task::Show(_)));
        if asks_all && exchange.is_shared() {
            let of = |task: &Task| matches!(task, Task::Link(id) | Task::List(id, _) if id == server);
            exchange.tasks.retain(|task| !of(task));
            exchange.servers.retain(|id| id != server || exchange.request.is_none());
            return self.advance(exchange);
        }
        if exchange.request.as_ref().is_some_and(|request| request.id().is_none()) {
            return self.advance(exchange);
        }
        exchange.refuse_for(Reason::Upstream, format!("the server `{server}` did not answer as it must"))
    }

    fn returned(&mut self, exchange: &mut Exchange, received: &Received<'_>, listening: bool) -> Step {
        exchange.stage = if listening { Stage::Listening } else { Stage::Forwarded };
        let server = received.server.to_owned();
        let wants =
            exchange.request.as_ref().is_some_and(|request| matches!(request.shape(), Shape::Request { .. }));
        if !wants && !listening && received.body.is_empty() {
            return self.advance(exchange);
        }
        let link = self.link_of(exchange, &server);
        let is_lost = received.status == 404 && link.as_ref().is_some_and(|link| link.session.is_some());
        if is_lost && wants && !exchange.retried {
            // The server has forgotten the session: the specification has clients begin anew.
            exchange.retried = true;
            self.unlink_one(exchange, &server);
            exchange.tasks.push_front(Task::Forward(server.clone()));
            exchange.tasks.push_front(Task::Link(server));
            return self.advance(exchange);
        }
        let limits = self.config.transport.limits();
        let message = match Message::parse(received.body, &limits) {
            Ok(message) => message,
            Err(error) => {
                let why = format!("HTTP status {}, and no message: {error}", received.status);
                return self.broken(exchange, &server, &why);
            }
        };
        if message.is_answer() {
            if !wants || listening || message.id() != exchange.id() {
                let refused = received.status >= 400 && wants && message.id().is_none();
                let why = if refused {
                    "the server refused the request"
                } else {
                    "an answer that nobody waits for"
                };
                if refused {
                    return self.broken(exchange, &server, why);
                }
                exchange.events.push(Event::Dropped { server, reason: why.to_owned() });
                return Step::Wait;
            }
            return self.result(exchange, &server, message);
        }
        self.from_server(exchange, &server, message)
    }

    /// The answer to the client's request.
    fn result(&mut self, exchange: &mut Exchange, server: &str, message: Message) -> Step {
        let method = exchange.method();
        let is_modern = exchange.version.is_modern();
        let may_ask = matches!(method, Some(Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead));
        if message.asks_for_input() && !(is_modern && may_ask) {
            let what = "the server asks for input in its result, which the client's revision does not have";
            return exchange.refuse_for(Reason::NotBridged, what);
        }
        let Some((message, hidden)) = self.cleaned(&message, method) else {
            return self.broken(exchange, server, "an answer that cannot be freed of hidden characters");
        };
        let mut patches = Vec::new();
        if is_modern {
            patches.extend(rewrite::modern_result(&message, method == Some(Method::ResourcesRead)));
        }
        if exchange.is_shared() {
            patches.extend(rewrite::exposed_uris(&message, server));
        }
        let limits = self.config.transport.limits();
        let carried = patched(&message, patches).and_then(|bytes| Message::parse(&bytes, &limits).ok());
        let Some(message) = carried else {
            return self.broken(exchange, server, "an answer that cannot be carried over");
        };
        let subject = exchange.target.clone();
        if may_ask {
            for label in self.taints.config().gives(server, subject.as_deref().unwrap_or_default()) {
                self.label(exchange, server, &label, "configured");
            }
        }
        let hook = (method == Some(Method::ToolsCall)).then(|| {
            let name = subject.clone().unwrap_or_default();
            hooks::after(&self.about(exchange, server, &name), &message)
        });
        exchange.events.extend(hook.clone().map(Event::Hook));
        self.give(exchange, server, message, true, hidden, hook)
    }

    /// The message without the hidden characters that the configuration names, and all classes that were in it.
    fn cleaned(
        &self,
        message: &Message,
        method: Option<Method>,
    ) -> Option<(Message, Vec<crate::hidden::Class>)> {
        let inspection = inspect(message, From::Server, method);
        let hidden = inspection.hidden_classes();
        let edits = inspection.strip(&self.config.hidden);
        if edits.is_empty() {
            return Some((message.clone(), hidden));
        }
        let limits = self.config.transport.limits();
        let bytes = inspect::apply(message.bytes(), &edits, &limits).ok()?;
        let cleaned = Message::parse(&bytes, &limits).ok()?;
        let same = cleaned.id() == message.id() && cleaned.method_name() == message.method_name();
        same.then_some((cleaned, hidden))
    }

    pub(super) fn give(
        &mut self,
        exchange: &mut Exchange,
        server: &str,
        message: Message,
        last: bool,
        hidden: Vec<crate::hidden::Class>,
        hook: Option<serde_json::Value>,
    ) -> Step {
        let request = if message.is_answer() { exchange.method() } else { message.method() };
        let question = Question {
            asked: if last { Asked::Answer } else { Asked::Event },
            server: server.to_owned(),
            subject: exchange.target.clone(),
            from: From::Server,
            request,
            arguments: None,
            call: BTreeSet::new(),
            labels: self.taints.of(&exchange.conversation(), exchange.now),
            flows: Vec::new(),
            unsupported: Vec::new(),
            hidden,
            hook,
            message: message.clone(),
        };
        exchange.stage = Stage::Answering { server: server.to_owned(), message: Box::new(message), last };
        Step::Decide(Box::new(question))
    }

    /// A notification or request of a server within a stream.
    fn from_server(&mut self, exchange: &mut Exchange, server: &str, message: Message) -> Step {
        let Some((message, hidden)) = self.cleaned(&message, message.method()) else {
            exchange
                .events
                .push(Event::Dropped { server: server.to_owned(), reason: "cannot be cleaned".to_owned() });
            return Step::Wait;
        };
        let mut patches = Vec::new();
        if matches!(message.shape(), Shape::Request { .. }) {
            let session = exchange.session.clone().unwrap_or_default();
            match self.asked_of_client(exchange, &session, server, &message) {
                Ok(id) => patches.extend(rewrite::other_id(&message, &id)),
                Err(body) => {
                    let Some(link) = self.link_of(exchange, server) else { return Step::Wait };
                    let Ok(answer) = Message::parse(body.as_bytes(), &Limits::default()) else {
                        return Step::Wait;
                    };
                    return Step::Reply(self.post(&link, server, &answer, false));
                }
            }
        } else {
            if matches!(
                message.method(),
                Some(Method::ToolsChanged | Method::PromptsChanged | Method::ResourcesChanged)
            ) {
                self.forget_listings(server);
            }
            let known = message.method().is_some_and(|method| method.exists_in(exchange.version));
            let extra = |name: &str| self.config.transport.extra_methods.iter().any(|extra| extra == name);
            if !known && !message.method_name().is_some_and(extra) {
                let reason =
                    format!("`{}` is not of {}", message.method_name().unwrap_or_default(), exchange.version);
                exchange.events.push(Event::Dropped { server: server.to_owned(), reason });
                return Step::Wait;
            }
        }
        if exchange.is_shared() {
            patches.extend(rewrite::exposed_uris(&message, server));
        }
        let carried = patched(&message, patches);
        let carried = carried.and_then(|bytes| Message::parse(&bytes, &self.config.transport.limits()).ok());
        match carried {
            Some(message) => self.give(exchange, server, message, false, hidden, None),
            None => Step::Wait,
        }
    }

    /// The id under which a client sees a server's request; or the answer to the server, if the client is not asked.
    fn asked_of_client(
        &mut self,
        exchange: &mut Exchange,
        session: &str,
        server: &str,
        message: &Message,
    ) -> Result<Id, String> {
        let id = message.id().map(Id::to_json).unwrap_or_default();
        let method = message.method();
        if method == Some(Method::Ping) {
            return Err(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        }
        let fitting = method.is_some_and(|method| {
            matches!(method, Method::CreateMessage | Method::Elicit | Method::RootsList)
                && method.exists_in(exchange.version)
                && !exchange.version.is_modern()
        });
        let pending = crate::transport::Pending {
            server: server.to_owned(),
            id: message.id().cloned().unwrap_or(Id::Number("0".into())),
            method: message.method_name().unwrap_or_default().to_owned(),
        };
        let asked = if fitting { self.sessions.ask(session, pending) } else { None };
        asked.ok_or_else(|| {
            let reason =
                format!("`{}` is not asked of this client", message.method_name().unwrap_or_default());
            exchange.events.push(Event::Dropped { server: server.to_owned(), reason });
            let error = r#"{"code":-32601,"message":"Method not found"}"#;
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
        })
    }
}

/// Where a request goes, and the server's own name of what it is about.
fn route(exchange: &Exchange, request: &Message) -> Result<(String, Option<String>), Refusal> {
    let only = exchange.servers.first().filter(|_| !exchange.is_shared());
    let subject = subject(request);
    if let Some(server) = only {
        return Ok((server.clone(), subject.map(|(value, _)| value.to_owned())));
    }
    let unknown = |what: &str| Refusal::new(Reason::Parameters, request.id(), what.to_owned());
    let Some((exposed, is_uri)) = subject else {
        let what =
            "several servers stand behind this address, and the request does not say which one it means";
        return Err(Refusal::new(Reason::NotBridged, request.id(), what));
    };
    let resolved = if is_uri { resolve_uri(exposed) } else { resolve(exposed) };
    let found = resolved.filter(|(server, _)| exchange.servers.iter().any(|id| id == server));
    let (server, name) = found.ok_or_else(|| unknown("Unknown name: no server of this address has it"))?;
    Ok((server.to_owned(), Some(name.to_owned())))
}

/// What a request is about, and whether that is a URI.
fn subject(request: &Message) -> Option<(&str, bool)> {
    let value = subject_value(request)?;
    Some((value.0.as_str()?, value.1))
}

fn subject_value(request: &Message) -> Option<(&Value, bool)> {
    match request.method()? {
        Method::ToolsCall | Method::PromptsGet => Some((request.param("name")?, false)),
        Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
            Some((request.param("uri")?, true))
        }
        Method::Complete => {
            let reference = request.param("ref")?;
            let uri = reference.get("uri").map(|uri| (uri, true));
            uri.or_else(|| Some((reference.get("name")?, false)))
        }
        _ => None,
    }
}

/// The server's own name in the place of the exposed one.
fn renamed(request: &Message) -> Option<Patch> {
    let (value, is_uri) = subject_value(request)?;
    let text = value.as_str()?;
    let (_, own) = if is_uri { resolve_uri(text)? } else { resolve(text)? };
    Some(rewrite::other_text(value, own))
}

fn patched(message: &Message, patches: Vec<Patch>) -> Option<Vec<u8>> {
    if patches.is_empty() {
        return Some(message.bytes().to_vec());
    }
    patch(message.bytes(), patches)
}

/// Whether a member is an object, as JSON text; an empty one otherwise.
pub(super) fn object_source(message: &Message, value: Option<&Value>) -> String {
    let value = value.filter(|value| matches!(value.kind, JsonKind::Object(_)));
    value.map_or_else(|| "{}".to_owned(), |value| rewrite::source(message, value).to_owned())
}
