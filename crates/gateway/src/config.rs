//! What `[gate]` of `castellan.toml` says.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use castellan_access::approval::ApprovalRules;
use castellan_access::certificate::CertificateConfig;
use castellan_access::grant::GrantRules;
use castellan_access::token::IssuerConfig;
use serde::Deserialize;

use crate::cache::CacheConfig;
use crate::guard::TokensConfig;
use crate::mcp::McpConfig;
use crate::traces::TracesConfig;
use crate::{limit, upstream};

/// The gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens: `127.0.0.1:8800`. Any other address than loopback needs `tls`, and nobody may be anonymous there.
    pub listen: SocketAddr,
    /// The certificate that it shows; connections are not encrypted where there is none.
    pub tls: Option<TlsConfig>,
    /// Whether clients without a credential are served, as `Anonymous` in policies. For trials on loopback alone.
    pub anonymous: bool,
    /// Guardrail profiles that hold for all requests: `default`. An empty list turns guardrails off.
    pub profiles: Vec<String>,
    /// A folder of profiles of one's own, in YAML, on top of those that are built in.
    pub guardrails: Option<PathBuf>,
    /// Profiles that hold for a model in addition, by its alias.
    pub model_profiles: BTreeMap<String, Vec<String>>,
    /// A model of one's own that the checks for attacks ask where they are not sure.
    pub shield: Option<castellan_encoder::Setting>,
    /// How values become tokens where a profile says so.
    pub tokens: Option<TokensConfig>,
    /// Block lists: a JSON file as `castellan up --blocklists` keeps it.
    pub blocklists: Option<PathBuf>,
    /// The file of virtual keys.
    pub keys: Option<PathBuf>,
    /// What their hashes are keyed with: `env:NAME` or `file:PATH`, 64 hexadecimal digits. Needed where there are keys.
    pub pepper: Option<String>,
    /// Who issues access tokens that count.
    pub issuer: Vec<IssuerConfig>,
    /// Which client certificates stand for whom.
    pub certificate: Vec<CertificateConfig>,
    /// A folder of Cedar policies; without it those that are built in hold: keys may what their scopes say.
    pub policies: Option<PathBuf>,
    /// The file of grants that people ask for and approve.
    pub grants: Option<PathBuf>,
    /// Who may approve what, and for how long.
    pub grant_rules: GrantRules,
    /// The file of approvals of single requests; without it what needs one is refused.
    pub approvals: Option<PathBuf>,
    /// Who may approve a request, and for how long that counts.
    pub approval_rules: ApprovalRules,
    /// The file of orders that playbooks give.
    pub orders: Option<PathBuf>,
    /// Servers of the Model Context Protocol behind the gate.
    pub mcp: Option<McpConfig>,
    /// Where models are served.
    pub upstreams: upstream::Config,
    /// How many requests and tokens, and what they may cost.
    pub limits: limit::Config,
    /// Answers that are given again to requests that are the same again. Off where it is not given.
    pub cache: Option<CacheConfig>,
    /// Prices of models, in YAML, before those that are built in.
    pub prices: Option<PathBuf>,
    /// How much is held and how long is waited.
    pub bounds: Bounds,
    /// Where traces of requests go. Nowhere where it is not given.
    pub traces: Option<TracesConfig>,
    /// What is recorded, and where.
    pub record: RecordConfig,
    /// Who serves a model, for policies and records, by its alias: `openai`, `azure`, ...
    pub providers: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8800)),
            tls: None,
            anonymous: false,
            profiles: vec!["default".to_owned()],
            guardrails: None,
            model_profiles: BTreeMap::new(),
            shield: None,
            tokens: None,
            blocklists: None,
            keys: None,
            pepper: None,
            issuer: Vec::new(),
            certificate: Vec::new(),
            policies: None,
            grants: None,
            grant_rules: GrantRules::default(),
            approvals: None,
            approval_rules: ApprovalRules::default(),
            orders: None,
            mcp: None,
            upstreams: upstream::Config::default(),
            limits: limit::Config::default(),
            cache: None,
            prices: None,
            bounds: Bounds::default(),
            traces: None,
            record: RecordConfig::default(),
            providers: BTreeMap::new(),
        }
    }
}

/// The gate's certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Its chain, as PEM, the gate's own first. Read again when it changes.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
    /// Authorities of client certificates, as PEM: clients may show one then.
    pub client_ca: Option<PathBuf>,
    /// Whether they must.
    #[serde(default)]
    pub client_certificate_required: bool,
}

/// Bounds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Largest body of a request, in bytes: 32 MiB.
    pub request_bytes: usize,
    /// Largest answer that is not a stream, in bytes: 32 MiB.
    pub answer_bytes: usize,
    /// Most bytes of all bodies that are held at once, of requests and of answers: 512 MiB. At least as many as one may have.
    pub held_bytes: usize,
    /// How long a body waits for room among them before it is refused with 503, in milliseconds: 2,000.
    pub held_wait_ms: u64,
    /// Most connections at once: 8,192.
    pub connections: usize,
    /// How long the headers of a request may take, and how long a connection may stay idle, in milliseconds: 30,000.
    pub header_ms: u64,
    /// How long a connection may last, in milliseconds: 3,600,000, an hour. What is under way then ends first. 0 for as long as it likes.
    pub connection_age_ms: u64,
    /// How long the body of a request may take, in milliseconds: 60,000.
    pub body_ms: u64,
    /// How long requests may take to end once the gate is told to stop, in milliseconds: 30,000.
    pub farewell_ms: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            request_bytes: 32 << 20,
            answer_bytes: 32 << 20,
            held_bytes: 512 << 20,
            held_wait_ms: 2_000,
            connections: 8_192,
            header_ms: 30_000,
            connection_age_ms: 3_600_000,
            body_ms: 60_000,
            farewell_ms: 30_000,
        }
    }
}

/// What is recorded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordConfig {
    /// A file to which decisions go as lines of JSON, where no lake is near.
    pub file: Option<PathBuf>,
    /// Whether texts of prompts and answers are recorded (`AppGenAIContent`): `none`, `redacted` or `full`. `redacted` unless it is
    /// said.
    pub content: Content,
    /// What follows where decisions cannot be recorded: `refuse` requests, or `pass` them and count what was lost. `refuse`
    /// unless it is said.
    pub when_full: WhenFull,
}

/// How much of texts is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing.
    None,
    /// With what is sensitive replaced.
    #[default]
    Redacted,
    /// As it was.
    Full,
}

/// What follows where nothing can be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Requests are refused.
    #[default]
    Refuse,
    /// Requests pass unrecorded.
    Pass,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    gate: Config,
}

/// Reads a configuration. Tables beside `[gate]` are others'.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn read(text: &str) -> Result<Config, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.gate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_say_where_they_are() {
        let fault =
            read("[gate]\nlisten = \"127.0.0.1:0\"\nprofile = [\"strict\"]\n").unwrap_err().to_string();
        assert!(fault.contains("line 3") && fault.contains("profile"), "{fault}");
        let config =
            read("[gate.upstreams.models.m]\nmembers = [{ url = \"http://127.0.0.1:1/v1\" }]\n").unwrap();
        let fault = read(
            "[gate]\n[gate.mcp]\npins = \"p\"\n[[gate.mcp.servers]]\nid = \"a b\"\nat = { http = \"https://x/\" }\n",
        );
        let fault = fault.unwrap_err().to_string();
        assert!(fault.contains("line 2") && fault.contains("`a b`"), "{fault}");
        let fault = read("[gate.mcp]\npins = \"p\"\nserver = []\n").unwrap_err().to_string();
        assert!(fault.contains("line 3") && fault.contains("`server`"), "{fault}");
        let fault = read(
            "[gate.mcp]\npins = \"p\"\n[[gate.mcp.servers]]\nid = \"a\"\nat = { http = \"http://x.example/\" }\n",
        );
        assert!(fault.unwrap_err().to_string().contains("https"));
        assert_eq!(config.profiles, ["default"]);
        assert!(config.upstreams.models.contains_key("m"));
    }

    #[test]
    fn the_documented_configuration_is_read() {
        let document = include_str!("../../../docs/mcp-gate.md");
        let text = document.split("```toml").nth(1).unwrap().split("```").next().unwrap();
        let mcp = read(text).unwrap().mcp.unwrap();
        assert_eq!((mcp.proxy.servers.len(), mcp.proxy.argument_rules.len(), mcp.tools.len()), (2, 1, 1));
        assert!(mcp.proxy.servers[0].token.is_some() && mcp.tool("files", "read_all").unwrap().read_only);
        let document = include_str!("../../../docs/shield.md");
        let text = document.split("```toml").nth(1).unwrap().split("```").next().unwrap();
        let shield = read(text).unwrap().shield.unwrap();
        assert_eq!((shield.attack_labels.len(), shield.time_ms), (1, 2_000));
    }

    #[test]
    fn examples_are_read() {
        let config = read(include_str!("../../../examples/gate/serving.toml")).unwrap();
        assert_eq!(config.cache.map(|cache| cache.seconds), Some(300));
        assert_eq!(config.limits.concurrent.len(), 2);
        assert_eq!(config.traces.map(|traces| traces.queue), Some(4_096));
        assert!(read("[gate.cache]\nttl = 9\n").unwrap_err().to_string().contains("`ttl`"));
    }
}
