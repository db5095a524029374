//! Connections to brokers: one request at a time, each within a time and a size.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::messages::{self, Api, Code};
use super::sasl::{self, Login, Mechanism};
use super::wire::{Malformed, Reader, Writer};

/// How long it may take to be connected, TLS and login included.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an answer may take beyond what the request lets the broker wait.
const ANSWER: Duration = Duration::from_secs(30);
/// Largest answer, in bytes. A batch is given as a whole, however large.
const LARGEST: usize = 64 << 20;
/// Who asks, as brokers write it to their logs.
const CLIENT: &str = "castellan";

/// Why a broker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0} cannot be reached: {1}")]
    Connect(Address, io::Error),
    #[error("{0} did not answer in time")]
    Late(Address),
    #[error("the connection to {0} broke off: {1}")]
    Broken(Address, io::Error),
    #[error("{0} answers with {1} bytes; at most {LARGEST} are read: let producers write smaller batches")]
    Large(Address, i64),
    #[error("{0}: its answer to {name} is not understood: {2}", name = .1.name())]
    Malformed(Address, Api, Malformed),
    #[error("{0} speaks no version of {name} that is spoken here", name = .1.name())]
    Unspoken(Address, Api),
    #[error("{0} refuses the login: {1}")]
    Login(Address, String),
    #[error("{0}: {1}")]
    Refused(Address, Code),
    #[error("nobody leads the partition now")]
    NoLeader,
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]:{}", self.host, self.port),
            false => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

impl Address {
    /// `HOST:PORT`, with brackets around an address of version 6.
    pub(super) fn read(text: &str) -> Option<Address> {
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_host = match bracketed {
            Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.len() < 254 && host.bytes().all(is_name),
        };
        let port = port.parse().ok().filter(|port| *port != 0)?;
        is_host.then(|| Address { host: host.to_owned(), port })
    }
}

/// A certificate or a key, as a file has it.
pub(super) type Pem = Zeroizing<Vec<u8>>;

/// How connections are encrypted.
#[derive(Clone)]
pub(super) struct Security(Arc<ClientConfig>);

impl std::fmt::Debug for Security {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Security(..)")
    }
}

impl Security {
    /// With the authorities of a PEM file, or else the system's; and with a certificate of one's own and its key.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn new(ca: Option<&[u8]>, own: Option<(Pem, Pem)>) -> Result<Security, String> {
        let mut roots = RootCertStore::empty();
        match ca {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| format!("`ca` is no PEM: {error}"))?;
                    roots.add(certificate).map_err(|error| format!("`ca` cannot be used: {error}"))?;
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        if roots.is_empty() {
            return Err("there is no authority to trust: name a file of certificates as `ca`".to_owned());
        }
        let unfit = |error: tokio_rustls::rustls::Error| format!("TLS cannot be used so: {error}");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
                let chain = chain.map_err(|error| format!("`certificate` is no PEM: {error}"))?;
                let key = PrivateKeyDer::from_pem_slice(&key);
                let key = key.map_err(|error| format!("`key` is no PEM: {error}"))?;
                builder.with_client_auth_cert(chain, key).map_err(unfit)?
            }
        };
        Ok(Security(Arc::new(config)))
    }
}

/// How to get at brokers.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Those that are asked first; they name the others.
    pub(super) brokers: Vec<Address>,
    pub(super) security: Option<Security>,
    pub(super) login: Option<Login>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to one broker. A call that is given up leaves it unusable.
pub(super) struct Connection {
    address: Address,
    stream: Box<dyn Stream>,
    calls: i32,
    /// Whether a call was begun that has not ended.
    is_busy: bool,
    /// The versions that the broker speaks, by API.
    versions: Vec<messages::Range>,
}

impl Connection {
    /// Connects, and logs in.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses the login.
    pub(super) async fn open(client: &Client, address: &Address) -> Result<Connection, Error> {
        let opening = async {
            let stream =
                stream(client, address).await.map_err(|error| Error::Connect(address.clone(), error))?;
            let mut connection = Connection {
                address: address.clone(),
                stream,
                calls: 0,
                is_busy: false,
                versions: Vec::new(),
            };
            let answer = connection.call(Api::Versions, 0, &[], Duration::ZERO).await?;
            let (code, versions) = connection.read(Api::Versions, messages::versions(&answer))?;
            code.checked().map_err(|code| Error::Refused(address.clone(), code))?;
            connection.versions = versions;
            if let Some(login) = &client.login {
                connection.log_in(login).await?;
            }
            Ok(connection)
        };
        timeout(CONNECT, opening).await.unwrap_or_else(|_| Err(Error::Late(address.clone())))
    }

    /// The broker.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Whether no call was given up.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_busy
    }

    /// The best version of an API that both sides speak.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn version(&self, api: Api) -> Result<i16, Error> {
        self.version_that(api, |_| true)
    }

    /// The best of the versions that may be used.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn version_that(&self, api: Api, is_usable: impl Fn(i16) -> bool) -> Result<i16, Error> {
        let range = self.versions.iter().find(|(key, _, _)| *key == api.key());
        let found = range.and_then(|(_, least, most)| {
            let mut usable = api.versions().iter().copied().filter(|version| is_usable(*version));
            usable.find(|version| (*least..=*most).contains(version))
        });
        found.ok_or_else(|| Error::Unspoken(self.address.clone(), api))
    }

    /// Sends a request, and gives the body of the answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is late or too large.
    pub(super) async fn call(
        &mut self,
        api: Api,
        version: i16,
        body: &[u8],
        wait: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.is_busy = true;
        let done = timeout(wait + ANSWER, self.exchange(api, version, body)).await;
        let answer = done.unwrap_or_else(|_| Err(Error::Late(self.address.clone())))?;
        self.is_busy = false;
        Ok(answer)
    }

    async fn exchange(&mut self, api: Api, version: i16, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = |error| Error::Broken(self.address.clone(), error);
        self.calls = self.calls.wrapping_add(1);
        let is_flexible = api.is_flexible(version);
        let mut head = Writer::new(false);
        head.i16(api.key()).i16(version).i32(self.calls).text(CLIENT);
        if is_flexible {
            head.put(&[0]);
        }
        head.put(body);
        let mut frame = Writer::new(false);
        let frame = Zeroizing::new(std::mem::take(&mut frame.bytes(&Zeroizing::new(head.bytes)).bytes));
        self.stream.write_all(&frame).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        let mut answer = self.frame().await?;
        let mut reader = Reader::new(&answer, is_flexible);
        let call = reader.i32().and_then(|call| reader.end().map(|()| call));
        if self.read(api, call)? != self.calls {
            return Err(Error::Malformed(self.address.clone(), api, Malformed("it answers another call")));
        }
        let head = answer.len() - reader.rest().len();
        answer.drain(..head);
        Ok(answer)
    }

    async fn frame(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = |error| Error::Broken(self.address.clone(), error);
        let length = self.stream.read_i32().await.map_err(broken)?;
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LARGEST) else {
            return Err(Error::Large(self.address.clone(), length.into()));
        };
        // What was announced takes memory as it comes.
        let mut bytes = Zeroizing::new(Vec::new());
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut bytes).await.map_err(broken)?;
        if read < length {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes)
    }

    /// What was read of an answer, or the error that says whose it was.
    pub(super) fn read<T>(&self, api: Api, read: Result<T, Malformed>) -> Result<T, Error> {
        read.map_err(|error| Error::Malformed(self.address.clone(), api, error))
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Error> {
        let mechanism = login.mechanism.name();
        let version = self.version(Api::SaslHandshake)?;
        let body = messages::handshake_request(mechanism);
        let answer = self.call(Api::SaslHandshake, version, &body, Duration::ZERO).await?;
        let (code, known) = self.read(Api::SaslHandshake, messages::handshake(&answer))?;
        if code != Code::NONE {
            let known: Vec<String> =
                known.iter().take(10).map(|name| name.chars().take(40).collect()).collect();
            let reason = format!("it does not take {mechanism} ({code}), but {}", known.join(", "));
            return Err(Error::Login(self.address.clone(), reason));
        }
        if login.mechanism == Mechanism::Plain {
            return self.prove(&sasl::plain(login)).await.map(drop);
        }
        let address = self.address.clone();
        let refused = |reason: String| Error::Login(address.clone(), reason);
        let nonce = nonce().map_err(refused)?;
        let server = self.prove(&sasl::first(login, &nonce)).await?;
        let own = login.clone();
        let work = tokio::task::spawn_blocking(move || sasl::last(&own, &nonce, &server));
        let done = work.await.unwrap_or_else(|_| Err("the proof broke off".to_owned()));
        let (answer, expected) = done.map_err(refused)?;
        let shown = self.prove(&answer).await?;
        if sasl::is_known(&shown, &expected) {
            return Ok(());
        }
        let reason = "it does not show that it knows the password itself: it may be somebody else";
        Err(Error::Login(self.address.clone(), reason.to_owned()))
    }

    /// Sends a message of a mechanism, and gives the broker's.
    async fn prove(&mut self, token: &[u8]) -> Result<Vec<u8>, Error> {
        let version = self.version(Api::SaslAuthenticate)?;
        let body = Zeroizing::new(messages::authenticate_request(token));
        let answer = self.call(Api::SaslAuthenticate, version, &body, Duration::ZERO).await?;
        let (code, message, token) = self.read(Api::SaslAuthenticate, messages::authenticate(&answer))?;
        if code == Code::NONE {
            return Ok(token);
        }
        let message = message.unwrap_or_else(|| code.to_string());
        Err(Error::Login(self.address.clone(), message.chars().take(300).collect()))
    }
}

/// 128 random bits as text.
fn nonce() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn stream(client: &Client, address: &Address) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    let Some(Security(config)) = &client.security else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_hosts_and_ports() {
        for text in ["broker-1.example:9092", "127.0.0.1:1", "[::1]:9093", "h_1:65535"] {
            assert_eq!(Address::read(text).map(|address| address.to_string()).as_deref(), Some(text));
        }
        for text in ["", "host", "host:", "host:0", "host:65536", ":1", "::1:9092", "[h]:1", "a b:1", "a/b:1"]
        {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }
}
