//! What `[gate.mcp]` says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use castellan_access::Pattern;
use castellan_mcp::arguments::Rule;
use castellan_mcp::hidden::Class;
use castellan_mcp::proxy::{self, Place, Server};
use castellan_mcp::transport::SessionLimits;
use castellan_mcp::{taint, transport};
use serde::Deserialize;

/// Servers of the Model Context Protocol behind the gate, and what may be done there.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct McpConfig {
    /// Where clients reach the gate: `https://gate.example`. It stands in metadata and challenges, and is needed wherever
    /// the gate listens on another address than loopback.
    pub address: Option<String>,
    /// What the protocol's side is configured with.
    pub proxy: proxy::Config,
    /// The file of pins.
    pub pins: PathBuf,
    /// Hashes that are pinned beforehand, as JSON: `{"SERVER": {"tool": {"NAME": "sha256:..."}}}`.
    pub presets: Option<PathBuf>,
    /// Flow rules of one's own, in YAML, in place of those that are built in.
    pub flows: Option<PathBuf>,
    /// Scopes that clients should ask for, for metadata and challenges.
    pub scopes: Vec<String>,
    /// Guardrail profiles that hold for a server in addition, by its id.
    pub profiles: BTreeMap<String, Vec<String>>,
    /// Labels of servers for policies, by their ids.
    pub server_labels: BTreeMap<String, Vec<String>>,
    /// What the configuration says of tools, for policies.
    pub tools: Vec<ToolConfig>,
    /// How much is held and how long is waited.
    pub bounds: McpBounds,
}

impl McpConfig {
    /// Where servers that are reached over HTTP are.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.proxy.servers.iter().filter_map(|server| match &server.at {
            Place::Http(url) => Some(url.as_str()),
            Place::Stdio { .. } => None,
        })
    }
}

/// What the configuration says of tools, for policies. What a tool says of itself is not believed there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolConfig {
    /// The server.
    pub server: String,
    /// The tool, or a pattern with `*`; all tools of the server unless it is said. The first entry that fits counts.
    #[serde(default)]
    pub tool: Option<Pattern>,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Whether it only reads.
    #[serde(default)]
    pub read_only: bool,
    /// What a call costs, in US dollars, for limits on cost; nothing, unless it is said.
    #[serde(default)]
    pub cost: f64,
    /// Whether it can destroy. Yes, unless it is said: policies should err on that side.
    #[serde(default = "yes")]
    pub destructive: bool,
}

fn yes() -> bool {
    true
}

/// Bounds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpBounds {
    /// Largest answer or event of a server, in bytes: 4 MiB.
    pub answer_bytes: usize,
    /// How long a server may take to begin its answer, and between two events of it, in milliseconds: 120,000.
    pub silence_ms: u64,
    /// How long a request may take in all, in milliseconds: 900,000.
    pub total_ms: u64,
    /// How long a stream that a client listens to may last, in milliseconds: 3,600,000. Clients open it again.
    pub listen_ms: u64,
    /// Most programs of servers at once: 64.
    pub programs: usize,
    /// How long a program may be idle before it is ended, in milliseconds: 900,000.
    pub idle_ms: u64,
}

impl Default for McpBounds {
    fn default() -> McpBounds {
        McpBounds {
            answer_bytes: 4 << 20,
            silence_ms: 120_000,
            total_ms: 900_000,
            listen_ms: 3_600_000,
            programs: 64,
            idle_ms: 900_000,
        }
    }
}

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pins: PathBuf,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    servers: Vec<Server>,
    #[serde(default)]
    transport: transport::Config,
    #[serde(default)]
    sessions: SessionLimits,
    #[serde(default)]
    labels: taint::Config,
    #[serde(default)]
    argument_rules: Vec<Rule>,
    #[serde(default)]
    listing_seconds: Option<u32>,
    #[serde(default)]
    refuse_unsupported_schemas: bool,
    #[serde(default)]
    hidden: Option<Vec<Class>>,
    #[serde(default)]
    presets: Option<PathBuf>,
    #[serde(default)]
    flows: Option<PathBuf>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    server_labels: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    tools: Vec<ToolConfig>,
    #[serde(default)]
    bounds: McpBounds,
}

impl TryFrom<Written> for McpConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<McpConfig, String> {
        let base = proxy::Config::default();
        let proxy = proxy::Config {
            transport: written.transport,
            sessions: written.sessions,
            servers: written.servers,
            labels: written.labels,
            argument_rules: written.argument_rules,
            listing_seconds: written.listing_seconds.unwrap_or(base.listing_seconds),
            refuse_unsupported_schemas: written.refuse_unsupported_schemas,
            hidden: written.hidden.unwrap_or(base.hidden),
        };
        let config = McpConfig {
            address: written.address.map(|address| address.trim_end_matches('/').to_owned()),
            proxy,
            pins: written.pins,
            presets: written.presets,
            flows: written.flows,
            scopes: written.scopes,
            profiles: written.profiles,
            server_labels: written.server_labels,
            tools: written.tools,
            bounds: written.bounds,
        };
        config.check()?;
        Ok(config)
    }
}

impl McpConfig {
    fn check(&self) -> Result<(), String> {
        self.proxy.validate()?;
        for server in &self.proxy.servers {
            let id = &server.id;
            match &server.at {
                Place::Http(url) => {
                    let url: http::Uri = url
                        .parse()
                        .map_err(|error| format!("the address of the server `{id}` is none: {error}"))?;
                    let is_local = url.host().is_some_and(is_loopback);
                    match url.scheme_str() {
                        Some("https") => {}
                        Some("http") if is_local => {}
                        _ => {
                            return Err(format!(
                                "the server `{id}` has to be reached by https, or by http on loopback"
                            ));
                        }
                    }
                }
                Place::Stdio { program, .. } => {
                    if !std::path::Path::new(program).is_absolute() {
                        return Err(format!("the program of the server `{id}` needs its whole path"));
                    }
                    if server.token.is_some() || server.credential.is_some() {
                        return Err(format!(
                            "the server `{id}` is a program; give it secrets by `environment`"
                        ));
                    }
                }
            }
        }
        if let Some(tool) = self.tools.iter().find(|tool| !(0.0..=1e6).contains(&tool.cost)) {
            return Err(format!("a call of a tool of `{}` cannot cost {} dollars", tool.server, tool.cost));
        }
        let is_server = |id: &str| self.proxy.servers.iter().any(|server| server.id == id);
        let named = self.profiles.keys().chain(self.server_labels.keys()).map(String::as_str);
        let named = named.chain(self.tools.iter().map(|tool| tool.server.as_str()));
        let named = named.chain(self.proxy.labels.tools.iter().map(|tool| tool.server.as_str()));
        for id in named {
            if !is_server(id) {
                return Err(format!(
                    "`{id}` is named and is no server; its `[[gate.mcp.servers]]` is missing"
                ));
            }
        }
        if let Some(address) = &self.address
            && castellan_mcp::oauth::canonical_resource(address).is_none()
        {
            return Err(format!("`address` has to be a URL such as https://gate.example, not `{address}`"));
        }
        Ok(())
    }

    /// What the configuration says of a tool.
    pub(crate) fn tool(&self, server: &str, tool: &str) -> Option<&ToolConfig> {
        self.tools.iter().find(|entry| {
            entry.server == server && entry.tool.as_ref().is_none_or(|pattern| pattern.matches(tool))
        })
    }

    /// A server.
    pub(crate) fn server(&self, id: &str) -> Option<&Server> {
        self.proxy.servers.iter().find(|server| server.id == id)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
