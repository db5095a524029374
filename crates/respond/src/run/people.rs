//! Steps that wait for people: approvals and tasks. Both wait in the journal, not in a process.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use serde_json::{Value, json};

use super::event::Event;
use super::shared::Shared;
use super::state::Asked;
use super::unit::{Turn, later};
use super::wait::Wait;
use super::{Flow, RunError};
use crate::playbook::Approval;

/// What an approver begins with that is a role: `role:ai-platform`.
pub(crate) const ROLE: &str = "role:";

/// What people say to a step.
pub(crate) enum Answer {
    Yes,
    No(String),
    Waiting,
}

/// Where the verdict of an approval at a place is written down.
pub(crate) fn verdict_path(path: &str) -> String {
    format!("{path}^")
}

/// Asks for approval and tells how it stands. *Invariant (one verdict):* what came out is written down before anything
/// follows from it, and read from there ever after, so that later words change nothing.
pub(crate) fn approval(
    shared: &Shared<'_>,
    path: &str,
    approval: &Approval,
    question: String,
) -> Result<Answer, RunError> {
    let at = verdict_path(path);
    if let Some(verdict) = shared.place(&at).choice {
        return Ok(answer(&verdict));
    }
    match ask_and_count(shared, path, approval, question)? {
        Answer::Waiting => Ok(Answer::Waiting),
        decided => {
            let verdict = match &decided {
                Answer::No(reason) => json!({"approved": false, "reason": reason}),
                _ => json!({"approved": true}),
            };
            Ok(answer(&shared.choose(&at, || verdict)?))
        }
    }
}

/// What a verdict that was written down says.
fn answer(verdict: &Value) -> Answer {
    if verdict.get("approved") == Some(&Value::Bool(true)) {
        return Answer::Yes;
    }
    Answer::No(verdict.get("reason").and_then(Value::as_str).unwrap_or("refused").to_owned())
}

fn ask_and_count(
    shared: &Shared<'_>,
    path: &str,
    approval: &Approval,
    question: String,
) -> Result<Answer, RunError> {
    let timeout = i64::try_from(approval.timeout_seconds).unwrap_or(i64::MAX);
    let has_starter = shared.state(|state| !state.opened.by.trim().is_empty());
    if approval.not_starter && !has_starter {
        let reason =
            "who started the run may not approve it, and nobody is named as who did; start it with a name";
        return Ok(Answer::No(reason.to_owned()));
    }
    loop {
        let now = shared.system.now();
        let Some(asked) = shared.place(path).asked else {
            ask(shared, path, approval, &approval.approvers, &question, later(now, timeout), false)?;
            continue;
        };
        let yes = asked.decisions.values().filter(|(approve, _)| *approve).count();
        if yes >= asked.required {
            return Ok(Answer::Yes);
        }
        let refused: Vec<String> = asked
            .decisions
            .iter()
            .filter(|(_, (approve, _))| !approve)
            .map(|(who, (_, why))| format!("{who}: {why}"))
            .collect();
        if is_refused(&asked, refused.len()) {
            return Ok(Answer::No(format!("refused by {}", refused.join("; "))));
        }
        if now >= asked.deadline {
            if asked.escalated || approval.escalate_to.is_empty() {
                return Ok(Answer::No(format!("nobody approved until {}", asked.deadline)));
            }
            ask(shared, path, approval, &approval.escalate_to, &question, later(now, timeout), true)?;
            continue;
        }
        shared.wait(waiting(path, &asked, yes));
        return Ok(Answer::Waiting);
    }
}

/// True when too few are left who could approve. How many people a role has is not known, so one refusal is enough there.
fn is_refused(asked: &Asked, refused: usize) -> bool {
    let has_role = asked.approvers.iter().any(|approver| approver.starts_with(ROLE));
    if has_role {
        return refused > 0;
    }
    let people: BTreeSet<String> = asked.approvers.iter().map(|who| who.to_lowercase()).collect();
    refused > 0 && people.len().saturating_sub(refused) < asked.required
}

fn waiting(path: &str, asked: &Asked, yes: usize) -> Wait {
    let open = asked.approvers.iter().filter(|who| !asked.decisions.contains_key(&who.to_lowercase()));
    Wait::Approval {
        path: path.to_owned(),
        approvers: open.cloned().collect(),
        missing: asked.required - yes,
        question: asked.question.clone(),
        until: asked.deadline,
    }
}

fn ask(
    shared: &Shared<'_>,
    path: &str,
    approval: &Approval,
    approvers: &[String],
    question: &str,
    deadline: Ticks,
    escalated: bool,
) -> Result<(), RunError> {
    let starter = || shared.state(|state| state.opened.by.clone());
    let excluded = if approval.not_starter { starter() } else { String::new() };
    Ok(shared.append(Event::ApprovalAsked {
        path: path.to_owned(),
        approvers: approvers.to_vec(),
        required: approval.required,
        question: question.to_owned(),
        deadline,
        escalated,
        excluded,
    })?)
}

/// Asks a person to do something and tells how it stands.
pub(crate) fn task(
    shared: &Shared<'_>,
    path: &str,
    instruction: &str,
    timeout_ms: Option<u64>,
) -> Result<Turn, RunError> {
    let now = shared.system.now();
    // What ended stays as it ended, whatever is said later.
    if let Some(ended) = shared.place(path).ended {
        return Ok(Turn::Over(if ended.success { Ok(ended.outputs) } else { Err(ended.reason) }));
    }
    let Some(task) = shared.place(path).task else {
        let seconds = timeout_ms.and_then(|limit| i64::try_from(limit.div_ceil(1000)).ok());
        let deadline = seconds.map(|seconds| later(now, seconds));
        let instruction = instruction.to_owned();
        shared.append(Event::TaskAsked {
            path: path.to_owned(),
            instruction: instruction.clone(),
            deadline,
        })?;
        shared.wait(Wait::Task { path: path.to_owned(), instruction, until: deadline });
        return Ok(Turn::Stopped(Flow::Waiting));
    };
    let result = match task.done {
        Some((_, true, _)) => Ok(task.outputs),
        Some((who, false, why)) => Err(format!("{who} could not do it: {why}")),
        None if task.deadline.is_some_and(|deadline| now >= deadline) => {
            Err("nobody did it in time".to_owned())
        }
        None => {
            let (instruction, until) = (task.instruction, task.deadline);
            shared.wait(Wait::Task { path: path.to_owned(), instruction, until });
            return Ok(Turn::Stopped(Flow::Waiting));
        }
    };
    let (success, reason) = match &result {
        Ok(_) => (true, "a person did it".to_owned()),
        Err(reason) => (false, reason.clone()),
    };
    let outputs: BTreeMap<String, String> = result.clone().unwrap_or_default();
    let evidence = blake3::hash(format!("{path} {reason} {outputs:?}").as_bytes()).to_hex().to_string();
    shared.append(Event::Ended { path: path.to_owned(), success, reason, outputs, evidence })?;
    Ok(Turn::Over(result))
}
