//! What the proxy is configured with.

use serde::Deserialize;

use crate::arguments::Rule;
use crate::hidden::Class;
use crate::names::is_server_id;
use crate::transport::SessionLimits;
use crate::{oauth, pin, taint, transport};

/// All of it. Every list is empty by default, every switch at its safer side.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What clients may send.
    pub transport: transport::Config,
    /// Sessions of the revisions before 2026-07-28.
    pub sessions: SessionLimits,
    /// The servers, the most trusted first: of two equal names the first one's stands.
    pub servers: Vec<Server>,
    /// Labels and how long they last.
    pub labels: taint::Config,
    /// Rules about arguments.
    pub argument_rules: Vec<Rule>,
    /// Seconds for which a listing is believed before it is asked for again: 300 by default.
    pub listing_seconds: u32,
    /// Whether a tool is refused whose input schema has assertions that are not checked here. By default the gateway is
    /// told and the call goes on: the server checks its own arguments too.
    pub refuse_unsupported_schemas: bool,
    /// Hidden characters that no definition may have and that are taken out of results: tags, bidirectional controls,
    /// terminal escapes and runs of variation selectors by default.
    pub hidden: Vec<Class>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            transport: transport::Config::default(),
            sessions: SessionLimits::default(),
            servers: Vec::new(),
            labels: taint::Config::default(),
            argument_rules: Vec::new(),
            listing_seconds: 300,
            refuse_unsupported_schemas: false,
            hidden: Class::DENIED.to_vec(),
        }
    }
}

/// A server behind the proxy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its id: small letters, digits, hyphens; at most 32. It is part of names when several servers share an address.
    pub id: String,
    /// How it is reached.
    pub at: Place,
    /// Which revisions it speaks: found out by asking, by default.
    #[serde(default)]
    pub era: Era,
    /// How its definitions are pinned.
    #[serde(default)]
    pub pins: pin::Settings,
    /// How a token for it is got. Without this and `credential` it gets none; never the client's own.
    #[serde(default)]
    pub token: Option<oauth::Upstream>,
    /// A reference to a fixed credential of the gateway's own: `env:NAME`, `file:PATH`.
    #[serde(default)]
    pub credential: Option<String>,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// Streamable HTTP at this URL.
    Http(String),
    /// A program that is started, one for each client's session. It comes from the configuration alone: nothing that a
    /// request says ever names a program.
    Stdio {
        /// The program.
        program: String,
        /// Its arguments.
        #[serde(default)]
        arguments: Vec<String>,
        /// Its environment, as references to secrets or plain texts.
        #[serde(default)]
        environment: std::collections::BTreeMap<String, String>,
    },
}

/// Which revisions a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Era {
    /// It is asked with `server/discover`; whoever does not know that is legacy.
    #[default]
    Auto,
    /// 2026-07-28.
    Modern,
    /// Before.
    Legacy,
}

impl Config {
    /// What is wrong with it beyond its form.
    ///
    /// # Errors
    /// The first thing, and what to do.
    pub fn validate(&self) -> Result<(), String> {
        for (place, server) in self.servers.iter().enumerate() {
            let id = &server.id;
            if !is_server_id(id) {
                return Err(format!("`{id}` cannot be a server's id; use small letters, digits and hyphens"));
            }
            if self.servers.iter().take(place).any(|other| other.id == *id) {
                return Err(format!("two servers have the id `{id}`"));
            }
            if server.token.is_some() && server.credential.is_some() {
                return Err(format!("the server `{id}` has both `token` and `credential`; keep one"));
            }
        }
        if self.transport.versions.is_empty() {
            return Err("`transport.versions` is empty; name at least one revision".to_owned());
        }
        Ok(())
    }
}
