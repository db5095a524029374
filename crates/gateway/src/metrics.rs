//! What the gate counts, in Prometheus' text form (OpenMetrics).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::held::Room;
use crate::record::Decision;
use crate::{cache, traces, upstream};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    api: &'static str,
    model: String,
    stage: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFinding {
    rule: String,
    point: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTokens {
    model: String,
    kind: &'static str,
}

/// The families. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Those of upstreams.
    pub upstreams: upstream::Metrics,
    /// Those of answers that are kept.
    pub cache: cache::Metrics,
    /// Those of traces.
    pub traces: traces::Metrics,
    requests: Family<OfRequest, Counter>,
    findings: Family<OfFinding, Counter>,
    unscanned: Family<OfFinding, Counter>,
    tokens: Family<OfTokens, Counter>,
    guard_seconds: Histogram,
    failures: Counter,
    lost: Counter,
    /// Where bodies are held.
    room: Room,
    /// Connections that are open.
    pub connections: Gauge,
}

impl Metrics {
    pub(crate) fn new(room: Room) -> Metrics {
        Metrics {
            upstreams: upstream::Metrics::default(),
            cache: cache::Metrics::default(),
            traces: traces::Metrics::default(),
            requests: Family::default(),
            findings: Family::default(),
            unscanned: Family::default(),
            tokens: Family::default(),
            guard_seconds: Histogram::new(exponential_buckets(0.000_025, 2.0, 18)),
            failures: Counter::default(),
            lost: Counter::default(),
            room,
            connections: Gauge::default(),
        }
    }

    /// Counts a request that is over.
    pub(crate) fn count(&self, decision: &Decision) {
        let labels = OfRequest {
            api: decision.api,
            model: decision.model.clone(),
            stage: decision.stage.as_str(),
            action: decision.action.as_str(),
        };
        self.requests.get_or_create(&labels).inc();
        for hit in &decision.hits {
            let labels = OfFinding {
                rule: hit.rule.to_string(),
                point: hit.point.as_str(),
                action: hit.action.as_str(),
            };
            self.findings.get_or_create(&labels).inc();
            if hit.failed {
                self.failures.inc();
            }
        }
        for left in &decision.unscanned {
            let labels = OfFinding {
                rule: left.matter.as_str().to_owned(),
                point: left.point.as_str(),
                action: "unscanned",
            };
            self.unscanned.get_or_create(&labels).inc();
        }
        if let Some(usage) = decision.usage {
            for (kind, count) in [("input", usage.input), ("output", usage.output), ("cached", usage.cached)]
            {
                self.tokens.get_or_create(&OfTokens { model: decision.model.clone(), kind }).inc_by(count);
            }
        }
        self.guard_seconds.observe(decision.guard_ms / 1_000.0);
    }

    /// Counts a request that could not be recorded.
    pub(crate) fn count_lost(&self) {
        self.lost.inc();
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut registry = Registry::default();
        let name = |name: &str| format!("castellan_gate_{name}");
        registry.register(name("requests"), "Requests by how far they came", self.requests.clone());
        registry.register(name("findings"), "What guardrails found", self.findings.clone());
        registry.register(name("unscanned"), "What could not be looked into", self.unscanned.clone());
        registry.register(name("tokens"), "Tokens that upstreams say were used", self.tokens.clone());
        registry.register(name("guard_failures"), "Checks that could not run", self.failures.clone());
        registry.register(name("unrecorded"), "Requests that could not be recorded", self.lost.clone());
        registry.register(name("connections"), "Open connections of clients", self.connections.clone());
        registry.register_with_unit(
            name("guard"),
            "Time of guardrails in a request",
            Unit::Seconds,
            self.guard_seconds.clone(),
        );
        let (held, refused) = self.room.shown();
        registry.register(name("held_bytes"), "Bytes of bodies that are held", held);
        registry.register(name("held_refused"), "Bodies that found no room in time", refused);
        self.upstreams.register(&mut registry);
        self.cache.register(&mut registry);
        self.traces.register(&mut registry);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }
}
