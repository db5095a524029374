//! A file over the network.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url};

use super::address::is_public;
use super::permit::Permit;
use super::{External, failed, of_file, refused};
use crate::Error;

/// How names become addresses, and which of those may be connected to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    /// A server on this machine that stands for every public one, in tests.
    #[cfg(test)]
    pub(super) stand_in: Option<SocketAddr>,
}

impl Network {
    /// Whether `http` will do.
    fn is_plain_allowed(&self) -> bool {
        #[cfg(test)]
        return self.stand_in.is_some();
        #[cfg(not(test))]
        false
    }

    /// The addresses of a host, all of which are public.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let found: Vec<SocketAddr> = match literal {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                self.resolved(host, port).await.map_err(|error| failed(format!("no address: {error}")))?
            }
        };
        if found.is_empty() {
            return Err(failed("the host has no address"));
        }
        if let Some(special) = found.iter().find(|address| !is_public(address.ip())) {
            let message = format!("`{host}` is {}, which is no public address", special.ip());
            return Err(refused(message));
        }
        #[cfg(test)]
        if let Some(stand_in) = self.stand_in {
            return Ok(vec![stand_in]);
        }
        Ok(found)
    }

    async fn resolved(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        #[cfg(test)]
        if self.stand_in.is_some() {
            return Ok(super::tests::addresses_of(host, port));
        }
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// The most redirects.
const MAX_HOPS: usize = 5;

/// The bytes of a file.
///
/// Errors: an address that is not allowed, on any hop; a server that fails; more bytes than allowed.
pub(super) async fn fetch(
    source: &str,
    permit: &Permit,
    network: &Network,
    settings: &External,
) -> Result<Vec<u8>, Error> {
    if source.contains(';') {
        return Err(Error {
            help: "use an address that can be read without, as one with a shared access signature".to_owned(),
            ..of_file(source, refused("keys and identities behind `;` are not supported"))
        });
    }
    let wrong = |_| refused("`externaldata` reads https addresses alone");
    let mut url = Url::parse(source).map_err(wrong).map_err(|error| of_file(source, error))?;
    for _ in 0..=MAX_HOPS {
        let answer =
            hop(&url, permit, network, settings).await.map_err(|error| of_file(url.as_str(), error))?;
        match answer {
            Answer::Bytes(bytes) => return Ok(bytes),
            Answer::Elsewhere(next) => url = next,
        }
    }
    Err(of_file(source, failed(format!("more than {MAX_HOPS} redirects"))))
}

enum Answer {
    Bytes(Vec<u8>),
    Elsewhere(Url),
}

async fn hop(url: &Url, permit: &Permit, network: &Network, settings: &External) -> Result<Answer, Error> {
    permit.check(url, network.is_plain_allowed())?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = network.addresses(host, port).await?;
    let client = Client::builder()
        .https_only(!network.is_plain_allowed())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // The addresses that were looked at, and no others.
        .resolve_to_addrs(host, &addresses)
        .connect_timeout(settings.time)
        .user_agent(concat!("castellan/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failed(reason(&error)))?;
    let response = client.get(url.clone()).send().await.map_err(|error| failed(reason(&error)))?;
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        return next.map(Answer::Elsewhere).ok_or_else(|| failed("the server redirects to nowhere"));
    }
    if !status.is_success() {
        return Err(failed(format!("the server answers {}", status.as_u16())));
    }
    body(response, settings.bytes).await.map(Answer::Bytes)
}

/// The body, as far as it is allowed to go.
async fn body(mut response: Response, most: u64) -> Result<Vec<u8>, Error> {
    let too_large = || failed(format!("it has more than {} bytes", most));
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(reason(&error)))? {
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost reason, which says more than "error sending request". The address is told elsewhere.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
