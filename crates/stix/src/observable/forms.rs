//! The normal forms.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A range of addresses, of which a single address is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    /// The first address as 128 bits; IPv4 stands within `::ffff:0:0/96`.
    pub bits: u128,
    /// How many bits all addresses of it share, from 0 to 128.
    pub prefix: u8,
}

/// What precedes the 32 bits of IPv4.
const MAPPED: u128 = 0xffff << 32;

impl Range {
    /// A single address.
    pub fn of(address: IpAddr) -> Range {
        Range { bits: bits(address), prefix: 128 }
    }

    /// An address, or one with the length of a prefix; bits behind it are taken for zero.
    pub fn parse(text: &str) -> Option<Range> {
        let text = text.trim();
        let Some((base, length)) = text.split_once('/') else { return address(text).map(Range::of) };
        let base: IpAddr = base.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        let prefix = match base {
            IpAddr::V4(_) if length <= 32 => length + 96,
            IpAddr::V6(_) if length <= 128 => length,
            _ => return None,
        };
        Some(Range { bits: bits(base), prefix }.masked(prefix))
    }

    /// The range of the first `prefix` bits that this one lies in.
    pub fn masked(self, prefix: u8) -> Range {
        let prefix = prefix.min(128);
        let mask = if prefix == 0 { 0 } else { u128::MAX << (128 - u32::from(prefix)) };
        Range { bits: self.bits & mask, prefix }
    }

    /// Whether another one lies in it.
    pub fn contains(self, other: Range) -> bool {
        other.prefix >= self.prefix && other.masked(self.prefix) == self
    }

    /// Whether it is of IPv4.
    pub fn is_v4(self) -> bool {
        self.prefix >= 96 && self.bits >> 32 == MAPPED >> 32
    }

    /// Whether it is a single address.
    pub fn is_single(self) -> bool {
        self.prefix == 128
    }
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let own = Ipv6Addr::from(self.bits);
        let (address, length) = if self.is_v4() {
            let low = u32::try_from(self.bits & 0xffff_ffff).unwrap_or_default();
            (IpAddr::V4(Ipv4Addr::from(low)), self.prefix - 96)
        } else {
            (IpAddr::V6(own), self.prefix)
        };
        if self.is_single() { write!(f, "{address}") } else { write!(f, "{address}/{length}") }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address that a text is, perhaps within brackets, with a port or with a zone.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if !text.contains(['.', ':']) {
        return None;
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let alone = bare.split_once('%').map_or(bare, |(address, _)| address);
    let found = alone.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&found))
}

/// The longest name of a domain. Source: RFC 1035, section 2.3.4.
const MAX_DOMAIN: usize = 253;

pub(super) fn domain(text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches('.');
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let is_part = |part: char| part.is_alphanumeric() || matches!(part, '-' | '_');
        !label.is_empty() && label.len() <= 63 && label.chars().all(is_part)
    };
    let last = name.rsplit_once('.')?.1;
    let is_name = name.len() <= MAX_DOMAIN
        && name.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then(|| name.to_lowercase())
}

/// Host, port, path and query of an address of the web.
pub(super) fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let (has_scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (true, rest),
        // An address within the query of one without a scheme is a part of it.
        Some((before, _)) if before.contains(['/', '?']) => (false, text),
        Some(_) => return None,
        None => (false, text),
    };
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !has_scheme && behind.is_empty() && !authority.contains(':') {
        // The name of a host alone is no address of the web.
        return None;
    }
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    let (host, port) = split_port(host_and_port);
    let host = host_form(host)?;
    // The scheme is left out, and what is usual for any is left out with it.
    let port = port.filter(|port| !port.is_empty() && !["21", "80", "443"].contains(port));
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return None;
    }
    let behind = behind.split('#').next().unwrap_or_default();
    let behind = if behind.starts_with('/') { percent(behind) } else { format!("/{}", percent(behind)) };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{host}{port}{behind}"))
}

fn is_scheme(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((address, behind)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, behind.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn host_form(host: &str) -> Option<String> {
    if let Some(address) = address(host) {
        return Some(if address.is_ipv6() { format!("[{address}]") } else { address.to_string() });
    }
    let name = host.trim_end_matches('.');
    let is_name = !name.is_empty()
        && name.len() <= MAX_DOMAIN
        && name.chars().all(|part| part.is_alphanumeric() || matches!(part, '-' | '_' | '.'));
    is_name.then(|| name.to_lowercase())
}

/// Escapes of what needs none are taken back, the others are in upper case. Source: RFC 3986, section 6.2.2.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let digits = behind.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
                out.push(char::from(byte));
            }
            Some(byte) => out.push_str(&format!("%{byte:02X}")),
            None => {
                out.push_str("%25");
                rest = behind;
                continue;
            }
        }
        rest = behind.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The host of an address of the web in its normal form.
pub fn host_of(normal: &str) -> &str {
    let end = normal.find('/').unwrap_or(normal.len());
    let authority = normal.get(..end).unwrap_or_default();
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    }
}

pub(super) fn digest(text: &str, lengths: &[usize]) -> Option<String> {
    let is_digest = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| text.to_ascii_lowercase())
}

/// The name that STIX gives to digests of this length.
pub fn hash_name(digest: &str) -> &'static str {
    match digest.trim().len() {
        32 => "MD5",
        40 => "SHA-1",
        96 => "SHA-384",
        128 => "SHA-512",
        _ => "SHA-256",
    }
}

pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text.rsplit_once('<').map_or(text, |(_, behind)| behind.trim_end_matches('>'));
    let bare = inner.strip_prefix("mailto:").unwrap_or(inner).trim();
    let (user, host) = bare.rsplit_once('@')?;
    let is_user = !user.is_empty() && !user.contains(['@', ' ', ':', '/', ',', ';', '<', '>']);
    let host = domain(host)?;
    (is_user && bare.len() <= 320).then(|| format!("{}@{host}", user.to_lowercase()))
}

pub(super) fn file(text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches('"').rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.trim_matches(|edge: char| edge == '"' || edge.is_whitespace());
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_lowercase())
}
