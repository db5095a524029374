//! The two scores: the classic secure score, and a risk score of our own.
//!
//! Both are computed from [`Observation`]s, one for each check that speaks about a resource. A derived resource counts
//! as the resource that it was derived from, so that an account and its exposure are one resource and not two.

mod risk;
mod secure;

pub use risk::{ResourceFactors, RiskGains, RiskScore, risk_score};
pub use secure::{ControlScore, SecureScore, SubscriptionScore, secure_score};

/// What one check says of one resource, as far as the scores care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// Index of the check.
    pub check: usize,
    /// Index of the resource.
    pub resource: usize,
    /// How it came out.
    pub state: State,
}

/// How a check came out. Exempt and not applicable results give no observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it must be.
    Healthy,
    /// Not as it must be.
    Unhealthy,
    /// Cannot be told.
    Unknown,
}
