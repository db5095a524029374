//! Metrics of upstreams: `castellan_gate_upstream_*`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfMember {
    alias: String,
    member: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfOutcome {
    alias: String,
    member: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfPool {
    alias: String,
}

/// The families. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    attempts: Family<OfOutcome, Counter>,
    in_flight: Family<OfMember, Gauge>,
    head_seconds: Family<OfMember, Histogram, fn() -> Histogram>,
    retries: Family<OfPool, Counter>,
    refused_retries: Family<OfPool, Counter>,
    standing: Family<OfMember, Gauge>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            attempts: Family::default(),
            in_flight: Family::default(),
            head_seconds: Family::new_with_constructor(head_buckets as fn() -> Histogram),
            retries: Family::default(),
            refused_retries: Family::default(),
            standing: Family::default(),
        }
    }
}

/// From 1 ms to 131 s.
fn head_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 18))
}

/// How attempts end.
pub(super) const OUTCOMES: [&str; 9] = [
    "success",
    "client_error",
    "rate_limited",
    "server_error",
    "connect",
    "broken",
    "timeout",
    "credential",
    "redirect",
];

/// What one member counts in.
#[derive(Clone, Debug)]
pub(super) struct MemberMetrics {
    outcomes: Vec<(&'static str, Counter)>,
    pub(super) in_flight: Gauge,
    pub(super) head_seconds: Histogram,
    pub(super) standing: Gauge,
}

impl MemberMetrics {
    pub(super) fn count(&self, outcome: &str) {
        if let Some((_, counter)) = self.outcomes.iter().find(|(name, _)| *name == outcome) {
            counter.inc();
        }
    }
}

/// What one pool counts in.
#[derive(Clone, Debug)]
pub(super) struct PoolMetrics {
    pub(super) retries: Counter,
    pub(super) refused_retries: Counter,
}

impl Metrics {
    /// Adds the families to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let name = |name: &str| format!("castellan_gate_upstream_{name}");
        registry.register(name("attempts"), "Attempts by how they ended", self.attempts.clone());
        registry.register(name("in_flight"), "Requests under way, bodies included", self.in_flight.clone());
        registry.register_with_unit(
            name("head"),
            "Time from the request to the head of the answer",
            Unit::Seconds,
            self.head_seconds.clone(),
        );
        registry.register(name("retries"), "Attempts after the first", self.retries.clone());
        registry.register(
            name("retries_refused"),
            "Retries that the budget did not allow",
            self.refused_retries.clone(),
        );
        registry.register(
            name("standing"),
            "0 asked, 1 open, 2 half open, 3 resting, 4 down; as of the last attempt or probe",
            self.standing.clone(),
        );
    }

    pub(super) fn of_member(&self, alias: &str, member: &str) -> MemberMetrics {
        let labels = OfMember { alias: alias.to_owned(), member: member.to_owned() };
        let outcome = |outcome| OfOutcome { alias: alias.to_owned(), member: member.to_owned(), outcome };
        MemberMetrics {
            outcomes: OUTCOMES
                .into_iter()
                .map(|name| (name, self.attempts.get_or_create_owned(&outcome(name))))
                .collect(),
            in_flight: self.in_flight.get_or_create_owned(&labels),
            head_seconds: self.head_seconds.get_or_create_owned(&labels),
            standing: self.standing.get_or_create_owned(&labels),
        }
    }

    pub(super) fn of_pool(&self, alias: &str) -> PoolMetrics {
        let labels = OfPool { alias: alias.to_owned() };
        PoolMetrics {
            retries: self.retries.get_or_create_owned(&labels),
            refused_retries: self.refused_retries.get_or_create_owned(&labels),
        }
    }
}
