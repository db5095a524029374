//! The listener and its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::access;
use crate::console::{self, Console, Peer};
use crate::server::stall::Stall;
use crate::tls::Tls;
use crate::{Config, Refusal};

mod stall;

/// Most bytes of a connection that are held outside of bodies: the headers of a request have to fit in.
const BUFFER: usize = 64 << 10;

/// Most requests of one connection of HTTP/2 at once.
const STREAMS: u32 = 32;

/// Most bytes of headers of a request over HTTP/2.
const HEADERS: u32 = 32 << 10;

/// How long to wait after the system could not accept a connection, as when there are no more file handles.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the server does not listen.
#[derive(Debug, Error)]
pub enum BindError {
    /// Others than this machine could ask, and nothing says who may.
    #[error(
        "`{0}` can be reached from other machines, and there is no token; set one, or listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on `{0}`: {1}")]
    System(SocketAddr, io::Error),
}

/// A listener that is open, and what it serves.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    routes: Router,
    is_http2: bool,
}

impl Server {
    /// Opens the listener. Requests are answered once [`Server::run`] is called.
    ///
    /// # Errors
    /// When the address is not loopback and there is no token, and when the system does not give the address.
    pub async fn bind(config: Config, routes: Router) -> Result<Server, BindError> {
        if config.token.is_none() && !config.address.ip().is_loopback() {
            return Err(BindError::Unprotected(config.address));
        }
        let refused = |error| BindError::System(config.address, error);
        let listener = TcpListener::bind(config.address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Server { listener, address, routes: guarded(routes, &config), config, is_http2: false })
    }

    /// Has it speak HTTP/2 from the first byte of each connection, and nothing else, as gRPC does.
    #[must_use]
    pub fn with_http2(mut self) -> Server {
        self.is_http2 = true;
        self.config.tls = self.config.tls.as_ref().map(Tls::with_http2);
        self
    }

    /// Serves a console as well, which asks itself who may what.
    #[must_use]
    pub fn with_console(mut self, console: &Console) -> Server {
        self.routes = self.routes.merge(console::router(console));
        self
    }

    /// Where it listens, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends; then accepts nothing more, and lets requests end for as long as the configuration says.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(self.config.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let open = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.accept(&connections) => match accepted {
                    Some((stream, peer, place)) => self.connect((stream, peer), place, open.watcher()),
                    None => sleep(PAUSE).await,
                },
            }
        }
        drop(self.listener);
        // Those that take longer end with the runtime; nothing is lost but their answers.
        let _ = timeout(self.config.farewell, open.shutdown()).await;
    }

    async fn accept(&self, connections: &Arc<Semaphore>) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
        let place = Arc::clone(connections).acquire_owned().await.ok()?;
        let (stream, address) = self.listener.accept().await.ok()?;
        Some((stream, Peer(address.ip()), place))
    }

    fn connect(&self, (stream, peer): (TcpStream, Peer), place: OwnedSemaphorePermit, watcher: Watcher) {
        // An answer is written at once; waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let stream = Stall::new(stream, self.config.body_time);
        let (routes, config) = ((self.routes.clone(), peer), self.config.clone());
        let is_http2 = self.is_http2;
        tokio::spawn(async move {
            match config.tls.as_ref().map(Tls::acceptor) {
                None => serve((routes, &config, is_http2), stream, watcher).await,
                // Who does not get as far as a key in the time for headers is let go.
                Some(tls) => {
                    if let Ok(Ok(stream)) = timeout(config.header_time, tls.accept(stream)).await {
                        serve((routes, &config, is_http2), stream, watcher).await;
                    }
                }
            }
            drop(place);
        });
    }
}

/// Answers the requests of one connection until it ends.
async fn serve<Stream>(
    ((routes, peer), config, is_http2): ((Router, Peer), &Config, bool),
    stream: Stream,
    watcher: Watcher,
) where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(config.header_time)
            .keep_alive_timeout(config.header_time)
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let _ = watcher.watch(connection).await;
        return;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_time)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off is no fault of ours, and there is nobody left to tell.
    let _ = watcher.watch(connection).await;
}

fn guarded(routes: Router, config: &Config) -> Router {
    let nothing = async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path");
    let other = async || Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path has another method");
    routes
        .fallback(nothing)
        .method_not_allowed_fallback(other)
        .layer(from_fn_with_state(config.token.clone(), access::check))
}
