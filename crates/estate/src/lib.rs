//! Collects resources from files and live subscriptions and relates them.

use std::sync::Arc;

use castellan_base::ResourceId;

pub mod live;

/// A statement about the children (or extension resources) of a type under one parent: that all of them were listed, so
/// that one which was not read does not exist, or that listing them failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The parent: a resource, a resource group or a subscription.
    pub parent: ResourceId,
    /// The full type of the children. `*` under a subscription: every top-level type.
    pub resource_type: Arc<str>,
    /// True when what was not found does not exist.
    pub complete: bool,
    /// Why the list is not complete. Empty when it is.
    pub reason: String,
}

/// Told how a long piece of work gets on.
pub trait Progress: Sync {
    /// `done` of `total` steps are finished (`None`: nobody knows how many there are); `what` names the current one.
    fn step(&self, done: usize, total: Option<usize>, what: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _done: usize, _total: Option<usize>, _what: &str) {}
}
