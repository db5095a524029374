//! What a run waits for.

use castellan_base::Ticks;
use serde::Serialize;

/// One thing that a run waits for. Resume it when the time has come, or when the person has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Wait {
    /// A time.
    Time {
        /// The place in the run.
        path: String,
        /// When.
        until: Ticks,
        /// What for.
        reason: String,
    },
    /// Approval.
    Approval {
        /// The place in the run.
        path: String,
        /// Who may.
        approvers: Vec<String>,
        /// How many more have to.
        missing: usize,
        /// What they are asked.
        question: String,
        /// Until when; then it is escalated or refused.
        until: Ticks,
    },
    /// Something that a person does.
    Task {
        /// The place in the run.
        path: String,
        /// What.
        instruction: String,
        /// Until when, if there is a limit.
        until: Option<Ticks>,
    },
    /// A person has to look whether an action took effect.
    Look {
        /// The place in the run.
        path: String,
        /// Why nobody can tell.
        reason: String,
    },
}

impl Wait {
    /// The place in the run.
    pub fn path(&self) -> &str {
        match self {
            Wait::Time { path, .. }
            | Wait::Approval { path, .. }
            | Wait::Task { path, .. }
            | Wait::Look { path, .. } => path,
        }
    }

    /// When the run should be resumed though nobody answered.
    pub fn until(&self) -> Option<Ticks> {
        match self {
            Wait::Time { until, .. } | Wait::Approval { until, .. } => Some(*until),
            Wait::Task { until, .. } => *until,
            Wait::Look { .. } => None,
        }
    }
}
