//! Upstreams: where models are served, and how they are asked.
//!
//! A *pool* serves one alias, the name by which clients ask for a model. Its *members* are servers with a form of
//! address, a model of their own, a weight and a priority. A call chooses a member by priority, then by weight, among
//! those that are well; puts the member's credential in place of the client's; and gives the answer as it arrives. It is
//! tried again only before the client has got anything, only where that has no second effect, and only within the
//! pool's budget of retries.
//!
//! Dropping the future of a call, or the body of an answer, aborts the request at the upstream.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use castellan_gateway::upstream::{Call, Config, Metrics, Upstreams};
//!
//! let config: Config = toml::from_str(r#"models."gpt-5".members = [{ url = "http://127.0.0.1:8901/v1" }]"#)?;
//! let upstreams = Upstreams::new(config, Arc::new(castellan_base::OsSystem), &Metrics::default())?;
//! let call = Call::post("gpt-5", "/v1/chat/completions", r#"{"model":"gpt-5","messages":[]}"#);
//! let answer = upstreams.send(call).await?;
//! assert!(answer.status.is_success());
//! # Ok(())
//! # }
//! ```

mod address;
mod azure;
mod body;
mod budget;
mod client;
mod config;
mod credential;
mod error;
mod headers;
mod health;
mod metrics;
mod pool;
mod probe;
mod rewrite;
mod send;

pub use body::AnswerBody;
pub use config::{
    AzureConfig, BreakerConfig, Config, ConnectionsConfig, Form, MemberConfig, PoolConfig, ProbeConfig,
    RetryConfig, Timeouts, TlsConfig,
};
pub use error::{BodyError, ConfigError, Phase, UpstreamError};
pub use health::Standing;
pub use metrics::Metrics;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use castellan_base::System;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

pub(crate) use client::{HttpClient, client};
pub(crate) use credential::{Credential, Reference, Source};
pub(crate) use headers::forwarded;
use pool::{Member, Pool};
pub(crate) use send::reason;

/// The alias of the pool that serves what no other does.
const ANY: &str = "*";

/// A request for a model.
#[derive(Clone, Debug)]
pub struct Call {
    /// The alias of the model.
    pub alias: String,
    /// The client's path and query, in any form: `/v1/chat/completions`,
    /// `/openai/deployments/NAME/chat/completions?api-version=...`, `/v1/messages`, `/api/chat`.
    pub path: String,
    /// The method.
    pub method: Method,
    /// The client's headers. Those that must not pass are taken out.
    pub headers: HeaderMap,
    /// The body. Where the member has a name of its own for the model, `model` is replaced in JSON.
    pub body: Bytes,
    /// When the whole must be over, if earlier than the configuration says.
    pub deadline: Option<Instant>,
}

impl Call {
    /// A `POST` of JSON, as most calls are.
    #[must_use]
    pub fn post(alias: &str, path: &str, body: impl Into<Bytes>) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Call {
            alias: alias.to_owned(),
            path: path.to_owned(),
            method: Method::POST,
            headers,
            body: body.into(),
            deadline: None,
        }
    }
}

/// The answer of an upstream, its body still on the way.
#[derive(Debug)]
pub struct Answer {
    /// The status. After all retries it may still be a 429 or 5xx of the upstream. 401 and 403 speak about the gate's own
    /// credential, not the client's.
    pub status: StatusCode,
    /// The headers, without those about the connection to the upstream.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
    /// Who answered.
    pub member: Arc<str>,
    /// How many attempts it took.
    pub attempts: u32,
}

/// All pools, with one client. Clones share everything.
#[derive(Clone)]
pub struct Upstreams {
    config: Arc<Config>,
    pools: Arc<HashMap<String, Pool>>,
    http: HttpClient,
    random: Arc<AtomicU64>,
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Upstreams").field("pools", &self.pools).finish_non_exhaustive()
    }
}

impl Upstreams {
    /// Makes the pools. Credentials are read when they are first needed.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn new(config: Config, system: Arc<dyn System>, metrics: &Metrics) -> Result<Upstreams, ConfigError> {
        let mut seed = [0_u8; 8];
        // Without randomness of the system, choices are predictable, which only evens weights out less well.
        let _ = getrandom::fill(&mut seed);
        Upstreams::with_seed(config, system, metrics, u64::from_le_bytes(seed))
    }

    /// The same with chosen randomness, for tests.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn with_seed(
        config: Config,
        system: Arc<dyn System>,
        metrics: &Metrics,
        seed: u64,
    ) -> Result<Upstreams, ConfigError> {
        check(&config)?;
        let http = client::client(&config)?;
        let source = Source { system, http: http.clone(), azure: config.azure.clone() };
        let mut credentials: HashMap<Reference, Arc<Credential>> = HashMap::new();
        let mut pools = HashMap::new();
        for (alias, pool) in &config.models {
            let mut members = Vec::new();
            for (number, member) in pool.members.iter().enumerate() {
                members.push(Member::new(alias, number, member, &config, metrics, |reference| {
                    let make = || Credential::new(reference.clone(), source.clone());
                    Arc::clone(credentials.entry(reference.clone()).or_insert_with(make))
                })?);
            }
            pools.insert(alias.clone(), Pool::new(alias, members, &config, metrics)?);
        }
        Ok(Upstreams {
            config: Arc::new(config),
            pools: Arc::new(pools),
            http,
            random: Arc::new(AtomicU64::new(seed)),
        })
    }

    /// Sends a request and gives the answer when its head has come.
    ///
    /// # Errors
    /// When no member gave an answer. An answer that is an error of the upstream is none here.
    pub async fn send(&self, call: Call) -> Result<Answer, UpstreamError> {
        let Some(pool) = self.pool(&call.alias) else { return Err(UpstreamError::UnknownModel(call.alias)) };
        self.run(pool, call).await
    }

    /// True when some pool serves this alias.
    #[must_use]
    pub fn serves(&self, alias: &str) -> bool {
        self.pool(alias).is_some()
    }

    /// The aliases, without that which serves every other name, in order.
    #[must_use]
    pub fn aliases(&self) -> Vec<&str> {
        let mut aliases: Vec<&str> =
            self.pools.keys().map(String::as_str).filter(|alias| *alias != ANY).collect();
        aliases.sort_unstable();
        aliases
    }

    /// How the members of a pool stand, by name and in order of priority.
    #[must_use]
    pub fn standing(&self, alias: &str) -> Vec<(Arc<str>, Standing)> {
        let now = tokio::time::Instant::now();
        let members = self.pool(alias).map(|pool| pool.members.as_slice()).unwrap_or_default();
        members.iter().map(|member| (Arc::clone(&member.name), member.health.standing(now))).collect()
    }

    /// The host and the port of a member of a pool.
    pub(crate) fn server(&self, alias: &str, member: &str) -> Option<(String, u16)> {
        let mut members = self.pool(alias)?.members.iter();
        members.find(|known| *known.name == *member).map(|known| known.base.server())
    }

    fn pool(&self, alias: &str) -> Option<&Pool> {
        self.pools.get(alias).or_else(|| self.pools.get(ANY))
    }

    /// The next number of a SplitMix64 sequence (Steele, Lea and Flood, 2014).
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut value = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let retry = &config.retry;
    let is_share = |number: f64, most: f64| number.is_finite() && (0.0..=most).contains(&number);
    let rules = [
        ("retry.attempts", (1..=10).contains(&retry.attempts), "from 1 to 10"),
        ("retry.ratio", is_share(retry.ratio, 1.0), "from 0 to 1"),
        ("retry.per_second", is_share(retry.per_second, 1e6), "from 0 to 1000000"),
        ("retry.burst", is_share(retry.burst, 1e6), "from 0 to 1000000"),
        ("breaker.failures", config.breaker.failures > 0, "at least 1"),
        ("breaker.window_ms", config.breaker.window_ms > 0, "at least 1"),
        ("connections.header_bytes", config.connections.header_bytes <= 16 << 20, "at most 16 MiB"),
    ];
    match rules.into_iter().find(|(_, holds, _)| !holds) {
        Some((field, _, expected)) => Err(ConfigError::Number { field, expected }),
        None => Ok(()),
    }
}
