//! The encrypted door of the broker: TLS 1.3 with a certificate on both sides, then the bytes go to the broker behind it.
//!
//! RMQTT's own TLS knows no revocation. Here the handshake asks the roster, and the broker learns by a ticket whose
//! certificate it was (`tickets`), so that it can ask again at CONNECT and whenever the roster changes.
//!
//! Bounds, and what happens there:
//! - [`HALF_OPEN`] handshakes at a time; when one more comes, the one that has taken longest is given up;
//! - a handshake, and then the first byte, may take [`PATIENCE`] each;
//! - as many connections as the broker takes, and [`HALF_OPEN`] more; further ones wait in the system's queue.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    Tallies,
    relay::relay,
    tickets::{Holder, Tickets},
};
use crate::pki::Peer;

/// Handshakes under way.
pub const HALF_OPEN: usize = 1_024;
/// How long a handshake may take, and the silence after it: a weak 3G line needs some seconds.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long the broker behind may take to accept.
const WITHIN: Duration = Duration::from_secs(5);
/// How long no connection is taken after the system refused to give one.
const TROUBLE: Duration = Duration::from_millis(500);
/// The first bytes of a connection: its CONNECT, mostly.
const FIRST_BYTES: usize = 512;

/// What stands between the open port and the broker.
pub(super) struct Front {
    pub acceptor: TlsAcceptor,
    /// Where the broker behind listens.
    pub inside: SocketAddr,
    pub tickets: Tickets,
    pub tallies: Arc<Tallies>,
}

impl Front {
    pub fn new(
        config: Arc<ServerConfig>,
        inside: SocketAddr,
        tickets: Tickets,
        tallies: Arc<Tallies>,
    ) -> Self {
        Self {
            acceptor: TlsAcceptor::from(config),
            inside,
            tickets,
            tallies,
        }
    }

    /// For ever.
    pub async fn run(self, listener: TcpListener, max_connections: usize) {
        let front = Arc::new(self);
        let places = Arc::new(Semaphore::new(max_connections + HALF_OPEN));
        let handshakes = Arc::new(Semaphore::new(HALF_OPEN));
        let mut waiting: VecDeque<Weak<Notify>> = VecDeque::new();
        loop {
            // The semaphores are never closed.
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (stream, from) = accept(&listener).await;
            while waiting.front().is_some_and(|w| w.strong_count() == 0) {
                waiting.pop_front();
            }
            if waiting.len() > 4 * HALF_OPEN {
                waiting.retain(|w| w.strong_count() > 0);
            }
            if handshakes.available_permits() == 0
                && let Some(oldest) =
                    std::iter::from_fn(|| waiting.pop_front()).find_map(|waiting| waiting.upgrade())
            {
                oldest.notify_one();
            }
            let Ok(turn) = handshakes.clone().acquire_owned().await else {
                return;
            };
            let given_up = Arc::new(Notify::new());
            waiting.push_back(Arc::downgrade(&given_up));
            let front = front.clone();
            tokio::spawn(async move {
                front.serve(stream, from, turn, given_up).await;
                drop(place);
            });
        }
    }

    async fn serve(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        turn: OwnedSemaphorePermit,
        given_up: Arc<Notify>,
    ) {
        let opened = tokio::select! {
            opened = timeout(PATIENCE, self.shake_hands(stream)) => opened,
            () = given_up.notified() => return,
        };
        drop((turn, given_up));
        let (stream, peer) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                if let Some(times) = self.tallies.refused_handshakes.count() {
                    tracing::warn!(%from, %error, times, "no connection without a certificate that holds");
                }
                return;
            }
            // Nobody who means it.
            Err(_) => return,
        };
        let speaker = peer.speaker.clone();
        if let Err(error) = self.connect(stream, peer, from).await {
            tracing::debug!(%from, speaker, %error, "connection ended");
        }
    }

    async fn shake_hands(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Peer)> {
        // An answer is small and must not wait for the acknowledgement of an earlier packet.
        let _ = stream.set_nodelay(true);
        let stream = self.acceptor.accept(stream).await?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let peer = certificate
            .and_then(|certificate| Peer::of(certificate))
            .ok_or(io::ErrorKind::PermissionDenied)?;
        Ok((stream, peer))
    }

    async fn connect(
        &self,
        mut stream: TlsStream<TcpStream>,
        peer: Peer,
        from: SocketAddr,
    ) -> io::Result<()> {
        // Who says nothing costs the broker behind nothing.
        let mut first = Vec::with_capacity(FIRST_BYTES);
        if timeout(PATIENCE, stream.read_buf(&mut first)).await?? == 0 {
            return Ok(());
        }
        let ticket = self.tickets.give(Holder { peer, from });
        let mut inside = timeout(WITHIN, TcpStream::connect(self.inside)).await??;
        inside.set_nodelay(true)?;
        // In one piece: the broker looks at what has come so far, once.
        let header = [&ticket.header()[..], &first].concat();
        inside.write_all(&header).await?;
        drop((first, header));
        let done = relay(stream, inside).await;
        drop(ticket);
        done
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            // It went away before it was taken.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::warn!(%error, "no speaker's connection can be taken; trying again");
                sleep(TROUBLE).await;
            }
        }
    }
}
