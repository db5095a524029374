//! `[console.oidc]` of `castellan.toml`.

use std::path::Path;

use castellan_access::token::{Algorithm, IssuerConfig};
use castellan_base::System;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::console::role::Role;

/// An identity provider at which people sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider, exactly as its tokens have it in `iss`: `https://login.microsoftonline.com/TENANT/v2.0`.
    pub issuer: String,
    /// The id by which the provider knows this server.
    pub client_id: String,
    /// The secret to it, as `env:NAME` or `file:PATH`. None for a public client.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Where browsers reach this server: `https://castellan.example`. `/api/v1/session/oidc/callback` below it is the address
    /// that the provider has to know.
    pub url: String,
    /// What the button says.
    #[serde(default = "label")]
    pub label: String,
    /// What is asked for beside `openid`: `profile` and `email`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim of ID tokens whose values stand for roles: `roles`.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// Which values stand for which role.
    pub roles: RoleNames,
    /// Algorithms that the provider may sign with: `RS256` alone.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Whether the provider may be reached without TLS, which only loopback addresses can. For trials.
    #[serde(default)]
    pub allow_loopback_http: bool,
}

/// Values of a claim that stand for roles. `*` is any value, and also none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleNames {
    /// Of administrators.
    pub administrator: Vec<String>,
    /// Of responders.
    pub responder: Vec<String>,
    /// Of readers.
    pub reader: Vec<String>,
}

fn label() -> String {
    "Sign in".to_owned()
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

fn role_claim() -> String {
    "roles".to_owned()
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::Rs256]
}

impl RoleNames {
    /// The highest role that values stand for.
    pub(super) fn role(&self, values: &[String]) -> Option<Role> {
        let has = |names: &[String]| names.iter().any(|name| name == "*" || values.contains(name));
        let all = [
            (Role::Administrator, &self.administrator),
            (Role::Responder, &self.responder),
            (Role::Reader, &self.reader),
        ];
        all.into_iter().find(|(_, names)| has(names)).map(|(role, _)| role)
    }
}

impl OidcConfig {
    /// The secret, read from where it is.
    pub(super) fn secret(&self, system: &dyn System) -> Result<Option<Zeroizing<String>>, String> {
        let Some(reference) = &self.client_secret else { return Ok(None) };
        let text = if let Some(name) = reference.strip_prefix("env:") {
            system
                .env(name)
                .ok_or_else(|| format!("`client_secret` names the variable `{name}`, which is not set"))?
        } else if let Some(path) = reference.strip_prefix("file:") {
            let bytes = system.read(Path::new(path), 4_096);
            let bytes =
                bytes.map_err(|error| format!("`client_secret`: `{path}` cannot be read: {error}"))?;
            String::from_utf8(bytes).map_err(|_| format!("`client_secret`: `{path}` is no text"))?
        } else {
            return Err("`client_secret` has to be `env:NAME` or `file:PATH`".to_owned());
        };
        Ok(Some(Zeroizing::new(text.trim().to_owned())))
    }

    /// What tokens of the provider have to be.
    pub(super) fn issuer_config(&self) -> Result<IssuerConfig, String> {
        let own = self.url.strip_prefix("https://").or_else(|| {
            self.url.strip_prefix("http://").filter(|_| self.allow_loopback_http || is_loopback(&self.url))
        });
        if own.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', ' '])) {
            let why = "`url` has to be `https://HOST` without a path, as browsers reach this server";
            return Err(why.to_owned());
        }
        if self.roles == RoleNames::default() {
            return Err("`roles` maps nobody to a role, so that nobody could sign in".to_owned());
        }
        let mut config = IssuerConfig::id_tokens("console", &self.issuer, &self.client_id);
        config.algorithms.clone_from(&self.algorithms);
        config.roles_claim.clone_from(&self.role_claim);
        config.allow_loopback_http = self.allow_loopback_http;
        Ok(config)
    }
}

/// Whether an address is one of this machine, without TLS.
pub(super) fn is_loopback_url(url: &str) -> bool {
    url.starts_with("http://") && is_loopback(url)
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::{OidcConfig, RoleNames};
    use crate::console::role::Role;

    fn config(more: &str) -> OidcConfig {
        let text = format!(
            "{{\"issuer\":\"https://id.example\",\"client_id\":\"c\",\"roles\":{{\"reader\":[\"*\"]}},{more}}}"
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn roles() {
        let names = RoleNames {
            administrator: vec!["a".to_owned()],
            responder: vec!["r".to_owned(), "s".to_owned()],
            reader: Vec::new(),
        };
        let check = |values: &[&str], role: Option<Role>| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            assert_eq!(names.role(&values), role, "{values:?}");
        };
        check(&["x", "s"], Some(Role::Responder));
        check(&["r", "a"], Some(Role::Administrator));
        check(&["A", "*"], None);
        check(&[], None);
        assert_eq!(RoleNames { reader: vec!["*".to_owned()], ..names }.role(&[]), Some(Role::Reader));
    }

    #[test]
    fn addresses() {
        for url in ["https://castellan.example", "https://castellan.example:8443", "http://127.0.0.1:8700"] {
            assert!(config(&format!("\"url\":\"{url}\"")).issuer_config().is_ok(), "{url}");
        }
        for url in
            ["", "https://", "castellan.example", "http://castellan.example", "https://a/b", "https://a@b"]
        {
            assert!(config(&format!("\"url\":\"{url}\"")).issuer_config().is_err(), "{url}");
        }
    }
}
