//! Identifiers of objects.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// The namespace of cyber-observable objects (STIX 2.1, section 2.9).
const OBSERVABLES: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
/// The namespace of what is made here.
const OWN: Uuid = Uuid::from_u128(0x7d1c5f0a_2e7b_5c40_9a51_3b0c6f8e21d4);

/// The id of an object that is made here, of a type and what it is made of.
pub(super) fn own(kind: &str, parts: &[&str]) -> String {
    let name = format!("{kind}\u{1f}{}", parts.join("\u{1f}"));
    format!("{kind}--{}", Uuid::new_v5(&OWN, name.as_bytes()))
}

/// The id of a cyber-observable object out of the properties that contribute to it: the canonical form of RFC 8785, of which
/// sorted names without blanks are all that is needed, since they are ASCII and values are texts and objects of them.
pub(super) fn observable(kind: &str, contributing: &BTreeMap<&str, Value>) -> String {
    let canonical = serde_json::to_string(contributing).unwrap_or_default();
    format!("{kind}--{}", Uuid::new_v5(&OBSERVABLES, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the tools of OASIS: `stix2.IPv4Address(value="198.51.100.3")`.
    #[test]
    fn an_address_has_the_id_that_everybody_gives_it() {
        let id = observable("ipv4-addr", &BTreeMap::from([("value", "198.51.100.3".into())]));
        assert_eq!(id, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    }
}
