//! Which properties of STIX hold which kinds of values.

use crate::pattern::{ObjectPath, PathStep};

use super::Kind;

/// What a property means for a single row of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Values of a kind.
    Value(Kind),
    /// A host: an address, or the name of a domain.
    Host,
    /// The type of an object, which the other tests imply.
    Type,
    /// Nothing that tables have columns for.
    Unknown,
}

/// What a property means.
pub fn meaning(path: &ObjectPath) -> Meaning {
    let keys: Vec<&str> = path
        .steps
        .iter()
        .filter_map(|step| match step {
            PathStep::Key(key) => Some(key.as_str()),
            PathStep::Index(_) | PathStep::Any => None,
        })
        .collect();
    match (&*path.object, keys.as_slice()) {
        (_, [.., "type"]) => Meaning::Type,
        ("ipv4-addr" | "ipv6-addr", ["value"]) => Meaning::Value(Kind::Ip),
        ("domain-name" | "hostname", ["value"]) => Meaning::Value(Kind::Domain),
        ("url", ["value"]) => Meaning::Value(Kind::Url),
        ("email-addr", ["value"]) => Meaning::Value(Kind::Email),
        ("email-message", ["from_ref" | "sender_ref" | "to_refs" | "cc_refs" | "bcc_refs", "value"]) => {
            Meaning::Value(Kind::Email)
        }
        ("file" | "artifact", ["hashes", _]) => Meaning::Value(Kind::Hash),
        ("process", ["binary_ref" | "image_ref", "hashes", _]) => Meaning::Value(Kind::Hash),
        ("file", ["content_ref", "hashes", _]) => Meaning::Value(Kind::Hash),
        ("email-message", ["body_multipart", "body_raw_ref", "hashes", _]) => Meaning::Value(Kind::Hash),
        ("file", ["name"]) => Meaning::Value(Kind::File),
        ("process", ["binary_ref" | "image_ref", "name"]) => Meaning::Value(Kind::File),
        ("email-message", ["body_multipart", "body_raw_ref", "name"]) => Meaning::Value(Kind::File),
        ("x509-certificate", ["hashes", _]) => Meaning::Value(Kind::Thumbprint),
        ("network-traffic", ["src_ref" | "dst_ref", "value"]) => Meaning::Host,
        ("network-traffic", ["extensions", "http-request-ext", "request_header", header])
            if header.eq_ignore_ascii_case("user-agent") =>
        {
            Meaning::Value(Kind::Agent)
        }
        _ => Meaning::Unknown,
    }
}
