//! Whole playbooks: the one that runs, and those that it calls.

use super::scope::Scope;
use super::walker::{Frame, Walker};
use super::{Flow, RunError};

impl Walker<'_> {
    pub(super) fn playbook(
        &self,
        frame: &Frame<'_>,
        path: &str,
        (id, version): (&str, Option<&str>),
        (in_args, out_args): (&[String], &[String]),
        scope: &mut Scope,
    ) -> Result<Flow, RunError> {
        let Some(playbook) = self.playbooks.get(id) else {
            return Ok(Flow::Failed(format!("the playbook `{id}` was not there when the run started")));
        };
        if version.is_some_and(|version| version != playbook.modified) {
            return Ok(Flow::Failed(format!(
                "the playbook `{id}` is of another version than the step wants"
            )));
        }
        let mut inner_scope = Scope::of(playbook, &[]);
        for name in in_args.iter().map(|argument| crate::playbook::bare(argument)) {
            let Some(value) = scope.get(&name).and_then(|variable| variable.value) else {
                return Ok(Flow::Failed(format!("`{name}` goes into `{}` and has no value", playbook.name)));
            };
            if let Err(reason) = inner_scope.set(&name, &value) {
                return Ok(Flow::Failed(format!("`{}`: {reason}", playbook.name)));
            }
        }
        for name in super::OWN {
            if let Some(variable) = scope.get(name) {
                inner_scope.insert(name, variable.kind, variable.value.unwrap_or_default());
            }
        }
        let inner = Frame { playbook, path: format!("{path}>"), depth: frame.depth + 1 };
        let flow = self.whole(&inner, &mut inner_scope)?;
        // What a playbook has half done is no result.
        if flow != Flow::Done {
            return Ok(flow);
        }
        for name in out_args.iter().map(|argument| crate::playbook::bare(argument)) {
            if let Some(value) = inner_scope.get(&name).and_then(|variable| variable.value)
                && let Err(reason) = scope.set(&name, &value)
            {
                return Ok(Flow::Failed(reason));
            }
        }
        Ok(flow)
    }

    /// A whole playbook, with its exception step for what is handled nowhere else.
    pub(crate) fn whole(&self, frame: &Frame<'_>, scope: &mut Scope) -> Result<Flow, RunError> {
        let flow = self.sequence(frame, &frame.playbook.start, scope)?;
        let (Flow::Failed(reason), Some(exception)) = (&flow, &frame.playbook.exception) else {
            return Ok(flow);
        };
        self.shared.note_failure(&frame.path, reason);
        match self.sequence(&frame.inner(format!("{}!", frame.path)), exception, scope)? {
            // The exception was dealt with; the playbook failed nevertheless.
            Flow::Done => Ok(flow),
            other => Ok(other),
        }
    }
}
