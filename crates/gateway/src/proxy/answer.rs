//! The upstream's answer on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use castellan_wire::annotate::{annotated, first_chunk};
use castellan_wire::calls::calls;
use castellan_wire::edit::{applied, rewrite};
use castellan_wire::frame::about;
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::refusal::filtered_answer;
use castellan_wire::usage::{Usage, finish};
use castellan_wire::{
    Api, Body as Kind, Direction, Matter, Passage, Point, Reading, Route, Unscanned, passages,
};
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http_body::{Body, Frame};

use super::asked::Asked;
use super::body::{BodyFailure, GateBody, Missing, gathered, is_encoded, kind, no_room, speaks_unicode};
use super::exchange::{Broken, Exchange};
use super::inspect::looked_at;
use super::stop::Stop;
use super::{Served, may_stream};
use crate::config::Content;
use crate::guard::{Action, Guarded, Judgement, Memory, Passed, Selected};
use crate::held::{Held, NoRoom, Room};
use crate::record::Stage;
use crate::upstream::{Answer, AnswerBody};

/// What waits for room.
type Waiting = Pin<Box<dyn Future<Output = Result<Held, NoRoom>> + Send>>;

/// By how many bytes the room of a stream grows.
const STEP: usize = 16 << 10;

/// A stream that has not begun.
pub(super) struct Streamed {
    api: Api,
    profiles: Arc<Selected>,
    body: AnswerBody,
}

/// Takes an answer's head, and its body where it is no stream.
pub(super) async fn answered(
    exchange: &mut Exchange,
    route: &Route,
    asked: Asked,
    profiles: Arc<Selected>,
    answer: Answer,
) -> Result<Served, Stop> {
    let Answer { status, headers, body, .. } = answer;
    if status.as_u16() == 401 || status.as_u16() == 403 {
        let message = format!(
            "the upstream refuses the gate's own credential ({status}); whoever runs the gate has to look at it"
        );
        return Err(Stop::new(Stage::Forward, 502, "upstream_credential", message));
    }
    if !headers.get_all(CONTENT_TYPE).into_iter().all(speaks_unicode) {
        let message = format!(
            "the upstream answers ({status}) in another character set than UTF-8, which clients would read differently"
        );
        return Err(Stop::new(Stage::InspectAnswer, 502, "unreadable_answer", message));
    }
    if is_encoded(&headers) {
        let message = "the upstream answers compressed, which the gate did not ask for and cannot look into";
        return Err(Stop::new(Stage::InspectAnswer, 502, "unreadable_answer", message));
    }
    let mut head = Response::new(()).into_parts().0;
    (head.status, head.headers) = (status, headers);
    exchange.keep_head(head.status, &head.headers);
    let is_stream =
        matches!(kind(&head.headers), "text/event-stream" | "application/x-ndjson" | "application/jsonl");
    if is_stream && may_stream(asked.api) {
        head.headers.remove(CONTENT_LENGTH);
        return Ok(Served::Stream(head, Streamed { api: asked.api, profiles, body }));
    }
    let limit = exchange.gate.config.bounds.answer_bytes;
    let gate = Arc::clone(&exchange.gate);
    let bytes = match gathered(body, limit, &gate.room, &mut exchange.held_answer).await {
        Ok(bytes) => bytes,
        Err(Missing::NoRoom) => return Err(no_room(Stage::InspectAnswer)),
        Err(Missing::TooLarge) => {
            let message = format!(
                "the answer is larger than {limit} bytes; ask for a stream, or raise `bounds.answer_bytes`"
            );
            return Err(Stop::new(Stage::InspectAnswer, 502, "answer_too_large", message));
        }
        Err(Missing::Broken(error)) => {
            return Err(Stop::new(
                Stage::Forward,
                502,
                "upstream_failed",
                format!("the upstream's answer broke off: {error}"),
            ));
        }
    };
    exchange.upstream_over();
    let bytes = whole(exchange, route, &asked, &profiles, bytes, &mut head)?;
    exchange.keep_whole(&bytes);
    Ok(Served::Whole(exchange.whole(head, bytes)))
}

/// Looks at a whole answer.
fn whole(
    exchange: &mut Exchange,
    route: &Route,
    asked: &Asked,
    profiles: &Selected,
    bytes: Bytes,
    head: &mut http::response::Parts,
) -> Result<Bytes, Stop> {
    let is_json = kind(&head.headers).contains("json");
    if !is_json {
        return other(exchange, asked, profiles, bytes, kind(&head.headers).starts_with("text/"));
    }
    let unreadable = |why: String| Stop::new(Stage::InspectAnswer, 502, "unreadable_answer", why);
    let bounds = Bounds { bytes: bytes.len(), ..Bounds::default() };
    let tree =
        Tree::read(&bytes, &bounds).map_err(|error| unreadable(format!("the upstream's answer: {error}")))?;
    let usage = Usage::of(&tree);
    let said = about(&tree);
    exchange.decision.usage = usage;
    exchange.decision.finish = finish(&tree);
    exchange.decision.answer.clone_from(&said.id);
    exchange.answered_by(said.model.as_ref());
    if !profiles.looks_at_answers() && !exchange.memory.as_ref().is_some_and(Memory::has_tokens) {
        return Ok(bytes);
    }
    let reading = passages(&tree, asked.api, Direction::Response);
    let called = if profiles.looks_at_calls() { calls(&tree) } else { Vec::new() };
    let mut judgement = looked_at(exchange, &reading, &called, profiles);
    exchange.rule(&mut judgement);
    if judgement.action > Action::Allow || !judgement.unscanned.is_empty() {
        exchange.keep_not();
    }
    if judgement.action.stops() {
        exchange.decision.stage = Stage::InspectAnswer;
        let results = judgement.results.value();
        let body = filtered_answer(asked.api, &said, usage.unwrap_or_default(), &results)
            .filter(|_| head.status.is_success());
        return match body {
            Some(body) => Ok(Bytes::from(body)),
            None => Err(refused(exchange, &judgement)),
        };
    }
    let mut body = bytes.clone();
    if judgement.is_changed() {
        body = rewrite(&tree, &reading, &judgement.for_client()).map(Bytes::from).map_err(|error| {
            Stop::new(
                Stage::InspectAnswer,
                502,
                "cannot_redact",
                format!("something in the answer must not pass, and cannot be taken out: {error}"),
            )
        })?;
    }
    if route.dialect.is_azure() && matches!(asked.api, Api::Chat | Api::Completions) {
        let tree = Tree::read(&body, &Bounds::default()).map_err(|error| unreadable(error.to_string()))?;
        let with = annotated(&tree, &exchange.prompt, &judgement.results)
            .map_err(|error| unreadable(error.to_string()))?;
        body = Bytes::from(with);
    }
    Ok(body)
}

/// An answer that is no JSON: a text is looked at, sound and pictures are told.
fn other(
    exchange: &mut Exchange,
    asked: &Asked,
    profiles: &Selected,
    bytes: Bytes,
    is_text: bool,
) -> Result<Bytes, Stop> {
    exchange.keep_not();
    let mut reading = Reading::default();
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_text || asked.api.response() == Kind::Text => {
            let passage = Passage {
                point: Point::Output,
                path: "body".into(),
                text: text.to_owned(),
                segments: Vec::new(),
            };
            reading.passages.push(passage);
        }
        _ => {
            let matter = if asked.api.response() == Kind::Opaque { Matter::Audio } else { Matter::Bytes };
            reading.unscanned.push(Unscanned { path: "body".into(), matter, point: Point::Output });
        }
    }
    let mut judgement = looked_at(exchange, &reading, &[], profiles);
    exchange.rule(&mut judgement);
    if judgement.action.stops() {
        exchange.decision.stage = Stage::InspectAnswer;
        return Err(refused(exchange, &judgement));
    }
    match (reading.passages.first(), judgement.for_client().pop().filter(|edits| !edits.is_empty())) {
        (Some(passage), Some(edits)) => applied(&passage.text, edits)
            .map(Bytes::from)
            .map_err(|error| Stop::new(Stage::InspectAnswer, 502, "cannot_redact", error.to_string())),
        _ => Ok(bytes),
    }
}

fn refused(exchange: &Exchange, judgement: &Judgement) -> Stop {
    let what = judgement.decisive().map(|hit| hit.what.clone()).unwrap_or_default();
    let message = format!(
        "the answer was refused by a guardrail of the gate ({what}); see {}",
        exchange.decision.request
    );
    Stop::new(Stage::InspectAnswer, 400, "content_filter", message)
}

/// The answer to a request whose answer is a stream.
pub(super) fn streamed(
    mut exchange: Exchange,
    mut head: http::response::Parts,
    streamed: Streamed,
) -> Response<GateBody> {
    exchange.decision.is_stream = true;
    // The request is with the upstream, and nothing of it is held any more.
    exchange.held = Held::default();
    exchange.mark(&mut head.headers);
    head.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let memory = exchange.memory.take().unwrap_or_else(|| Memory::new("answer"));
    let Streamed { api, profiles, body } = streamed;
    let mut guarded = Guarded::new(api, Arc::clone(&exchange.gate.inspector), profiles, memory);
    if let Some(ruling) = exchange.ruling() {
        guarded = guarded.ruled(ruling);
    }
    let first = if exchange.dialect.is_azure() && matches!(api, Api::Chat | Api::Completions) {
        Some(Bytes::from(first_chunk(&exchange.prompt)))
    } else {
        None
    };
    let stream = GuardedBody {
        exchange: Some(exchange),
        guarded: Some(guarded),
        upstream: Some(body),
        first,
        wait: None,
    };
    Response::from_parts(head, GateBody::Stream(Box::pin(stream)))
}

/// A stream on its way. Dropped before its end, the upstream's request is given up and what was found is recorded.
struct GuardedBody {
    exchange: Option<Exchange>,
    guarded: Option<Guarded>,
    upstream: Option<AnswerBody>,
    first: Option<Bytes>,
    /// What has to be held finds no room at the moment: nothing more is asked of the upstream.
    wait: Option<Waiting>,
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            this.keep(&first);
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        loop {
            if let Some(wait) = &mut this.wait {
                let found = ready!(wait.as_mut().poll(context));
                this.wait = None;
                match (found, &mut this.exchange) {
                    (Ok(more), Some(exchange)) => exchange.held_answer.and(more),
                    (Err(error), _) => {
                        this.over(Some(Broken::NoRoom));
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    (Ok(_), None) => {}
                }
            }
            let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
            let next = ready!(Pin::new(upstream).poll_frame(context));
            let passed = match next {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.guard(|guarded| guarded.push(&bytes)),
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    // What broke off is not made to look whole.
                    this.over(Some(Broken::Upstream(error.to_string())));
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    let mut passed = this.guard(Guarded::finish);
                    passed.is_over = true;
                    passed
                }
            };
            this.keep(&passed.bytes);
            if passed.is_over {
                this.over(None);
            } else {
                this.hold();
            }
            if !passed.bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(passed.bytes)))));
            }
        }
    }
}

impl GuardedBody {
    fn guard(&mut self, work: impl FnOnce(&mut Guarded) -> Passed) -> Passed {
        let Some(guarded) = &mut self.guarded else { return Passed { bytes: Vec::new(), is_over: true } };
        let began = Instant::now();
        let passed = work(guarded);
        if let Some(exchange) = &mut self.exchange {
            exchange.decision.guard_ms += began.elapsed().as_secs_f64() * 1_000.0;
            exchange.looked(began);
        }
        passed
    }

    /// Takes the room for what is held back, in steps, or waits for it.
    fn hold(&mut self) {
        let (Some(guarded), Some(exchange)) = (&self.guarded, &mut self.exchange) else { return };
        let bytes = guarded.held().next_multiple_of(STEP);
        let room: &Room = &exchange.gate.room;
        if let Some(missing) = room.missing(&exchange.held_answer, bytes)
            && !room.try_take(&mut exchange.held_answer, bytes)
        {
            self.wait = Some(Box::pin(room.clone().more(missing)));
        }
    }

    /// Takes note of what passes, where the answer is to be kept.
    fn keep(&mut self, bytes: &[u8]) {
        if let Some(exchange) = &mut self.exchange {
            exchange.keep_passed(bytes);
        }
    }

    /// The stream is over: the upstream is let go, and the request recorded.
    fn over(&mut self, broken: Option<Broken>) {
        self.upstream = None;
        let Some(mut exchange) = self.exchange.take() else { return };
        exchange.upstream_over();
        self.note(&mut exchange);
        match broken {
            Some(why) => exchange.broken(why),
            None => {
                exchange.keep_stream();
                exchange.done();
            }
        }
    }

    fn note(&mut self, exchange: &mut Exchange) {
        let Some(guarded) = self.guarded.take() else { return };
        let (end, memory) = guarded.into_end();
        exchange.memory = Some(memory);
        exchange.judged(&end.judgement, Instant::now());
        exchange.answered_by(end.about.model.as_ref());
        let decision = &mut exchange.decision;
        decision.usage = end.usage;
        decision.finish = end.finish;
        decision.answer = end.about.id;
        decision.late = end.late;
        let is_as_it_came = end.judgement.action == Action::Allow
            && end.judgement.unscanned.is_empty()
            && end.late == 0
            && end.fault.is_none();
        if end.judgement.action.stops() {
            decision.stage = Stage::InspectAnswer;
        }
        if let Some(fault) = end.fault {
            decision.stage = Stage::InspectAnswer;
            decision.action = Action::Block;
            "unreadable_answer".clone_into(&mut decision.word);
            decision.reason = fault;
        }
        if exchange.gate.config.record.content != Content::None {
            decision.texts.extend(end.said.into_iter().map(|(_, point, text)| (point, text)));
        }
        if !is_as_it_came {
            exchange.keep_not();
        }
    }
}

impl Drop for GuardedBody {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            self.note(&mut exchange);
            // The exchange records that the client went.
        }
    }
}
