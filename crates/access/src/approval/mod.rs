//! Approvals of single requests: this request, by this principal, once.
//!
//! What is approved is known by a digest of all that matters: who asks what of whom, with which body. A body that differs
//! in one character is another request. [`ApprovalStore`] keeps them in one file, with who decided, when and why.
//!
//! *Invariant (once):* an approval is used up, durably, before its request goes on; no two requests use the same one, whichever
//! processes they are in. *Invariant (not oneself):* nobody approves what they asked for, nobody counts twice, and only a
//! person does, without an agent in between. *Invariant (an end):* every one has one.

mod state;
mod store;

pub use state::{Approval, Said, Stage};
pub use store::{ApprovalError, ApprovalRules, ApprovalStore, Asking};
