//! Which hosts addresses may lead to, and which address leads where.

/// Which hosts addresses may lead to: `example.com`, or `*.example.com` for all below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// A list.
    pub fn new<T: AsRef<str>>(hosts: &[T]) -> Hosts {
        Hosts(hosts.iter().map(|host| host.as_ref().to_ascii_lowercase()).collect())
    }

    fn has(&self, host: &str) -> bool {
        self.0.iter().any(|known| match known.strip_prefix("*.") {
            Some(parent) => host.strip_suffix(parent).is_some_and(|own| own.len() > 1 && own.ends_with('.')),
            None => known == host,
        })
    }

    /// Whether an address may stay.
    pub(super) fn allow(&self, address: &str) -> bool {
        let address = address.trim();
        if address.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'\\' | b'&')) {
            // An ampersand parts the parameters of an honest address, after its host.
            let host = address.split(['?', '#']).next().unwrap_or_default();
            if host.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'\\' | b'&')) {
                return false;
            }
        }
        let head = address.split(['/', '?', '#']).next().unwrap_or_default();
        let rest = match head.split_once(':') {
            None if address.starts_with("//") => address.get(2..).unwrap_or_default(),
            // Neither a scheme nor a host: a place of whatever shows it.
            None => return true,
            Some((scheme, _)) => {
                let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
                let rest = address.get(scheme.len() + 1..).and_then(|rest| rest.strip_prefix("//"));
                match rest.filter(|_| is_web) {
                    Some(rest) => rest,
                    None => return false,
                }
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(authority, |(host, _)| host)
            .to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        !host.is_empty() && host.bytes().all(is_plain) && self.has(&host)
    }
}
