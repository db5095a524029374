//! Which principal a certificate stands for.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde::Deserialize;

use super::read::ClientCertificate;
use crate::pattern::Pattern;
use crate::principal::{Credential, Display, Kind, Method, Principal};
use crate::text;
use crate::token::Refusal;

/// What a mapped principal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateKind {
    /// Something with a certificate.
    #[default]
    Certificate,
    /// An application.
    Application,
    /// An agent.
    Agent,
}

/// One mapping: a table `[[gate.certificate]]` of `castellan.toml`. Exactly one of `spiffe`, `dns` and `subject` says
/// which certificates it is for. The first mapping that knows a certificate counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateConfig {
    /// A name of one's own, which is the tenant of the principals.
    pub name: String,
    /// A SPIFFE id, with a star at its end for all below: `spiffe://example.org/ns/gate/*`.
    #[serde(default)]
    pub spiffe: Option<Pattern>,
    /// A DNS name (RFC 5280, subjectAltName), or `*` for any.
    #[serde(default)]
    pub dns: Option<Pattern>,
    /// Attributes that the subject must have, each once: `{ CN = "ann", O = "Example" }`.
    #[serde(default)]
    pub subject: BTreeMap<String, String>,
    /// What the principal is: `certificate` (the default), `application` or `agent`.
    #[serde(default)]
    pub kind: CertificateKind,
    /// Groups that it counts as a member of.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Roles that it has.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// A mapping that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate mapping `{name}`: {reason}")]
pub struct MappingError {
    /// Which.
    pub name: String,
    /// What is wrong and what to do.
    pub reason: &'static str,
}

/// All mappings, in their order.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    configs: Vec<CertificateConfig>,
}

impl Mappings {
    /// Mappings of configurations.
    pub fn new(configs: Vec<CertificateConfig>) -> Result<Mappings, MappingError> {
        for config in &configs {
            let wrong = |reason| Err(MappingError { name: config.name.clone(), reason });
            if config.name.is_empty() || config.name.contains('/') {
                return wrong("its name is empty or has a slash");
            }
            let ways = [config.spiffe.is_some(), config.dns.is_some(), !config.subject.is_empty()];
            if ways.into_iter().filter(|way| *way).count() != 1 {
                return wrong(
                    "exactly one of `spiffe`, `dns` and `subject` has to say which certificates it is for",
                );
            }
            if config.spiffe.as_ref().is_some_and(|id| !id.as_str().starts_with("spiffe://")) {
                return wrong("a SPIFFE id begins with `spiffe://`");
            }
            let has_domain = |id: &Pattern| id.as_str().get(9..).is_some_and(|rest| rest.contains('/'));
            if config.spiffe.as_ref().is_some_and(|id| id.as_str().ends_with('*') && !has_domain(id)) {
                return wrong("a star must not stand for a trust domain; write `spiffe://DOMAIN/*`");
            }
        }
        Ok(Mappings { configs })
    }

    /// The principal of a certificate that TLS has verified, at a time.
    pub fn principal(&self, certificate: &ClientCertificate, now: Ticks) -> Result<Principal, Refusal> {
        if now < certificate.not_before {
            return Err(Refusal::NotYetValid);
        }
        if now > certificate.not_after {
            return Err(Refusal::Expired);
        }
        if certificate.is_authority {
            return Err(Refusal::Certificate("it is that of an authority"));
        }
        if !certificate.is_for_clients {
            return Err(Refusal::Certificate("it is not for clients (extended key usage)"));
        }
        for config in &self.configs {
            if let Some(object) = config.object(certificate)? {
                return Ok(config.principal(object, certificate));
            }
        }
        Err(Refusal::UnknownCertificate)
    }
}

impl CertificateConfig {
    /// The name by which the mapping knows a certificate.
    fn object(&self, certificate: &ClientCertificate) -> Result<Option<String>, Refusal> {
        if let Some(pattern) = &self.spiffe {
            let id = spiffe_id(certificate)?;
            return Ok(id.filter(|id| pattern.matches(id)).map(str::to_owned));
        }
        if let Some(pattern) = &self.dns {
            let lower = Pattern::new(pattern.as_str().to_ascii_lowercase());
            // A certificate with several names that fit stands for the first of them in the alphabet, so that their
            // order does not make two principals of one.
            return Ok(certificate
                .dns
                .iter()
                .filter(|name| !name.contains('*') && lower.matches(name))
                .min()
                .cloned());
        }
        let has = |(name, expected): (&String, &String)| {
            let mut values = certificate.subject.iter().filter(|(known, _)| known == name);
            values.next().is_some_and(|(_, value)| value == expected) && values.next().is_none()
        };
        let is_meant = self.subject.iter().all(has) && !certificate.subject.is_empty();
        Ok(is_meant.then(|| certificate.subject_text()))
    }

    fn principal(&self, object: String, certificate: &ClientCertificate) -> Principal {
        let kind = match self.kind {
            CertificateKind::Certificate => Kind::Certificate,
            CertificateKind::Application => Kind::Application,
            CertificateKind::Agent => Kind::Agent,
        };
        let mut principal = Principal::new(kind, Method::Certificate, self.name.clone(), object);
        principal.recognised_by.clone_from(&self.name);
        principal.display = Display { name: Some(certificate.subject_text()), ..Display::default() };
        principal.groups.clone_from(&self.groups);
        principal.roles.clone_from(&self.roles);
        principal.credential = Credential {
            id: Some(hexadecimal(&certificate.thumbprint)),
            expires: Some(certificate.not_after),
            issued: Some(certificate.not_before),
        };
        principal
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SPIFFE id of a certificate: its one URI (X.509-SVID, 2), in the form that SPIFFE-ID, 2 has.
fn spiffe_id(certificate: &ClientCertificate) -> Result<Option<&str>, Refusal> {
    if !certificate
        .uris
        .iter()
        .any(|uri| uri.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("spiffe:")))
    {
        return Ok(None);
    }
    let [uri] = certificate.uris.as_slice() else {
        return Err(Refusal::Certificate("it has a SPIFFE id and another URI"));
    };
    let malformed = Refusal::Certificate("its SPIFFE id is malformed");
    let rest =
        uri.strip_prefix("spiffe://").filter(|_| text::is_plain(uri, 2048)).ok_or(malformed.clone())?;
    let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_domain =
        !domain.is_empty() && domain.bytes().all(|byte| is_letter(byte) && !byte.is_ascii_uppercase());
    let is_segment =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_letter);
    let is_path = if rest.contains('/') { path.split('/').all(is_segment) } else { true };
    if is_domain && is_path { Ok(Some(uri)) } else { Err(malformed) }
}
