//! A request and what becomes of it, until it is recorded.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use castellan_wire::annotate::Results;
use castellan_wire::{Dialect, Route};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;

use super::asked::Asked;
use super::body::{self, GateBody};
use super::cached::{Keeping, NOTHING};
use super::identify::Peer;
use super::released::Releasing;
use super::stop::Stop;
use crate::cache::Cache;
use crate::gate::Gate;
use crate::guard::{Action, Judgement, Memory};
use crate::held::{Held, NoRoom};
use crate::limit::{self, Place, Reservation};
use crate::record::{CacheResult, Decision, Stage};
use crate::traces::Parts;
use crate::upstream::Answer;

/// A request under way. Dropped, it is recorded as one whose client went.
pub(super) struct Exchange {
    pub(super) gate: Arc<Gate>,
    pub(super) decision: Decision,
    pub(super) dialect: Dialect,
    /// What was found in the prompt, for clients that expect Azure's annotations.
    pub(super) prompt: Results,
    /// What the looks at the request and its answer share: tokens, and numbers of replaced values.
    pub(super) memory: Option<Memory>,
    /// What policies are asked about an answer, where one of them speaks of answers.
    pub(super) releasing: Option<Box<Releasing>>,
    /// What has a person agree first: policies, orders, rules of guardrails.
    pub(super) needs: Vec<String>,
    started: Instant,
    /// Whether its trace is told to somebody: as the client says, or as the gate decides where none does.
    is_sampled: bool,
    /// What its spans will say, where they are told.
    spans: Option<Box<Parts>>,
    /// From which severity on an order of a playbook has harm blocked.
    pub(super) tightened: Option<u8>,
    /// The generation of profiles and block lists when it came.
    pub(super) generation: u64,
    /// Where its answer will be kept, if it may be.
    pub(super) keeping: Option<Box<Keeping>>,
    /// Its place among the requests that are under way.
    pub(super) place: Option<Place>,
    /// The room that the request's body takes.
    pub(super) held: Held,
    /// The room that the answer takes.
    pub(super) held_answer: Held,
    /// What the request may use at most.
    pub(super) reservation: Option<Reservation>,
    /// What is left under limits, for the client.
    pub(super) left: HeaderMap,
    /// Whether there is nothing to record.
    pub(super) is_silent: bool,
    /// Whether its client went when an upstream had the request already.
    is_sent: bool,
}

/// Why an answer broke off.
pub(super) enum Broken {
    /// The upstream broke off.
    Upstream(String),
    /// There was no room to hold back what has to be looked at.
    NoRoom,
}

/// An id of 16 or 8 random bytes in hexadecimal digits.
pub(super) fn random_id(bytes: usize) -> String {
    let id = uuid::Uuid::now_v7();
    let random = blake3::hash(id.as_bytes());
    random.to_hex().as_str().get(..bytes * 2).unwrap_or_default().to_owned()
}

/// The trace and the span of a `traceparent`, and whether it is sampled (W3C Trace Context, 3.2).
fn trace(headers: &HeaderMap) -> Option<(String, String, bool)> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = value.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    let is_id = |text: &str, length: usize| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
    // Later versions may say more; this one does not.
    let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let is_sampled = u8::from_str_radix(flags, 16).ok().filter(|_| is_hex(flags, 2))? & 1 == 1;
    (is_known && is_id(trace, 32) && is_id(span, 16)).then(|| (trace.to_owned(), span.to_owned(), is_sampled))
}

impl Exchange {
    pub(super) fn begin<B>(gate: Arc<Gate>, peer: &Peer, request: &Request<B>) -> Exchange {
        let (trace, parent, sampled) = match trace(request.headers()) {
            Some((trace, span, is_sampled)) => (trace, Some(span), Some(is_sampled)),
            None => (random_id(16), None, None),
        };
        let decided = || gate.traces.as_ref().is_none_or(|traces| traces.is_sampled(&trace));
        let is_sampled = sampled.unwrap_or_else(decided);
        let started = Instant::now();
        let told = gate.traces.as_ref().filter(|_| is_sampled);
        let spans = told.map(|_| Box::new(Parts::new(started, random_id(8))));
        let decision = Decision {
            time: gate.now(),
            request: uuid::Uuid::now_v7().to_string(),
            trace,
            span: random_id(8),
            parent,
            session: None,
            principal: None,
            address: Some(peer.address),
            api: "none",
            dialect: "none",
            model: String::new(),
            provider: String::new(),
            upstream: None,
            attempts: 0,
            is_stream: false,
            stage: Stage::Read,
            action: Action::Allow,
            word: String::new(),
            reason: String::new(),
            hits: Vec::new(),
            unscanned: Vec::new(),
            passages: 0,
            bytes: 0,
            late: 0,
            spotlight: String::new(),
            notices: String::new(),
            tokenised: 0,
            restored: 0,
            approval: None,
            profiles: Vec::new(),
            policies: Vec::new(),
            policy_version: String::new(),
            status: 0,
            usage: None,
            cache: None,
            cost: None,
            budgets: Vec::new(),
            finish: None,
            answer: None,
            duration_ms: 0.0,
            guard_ms: 0.0,
            upstream_ms: 0.0,
            texts: Vec::new(),
            mcp: None,
        };
        let dialect = guessed(request.uri().path());
        let generation = gate.cache.as_ref().map_or(0, Cache::generation);
        Exchange {
            gate,
            decision,
            dialect,
            prompt: Results::default(),
            memory: None,
            releasing: None,
            needs: Vec::new(),
            tightened: None,
            generation,
            keeping: None,
            place: None,
            held: Held::default(),
            held_answer: Held::default(),
            reservation: None,
            left: HeaderMap::new(),
            started,
            is_sampled,
            spans,
            is_silent: false,
            is_sent: false,
        }
    }

    pub(super) fn routed(&mut self, route: &Route) {
        self.dialect = route.dialect;
        self.decision.api = route.api.as_str();
        self.decision.dialect = match route.dialect {
            Dialect::OpenAi => "openai",
            Dialect::AzureClassic => "azure-classic",
            Dialect::AzureV1 => "azure-v1",
            Dialect::Anthropic => "anthropic",
            Dialect::Ollama => "ollama",
        };
    }

    pub(super) fn asked(&mut self, asked: &Asked) {
        self.decision.model.clone_from(&asked.model);
        self.decision.provider = self.gate.provider(&asked.model).to_owned();
        self.decision.is_stream = asked.is_stream;
        self.decision.session.clone_from(&asked.session);
    }

    pub(super) fn answered(&mut self, answer: &Answer) {
        self.decision.upstream = Some(answer.member.to_string());
        self.decision.attempts = answer.attempts;
        self.decision.upstream_ms = self.milliseconds();
        self.decision.status = answer.status.as_u16();
        if let Some(spans) = &mut self.spans {
            spans.server = self.gate.upstreams.server(&self.decision.model, &answer.member);
        }
    }

    /// The trace with the span that is the parent of what an upstream does.
    pub(super) fn traceparent(&self) -> String {
        let span = self.spans.as_ref().map_or(&self.decision.span, |spans| &spans.upstream);
        format!("00-{}-{span}-{:02x}", self.decision.trace, u8::from(self.is_sampled))
    }

    /// The client's headers with our span as the parent of what the upstream does.
    pub(super) fn forwarded(&self, mut headers: HeaderMap) -> HeaderMap {
        if let Ok(value) = HeaderValue::try_from(self.traceparent()) {
            headers.insert("traceparent", value);
        }
        if self.decision.parent.is_none() {
            // What is said of another trace, or of none that can be read.
            headers.remove("tracestate");
        }
        headers
    }

    /// An upstream is asked.
    pub(super) fn upstream_asked(&mut self) {
        if let Some(spans) = &mut self.spans {
            spans.asked();
        }
    }

    /// The upstream has said all.
    pub(super) fn upstream_over(&mut self) {
        if let Some(spans) = &mut self.spans {
            spans.answered();
        }
    }

    /// The model that answers, as it names itself.
    pub(super) fn answered_by(&mut self, model: Option<&String>) {
        if let Some(spans) = &mut self.spans {
            spans.model = model.cloned();
        }
    }

    /// Guardrails have looked at a request or at an answer.
    pub(super) fn looked(&mut self, began: Instant) {
        let is_answered = self.decision.stage >= Stage::Forward || self.decision.attempts > 0;
        if let Some(spans) = &mut self.spans {
            spans.looked(if is_answered { "inspect answer" } else { "inspect request" }, began);
        }
    }

    fn milliseconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1_000.0
    }

    /// Takes over what was found in a body, and how long it took.
    pub(super) fn judged(&mut self, judgement: &Judgement, began: Instant) {
        self.looked(began);
        let decision = &mut self.decision;
        decision.guard_ms += began.elapsed().as_secs_f64() * 1_000.0;
        decision.action = decision.action.max(judgement.action);
        decision.hits.extend(judgement.hits.iter().cloned());
        decision.unscanned.extend(judgement.unscanned.iter().cloned());
        decision.passages += judgement.passages;
        decision.bytes += judgement.bytes;
        self.explain(judgement);
    }

    /// Takes over what a second look at the same body found beyond the first one, whose rules held then, too.
    pub(super) fn judged_again(&mut self, judgement: &Judgement, began: Instant) {
        let decision = &mut self.decision;
        decision.guard_ms += began.elapsed().as_secs_f64() * 1_000.0;
        decision.action = decision.action.max(judgement.action);
        for hit in &judgement.hits {
            if !decision.hits.iter().any(|known| known.is_same(hit)) {
                decision.hits.push(hit.clone());
            }
        }
        for left in &judgement.unscanned {
            if !decision.unscanned.contains(left) {
                decision.unscanned.push(left.clone());
            }
        }
        self.explain(judgement);
    }

    /// Says why, where a judgement decides.
    fn explain(&mut self, judgement: &Judgement) {
        let decision = &mut self.decision;
        if let Some(hit) =
            judgement.decisive().filter(|hit| hit.action >= decision.action && hit.action > Action::Allow)
        {
            decision.word = format!("{}:{}", hit.check, hit.what);
            decision.reason = format!("{} found {} at {}", hit.rule, hit.what, hit.path);
        }
    }

    /// A person has to agree first.
    pub(super) fn need(&mut self, why: String) {
        if !self.needs.contains(&why) {
            self.needs.push(why);
        }
    }

    /// The answer to a request that goes no further.
    pub(super) fn stopped(mut self, stop: Stop) -> Response<GateBody> {
        let stop = stop.why();
        self.decision.stage = stop.stage;
        self.decision.action = self.decision.action.max(stop.action);
        self.decision.word.clone_from(&stop.word);
        self.decision.reason.clone_from(&stop.refusal.message);
        self.decision.status = stop.refusal.status;
        let json = stop.body.unwrap_or_else(|| stop.refusal.body(self.dialect));
        let mut response = body::text(stop.refusal.status, "application/json", &json);
        for (name, value) in stop.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        self.mark(response.headers_mut());
        self.record();
        response
    }

    /// Says in an answer which request of the gate's records it belongs to.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.decision.request.as_str()) {
            headers.insert("x-castellan-request-id", value);
        }
        headers.insert("x-castellan-action", HeaderValue::from_static(self.decision.action.as_str()));
        if let Some(result) = self.decision.cache {
            headers.insert("x-castellan-cache", HeaderValue::from_static(result.as_str()));
        }
        headers.extend(self.left.clone());
    }

    /// A whole answer with another body.
    pub(super) fn whole(&mut self, mut head: http::response::Parts, bytes: Bytes) -> Response<GateBody> {
        head.headers.remove(http::header::CONTENT_LENGTH);
        head.headers.remove(http::header::CONTENT_ENCODING);
        self.mark(&mut head.headers);
        let held = std::mem::take(&mut self.held_answer);
        Response::from_parts(head, GateBody::Whole(Full::new(held.with(bytes))))
    }

    /// The request is over.
    pub(super) fn done(&mut self) {
        if self.decision.stage < Stage::InspectAnswer {
            self.decision.stage = Stage::Done;
        }
        self.record();
    }

    /// The request is over, and came no further than this.
    pub(super) fn over(&mut self, stage: Stage) {
        self.decision.stage = stage;
        self.record();
    }

    /// The answer broke off when a part of it had passed.
    pub(super) fn broken(&mut self, broken: Broken) {
        let (word, why, status) = match broken {
            Broken::Upstream(why) => ("upstream_failed", why, 502),
            Broken::NoRoom => ("memory_full", NoRoom.to_string(), 503),
        };
        self.decision.stage = Stage::Forward;
        word.clone_into(&mut self.decision.word);
        self.decision.reason = why;
        self.decision.status = status;
        self.record();
    }

    /// Puts what was used in place of what was reserved. What was sent counts, also when the client went before the end; what was
    /// not sent gives everything back.
    pub(super) fn settle(&mut self) {
        let Some(reservation) = self.reservation.take() else { return };
        let is_again = self.decision.cache == Some(CacheResult::Hit);
        // A client that goes while the upstream works on its request has used what it reserved: otherwise going at the last moment
        // would be free.
        let was_sent = self.decision.upstream.is_some() || self.is_sent || is_again;
        if !was_sent {
            reservation.release();
            self.decision.cost = None;
            return;
        }
        // Streams tell some tokens at their beginning. Those of one that was left before its end are not all.
        let is_told = self.decision.stage == Stage::Done || self.decision.finish.is_some();
        let usage = self.decision.usage.filter(|_| is_told).map(|usage| limit::Usage {
            input: usage.input,
            cached: usage.cached,
            output: usage.output,
        });
        let usage = if is_again { Some(NOTHING) } else { usage };
        let settled = reservation.settle(usage, self.gate.now());
        self.decision.cost = settled.cost.map(dollars).or(self.decision.cost);
        self.decision.budgets = settled
            .events
            .iter()
            .map(|event| format!("{} {:.0} %", event.rule, event.share * 100.0))
            .collect();
    }

    fn record(&mut self) {
        if std::mem::replace(&mut self.is_silent, true) {
            return;
        }
        self.settle();
        if let Some(memory) = &self.memory {
            (self.decision.tokenised, self.decision.restored) = (memory.made, memory.restored);
        }
        self.decision.duration_ms = self.milliseconds();
        self.gate.metrics.count(&self.decision);
        if let (Some(traces), Some(parts)) = (&self.gate.traces, &self.spans) {
            traces.take(parts, &self.decision);
        }
        for (table, row) in self.decision.rows() {
            if self.gate.recorder.record(table, vec![row]).is_err() {
                self.gate.metrics.count_lost();
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_silent {
            self.is_sent = self.decision.stage >= Stage::Forward;
            self.decision.stage = Stage::Cancelled;
            self.record();
        }
    }
}

/// Millionths of a millionth of a dollar, as the limits count them, in dollars.
#[allow(clippy::cast_precision_loss)] // A request costs less than 9,000 dollars.
fn dollars(pico: u64) -> f64 {
    pico as f64 / 1e12
}

/// In whose manner a client is told that its path is not known.
fn guessed(path: &str) -> Dialect {
    match path {
        path if path.starts_with("/api/") => Dialect::Ollama,
        path if path.contains("/messages") => Dialect::Anthropic,
        path if path.starts_with("/openai/") => Dialect::AzureV1,
        _ => Dialect::OpenAi,
    }
}
