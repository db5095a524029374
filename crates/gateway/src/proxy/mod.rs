//! The stack that a request goes through, bottom to top.
//!
//! ```text
//! record        every request ends in one row, whatever became of it: also when the client went, or something panicked
//! answer        the upstream's answer is read, inspected and changed; a stream is held back until it was looked at
//! forward       an upstream is asked, with a credential of its own
//! cache         the answer to the same request is given again, where that is configured
//! approve       a person has agreed to this very request, where something asks for that
//! meter         what it may cost is reserved, and settled when the answer has said what it did cost
//! inspect       guardrails look at every text of the request, and tell what they could not look at
//! order         what playbooks have blocked, throttled or put before a person
//! authorise     Cedar policies and grants
//! read          the body, strictly and once: what the gate reads is what the upstream reads
//! identify      a virtual key, an access token, a certificate
//! route         which API this is; what is in no table does not pass
//! room          what could not be recorded does not pass
//! ```

mod answer;
mod approve;
mod asked;
mod authorise;
mod body;
mod cached;
mod exchange;
mod identify;
mod inspect;
mod mcp;
mod meter;
mod models;
mod released;
mod stop;

use std::sync::Arc;

use castellan_wire::{Api, Matter, Point, Unscanned, is_realtime, route};
use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;

pub(crate) use body::{BodyFailure, GateBody};
use exchange::Exchange;
pub(crate) use identify::{Peer, refresh};
use stop::Stop;

use crate::gate::Gate;
use crate::record::Stage;
use crate::upstream::Call;

/// Answers a request.
pub(crate) async fn handle(
    gate: Arc<Gate>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Response<GateBody> {
    let mut exchange = Exchange::begin(gate, &peer, &request);
    match serve(&mut exchange, &peer, request).await {
        Ok(Served::Whole(response)) => {
            exchange.done();
            response
        }
        Ok(Served::Stream(head, upstream)) => answer::streamed(exchange, head, upstream),
        Ok(Served::Mcp(call)) => mcp::answered(exchange, *call).await,
        Err(stop) => exchange.stopped(stop),
    }
}

/// An answer, or the beginning of one.
enum Served {
    Whole(Response<GateBody>),
    Stream(http::response::Parts, answer::Streamed),
    Mcp(Box<mcp::Called>),
}

async fn serve(exchange: &mut Exchange, peer: &Peer, request: Request<Incoming>) -> Result<Served, Stop> {
    let gate = Arc::clone(&exchange.gate);
    let (head, body) = request.into_parts();
    if let Some(response) = own(&gate, &head) {
        exchange.is_silent = true;
        return Ok(Served::Whole(response));
    }
    if !gate.recorder.has_room() && gate.config.record.when_full == crate::config::WhenFull::Refuse {
        return Err(Stop::new(
            Stage::Read,
            503,
            "record_full",
            "the gate cannot record what happens at the moment, so nothing passes; try again",
        ));
    }
    if is_upgrade(&head) || is_realtime(head.uri.path()) {
        let left = Unscanned { path: "connection".to_owned(), matter: Matter::Bytes, point: Point::User };
        exchange.decision.unscanned.push(left);
        return Err(Stop::new(
            Stage::Read,
            501,
            "realtime_unsupported",
            "the gate has no realtime APIs and no WebSockets: what passes there it could not inspect; ask over HTTP, as a stream if need be",
        )
        .with_word("unscanned:realtime"));
    }
    if let Some(mcp) = gate.mcp.as_ref().filter(|_| mcp::is_for(head.uri.path())) {
        return mcp::served(exchange, mcp, peer, head, body).await;
    }
    let Some(route) = route(head.method.as_str(), head.uri.path()) else {
        return Err(Stop::new(
            Stage::Read,
            404,
            "not_found",
            "the gate has no such API: what it cannot inspect does not pass; docs/gate.md lists those that it has",
        ));
    };
    exchange.routed(&route);
    let verified = identify::verified(&gate, peer, &head.headers).await?;
    let principal = &verified.principal;
    exchange.decision.principal = Some(Arc::clone(&verified));
    meter::enter(exchange, principal)?;
    let bytes = body::whole(body, &gate.config.bounds, &head.headers, &gate.room, &mut exchange.held).await?;
    let mut asked = asked::read(&route, &head, bytes)?;
    exchange.asked(&asked);
    if let Some(response) = models::answered(&gate, &verified, &route) {
        return Ok(Served::Whole(response));
    }
    // What a person agrees to is what the client has sent.
    let original = asked.bytes.clone();
    let decided = authorise::may(exchange, &verified, &asked)?;
    authorise::orders(exchange, principal, &asked)?;
    let profiles = authorise::profiles(exchange, &asked, &decided)?;
    let mut needs = inspect::request(exchange, principal, &mut asked, &profiles)?;
    let profiles = match authorise::labelled(exchange, &verified, &asked)? {
        None => profiles,
        Some(decided) => {
            // Data may oblige to more guardrails, which then look at the request as well.
            let more = authorise::profiles(exchange, &asked, &decided)?;
            let both = Arc::new(profiles.and(&more));
            if both.names != profiles.names {
                // What was redacted has moved the rest.
                asked::read_again(&mut asked)?;
                needs.extend(inspect::request(exchange, principal, &mut asked, &both)?);
            }
            exchange.decision.profiles.clone_from(&both.names);
            both
        }
    };
    needs.iter().for_each(|rule| exchange.need(rule.to_string()));
    let sent = (head.uri.path(), &*original);
    let agreed = approve::asked(exchange, principal, &asked, sent, &profiles).await?;
    inspect::notice(exchange, &mut asked, &profiles)?;
    inspect::mark(exchange, &mut asked, &profiles)?;
    let path = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    if let Some(again) = cached::looked_up(exchange, principal, &asked, &profiles, &path, &head.headers) {
        let room = gate.room.take(&mut exchange.held_answer, again.bytes()).await;
        room.map_err(|_| body::no_room(Stage::Read))?;
        meter::reserve_none(exchange, principal, &asked)?;
        return Ok(Served::Whole(cached::answered(exchange, again)));
    }
    meter::reserve(exchange, principal, &asked)?;
    approve::use_up(exchange, principal, agreed.as_ref())?;
    let call = Call {
        alias: asked.model.clone(),
        path,
        method: head.method,
        headers: exchange.forwarded(head.headers),
        body: asked.bytes.clone(),
        deadline: None,
    };
    exchange.decision.stage = Stage::Forward;
    exchange.upstream_asked();
    let upstream = gate.upstreams.send(call).await.map_err(Stop::upstream)?;
    exchange.answered(&upstream);
    answer::answered(exchange, &route, asked, profiles, upstream).await
}

/// Whether a client asks for a connection on which something else than HTTP is spoken (RFC 9110, 7.8). An offer of HTTP/2 is none: it
/// may be passed over.
fn is_upgrade(head: &http::request::Parts) -> bool {
    let mut asked = head.headers.get_all(UPGRADE).into_iter();
    asked.any(|value| value.to_str().map_or(true, |text| text.to_ascii_lowercase().contains("websocket")))
        || head.method == http::Method::CONNECT
}

/// What the gate answers by itself, to anybody who reaches it: whether it is up.
fn own(gate: &Gate, head: &http::request::Parts) -> Option<Response<GateBody>> {
    match (head.method.as_str(), head.uri.path()) {
        ("GET", "/healthz") => Some(body::text(200, "text/plain", "ok\n")),
        ("GET", "/metrics") if gate.config.listen.ip().is_loopback() => Some(body::text(
            200,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            &gate.metrics.text(),
        )),
        _ => None,
    }
}

/// Whether an API's answers to this request can be a stream.
fn may_stream(api: Api) -> bool {
    api.response() == castellan_wire::Body::Streaming
}
