//! Principals of client certificates.
//!
//! TLS has verified the chain to an authority that the gate was told to trust, and that the client holds the key. What is
//! left is who that is: [`ClientCertificate::read`] reads what names are in it (RFC 5280), and [`Mappings`] says which
//! principal they stand for, by a SPIFFE id, a DNS name or the subject.

mod der;
mod mapping;
mod read;

pub use mapping::{CertificateConfig, CertificateKind, MappingError, Mappings};
pub use read::ClientCertificate;
