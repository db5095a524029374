//! Tokens and secrets from Azure: managed identities by workload identity, App Service or the instance metadata service,
//! and key vaults.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::address::escape;
use super::config::milliseconds;
use super::credential::{Fetched, Secret, Source, read};

/// The audience of tokens for key vaults.
pub(super) const VAULT_AUDIENCE: &str = "https://vault.azure.net";
/// Where tokens are exchanged when the environment does not say.
const AUTHORITY: &str = "https://login.microsoftonline.com/";
/// The longest wait that an answer may ask for: whoever asks for more is not asked again while requests wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
const LARGEST: usize = 256 << 10;
/// Attempts, and the wait before the second, which doubles.
const ATTEMPTS: (u32, Duration) = (4, Duration::from_millis(200));
/// Domains of vaults in Azure's clouds.
const VAULTS: [&str; 3] = [".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net"];

/// The host and the path of a secret's address.
pub(super) fn vault(url: &str) -> Result<(String, String), &'static str> {
    let rest = url.strip_prefix("https://").ok_or("a key vault's address begins with `https://`")?;
    let (host, path) = rest.split_once('/').ok_or("it names no secret")?;
    let name = VAULTS.iter().find_map(|domain| host.strip_suffix(domain));
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !name.is_some_and(is_plain) {
        return Err("the host is no key vault of Azure");
    }
    let secret = path.strip_prefix("secrets/").ok_or("the path must be `/secrets/NAME`")?;
    if secret.split('/').count() > 2 || !secret.split('/').all(is_plain) {
        return Err("the path must be `/secrets/NAME` or `/secrets/NAME/VERSION`");
    }
    Ok((host.to_owned(), format!("/secrets/{secret}")))
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(deserialize_with = "zeroizing")]
    access_token: Zeroizing<String>,
    /// Seconds; a number or a text. App Service gives `expires_on` alone, in seconds since 1970.
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    expires_on: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<u64> {
        match self {
            Seconds::Number(seconds) => Some(*seconds),
            Seconds::Text(text) => text.parse().ok(),
        }
    }
}

fn zeroizing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// A token of this machine's identity for an audience.
pub(super) async fn token(
    source: &Source,
    audience: &str,
    client_id: Option<&str>,
) -> Result<Fetched, String> {
    let env = |name: &str| source.system.env(name);
    let workload = (env("AZURE_FEDERATED_TOKEN_FILE"), env("AZURE_TENANT_ID"));
    let app_service = (env("IDENTITY_ENDPOINT"), env("IDENTITY_HEADER"));
    let bytes = if let (Some(file), Some(tenant)) = workload {
        let client = client_id.map(str::to_owned).or_else(|| env("AZURE_CLIENT_ID"));
        let client = client.ok_or("workload identity needs `AZURE_CLIENT_ID` or a `client_id`")?;
        let authority = env("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
        federated(source, &authority, &tenant, &client, PathBuf::from(file), audience).await?
    } else if let (Some(endpoint), Some(header)) = app_service {
        let header = Zeroizing::new(header);
        local(source, &endpoint, "2019-08-01", "x-identity-header", &header, audience, client_id).await?
    } else {
        let base = format!("{}/metadata/identity/oauth2/token", source.azure.imds_url.trim_end_matches('/'));
        local(source, &base, "2018-02-01", "metadata", "true", audience, client_id).await?
    };
    let answer: TokenAnswer =
        serde_json::from_slice(&bytes).map_err(|_| "the identity's answer holds no token")?;
    let secret = Secret::new(&answer.access_token).map_err(|reason| format!("the token: {reason}"))?;
    let lifetime = answer.expires_in.as_ref().and_then(Seconds::get).or_else(|| {
        let now = u64::try_from(source.system.now().unix_nanos() / 1_000_000_000).ok()?;
        Some(answer.expires_on.as_ref()?.get()?.saturating_sub(now))
    });
    let lifetime = lifetime.ok_or("the identity's answer does not say for how long the token lasts")?;
    Ok(Fetched::token(secret, Duration::from_secs(lifetime)))
}

/// The instance metadata service and App Service: a `GET` with a header that a browser cannot be made to send.
async fn local(
    source: &Source,
    endpoint: &str,
    version: &str,
    header: &'static str,
    value: &str,
    audience: &str,
    client_id: Option<&str>,
) -> Result<Bytes, String> {
    let client = client_id.map(|id| format!("&client_id={}", escape(id))).unwrap_or_default();
    let url = format!("{endpoint}?api-version={version}&resource={}{client}", escape(audience));
    let mut value = HeaderValue::from_str(value).map_err(|_| "`IDENTITY_HEADER` cannot be sent")?;
    value.set_sensitive(true);
    let make = || {
        Request::get(uri(&url)?)
            .header(header, value.clone())
            .body(Full::default())
            .map_err(|_| "the request for a token cannot be made".to_owned())
    };
    ask(source, "the managed identity", make).await
}

/// The token of the service account exchanged for one of Entra (RFC 7523, as Microsoft's identity platform has it).
async fn federated(
    source: &Source,
    authority: &str,
    tenant: &str,
    client: &str,
    file: PathBuf,
    audience: &str,
) -> Result<Bytes, String> {
    let bytes = read(source, file).await?;
    let assertion = std::str::from_utf8(&bytes).map_err(|_| "the federated token is no text")?.trim();
    let url = format!("{}/{}/oauth2/v2.0/token", authority.trim_end_matches('/'), escape(tenant));
    let scope = format!("{}/.default", audience.trim_end_matches('/'));
    let form = Zeroizing::new(format!(
        "grant_type=client_credentials&client_id={}&scope={}&client_assertion_type={}&client_assertion={}",
        escape(client),
        escape(&scope),
        escape("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        escape(assertion)
    ));
    let make = || {
        Request::builder()
            .method(Method::POST)
            .uri(uri(&url)?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::copy_from_slice(form.as_bytes())))
            .map_err(|_| "the request for a token cannot be made".to_owned())
    };
    ask(source, "the token exchange", make).await
}

#[derive(Deserialize)]
struct SecretAnswer {
    #[serde(deserialize_with = "zeroizing")]
    value: Zeroizing<String>,
}

/// A secret from a key vault.
pub(super) async fn secret(
    source: &Source,
    host: &str,
    path: &str,
    token: &Secret,
) -> Result<Fetched, String> {
    let base = match &source.azure.key_vault_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("https://{host}"),
    };
    let url = format!("{base}{path}?api-version=7.4");
    let make = || {
        Request::get(uri(&url)?)
            .header(AUTHORIZATION, token.bearer.clone())
            .body(Full::default())
            .map_err(|_| "the request for a secret cannot be made".to_owned())
    };
    let bytes = ask(source, "the key vault", make).await?;
    let answer: SecretAnswer =
        serde_json::from_slice(&bytes).map_err(|_| "the key vault's answer holds no secret")?;
    let secret =
        Secret::new(&answer.value).map_err(|reason| format!("the secret in the key vault: {reason}"))?;
    Ok(Fetched { secret, fresh: Some(milliseconds(source.azure.secret_ms)), usable: None })
}

fn uri(url: &str) -> Result<Uri, String> {
    url.parse().map_err(|_| format!("`{url}` is no address"))
}

/// Asks, and asks again where it may help. The answer's body is never part of an error: it may hold a secret.
async fn ask(
    source: &Source,
    whom: &str,
    make: impl Fn() -> Result<Request<Full<Bytes>>, String>,
) -> Result<Bytes, String> {
    let (attempts, mut pause) = ATTEMPTS;
    let mut asked = Duration::ZERO;
    let patience = milliseconds(source.azure.ask_ms);
    let mut reason = String::new();
    for attempt in 0..attempts {
        if attempt > 0 {
            sleep(pause.max(asked)).await;
            (pause, asked) = (pause * 2, Duration::ZERO);
        }
        match timeout(patience, once(source, make()?)).await {
            Ok(Ok((StatusCode::OK, _, bytes))) => return Ok(bytes),
            Ok(Ok((status, told, _))) => {
                reason = format!("{whom} answered {status}");
                asked = told;
                // 404 and 410: the metadata service is being updated.
                let may_help = status.is_server_error() || matches!(status.as_u16(), 404 | 410 | 429);
                if !may_help || told > LONGEST_WAIT {
                    break;
                }
            }
            Ok(Err(error)) => reason = format!("{whom} cannot be asked: {error}"),
            Err(_) => reason = format!("{whom} did not answer within {} ms", patience.as_millis()),
        }
    }
    Err(reason)
}

/// The status, how long to wait before it is asked again, and the body.
async fn once(
    source: &Source,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Duration, Bytes), String> {
    let response = source.http.request(request).await.map_err(|error| super::send::reason(&error))?;
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
    let wait = wait.map_or(Duration::ZERO, Duration::from_secs);
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    Ok((status, wait, body.map_err(|_| "the answer broke off, or is too large")?.to_bytes()))
}
