//! What the configuration says about upstreams.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Upstreams: which models there are, and where they are served.
///
/// ```
/// let config: castellan_gateway::upstream::Config = toml::from_str(r#"
///     [models."gpt-5"]
///     members = [
///         { form = "azure", url = "https://one.openai.azure.com", model = "gpt5", credential = "managed-identity" },
///         { form = "openai", url = "https://api.openai.com/v1", model = "gpt-5", credential = "env:KEY", priority = 1 },
///     ]
/// "#).unwrap();
/// assert_eq!(config.models["gpt-5"].members.len(), 2);
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Pools by the alias that clients name as model. The alias `*` serves every other name, which is sent on unchanged
    /// where its members name no model of their own.
    pub models: BTreeMap<String, PoolConfig>,
    /// How long each phase may take.
    pub timeouts: Timeouts,
    /// When a request is tried again.
    pub retry: RetryConfig,
    /// When a member is left alone.
    pub breaker: BreakerConfig,
    /// Asks members on their own whether they live. Off when not given.
    pub probe: Option<ProbeConfig>,
    /// Encryption towards upstreams.
    pub tls: TlsConfig,
    /// Connections towards upstreams.
    pub connections: ConnectionsConfig,
    /// Where Azure's identity and secret services are.
    pub azure: AzureConfig,
}

/// The members that serve one alias.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// Who serves it.
    pub members: Vec<MemberConfig>,
}

/// One server of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberConfig {
    /// A name for logs and metrics; `ALIAS/NUMBER` when not given.
    #[serde(default)]
    pub name: Option<String>,
    /// How its addresses are formed and how it is authenticated to.
    #[serde(default)]
    pub form: Form,
    /// Its base address: `https://api.openai.com/v1`, `https://NAME.openai.azure.com`, `https://api.anthropic.com`,
    /// `http://127.0.0.1:11434`. Redirects are never followed.
    pub url: String,
    /// The name of the model or of the deployment there; the client's when not given.
    #[serde(default)]
    pub model: Option<String>,
    /// The `api-version` of Azure's classic form.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// A reference to its credential: `none`, `env:NAME`, `file:PATH`,
    /// `keyvault:https://NAME.vault.azure.net/secrets/SECRET`, `managed-identity`, `managed-identity:AUDIENCE`.
    #[serde(default = "no_credential")]
    pub credential: String,
    /// The client id of a user-assigned managed identity.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Headers that are added, as the organisation that pays. Never secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its share of the requests of its priority; 0 gets none.
    #[serde(default = "one")]
    pub weight: u32,
    /// Lower numbers are asked first; higher ones only when none lower can be asked.
    #[serde(default)]
    pub priority: u32,
}

fn api_version() -> String {
    "2024-10-21".to_owned()
}

fn no_credential() -> String {
    "none".to_owned()
}

fn one() -> u32 {
    1
}

/// How a member's addresses are formed.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `URL/chat/completions`, bearer.
    #[default]
    #[serde(rename = "openai")]
    OpenAi,
    /// `URL/openai/deployments/MODEL/chat/completions?api-version=...`, `api-key` or a bearer token.
    Azure,
    /// `URL/openai/v1/chat/completions`, `api-key` or a bearer token.
    AzureV1,
    /// `URL/v1/messages`, `x-api-key`.
    Anthropic,
    /// `URL/api/chat` and `URL/v1/chat/completions`, bearer where there is a credential.
    Ollama,
}

/// How long each phase of an attempt may take, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// The TCP connection to one address; 5 seconds.
    pub connect_ms: u64,
    /// The TLS handshake and the name's resolution, after the above; 5 seconds.
    pub tls_ms: u64,
    /// From the request to the head of the answer; 120 seconds.
    pub first_byte_ms: u64,
    /// Between two pieces of the body; 60 seconds.
    pub between_bytes_ms: u64,
    /// From the call to the end of the body, all attempts together; 10 minutes.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect_ms: 5_000,
            tls_ms: 5_000,
            first_byte_ms: 120_000,
            between_bytes_ms: 60_000,
            total_ms: 600_000,
        }
    }
}

/// When a request is tried again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// Most attempts of one request, the first included; 3.
    pub attempts: u32,
    /// Retries for each request of a pool, over time; 0.2.
    pub ratio: f64,
    /// Retries a second of a pool that are always allowed, so that rare requests can be retried; 1.
    pub per_second: f64,
    /// Most retries that can be saved up; 20.
    pub burst: f64,
    /// The wait before the same member is asked a second time; doubled each time; 100 ms.
    pub wait_ms: u64,
    /// The longest wait. A member that asks for more ends the attempts; 2 seconds.
    pub longest_wait_ms: u64,
    /// Whether a request whose answer never came is sent again although it may have been worked on. Only requests without
    /// effects are: those that make text, embeddings or judgements. True.
    pub after_send: bool,
}

impl Default for RetryConfig {
    fn default() -> RetryConfig {
        RetryConfig {
            attempts: 3,
            ratio: 0.2,
            per_second: 1.0,
            burst: 20.0,
            wait_ms: 100,
            longest_wait_ms: 2_000,
            after_send: true,
        }
    }
}

/// When a member is left alone.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures within the window that open the breaker, when they are at least half of all attempts; 5.
    pub failures: u32,
    /// The window; 10 seconds.
    pub window_ms: u64,
    /// How long it stays open the first time; doubled each time that the trial fails; 5 seconds.
    pub open_ms: u64,
    /// The longest that it stays open, and the longest `Retry-After` that is honoured; 5 minutes.
    pub longest_open_ms: u64,
    /// How long a member rests after a 429 that does not say; 1 second.
    pub rest_ms: u64,
}

impl Default for BreakerConfig {
    fn default() -> BreakerConfig {
        BreakerConfig {
            failures: 5,
            window_ms: 10_000,
            open_ms: 5_000,
            longest_open_ms: 300_000,
            rest_ms: 1_000,
        }
    }
}

/// Active probes: a `GET` of each member from time to time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// What is asked for, in OpenAI's form; `/v1/models`. Statuses under 500 other than 429 count as alive.
    pub path: String,
    /// Time between two probes of a member; 10 seconds.
    pub every_ms: u64,
    /// The longest that a probe may take; 5 seconds.
    pub timeout_ms: u64,
    /// Failed probes in a row after which a member is not asked; 2. One that succeeds brings it back.
    pub failures: u32,
}

impl Default for ProbeConfig {
    fn default() -> ProbeConfig {
        ProbeConfig { path: "/v1/models".to_owned(), every_ms: 10_000, timeout_ms: 5_000, failures: 2 }
    }
}

/// Encryption towards upstreams. The system's roots are always trusted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// A PEM file of further roots.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with the chain of certificates that is shown to upstreams that ask for one.
    pub client_certificate_file: Option<PathBuf>,
    /// A PEM file with its key.
    pub client_key_file: Option<PathBuf>,
}

/// Connections towards upstreams.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionsConfig {
    /// Most idle connections that are kept for a host; 512.
    pub idle: usize,
    /// How long an idle connection is kept; 60 seconds. Shorter than what servers keep, so that few are found closed.
    pub idle_ms: u64,
    /// Largest head of an answer, in bytes; 64 KiB. At least 8 KiB.
    pub header_bytes: usize,
    /// Whether HTTP/2 is offered to encrypted upstreams; true.
    pub http2: bool,
}

impl Default for ConnectionsConfig {
    fn default() -> ConnectionsConfig {
        ConnectionsConfig { idle: 512, idle_ms: 60_000, header_bytes: 64 << 10, http2: true }
    }
}

/// Where Azure's identity and secret services are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AzureConfig {
    /// The instance metadata service.
    pub imds_url: String,
    /// Where every key vault is reached, for private endpoints; the vault's own host when not given.
    pub key_vault_url: Option<String>,
    /// How long a secret from a key vault is used before it is read again, in milliseconds; 5 minutes.
    pub secret_ms: u64,
    /// How long one question to any of these may take, in milliseconds; 10 seconds. There are four, with waits between them.
    pub ask_ms: u64,
}

impl Default for AzureConfig {
    fn default() -> AzureConfig {
        AzureConfig {
            imds_url: "http://169.254.169.254".to_owned(),
            key_vault_url: None,
            secret_ms: 300_000,
            ask_ms: 10_000,
        }
    }
}

pub(crate) fn milliseconds(value: u64) -> Duration {
    Duration::from_millis(value)
}
