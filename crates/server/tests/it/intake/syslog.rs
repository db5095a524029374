//! Listeners for syslog.

use std::sync::Arc;
use std::time::Duration;

use castellan_lake::Lake;
use castellan_server::Tls;
use castellan_server::intake::syslog::{Bounds, Syslog, SyslogUdp};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;

use super::{lake, listener, value};
use crate::client::free;
use crate::contentsafety::Certificate;

const MESSAGE: &str = "<34>1 2026-11-21T22:14:15.003Z host su - ID47 - hello";

struct Listening {
    address: std::net::SocketAddr,
    running: tokio::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

async fn listen(lake: &Arc<Lake>, tls: Option<Tls>, bounds: Bounds) -> Listening {
    let syslog = Syslog::bind(free(), tls, Arc::clone(lake), listener().0, bounds).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let address = syslog.address();
    let running = tokio::spawn(syslog.run(async {
        let _ = stopped.await;
    }));
    Listening { address, running, stop }
}

impl Listening {
    async fn end(self) {
        drop(self.stop);
        self.running.await.unwrap();
    }
}

async fn counts(lake: &Lake, expected: &str) {
    let mut count = String::new();
    for _ in 0..100 {
        count = value(lake, "union Syslog, CommonSecurityLog | count").await;
        if count == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{count} rows instead of {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_over_tcp_in_both_framings() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let listening = listen(&lake, None, Bounds::default()).await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let counted = format!("{} {MESSAGE}", MESSAGE.len());
    let cef = "<13>Nov 21 10:00:00 fw CEF:0|Contoso|Wall|1|100|blocked|5|src=10.0.0.1 act=deny\n";
    stream.write_all(format!("{MESSAGE}\n{counted}{cef}").as_bytes()).await.unwrap();
    // They are kept while the connection is open.
    counts(&lake, "3").await;
    assert_eq!(value(&lake, "CommonSecurityLog | where SourceIP == '10.0.0.1' | count").await, "1");
    assert_eq!(
        value(&lake, "Syslog | where HostName == 'host' and HostIP == '127.0.0.1' | count").await,
        "2"
    );
    // What has no end yet is kept when the listener ends, and equal messages are messages all the same.
    stream.write_all(MESSAGE.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    listening.end().await;
    counts(&lake, "4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_over_tls() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let certificate = Certificate::new("syslog");
    let pem = certificate.file("cert.pem");
    let tls = Tls::read(&pem, &certificate.file("key.pem")).unwrap();
    let bounds = Bounds { handshake: Duration::from_millis(300), ..Bounds::default() };
    let listening = listen(&lake, Some(tls), bounds).await;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    roots.add(tokio_rustls::rustls::pki_types::CertificateDer::from_pem_file(&pem).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(listening.address).await.unwrap();
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(format!("{} {MESSAGE}", MESSAGE.len()).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    // Who does not speak TLS is let go, and kept nothing of.
    let mut plain = TcpStream::connect(listening.address).await.unwrap();
    plain.write_all(format!("{MESSAGE}\n").as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest).await;
    let mut silent = TcpStream::connect(listening.address).await.unwrap();
    let _ = silent.read_to_end(&mut rest).await;
    counts(&lake, "1").await;
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_kept() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let bounds = Bounds {
        connections: 1,
        longest: 64,
        idle: Duration::from_millis(200),
        batch: 4_096,
        wait: Duration::from_millis(20),
        ..Bounds::default()
    };
    let listening = listen(&lake, None, bounds).await;
    let mut first = TcpStream::connect(listening.address).await.unwrap();
    let mut second = TcpStream::connect(listening.address).await.unwrap();
    second.write_all(format!("{MESSAGE}\n").as_bytes()).await.unwrap();
    let long = format!("<34>1 - h a - - - {}\n", "y".repeat(1 << 20));
    first.write_all(long.as_bytes()).await.unwrap();
    first.write_all(b"\xff\xfe\x00\x00 99999999999 \n").await.unwrap();
    counts(&lake, "3").await;
    let cut = "Syslog | where SyslogMessage has_cs 'yyyy' or SyslogMessage startswith 'y' | project strlen(SyslogMessage)";
    assert!(value(&lake, cut).await.parse::<usize>().unwrap() <= 64);
    // The first is silent, and makes room for the second.
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
    counts(&lake, "4").await;
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_over_udp() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let syslog = SyslogUdp::bind(free(), Arc::clone(&lake), listener().0, Bounds::default()).await.unwrap();
    let address = syslog.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(syslog.run(async {
        let _ = stopped.await;
    }));
    let socket = UdpSocket::bind(free()).await.unwrap();
    for _ in 0..10 {
        socket.send_to(MESSAGE.as_bytes(), address).await.unwrap();
    }
    socket.send_to(b"", address).await.unwrap();
    counts(&lake, "11").await;
    drop(stop);
    running.await.unwrap();
}
