//! Runs: a playbook carried out durably.
//!
//! Whatever happens in a run is a line of its journal, on disk before anything follows from it. A run is resumed by
//! walking through its playbook again: what the journal knows is taken from there, and the walk goes on where it ends.
//! Nothing is kept in memory between two resumptions, so it does not matter whether the process went on, waited for days
//! or was killed.
//!
//! *Invariant (each step at most once):* before an action there is a line that it starts, after it a line that it is done.
//! Where the second is missing, the action's probe is asked; where that cannot tell, a person is.
//!
//! *Invariant (the same walk):* what decides the way - conditions, lists, waits - is written down when it is first decided.

mod called;
mod event;
mod folder;
mod job;
mod journal;
mod people;
mod plan;
mod report;
mod runner;
mod scope;
mod shared;
mod state;
mod undo;
mod unit;
mod wait;
mod walker;

pub use event::{Event, Opened, Outcome, Record};
pub(crate) use event::{optional_time, time};
pub use folder::Folder;
pub use journal::{Journal, JournalError, Loaded, Storage, load};
pub use plan::{Plan, PlannedStep, plan};
pub use report::{Report, Status, StepReport};
pub use runner::{Answerer, Runner, Start};
pub use state::{Asked, Attempt, Ended, Place, State, Task};
pub use wait::Wait;

pub(crate) use job::basic;

/// Variables that every run has.
pub(crate) const OWN: [&str; 3] = ["__castellan_run__", "__castellan_started__", "__castellan_step_key__"];

/// How a step or a sequence stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Done,
    Failed(String),
    Waiting,
    Cancelled,
}

/// A run cannot be started or resumed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such playbook.
    #[error("there is no playbook `{0}`; list the playbooks to see their ids")]
    NoPlaybook(String),
    /// The playbook may not run.
    #[error("the playbook `{name}` may not run: {reason}")]
    Refused {
        /// The playbook.
        name: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A variable is missing or wrong.
    #[error("the variable `{name}`: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The journal has a playbook that cannot be read.
    #[error("the journal of `{0}` does not begin as a run does; restore it from a backup")]
    NotARun(String),
    /// Nobody waits for this answer.
    #[error("`{path}` of the run does not wait for that: {reason}")]
    NotAsked {
        /// The place in the run.
        path: String,
        /// What it waits for, or that it does not.
        reason: String,
    },
    /// A branch broke off.
    #[error("a branch of the run broke off; resume the run, and please report it")]
    BrokeOff,
    /// The system gives no thread for a branch.
    #[error("the system gives no thread for a branch: {0}; resume the run when it is less busy")]
    NoThread(std::io::Error),
    /// The system gives no randomness.
    #[error("the system gives no randomness for the run's id; give the start a key")]
    NoRandomness,
}
