//! What can be observed in events: kinds of values, and one normal form for each.

mod defang;
mod forms;
mod path;

use std::borrow::Cow;

pub use defang::refang;
pub use forms::{Range, address, hash_name, host_of};
pub use path::{Meaning, meaning};

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An address of IPv4 or IPv6, or a range of them.
    Ip,
    /// The name of a domain. Names below it are meant too.
    Domain,
    /// An address of the web.
    Url,
    /// A digest of a file: MD5, SHA-1, SHA-256, SHA-384, SHA-512.
    Hash,
    /// An address of e-mail.
    Email,
    /// The name of a file, without its folder.
    File,
    /// What a client says it is.
    Agent,
    /// A digest of a certificate.
    Thumbprint,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 8] = [
        Kind::Ip,
        Kind::Domain,
        Kind::Url,
        Kind::Hash,
        Kind::Email,
        Kind::File,
        Kind::Agent,
        Kind::Thumbprint,
    ];

    /// Its name: `ip`, `domain`, `url`, `hash`, `email`, `file`, `agent`, `thumbprint`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ip => "ip",
            Kind::Domain => "domain",
            Kind::Url => "url",
            Kind::Hash => "hash",
            Kind::Email => "email",
            Kind::File => "file",
            Kind::Agent => "agent",
            Kind::Thumbprint => "thumbprint",
        }
    }

    /// The kind of a name, in any case.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The one form of a value by which values are compared; none where it is no value of this kind.
    ///
    /// * Addresses are as RFC 5952 writes them, IPv4 within IPv6 as IPv4, ranges with their bits behind the prefix zero.
    /// * Names of domains are in lower case without a dot at the end.
    /// * Addresses of the web lack scheme, user, usual port and fragment, so that `http` and `https` are the same.
    /// * Digests and thumbprints are in lower case without separators.
    /// * Names of files lack their folder. All but paths in addresses of the web are in lower case.
    ///
    /// What was made harmless (`hxxp`, `[.]`) is understood. Names in other scripts are compared as they are written:
    /// `xn--` names are not expanded.
    ///
    /// ```
    /// use castellan_stix::Kind;
    ///
    /// assert_eq!(Kind::Ip.normal("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
    /// assert_eq!(Kind::Domain.normal("Evil[.]Example.").as_deref(), Some("evil.example"));
    /// assert_eq!(Kind::Url.normal("hxxps://Evil.example:443/A?b#c").as_deref(), Some("evil.example/A?b"));
    /// assert_eq!(Kind::File.normal("C:\\Temp\\Evil.EXE").as_deref(), Some("evil.exe"));
    /// assert_eq!(Kind::Hash.normal("no digest"), None);
    /// ```
    pub fn normal(self, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_VALUE {
            return None;
        }
        match self {
            Kind::Ip => Range::parse(&refang(text)).map(|range| range.to_string()),
            Kind::Domain => forms::domain(&refang(text)),
            Kind::Url => forms::url(&refang(text)),
            Kind::Hash => forms::digest(text, &[32, 40, 64, 96, 128]),
            Kind::Email => forms::email(&refang(text)),
            Kind::File => forms::file(text),
            Kind::Agent => Some(text.to_lowercase()),
            Kind::Thumbprint => forms::digest(&text.replace([':', ' ', '-'], ""), &[32, 40, 64]),
        }
    }

    /// The kind of a value that does not say what it is, with the value as it is meant.
    pub fn guess(text: &str) -> Option<Observable> {
        let meant = refang(text.trim());
        let kinds = [Kind::Ip, Kind::Hash, Kind::Email];
        let kind = if meant.contains("://") || (meant.contains('/') && Kind::Ip.normal(&meant).is_none()) {
            Kind::Url
        } else {
            let plain = kinds.into_iter().find(|kind| kind.normal(&meant).is_some());
            plain.unwrap_or(Kind::Domain)
        };
        kind.normal(&meant)?;
        Some(Observable { kind, value: meant.into_owned() })
    }

    /// The property of STIX that holds a value of this kind, as patterns name it.
    pub fn path(self, value: &str) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Kind::Ip if value.contains(':') => "ipv6-addr:value",
            Kind::Ip => "ipv4-addr:value",
            Kind::Domain => "domain-name:value",
            Kind::Url => "url:value",
            Kind::Hash => return Cow::Owned(format!("file:hashes.{}", quoted(hash_name(value)))),
            Kind::Email => "email-addr:value",
            Kind::File => "file:name",
            Kind::Agent => "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
            Kind::Thumbprint => {
                return Cow::Owned(format!("x509-certificate:hashes.{}", quoted(hash_name(value))));
            }
        })
    }
}

fn quoted(name: &str) -> String {
    if name.contains('-') { format!("'{name}'") } else { name.to_owned() }
}

/// The longest value that is compared, in bytes.
pub const MAX_VALUE: usize = 8 << 10;

/// A value and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Observable {
    /// Its kind.
    pub kind: Kind,
    /// The value as its source writes it, but meant as it is: `evil.example` for `evil[.]example`.
    pub value: String,
}

impl Observable {
    /// A value that has a normal form.
    pub fn new(kind: Kind, text: &str) -> Option<Observable> {
        kind.normal(text)?;
        let text = text.trim();
        let value = match kind {
            Kind::Ip | Kind::Domain | Kind::Url | Kind::Email => refang(text).into_owned(),
            _ => text.to_owned(),
        };
        Some(Observable { kind, value })
    }

    /// A pattern that finds it.
    pub fn pattern(&self) -> String {
        let value = self.value.replace('\\', "\\\\").replace('\'', "\\'");
        format!("[{} = '{value}']", self.kind.path(&self.value))
    }
}

#[cfg(test)]
mod tests;
