//! Why a request is not admitted.

use std::time::Duration;

use http::StatusCode;

use super::config::{Kind, Unit};
use super::window::Window;

/// A request that a rule does not admit.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the limit `{rule}` of {limit} {} a {} {reason}", unit.as_str(), window.as_str())]
pub struct Refusal {
    /// The rule.
    pub rule: String,
    /// What it counts.
    pub unit: Unit,
    /// Within which time.
    pub window: Window,
    /// Its limit, in units or US dollars.
    pub limit: f64,
    /// Why.
    pub reason: Reason,
    /// Rate or quota.
    pub kind: Kind,
    /// When it is worth trying again, where it ever is.
    pub retry_after: Option<Duration>,
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What is left is less than was asked.
    Exhausted,
    /// Too much at once.
    Burst,
    /// What was asked is more than the limit.
    TooLarge,
    /// The model has no price.
    UnknownPrice,
    /// There are as many counters as memory is meant for.
    TooManyCounters,
    /// The counter cannot be written to its file.
    NotDurable,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Reason::Exhausted => "is used up; try again when the window ends, or ask for a higher limit",
            Reason::Burst => "allows less at once; try again a little later",
            Reason::TooLarge => "is less than this one request needs; ask for less, or for a higher limit",
            Reason::UnknownPrice => {
                "cannot be kept, because the model has no price; add one, or set `unknown_price = \"ignore\"`"
            }
            Reason::TooManyCounters => "has no room for another counter; raise `counters`",
            Reason::NotDurable => "cannot be kept, because its file cannot be written; look at the disk",
        })
    }
}

impl Refusal {
    /// The status that tells a client: 429 for rates, 403 for quotas and for what never fits, 503 for what is the gate's own
    /// fault.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match (self.reason, self.kind) {
            (Reason::TooManyCounters | Reason::NotDurable, _) => StatusCode::SERVICE_UNAVAILABLE,
            (Reason::UnknownPrice, _) | (Reason::Exhausted | Reason::TooLarge, Kind::Quota) => {
                StatusCode::FORBIDDEN
            }
            _ => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}
