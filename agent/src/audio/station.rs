//! A station that the speaker fetches by itself: sound for as long as it is asked for, however the station behaves.
//!
//! ```text
//! station ─ fetch and decode (thread) ─ blocks ─ cushion ─ whoever asks
//! ```
//! Where it gives nothing there is silence, so that the place goes with time; after `AWAY_MS` of that it has failed, and the
//! office's packets have to do. Bounds: `BLOCKS` decoded blocks wait, and `MOST_MS` in the cushion; of a station that does not wait
//! the oldest goes.

use std::{
    collections::VecDeque,
    io::{self, Cursor, Read},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use loa_audio::{
    DecodeError,
    station::{Kinds, Programme},
};
use loa_station::{About, Address, Station, Stop, Web, open};

use super::{RATE, ms_of_frames};

/// Blocks on their way to the cushion.
const BLOCKS: usize = 64;
/// It begins with so much in the cushion, …
const ENOUGH_MS: u64 = 1_000;
/// … is asked for no more at so much, where it can wait, …
const FULL_MS: u64 = 2_000;
/// … and holds no more than this.
const MOST_MS: u64 = 4_000;
/// Silence for so long is a failure.
const AWAY_MS: u64 = 2_000;
/// Given at a time: 20 ms.
const STEP: usize = RATE as usize / 50;
/// How long it is waited for before a step of silence takes its place: less than the step lasts.
const PATIENCE: Duration = Duration::from_millis(15);
/// What sounds before it has to be decoded so long before its start.
const EARLY_US: u64 = 300_000;

#[derive(Debug)]
enum Came {
    About(About),
    Block(Vec<f32>),
    Over(String),
}

/// A station on its way. Dropping it ends its thread.
#[derive(Debug)]
pub struct Fetched {
    ear: Ear,
    _stop: StopAtEnd,
}

impl Fetched {
    /// Goes for it, and does not wait.
    ///
    /// # Errors
    /// The address is none, or the system gives no thread.
    pub fn begin(web: &Web, url: &str) -> Result<Self, String> {
        let address = Address::parse(url).map_err(|away| away.to_string())?;
        let stop = Stop::default();
        let (sender, came) = sync_channel(BLOCKS);
        let web = web.until(stop.clone());
        std::thread::Builder::new()
            .name("loa-station".into())
            .stack_size(1024 * 1024)
            .spawn(move || {
                let why = fetch(&address, &web, &sender);
                // Nobody listens when it was stopped.
                let _ = sender.send(Came::Over(why));
            })
            .map_err(|error| format!("no thread to fetch on: {error}"))?;
        Ok(Self {
            ear: Ear::new(came),
            _stop: StopAtEnd(stop),
        })
    }

    /// Waits for enough of it, until it is nearly `start_us` (by `now_us`).
    ///
    /// # Errors
    /// It failed meanwhile, and why.
    pub fn gather(&mut self, start_us: u64, now_us: impl Fn() -> u64) -> Result<(), String> {
        while !self.ear.has_enough() && now_us() + EARLY_US < start_us {
            self.ear.wait();
            if let Some(why) = &self.ear.why {
                return Err(format!("the station: {why}"));
            }
        }
        Ok(())
    }

    /// Gives sound until `give` says that nobody wants more.
    ///
    /// # Errors
    /// It was away for too long, and why.
    pub fn sound(mut self, mut give: impl FnMut(&[f32]) -> bool) -> Result<(), String> {
        loop {
            let step = self.ear.step()?;
            if !give(&step) {
                return Ok(());
            }
        }
    }
}

#[derive(Debug)]
struct StopAtEnd(Stop);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.now();
    }
}

/// Why it ended.
fn fetch(address: &Address, web: &Web, sender: &SyncSender<Came>) -> String {
    let station = match open(address, web) {
        Ok(station) => station,
        Err(away) => return away.to_string(),
    };
    if sender.send(Came::About(station.about().clone())).is_err() {
        return String::new();
    }
    let source = Source(Mutex::new(Bytes {
        station,
        piece: Cursor::default(),
    }));
    let done = Programme::open(Box::new(source), Kinds::Framed)
        .and_then(|mut programme| decode(&mut programme, sender));
    match done {
        Ok(()) => "it ended".into(),
        Err(error) => error.to_string(),
    }
}

fn decode(programme: &mut Programme, sender: &SyncSender<Came>) -> Result<(), DecodeError> {
    while let Some(block) = programme.next_block()? {
        if sender.send(Came::Block(block.to_vec())).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A decoder wants to share what it reads from, and never does.
struct Source(Mutex<Bytes>);

struct Bytes {
    station: Station,
    piece: Cursor<Vec<u8>>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let read = bytes.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let piece = bytes.station.piece().map_err(io::Error::other)?;
            bytes.piece = Cursor::new(piece);
        }
    }
}

/// What came and is not given yet.
#[derive(Debug)]
struct Ear {
    came: Receiver<Came>,
    cushion: VecDeque<f32>,
    in_segments: bool,
    /// It gives what is there; else it gathers first.
    flows: bool,
    silent_ms: u64,
    why: Option<String>,
}

impl Ear {
    fn new(came: Receiver<Came>) -> Self {
        Self {
            came,
            cushion: VecDeque::new(),
            in_segments: false,
            flows: false,
            silent_ms: 0,
            why: None,
        }
    }

    fn ms(&self) -> u64 {
        ms_of_frames(self.cushion.len() as u64)
    }

    fn has_enough(&self) -> bool {
        self.ms() >= ENOUGH_MS
    }

    /// Takes in what is there; waits a little when there is nothing to give.
    fn wait(&mut self) {
        let mut patience = match self.flows && self.cushion.len() >= STEP {
            true => Duration::ZERO,
            false => PATIENCE,
        };
        while !(self.in_segments && self.ms() >= FULL_MS) {
            match self.came.recv_timeout(patience) {
                Ok(Came::About(about)) => self.in_segments = about.in_segments,
                Ok(Came::Block(block)) => self.cushion.extend(block),
                Ok(Came::Over(why)) => self.why = Some(why),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    self.why.get_or_insert_with(|| "it broke off".into());
                    // As slowly as if it were there.
                    std::thread::sleep(patience);
                    break;
                }
            }
            patience = Duration::ZERO;
        }
        if self.ms() > MOST_MS {
            let kept = (FULL_MS * u64::from(RATE) / 1_000) as usize;
            self.cushion.drain(..self.cushion.len() - kept);
        }
    }

    /// The next 20 ms.
    fn step(&mut self) -> Result<Vec<f32>, String> {
        self.wait();
        self.flows = self.has_enough() || (self.flows && self.cushion.len() >= STEP);
        if self.flows {
            self.silent_ms = 0;
            return Ok(self.cushion.drain(..STEP).collect());
        }
        self.silent_ms += ms_of_frames(STEP as u64);
        if self.silent_ms >= AWAY_MS {
            let why = self.why.as_deref().unwrap_or("it says nothing");
            return Err(format!("the station: {why}"));
        }
        Ok(vec![0.0; STEP])
    }
}

#[cfg(test)]
mod tests;
