//! What was allowed.

use reqwest::Url;

use super::refused;
use crate::Error;

/// The addresses that may be read.
#[derive(Debug)]
pub(super) struct Permit(Vec<Entry>);

/// A host, and the beginning of a path.
#[derive(Debug)]
struct Entry {
    host: String,
    /// Whether hosts below it are meant, and not itself.
    is_parent: bool,
    port: u16,
    path: String,
}

const HTTPS_PORT: u16 = 443;

impl Permit {
    /// From what somebody wrote.
    ///
    /// Errors: nothing is allowed, or what is written is no host and no address.
    pub(super) fn new(allow: &[String]) -> Result<Permit, Error> {
        if allow.is_empty() {
            return Err(Error {
                help:
                    "allow the hosts that it may read, with `--allow-external HOST` or `Settings::external`"
                        .to_owned(),
                ..refused("`externaldata` is not allowed here")
            });
        }
        allow.iter().map(|text| Entry::read(text)).collect::<Result<_, _>>().map(Permit)
    }

    /// Errors: an address that was not allowed, with what is wrong about it.
    pub(super) fn check(&self, url: &Url, is_plain_allowed: bool) -> Result<(), Error> {
        let is_https = url.scheme() == "https" || is_plain_allowed && url.scheme() == "http";
        if !is_https {
            return Err(refused("`externaldata` reads https addresses alone"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("an address with a user name is not read"));
        }
        if self.0.iter().any(|entry| entry.has(url)) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(Error {
            help: format!("allow it with `--allow-external {host}` or `Settings::external`"),
            ..refused(format!("`externaldata` may not read from `{host}`"))
        })
    }
}

impl Entry {
    fn read(text: &str) -> Result<Entry, Error> {
        let wrong = || refused(format!("`{text}` is no host and no beginning of an https address"));
        let rest = text.strip_prefix("https://").unwrap_or(text);
        let (rest, is_parent) = match rest.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let url = Url::parse(&format!("https://{rest}")).map_err(|_| wrong())?;
        let is_clean = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| !host.is_empty() && is_clean).ok_or_else(wrong)?;
        let port = url.port().unwrap_or(HTTPS_PORT);
        Ok(Entry { host: host.to_owned(), is_parent, port, path: url.path().to_owned() })
    }

    fn has(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_host = if self.is_parent {
            host.strip_suffix(self.host.as_str()).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
        } else {
            host == self.host
        };
        // The path of an address has been put straight by now: no `..` is left in it.
        let is_below = url
            .path()
            .strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'));
        is_host && url.port_or_known_default() == Some(self.port) && is_below
    }
}
