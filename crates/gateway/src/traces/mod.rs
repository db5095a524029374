//! Traces of requests for an OpenTelemetry collector: OTLP over HTTP, with the GenAI conventions. Off unless it is configured.
//!
//! A request is a span; what guardrails did and what the upstream did are spans within it. *Invariant (no content):* spans hold names,
//! numbers and words of the gate's own, never a text of a prompt, of an answer or of a tool, and no credential.
//! *Invariant (bounded):* spans wait in a queue of bounded length. Nobody waits for a collector: what finds no room is dropped and
//! counted.

mod export;
mod send;
mod span;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use castellan_base::System;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_proto::tonic::trace::v1::Span;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::record::Decision;
use crate::upstream::{self, Credential, Reference, Source, client};

pub(crate) use export::Exporter;
pub(crate) use span::Parts;

/// Where traces go: `[gate.traces]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracesConfig {
    /// The collector's address for traces, as a whole: `https://collector.example:4318/v1/traces`.
    pub endpoint: String,
    /// How requests are written: `protobuf` unless it is said.
    #[serde(default)]
    pub encoding: Encoding,
    /// Headers of each request. Never secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that are secrets, by references to their whole values: `env:NAME`, `file:PATH`, `keyvault:URL`. A token of
    /// `managed-identity:AUDIENCE` gets `Bearer` before it.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Whether a collector on another machine may be told without encryption; false.
    #[serde(default)]
    pub insecure: bool,
    /// The share of requests whose trace begins at the gate that are told, 0 to 1; 1. Where a client's `traceparent` says whether its
    /// trace is sampled, that counts.
    #[serde(default = "whole")]
    pub sample: f64,
    /// `service.name`; `castellan-gate`.
    #[serde(default = "service")]
    pub service: String,
    /// Further attributes of the resource: `deployment.environment.name`, ...
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
    /// Most requests whose spans wait; 4,096.
    #[serde(default = "queue")]
    pub queue: usize,
    /// Most spans that are sent at once; 512.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How long spans wait for others, in milliseconds; 5,000.
    #[serde(default = "every")]
    pub every_ms: u64,
    /// How long the collector may take to answer, in milliseconds; 10,000.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
    /// How long spans are sent again that the collector could not take, in milliseconds; 60,000. Then they are dropped and counted.
    #[serde(default = "patience")]
    pub retry_ms: u64,
}

fn whole() -> f64 {
    1.0
}

fn service() -> String {
    "castellan-gate".to_owned()
}

fn queue() -> usize {
    4_096
}

fn batch() -> usize {
    512
}

fn every() -> u64 {
    5_000
}

fn timeout() -> u64 {
    10_000
}

fn patience() -> u64 {
    60_000
}

/// How requests of OTLP are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// `application/x-protobuf`
    #[default]
    Protobuf,
    /// `application/json`
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    result: &'static str,
}

/// What becomes of spans: `castellan_gate_spans`. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    spans: Family<OfResult, Counter>,
}

impl Metrics {
    fn count(&self, result: &'static str, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.spans.get_or_create(&OfResult { result }).inc_by(spans);
    }

    /// Adds the family to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "castellan_gate_spans",
            "Spans by what became of them: sent, dropped for want of room, failed, rejected by the collector",
            self.spans.clone(),
        );
    }
}

/// Takes spans of requests.
pub(crate) struct Traces {
    sample: f64,
    queue: mpsc::Sender<Vec<Span>>,
    /// What sends them, until it is started.
    exporter: Mutex<Option<Exporter>>,
    metrics: Metrics,
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Traces").field("sample", &self.sample).finish_non_exhaustive()
    }
}

impl Traces {
    /// Makes it. Nothing is sent before [`Traces::exporter`] runs.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub(crate) fn new(
        config: TracesConfig,
        upstreams: &upstream::Config,
        system: Arc<dyn System>,
        metrics: Metrics,
    ) -> Result<Traces, String> {
        check(&config)?;
        let http = client(upstreams).map_err(|error| error.to_string())?;
        let source = Source { system, http: http.clone(), azure: upstreams.azure.clone() };
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let value = HeaderValue::from_str(value).map_err(|_| unusable(name, "its value is none"))?;
            headers.insert(header(name)?, value);
        }
        let mut secrets = Vec::new();
        for (name, reference) in &config.secrets {
            let read = Reference::read(reference, None).map_err(|why| unusable(name, why))?;
            if read == Reference::None {
                return Err(unusable(name, "`none` is no secret; leave it out"));
            }
            let is_token = read.is_token();
            secrets.push((header(name)?, Credential::new(read, source.clone()), is_token));
        }
        let (queue, waiting) = mpsc::channel(config.queue);
        let target = send::Target { http, headers, secrets, config: config.clone() };
        let exporter = Exporter::new(target, waiting, metrics.clone());
        Ok(Traces { sample: config.sample, queue, exporter: Mutex::new(Some(exporter)), metrics })
    }

    /// What sends spans; it is given once.
    pub(crate) fn exporter(&self) -> Option<Exporter> {
        self.exporter.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether a trace that begins here is told: by its id, so that all who go by the same rule and share decide alike.
    pub(crate) fn is_sampled(&self, trace: &str) -> bool {
        let random = trace.get(16..).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default();
        // Of 53 bits, which a double holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
        share < self.sample
    }

    /// Takes the spans of a request that is over.
    pub(crate) fn take(&self, parts: &Parts, decision: &Decision) {
        let spans = span::spans(parts, decision);
        let count = spans.len();
        if self.queue.try_send(spans).is_err() {
            self.metrics.count("dropped", count);
        }
    }
}

fn unusable(name: &str, why: &str) -> String {
    format!("`traces` cannot be used: the header `{name}`: {why}")
}

fn header(name: &str) -> Result<HeaderName, String> {
    let read: HeaderName = name.parse().map_err(|_| unusable(name, "it is no name of a header"))?;
    let own = [CONTENT_TYPE, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];
    if own.contains(&read) { Err(unusable(name, "it is written by the gate")) } else { Ok(read) }
}

fn check(config: &TracesConfig) -> Result<(), String> {
    let fault = |why: &str| Err(format!("`traces` cannot be used: {why}"));
    let uri: Uri = match config.endpoint.parse() {
        Ok(uri) => uri,
        Err(_) => return fault("`endpoint` is no address"),
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|at| at.is_loopback());
    match uri.scheme_str() {
        _ if host.is_empty() => return fault("`endpoint` names no host; write https://HOST:4318/v1/traces"),
        Some("https") => {}
        Some("http") if is_local || config.insecure => {}
        Some("http") => {
            return fault(
                "`endpoint` is on another machine and not encrypted; use https, or set `insecure = true`",
            );
        }
        _ => return fault("`endpoint` has to begin with https:// or http://"),
    }
    if !(0.0..=1.0).contains(&config.sample) {
        return fault("`sample` is a share from 0 to 1");
    }
    if config.queue == 0
        || config.queue > 1 << 20
        || config.batch == 0
        || config.every_ms == 0
        || config.timeout_ms == 0
    {
        return fault("`queue` (at most 1048576), `batch`, `every_ms` and `timeout_ms` have to be above 0");
    }
    let shows = |(name, _): (&String, &String)| name.eq_ignore_ascii_case(AUTHORIZATION.as_str());
    if config.headers.iter().any(shows) {
        return fault(
            "`headers.authorization` would be a secret in a configuration; name it in `secrets` by reference",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<String> {
        let config: TracesConfig = match toml::from_str(text) {
            Ok(config) => config,
            Err(error) => return Some(error.to_string()),
        };
        let system: Arc<dyn System> = Arc::new(castellan_base::OsSystem);
        Traces::new(config, &upstream::Config::default(), system, Metrics::default()).err()
    }

    #[test]
    fn configurations_that_cannot_be_used() {
        assert_eq!(fault("endpoint = \"https://c.example/v1/traces\""), None);
        assert_eq!(fault("endpoint = \"http://127.0.0.1:4318/v1/traces\""), None);
        assert_eq!(fault("endpoint = \"http://c.example/v1/traces\"\ninsecure = true"), None);
        assert_eq!(
            fault(
                "endpoint = \"https://c.example/\"\nsecrets = { authorization = \"env:OTLP\" }\nheaders = { x-tenant = \"a\" }"
            ),
            None
        );
        for (text, word) in [
            ("endpoint = \"http://c.example/v1/traces\"", "not encrypted"),
            ("endpoint = \"c.example\"", "https://"),
            ("endpoint = \"https://c/\"\nsample = 2.0", "0 to 1"),
            ("endpoint = \"https://c/\"\nqueue = 0", "`queue`"),
            ("endpoint = \"https://c/\"\nsecrets = { authorization = \"sk-1\" }", "known schemes"),
            ("endpoint = \"https://c/\"\nsecrets = { host = \"env:A\" }", "by the gate"),
            ("endpoint = \"https://c/\"\nheaders = { Authorization = \"Bearer x\" }", "`secrets`"),
            ("endpoint = \"https://c/\"\nencoding = \"xml\"", "xml"),
            ("endpoint = \"https://c/\"\nendpiont = \"x\"", "endpiont"),
        ] {
            let fault = fault(text).unwrap_or_else(|| panic!("{text}"));
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }

    #[test]
    fn a_share_of_traces() {
        let with = |sample: f64| {
            let config = format!("endpoint = \"https://c/\"\nsample = {sample:?}");
            let config: TracesConfig = toml::from_str(&config).unwrap();
            let system: Arc<dyn System> = Arc::new(castellan_base::OsSystem);
            Traces::new(config, &upstream::Config::default(), system, Metrics::default()).unwrap()
        };
        let ids = || {
            (0..1_000_u32)
                .map(|number| blake3::hash(&number.to_le_bytes()).to_hex().as_str()[..32].to_owned())
        };
        let count = |sample: f64| {
            let traces = with(sample);
            ids().filter(|id| traces.is_sampled(id)).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 1_000));
        assert!((150..350).contains(&count(0.25)));
    }
}
