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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsConfig;
use crate::gate::Gate;
use crate::idle::{Activity, Answering};
use crate::opening::Opening;
use crate::proxy::{Peer, handle, refresh};
use crate::tls::{self, Changed, TlsError};
use crate::traces::Traces;

/// Most bytes of the headers of a request.
const HEADERS: usize = 64 << 10;
/// Most requests of one connection of HTTP/2 at once.
const STREAMS: u32 = 128;
/// How long to wait after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the last spans may take.
const LAST_SPANS: Duration = Duration::from_secs(10);
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
        // Each connection has a receiver: it hears that the gate is told to stop, and the sender that it is gone.
        let (open, watcher) = watch::channel(());
        let told = Arc::new(told);
        let heard = Arc::clone(&told);
        let upkeep =
            tokio::spawn(upkeep(Arc::clone(&self.gate), self.tls.clone(), move |text: &str| heard(text)));
        let (ending, ended) = watch::channel(false);
        let exporter = self.gate.traces.as_ref().and_then(Traces::exporter);
        let exporter =
            exporter.map(|exporter| tokio::spawn(exporter.run(ended, move |text: &str| told(text))));
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
                        let watcher = watcher.clone();
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
        drop(watcher);
        let _ = open.send(());
        upkeep.abort();
        // Those that take longer end with the runtime.
        let _ = timeout(Duration::from_millis(self.gate.config.bounds.farewell_ms), open.closed()).await;
        let _ = ending.send(true);
        if let Some(exporter) = exporter {
            let _ = timeout(LAST_SPANS, exporter).await;
        }
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
async fn closing(
    gate: Arc<Gate>,
    peer: Arc<Peer>,
    activity: &Arc<Activity>,
    request: Request<Incoming>,
) -> Response<Answering> {
    let running = activity.begin();
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = handle(gate, peer, request).await;
    if is_chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| Answering { body, _running: running })
}

/// The time that a connection may last: up to a tenth less, so that those that came together do not all go together.
fn age(gate: &Gate) -> Option<Duration> {
    let most = gate.config.bounds.connection_age_ms;
    let mut random = [0_u8; 1];
    // Without randomness of the system all last as long.
    let _ = getrandom::fill(&mut random);
    let less = most / 10 * u64::from(random[0]) / 255;
    (most > 0).then(|| Duration::from_millis(most - less))
}

struct Connection {
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: watch::Receiver<()>) {
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

    async fn speak<Stream>(&self, stream: Stream, peer: Peer, mut stop: watch::Receiver<()>)
    where
        Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (gate, peer) = (Arc::clone(&self.gate), Arc::new(peer));
        let wait = Duration::from_millis(gate.config.bounds.header_ms);
        gate.metrics.connections.inc();
        let activity = Activity::new();
        let service = service_fn(|request| {
            let (gate, peer, activity) = (Arc::clone(&gate), Arc::clone(&peer), Arc::clone(&activity));
            async move { Ok::<_, Infallible>(closing(gate, peer, &activity, request).await) }
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
        let stream = TokioIo::new(Opening::new(stream, wait, Arc::clone(&activity)));
        let connection = builder.serve_connection(stream, service);
        tokio::pin!(connection);
        let end = age(&gate).map(|age| Instant::now() + age);
        let look = sleep(wait);
        tokio::pin!(look);
        let mut leaves: Option<Instant> = None;
        loop {
            tokio::select! {
                // A client that breaks off is no fault of ours, and there is nobody left to tell.
                _ = connection.as_mut() => break,
                _ = stop.changed(), if leaves.is_none() => {
                    leaves = Some(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
                () = look.as_mut() => {
                    let now = Instant::now();
                    match leaves {
                        // It was told to go, nothing is under way, and it stays.
                        Some(since) if now >= since + wait && !activity.is_running() => break,
                        Some(_) => {}
                        None if end.is_some_and(|end| now >= end)
                            || activity.idle_at(wait).is_some_and(|idle| now >= idle) =>
                        {
                            leaves = Some(now);
                            connection.as_mut().graceful_shutdown();
                        }
                        None => {}
                    }
                    let next = activity.idle_at(wait).filter(|idle| leaves.is_none() && *idle > now);
                    let next = next.unwrap_or(now + wait);
                    let next = end.filter(|_| leaves.is_none()).map_or(next, |end| next.min(end));
                    look.as_mut().reset(next);
                }
            }
        }
        gate.metrics.connections.dec();
    }
}
