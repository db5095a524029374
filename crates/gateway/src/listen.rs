//! The listener: connections of HTTP/1.1 and 2, encrypted or not, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use castellan_access::certificate::ClientCertificate;
use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsConfig;
use crate::gate::Gate;
use crate::opening::Opening;
use crate::proxy::{GateBody, Peer, handle, refresh};
use crate::tls::{self, Changed, TlsError};

/// Most bytes of the headers of a request.
const HEADERS: usize = 64 << 10;
/// Most requests of one connection of HTTP/2 at once.
const STREAMS: u32 = 128;
/// How long to wait after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Why the gate does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system refuses.
    #[error("cannot listen on `{0}`: {1}")]
    System(SocketAddr, io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A listener that is open.
pub struct Listener {
    gate: Arc<Gate>,
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Reloaded>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A certificate that is read again when its files change.
struct Reloaded {
    config: TlsConfig,
    held: RwLock<(TlsAcceptor, Changed)>,
}

impl Reloaded {
    fn acceptor(&self) -> TlsAcceptor {
        self.held.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Reads the certificate again where it changed. What cannot be used is told, and the old one holds.
    fn refresh(&self) -> Result<(), TlsError> {
        let changed = tls::changed(&self.config);
        if self.held.read().unwrap_or_else(PoisonError::into_inner).1 == changed {
            return Ok(());
        }
        let acceptor = tls::acceptor(&self.config)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = (acceptor, changed);
        Ok(())
    }
}

impl Listener {
    /// Opens it. Requests are answered once [`Listener::run`] is called.
    ///
    /// # Errors
    /// When the system does not give the address, and when the certificate cannot be used.
    pub async fn bind(gate: Arc<Gate>) -> Result<Listener, ListenError> {
        let asked = gate.config.listen;
        let refused = |error| ListenError::System(asked, error);
        let tls = match &gate.config.tls {
            Some(config) => {
                let held = RwLock::new((tls::acceptor(config)?, tls::changed(config)));
                Some(Arc::new(Reloaded { config: config.clone(), held }))
            }
            None => None,
        };
        let tcp = TcpListener::bind(asked).await.map_err(refused)?;
        let address = tcp.local_addr().map_err(refused)?;
        Ok(Listener { gate, tcp, address, tls })
    }

    /// What answers.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Where it listens, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends; then accepts nothing more, and lets requests end. `told` hears of what goes wrong.
    pub async fn run(self, stop: impl Future<Output = ()>, told: impl Fn(&str) + Send + Sync + 'static) {
        let places =
            Arc::new(Semaphore::new(self.gate.config.bounds.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let open = GracefulShutdown::new();
        let upkeep = tokio::spawn(upkeep(Arc::clone(&self.gate), self.tls.clone(), told));
        tokio::pin!(stop);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, self.tcp.accept().await)
            };
            tokio::select! {
                () = &mut stop => break,
                (place, accepted) = accepted => match accepted {
                    Ok((stream, address)) => {
                        let connection = Connection {
                            gate: Arc::clone(&self.gate),
                            tls: self.tls.as_ref().map(|tls| tls.acceptor()),
                            address,
                        };
                        let watcher = open.watcher();
                        tokio::spawn(async move {
                            connection.serve(stream, watcher).await;
                            drop(place);
                        });
                    }
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
        drop(self.tcp);
        upkeep.abort();
        // Those that take longer end with the runtime.
        let _ = timeout(Duration::from_millis(self.gate.config.bounds.farewell_ms), open.shutdown()).await;
        // Where the disk fails, a little less is left of limits after the next start.
        let _ = self.gate.close();
    }
}

/// Looks at files, keys of issuers and certificates, now and then.
async fn upkeep(gate: Arc<Gate>, tls: Option<Arc<Reloaded>>, told: impl Fn(&str)) {
    let mut ticks = interval(EVERY);
    let mut last: Vec<String> = Vec::new();
    loop {
        ticks.tick().await;
        refresh(&gate).await;
        let reloading = Arc::clone(&gate);
        let mut problems = tokio::task::spawn_blocking(move || reloading.reload()).await.unwrap_or_default();
        if let Some(Err(error)) = tls.as_ref().map(|tls| tls.refresh()) {
            problems.push(error.to_string());
        }
        problems.iter().filter(|problem| !last.contains(problem)).for_each(|problem| told(problem));
        last = problems;
    }
}

/// Answers a request. After one in chunks the connection ends (RFC 9112, 6.1): a server before the gate may have read its length
/// elsewhere, and would take for the next request what is a part of this one.
async fn closing(gate: Arc<Gate>, peer: Arc<Peer>, request: Request<Incoming>) -> Response<GateBody> {
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = handle(gate, peer, request).await;
    if is_chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

struct Connection {
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        // An answer is written at once; waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let wait = Duration::from_millis(self.gate.config.bounds.header_ms);
        match &self.tls {
            None => {
                let peer = Peer { address: self.address.ip(), certificate: None };
                self.speak(stream, peer, watcher).await;
            }
            Some(tls) => {
                // Who does not get as far as a key in the time for headers is let go.
                let Ok(Ok(stream)) = timeout(wait, tls.accept(stream)).await else { return };
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate = match shown.map(|der| (ClientCertificate::read(der), tls::digest(der))) {
                    Some((Ok(certificate), digest)) => Some((certificate, digest)),
                    Some((Err(_), _)) => return,
                    None => None,
                };
                let peer = Peer { address: self.address.ip(), certificate };
                self.speak(stream, peer, watcher).await;
            }
        }
    }

    async fn speak<Stream>(&self, stream: Stream, peer: Peer, watcher: Watcher)
    where
        Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (gate, peer) = (Arc::clone(&self.gate), Arc::new(peer));
        let wait = Duration::from_millis(gate.config.bounds.header_ms);
        gate.metrics.connections.inc();
        let service = service_fn(|request| {
            let (gate, peer) = (Arc::clone(&gate), Arc::clone(&peer));
            async move { Ok::<_, Infallible>(closing(gate, peer, request).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(wait)
            .max_buf_size(HEADERS)
            .half_close(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(wait)
            .keep_alive_timeout(wait)
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(HEADERS).unwrap_or(u32::MAX));
        let connection =
            builder.serve_connection(TokioIo::new(Opening::new(stream, wait)), service).into_owned();
        // A client that breaks off is no fault of ours, and there is nobody left to tell.
        let _ = watcher.watch(connection).await;
        gate.metrics.connections.dec();
    }
}
