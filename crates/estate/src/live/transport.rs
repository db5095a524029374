//! One HTTP exchange, bounded in time and size.

use std::sync::OnceLock;
use std::time::Duration;

use castellan_base::Ticks;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};

use super::retry;
use super::{LiveOptions, Secret};

/// The HTTP clients, made when first needed.
pub(super) struct Transport {
    /// For `https`: honours the environment's proxy and trusts what the machine trusts.
    remote: OnceLock<Client>,
    /// For `http`, which only loopback and link-local addresses may use: a proxy could not reach them and must not see
    /// them, and the machine's certificate store is not needed.
    local: OnceLock<Client>,
    request_timeout: Duration,
    concurrency: usize,
    response_bytes: usize,
}

/// What is asked.
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) url: &'r Url,
    pub(super) body: Option<(&'static str, &'r str)>,
    pub(super) secrets: Vec<(HeaderName, Secret)>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What came back, whatever the status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) quota_wait: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExchangeError {
    /// No connection, a timeout or a body that broke off: worth another attempt.
    #[error("{0}")]
    Broken(String),
    /// The body is larger than the bound.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// A header cannot carry the secret.
    #[error("the token holds characters that a header cannot carry")]
    UnsendableSecret,
    /// The HTTP client cannot be set up, for want of certificates for example.
    #[error("the HTTP client cannot be set up: {0}")]
    NoClient(String),
}

impl Transport {
    pub(super) fn new(options: &LiveOptions) -> Transport {
        Transport {
            remote: OnceLock::new(),
            local: OnceLock::new(),
            request_timeout: options.request_timeout,
            concurrency: options.concurrency,
            response_bytes: options.response_bytes,
        }
    }

    fn client(&self, url: &Url) -> Result<&Client, ExchangeError> {
        let is_remote = url.scheme() != "http";
        let slot = if is_remote { &self.remote } else { &self.local };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let builder = Client::builder()
            // A redirect could carry the token elsewhere, and Resource Manager's reads do not redirect.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.request_timeout)
            .connect_timeout(self.request_timeout.min(Duration::from_secs(20)))
            .pool_max_idle_per_host(self.concurrency)
            .user_agent(concat!("castellan/", env!("CARGO_PKG_VERSION")));
        let builder = if is_remote { builder } else { builder.no_proxy().tls_certs_only([]) };
        let client = builder.build().map_err(|error| ExchangeError::NoClient(chain(&error)))?;
        Ok(slot.get_or_init(|| client))
    }

    pub(super) async fn exchange(&self, request: Request<'_>, now: Ticks) -> Result<Answer, ExchangeError> {
        let mut builder = self.client(request.url)?.request(request.method, request.url.clone());
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        for (name, secret) in request.secrets {
            let mut value =
                HeaderValue::from_str(secret.reveal()).map_err(|_| ExchangeError::UnsendableSecret)?;
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        if let Some((content_type, body)) = request.body {
            builder = builder.header(CONTENT_TYPE, content_type).body(body.to_owned());
        }
        let mut response = builder.send().await.map_err(broken)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = retry::retry_after(header, now);
        let quota_wait = retry::quota_wait(header);
        let status = response.status().as_u16();
        let body = self.read_body(&mut response).await?;
        Ok(Answer { status, retry_after, quota_wait, body })
    }

    async fn read_body(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, ExchangeError> {
        let limit = self.response_bytes;
        let declared = response.content_length().unwrap_or(0);
        if declared > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(ExchangeError::TooLarge(limit));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > limit {
                return Err(ExchangeError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn broken(error: reqwest::Error) -> ExchangeError {
    ExchangeError::Broken(chain(&error.without_url()))
}

/// An error with its causes, which say what went wrong where the outermost only says that something did.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// True when a secret may be sent there: over TLS, or without it where it does not leave the machine.
pub(super) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// True for an instance metadata service: link-local, so that it does not leave the host either.
pub(super) fn is_link_local(url: &Url) -> bool {
    let address: Option<std::net::Ipv4Addr> = url.host_str().and_then(|host| host.parse().ok());
    address.is_some_and(|address| address.is_link_local())
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = bare.parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}
