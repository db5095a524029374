//! Client certificates and whom they stand for.

use castellan_access::certificate::{CertificateConfig, ClientCertificate, Mappings};
use castellan_access::principal::Kind;
use castellan_access::token::Refusal;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};

use crate::support::*;

fn params(names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.distinguished_name.push(DnType::CommonName, "ann, the first");
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

fn read(params: CertificateParams) -> ClientCertificate {
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    ClientCertificate::read(certificate.der()).unwrap()
}

fn mapped(config: &str, params: CertificateParams) -> Result<String, Refusal> {
    let config: CertificateConfig = toml::from_str(&format!("name = 'mesh'\n{config}")).unwrap();
    let principal = Mappings::new(vec![config]).unwrap().principal(&read(params), now())?;
    assert_eq!(principal.recognised_by, "mesh");
    Ok(format!("{principal}"))
}

#[test]
fn names_are_read() {
    let certificate = read(params(vec![dns("Agent.Example.ORG"), uri("spiffe://example.org/a")]));
    assert_eq!(certificate.dns, ["agent.example.org"]);
    assert_eq!(certificate.uris, ["spiffe://example.org/a"]);
    assert_eq!(certificate.subject_text(), "CN=ann\\, the first,O=Example");
    assert_eq!(certificate.issuer, certificate.subject);
    assert_eq!(certificate.not_after, at("2027-01-01"));
    assert!(certificate.is_for_clients && !certificate.is_authority);
}

#[test]
fn mappings_decide_who_it_is() {
    let spiffe = "spiffe = 'spiffe://example.org/ns/gate/*'\nkind = 'agent'";
    let found = mapped(spiffe, params(vec![uri("spiffe://example.org/ns/gate/sa/a")]));
    assert_eq!(found.unwrap(), "agent mesh/spiffe://example.org/ns/gate/sa/a");
    assert_eq!(
        mapped(spiffe, params(vec![uri("spiffe://other.org/ns/gate/sa/a")])),
        Err(Refusal::UnknownCertificate)
    );
    assert_eq!(mapped(spiffe, params(vec![dns("example.org")])), Err(Refusal::UnknownCertificate));
    for id in [
        "spiffe://Example.org/a",
        "spiffe://example.org/a/../b",
        "spiffe://example.org//a",
        "spiffe://example.org/a?b",
        "spiffe://example.org:1/a",
        "spiffe://u@example.org/a",
        "spiffe://example.org/",
        "SPIFFE://example.org/ns/gate/a",
    ] {
        let refusal = mapped(spiffe, params(vec![uri(id)])).unwrap_err();
        assert_eq!(refusal.word(), "certificate", "{id}");
    }
    let two = vec![uri("spiffe://example.org/ns/gate/a"), uri("https://example.org")];
    assert_eq!(mapped(spiffe, params(two)).unwrap_err().word(), "certificate");
    let names = vec![dns("b.example.org"), dns("a.example.org")];
    assert_eq!(mapped("dns = '*'", params(names)).unwrap(), "certificate mesh/a.example.org");
    assert_eq!(
        mapped("dns = 'A.example.org'", params(vec![dns("a.example.org")])).unwrap(),
        "certificate mesh/a.example.org"
    );
    assert_eq!(mapped("dns = '*'", params(vec![dns("*.example.org")])), Err(Refusal::UnknownCertificate));
    assert_eq!(
        mapped("subject = { O = 'Example' }", params(vec![])).unwrap(),
        "certificate mesh/CN=ann\\, the first,O=Example"
    );
    assert_eq!(mapped("subject = { O = 'Exam' }", params(vec![])), Err(Refusal::UnknownCertificate));
}

#[test]
fn certificates_that_are_not_a_clients_are_refused() {
    let config: CertificateConfig =
        toml::from_str("name = 'm'\ndns = '*'\ngroups = ['g']\nroles = ['r']").unwrap();
    let mappings = Mappings::new(vec![config]).unwrap();
    let good = read(params(vec![dns("a.example")]));
    let principal = mappings.principal(&good, now()).unwrap();
    assert_eq!((principal.kind, principal.groups.len(), principal.roles.len()), (Kind::Certificate, 1, 1));
    assert_eq!(mappings.principal(&good, at("2025-12-31")), Err(Refusal::NotYetValid));
    assert_eq!(mappings.principal(&good, at("2027-01-02")), Err(Refusal::Expired));
    let mut authority = params(vec![dns("a.example")]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(mappings.principal(&read(authority), now()).unwrap_err().word(), "certificate");
    let mut server = params(vec![dns("a.example")]);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(mappings.principal(&read(server), now()).unwrap_err().word(), "certificate");
    let mut client = params(vec![dns("a.example")]);
    client.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    mappings.principal(&read(client), now()).unwrap();
}

#[test]
fn mappings_that_are_wrong_are_told() {
    for (text, part) in [
        ("", "exactly one"),
        ("dns = 'a'\nspiffe = 'spiffe://a/b'", "exactly one"),
        ("spiffe = 'https://a'", "spiffe://"),
        ("spiffe = 'spiffe://example*'", "trust domain"),
    ] {
        let config: CertificateConfig = toml::from_str(&format!("name = 'm'\n{text}")).unwrap();
        let error = Mappings::new(vec![config]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_cut_or_changed_certificate_is_read_or_refused() {
    let certificate = params(vec![dns("a.example")]).self_signed(&KeyPair::generate().unwrap()).unwrap();
    let bytes = certificate.der().to_vec();
    for length in 0..bytes.len() {
        assert!(ClientCertificate::read(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let _ = ClientCertificate::read(&changed);
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(ClientCertificate::read(&longer).is_err());
}
