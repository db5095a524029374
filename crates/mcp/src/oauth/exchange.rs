//! Tokens for servers behind: token exchange (RFC 8693) and Entra's on-behalf-of flow.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::json::{self, Limits, Value};

/// Largest answer of a token endpoint.
const LARGEST: usize = 64 * 1024;
/// Longest life that is believed, in seconds.
const LONGEST: i64 = 24 * 3600;

/// A text that is shown to nobody and wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// How a token for a server behind is got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// RFC 8693.
    TokenExchange,
    /// Entra: `jwt-bearer` with `requested_token_use=on_behalf_of`.
    OnBehalfOf,
    /// The gateway's own identity: `client_credentials`. The server sees the gateway and not the user.
    ClientCredentials,
}

/// Where a token for a server behind is got, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// How.
    pub grant: Grant,
    /// The token endpoint; `https`.
    pub token_endpoint: String,
    /// The gateway's id there.
    pub client_id: String,
    /// The server behind (RFC 8707). Entra takes scopes alone; leave it out there.
    #[serde(default)]
    pub resource: Option<String>,
    /// The audience, where the endpoint asks for a name (RFC 8693).
    #[serde(default)]
    pub audience: Option<String>,
    /// Scopes: `api://server/.default` for Entra.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// A reference to the gateway's secret there: `env:NAME`, `file:PATH`.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// A reference to a signed assertion instead (RFC 7523): a file that a workload identity keeps, or
    /// `managed-identity:api://AzureADTokenExchange`. It goes before the secret.
    #[serde(default)]
    pub client_assertion: Option<String>,
}

/// Whose token is exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The access token that the client sent, validated.
    pub token: Secret,
    /// Whether a user stands behind it: `scp` is there, `idtyp` is not `app`.
    pub is_delegated: bool,
}

/// A request to a token endpoint. Its body is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// Where to.
    pub url: String,
    /// `Authorization`, if the client's secret goes there.
    pub authorization: Option<Secret>,
    /// The form, `application/x-www-form-urlencoded`.
    pub body: Secret,
}

/// How the gateway proves who it is.
enum Proof<'a> {
    Secret(&'a Secret),
    Assertion(&'a Secret),
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// On-behalf-of needs a user.
    #[error(
        "an application's own token cannot be used on behalf of anybody: Entra's on-behalf-of flow needs a user's token; \
         call with a user's token, or give this server the grant `client-credentials`"
    )]
    AppOnly,
    /// The endpoint is not `https`.
    #[error("the token endpoint `{0}` is not https")]
    Insecure(String),
    /// The grant needs a token and none came.
    #[error("the grant needs the client's token, and the client sent none")]
    NoSubject,
    /// The endpoint refused.
    #[error("the token endpoint answered {status} `{error}`{}", if *.interaction { ": the user has to sign in again" } else { "" })]
    Refused {
        /// HTTP status.
        status: u16,
        /// OAuth's error code.
        error: String,
        /// Whether the user can mend it by signing in again.
        interaction: bool,
        /// Entra's claims challenge, for the client.
        claims: Option<String>,
    },
    /// The answer is none.
    #[error("the token endpoint's answer cannot be used: {0}")]
    Answer(&'static str),
}

/// A token for a server behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The token.
    pub token: Secret,
    /// Seconds for which it is good.
    pub seconds: i64,
}

/// Builds the request for a token. `secret` is the gateway's secret at the endpoint; `assertion` a signed one instead
/// (RFC 7523), as certificates and managed identities give. With neither, the gateway is a public client.
///
/// # Errors
/// If the grant cannot work with what came.
pub fn build(
    upstream: &Upstream,
    subject: Option<&Subject>,
    secret: Option<&Secret>,
    assertion: Option<&Secret>,
) -> Result<TokenRequest, ExchangeError> {
    let is_local = upstream.token_endpoint.starts_with("http://127.0.0.1:");
    if !upstream.token_endpoint.starts_with("https://") && !is_local {
        return Err(ExchangeError::Insecure(upstream.token_endpoint.clone()));
    }
    let mut form: Vec<(&str, &str)> = Vec::new();
    match upstream.grant {
        Grant::TokenExchange => {
            let subject = subject.ok_or(ExchangeError::NoSubject)?;
            form.push(("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"));
            form.push(("subject_token", subject.token.expose()));
            form.push(("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"));
            form.push(("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"));
        }
        Grant::OnBehalfOf => {
            let subject = subject.ok_or(ExchangeError::NoSubject)?;
            if !subject.is_delegated {
                return Err(ExchangeError::AppOnly);
            }
            form.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"));
            form.push(("assertion", subject.token.expose()));
            form.push(("requested_token_use", "on_behalf_of"));
        }
        Grant::ClientCredentials => form.push(("grant_type", "client_credentials")),
    }
    let scopes = upstream.scopes.join(" ");
    let optional = [("resource", &upstream.resource), ("audience", &upstream.audience)];
    form.extend(optional.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))));
    if !scopes.is_empty() {
        form.push(("scope", &scopes));
    }
    let proof = assertion.map(Proof::Assertion).or(secret.map(Proof::Secret));
    let mut authorization = None;
    match proof {
        Some(Proof::Secret(secret)) if upstream.grant == Grant::TokenExchange => {
            let id = Zeroizing::new(format!("{}:{}", encoded(&upstream.client_id), encoded(secret.expose())));
            authorization = Some(Secret::new(format!("Basic {}", STANDARD.encode(id.as_bytes()))));
        }
        Some(Proof::Secret(secret)) => {
            form.push(("client_id", &upstream.client_id));
            form.push(("client_secret", secret.expose()));
        }
        Some(Proof::Assertion(assertion)) => {
            form.push(("client_id", &upstream.client_id));
            form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            form.push(("client_assertion", assertion.expose()));
        }
        None => form.push(("client_id", &upstream.client_id)),
    }
    let body: Vec<String> = form.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    Ok(TokenRequest {
        url: upstream.token_endpoint.clone(),
        authorization,
        body: Secret::new(body.join("&")),
    })
}

/// Percent-encoding of everything but RFC 3986's unreserved characters.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Reads what a token endpoint answered. `sent` is the token that was exchanged: getting it back would be passing it on.
///
/// # Errors
/// If there is no bearer token in it that is another one.
pub fn read_answer(status: u16, body: &[u8], sent: Option<&Secret>) -> Result<Answered, ExchangeError> {
    let limits = Limits { bytes: LARGEST, depth: 16, values: 1_000 };
    let answer = json::parse(body, &limits).map_err(|_| ExchangeError::Answer("it is no JSON"))?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    if status != 200 {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let error = text("error").filter(|error| error.len() <= 64 && error.bytes().all(is_word));
        let error = error.unwrap_or("unknown").to_owned();
        let claims = text("claims").filter(|claims| claims.len() <= 4096).map(str::to_owned);
        let interaction = claims.is_some()
            || matches!(
                error.as_str(),
                "interaction_required" | "invalid_grant" | "consent_required" | "login_required"
            );
        return Err(ExchangeError::Refused { status, error, interaction, claims });
    }
    let token = text("access_token")
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
    let token = token.ok_or(ExchangeError::Answer("it has no `access_token`"))?;
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(ExchangeError::Answer("its `token_type` is not Bearer"));
    }
    if sent.is_some_and(|sent| sent.expose() == token) {
        return Err(ExchangeError::Answer(
            "it gives the client's own token back, which must not be passed on",
        ));
    }
    // Without a life of its own a token is asked for again soon.
    let seconds = answer.get("expires_in").and_then(Value::as_f64).unwrap_or(60.0).clamp(0.0, LONGEST as f64);
    #[allow(clippy::cast_possible_truncation)]
    Ok(Answered { token: Secret::new(token), seconds: seconds as i64 })
}
