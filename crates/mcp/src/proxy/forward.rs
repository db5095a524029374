//! Decisions carried out, and requests on their way to a server.

use crate::inspect;
use crate::json::{Limits, Value};
use crate::message::{Message, Method, Shape};
use crate::names::{resolve, resolve_uri};
use crate::pin::Kind;
use crate::taint::{Action, Labels, Step as LabelStep};
use crate::transport::{Reason, Refusal};

use super::exchange::{Exchange, Stage};
use super::question::hints;
use super::rewrite::{self, Patch, patched};
use super::{Event, Outgoing, Proxy, Step, Verdict};

impl Proxy {
    /// The gateway has decided.
    pub fn decided(&mut self, exchange: &mut Exchange, verdict: Verdict) -> Step {
        let stage = std::mem::replace(&mut exchange.stage, Stage::Idle);
        let (labels, edits, approved, denied) = match verdict {
            Verdict::Allow { edits, labels, approved } => (labels, edits, approved, None),
            Verdict::Deny { reason, message, labels, data } => {
                (labels, Vec::new(), false, Some((reason, message, data)))
            }
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
                if let Some((reason, message, data)) = denied {
                    return exchange.refuse_with(reason, message, data);
                }
                match self.approve(exchange, &server, &edits, approved) {
                    Ok(()) => self.advance(exchange),
                    Err(refusal) => exchange.refuse(refusal),
                }
            }
            Stage::Answering { message, last, server } => match denied {
                Some((reason, text, data)) if last => exchange.refuse_with(reason, text, data),
                Some((_, reason, _)) => {
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
        if request.method() == Some(Method::ToolsCall) {
            // What the verdict itself found counts for this call too.
            let labels = self.taints.of(&exchange.conversation(), exchange.now);
            let name = exchange.target.clone().unwrap_or_default();
            let found = self.flow_of(server, &name, &labels);
            // A person's word is for what asks for one; what is blocked stays blocked.
            let least = if approved { Action::Block } else { Action::RequireApproval };
            if let Some((action, reason)) = found.filter(|(action, _)| *action >= least) {
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
        let hints = hints(&definition);
        let call = self.taints.config().call(server, name, hints);
        let found = self.flows.judge(labels, &call).into_iter().next()?;
        Some((found.action, found.reason))
    }

    pub(super) fn label(&mut self, exchange: &Exchange, server: &str, label: &str, why: &str) {
        let subject = exchange.target.clone().unwrap_or_default();
        let step =
            LabelStep { server: server.to_owned(), subject, why: why.to_owned(), at: exchange.now.get() };
        self.taints.add(&exchange.conversation(), label, step, exchange.now);
    }

    /// Sends the request to its server.
    pub(super) fn forward(&mut self, exchange: &mut Exchange, server: &str) -> Step {
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
}

/// Where a request goes, and the server's own name of what it is about.
pub(super) fn route(exchange: &Exchange, request: &Message) -> Result<(String, Option<String>), Refusal> {
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
