//! Asking the provider: its metadata, its keys, tokens for codes.

use std::time::Duration;

use castellan_access::token::FetchPlan;
use castellan_base::Ticks;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use super::{Oidc, Refused};

/// Largest document, in bytes.
const LARGEST: usize = 1 << 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long metadata hold, and how long it holds that there are none, in ticks.
const FRESH: i64 = 3_600 * Ticks::PER_SECOND;
const AGAIN: i64 = 5 * Ticks::PER_SECOND;

/// Metadata or why there are none, and since when.
pub(super) type Held = Option<(Ticks, Result<Metadata, Refused>)>;

/// What is needed of the provider's metadata (OpenID Connect Discovery 1.0, 3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    /// Whether answers name the provider (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// A client of the provider.
pub(super) struct Fetcher(reqwest::Client);

impl Fetcher {
    pub(super) fn new() -> Result<Fetcher, String> {
        // A provider that leads elsewhere would have a secret sent there.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        client.build().map(Fetcher).map_err(|error| error.to_string())
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        whole(self.0.get(url).header(ACCEPT, "application/json")).await
    }

    /// Sends a form.
    pub(super) async fn post(
        &self,
        url: &str,
        form: String,
        authorization: Option<String>,
    ) -> Result<Vec<u8>, String> {
        let mut request = self.0.post(url).header(ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        whole(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)).await
    }
}

async fn whole(request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err("it answers too much".to_owned());
        }
    }
    if status.is_success() {
        return Ok(bytes);
    }
    // What RFC 6749, 5.2 says of the reason; nothing else of the answer.
    #[derive(Deserialize)]
    struct Told {
        error: String,
    }
    let told = serde_json::from_slice::<Told>(&bytes).map(|told| told.error).unwrap_or_default();
    let told: String = told.chars().filter(|character| !character.is_control()).take(80).collect();
    Err(format!("it answers {status} {told}"))
}

impl Oidc {
    fn unreachable(&self, what: &str, why: &str) -> Refused {
        Refused::new("unreachable", format!("{what} of {} cannot be had: {why}", self.config.issuer))
    }

    /// Where the provider has what is needed; asked for once an hour.
    pub(super) async fn metadata(&self, now: Ticks) -> Result<Metadata, Refused> {
        let mut held = self.metadata.lock().await;
        if let Some((since, known)) = &*held {
            let holds = if known.is_ok() { FRESH } else { AGAIN };
            if now >= *since && now.get().saturating_sub(since.get()) < holds {
                return known.clone();
            }
        }
        let fetched = self.fetch_metadata().await;
        *held = Some((now, fetched.clone()));
        fetched
    }

    async fn fetch_metadata(&self) -> Result<Metadata, Refused> {
        let url = format!("{}/.well-known/openid-configuration", self.config.issuer.trim_end_matches('/'));
        let failed = |why: String| self.unreachable("metadata", &why);
        let bytes = self.fetcher.get(&url).await.map_err(failed)?;
        let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        if metadata.issuer != self.config.issuer {
            return Err(failed(format!("they are those of `{}`", metadata.issuer)));
        }
        for url in [&metadata.authorization_endpoint, &metadata.token_endpoint] {
            let is_safe = url.starts_with("https://")
                || self.config.allow_loopback_http && super::config::is_loopback_url(url);
            if !is_safe || url.bytes().any(|byte| !byte.is_ascii_graphic()) {
                return Err(failed(format!("`{url}` is no https address")));
            }
        }
        Ok(metadata)
    }

    /// Fetches the keys of a plan.
    pub(super) async fn fetch_keys(&self, plan: &FetchPlan, now: Ticks) -> Result<(), Refused> {
        let fetched = async {
            let url = match (&plan.jwks_url, &plan.metadata_url) {
                (Some(url), _) => url.clone(),
                (None, Some(url)) => {
                    let bytes = self.fetcher.get(url).await?;
                    self.issuers.take_metadata(plan, &bytes).map_err(|error| error.to_string())?
                }
                (None, None) => return Err("nobody says where they are".to_owned()),
            };
            let bytes = self.fetcher.get(&url).await?;
            self.issuers.take_keys(plan, &bytes, now).map_err(|error| error.to_string())
        };
        match fetched.await {
            Ok(_) => Ok(()),
            Err(why) => {
                self.issuers.fetch_failed(plan, now);
                Err(self.unreachable("keys", &why))
            }
        }
    }
}
