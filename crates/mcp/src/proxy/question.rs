//! What the gateway has to decide about a request, after all that is decided here.

use std::collections::BTreeSet;

use crate::arguments::record;
use crate::inspect::{From, inspect};
use crate::json::{Limits, Value};
use crate::message::{Id, Method};
use crate::pin::Kind;
use crate::taint::{Action, Hints};
use crate::transport::{Reason, Refusal, annotations, check_parameters};

use super::exchange::{Exchange, Stage};
use super::{Asked, Event, Proxy, Question, Step, hooks, told};

impl Proxy {
    /// What the gateway has to decide about a request, after all that is decided here.
    pub(super) fn ask(&mut self, exchange: &mut Exchange, server: &str) -> Step {
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
        let hints = hints(&definition);
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
}

/// What a tool says of itself.
pub(super) fn hints(definition: &Value) -> Hints {
    let hint = |key: &str| definition.at(&["annotations", key]).and_then(Value::as_bool);
    Hints {
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        open_world: hint("openWorldHint"),
    }
}
