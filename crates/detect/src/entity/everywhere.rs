//! Names that every computer has: they say nothing about who or which one it is.
//!
//! Sources: Microsoft, "Well-known SIDs" and "Security identifiers": what tells accounts apart are identifiers of domains and
//! computers (`S-1-5-21-...`) and of Entra (`S-1-12-1-...`). All others are the same everywhere.

/// Domains of accounts that every Windows has, in lower case; also as German and French ones write them.
const DOMAINS: [&str; 12] = [
    "nt authority",
    "builtin",
    "nt service",
    "nt virtual machine",
    "iis apppool",
    "window manager",
    "font driver host",
    "nt-autorit\u{e4}t",
    "nt-pseudodom\u{e4}ne",
    "autorite nt",
    "authority",
    ".",
];

/// Names that every computer has for itself, in lower case.
const HOSTS: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "."];

/// Whether a security identifier is the same on every computer.
pub(super) fn is_sid(text: &str) -> bool {
    let text = text.trim().to_ascii_uppercase();
    let Some(rest) = text.strip_prefix("S-1-") else { return false };
    !(rest.starts_with("5-21-") || rest.starts_with("12-1-"))
}

/// Whether a domain is that of accounts which every computer has.
pub(super) fn is_domain(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    DOMAINS.contains(&text.as_str())
}

/// Whether a name is what every computer calls itself.
pub(super) fn is_host(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    HOSTS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_computer_has() {
        for sid in ["S-1-5-18", "s-1-5-19", "S-1-5-20", "S-1-5-32-544", "S-1-1-0", "S-1-5-80-1-2-3-4-5"] {
            assert!(is_sid(sid), "{sid}");
        }
        for sid in ["S-1-5-21-1-2-3-500", "S-1-12-1-1-2-3-4", "42", ""] {
            assert!(!is_sid(sid), "{sid}");
        }
        assert!(is_domain("NT AUTHORITY") && is_domain("BUILTIN") && !is_domain("CONTOSO"));
        assert!(is_host("localhost") && !is_host("web1"));
    }
}
