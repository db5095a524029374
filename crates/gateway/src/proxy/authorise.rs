//! Whether a request may be made: policies, grants, orders of playbooks.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_access::grant::Held;
use castellan_access::policy::{Action, Asked as Question, Circumstances, Decision, Resource};
use castellan_access::principal::{Principal, Verified};
use castellan_respond::actions::{Asked as Subjects, Ruling, SubjectKind};

use super::asked::Asked;
use super::exchange::Exchange;
use super::released::{Releasing, labels};
use super::stop::Stop;
use crate::guard::Selected;
use crate::record::Stage;

/// Four bytes are about one token of English; what is reserved is not settled by it.
const BYTES_A_TOKEN: u64 = 3;

/// What policies say before the texts are looked at; a stop where they do not allow it.
pub(super) fn may(exchange: &mut Exchange, verified: &Verified, asked: &Asked) -> Result<Decision, Stop> {
    decided(exchange, verified, asked, BTreeSet::new())
}

/// What policies say of the data that was found in the texts: their labels are the categories and ids of detectors. Nothing where
/// none was found.
pub(super) fn labelled(
    exchange: &mut Exchange,
    verified: &Verified,
    asked: &Asked,
) -> Result<Option<Decision>, Stop> {
    let labels = labels(exchange.gate.inspector.engine(), &exchange.decision.hits);
    if labels.is_empty() {
        return Ok(None);
    }
    decided(exchange, verified, asked, labels).map(Some)
}

fn decided(
    exchange: &mut Exchange,
    verified: &Verified,
    asked: &Asked,
    labels: BTreeSet<String>,
) -> Result<Decision, Stop> {
    let gate = Arc::clone(&exchange.gate);
    let now = gate.now();
    let resource = Resource::model(&asked.model, gate.provider(&asked.model));
    let held = gate
        .grants
        .as_ref()
        .map_or_else(Held::default, |grants| grants.held(&verified.principal, &resource, now));
    let action = if asked.api.invokes() { Action::Invoke } else { Action::List };
    let mut question = Question::by(verified, action, resource, now);
    question.held = held;
    question.circumstances = Circumstances {
        labels,
        ip: exchange.decision.address,
        api: asked.api.as_str().to_owned(),
        stream: asked.is_stream,
        tokens: (asked.bytes.len() as u64 / BYTES_A_TOKEN)
            .saturating_add(asked.most_tokens.unwrap_or_default()),
        session: asked.session.clone(),
        ..Circumstances::default()
    };
    if gate.policies.speak_of_answers() {
        exchange.releasing = Some(Box::new(Releasing {
            gate: Arc::clone(&gate),
            verified: Arc::clone(exchange.decision.principal.as_ref().unwrap_or(&gate.nobody)),
            action,
            resource: question.resource.clone(),
            circumstances: question.circumstances.clone(),
            held: question.held.clone(),
            arguments: None,
        }));
    }
    let decision = gate.policies.decide(&question);
    exchange.decision.policies = decision.policies.iter().map(|policy| policy.id.to_string()).collect();
    exchange.decision.policy_version = decision.version.to_string();
    if !decision.allow {
        return Err(forbidden(exchange, asked, &decision));
    }
    if decision.obligations.require_approval && question.held.ids.is_empty() {
        if gate.approvals.is_none() {
            let message = format!(
                "`{}` may be asked once somebody has approved it: ask with `castellan gate grants ask --model {}`",
                asked.model, asked.model
            );
            return Err(Stop::new(Stage::Authorise, 403, "approval_required", message));
        }
        let policy = decision.policies.first().map_or("policy", |policy| &policy.id);
        exchange.need(format!("policy {policy}"));
    }
    Ok(decision)
}

fn forbidden(exchange: &Exchange, asked: &Asked, decision: &Decision) -> Stop {
    let told: Vec<&str> = decision.obligations.messages.iter().map(String::as_str).collect();
    let message = if told.is_empty() {
        format!(
            "no policy lets you ask `{}`; ask whoever runs the gate ({})",
            asked.model, exchange.decision.request
        )
    } else {
        told.join(" ")
    };
    Stop::new(Stage::Authorise, 403, "forbidden", message).with_word(decision.reason())
}

/// What orders of playbooks say.
pub(super) fn orders(exchange: &mut Exchange, principal: &Principal, asked: &Asked) -> Result<(), Stop> {
    let Some(orders) = &exchange.gate.orders else { return Ok(()) };
    let id = principal.id();
    let entity = principal.entity_id();
    let mut subjects: Subjects<'_> = vec![
        (SubjectKind::Principal, &principal.object),
        (SubjectKind::Principal, &id),
        (SubjectKind::Principal, &entity),
        (SubjectKind::Model, &asked.model),
    ];
    if principal.kind.as_str().starts_with("agent") {
        subjects.push((SubjectKind::Agent, &principal.object));
    }
    subjects.extend(principal.actors.iter().map(|actor| (SubjectKind::Agent, actor.id.as_str())));
    subjects.extend(principal.credential.id.iter().map(|id| (SubjectKind::Key, id.as_str())));
    subjects.extend(asked.tools.iter().map(|tool| (SubjectKind::Tool, tool.as_str())));
    // Only an order that names a prompt is worth the hash of each text.
    let names_prompts = orders.name_any(SubjectKind::Prompt, exchange.gate.now());
    let passages = asked.reading.passages.iter().filter(|_| names_prompts);
    let prompts: Vec<String> = passages.map(|passage| fingerprint(&passage.text)).collect();
    subjects.extend(prompts.iter().map(|prompt| (SubjectKind::Prompt, prompt.as_str())));
    match orders.ruling(&subjects, true, exchange.gate.now()) {
        None => Ok(()),
        Some(Ruling::Denied { word: "order_approval", order, .. }) if exchange.gate.approvals.is_some() => {
            let why = format!("order {order}");
            exchange.need(why);
            Ok(())
        }
        Some(Ruling::Denied { word, message, order }) => {
            let status = if word == "order_throttle" { 429 } else { 403 };
            let stop =
                Stop::new(Stage::Authorise, status, word, message).with_word(format!("{word}:{order}"));
            Err(if status == 429 { stop.with_header("retry-after", "60") } else { stop })
        }
        Some(Ruling::Stricter { severity }) => {
            exchange.tightened = Some(severity);
            Ok(())
        }
    }
}

/// How orders name a prompt: the first 32 hexadecimal digits of the BLAKE3 hash of its text without white space at its ends.
pub(super) fn fingerprint(text: &str) -> String {
    blake3::hash(text.trim().as_bytes()).to_hex().as_str().get(..32).unwrap_or_default().to_owned()
}

/// The profiles that hold.
pub(super) fn profiles(
    exchange: &mut Exchange,
    asked: &Asked,
    decision: &Decision,
) -> Result<Arc<Selected>, Stop> {
    let names = decision.obligations.profiles.iter().map(String::as_str);
    let selected = exchange.gate.selected(&asked.model, names).map_err(|error| {
        Stop::new(
            Stage::Authorise,
            500,
            "profile_missing",
            format!("a policy obliges to a guardrail that cannot be used: {error}"),
        )
    })?;
    let selected = match exchange.tightened {
        Some(severity) => Arc::new(selected.tightened(severity)),
        None => selected,
    };
    exchange.decision.profiles.clone_from(&selected.names);
    Ok(selected)
}
