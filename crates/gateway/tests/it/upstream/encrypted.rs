//! Encrypted upstreams, HTTP/2, and certificates of both sides.

use std::path::PathBuf;
use std::sync::Arc;

use castellan_gateway::stub::{Options, Stub};
use castellan_gateway::upstream::Upstreams;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::support::{chat, content, document, stub, upstreams};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    fn issue(&self, usage: ExtendedKeyUsagePurpose) -> (String, KeyPair, CertificateDer<'static>) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key, certificate.der().clone())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn stub(&self, alpn: &[&str], wants_client: bool) -> Stub {
        let (_, key, certificate) = self.issue(ExtendedKeyUsagePurpose::ServerAuth);
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        stub(Options { tls: Some(Arc::new(config)), ..Options::default() }).await
    }

    fn upstreams(&self, stub: &Stub, more: &str) -> Upstreams {
        upstreams(&format!(
            "tls.ca_file = \"{}\"\n{more}\nmodels.m.members = [{{ url = \"{}/v1\" }}]",
            self.folder.path().join("ca.pem").display(),
            stub.url()
        ))
    }
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let authority = Authority::new();
    let stub = authority.stub(&["h2", "http/1.1"], false).await;
    let upstreams = authority.upstreams(&stub, "");
    whole_answer(&upstreams).await;
    let many = (0..100).map(|_| {
        tokio::spawn({
            let upstreams = upstreams.clone();
            async move { whole_answer(&upstreams).await }
        })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    // A hundred at once over one connection is what HTTP/1.1 cannot do.
    assert_eq!((stub.requests(), stub.connections()), (101, 1));
    let plain = authority.upstreams(&stub, "connections.http2 = false");
    whole_answer(&plain).await;
    assert_eq!(stub.connections(), 2);
}

async fn whole_answer(upstreams: &Upstreams) {
    let answer = upstreams.send(chat("hi")).await.unwrap();
    assert_eq!(content(&document(answer).await), "hi");
}

#[tokio::test]
async fn a_stream_of_http2_that_is_dropped_is_reset_and_the_connection_stays() {
    use http_body_util::BodyExt as _;
    let authority = Authority::new();
    let stub = authority.stub(&["h2"], false).await;
    let upstreams = authority.upstreams(&stub, "");
    let mut answer = upstreams.send(crate::support::streaming(&"word ".repeat(200_000))).await.unwrap();
    answer.body.frame().await.unwrap().unwrap();
    drop(answer);
    crate::support::until(|| stub.left() == 1).await;
    whole_answer(&upstreams).await;
    assert_eq!(stub.connections(), 1);
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let authority = Authority::new();
    let stub = Authority::new().stub(&["http/1.1"], false).await;
    let error = authority.upstreams(&stub, "").send(chat("hi")).await.unwrap_err();
    assert_eq!(error.kind(), "connect");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_there_is_one() {
    let authority = Authority::new();
    let stub = authority.stub(&["http/1.1"], true).await;
    assert!(authority.upstreams(&stub, "").send(chat("hi")).await.is_err());
    let (chain, key, _) = authority.issue(ExtendedKeyUsagePurpose::ClientAuth);
    let chain = authority.file("client.pem", &chain);
    let key = authority.file("client.key", &key.serialize_pem());
    let more = format!(
        "tls.client_certificate_file = \"{}\"\ntls.client_key_file = \"{}\"",
        chain.display(),
        key.display()
    );
    whole_answer(&authority.upstreams(&stub, &more)).await;
}
