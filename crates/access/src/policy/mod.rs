//! May they: Cedar policies over who asks, for what and in which circumstances.
//!
//! What policies can speak of stands in `content/gate/schema.cedarschema`; every policy is checked against it, strictly,
//! before it counts. [`Policies`] holds them compiled, takes new versions while it runs and keeps to the last good one,
//! and [`Policies::decide`] answers with the policies that decided and with what they oblige the gate to do.
//!
//! Cedar denies by default, and one `forbid` that applies outweighs all `permit`s. A policy that fails while it is
//! evaluated (an integer that overflows, a tag that is not there) is left out by Cedar. For a `permit` that is safe; for a
//! `forbid` it would open the gate.
//!
//! *Invariant (fail closed):* a `forbid` that cannot be evaluated denies, and so does a request that cannot be put into
//! Cedar's terms. *Invariant (most restrictive wins):* obligations of all policies that permit add up.

mod arguments;
mod ask;
mod decide;
mod explain;
mod load;
mod memory;
mod party;

pub use arguments::ArgumentsError;
pub use ask::{Action, Asked, Circumstances, Resource};
pub use decide::{Decided, Decision, Effect, Obligations};
pub use explain::{Explained, Outcome};
pub use load::{Listed, Policies, Problem, Problems, Reload, Source, Status};
pub use party::Party;

/// The schema, as it is in the repository.
pub const SCHEMA: &str = include_str!("../../../../content/gate/schema.cedarschema");

/// The policies that hold where no folder is configured.
pub const DEFAULT: &str = include_str!("../../../../content/gate/policies/default.cedar");

/// What holds in addition where a trial lets clients in without a credential: `content/gate/policies/trial.cedar`.
pub const TRIAL: &str = include_str!("../../../../content/gate/policies/trial.cedar");
