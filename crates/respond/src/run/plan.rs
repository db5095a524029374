//! A dry run: what a playbook would do, without doing it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use castellan_base::System;
use serde::Serialize;
use serde_json::Value;

use super::job::{self, Job};
use super::runner::given;
use super::scope::Scope;
use super::unit::guarded;
use super::{OWN, RunError};
use crate::actions::{Call, Catalogue};
use crate::library::Library;
use crate::playbook::{Approval, Command, Playbook, Resolved, Step, StepKind, list_of};

/// What a playbook would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The playbook's id.
    pub playbook: String,
    /// Its name.
    pub name: String,
    /// The steps that do something, in order; of branches that cannot be decided now, all.
    pub steps: Vec<PlannedStep>,
    /// Why it would not run through.
    pub problems: Vec<String>,
}

/// A step that would do something.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlannedStep {
    /// The step's id.
    pub step: String,
    /// Its name.
    pub name: String,
    /// The action, or `manual`.
    pub action: String,
    /// Under which conditions; empty when it runs in any case.
    pub when: Vec<String>,
    /// On what it acts.
    pub target: String,
    /// What would be different, or what a person is asked to do.
    pub change: String,
    /// What is there now, where that was looked at.
    pub now: Option<Value>,
    /// How it is taken back.
    pub undo: String,
    /// How it is known that it worked.
    pub probe: String,
    /// What it is given; secrets are references, values that are not known yet are in braces.
    pub inputs: BTreeMap<String, String>,
    /// Who has to approve.
    pub approval: Option<String>,
    /// How often it is tried.
    pub attempts: u32,
}

/// Plans a run with values for variables. With `look`, what is there now is read; nothing is changed either way.
///
/// Errors: [`RunError::Variable`] when a value is missing or not of its type, [`RunError::NoPlaybook`].
pub fn plan(
    library: &Library,
    catalogue: &Catalogue,
    system: &dyn System,
    id: &str,
    variables: &BTreeMap<String, String>,
    look: bool,
) -> Result<Plan, RunError> {
    let entry = library.get(id).ok_or_else(|| RunError::NoPlaybook(id.to_owned()))?;
    let playbook = &entry.playbook;
    given(playbook, variables)?;
    let own =
        [(OWN[0], "run--dry".to_owned()), (OWN[1], system.now().to_string()), (OWN[2], "dry".to_owned())];
    let mut scope = Scope::of(playbook, &own);
    for (name, value) in variables {
        let set = scope.set(name, value);
        set.map_err(|reason| RunError::Variable { name: name.clone(), reason })?;
    }
    let plan = Plan {
        playbook: id.to_owned(),
        name: playbook.name.clone(),
        steps: Vec::new(),
        problems: Vec::new(),
    };
    let mut planner =
        Planner { library, catalogue, system, look, plan, when: Vec::new(), depth: 0, walked: 0 };
    planner.sequence(playbook, &playbook.start, &mut scope);
    if let Some(exception) = &playbook.exception {
        planner.under("when a step fails and nothing handles it", |planner| {
            planner.sequence(playbook, exception, &mut scope);
        });
    }
    Ok(planner.plan)
}

/// How deep a plan follows branches and playbooks.
const DEEPEST: usize = 24;
/// The most steps of a plan.
const MOST: usize = 2_000;
/// The most steps that are walked through, over all branches: branches may meet again, and again.
const MOST_WALKED: usize = 20_000;
/// Items of a list that are planned one by one.
const MOST_ITEMS: usize = 100;

struct Planner<'p> {
    library: &'p Library,
    catalogue: &'p Catalogue,
    system: &'p dyn System,
    look: bool,
    plan: Plan,
    when: Vec<String>,
    depth: usize,
    walked: usize,
}

impl Planner<'_> {
    fn under(&mut self, when: impl Into<String>, plan: impl FnOnce(&mut Self)) {
        self.when.push(when.into());
        plan(self);
        self.when.pop();
    }

    fn problem(&mut self, text: String) {
        if !self.plan.problems.contains(&text) {
            self.plan.problems.push(text);
        }
    }

    fn sequence(&mut self, playbook: &Playbook, first: &str, scope: &mut Scope) {
        if !self.has_room() {
            return;
        }
        self.depth += 1;
        let mut seen = BTreeSet::new();
        let mut next = Some(first.to_owned());
        while let Some(step) = next.take().and_then(|id| playbook.step(&id)) {
            if !seen.insert(step.id.clone()) {
                self.problem(format!("the steps go in a circle at `{}`", step.id));
                break;
            }
            self.step(playbook, step, scope);
            if !self.has_room() {
                break;
            }
            if let Some(handler) = &step.on_failure
                && step.on_success.as_ref() != Some(handler)
            {
                let mut failed = scope.clone();
                self.under(format!("when `{}` fails", label(step)), |planner| {
                    planner.sequence(playbook, handler, &mut failed);
                });
            }
            next = step.on_success.clone().or_else(|| step.on_completion.clone());
        }
        self.depth -= 1;
    }

    /// False, with a problem, when the plan is not followed any further.
    fn has_room(&mut self) -> bool {
        let has = self.depth < DEEPEST && self.plan.steps.len() < MOST && self.walked < MOST_WALKED;
        if !has {
            self.problem("the plan is too deep or too long to be shown whole".to_owned());
        }
        has
    }

    fn step(&mut self, playbook: &Playbook, step: &Step, scope: &mut Scope) {
        // Actions show their approval themselves.
        let asked = step.approval.as_ref().filter(|_| !matches!(step.kind, StepKind::Action(_)));
        self.when.extend(asked.map(|approval| format!("when {} approved", asks(approval))));
        let hidden = scope.overlay(&step.variables);
        match &step.for_each {
            Some(each) => {
                let items = scope.sketch(&each.list).0.as_plain().and_then(|text| list_of(&text));
                match items {
                    Some(items) => {
                        for item in items.into_iter().take(MOST_ITEMS) {
                            scope.insert(&each.variable, crate::playbook::VariableType::String, item);
                            self.once(playbook, step, scope);
                        }
                    }
                    None => {
                        let unknown = format!("{{{}}}", each.variable);
                        scope.insert(&each.variable, crate::playbook::VariableType::String, unknown);
                        let each =
                            format!("for each item of a list that is not known yet (at most {})", each.most);
                        self.under(each, |planner| planner.once(playbook, step, scope));
                    }
                }
            }
            None => self.once(playbook, step, scope),
        }
        scope.restore(hidden);
        if asked.is_some() {
            self.when.pop();
        }
    }

    fn once(&mut self, playbook: &Playbook, step: &Step, scope: &mut Scope) {
        self.walked += 1;
        match &step.kind {
            StepKind::Start | StepKind::End => {}
            StepKind::Action(action) => {
                for command in &action.commands {
                    self.command(playbook, step, action, command, scope);
                }
                let outputs = action.call.iter().flat_map(|call| call.outputs.values().cloned());
                let plain = action.out_args.iter().map(|argument| crate::playbook::bare(argument));
                outputs.chain(plain).for_each(|name| scope.forget(&name));
            }
            StepKind::Playbook { id, in_args, out_args, .. } => {
                self.called(id, in_args, scope);
                out_args.iter().for_each(|name| scope.forget(&crate::playbook::bare(name)));
            }
            StepKind::Parallel(branches) => {
                for branch in branches {
                    self.sequence(playbook, branch, scope);
                }
            }
            StepKind::If { condition, on_true, on_false } => match condition.holds(&|name| scope.get(name)) {
                Ok(true) => self.sequence(playbook, on_true, scope),
                Ok(false) => {
                    if let Some(on_false) = on_false {
                        self.sequence(playbook, on_false, scope);
                    }
                }
                Err(_) => {
                    let name = label(step).to_owned();
                    self.under(format!("if `{name}` holds"), |planner| {
                        planner.sequence(playbook, on_true, &mut scope.clone());
                    });
                    if let Some(on_false) = on_false {
                        self.under(format!("if `{name}` does not hold"), |planner| {
                            planner.sequence(playbook, on_false, &mut scope.clone());
                        });
                    }
                }
            },
            StepKind::While { condition, on_true } => {
                if condition.holds(&|name| scope.get(name)) != Ok(false) {
                    self.under(format!("as long as `{}` holds", label(step)), |planner| {
                        planner.sequence(playbook, on_true, &mut scope.clone());
                    });
                }
            }
            StepKind::Switch { subject, cases } => self.switch(playbook, subject, cases, scope),
        }
    }

    fn switch(
        &mut self,
        playbook: &Playbook,
        subject: &crate::playbook::Text,
        cases: &[(String, String)],
        scope: &mut Scope,
    ) {
        let (value, is_open) = scope.sketch(subject);
        let value = value.to_string();
        if !is_open {
            let case = |wanted: &str| cases.iter().find(|(name, _)| name == wanted);
            if let Some((_, first)) = case(&value).or_else(|| case("default")) {
                self.sequence(playbook, first, scope);
            }
            return;
        }
        for (name, first) in cases {
            self.under(format!("if {value} is `{name}`"), |planner| {
                planner.sequence(playbook, first, &mut scope.clone());
            });
        }
    }

    fn called(&mut self, id: &str, in_args: &[String], scope: &Scope) {
        let Some(entry) = self.library.get(id) else {
            self.problem(format!("the playbook `{id}` is not there"));
            return;
        };
        let playbook = &entry.playbook;
        let own = OWN.map(|name| (name, scope.get(name).and_then(|own| own.value).unwrap_or_default()));
        let mut inner = Scope::of(playbook, &own);
        for name in in_args.iter().map(|argument| crate::playbook::bare(argument)) {
            match scope.get(&name).and_then(|variable| variable.value) {
                Some(value) => {
                    if let Err(reason) = inner.set(&name, &value) {
                        self.problem(format!("`{}`: {reason}", playbook.name));
                    }
                }
                None => inner.forget(&name),
            }
        }
        self.sequence(playbook, &playbook.start, &mut inner);
    }

    fn command(
        &mut self,
        playbook: &Playbook,
        step: &Step,
        action: &crate::playbook::ActionStep,
        command: &Command,
        scope: &Scope,
    ) {
        let is_open = std::cell::Cell::new(false);
        let resolve = |text: &crate::playbook::Text| {
            let (resolved, open) = scope.sketch(text);
            is_open.set(is_open.get() || open);
            Ok(resolved)
        };
        let job = match job::build(playbook, step, action, command, &resolve) {
            Ok(job) => job,
            Err(reason) => return self.problem(format!("`{}`: {reason}", label(step))),
        };
        let mut planned = PlannedStep {
            step: step.id.clone(),
            name: step.name.clone(),
            when: self.when.clone(),
            attempts: step.policy.retry.attempts,
            approval: step.approval.as_ref().map(asks),
            ..PlannedStep::default()
        };
        match job {
            Job::Task(instruction) => {
                "manual".clone_into(&mut planned.action);
                planned.change = instruction;
                "a person takes it back".clone_into(&mut planned.undo);
                "a person says that it is done".clone_into(&mut planned.probe);
            }
            Job::Action { name, inputs } => self.describe(&name, &inputs, is_open.get(), &mut planned),
        }
        self.plan.steps.push(planned);
    }

    fn describe(
        &mut self,
        name: &str,
        inputs: &BTreeMap<String, Resolved>,
        is_open: bool,
        planned: &mut PlannedStep,
    ) {
        name.clone_into(&mut planned.action);
        planned.inputs = inputs.iter().map(|(name, input)| (name.clone(), input.to_string())).collect();
        let Some(action) = self.catalogue.action(name) else {
            return self.problem(format!("there is no action `{name}` here: the configuration names what is reached (`--config FILE`, docs/respond.md)"));
        };
        let spec = action.spec();
        for problem in spec.problems(inputs) {
            self.problem(format!("`{}`: {problem}", planned.name));
        }
        let call =
            Call { path: "plan", key: "dry", inputs, timeout: Duration::from_secs(30), system: self.system };
        planned.target = action.target(&call);
        planned.change = action.change(&call);
        planned.undo = spec.undo.to_string();
        spec.probe.clone_into(&mut planned.probe);
        if self.look && !is_open {
            match guarded(|| action.prepare(&call)) {
                Ok(now) => planned.now = Some(now),
                Err(error) => self.problem(format!("`{}`: {}", planned.name, error.message)),
            }
        }
    }
}

/// Who has to approve.
fn asks(approval: &Approval) -> String {
    format!("{} of {}", approval.required, approval.approvers.join(", "))
}

fn label(step: &Step) -> &str {
    if step.name.is_empty() { &step.id } else { &step.name }
}
