//! The gate's certificate, and authorities of those that clients show.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::config::TlsConfig;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or is no PEM.
    #[error("`{path}` cannot be read as PEM: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: pem::Error,
    },
    /// The certificate and the key do not fit, or are of a kind that is not safe.
    #[error("the certificate and the key cannot be used together: {0}")]
    Unfit(#[from] tokio_rustls::rustls::Error),
    /// Authorities of clients cannot be used.
    #[error("the authorities of client certificates cannot be used: {0}")]
    Clients(#[from] VerifierBuilderError),
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |reason| TlsError::Unreadable { path: path.display().to_string(), reason };
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)
}

/// What takes encrypted connections.
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&config.certificate)?;
    let unreadable = |reason| TlsError::Unreadable { path: config.key.display().to_string(), reason };
    let secret = PrivateKeyDer::from_pem_file(&config.key).map_err(unreadable)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if config.client_certificate_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    let mut server = builder.with_single_cert(chain, secret)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// When each file changed, and how long it is: a file that is replaced may be older than the one before it.
pub(crate) type Changed = [Option<(SystemTime, u64)>; 3];

/// When the files changed; nothing where that cannot be told.
#[allow(clippy::disallowed_methods)] // Only the time and the length of a file are asked for.
pub(crate) fn changed(config: &TlsConfig) -> Changed {
    let state = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [state(&config.certificate), state(&config.key), config.client_ca.as_deref().and_then(state)]
}

/// The SHA-256 of a certificate (`x5t#S256` of RFC 8705).
pub(crate) fn digest(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}
