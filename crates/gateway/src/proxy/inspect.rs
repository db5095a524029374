//! Guardrails over a request.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use castellan_access::principal::Principal;
use castellan_wire::calls::{Call, calls};
use castellan_wire::edit::rewrite;
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::refusal::filtered_prompt;
use castellan_wire::spotlight::{Marking, Side, SpotlightError, noticed, spotlighted};
use castellan_wire::{Api, Body, Direction, Point, Reading, edit, passages};

use super::asked::Asked;
use super::exchange::{Exchange, random_id};
use super::stop::Stop;
use crate::aside::aside;
use crate::config::Content;
use crate::guard::{Action, End, Judgement, Memory, Selected, Spotlight, Whole};
use crate::record::Stage;

/// Bytes of texts from which on looking at them would keep others waiting: some ten milliseconds.
const HEAVY: usize = 128 << 10;

/// Has the texts of an answer looked at, and takes note of what was found and, as far as that is asked for, of what they say.
pub(super) fn looked_at(
    exchange: &mut Exchange,
    reading: &Reading,
    calls: &[Call],
    profiles: &Selected,
) -> Judgement {
    let began = Instant::now();
    let mut memory = exchange.memory.take().unwrap_or_else(|| Memory::new("answer"));
    memory.answering(true);
    let inspector = &exchange.gate.inspector;
    let mut judgement = looking(reading, || inspector.judge(reading, profiles, &mut memory));
    if !calls.is_empty() {
        judgement.join(inspector.calls(calls, profiles));
    }
    exchange.memory = Some(memory);
    exchange.judged(&judgement, began);
    texts(exchange, reading, &judgement);
    judgement
}

/// Has texts looked at; long ones so that other requests of this thread go on meanwhile.
fn looking<T>(reading: &Reading, work: impl FnOnce() -> T) -> T {
    let bytes: usize = reading.passages.iter().map(|passage| passage.text.len()).sum();
    if bytes > HEAVY { aside(work) } else { work() }
}

/// Looks at a request. Where something in it becomes something else, its body is another one afterwards. Gives the rules
/// that put it before a person.
pub(super) fn request(
    exchange: &mut Exchange,
    principal: &Principal,
    asked: &mut Asked,
    profiles: &Arc<Selected>,
) -> Result<Vec<Arc<str>>, Stop> {
    let began = Instant::now();
    let is_again = exchange.memory.is_some();
    let mut memory = exchange.memory.take().unwrap_or_else(|| {
        let consistent = exchange.gate.config.tokens.as_ref().map(|tokens| tokens.consistent);
        let session = asked.session.as_deref();
        Memory::new(consistent.unwrap_or_default().scope(
            &principal.id(),
            session,
            &exchange.decision.request,
        ))
    });
    let inspector = &exchange.gate.inspector;
    let mut judgement = looking(&asked.reading, || inspector.judge(&asked.reading, profiles, &mut memory));
    if profiles.looks_at_requests() || profiles.looks_at_calls() {
        judgement.join(as_a_whole(exchange, asked, profiles)?);
    }
    exchange.memory = Some(memory);
    if is_again {
        exchange.judged_again(&judgement, began);
    } else {
        exchange.judged(&judgement, began);
        exchange.prompt = judgement.results.clone();
    }
    // A second look, at what policies obliged to, says what is left of texts; all of them were there at the first.
    if exchange.gate.config.record.content != Content::Full || !is_again {
        exchange.decision.texts.clear();
        texts(exchange, &asked.reading, &judgement);
    }
    if judgement.action == Action::Block {
        return Err(blocked(exchange, &judgement));
    }
    if judgement.edits.iter().any(|edits| !edits.is_empty()) {
        asked.bytes = redacted(asked, &judgement)
            .map_err(|message| Stop::new(Stage::InspectRequest, 400, "cannot_redact", message))?;
    }
    let needs = judgement.hits.iter().filter(|hit| hit.action == Action::RequireApproval);
    Ok(needs.map(|hit| Arc::clone(&hit.rule)).collect())
}

/// What rules about whole requests and whole calls of tools say.
fn as_a_whole(exchange: &Exchange, asked: &Asked, profiles: &Selected) -> Result<Judgement, Stop> {
    let inspector = &exchange.gate.inspector;
    let is_json = asked.api.request() == Body::Json && !asked.bytes.is_empty();
    let mut whole = Whole {
        body: is_json.then_some(&*asked.bytes),
        messages: 0,
        tools: asked.tools.len(),
        reading: &asked.reading,
    };
    let mut judgement = Judgement::default();
    if is_json {
        let bounds = Bounds { bytes: asked.bytes.len(), ..Bounds::default() };
        let tree = Tree::read(&asked.bytes, &bounds)
            .map_err(|error| Stop::new(Stage::InspectRequest, 400, "invalid_json", error.to_string()))?;
        let count = |name: &str| tree.root().get(name).map_or(0, |list| list.items().count());
        whole.messages = count("messages").max(if asked.api == Api::Responses { count("input") } else { 0 });
        whole.tools = count("tools").saturating_add(count("functions"));
        if profiles.looks_at_calls() {
            judgement.join(inspector.calls(&calls(&tree), profiles));
        }
    }
    judgement.join(inspector.request(whole, profiles));
    Ok(judgement)
}

/// Tells the model what profiles have to say. Requests of APIs that have no place for it pass without, which is recorded.
pub(super) fn notice(exchange: &mut Exchange, asked: &mut Asked, profiles: &Selected) -> Result<(), Stop> {
    if profiles.notices().is_empty() || !asked.api.invokes() {
        return Ok(());
    }
    let fault = |message: String| Stop::new(Stage::InspectRequest, 400, "cannot_notice", message);
    let mut told = 0;
    for notice in profiles.notices() {
        let bounds = Bounds { bytes: asked.bytes.len(), ..Bounds::default() };
        let tree = Tree::read(&asked.bytes, &bounds).map_err(|error| fault(error.to_string()));
        let tree = match (tree, asked.api.request()) {
            (Ok(tree), Body::Json) => tree,
            (Err(stop), Body::Json) => return Err(stop),
            _ => break,
        };
        let side = match notice.at {
            End::Start => Side::Start,
            End::End => Side::End,
        };
        match noticed(&tree, asked.api, &notice.text, side) {
            Ok(body) => asked.bytes = Bytes::from(body),
            Err(SpotlightError::Unsupported) => break,
            Err(error) => return Err(fault(error.to_string())),
        }
        told += 1;
    }
    exchange.decision.notices = match told {
        0 => format!("none: {} has no place for them", asked.api.as_str()),
        _ => format!("{told} of {}", profiles.notices().len()),
    };
    Ok(())
}

/// Marks what tools and documents say, where a profile asks for it. It comes after all that changes texts, so that marks stand
/// around what the model reads.
pub(super) fn mark(exchange: &mut Exchange, asked: &mut Asked, profiles: &Selected) -> Result<(), Stop> {
    let (marking, name) = match profiles.spotlight() {
        Spotlight::None => return Ok(()),
        Spotlight::Delimit => (Marking::Delimit, "delimit"),
        Spotlight::Datamark => (Marking::Datamark, "datamark"),
        Spotlight::Base64 => (Marking::Base64, "base64"),
    };
    let by_others = |point: Point| matches!(point, Point::ToolResult | Point::Document);
    if !asked.reading.passages.iter().any(|passage| by_others(passage.point)) {
        return Ok(());
    }
    let fault = |message: String| Stop::new(Stage::InspectRequest, 400, "cannot_mark", message);
    let bounds = Bounds { bytes: asked.bytes.len(), ..Bounds::default() };
    let tree = Tree::read(&asked.bytes, &bounds).map_err(|error| fault(error.to_string()))?;
    // Texts may have been redacted since they were read.
    let reading = passages(&tree, asked.api, Direction::Request);
    match spotlighted(&tree, &reading, asked.api, marking, &random_id(8)) {
        Ok(None) => {}
        Ok(Some(spotlit)) => {
            exchange.decision.spotlight = match (spotlit.marked, spotlit.left.join(", ")) {
                (0, left) => format!("none: {left}"),
                (_, left) if left.is_empty() => name.to_owned(),
                (_, left) => format!("{name}, but not {left}"),
            };
            asked.bytes = Bytes::from(spotlit.body);
        }
        Err(SpotlightError::Unsupported) => {
            exchange.decision.spotlight =
                format!("none: {} has no place to tell the model what marks mean", asked.api.as_str());
        }
        Err(error) => return Err(fault(error.to_string())),
    }
    Ok(())
}

fn redacted(asked: &Asked, judgement: &Judgement) -> Result<Bytes, String> {
    if asked.api.request() != Body::Json {
        return Err("a field of the form has something that must not pass; leave it out".to_owned());
    }
    let bounds = Bounds { bytes: asked.bytes.len(), ..Bounds::default() };
    let tree = Tree::read(&asked.bytes, &bounds).map_err(|error| error.to_string())?;
    let body = rewrite(&tree, &asked.reading, &judgement.edits);
    body.map(Bytes::from)
        .map_err(|error| format!("something in the request must not pass, and cannot be taken out: {error}"))
}

/// The answer to a prompt that is blocked: Azure's, with what was found.
fn blocked(exchange: &Exchange, judgement: &Judgement) -> Stop {
    let what = judgement.decisive().map(|hit| format!("{} ({})", hit.what, hit.rule)).unwrap_or_default();
    let message = format!(
        "The prompt was refused by a guardrail of the gate: {what}. Change it, or ask whoever runs the gate about {}.",
        exchange.decision.request
    );
    let body = filtered_prompt(exchange.dialect, &judgement.results.value(), Some(&message));
    let stop = Stop::new(Stage::InspectRequest, 400, "content_filter", message);
    let word = judgement
        .decisive()
        .map_or_else(|| "content_filter".to_owned(), |hit| format!("{}:{}", hit.check, hit.what));
    stop.with_body(body).with_word(word)
}

/// Keeps texts for the record, as far as that is asked for.
fn texts(exchange: &mut Exchange, reading: &Reading, judgement: &Judgement) {
    let content = exchange.gate.config.record.content;
    if content == Content::None {
        return;
    }
    for (passage, edits) in reading.passages.iter().zip(&judgement.edits) {
        let text = match content {
            Content::Full => passage.text.clone(),
            _ => edit::applied(&passage.text, edits.clone()).unwrap_or_default(),
        };
        exchange.decision.texts.push((passage.point, text));
    }
}
