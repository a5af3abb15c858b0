//! The socket under a connection. Whatever speaks over it reads until it has enough; this looks before each read, however little
//! the one before it brought, whether anybody still waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{Stop, http::POLL};

#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    stop: Stop,
    until: Instant,
}

impl Wire {
    pub fn new(tcp: TcpStream, stop: Stop, patience: Duration) -> io::Result<Self> {
        tcp.set_read_timeout(Some(POLL))?;
        tcp.set_write_timeout(Some(POLL))?;
        Ok(Self {
            tcp,
            stop,
            until: now() + patience,
        })
    }

    /// So much longer from now on.
    pub fn wait(&mut self, patience: Duration) {
        self.until = now() + patience;
    }

    fn until_done<T>(
        &mut self,
        mut work: impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            // Neither is tried again by whoever is above.
            if self.stop.is_set() {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            if now() >= self.until {
                return Err(ErrorKind::TimedOut.into());
            }
            match work(&mut self.tcp) {
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                done => return done,
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until_done(|tcp| tcp.read(buffer))
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_done(|tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a line is waited for, and nothing else, goes by it"
)]
fn now() -> Instant {
    Instant::now()
}
