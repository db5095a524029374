//! One request: its attempts, and what each means for the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Target;
use super::body::AnswerBody;
use super::config::{Form, milliseconds};
use super::error::{Phase, UpstreamError};
use super::headers;
use super::health::Permit;
use super::pool::{Chosen, Flight, Member, Pool};
use super::{Answer, Call, Upstreams, rewrite};

/// The version of Anthropic's API that is spoken when the client names none.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// What an attempt gave that was no success, but may be retried.
struct Failure {
    /// The upstream's own answer, which is given when nothing better comes.
    answer: Option<Box<Answer>>,
    error: Option<UpstreamError>,
    /// How long the member wants to be left alone.
    wait: Option<Duration>,
    /// Whether sending again has no second effect.
    is_safe: bool,
}

/// What is the same in all attempts of a call.
struct Plan<'a> {
    target: Target<'a>,
    method: &'a Method,
    headers: HeaderMap,
    body: Bytes,
    alias: &'a str,
    end: Instant,
    is_repeatable: bool,
}

impl Upstreams {
    pub(super) async fn run(&self, pool: &Pool, mut call: Call) -> Result<Answer, UpstreamError> {
        let started = Instant::now();
        let total = started + milliseconds(self.config.timeouts.total_ms);
        let target = Target::read(&call.path)?;
        let is_read = matches!(call.method, Method::GET | Method::HEAD);
        let plan = Plan {
            is_repeatable: is_read || (self.config.retry.after_send && target.is_repeatable()),
            target,
            method: &call.method,
            headers: headers::forwarded(std::mem::take(&mut call.headers)),
            body: call.body,
            alias: &call.alias,
            end: call.deadline.map_or(total, |deadline| total.min(deadline.into())),
        };
        pool.budget.earn(started);
        let mut tried = 0;
        let mut attempts = 0;
        let mut last: Option<Failure> = None;
        loop {
            let chosen = match pool.choose(Instant::now(), tried, || self.random()) {
                Ok(chosen) => chosen,
                Err(soonest) => match last {
                    Some(failure) if tried == 0 => return failure.result(),
                    // Everybody was tried: a second round, after a wait.
                    Some(failure) => {
                        let wait = self.wait_before(attempts, failure.wait);
                        match wait.filter(|wait| Instant::now() + *wait < plan.end) {
                            Some(wait) => sleep(wait).await,
                            None => return failure.result(),
                        }
                        (tried, last) = (0, Some(failure));
                        continue;
                    }
                    None => return Err(unavailable(&pool.alias, soonest)),
                },
            };
            tried |= chosen.bit;
            attempts += 1;
            let failure = match self.attempt(&plan, chosen, attempts).await? {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_safe || attempts >= self.config.retry.attempts || Instant::now() >= plan.end {
                return failure.result();
            }
            if !pool.budget.spend(Instant::now()) {
                pool.metrics.refused_retries.inc();
                return failure.result();
            }
            pool.metrics.retries.inc();
            last = Some(failure);
        }
    }

    /// The wait before a member is asked again; `None` when that would be too long.
    fn wait_before(&self, attempts: u32, asked: Option<Duration>) -> Option<Duration> {
        let retry = &self.config.retry;
        let longest = milliseconds(retry.longest_wait_ms);
        let doubled = milliseconds(retry.wait_ms).saturating_mul(1 << attempts.saturating_sub(1).min(16));
        // Between half of it and all of it, so that many do not come back at once.
        let share = (self.random() >> 32) as f64 / f64::from(u32::MAX);
        let wait = doubled.min(longest).mul_f64(0.5 + share / 2.0).max(asked.unwrap_or_default());
        (wait <= longest).then_some(wait)
    }

    /// One attempt. The outer error ends the call.
    async fn attempt(
        &self,
        plan: &Plan<'_>,
        chosen: Chosen,
        attempts: u32,
    ) -> Result<Result<Answer, Failure>, UpstreamError> {
        let Chosen { member, permit, .. } = chosen;
        let request = match self.request(plan, &member).await {
            Ok(request) => request,
            Err(UpstreamError::Credential { member: name, reason }) => {
                if Instant::now() < plan.end {
                    permit.fail(Instant::now());
                }
                member.metrics.count("credential");
                return Ok(Err(Failure::error(UpstreamError::Credential { member: name, reason }, true)));
            }
            Err(error) => return Err(error),
        };
        let flight = Flight::new(&member);
        let began = Instant::now();
        let result = self.exchange(plan, &member, request).await;
        let outcome = match result {
            Ok(response) => {
                member.metrics.head_seconds.observe(began.elapsed().as_secs_f64());
                self.received(plan, &member, permit, Arrived { response, flight, attempts })
            }
            Err(failure) => {
                member.metrics.count(failure.error.as_ref().map_or("broken", UpstreamError::kind));
                // A client that has no time says nothing about the member.
                if !failure.is_out_of_time() {
                    permit.fail(Instant::now());
                }
                Err(failure)
            }
        };
        member.show(Instant::now());
        Ok(outcome)
    }

    /// What the head of an answer means for the member and for the call.
    fn received(
        &self,
        plan: &Plan<'_>,
        member: &Member,
        permit: Permit,
        arrived: Arrived,
    ) -> Result<Answer, Failure> {
        let (parts, incoming) = arrived.response.into_parts();
        let verdict = self.verdict(member, parts.status, &parts.headers, plan.is_repeatable);
        member.metrics.count(verdict.outcome);
        let now = Instant::now();
        let wait = match verdict.health {
            Bearing::Well => {
                permit.succeed(now);
                None
            }
            Bearing::Ill => {
                permit.fail(now);
                None
            }
            Bearing::Tired(wait) => {
                permit.rest(now, wait);
                wait
            }
        };
        let between = milliseconds(self.config.timeouts.between_bytes_ms);
        let answer = Answer {
            status: parts.status,
            headers: headers::returned(parts.headers),
            body: AnswerBody::new(incoming, arrived.flight, between, plan.end),
            member: Arc::clone(&member.name),
            attempts: arrived.attempts,
        };
        match verdict.next {
            Next::Give => Ok(answer),
            Next::Again { is_safe } => {
                Err(Failure { answer: Some(Box::new(answer)), error: None, wait, is_safe })
            }
            Next::Refuse => {
                let member = member.name.to_string();
                Err(Failure::error(UpstreamError::Redirect { member, status: parts.status }, false))
            }
        }
    }

    /// The client's request in the form of a member.
    async fn request(&self, plan: &Plan<'_>, member: &Member) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let model = member.model.as_deref().or(Some(plan.alias));
        let uri = member.base.address(member.form, &plan.target, model, &member.api_version)?;
        let mut headers = plan.headers.clone();
        headers.extend(member.headers.clone());
        let failed = |reason| UpstreamError::Credential { member: member.name.to_string(), reason };
        let secret = timeout_at(plan.end, member.credential.secret()).await;
        let secret = secret.map_err(|_| failed("it did not come in time".to_owned()))?.map_err(failed)?;
        if let Some(secret) = secret {
            match member.form {
                Form::Anthropic if !member.is_token => {
                    headers.insert(HeaderName::from_static("x-api-key"), secret.plain)
                }
                Form::Azure | Form::AzureV1 if !member.is_token => {
                    headers.insert(HeaderName::from_static("api-key"), secret.plain)
                }
                _ => headers.insert(AUTHORIZATION, secret.bearer),
            };
        }
        if member.form == Form::Anthropic {
            headers.entry(HeaderName::from_static("anthropic-version")).or_insert(ANTHROPIC_VERSION);
        }
        let body = body_for(plan, member)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = plan.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Sends, and waits for the head of the answer.
    async fn exchange(
        &self,
        plan: &Plan<'_>,
        member: &Member,
        mut request: Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, Failure> {
        let timeouts = &self.config.timeouts;
        let mut connected = capture_connection(&mut request);
        let response = self.http.request(request);
        tokio::pin!(response);
        let now = Instant::now();
        let connect_end = now + milliseconds(timeouts.connect_ms) + milliseconds(timeouts.tls_ms);
        let timed_out = |phase: Phase, at: Instant, is_safe: bool| {
            let phase = if at >= plan.end { Phase::Total } else { phase };
            Failure::error(UpstreamError::Timeout { member: member.name.to_string(), phase }, is_safe)
        };
        let early = connect_end.min(plan.end);
        let first = timeout_at(early, async {
            tokio::select! {
                biased;
                result = &mut response => Some(result),
                _ = connected.wait_for_connection_metadata() => None,
            }
        });
        let result = match first.await {
            Err(_) => return Err(timed_out(Phase::Connect, early, true)),
            Ok(Some(result)) => result,
            Ok(None) => {
                let late = (Instant::now() + milliseconds(timeouts.first_byte_ms)).min(plan.end);
                match timeout_at(late, &mut response).await {
                    Ok(result) => result,
                    Err(_) => return Err(timed_out(Phase::FirstByte, late, plan.is_repeatable)),
                }
            }
        };
        if let Ok(response) = &result
            && head_size(response.headers()) > self.config.connections.header_bytes
        {
            // The reader's buffer grows in powers of two, so its own limit is not exact.
            let (member, reason) =
                (member.name.to_string(), "the head of its answer is too large".to_owned());
            return Err(Failure::error(UpstreamError::Broken { member, reason }, false));
        }
        result.map_err(|error| {
            let (name, why) = (member.name.to_string(), reason(&error));
            if error.is_connect() {
                Failure::error(UpstreamError::Connect { member: name, reason: why }, true)
            } else {
                Failure::error(UpstreamError::Broken { member: name, reason: why }, plan.is_repeatable)
            }
        })
    }

    fn verdict(
        &self,
        member: &Member,
        status: StatusCode,
        headers: &HeaderMap,
        is_repeatable: bool,
    ) -> Verdict {
        let asked = retry_after(headers);
        let again = |outcome, health, is_safe| Verdict { outcome, health, next: Next::Again { is_safe } };
        match status.as_u16() {
            100..=199 | 300..=303 | 305..=399 => {
                Verdict { outcome: "redirect", health: Bearing::Ill, next: Next::Refuse }
            }
            401 | 403 if member.credential.doubt() => again("client_error", Bearing::Well, true),
            408 => again("client_error", Bearing::Well, true),
            429 => again("rate_limited", Bearing::Tired(asked), true),
            // Refused before any work was done: 503, and Anthropic's 529.
            503 | 529 if asked.is_some() => again("server_error", Bearing::Tired(asked), true),
            503 | 529 => again("server_error", Bearing::Ill, true),
            500 | 502 | 504 => again("server_error", Bearing::Ill, is_repeatable),
            500.. => Verdict { outcome: "server_error", health: Bearing::Ill, next: Next::Give },
            400.. => Verdict { outcome: "client_error", health: Bearing::Well, next: Next::Give },
            _ => Verdict { outcome: "success", health: Bearing::Well, next: Next::Give },
        }
    }
}

/// A head that has come, with its body on the way.
struct Arrived {
    response: http::Response<Incoming>,
    flight: Flight,
    attempts: u32,
}

/// What an answer's status means.
struct Verdict {
    outcome: &'static str,
    health: Bearing,
    next: Next,
}

enum Bearing {
    Well,
    Ill,
    Tired(Option<Duration>),
}

enum Next {
    Give,
    Again { is_safe: bool },
    Refuse,
}

impl Failure {
    fn error(error: UpstreamError, is_safe: bool) -> Failure {
        Failure { answer: None, error: Some(error), wait: None, is_safe }
    }

    fn is_out_of_time(&self) -> bool {
        matches!(self.error, Some(UpstreamError::Timeout { phase: Phase::Total, .. }))
    }

    fn result(self) -> Result<Answer, UpstreamError> {
        match (self.answer, self.error) {
            (Some(answer), _) => Ok(*answer),
            (None, Some(error)) => Err(error),
            (None, None) => Err(UpstreamError::Unavailable { alias: String::new(), retry_after: None }),
        }
    }
}

fn unavailable(alias: &str, soonest: Option<Instant>) -> UpstreamError {
    let retry_after = soonest.map(|at| at.saturating_duration_since(Instant::now()));
    UpstreamError::Unavailable { alias: alias.to_owned(), retry_after }
}

/// The body with the member's own name of the model, where it has one.
fn body_for(plan: &Plan<'_>, member: &Member) -> Result<Bytes, UpstreamError> {
    let Some(model) = member.model.as_deref() else { return Ok(plan.body.clone()) };
    let is_json = plan
        .headers
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.to_ascii_lowercase().contains("json")));
    if plan.body.is_empty() || *plan.method != Method::POST {
        return Ok(plan.body.clone());
    }
    if is_json {
        return rewrite::with_model(&plan.body, model);
    }
    // The deployment in the address decides, or the name is right already.
    if member.form == Form::Azure || model == plan.alias {
        return Ok(plan.body.clone());
    }
    Err(UpstreamError::Body("it is no JSON; give the member the model's name as alias"))
}

/// Bytes of headers as HTTP/1 writes them.
fn head_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// `retry-after-ms`, or `Retry-After` in seconds. Dates are not read: no model provider sends them.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let finite = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    number(&HeaderName::from_static("retry-after-ms"))
        .and_then(|milliseconds| finite(milliseconds / 1000.0))
        .or_else(|| number(&RETRY_AFTER).and_then(finite))
}

/// An error with its causes, in one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}
