//! Just-in-time grants: a model, a tool or a label of data for a while, asked for, approved by others, and then over.
//!
//! A grant is its events: asked, approved, denied, withdrawn, revoked. Whether it is active follows from them and from the
//! time, so nothing has to happen for it to end. [`GrantStore`] keeps the events in one file, which is the audit trail.
//!
//! *Invariant (not oneself):* nobody approves what they asked for, nobody counts twice, and only a person does, without an
//! agent in between. *Invariant (an end):* every grant has one.

mod event;
mod state;
mod store;

pub use event::{Ask, Event, EventKind, Subject};
pub use state::{Grant, Stage};
pub use store::{GrantError, GrantRules, GrantStore, Held};
