//! What is counted of answers that are kept: `castellan_gate_cache_*`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    result: &'static str,
}

/// The families. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    requests: Family<OfResult, Counter>,
    evictions: Counter,
    entries: Gauge,
    bytes: Gauge,
}

impl Metrics {
    pub(super) fn count(&self, result: &'static str) {
        self.requests.get_or_create(&OfResult { result }).inc();
    }

    pub(super) fn evicted(&self) {
        self.evictions.inc();
    }

    pub(super) fn show(&self, entries: usize, bytes: usize) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Adds the families to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let name = |name: &str| format!("castellan_gate_cache_{name}");
        registry.register(
            name("requests"),
            "Requests by what came of looking for a kept answer",
            self.requests.clone(),
        );
        registry.register(
            name("evictions"),
            "Answers that went because others needed the room",
            self.evictions.clone(),
        );
        registry.register(name("entries"), "Answers that are kept", self.entries.clone());
        registry.register(name("bytes"), "Their bytes", self.bytes.clone());
    }
}
