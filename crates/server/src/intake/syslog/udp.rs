//! Syslog over UDP: each datagram is a message. Source: RFC 5426.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use castellan_ingest::syslog::Frame;
use castellan_lake::Lake;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::batch::Keeper;
use super::{BUFFER, Bounds};
use crate::intake::Tell;

/// Datagrams that wait while others are kept; what comes beyond is lost, as UDP has it.
const WAITING: usize = 16_384;

/// A socket that is open.
pub struct SyslogUdp {
    socket: UdpSocket,
    address: SocketAddr,
    keeper: Keeper,
    bounds: Bounds,
}

type Datagram = (SocketAddr, Vec<u8>);

impl SyslogUdp {
    /// Opens the socket.
    ///
    /// # Errors
    /// When the system does not give the address.
    pub async fn bind(
        address: SocketAddr,
        lake: Arc<Lake>,
        tell: Tell,
        bounds: Bounds,
    ) -> io::Result<SyslogUdp> {
        let socket = UdpSocket::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(SyslogUdp { socket, address, keeper: Keeper::new(lake, tell), bounds })
    }

    /// Where it listens, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes messages until `stop` ends, and keeps what came before that.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let bounds = self.bounds;
        let receive = async {
            receive(&self.socket, bounds, &sender, stop).await;
            drop(sender);
        };
        // Datagrams are received while others are kept.
        tokio::join!(receive, keep(&self.keeper, bounds, receiver));
    }
}

async fn receive(
    socket: &UdpSocket,
    bounds: Bounds,
    sender: &mpsc::Sender<Datagram>,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    let mut buffer = vec![0; BUFFER];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = &mut stop => return,
        };
        // An error is one of an earlier answer that nobody took; there are no answers here.
        let Ok((count, peer)) = received else { continue };
        let message = buffer.get(..count.min(bounds.longest)).unwrap_or_default();
        // Whoever finds no place is lost, as when the system's own buffer is full.
        let _ = sender.try_send((peer, message.to_vec()));
    }
}

async fn keep(keeper: &Keeper, bounds: Bounds, mut receiver: mpsc::Receiver<Datagram>) {
    while let Some(first) = receiver.recv().await {
        let deadline = Instant::now() + bounds.wait;
        let mut bytes = 0;
        let mut batch: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
        let mut next = Some(first);
        while let Some((peer, message)) = next {
            bytes += message.len() + 64;
            let peer = peer.ip().to_canonical().to_string();
            batch.entry(peer).or_default().push(Frame::whole(message));
            if bytes >= bounds.batch {
                break;
            }
            next = timeout_at(deadline, receiver.recv()).await.ok().flatten();
        }
        keeper.keep(batch).await;
    }
}
