//! Walks through a playbook, from its start each time a run is resumed.
//!
//! What the journal knows is taken from there, so walking again costs little and does nothing. The walk is a plain
//! recursion: branches of a condition, a loop or a parallel step are walked by it until their end, and a step that waits
//! returns through all of them.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde_json::Value;

use super::event::Event;
use super::people::{self, Answer};
use super::scope::Scope;
use super::shared::Shared;
use super::unit::{Turn, Unit};
use super::wait::Wait;
use super::{Flow, RunError};
use crate::actions::Catalogue;
use crate::playbook::{Playbook, Step, StepKind, Text, list_of};

/// The most steps that one resumption walks through.
const MOST_STEPS: usize = 20_000;
/// How often a sequence may come back to one step.
const MOST_VISITS: u32 = 100;
/// Rounds of a loop when the playbook says nothing.
const MOST_ROUNDS: u64 = 100;
/// How deep playbooks may call playbooks and branches may nest.
const DEEPEST: usize = 24;
/// Branches that run at once.
const SIDE_BY_SIDE: usize = 8;
/// Branches of a whole run that have threads at once; further ones are walked one after the other.
const MOST_LIVE: usize = 64;

/// A branch that is walked, or was.
enum Walk<'t> {
    Live(std::thread::ScopedJoinHandle<'t, Result<(Flow, Scope), RunError>>),
    Over(Result<(Flow, Scope), RunError>),
}

impl Walk<'_> {
    fn result(self) -> Result<(Flow, Scope), RunError> {
        match self {
            Walk::Live(handle) => handle.join().unwrap_or(Err(RunError::BrokeOff)),
            Walk::Over(result) => result,
        }
    }
}

/// Walks.
pub(crate) struct Walker<'w> {
    pub(crate) shared: &'w Shared<'w>,
    pub(crate) catalogue: &'w Catalogue,
    pub(crate) playbooks: &'w BTreeMap<String, Playbook>,
    pub(crate) is_stopped: &'w (dyn Fn() -> bool + Sync),
}

/// A playbook or a branch of one.
#[derive(Clone)]
pub(crate) struct Frame<'f> {
    pub(crate) playbook: &'f Playbook,
    pub(crate) path: String,
    pub(crate) depth: usize,
}

impl<'f> Frame<'f> {
    pub(super) fn inner(&self, path: String) -> Frame<'f> {
        Frame { playbook: self.playbook, path, depth: self.depth + 1 }
    }
}

impl Walker<'_> {
    fn is_cancelled(&self) -> bool {
        (self.is_stopped)() || self.shared.state(|state| state.cancelled.is_some())
    }

    /// Walks from a step until the end of its sequence.
    pub(crate) fn sequence(
        &self,
        frame: &Frame<'_>,
        first: &str,
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        if frame.depth > DEEPEST {
            return Ok(Flow::Failed(format!("branches and playbooks are nested more than {DEEPEST} deep")));
        }
        let mut visits: BTreeMap<String, u32> = BTreeMap::new();
        let mut next = first.to_owned();
        loop {
            let Some(step) = frame.playbook.step(&next) else {
                return Ok(Flow::Failed(format!("there is no step `{next}`")));
            };
            if matches!(step.kind, StepKind::End) {
                return Ok(Flow::Done);
            }
            let visit = visits.entry(next.clone()).or_insert(0);
            *visit += 1;
            if *visit > MOST_VISITS || !self.shared.count(MOST_STEPS) {
                return Ok(Flow::Failed(format!(
                    "the steps go in a circle at `{next}`; use a while-condition"
                )));
            }
            let again = if *visit > 1 { format!("~{visit}") } else { String::new() };
            let path = format!("{}/{}{again}", frame.path, step.id);
            let follows = match self.step(frame, step, &path, scope)? {
                Flow::Done => step.on_success.as_ref().or(step.on_completion.as_ref()),
                Flow::Failed(reason) => {
                    let Some(handler) = step.on_failure.as_ref().or(step.on_completion.as_ref()) else {
                        return Ok(Flow::Failed(reason));
                    };
                    self.shared.note_failure(&path, &reason);
                    Some(handler)
                }
                stopped => return Ok(stopped),
            };
            let Some(follows) = follows else { return Ok(Flow::Done) };
            next = follows.clone();
        }
    }

    fn step(&self, frame: &Frame<'_>, step: &Step, path: &str, scope: &mut Scope) -> Result<Flow, RunError> {
        if self.is_cancelled() {
            return Ok(Flow::Cancelled);
        }
        let hidden = scope.overlay(&step.variables);
        let flow = self.prepared(frame, step, path, scope);
        scope.restore(hidden);
        flow
    }

    fn prepared(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        path: &str,
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        if !self.is_due(step, path)? {
            return Ok(Flow::Waiting);
        }
        if let Some(approval) = &step.approval {
            let question = scope.sketch(&approval.question).0.to_string();
            match people::approval(self.shared, path, approval, question)? {
                Answer::Yes => {}
                Answer::No(reason) => return Ok(Flow::Failed(reason)),
                Answer::Waiting => return Ok(Flow::Waiting),
            }
        }
        match &step.for_each {
            Some(each) => self.for_each(frame, step, path, scope, &each.list),
            None => self.once(frame, step, path, scope),
        }
    }

    /// True once the delay of a step is over.
    fn is_due(&self, step: &Step, path: &str) -> Result<bool, RunError> {
        if step.delay_ms == 0 {
            return Ok(true);
        }
        let now = self.shared.system.now();
        let until = match self.shared.place(path).delayed_until {
            Some(until) => until,
            None => {
                let ticks =
                    i64::try_from(step.delay_ms).unwrap_or(i64::MAX).saturating_mul(Ticks::PER_SECOND / 1000);
                let until = now.checked_add(ticks).unwrap_or(Ticks::MAX);
                self.shared.append(Event::Delayed { path: path.to_owned(), until })?;
                until
            }
        };
        if until > now {
            let reason = "the playbook delays this step".to_owned();
            self.shared.wait(Wait::Time { path: path.to_owned(), until, reason });
        }
        Ok(until <= now)
    }

    fn for_each(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        path: &str,
        scope: &mut Scope,
        list: &Text,
    ) -> Result<Flow, RunError> {
        let Some(each) = &step.for_each else { return Ok(Flow::Done) };
        let resolved = scope.resolve(list).map(|resolved| resolved.as_plain());
        let items = match resolved {
            Ok(Some(text)) => list_of(&text),
            Ok(None) => return Ok(Flow::Failed("a list cannot be a secret".to_owned())),
            Err(reason) => return Ok(Flow::Failed(reason)),
        };
        let Some(items) = items else {
            return Ok(Flow::Failed("the list is no JSON array of strings".to_owned()));
        };
        let chosen = self.shared.choose(path, || Value::from(items))?;
        let items = chosen.as_array().cloned().unwrap_or_default();
        if u64::try_from(items.len()).unwrap_or(u64::MAX) > each.most {
            let count = items.len();
            return Ok(Flow::Failed(format!(
                "the list has {count} items, more than the {} allowed",
                each.most
            )));
        }
        for (index, item) in items.iter().enumerate() {
            let item = item.as_str().unwrap_or_default().to_owned();
            scope.insert(&each.variable, crate::playbook::VariableType::String, item);
            match self.once(frame, step, &format!("{path}#{index}"), scope)? {
                Flow::Done => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Done)
    }

    fn once(&self, frame: &Frame<'_>, step: &Step, path: &str, scope: &mut Scope) -> Result<Flow, RunError> {
        match &step.kind {
            StepKind::Start | StepKind::End => Ok(Flow::Done),
            StepKind::Action(action) => self.action(frame, step, action, path, scope),
            StepKind::Playbook { id, version, in_args, out_args } => {
                self.playbook(frame, path, (id, version.as_deref()), (in_args, out_args), scope)
            }
            StepKind::Parallel(branches) => self.parallel(frame, branches, path, scope),
            StepKind::If { condition, on_true, on_false } => {
                let verdict = match condition.holds(&|name| scope.get(name)) {
                    Ok(verdict) => self.shared.choose(path, || Value::from(verdict))?,
                    Err(unset) => return Ok(Flow::Failed(unset.to_string())),
                };
                let branch = if verdict == Value::Bool(true) { Some(on_true) } else { on_false.as_ref() };
                self.branch(frame, branch, format!("{path}?"), scope)
            }
            StepKind::While { condition, on_true } => {
                let most = step.policy.most_rounds.unwrap_or(MOST_ROUNDS);
                for round in 0..most {
                    let at = format!("{path}@{round}");
                    let verdict = match condition.holds(&|name| scope.get(name)) {
                        Ok(verdict) => self.shared.choose(&at, || Value::from(verdict))?,
                        Err(unset) => return Ok(Flow::Failed(unset.to_string())),
                    };
                    if verdict != Value::Bool(true) {
                        return Ok(Flow::Done);
                    }
                    match self.branch(frame, Some(on_true), at, scope)? {
                        Flow::Done => {}
                        other => return Ok(other),
                    }
                }
                Ok(Flow::Failed(format!("the loop did not end within {most} rounds")))
            }
            StepKind::Switch { subject, cases } => {
                let value = match scope.resolve(subject).map(|value| value.as_plain()) {
                    Ok(Some(value)) => self.shared.choose(path, || Value::from(value))?,
                    Ok(None) => return Ok(Flow::Failed("a secret decides nothing".to_owned())),
                    Err(reason) => return Ok(Flow::Failed(reason)),
                };
                let value = value.as_str().unwrap_or_default();
                let case = |wanted: &str| cases.iter().find(|(name, _)| name == wanted).map(|(_, step)| step);
                self.branch(frame, case(value).or_else(|| case("default")), format!("{path}?"), scope)
            }
        }
    }

    fn branch(
        &self,
        frame: &Frame<'_>,
        first: Option<&String>,
        path: String,
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        match first {
            Some(first) => self.sequence(&frame.inner(path), first, scope),
            None => Ok(Flow::Done),
        }
    }

    /// Branches side by side, each with variables of its own. What they changed is taken over in the order in which they
    /// stand, so it does not matter which was faster.
    fn parallel(
        &self,
        frame: &Frame<'_>,
        branches: &[String],
        path: &str,
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        let before = scope.clone();
        let mut flows = Vec::new();
        for (chunk_index, chunk) in branches.chunks(SIDE_BY_SIDE).enumerate() {
            let walked = self.side_by_side(frame, chunk, (path, chunk_index * SIDE_BY_SIDE), &before);
            for result in walked {
                let (flow, own) = result?;
                scope.merge(&before, &own);
                flows.push(flow);
            }
        }
        let rank = |flow: &Flow| match flow {
            Flow::Cancelled => 0,
            Flow::Waiting => 1,
            Flow::Failed(_) => 2,
            Flow::Done => 3,
        };
        Ok(flows.into_iter().min_by_key(rank).unwrap_or(Flow::Done))
    }

    /// Walks through branches, each on a thread as long as there are not too many in the whole run.
    fn side_by_side(
        &self,
        frame: &Frame<'_>,
        branches: &[String],
        (path, first): (&str, usize),
        before: &Scope,
    ) -> Vec<Result<(Flow, Scope), RunError>> {
        std::thread::scope(|threads| {
            let mut walks = Vec::new();
            for (index, branch) in branches.iter().enumerate() {
                let inner = frame.inner(format!("{path}|{}", first + index));
                let walk = move || {
                    let mut own = before.clone();
                    Ok((self.sequence(&inner, branch, &mut own)?, own))
                };
                if !self.shared.begin_branch(MOST_LIVE) {
                    walks.push(Walk::Over(walk()));
                    continue;
                }
                let counted = move || {
                    let result = walk();
                    self.shared.end_branch();
                    result
                };
                walks.push(match std::thread::Builder::new().spawn_scoped(threads, counted) {
                    Ok(handle) => Walk::Live(handle),
                    Err(error) => {
                        self.shared.end_branch();
                        Walk::Over(Err(RunError::NoThread(error)))
                    }
                });
            }
            walks.into_iter().map(Walk::result).collect()
        })
    }

    fn action(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        action: &crate::playbook::ActionStep,
        path: &str,
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        let run = self.shared.state(|state| state.opened.run.clone());
        for (index, command) in action.commands.iter().enumerate() {
            let place = if index == 0 { path.to_owned() } else { format!("{path}.{index}") };
            let key = super::unit::key(&run, &place);
            scope.insert("__castellan_step_key__", crate::playbook::VariableType::String, key);
            let job = match super::job::of(frame.playbook, step, action, command, scope) {
                Ok(job) => job,
                Err(reason) => return Ok(Flow::Failed(reason)),
            };
            let turn = match job {
                super::job::Job::Task(instruction) => {
                    people::task(self.shared, &place, &instruction, step.timeout_ms)?
                }
                super::job::Job::Action { name, inputs } => {
                    let Some(found) = self.catalogue.action(&name) else {
                        return Ok(Flow::Failed(format!("there is no action `{name}` here")));
                    };
                    let problems = found.spec().problems(&inputs);
                    let is_new = self.shared.place(&place).first_started.is_none();
                    if let Some(problem) = problems.first().filter(|_| is_new) {
                        return Ok(Flow::Failed(problem.clone()));
                    }
                    let unit = Unit {
                        shared: self.shared,
                        action: found,
                        path: &place,
                        inputs,
                        retry: step.policy.retry,
                        timeout_ms: step.timeout_ms,
                        keep: step.policy.keep,
                        is_cancelled: &|| self.is_cancelled(),
                    };
                    unit.run()?
                }
            };
            let outputs = match turn {
                Turn::Over(Ok(outputs)) => outputs,
                Turn::Over(Err(reason)) => return Ok(Flow::Failed(reason)),
                Turn::Stopped(flow) => return Ok(flow),
            };
            for (name, value) in super::job::assigned(action, &outputs) {
                if let Err(reason) = scope.set_output(&name, &value) {
                    return Ok(Flow::Failed(reason));
                }
            }
        }
        Ok(Flow::Done)
    }
}
