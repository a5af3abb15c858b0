//! One connection to a station, and the process that decodes what comes: three threads and a fenced child, until it is dropped.
//!
//! Bounds: [`FRAMES`] wait for whoever listens; then decoding waits, and behind it the station.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use loa_protocol::live::FRAME_SAMPLES;
use loa_station::{About, Address, Away, Stop, Web, open};
use tokio::sync::mpsc;

use crate::{
    audio::{
        apart::Apart,
        listening::{Ends, FRAME_BYTES, Listener, ReadEnd, Told, WriteEnd, allow},
    },
    logic::relay::Frame,
};

/// One second.
const FRAMES: usize = 50;
const FRAMES_PER_S: u64 = 50;
/// Longest report of the child, in bytes.
const MAX_REPORT: u64 = 4_096;

#[derive(Debug)]
pub enum Heard {
    About(About),
    Codec(String),
    Loudness(f32),
    Frame(Frame),
    /// Nothing more comes.
    Over(Away),
}

#[derive(Debug)]
pub struct Hearing {
    heard: mpsc::Receiver<Heard>,
    stop: Stop,
    _listener: Listener,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.stop.now();
    }
}

impl Hearing {
    pub fn start(url: &str, web: &Web, apart: &Apart) -> io::Result<Self> {
        let address = Address::parse(url).map_err(io::Error::other)?;
        let (sender, heard) = mpsc::channel(FRAMES);
        let stop = Stop::default();
        let (listener, ends) = apart.listen()?;
        let Ends {
            input,
            output,
            report,
        } = ends;
        let pid = listener.pid();
        let why = Why::default();
        let fetching = Fetching {
            address,
            web: web.until(stop.clone()),
            sender: sender.clone(),
            why: why.clone(),
        };
        let named = |name: &str| thread::Builder::new().name(name.into());
        named("loa-fetch").spawn(move || fetching.run(input))?;
        let (telling, told) = (sender.clone(), why.clone());
        let reported = named("loa-report").spawn(move || read_report(report, &telling, &told))?;
        named("loa-heard").spawn(move || {
            read_frames(output, pid, &sender);
            // It ended: what it had to say is said.
            let _ = reported.join();
            let why = why.take().unwrap_or(Away::Ended);
            // Nobody listens when it was dropped.
            let _ = sender.blocking_send(Heard::Over(why));
        })?;
        Ok(Self {
            heard,
            stop,
            _listener: listener,
        })
    }

    /// May be dropped while it waits.
    pub async fn next(&mut self) -> Heard {
        self.heard.recv().await.unwrap_or(Heard::Over(Away::Ended))
    }
}

/// Why it ends: the first reason is the true one.
#[derive(Clone, Debug, Default)]
struct Why(Arc<Mutex<Option<Away>>>);

impl Why {
    fn set(&self, away: Away) {
        self.lock().get_or_insert(away);
    }
    fn take(&self) -> Option<Away> {
        self.lock().take()
    }
    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Fetching {
    address: Address,
    web: Web,
    sender: mpsc::Sender<Heard>,
    why: Why,
}

impl Fetching {
    fn run(self, mut input: Box<dyn WriteEnd>) {
        if let Err(away) = self.fetch(&mut input) {
            self.why.set(away);
        }
        // The rest of it is decoded, and then it is over.
        drop(input);
    }

    fn fetch(&self, input: &mut Box<dyn WriteEnd>) -> Result<(), Away> {
        let mut station = open(&self.address, &self.web)?;
        let about = Heard::About(station.about().clone());
        let listened = self.sender.blocking_send(about);
        listened.map_err(|_| Away::Stopped)?;
        loop {
            let piece = station.piece()?;
            // Whoever decodes gave up on it, and says why.
            if input.write_all(&piece).is_err() {
                return Ok(());
            }
        }
    }
}

fn read_report(report: Box<dyn ReadEnd>, sender: &mpsc::Sender<Heard>, why: &Why) {
    let lines = BufReader::new(report.take(MAX_REPORT)).lines();
    for line in lines.map_while(Result::ok) {
        let heard = match serde_json::from_str(&line) {
            Ok(Told::Codec(codec)) => Heard::Codec(codec),
            Ok(Told::Loudness(lufs)) => Heard::Loudness(lufs),
            Ok(Told::NotSound(what)) => {
                why.set(Away::NotSound(what));
                continue;
            }
            Err(_) => return,
        };
        if sender.blocking_send(heard).is_err() {
            return;
        }
    }
}

fn read_frames(mut output: Box<dyn ReadEnd>, pid: Option<u32>, sender: &mpsc::Sender<Heard>) {
    let mut bytes = [0; FRAME_BYTES];
    for number in 1_u64.. {
        if output.read_exact(&mut bytes).is_err() {
            return;
        }
        let mut frame: Frame = Box::new([0.0; FRAME_SAMPLES]);
        for (sample, two) in frame.iter_mut().zip(bytes.chunks_exact(2)) {
            *sample = f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0;
        }
        if sender.blocking_send(Heard::Frame(frame)).is_err() {
            return;
        }
        if number % FRAMES_PER_S == 0
            && let Some(pid) = pid
        {
            allow(pid, number / FRAMES_PER_S);
        }
    }
}
