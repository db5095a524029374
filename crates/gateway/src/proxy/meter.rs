//! How much: what a request may cost is reserved before it is sent.

use castellan_access::principal::Principal;
use castellan_wire::{Dialect, Matter};

use super::asked::Asked;
use super::exchange::Exchange;
use super::stop::Stop;
use crate::limit::{self, Ask, IMAGE_TOKENS, MESSAGE_TOKENS, Refusal, Subject, of_text};
use crate::record::Stage;

/// Gives a request its place among those that are under way.
pub(super) fn enter(exchange: &mut Exchange, principal: &Principal) -> Result<(), Stop> {
    let Some(at_once) = &exchange.gate.at_once else { return Ok(()) };
    let own = principal.id();
    let place = at_once.enter(&subject(principal, &own, "")).map_err(|rule| {
        let message = format!(
            "the limit `{}` of {} requests at once is reached; wait until one of them has ended",
            rule.name, rule.limit
        );
        let stop = Stop::new(Stage::Meter, 429, "rate_limit_exceeded", message);
        stop.with_word(format!("limit:{}", rule.name)).with_header("retry-after", "1")
    })?;
    exchange.place = Some(place);
    Ok(())
}

/// Whom limits count.
fn subject<'a>(principal: &'a Principal, own: &'a str, model: &'a str) -> Subject<'a> {
    Subject {
        principal: principal.budget.as_deref().unwrap_or(own),
        key: principal.key_scopes.as_ref().and(principal.credential.id.as_deref()).unwrap_or_default(),
        model,
        application: principal.client.as_deref().unwrap_or_default(),
        ..Subject::default()
    }
}

/// Reserves what a request may use at most.
pub(super) fn reserve(exchange: &mut Exchange, principal: &Principal, asked: &Asked) -> Result<(), Stop> {
    let output_tokens = asked.most_tokens.map(|tokens| tokens.saturating_mul(asked.answers));
    reserved(exchange, principal, asked, || (estimated(asked), output_tokens))
}

/// Reserves what an answer uses that is given again: a request, and no tokens.
pub(super) fn reserve_none(
    exchange: &mut Exchange,
    principal: &Principal,
    asked: &Asked,
) -> Result<(), Stop> {
    reserved(exchange, principal, asked, || (0, Some(0)))
}

fn reserved(
    exchange: &mut Exchange,
    principal: &Principal,
    asked: &Asked,
    tokens: impl FnOnce() -> (u64, Option<u64>),
) -> Result<(), Stop> {
    let Some(limits) = exchange.gate.limits.clone().filter(|_| asked.api.invokes()) else { return Ok(()) };
    let own = principal.id();
    let subject = subject(principal, &own, &asked.model);
    let (input_tokens, output_tokens) = tokens();
    let ask = Ask { subject, input_tokens, output_tokens, ..Ask::default() };
    let now = exchange.gate.now();
    match limits.reserve(&ask, now) {
        Ok(reservation) => {
            exchange.left = dialect(exchange.dialect).headers(reservation.remaining(), now);
            exchange.reservation = Some(reservation);
            Ok(())
        }
        Err(refusal) => Err(refused(&refusal)),
    }
}

/// The tokens that a request has at most, about.
fn estimated(asked: &Asked) -> u64 {
    let texts =
        asked.reading.passages.iter().map(|passage| of_text(&passage.text).saturating_add(MESSAGE_TOKENS));
    let images = asked.reading.unscanned.iter().filter(|left| left.matter == Matter::Image).count();
    // What could not be read counts by its size: a token is seldom less than two bytes.
    let is_unread =
        |matter: Matter| matches!(matter, Matter::Tokens | Matter::File | Matter::Audio | Matter::Bytes);
    let has_unread = asked.reading.unscanned.iter().any(|left| is_unread(left.matter));
    let unread = if has_unread { asked.bytes.len() as u64 / 2 } else { 0 };
    let images = IMAGE_TOKENS.saturating_mul(images as u64);
    texts.fold(unread, u64::saturating_add).saturating_add(images)
}

fn dialect(dialect: Dialect) -> limit::Dialect {
    if dialect == Dialect::Anthropic { limit::Dialect::Anthropic } else { limit::Dialect::OpenAi }
}

fn refused(refusal: &Refusal) -> Stop {
    let status = refusal.status().as_u16();
    let code = match status {
        429 => "rate_limit_exceeded",
        403 => "insufficient_quota",
        _ => "limits_unavailable",
    };
    let stop = Stop::new(Stage::Meter, status, code, refusal.to_string())
        .with_word(format!("limit:{}", refusal.rule));
    match refusal.headers().get("retry-after").and_then(|wait| wait.to_str().ok()) {
        Some(wait) => stop.with_header("retry-after", wait),
        None => stop,
    }
}

/// Reserves what a request to a server of the Model Context Protocol counts: itself, its call, what that costs.
pub(super) fn reserve_call(
    exchange: &mut Exchange,
    principal: &Principal,
    (server, tool): (&str, Option<&str>),
    dollars: f64,
) -> Result<(), Refusal> {
    let Some(limits) = exchange.gate.limits.clone() else { return Ok(()) };
    let own = principal.id();
    let tool = tool.map(|tool| format!("{server}/{tool}"));
    let subject = Subject {
        principal: principal.budget.as_deref().unwrap_or(&own),
        key: principal.key_scopes.as_ref().and(principal.credential.id.as_deref()).unwrap_or_default(),
        application: principal.client.as_deref().unwrap_or_default(),
        server,
        tool: tool.as_deref().unwrap_or_default(),
        is_mcp: true,
        ..Subject::default()
    };
    let cost = if tool.is_some() { limit::pico(dollars) } else { 0 };
    let ask = Ask { subject, is_call: tool.is_some(), cost, ..Ask::default() };
    // Of a batch, what came before has been asked.
    exchange.settle();
    exchange.reservation = Some(limits.reserve(&ask, exchange.gate.now())?);
    Ok(())
}
