//! Active probes: members are asked from time to time whether they live.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Upstreams;
use super::address::Target;
use super::config::{Form, ProbeConfig, milliseconds};
use super::headers;
use super::pool::Member;

impl Upstreams {
    /// Probes all members for as long as it is polled; does nothing where the configuration has no probes.
    pub async fn probe(&self) {
        let Some(probe) = self.config.probe.clone() else { return };
        let mut members = JoinSet::new();
        for member in self.pools.values().flat_map(|pool| pool.members.iter()) {
            let (http, probe, member) = (self.http.clone(), probe.clone(), Arc::clone(member));
            members.spawn(async move {
                loop {
                    let is_alive = timeout(milliseconds(probe.timeout_ms), ask(&http, &probe, &member))
                        .await
                        .unwrap_or(false);
                    member.health.probed(is_alive, probe.failures);
                    member.show(Instant::now());
                    sleep(milliseconds(probe.every_ms)).await;
                }
            });
        }
        // Dropping the set, as when this future is dropped, ends the probes.
        while members.join_next().await.is_some() {}
    }
}

async fn ask(http: &super::client::HttpClient, probe: &ProbeConfig, member: &Arc<Member>) -> bool {
    let Ok(target) = Target::read(&probe.path) else { return false };
    let Ok(uri) = member.base.address(member.form, &target, member.model.as_deref(), &member.api_version)
    else {
        return false;
    };
    let mut request = Request::new(Full::<Bytes>::default());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::forwarded(HeaderMap::new());
    let Ok(secret) = member.credential.secret().await else { return false };
    if let Some(secret) = secret {
        let name = match member.form {
            _ if member.is_token => http::header::AUTHORIZATION,
            Form::Anthropic => http::HeaderName::from_static("x-api-key"),
            Form::Azure | Form::AzureV1 => http::HeaderName::from_static("api-key"),
            Form::OpenAi | Form::Ollama => http::header::AUTHORIZATION,
        };
        let value = if name == http::header::AUTHORIZATION { secret.bearer } else { secret.plain };
        request.headers_mut().insert(name, value);
    }
    match http.request(request).await {
        Ok(response) => response.status().as_u16() < 500 && response.status().as_u16() != 429,
        Err(_) => false,
    }
}
