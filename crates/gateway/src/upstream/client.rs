//! The HTTP client that all upstreams share.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::config::{Config, TlsConfig, milliseconds};
use super::error::ConfigError;

/// A client with a pool of connections. It reads no proxy from the environment and follows no redirects.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Smallest buffer that the HTTP/1 reader accepts.
const SMALLEST_BUFFER: usize = 8 << 10;

/// How often an idle connection of HTTP/2 is asked whether it lives, and how long it has to answer.
const PING: (std::time::Duration, std::time::Duration) =
    (std::time::Duration::from_secs(30), std::time::Duration::from_secs(10));

/// Makes the client.
pub(crate) fn client(config: &Config) -> Result<HttpClient, ConfigError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(std::time::Duration::from_secs(60)));
    connector.set_connect_timeout(Some(milliseconds(config.timeouts.connect_ms)));
    let mut tls = tls(&config.tls)?;
    if config.connections.http2 {
        tls.alpn_protocols.push(b"h2".to_vec());
    }
    tls.alpn_protocols.push(b"http/1.1".to_vec());
    let header_bytes = config.connections.header_bytes.max(SMALLEST_BUFFER);
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(milliseconds(config.connections.idle_ms))
        .pool_max_idle_per_host(config.connections.idle)
        .http1_max_buf_size(header_bytes)
        .http2_max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
        .http2_keep_alive_interval(PING.0)
        .http2_keep_alive_timeout(PING.1)
        .http2_adaptive_window(true);
    Ok(builder.build(HttpsConnector::from((connector, tls))))
}

fn tls(config: &TlsConfig) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    // A system without roots is no error: upstreams may be local, or have their roots in the file.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &config.ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| unusable(path, &error))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.to_string()))?
        .with_root_certificates(roots);
    match (&config.client_certificate_file, &config.client_key_file) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(chain), Some(key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            builder
                .with_client_auth_cert(certificates(chain)?, secret)
                .map_err(|error| unusable(chain, &error))
        }
        _ => Err(ConfigError::Tls("`client_certificate_file` and `client_key_file` go together".to_owned())),
    }
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(path, &error))
}

fn unusable(path: &std::path::Path, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Tls(format!("`{}` cannot be used: {reason}", path.display()))
}
