//! Decisions that the state machine asks for: policies, grants, orders of playbooks, guardrails.

use std::sync::Arc;
use std::time::Instant;

use castellan_access::grant::Held;
use castellan_access::policy::{Action, Asked as Cedar, Resource};
use castellan_mcp::jcs::{Integers, canonical};
use castellan_mcp::json::{Kind as JsonKind, Limits, Value as Json, parse};
use castellan_mcp::message::Method;
use castellan_mcp::pin::Kind;
use castellan_mcp::proxy::{Asked, Listed, Question, Verdict};
use castellan_mcp::taint::Action as Flow;
use castellan_mcp::transport::Reason;
use castellan_respond::actions::{Asked as Subjects, Ruling, SubjectKind};
use castellan_wire::calls::Call;
use serde_json::{Value, json};

use super::super::approve::{agreed, digest, used};
use super::super::meter::reserve_call;
use super::super::released::Releasing;
use super::drive::Driver;
use super::told::short;
use super::{circumstances, held, server, tool};
use crate::guard::{Action as Follows, Memory, Selected};
use crate::limit::Refusal;
use crate::mcp::{Scanned, definition, scan};
use crate::record::Stage;

fn deny(reason: Reason, message: impl Into<String>) -> Verdict {
    Verdict::Deny { reason, message: message.into(), labels: Vec::new(), data: None }
}

/// What a limit tells whoever asks: when to come back, as 429 does.
fn limited(refusal: &Refusal) -> Verdict {
    let mut data = vec![("limit", Json::string(&refusal.rule))];
    let wait = refusal.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
    data.extend(wait.map(|seconds| ("retryAfterSeconds", Json::integer(seconds))));
    Verdict::Deny {
        reason: Reason::Limited,
        message: refusal.to_string(),
        labels: Vec::new(),
        data: Some(Box::new(Json::object(data))),
    }
}

impl Driver {
    /// Decides about a message.
    pub(super) fn decide(&mut self, question: &Question) -> Verdict {
        if let Some(mcp) = self.exchange.decision.mcp.as_mut().filter(|_| !question.server.is_empty()) {
            mcp.server = Some(question.server.clone());
            if mcp.tool.is_some() {
                mcp.tool = question.subject.as_deref().map(short);
            }
        }
        match question.asked {
            Asked::Request => {
                self.exchange.needs.clear();
                self.exchange.releasing = None;
                match self.may(question) {
                    Ok(approved) => self.look(question, approved, Stage::InspectRequest),
                    Err(verdict) => {
                        let stage = self.denied.unwrap_or(Stage::Authorise);
                        self.denied = Some(stage);
                        verdict
                    }
                }
            }
            Asked::Answer | Asked::Event => self.look(question, false, Stage::InspectAnswer),
        }
    }

    /// Limits and approvals of a request that may be made otherwise.
    pub(super) async fn admitted(&mut self, question: &Question, verdict: Verdict) -> Verdict {
        let Verdict::Allow { edits, labels, approved } = verdict else { return verdict };
        if question.asked != Asked::Request {
            return Verdict::Allow { edits, labels, approved };
        }
        let is_call = question.message.method() == Some(Method::ToolsCall);
        let tool = question.subject.as_deref().filter(|_| is_call);
        let configured = tool.and_then(|tool| self.mcp.config.tool(&question.server, tool));
        let dollars = configured.map_or(0.0, |tool| tool.cost);
        let verified = Arc::clone(&self.verified);
        let principal = &verified.principal;
        let at = (question.server.as_str(), tool);
        if let Err(refusal) = reserve_call(&mut self.exchange, principal, at, dollars) {
            self.denied = Some(Stage::Meter);
            self.exchange.decision.word = format!("limit:{}", refusal.rule);
            return limited(&refusal);
        }
        if dollars > 0.0 {
            self.exchange.decision.cost = Some(dollars);
        }
        let flows = question.flows.iter().filter(|found| found.action == Flow::RequireApproval);
        for found in flows.filter(|_| !approved && self.gate.approvals.is_some()) {
            self.exchange.need(format!("flow {}", found.rule));
        }
        if self.exchange.needs.is_empty() {
            return Verdict::Allow { edits, labels, approved };
        }
        let subject = castellan_mcp::hidden::reveal(question.subject.as_deref().unwrap_or_default());
        let what = format!("tool {}/{subject}", question.server);
        match self.agreed(question, &what).await {
            Ok(()) => Verdict::Allow { edits, labels, approved: true },
            Err((word, message)) => {
                // What is not sent gives back what it had reserved.
                self.exchange.reservation = None;
                self.exchange.decision.cost = None;
                self.denied = Some(Stage::Authorise);
                let id = self.exchange.decision.approval.as_ref().map(|approval| approval.id.clone());
                self.exchange.decision.word =
                    id.as_ref().map_or_else(|| word.to_owned(), |id| format!("{word}:{id}"));
                let data = id.map(|id| Box::new(Json::object(vec![("approval", Json::string(&id))])));
                let is_denied = word == "approval_denied";
                let reason = if is_denied { Reason::Forbidden } else { Reason::ApprovalNeeded };
                Verdict::Deny { reason, message, labels, data }
            }
        }
    }

    /// Whether a person has agreed to this very request; the approval is used up then.
    async fn agreed(&mut self, question: &Question, what: &str) -> Result<(), (&'static str, String)> {
        let message = &question.message;
        let value = match message.method() {
            Some(Method::ToolsCall) => message.param("arguments"),
            _ => message.params(),
        };
        // What a protocol adds to a request (`_meta`) is another each time.
        let body = value.map(|value| match &value.kind {
            JsonKind::Object(members) => {
                let members = members.iter().filter(|member| &*member.key != "_meta").cloned().collect();
                canonical(&Json::new(JsonKind::Object(members)), Integers::Exact)
            }
            _ => canonical(value, Integers::Exact),
        });
        let subject = question.subject.as_deref().unwrap_or_default();
        let method = message.method_name().unwrap_or_default();
        let parts = ["mcp", method, &question.server, subject];
        let digest = digest(&parts, body.unwrap_or_default().as_bytes());
        let rules: Vec<&str> = self.exchange.needs.iter().map(String::as_str).collect();
        let wait = self.profiles.as_ref().map_or(0, |profiles| profiles.wait(&rules));
        let verified = Arc::clone(&self.verified);
        let agreed = agreed(&mut self.exchange, &verified.principal, what, digest, wait).await?;
        used(&mut self.exchange, &verified.principal, &agreed)
    }

    /// Whether it may be done; whether a person has agreed to it.
    fn may(&mut self, question: &Question) -> Result<bool, Verdict> {
        let id = question.server.as_str();
        let name = question.subject.as_deref().unwrap_or_default();
        let arguments = question.message.param("arguments");
        let arguments = arguments.and_then(|value| {
            let bytes = question.message.bytes().get(value.span.start..value.span.end)?;
            serde_json::from_slice::<Value>(bytes).ok()
        });
        let (action, resource) = match question.message.method() {
            Some(Method::ToolsCall) => (Action::Call, tool(&self.mcp, id, name)),
            Some(Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe) => {
                (Action::Read, server(&self.mcp, id))
            }
            Some(Method::PromptsGet) => (Action::Get, server(&self.mcp, id)),
            _ => (Action::List, server(&self.mcp, id)),
        };
        // Who got here may reach the server; what is listed of it is asked by itself.
        let mut approved = false;
        let mut profiles = Vec::new();
        if action != Action::List {
            let own = held(&self.gate, &self.verified, &resource);
            let (allowed, more) = self.policies(question, (action, resource), own, arguments.as_ref())?;
            approved = allowed;
            profiles = more;
        }
        self.orders(question)?;
        self.select(id, &profiles).map_err(|why| {
            self.denied = Some(Stage::Authorise);
            deny(Reason::Blocked, why)
        })?;
        if action == Action::Call {
            self.fit(id, name)?;
        }
        Ok(approved)
    }

    /// What policies say: whether a person has agreed, and to which guardrails they oblige.
    fn policies(
        &mut self,
        question: &Question,
        (action, resource): (Action, Resource),
        own: Held,
        arguments: Option<&Value>,
    ) -> Result<(bool, Vec<String>), Verdict> {
        let verified = Arc::clone(&self.verified);
        let mut asked = Cedar::by(&verified, action, resource, self.gate.now());
        asked.circumstances = circumstances(&self.exchange);
        asked.circumstances.taint = question.labels.steps.keys().cloned().collect();
        asked.arguments = arguments;
        let is_granted = !own.ids.is_empty();
        asked.held = own;
        let decided = self.gate.policies.decide(&asked);
        if self.gate.policies.speak_of_answers() {
            self.exchange.releasing = Some(Box::new(Releasing {
                gate: Arc::clone(&self.gate),
                verified: Arc::clone(&verified),
                action: asked.action,
                resource: asked.resource.clone(),
                circumstances: asked.circumstances.clone(),
                held: asked.held.clone(),
                arguments: arguments.cloned(),
            }));
        }
        let decision = &mut self.exchange.decision;
        decision.policies = decided.policies.iter().map(|policy| policy.id.to_string()).collect();
        decision.policy_version = decided.version.to_string();
        let subject = question.subject.as_deref().unwrap_or_default();
        let what = format!("`{}` of `{}`", castellan_mcp::hidden::reveal(subject), question.server);
        if !decided.allow {
            let said: Vec<&str> = decided.obligations.messages.iter().map(String::as_str).collect();
            let message = match said.is_empty() {
                true => {
                    let id = &decision.request;
                    format!("no policy lets you use {what}; ask whoever runs the gate ({id})")
                }
                false => said.join(" "),
            };
            decision.word = decided.reason();
            return Err(deny(Reason::Forbidden, message));
        }
        if decided.obligations.require_approval && !is_granted && self.gate.approvals.is_some() {
            let policy = decided.policies.first().map_or("policy", |policy| &policy.id);
            self.exchange.need(format!("policy {policy}"));
        } else if decided.obligations.require_approval && !is_granted {
            let message = format!(
                "{what} may be used once somebody has approved it: ask with `castellan gate grants ask --tool {}/{}`",
                question.server,
                castellan_mcp::hidden::reveal(subject)
            );
            return Err(deny(Reason::ApprovalNeeded, message));
        }
        Ok((is_granted, decided.obligations.profiles.iter().cloned().collect()))
    }

    /// What orders of playbooks say.
    fn orders(&mut self, question: &Question) -> Result<(), Verdict> {
        let Some(orders) = &self.gate.orders else { return Ok(()) };
        let principal = &self.verified.principal;
        let (id, entity) = (principal.id(), principal.entity_id());
        let subject = question.subject.clone().unwrap_or_default();
        let whole = format!("{}/{subject}", question.server);
        let mut subjects: Subjects<'_> = vec![
            (SubjectKind::Principal, &principal.object),
            (SubjectKind::Principal, &id),
            (SubjectKind::Principal, &entity),
            (SubjectKind::Tool, &question.server),
        ];
        if principal.kind.as_str().starts_with("agent") {
            subjects.push((SubjectKind::Agent, &principal.object));
        }
        subjects.extend(principal.actors.iter().map(|actor| (SubjectKind::Agent, actor.id.as_str())));
        subjects.extend(principal.credential.id.iter().map(|id| (SubjectKind::Key, id.as_str())));
        if question.message.method() == Some(Method::ToolsCall) {
            subjects.extend([(SubjectKind::Tool, subject.as_str()), (SubjectKind::Tool, whole.as_str())]);
        }
        match orders.ruling(&subjects, Driver::is_request(&question.message), self.gate.now()) {
            None => Ok(()),
            Some(Ruling::Denied { word: "order_approval", order, .. }) if self.gate.approvals.is_some() => {
                self.exchange.need(format!("order {order}"));
                Ok(())
            }
            Some(Ruling::Denied { word, message, order }) => {
                self.exchange.decision.word = format!("{word}:{order}");
                let needs = word == "order_approval";
                Err(deny(if needs { Reason::ApprovalNeeded } else { Reason::Forbidden }, message))
            }
            Some(Ruling::Stricter { severity }) => {
                self.exchange.tightened = Some(severity);
                Ok(())
            }
        }
    }

    /// Chooses the guardrails that hold for a server.
    fn select(&mut self, id: &str, more: &[String]) -> Result<Arc<Selected>, String> {
        let own = self.mcp.config.profiles.get(id).map(Vec::as_slice).unwrap_or_default();
        let names = own.iter().chain(more).map(String::as_str);
        let selected = self.gate.selected("", names);
        let selected =
            selected.map_err(|error| format!("a guardrail that has to hold cannot be used: {error}"))?;
        let selected = match self.exchange.tightened {
            Some(severity) => Arc::new(selected.tightened(severity)),
            None => selected,
        };
        self.exchange.decision.profiles.clone_from(&selected.names);
        self.profiles = Some(Arc::clone(&selected));
        Ok(selected)
    }

    /// Whether a tool's definition is fit to be used: what is not shown is not called either.
    fn fit(&mut self, id: &str, name: &str) -> Result<(), Verdict> {
        let Some(profiles) = self.profiles.clone() else { return Ok(()) };
        let text = self.mcp.step(|proxy| proxy.pins().trusted(id, Kind::Tool, name).map(str::to_owned));
        let unfit =
            || deny(Reason::Quarantined, "the tool's definition was refused by a guardrail of the gate");
        let text = text.ok_or_else(unfit)?;
        let limits = Limits { bytes: text.len(), ..Limits::default() };
        let parsed = parse(text.as_bytes(), &limits).map_err(|_| unfit())?;
        let began = Instant::now();
        if let Some((_, judgement)) = definition(&self.gate.inspector, &profiles, &parsed) {
            self.exchange.judged(&judgement, began);
            self.denied = Some(Stage::InspectRequest);
            return Err(unfit());
        }
        Ok(())
    }

    /// Which definitions a principal may see, by place.
    pub(super) fn visible(&mut self, listed: &[Listed]) -> Vec<usize> {
        let mut places = Vec::new();
        for (place, one) in listed.iter().enumerate() {
            if self.is_visible(one) {
                places.push(place);
            }
        }
        places
    }

    fn is_visible(&mut self, one: &Listed) -> bool {
        if one.kind == Kind::Tool {
            let resource = tool(&self.mcp, &one.server, &one.name);
            let own = held(&self.gate, &self.verified, &resource);
            let mut asked = Cedar::by(&self.verified, Action::List, resource, self.gate.now());
            asked.circumstances = circumstances(&self.exchange);
            asked.held = own;
            if !self.gate.policies.decide(&asked).allow {
                return false;
            }
        }
        // Where guardrails cannot be chosen, nothing is shown.
        let Ok(profiles) = self.select(&one.server, &[]) else { return false };
        let began = Instant::now();
        let Some((what, judgement)) = definition(&self.gate.inspector, &profiles, &one.definition) else {
            self.exchange.decision.guard_ms += began.elapsed().as_secs_f64() * 1_000.0;
            return true;
        };
        // The listing goes on without it: what was found is told, and does not stop the request.
        let decision = &mut self.exchange.decision;
        decision.guard_ms += began.elapsed().as_secs_f64() * 1_000.0;
        decision.hits.extend(judgement.hits);
        let name = short(&castellan_mcp::hidden::reveal(&one.name));
        self.tell(json!({
            "kind": "hidden", "server": one.server, "what": one.kind, "name": name, "hash": one.hash, "found": what,
        }));
        false
    }

    /// Guardrails over a message.
    fn look(&mut self, question: &Question, approved: bool, stage: Stage) -> Verdict {
        let profiles = match self.profiles.clone().map_or_else(|| self.select(&question.server, &[]), Ok) {
            Ok(profiles) => profiles,
            Err(why) => return deny(Reason::Blocked, why),
        };
        let mut memory = self.exchange.memory.take().unwrap_or_else(|| {
            let consistent = self.gate.config.tokens.as_ref().map(|tokens| tokens.consistent);
            let session = Some(self.whom.session.as_str()).filter(|session| !session.is_empty());
            let (principal, request) = (&self.whom.principal, &self.exchange.decision.request);
            Memory::new(consistent.unwrap_or_default().scope(principal, session, request))
        });
        memory.answering(question.asked != Asked::Request);
        let began = Instant::now();
        let about = (&question.message, question.from, question.request);
        let content = self.gate.config.record.content;
        let scanned = scan(&self.gate.inspector, &profiles, about, &mut memory, content);
        self.exchange.memory = Some(memory);
        let Scanned { mut judgement, edits, labels, texts } = scanned;
        if stage == Stage::InspectRequest && profiles.looks_at_calls() {
            judgement.join(self.gate.inspector.calls(&call(question), &profiles));
        }
        self.exchange.judged(&judgement, began);
        self.exchange.decision.texts.extend(texts);
        if stage == Stage::InspectAnswer {
            self.exchange.rule(&mut judgement);
        }
        if stage == Stage::InspectRequest
            && judgement.action == Follows::RequireApproval
            && self.gate.approvals.is_some()
        {
            let needs = judgement.hits.iter().filter(|hit| hit.action == Follows::RequireApproval);
            needs.for_each(|hit| self.exchange.need(hit.rule.to_string()));
            return Verdict::Allow { edits, labels, approved };
        }
        if !judgement.action.stops() {
            return Verdict::Allow { edits, labels, approved };
        }
        if question.asked != Asked::Event {
            // Without an event the request still goes on.
            self.denied = Some(stage);
        }
        let what = judgement.decisive().map_or("something that cannot be taken out", |hit| hit.what.as_str());
        let of = if stage == Stage::InspectRequest { "request" } else { "answer" };
        let id = &self.exchange.decision.request;
        let (reason, message) = match judgement.action {
            Follows::RequireApproval => (
                Reason::ApprovalNeeded,
                format!("a person has to agree to this {of} first ({what}); see {id}"),
            ),
            _ => (
                Reason::Blocked,
                format!("the {of} was refused by a guardrail of the gate ({what}); see {id}"),
            ),
        };
        Verdict::Deny { reason, message, labels, data: None }
    }
}

/// The call of a tool as rules about arguments see it.
fn call(question: &Question) -> Vec<Call> {
    if question.message.method() != Some(Method::ToolsCall) {
        return Vec::new();
    }
    let arguments = question.message.param("arguments").and_then(|value| {
        let bytes = question.message.bytes().get(value.span.start..value.span.end)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    });
    let subject = question.subject.as_deref().unwrap_or_default();
    vec![Call {
        tool: format!("{}/{subject}", question.server),
        arguments: arguments.unwrap_or_default(),
        path: "params.arguments".to_owned(),
    }]
}
