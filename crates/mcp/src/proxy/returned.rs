//! What servers send: answers, and what comes beside them.

use std::collections::BTreeSet;

use castellan_base::Ticks;

use crate::hidden::Class;
use crate::inspect::{self, From, inspect};
use crate::json::Limits;
use crate::message::{Id, Message, Method, Shape};
use crate::transport::{Pending, Reason};

use super::exchange::{Exchange, Stage, Task};
use super::rewrite::{self, patched};
use super::{Asked, Event, Proxy, Question, Received, Step, hooks};

impl Proxy {
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
        self.beside(exchange, &server, message)
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
    fn cleaned(&self, message: &Message, method: Option<Method>) -> Option<(Message, Vec<Class>)> {
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
        hidden: Vec<Class>,
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
    fn beside(&mut self, exchange: &mut Exchange, server: &str, message: Message) -> Step {
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
        let pending = Pending {
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
