//! Which issuers are trusted, and for what.

use serde::Deserialize;

use crate::text;

/// The longest tolerance of clocks, in seconds.
const LONGEST_SKEW: u32 = 300;
/// Audiences that are Microsoft's own. A token for one of them was given to a client for another purpose, and whoever
/// accepts it can be made to act for that client's user; Microsoft's documentation says that such tokens cannot be
/// validated by others.
const FOREIGN: &[&str] = &[
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
    "00000003-0000-0000-c000-000000000000",
    "https://graph.windows.net",
    "00000002-0000-0000-c000-000000000000",
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://vault.azure.net",
    "https://storage.azure.com",
    "https://database.windows.net",
    "https://dev.azure.com",
    "499b84ac-1321-427f-aa17-267ca6975798",
];

/// True for an audience that is Microsoft's own.
pub(super) fn is_foreign(audience: &str) -> bool {
    FOREIGN.iter().any(|known| known.eq_ignore_ascii_case(audience.trim_end_matches('/')))
}

/// Signature algorithms (RFC 7518, 3.1; RFC 8037). There are no symmetric ones: who verifies could then sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA over P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// By its name in `alg`; `None` for all that is not supported, symmetric ones first.
    pub fn from_word(word: &str) -> Option<Algorithm> {
        Some(match word {
            "RS256" => Algorithm::Rs256,
            "RS384" => Algorithm::Rs384,
            "RS512" => Algorithm::Rs512,
            "PS256" => Algorithm::Ps256,
            "PS384" => Algorithm::Ps384,
            "PS512" => Algorithm::Ps512,
            "ES256" => Algorithm::Es256,
            "ES384" => Algorithm::Es384,
            "EdDSA" => Algorithm::EdDsa,
            _ => return None,
        })
    }

    pub(super) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
            Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
            Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
            Algorithm::Ps384 => jsonwebtoken::Algorithm::PS384,
            Algorithm::Ps512 => jsonwebtoken::Algorithm::PS512,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// What `typ` a token has to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TokenType {
    /// `at+jwt` (RFC 9068), which no other kind of token has.
    #[default]
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// `at+jwt`, `JWT` or none, for issuers that do not follow RFC 9068. ID tokens are then told by their claims.
    #[serde(rename = "any")]
    Any,
    /// An ID token (OpenID Connect Core 1.0, 2), which tells a client who signed in. Whoever verifies one compares its
    /// `nonce` with the one that was sent: [`nonce_of`](super::nonce_of). No configuration asks for it: it lets nobody in at
    /// the gate.
    #[serde(skip)]
    IdToken,
}

/// Whose rules an issuer's tokens follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssuerKind {
    /// Microsoft Entra.
    Entra,
    /// OpenID Connect, with JWT access tokens.
    Oidc,
}

/// Which cloud of Microsoft's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// That of the government of the United States.
    Government,
    /// That of 21Vianet in China.
    China,
}

impl Cloud {
    /// Where tokens and keys come from.
    pub(super) fn login(self) -> &'static str {
        match self {
            Cloud::Public => "https://login.microsoftonline.com",
            Cloud::Government => "https://login.microsoftonline.us",
            Cloud::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// Who issues tokens of version 1.0.
    pub(super) fn sts(self) -> &'static str {
        match self {
            Cloud::Public | Cloud::Government => "https://sts.windows.net",
            Cloud::China => "https://sts.chinacloudapi.cn",
        }
    }
}

/// One issuer: a table `[[gate.issuer]]` of `castellan.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// A name of one's own, for logs.
    pub name: String,
    /// Whose rules: `entra` or `oidc`.
    pub kind: IssuerKind,
    /// Whom tokens must be for, compared exactly. Never empty, and never an interface of Microsoft's own.
    pub audiences: Vec<String>,
    /// Entra: ids of the tenants that may use the gate. Never empty.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// Entra: which cloud. The public one by default.
    #[serde(default)]
    pub cloud: Cloud,
    /// Entra: versions of tokens, `1.0` and `2.0`. Both by default.
    #[serde(default = "both_versions")]
    pub versions: Vec<String>,
    /// Entra: the application whose tokens are signed with keys of their own (`?appid=`).
    #[serde(default)]
    pub key_application: Option<String>,
    /// OpenID Connect: the issuer's name, exactly as tokens have it in `iss`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// OpenID Connect: where the keys are, when there is no metadata at the issuer's usual place.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// OpenID Connect: the algorithms that it may sign with. `RS256` alone by default; Entra always has that.
    #[serde(default = "rs256")]
    pub algorithms: Vec<Algorithm>,
    /// OpenID Connect: what `typ` tokens must have. `at+jwt` by default.
    #[serde(default)]
    pub token_type: TokenType,
    /// OpenID Connect: the claim with the user's groups. `groups` by default.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// OpenID Connect: the claim with roles. `roles` by default.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// Applications whose tokens are accepted, by their client ids. All by default.
    #[serde(default)]
    pub clients: Vec<String>,
    /// How far clocks may differ, in seconds. 60 by default, 300 at most.
    #[serde(default = "a_minute")]
    pub skew_seconds: u32,
    /// The longest lifetime of a token, in seconds. 28 hours by default, as continuous access evaluation has them.
    #[serde(default = "longest_lifetime")]
    pub longest_lifetime_seconds: u32,
    /// True when each token may be used once (`jti`, or `uti` of Entra). False by default.
    #[serde(default)]
    pub one_use: bool,
    /// True when only tokens that are bound to the client's certificate are accepted. False by default.
    #[serde(default)]
    pub bound_only: bool,
    /// OpenID Connect: true when the issuer may be reached without TLS, which only loopback addresses can. For trials.
    #[serde(default)]
    pub allow_loopback_http: bool,
}

fn both_versions() -> Vec<String> {
    vec!["1.0".to_owned(), "2.0".to_owned()]
}

fn rs256() -> Vec<Algorithm> {
    vec![Algorithm::Rs256]
}

fn groups_claim() -> String {
    "groups".to_owned()
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn a_minute() -> u32 {
    60
}

fn longest_lifetime() -> u32 {
    28 * 3600
}

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer `{name}`: {reason}")]
pub struct ConfigError {
    /// Which issuer.
    pub name: String,
    /// What is wrong and what to do.
    pub reason: String,
}

impl IssuerConfig {
    /// An issuer of Entra with what is usual.
    pub fn entra(name: &str, tenants: &[&str], audiences: &[&str]) -> IssuerConfig {
        let mut config = IssuerConfig::oidc(name, "", audiences);
        config.kind = IssuerKind::Entra;
        config.issuer = None;
        config.tenants = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
        config
    }

    /// An issuer of OpenID Connect with what is usual.
    pub fn oidc(name: &str, issuer: &str, audiences: &[&str]) -> IssuerConfig {
        IssuerConfig {
            name: name.to_owned(),
            kind: IssuerKind::Oidc,
            audiences: audiences.iter().map(|&audience| audience.to_owned()).collect(),
            tenants: Vec::new(),
            cloud: Cloud::Public,
            versions: both_versions(),
            key_application: None,
            issuer: Some(issuer.to_owned()),
            jwks_url: None,
            algorithms: rs256(),
            token_type: TokenType::AccessToken,
            groups_claim: groups_claim(),
            roles_claim: roles_claim(),
            clients: Vec::new(),
            skew_seconds: a_minute(),
            longest_lifetime_seconds: longest_lifetime(),
            one_use: false,
            bound_only: false,
            allow_loopback_http: false,
        }
    }

    /// An issuer whose ID tokens a client of this id verifies.
    pub fn id_tokens(name: &str, issuer: &str, client: &str) -> IssuerConfig {
        IssuerConfig { token_type: TokenType::IdToken, ..IssuerConfig::oidc(name, issuer, &[client]) }
    }

    /// Checks what a type cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |reason: String| Err(ConfigError { name: self.name.clone(), reason });
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return wrong(
                "`audiences` is empty; name the application id or URI that tokens are for".to_owned(),
            );
        }
        if let Some(audience) = self.audiences.iter().find(|audience| is_foreign(audience)) {
            return wrong(format!(
                "`{audience}` is an interface of Microsoft's own, whose tokens are not for this gate; register an application"
            ));
        }
        if self.skew_seconds > LONGEST_SKEW {
            return wrong(format!("`skew_seconds` is more than {LONGEST_SKEW}"));
        }
        match self.kind {
            IssuerKind::Entra => self.check_entra(),
            IssuerKind::Oidc => self.check_oidc(),
        }
    }

    fn check_entra(&self) -> Result<(), ConfigError> {
        let wrong = |reason: String| Err(ConfigError { name: self.name.clone(), reason });
        if self.tenants.is_empty() {
            return wrong("`tenants` is empty; list the ids of the tenants that may use the gate".to_owned());
        }
        if let Some(tenant) = self.tenants.iter().find(|tenant| !text::is_guid(tenant)) {
            return wrong(format!("`{tenant}` is no tenant id; write the GUID, not the domain"));
        }
        let known = |version: &String| version == "1.0" || version == "2.0";
        if self.versions.is_empty() || !self.versions.iter().all(known) {
            return wrong("`versions` must be of `1.0` and `2.0`".to_owned());
        }
        if self.key_application.as_ref().is_some_and(|id| !text::is_guid(id)) {
            return wrong("`key_application` must be the GUID of an application".to_owned());
        }
        if self.issuer.is_some() || self.jwks_url.is_some() || self.allow_loopback_http {
            return wrong("`issuer`, `jwks_url` and `allow_loopback_http` are not for Entra".to_owned());
        }
        if self.algorithms != rs256() {
            return wrong("Entra signs with `RS256`; leave `algorithms` out".to_owned());
        }
        Ok(())
    }

    fn check_oidc(&self) -> Result<(), ConfigError> {
        let wrong = |reason: String| Err(ConfigError { name: self.name.clone(), reason });
        let Some(issuer) = self.issuer.as_ref().filter(|issuer| !issuer.is_empty()) else {
            return wrong("`issuer` is missing; write it exactly as tokens have it in `iss`".to_owned());
        };
        if !self.tenants.is_empty() || self.key_application.is_some() {
            return wrong("`tenants` and `key_application` are for Entra alone".to_owned());
        }
        if self.algorithms.is_empty() {
            return wrong("`algorithms` is empty".to_owned());
        }
        for url in [Some(issuer), self.jwks_url.as_ref()].into_iter().flatten() {
            if !is_fetchable(url, self.allow_loopback_http) {
                return wrong(format!(
                    "`{url}` is no https address (without TLS only loopback works, with `allow_loopback_http`)"
                ));
            }
        }
        Ok(())
    }
}

/// True for an address that keys may be fetched from.
pub(super) fn is_fetchable(url: &str, allow_loopback_http: bool) -> bool {
    let is_clean = url.len() <= 2048
        && url.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && !b"\"<>\\^`{|}".contains(&byte));
    let rest = |scheme: &str| url.strip_prefix(scheme).filter(|rest| !rest.is_empty());
    let host_of = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    // A user name before `@` hides the host from who reads the configuration.
    let secure = rest("https://").map(host_of).is_some_and(|host| !host.is_empty() && !host.contains('@'));
    let loopback = rest("http://").map(host_of).is_some_and(|host| {
        let name = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name == "127.0.0.1" || name == "::1"
    });
    is_clean && (secure || (allow_loopback_http && loopback))
}
