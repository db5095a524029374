//! Which hosts may be reached: those that the configuration names, and no others.
//!
//! A playbook, an alert or a variable can hold any address, and an attacker can write some of them. *Invariant (no
//! request but to a named host):* an address is compared with the list before a connection is made, redirects are not
//! followed, and plain HTTP goes to this machine alone.

use std::net::IpAddr;

use reqwest::Url;

/// The hosts that may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: Vec<String>,
}

/// An address that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is none.
    #[error("`{0}` is no address; write https://HOST/PATH")]
    NotAnAddress(String),
    /// Its host is not named.
    #[error(
        "the host `{0}` is not among those that may be reached; add it to the allowed hosts if that is meant"
    )]
    NotAllowed(String),
    /// It is neither HTTPS nor on this machine.
    #[error("`{0}` would be reached without TLS; only this machine is")]
    NotSafe(String),
    /// It carries a password.
    #[error("the address has a user or a password in it; give them as secrets")]
    Credentials,
}

impl Hosts {
    /// Hosts by name, a port behind a colon where it is not the usual one. `*.example.com` are all below.
    ///
    /// ```
    /// use castellan_respond::actions::Hosts;
    ///
    /// let hosts = Hosts::new(["hooks.example.com", "*.service-now.com", "127.0.0.1:8080"]);
    /// assert!(hosts.check("https://hooks.example.com/x").is_ok());
    /// assert!(hosts.check("https://acme.service-now.com/api").is_ok());
    /// assert!(hosts.check("http://127.0.0.1:8080/").is_ok());
    /// assert!(hosts.check("http://169.254.169.254/metadata").is_err());
    /// assert!(hosts.check("https://hooks.example.com@evil.example/").is_err());
    /// ```
    pub fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Hosts {
        Hosts { names: names.into_iter().map(|name| name.into().to_ascii_lowercase()).collect() }
    }

    /// The address, when it may be reached.
    pub fn check(&self, address: &str) -> Result<Url, HostError> {
        let url = Url::parse(address).map_err(|_| HostError::NotAnAddress(address.to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HostError::Credentials);
        }
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        if !self.allows(&host, url.port()) {
            return Err(HostError::NotAllowed(host));
        }
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(&host));
        if is_safe { Ok(url) } else { Err(HostError::NotSafe(host)) }
    }

    /// True when a host may be reached at a port; `None` is the usual one.
    pub(crate) fn allows(&self, host: &str, port: Option<u16>) -> bool {
        let full = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let is_address = bare(host).parse::<IpAddr>().is_ok();
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => {
                !is_address && full.strip_suffix(parent).is_some_and(|below| below.ends_with('.'))
            }
            None => *name == full,
        })
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// True for the loopback interface.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host == "localhost" || bare(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_reached() {
        let hosts = Hosts::new(["hooks.example.com", "*.corp.example", "localhost:9000", "plain.example"]);
        let cases = [
            ("https://hooks.example.com/a?b", true),
            ("https://HOOKS.example.com/a", true),
            ("https://hooks.example.com:8443/a", false),
            ("https://evilhooks.example.com/a", false),
            ("https://hooks.example.com.evil/a", false),
            ("https://a.b.corp.example/", true),
            ("https://corp.example/", false),
            ("https://xcorp.example/", false),
            ("http://localhost:9000/", true),
            ("http://plain.example/", false),
            ("https://user:pw@hooks.example.com/", false),
            ("https://[::ffff:169.254.169.254]/", false),
            ("file:///etc/passwd", false),
            ("https://2130706433/", false),
            ("", false),
        ];
        for (address, expected) in cases {
            assert_eq!(hosts.check(address).is_ok(), expected, "{address}");
        }
    }
}
