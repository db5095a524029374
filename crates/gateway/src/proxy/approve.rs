//! Requests that a person has to agree to: this one, once.
//!
//! What needs it (a policy, an order of a playbook, a rule of a guardrail) is gathered while the request is looked at. Then
//! the store of approvals is asked for one with the digest of this very request. It is used up just before the request goes
//! on, so that nothing else can stop what was agreed to in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_access::approval::{Approval, ApprovalError, ApprovalStore, Asking, Stage as Standing};
use castellan_access::principal::Principal;
use castellan_mcp::jcs::{Integers, canonical};
use castellan_mcp::json::{Limits, parse};
use tokio::time::sleep;

use super::asked::Asked;
use super::exchange::Exchange;
use super::stop::Stop;
use crate::aside::aside;
use crate::guard::{Action, Selected};
use crate::record::{self, Stage};

/// How often a request that waits looks whether somebody has decided.
const LOOK: Duration = Duration::from_millis(250);

/// An approval that counts for a request.
pub(super) struct Agreed {
    id: String,
    digest: String,
}

/// The approval of a request where it needs one; a stop where it has none.
pub(super) async fn asked(
    exchange: &mut Exchange,
    principal: &Principal,
    asked: &Asked,
    (path, body): (&str, &[u8]),
    profiles: &Selected,
) -> Result<Option<Agreed>, Stop> {
    if exchange.needs.is_empty() {
        return Ok(None);
    }
    let digest = digest(&["model", asked.api.as_str(), path, &asked.model], &normal(body));
    let what = format!("model {}", asked.model);
    let rules: Vec<&str> = exchange.needs.iter().map(String::as_str).collect();
    let wait = profiles.wait(&rules);
    match agreed(exchange, principal, &what, digest, wait).await {
        Ok(agreed) => Ok(Some(agreed)),
        Err((code, message)) => {
            let id = exchange.decision.approval.as_ref().map(|approval| approval.id.clone());
            let status = if code == "approvals_unavailable" { 503 } else { 403 };
            let mut stop = Stop::new(Stage::Authorise, status, code, message);
            stop.action = Action::RequireApproval;
            Err(match id {
                Some(id) => stop.with_word(format!("{code}:{id}")).with_header("x-castellan-approval", id),
                None => stop,
            })
        }
    }
}

/// The approval of something, waited for as long as that may take; or what to tell whoever asks.
pub(super) async fn agreed(
    exchange: &mut Exchange,
    principal: &Principal,
    what: &str,
    digest: String,
    wait: u16,
) -> Result<Agreed, (&'static str, String)> {
    let gate = Arc::clone(&exchange.gate);
    let Some(store) = &gate.approvals else {
        let message = "a person has to agree to this request first; ask whoever runs the gate";
        return Err(("approval_required", message.to_owned()));
    };
    let why = exchange.needs.join(", ");
    let request = exchange.decision.request.clone();
    let until = Instant::now() + Duration::from_secs(u64::from(wait));
    let asking = Asking { principal, what, why: &why, digest: &digest, request: &request };
    let mut approval = aside(|| store.ask(asking, gate.now())).map_err(|error| unavailable(&error))?;
    loop {
        let stage = approval.stage(gate.now());
        note(exchange, &approval, stage);
        match stage {
            Standing::Approved => return Ok(Agreed { id: approval.id, digest }),
            Standing::Denied => {
                let message = format!("a person has refused this request (approval `{}`)", approval.id);
                return Err(("approval_denied", message));
            }
            Standing::Pending if Instant::now() < until => {
                sleep(LOOK).await;
                // What cannot be read now is looked at again; without it nothing passes.
                let _ = aside(|| store.refresh());
                match store.get(&approval.id) {
                    Some(seen) => approval = seen,
                    None => return Err(required(&approval, &why)),
                }
            }
            _ => return Err(required(&approval, &why)),
        }
    }
}

/// Uses an approval up: the request goes on now.
pub(super) fn used(
    exchange: &mut Exchange,
    principal: &Principal,
    agreed: &Agreed,
) -> Result<(), (&'static str, String)> {
    let gate = Arc::clone(&exchange.gate);
    let used = gate.approvals.as_ref().map(|store: &ApprovalStore| {
        aside(|| store.use_up(&agreed.id, principal, &agreed.digest, gate.now()))
    });
    match used {
        Some(Ok(approval)) => {
            note(exchange, &approval, Standing::Used);
            let decision = &mut exchange.decision;
            let passing = decision.hits.iter().map(|hit| hit.action).filter(|action| !action.stops());
            // It passes, so it is no refusal any more; what was found stays in the record.
            decision.action = passing.max().unwrap_or_default().max(Action::Annotate);
            decision.word = format!("approved:{}", agreed.id);
            decision.reason = format!("{} agreed to it", names(&approval).join(", "));
            Ok(())
        }
        Some(Err(ApprovalError::Stage(stage))) => {
            let message =
                format!("the approval `{}` is {} already; send the request again", agreed.id, stage.as_str());
            Err(("approval_required", message))
        }
        Some(Err(error)) => Err(unavailable(&error)),
        None => Err(("approval_required", "there are no approvals any more".to_owned())),
    }
}

/// The same, as a stop.
pub(super) fn use_up(
    exchange: &mut Exchange,
    principal: &Principal,
    agreed: Option<&Agreed>,
) -> Result<(), Stop> {
    let Some(agreed) = agreed else { return Ok(()) };
    used(exchange, principal, agreed).map_err(|(code, message)| {
        let status = if code == "approvals_unavailable" { 503 } else { 403 };
        Stop::new(Stage::Authorise, status, code, message)
    })
}

fn required(approval: &Approval, why: &str) -> (&'static str, String) {
    let message = format!(
        "a person has to agree to this request first ({why}); it waits as approval `{}` until {}. Send the same request again \
         once it is approved: it passes once.",
        approval.id, approval.decide_by
    );
    ("approval_required", message)
}

fn unavailable(error: &ApprovalError) -> (&'static str, String) {
    match error {
        ApprovalError::TooMany => ("approval_required", error.to_string()),
        _ => (
            "approvals_unavailable",
            format!("this request needs an approval, and none can be asked for: {error}"),
        ),
    }
}

fn note(exchange: &mut Exchange, approval: &Approval, stage: Standing) {
    exchange.decision.approval =
        Some(record::Approval { id: approval.id.clone(), by: names(approval), stage: stage.as_str() });
}

fn names(approval: &Approval) -> Vec<String> {
    approval.said.iter().map(|said| said.by_shown.clone()).collect()
}

/// The digest of a request: of each part with its length, so that no two lists of parts are the same.
pub(super) fn digest(parts: &[&str], body: &[u8]) -> String {
    let mut hasher =
        blake3::Hasher::new_derive_key("castellan gate 2026-11 digest of a request to be approved");
    for part in parts.iter().map(|part| part.as_bytes()).chain([body]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// A body in its canonical form (RFC 8785), so that clients that write members in another order ask the same; as it is
/// where it is no JSON.
pub(super) fn normal(body: &[u8]) -> Vec<u8> {
    let limits = Limits { bytes: body.len(), ..Limits::default() };
    match parse(body, &limits) {
        Ok(value) => canonical(&value, Integers::Exact).into_bytes(),
        Err(_) => body.to_vec(),
    }
}
