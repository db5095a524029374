//! Listeners for syslog: over TCP, over TLS, over UDP.
//!
//! Messages are told apart as RFC 6587 has it; over TLS that is RFC 5425, over UDP each datagram is one (RFC 5426). They
//! are kept in batches: a quarter of a MiB, or what came in half a second.
//!
//! Syslog knows no acknowledgement. While the lake has no room, a connection is not read, so that its sender waits; what
//! cannot be kept at all is counted and told.
//!
//! *Invariant (bounded):* so many connections, so long a message, so long a silence.

mod batch;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use castellan_ingest::syslog::{Frame, Frames};
use castellan_lake::Lake;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Tell;
use crate::Tls;
use batch::Keeper;

pub use udp::SyslogUdp;

/// Bytes that are read of a connection at once.
const BUFFER: usize = 64 << 10;
/// How long to wait after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What a listener takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most connections at once: 512. Others wait to be accepted.
    pub connections: usize,
    /// Longest message in bytes: 64 KiB. What is beyond is cut, which is told.
    pub longest: usize,
    /// How long a connection may be silent: 15 minutes.
    pub idle: Duration,
    /// How long the handshake of TLS may take: 15 seconds.
    pub handshake: Duration,
    /// Bytes of messages that are kept at once: 256 KiB.
    pub batch: usize,
    /// How long a message waits for others: half a second.
    pub wait: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections: 512,
            longest: 64 << 10,
            idle: Duration::from_mins(15),
            handshake: Duration::from_secs(15),
            batch: 256 << 10,
            wait: Duration::from_millis(500),
        }
    }
}

/// A listener over TCP that is open, with TLS or without.
pub struct Syslog {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    keeper: Arc<Keeper>,
    bounds: Bounds,
}

impl Syslog {
    /// Opens the listener; with a certificate, connections have to be encrypted.
    ///
    /// # Errors
    /// When the system does not give the address.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Tls>,
        lake: Arc<Lake>,
        tell: Tell,
        bounds: Bounds,
    ) -> io::Result<Syslog> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Syslog { listener, address, tls, keeper: Arc::new(Keeper::new(lake, tell)), bounds })
    }

    /// Where it listens, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes messages until `stop` ends, and keeps what came before that.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.bounds.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let (end, ending) = watch::channel(());
        let mut open = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.accept(&places) => match accepted {
                    Some((stream, peer, place)) => {
                        let connection = Connection {
                            peer: peer.ip().to_canonical().to_string(),
                            keeper: Arc::clone(&self.keeper),
                            bounds: self.bounds,
                            ending: ending.clone(),
                        };
                        open.spawn(connection.serve(stream, self.tls.clone(), place));
                    }
                    None => sleep(PAUSE).await,
                },
                Some(_) = open.join_next() => {}
            }
        }
        drop((self.listener, end));
        while open.join_next().await.is_some() {}
    }

    async fn accept(&self, places: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        let (stream, peer) = self.listener.accept().await.ok()?;
        Some((stream, peer, place))
    }
}

struct Connection {
    peer: String,
    keeper: Arc<Keeper>,
    bounds: Bounds,
    /// Closed when everything is to end.
    ending: watch::Receiver<()>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<Tls>, place: OwnedSemaphorePermit) {
        match tls {
            None => self.read(stream).await,
            Some(tls) => {
                // Who does not get as far as a key is let go.
                if let Ok(Ok(stream)) = timeout(self.bounds.handshake, tls.acceptor().accept(stream)).await {
                    self.read(stream).await;
                }
            }
        }
        drop(place);
    }

    async fn read(mut self, mut stream: impl AsyncRead + Unpin) {
        let mut frames = Frames::new(self.bounds.longest);
        let mut waiting = Waiting::default();
        let mut buffer = vec![0; BUFFER];
        loop {
            let patience = waiting.since.map_or(self.bounds.idle, |since| {
                (since + self.bounds.wait).saturating_duration_since(Instant::now())
            });
            let read = tokio::select! {
                read = timeout(patience, stream.read(&mut buffer)) => read,
                _ = self.ending.changed() => Ok(Ok(0)),
            };
            match read {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(count)) => {
                    waiting.add(frames.push(buffer.get(..count).unwrap_or_default()));
                    if waiting.bytes >= self.bounds.batch {
                        self.keep(&mut waiting).await;
                    }
                }
                // Nothing came: what waits is kept, and who has nothing waiting has been silent for too long.
                Err(_) if waiting.since.is_some() => self.keep(&mut waiting).await,
                Err(_) => break,
            }
        }
        waiting.add(frames.finish());
        self.keep(&mut waiting).await;
    }

    async fn keep(&self, waiting: &mut Waiting) {
        let frames = std::mem::take(waiting).frames;
        if !frames.is_empty() {
            self.keeper.keep([(self.peer.clone(), frames)]).await;
        }
    }
}

/// Messages that are not kept yet.
#[derive(Default)]
struct Waiting {
    frames: Vec<Frame>,
    bytes: usize,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            // Empty messages cost something as well.
            self.bytes += frame.bytes.len() + 64;
            self.frames.push(frame);
            self.since.get_or_insert_with(Instant::now);
        }
    }
}
