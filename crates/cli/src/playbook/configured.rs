//! What is configured for playbooks: a file of TOML.
//!
//! *Invariant (secrets by reference):* the file holds where secrets are, as `env:NAME` or `file:PATH`, never secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use castellan_base::{OsSystem, System};
use castellan_respond::actions::{
    AzureConnection, Catalogue, Connector, Hosts, HttpOptions, OrderStore, TokenSource,
};
use castellan_respond::sign::{PublicKey, TrustedKeys};
use serde::Deserialize;

use crate::arguments::ConfiguredArguments;
use crate::output::read_text;

/// The largest configuration or key, in bytes.
const LARGEST: u64 = 1 << 20;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Document {
    /// Hosts that may be reached.
    hosts: Vec<String>,
    /// Where messages go, by name.
    connectors: BTreeMap<String, Connector>,
    /// The file of orders to the gate.
    gate: Option<PathBuf>,
    /// How Azure is reached.
    azure: Option<Azure>,
    /// Public keys whose playbooks run, by whose they are.
    trusted: BTreeMap<String, String>,
}

/// How Azure is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Azure {
    resource_manager: String,
    graph: String,
}

impl Default for Azure {
    /// The public cloud.
    fn default() -> Azure {
        Azure {
            resource_manager: "https://management.azure.com".to_owned(),
            graph: "https://graph.microsoft.com".to_owned(),
        }
    }
}

/// What is configured.
#[derive(Debug)]
pub(crate) struct Configured {
    document: Document,
    /// Keys whose playbooks run.
    pub(crate) trusted: TrustedKeys,
}

impl Configured {
    /// Reads the file, and keys that the command line names.
    ///
    /// Errors: a file that cannot be read, or does not say what it should.
    pub(super) fn read(arguments: &ConfiguredArguments, system: &dyn System) -> Result<Configured> {
        Configured::of(arguments.config.as_deref(), &arguments.trust, system)
    }

    /// The same of a file, and keys to trust beside those that it names.
    ///
    /// Errors: as [`Configured::read`].
    pub(crate) fn of(
        file: Option<&Path>,
        trust: &[(String, String)],
        system: &dyn System,
    ) -> Result<Configured> {
        let document = match file {
            None => Document::default(),
            Some(path) => {
                let text = read_text(path, LARGEST, system)?;
                toml::from_str(&text).with_context(|| {
                    format!("`{}` is no configuration of playbooks; see docs/respond.md", path.display())
                })?
            }
        };
        let mut trusted = TrustedKeys::default();
        for (name, key) in &document.trusted {
            let key = PublicKey::parse(key).with_context(|| format!("the trusted key of `{name}`"))?;
            trusted = trusted.with(name, key);
        }
        for (name, file) in trust {
            let text = read_text(Path::new(file), LARGEST, system)?;
            trusted = trusted.with(name, PublicKey::parse(&text).with_context(|| format!("`{file}`"))?);
        }
        Ok(Configured { document, trusted })
    }

    /// The same with a file of orders to the gate where the configuration names none.
    #[must_use]
    pub(crate) fn with_orders(mut self, file: Option<&Path>) -> Configured {
        self.document.gate = self.document.gate.or_else(|| file.map(Path::to_path_buf));
        self
    }

    /// The file of orders to the gate, where the configuration names one.
    pub(crate) fn orders_file(&self) -> Option<&Path> {
        self.document.gate.as_deref()
    }

    /// The orders to the gate, where the configuration names a file of them.
    pub(crate) fn orders(&self) -> Option<OrderStore> {
        self.document.gate.as_ref().map(OrderStore::new)
    }

    /// The actions that the configuration allows.
    ///
    /// Errors: origins of Azure that are none.
    pub(crate) fn catalogue(&self) -> Result<Catalogue> {
        let document = &self.document;
        let hosts = Hosts::new(document.hosts.iter().map(String::as_str));
        let mut catalogue = Catalogue::new(hosts, document.connectors.clone(), HttpOptions::default());
        if let Some(orders) = self.orders() {
            catalogue = catalogue.with_gate(Arc::new(orders));
        }
        if let Some(azure) = &document.azure {
            let connection = AzureConnection::new(&azure.resource_manager, &azure.graph, Box::new(Tokens));
            catalogue = catalogue.with_azure(connection);
        }
        Ok(catalogue)
    }
}

/// Tokens of whoever is logged in with the Azure CLI, whose identity runs name as the one that acted.
struct Tokens;

impl TokenSource for Tokens {
    fn token(&self, audience: &str) -> Result<String, String> {
        let arguments =
            ["account", "get-access-token", "--resource", audience, "--query", "accessToken", "-o", "tsv"];
        let ran = OsSystem.run("az", &arguments).map_err(|error| {
            format!("`az` gives no token: {error}; install the Azure CLI and run `az login`")
        })?;
        let token = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        if ran.code != Some(0) || token.is_empty() {
            return Err("`az account get-access-token` gives no token; run `az login`".to_owned());
        }
        Ok(token)
    }
}
