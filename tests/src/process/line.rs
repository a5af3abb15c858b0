//! The line between one pole and its broker, or a phone and the office: it can be cut as real lines are (nothing comes
//! through any more, and nobody is told), and it can be a bad one.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime,
    sync::{mpsc, watch},
};

use super::{chance::Chance, clock::mono_us};

/// Bytes carried in one go.
const PIECE: usize = 16 * 1024;
/// Pieces under way on a slow line, each way; whoever sends more waits.
const UNDER_WAY: usize = 1_024;

/// What a line does to each piece that goes over it. It stays TCP: nothing is lost, and nothing overtakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// From the least to the most, each way, in microseconds.
    pub delay_us: (u64, u64),
    /// So many of a hundred pieces stall, and all behind them wait with them …
    pub stalls_percent: u64,
    /// … for this long, as when a lost packet is sent again.
    pub stall_us: u64,
}

impl Weather {
    pub const FAIR: Self = Self {
        delay_us: (0, 0),
        stalls_percent: 0,
        stall_us: 0,
    };
    /// A village's mobile line on a bad day: 50 ± 30 ms each way, and two of a hundred pieces stall for a quarter of a second.
    pub const BAD: Self = Self {
        delay_us: (20_000, 80_000),
        stalls_percent: 2,
        stall_us: 250_000,
    };

    fn delay(&self, chance: &mut Chance) -> u64 {
        let (least, most) = self.delay_us;
        let stalls = chance.between(0, 100) < self.stalls_percent;
        chance.between(least, most + 1) + if stalls { self.stall_us } else { 0 }
    }
}

/// How a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes come through.
    Whole,
    /// Nothing does, and nobody is told.
    Cut,
    /// Nothing does, and both ends know it.
    HungUp,
}

/// A line to `broker`. Dropping it ends it, and all its connections with it.
#[derive(Debug)]
pub struct Line {
    pub port: u16,
    /// Without a sender the line's thread ends.
    state: Option<watch::Sender<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// # Panics
    /// When there is no port or thread for it.
    pub fn to(broker_port: u16) -> Self {
        Self::through(Weather::FAIR, broker_port)
    }

    /// # Panics
    /// When there is no port or thread for it.
    pub fn through(weather: Weather, broker_port: u16) -> Self {
        let (state, seen) = watch::channel(State::Whole);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, broker_port));
        let all = carry(listener, broker, weather, seen);
        let thread = std::thread::spawn(move || runtime.block_on(all));
        Self {
            port,
            state: Some(state),
            thread: Some(thread),
        }
    }

    /// The cable is cut: what is under way is lost, both ends still think that they are connected.
    pub fn cut(&self) {
        self.set(State::Cut);
    }

    /// As a cut, and both ends are told; whoever knocks is turned away.
    pub fn hang_up(&self) {
        self.set(State::HungUp);
    }

    pub fn mend(&self) {
        self.set(State::Whole);
    }

    fn set(&self, state: State) {
        if let Some(sender) = &self.state {
            sender.send_replace(state);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.state.take());
        if let Some(thread) = self.thread.take() {
            // It panicked only if a test did.
            let _ = thread.join();
        }
    }
}

async fn carry(
    listener: TcpListener,
    broker: SocketAddr,
    weather: Weather,
    state: watch::Receiver<State>,
) {
    let mut ended = state.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((pole, _)) = accepted {
                tokio::spawn(connection(pole, broker, weather, state.clone()));
            },
            changed = ended.changed() => if changed.is_err() { return },
        }
    }
}

/// Both ways, until one end closes. A connection that was made through a cut line, or lived through one, is dead for good:
/// its bytes were lost.
async fn connection(
    pole: TcpStream,
    broker: SocketAddr,
    weather: Weather,
    mut state: watch::Receiver<State>,
) {
    if *state.borrow_and_update() != State::Whole {
        return hold(pole, state).await;
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
        _ = copy(&mut pole_says, &mut office_hears, weather) => false,
        _ = copy(&mut office_says, &mut pole_hears, weather) => false,
        _ = state.changed() => true,
    };
    // Both ends stay open and hear nothing, until somebody hangs up, or the line's own end.
    while is_cut && *state.borrow_and_update() != State::HungUp && state.changed().await.is_ok() {}
}

async fn copy(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    weather: Weather,
) -> io::Result<()> {
    let (under_way, arriving) = mpsc::channel(UNDER_WAY);
    tokio::try_join!(send(from, under_way, weather), deliver(arriving, to))?;
    Ok(())
}

/// Each piece with the time at which it arrives; none before the one in front of it.
async fn send(
    from: &mut OwnedReadHalf,
    under_way: mpsc::Sender<(u64, Vec<u8>)>,
    weather: Weather,
) -> io::Result<()> {
    static DIRECTIONS: AtomicU64 = AtomicU64::new(1);
    let mut chance = Chance::new(DIRECTIONS.fetch_add(1, Ordering::Relaxed));
    let mut last_us = 0;
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        last_us = last_us.max(mono_us() + weather.delay(&mut chance));
        if under_way
            .send((last_us, piece[..read].to_vec()))
            .await
            .is_err()
        {
            return Ok(());
        }
    }
}

async fn deliver(
    mut arriving: mpsc::Receiver<(u64, Vec<u8>)>,
    to: &mut OwnedWriteHalf,
) -> io::Result<()> {
    while let Some((at_us, piece)) = arriving.recv().await {
        let left_us = at_us.saturating_sub(mono_us());
        if left_us > 0 {
            tokio::time::sleep(Duration::from_micros(left_us)).await;
        }
        to.write_all(&piece).await?;
    }
    Ok(())
}

/// Somebody knocks on a cut line and is not answered; a knock after it was mended finds the office. Where somebody hung up, he
/// is turned away at once.
async fn hold(pole: TcpStream, mut state: watch::Receiver<State>) {
    let _open = pole;
    while *state.borrow_and_update() == State::Cut {
        if state.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_goes_over_a_bad_line_comes_late_whole_and_in_order() {
        let office = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = office.local_addr().unwrap().port();
        let line = Line::through(Weather::BAD, port);
        let mut pole = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, line.port)).unwrap();
        pole.set_nodelay(true).unwrap();
        let (mut there, _) = office.accept().unwrap();
        let began_us = mono_us();
        let said: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        pole.write_all(&said).unwrap();
        let mut heard = vec![0; said.len()];
        there.read_exact(&mut heard).unwrap();
        assert!(heard == said);
        assert!(mono_us() - began_us >= Weather::BAD.delay_us.0);
        // The way back is as long.
        let began_us = mono_us();
        there.write_all(b"x").unwrap();
        pole.read_exact(&mut [0]).unwrap();
        assert!(mono_us() - began_us >= Weather::BAD.delay_us.0);
    }

    #[test]
    fn two_of_a_hundred_pieces_stall() {
        let mut chance = Chance::new(7);
        let delays: Vec<u64> = (0..10_000)
            .map(|_| Weather::BAD.delay(&mut chance))
            .collect();
        let stalled = delays.iter().filter(|us| **us >= 250_000).count();
        assert!((120..280).contains(&stalled), "{stalled}");
        assert!(delays.iter().all(|us| (20_000..=330_000).contains(us)));
        assert_eq!(Weather::FAIR.delay(&mut chance), 0);
    }
}
