//! Encrypted connections.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate that a server shows, and its key.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tls(..)")
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
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
}

impl Tls {
    /// Reads a chain of certificates, the server's first, and its private key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, and when the two do not fit.
    pub fn read(certificates: &Path, key: &Path) -> Result<Tls, TlsError> {
        let unreadable = |path: &Path| {
            let path = path.display().to_string();
            move |reason: pem::Error| TlsError::Unreadable { path, reason }
        };
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(certificates))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, secret)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(Arc::new(config)))
    }

    /// What takes connections.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }

    /// The same for connections that speak HTTP/2.
    pub(crate) fn with_http2(&self) -> Tls {
        let mut config = ServerConfig::clone(&self.0);
        config.alpn_protocols = vec![b"h2".to_vec()];
        Tls(Arc::new(config))
    }
}
