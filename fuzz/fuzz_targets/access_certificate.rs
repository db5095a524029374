//! Client certificates: any bytes are read or refused, and a name that is read hides nothing.
#![no_main]

use std::sync::LazyLock;

use castellan_access::certificate::{CertificateConfig, ClientCertificate, Mappings};
use libfuzzer_sys::fuzz_target;

static MAPPINGS: LazyLock<Mappings> = LazyLock::new(|| {
    let mapping = |spiffe: Option<&str>, dns: Option<&str>| CertificateConfig {
        name: "m".to_owned(),
        spiffe: spiffe.map(castellan_access::Pattern::new),
        dns: dns.map(castellan_access::Pattern::new),
        subject: Default::default(),
        kind: Default::default(),
        groups: Vec::new(),
        roles: Vec::new(),
    };
    let mappings = vec![mapping(Some("spiffe://example.org/*"), None), mapping(None, Some("*"))];
    Mappings::new(mappings).expect("mappings")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = ClientCertificate::read(bytes) else { return };
    let names = certificate.dns.iter().chain(&certificate.uris);
    assert!(names.chain(certificate.subject.iter().map(|(_, value)| value)).all(|name| !name.contains('\0')));
    if let Ok(principal) = MAPPINGS.principal(&certificate, certificate.not_before) {
        assert!(!principal.object.is_empty() || certificate.dns.contains(&String::new()));
    }
});
