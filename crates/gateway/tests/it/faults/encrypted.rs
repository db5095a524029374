//! Encrypted connections: certificates that change, clients that show one, HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full as Whole};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::gate::{Running, configured, running};
use super::super::support::scripted;
use super::{CHAT, ask};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Authority { issuer, folder: tempfile::tempdir().unwrap() };
        std::fs::write(authority.folder.path().join("ca.pem"), authority.issuer.pem()).unwrap();
        authority.renew("first");
        authority
    }

    fn issue(
        &self,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> (String, CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .subject_alt_names
            .push(SanType::URI(format!("spiffe://example.org/{name}").try_into().unwrap()));
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), certificate.der().clone(), key)
    }

    /// Writes a certificate for the gate, and gives it.
    fn renew(&self, name: &str) -> Vec<u8> {
        let (pem, der, key) = self.issue(name, ExtendedKeyUsagePurpose::ServerAuth);
        std::fs::write(self.folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(self.folder.path().join("gate.pem"), pem).unwrap();
        der.to_vec()
    }

    fn lines(&self, more: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "tls = {{ certificate = \"{folder}/gate.pem\", key = \"{folder}/key.pem\"{} }}\n",
            more.replace("CA", &format!("{folder}/ca.pem"))
        )
    }

    async fn connect(
        &self,
        gate: &Running,
        alpn: &[&str],
        own: Option<&str>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let (_, der, key) = self.issue(name, ExtendedKeyUsagePurpose::ClientAuth);
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![der], key).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let tcp = TcpStream::connect(gate.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }
}

fn request(body: &Value) -> Request<Whole<Bytes>> {
    let request = Request::post(format!("https://127.0.0.1{CHAT}")).header("host", "127.0.0.1");
    request.body(Whole::new(Bytes::from(body.to_string()))).unwrap()
}

async fn h1(stream: TlsStream<TcpStream>) -> http1::SendRequest<Whole<Bytes>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn status(sender: &mut http1::SendRequest<Whole<Bytes>>) -> u16 {
    sender.ready().await.unwrap();
    let answer = sender.send_request(request(&ask(false))).await.unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.unwrap();
    status
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_change_while_it_serves() {
    let authority = Authority::new();
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), &authority.lines("")).await;
    let first = authority.connect(&gate, &[], None).await.unwrap();
    let before = shown(&first);
    let mut first = h1(first).await;
    assert_eq!(status(&mut first).await, 200);
    // A key that does not fit changes nothing.
    let fits = std::fs::read(authority.folder.path().join("key.pem")).unwrap();
    std::fs::write(authority.folder.path().join("key.pem"), "no PEM").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(shown(&authority.connect(&gate, &[], None).await.unwrap()), before);
    std::fs::write(authority.folder.path().join("key.pem"), fits).unwrap();
    let renewed = authority.renew("second");
    let mut now = before;
    for _ in 0..50 {
        now = shown(&authority.connect(&gate, &[], None).await.unwrap());
        if now == renewed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(now, renewed);
    // The connection of before goes on.
    assert_eq!(status(&mut first).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_says_who_it_is() {
    let authority = Authority::new();
    let stub = scripted("rules: []").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.cedar"), "permit (principal, action, resource);").unwrap();
    let gate = configured(&format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\npolicies = {:?}\n{}[[gate.certificate]]\nname = \"mesh\"\nspiffe = \"spiffe://example.org/agent-*\"\n\
         kind = \"agent\"\n[gate.upstreams]\nmodels.\"*\".members = [{{ url = \"{}/v1\" }}]\n",
        folder.path(),
        authority.lines(", client_ca = \"CA\""),
        stub.url()
    ))
    .await;
    for (own, expected) in [(Some("agent-7"), 200), (Some("stranger"), 401), (None, 401)] {
        let mut sender = h1(authority.connect(&gate, &["http/1.1"], own).await.unwrap()).await;
        assert_eq!(status(&mut sender).await, expected, "{own:?}");
    }
    let rows = gate.rows.of("CastellanGateDecisions");
    assert_eq!(rows[0]["PrincipalObjectId"], "spiffe://example.org/agent-7");
    assert_eq!(rows[0]["AgentId"], "spiffe://example.org/agent-7");
    // One of another authority does not get as far as a request.
    let other = Authority::new();
    let (_, der, key) = other.issue("agent-7", ExtendedKeyUsagePurpose::ClientAuth);
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![der], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let tcp = TcpStream::connect(gate.address).await.unwrap();
    let stream =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), tcp).await;
    if let Ok(stream) = stream {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        assert!(sender.send_request(request(&ask(false))).await.is_err());
    }
}

async fn many(mut sender: http2::SendRequest<Whole<Bytes>>) {
    sender.ready().await.unwrap();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..100 {
        let answer = sender.send_request(request(&ask(number % 2 == 0)));
        all.spawn(async move {
            let answer = answer.await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&text).contains("Saturdays"))
        });
    }
    while let Some(done) = all.join_next().await {
        assert_eq!(done.unwrap(), (200, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_encrypted_and_by_prior_knowledge() {
    let authority = Authority::new();
    let stub = scripted("rules: []").await;
    let gate = running(stub.address(), &authority.lines("")).await;
    let stream = authority.connect(&gate, &["h2", "http/1.1"], None).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    many(sender).await;
    let plain = running(stub.address(), "").await;
    let tcp = TcpStream::connect(plain.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection);
    many(sender).await;
    assert_eq!(plain.rows.of("CastellanGateDecisions").len(), 100);
}
