//! Requests over HTTP: to one host, within bounds, tried again when that may help.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Url};

use super::{Credentials, Options, TaxiiError};

/// The media type of the protocol.
const MEDIA: &str = "application/taxii+json;version=2.1";
/// How much of what a server says of an error is told.
const TOLD: usize = 300;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Asks one host.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    base: Url,
    options: Options,
}

impl Http {
    pub(super) async fn new(address: &str, options: Options) -> Result<Http, TaxiiError> {
        let base = checked(address, &options)?;
        let wrong = |why: String| TaxiiError::Address { address: shown(&base), why };
        let host = base.host_str().unwrap_or_default().to_owned();
        let port = base.port_or_known_default().unwrap_or(443);
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let found = tokio::net::lookup_host((bare.as_str(), port)).await;
        let found: Vec<SocketAddr> =
            found.map_err(|error| wrong(format!("the host is not found: {error}")))?.collect();
        if !options.private
            && let Some(inner) = found.iter().find(|address| is_inner(address.ip()))
        {
            let why = "lies within this network; say `private` where that is meant";
            return Err(wrong(format!("{} {why}", inner.ip())));
        }
        let client = |error: reqwest::Error| TaxiiError::Client(error.to_string());
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(20))
            .timeout(options.request)
            // What was looked at is what is used: a name may lead elsewhere a moment later.
            .resolve_to_addrs(&bare, &found)
            .user_agent(concat!("castellan/", env!("CARGO_PKG_VERSION")));
        if !options.authorities.is_empty() {
            let certificates = Certificate::from_pem_bundle(&options.authorities).map_err(client)?;
            builder = builder.tls_certs_merge(certificates);
        }
        if options.private {
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        Ok(Http { client: builder.build().map_err(client)?, base, options })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// An address on the same host.
    pub(super) fn join(&self, address: &str) -> Result<Url, TaxiiError> {
        let wrong = |why: &str| TaxiiError::Address {
            address: address.chars().take(200).collect(),
            why: why.to_owned(),
        };
        let url = self.base.join(address).map_err(|_| wrong("it is no address"))?;
        if url.origin() != self.base.origin() {
            return Err(wrong("it is on another host, which gets no credentials; name it by itself"));
        }
        Ok(url)
    }

    /// Asks until there is an answer, or there will be none.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, TaxiiError> {
        let what = shown(url);
        let mut why = String::new();
        for attempt in 0..self.options.tries.max(1) {
            let mut request = self.client.get(url.clone()).header(ACCEPT, MEDIA);
            request = match &self.options.credentials {
                Credentials::None => request,
                Credentials::Basic { user, password } => request.basic_auth(user, Some(password.as_str())),
                Credentials::Bearer(token) => request.bearer_auth(token.as_str()),
            };
            let pause = match request.send().await {
                Ok(response) => {
                    let (status, headers) = (response.status().as_u16(), response.headers().clone());
                    let body = self.body(response, &what).await;
                    match (status, body) {
                        (200..300, Ok(body)) => return Ok(Answer { headers, body }),
                        (200..300, Err(error @ TaxiiError::Answer { .. })) => return Err(error),
                        (200..300, Err(error)) => {
                            why = error.to_string();
                            self.pause(attempt, None)
                        }
                        (429 | 500 | 502 | 503 | 504, _) => {
                            why = format!("status {status}");
                            self.pause(attempt, after(&headers))
                        }
                        (_, body) => return Err(refused(what, status, &body.unwrap_or_default())),
                    }
                }
                Err(error) => {
                    why = chain(&error.without_url());
                    self.pause(attempt, None)
                }
            };
            let Some(pause) = pause.filter(|_| attempt + 1 < self.options.tries) else { break };
            tokio::time::sleep(pause).await;
        }
        Err(TaxiiError::NoAnswer { what, tries: self.options.tries.max(1), why })
    }

    /// How long to wait before another try; none where the server asks for more than is waited.
    fn pause(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        let usual = Duration::from_millis(500).saturating_mul(1 << attempt.min(10));
        match asked {
            Some(asked) => (asked <= self.options.longest_pause).then_some(asked),
            None => Some(usual.min(self.options.longest_pause)),
        }
    }

    async fn body(&self, mut response: reqwest::Response, what: &str) -> Result<Vec<u8>, TaxiiError> {
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| TaxiiError::NoAnswer {
                what: what.to_owned(),
                tries: 1,
                why: format!("the answer broke off: {}", chain(&error.without_url())),
            })?;
            let Some(chunk) = chunk else { return Ok(body) };
            if body.len() + chunk.len() > self.options.largest {
                let why =
                    format!("the answer has more than {} bytes; ask for smaller pages", self.options.largest);
                return Err(TaxiiError::Answer { what: what.to_owned(), why });
            }
            body.extend_from_slice(&chunk);
        }
    }
}

fn refused(what: String, status: u16, body: &[u8]) -> TaxiiError {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let text = member("title").into_iter().chain(member("description")).collect::<Vec<_>>().join(": ");
    let text = if text.is_empty() { String::from_utf8_lossy(body).into_owned() } else { text };
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TOLD).collect();
    TaxiiError::Refused { what, status, said }
}

/// How long a server asks to wait: seconds, or a date. Source: RFC 9110, section 10.2.3.
fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = until.duration_since(Timestamp::now()).as_secs();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// An address that may be used.
fn checked(address: &str, options: &Options) -> Result<Url, TaxiiError> {
    let wrong = |why: &str| TaxiiError::Address {
        address: address.rsplit_once('@').map_or(address, |(_, behind)| behind).chars().take(200).collect(),
        why: why.to_owned(),
    };
    let url = Url::parse(address).map_err(|_| wrong("it is no address; write https://HOST/taxii2/"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it has a user or a password in it; name them in the file of feeds, or by arguments",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if options.private => Ok(url),
        "http" => Err(wrong("it would be reached without TLS; say `private` where that is meant")),
        _ => Err(wrong("it is neither https nor http")),
    }
}

/// An address as it is told: its query may hold words of the server alone.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// Whether an address lies within one's own network.
fn is_inner(address: IpAddr) -> bool {
    let never = crate::matching::Never::built_in();
    address.is_loopback()
        || address.is_unspecified()
        || never
            .why(castellan_stix::Kind::Ip, &address.to_canonical().to_string())
            .is_some_and(|why| !why.contains("DNS"))
}

/// An error with its causes, of which the innermost says what went wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_used() {
        let check = |address: &str, private: bool| {
            checked(address, &Options { private, ..Options::default() }).is_ok()
        };
        assert!(check("https://taxii.example.com/taxii2/", false));
        assert!(!check("http://taxii.example.com/taxii2/", false));
        assert!(check("http://127.0.0.1:5000/taxii2/", true));
        assert!(!check("https://user:pw@taxii.example.com/", true));
        assert!(!check("file:///etc/passwd", true));
        for inner in ["127.0.0.1", "10.1.1.1", "169.254.169.254", "::1", "fd00::1", "0.0.0.0", "100.64.0.1"] {
            assert!(is_inner(inner.parse().unwrap()), "{inner}");
        }
        for outer in ["203.0.113.7", "2001:db8::1", "8.8.8.8"] {
            assert!(!is_inner(outer.parse().unwrap()), "{outer}");
        }
    }

    #[tokio::test]
    async fn inner_hosts_are_refused_unless_asked_for() {
        let error = Http::new("https://localhost/taxii2/", Options::default()).await.unwrap_err();
        assert!(error.to_string().contains("private"), "{error}");
    }
}
