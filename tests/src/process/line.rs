//! The line between one pole and its broker, which can be cut as real lines are: nothing comes through any more, and
//! nobody is told.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    thread::JoinHandle,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    sync::watch,
};

/// Bytes carried in one go.
const PIECE: usize = 16 * 1024;

/// A line to `broker`. Dropping it ends it, and all its connections with it.
#[derive(Debug)]
pub struct Line {
    pub port: u16,
    /// `true`: bytes come through. Without a sender the line's thread ends.
    whole: Option<watch::Sender<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// # Panics
    /// When there is no port or thread for it.
    pub fn to(broker_port: u16) -> Self {
        let (whole, seen) = watch::channel(true);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, broker_port));
        let thread = std::thread::spawn(move || runtime.block_on(carry(listener, broker, seen)));
        Self {
            port,
            whole: Some(whole),
            thread: Some(thread),
        }
    }

    /// The cable is cut: what is under way is lost, both ends still think that they are connected.
    pub fn cut(&self) {
        self.set(false);
    }

    pub fn mend(&self) {
        self.set(true);
    }

    fn set(&self, whole: bool) {
        if let Some(sender) = &self.whole {
            sender.send_replace(whole);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.whole.take());
        if let Some(thread) = self.thread.take() {
            // It panicked only if a test did.
            let _ = thread.join();
        }
    }
}

async fn carry(listener: TcpListener, broker: SocketAddr, whole: watch::Receiver<bool>) {
    let mut ended = whole.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((pole, _)) = accepted {
                tokio::spawn(connection(pole, broker, whole.clone()));
            },
            changed = ended.changed() => if changed.is_err() { return },
        }
    }
}

/// Both ways, until one end closes. A connection that was made through a cut line, or lived through one, is dead for good:
/// its bytes were lost.
async fn connection(pole: TcpStream, broker: SocketAddr, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow_and_update() {
        return hold(pole, whole).await;
    }
    let Ok(office) = TcpStream::connect(broker).await else {
        return;
    };
    for end in [&pole, &office] {
        // Only makes it quicker.
        let _ = end.set_nodelay(true);
    }
    let (mut pole_says, mut pole_hears) = pole.into_split();
    let (mut office_says, mut office_hears) = office.into_split();
    let is_cut = tokio::select! {
        _ = copy(&mut pole_says, &mut office_hears) => false,
        _ = copy(&mut office_says, &mut pole_hears) => false,
        _ = whole.changed() => true,
    };
    if is_cut {
        // Both ends stay open and hear nothing, until the line's own end.
        while whole.changed().await.is_ok() {}
    }
}

async fn copy(
    from: &mut tokio::net::tcp::OwnedReadHalf,
    to: &mut tokio::net::tcp::OwnedWriteHalf,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&piece[..read]).await?;
    }
}

/// Somebody knocks on a cut line and is not answered; a knock after it was mended finds the office.
async fn hold(pole: TcpStream, mut whole: watch::Receiver<bool>) {
    let _open = pole;
    while !*whole.borrow_and_update() {
        if whole.changed().await.is_err() {
            return;
        }
    }
}
