//! Tokens and credentials for servers behind: never the client's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderValue, Request};
use bytes::Bytes;
use castellan_mcp::oauth::{self, Grant, Key, Secret, TokenCache};
use castellan_mcp::proxy::Server;
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::time::timeout;

use super::{For, Mcp, secret};

/// Most tokens that are kept.
const MOST: usize = 10_000;
/// How long a token endpoint may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer of a token endpoint.
const LARGEST: usize = 64 << 10;

/// Tokens that were got.
#[derive(Debug)]
pub(super) struct Tokens(Mutex<TokenCache>);

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens(Mutex::new(TokenCache::new(MOST)))
    }
}

impl Tokens {
    fn with<T>(&self, work: impl FnOnce(&mut TokenCache) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Mcp {
    /// What a server is shown; nothing where nothing is configured.
    pub(super) async fn authorization(
        &self,
        server: &Server,
        whom: &For,
    ) -> Result<Option<HeaderValue>, String> {
        if let Some(credential) = self.credentials.get(&server.id) {
            let secret = credential.secret().await.map_err(|why| format!("the credential: {why}"))?;
            return Ok(secret.map(|secret| secret.bearer));
        }
        let Some(upstream) = &server.token else { return Ok(None) };
        let subject = whom.subject.as_ref().filter(|_| upstream.grant != Grant::ClientCredentials);
        // A token of the gate's own is everybody's.
        let principal = if subject.is_some() { whom.principal.as_str() } else { "" };
        let key = Key::new(principal, &server.id, &upstream.scopes, subject);
        let now = self.system.now();
        if let Some(token) = self.tokens.with(|tokens| tokens.get(&key, now).cloned()) {
            return bearer(&token).map(Some);
        }
        let of = |what: &str| self.credentials.get(&format!("{}?{what}", server.id)).map(Arc::clone);
        let proof = |credential: Option<Arc<_>>| async move {
            match credential {
                None => Ok(None),
                Some(credential) => secret(&credential).await.map(|text| Some(Secret::new(text))),
            }
        };
        let (client_secret, assertion) = (proof(of("secret")).await?, proof(of("assertion")).await?);
        let request = oauth::build(upstream, subject, client_secret.as_ref(), assertion.as_ref());
        let request = request.map_err(|error| error.to_string())?;
        let sent = subject.map(|subject| &subject.token);
        let (status, body) = self.fetched(&request).await?;
        let answered = oauth::read_answer(status, &body, sent).map_err(|error| error.to_string())?;
        let until = whom.until.filter(|_| subject.is_some());
        self.tokens.with(|tokens| tokens.put(key, &answered, until, now));
        bearer(&answered.token).map(Some)
    }

    /// A server refused its token: the next request gets another one.
    pub(super) fn doubt(&self, server: &Server, whom: &For) {
        let principal = if whom.subject.is_some() { whom.principal.as_str() } else { "" };
        self.tokens.with(|tokens| tokens.forget(Some(principal), Some(&server.id)));
    }

    async fn fetched(&self, request: &oauth::TokenRequest) -> Result<(u16, Bytes), String> {
        let body = Full::new(Bytes::copy_from_slice(request.body.expose().as_bytes()));
        let mut post = Request::post(&request.url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(authorization) = &request.authorization {
            let mut value = HeaderValue::from_str(authorization.expose())
                .map_err(|_| "the client's secret cannot stand in a header")?;
            value.set_sensitive(true);
            post = post.header(AUTHORIZATION, value);
        }
        let post = post.body(body).map_err(|error| error.to_string())?;
        let asked = async {
            let answer = self.http.request(post).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            Ok::<_, String>((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        timeout(PATIENCE, asked)
            .await
            .map_err(|_| "the token endpoint took too long".to_owned())?
            .map_err(|why| format!("the token endpoint cannot be asked: {why}"))
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| "the token cannot stand in a header")?;
    value.set_sensitive(true);
    Ok(value)
}
