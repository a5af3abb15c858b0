//! A station of one's own, for tests: a tone that swells, endless, in every form that is read; and with every trick that stations have.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name))
    };
}

/// Three seconds each: 440 Hz.
pub const MP3: &[u8] = fixture!("tone.mp3");
pub const AAC: &[u8] = fixture!("tone.aac");
pub const VORBIS: &[u8] = fixture!("tone.ogg");
pub const OPUS: &[u8] = fixture!("tone.opus");
/// One second each; they follow each other.
pub const TS: [&[u8]; 3] = [fixture!("ts0.ts"), fixture!("ts1.ts"), fixture!("ts2.ts")];
pub const INIT: &[u8] = fixture!("init.mp4");
pub const FMP4: [&[u8]; 3] = [fixture!("f0.m4s"), fixture!("f1.m4s"), fixture!("f2.m4s")];

/// Seconds that are sent at once, as Icecast does.
const BURST_S: u32 = 4;
const STEPS_PER_S: u32 = 20;
/// Segments in a playlist.
const LISTED: u64 = 5;

/// Serves until it is dropped.
#[derive(Debug)]
pub struct OwnStation {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_away: AtomicBool,
    is_stalled: AtomicBool,
    is_over: AtomicBool,
    asked: AtomicU32,
    hung_up: AtomicU32,
}

impl OwnStation {
    /// On a free port of this machine.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let own = state.clone();
        thread::spawn(move || {
            for line in listener.incoming().map_while(Result::ok) {
                if own.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let own = own.clone();
                thread::spawn(move || own.serve(line));
            }
        });
        Ok(Self { address, state })
    }

    /// `/mp3`, `/aac`, `/ogg`, `/opus`, `/icy` (as Shoutcast greets), `/lies` (called a web page), `/short` (ends after a burst), `/ts.m3u8`,
    /// `/fmp4.m3u8`, `/packed.m3u8`, `/master.m3u8`, `/list.pls`, `/redirect/N`, `/page`, `/garbage`, `/huge`, `/404`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// It hangs up on everybody, and takes nobody.
    pub fn goes_away(&self, away: bool) {
        self.state.is_away.store(away, Ordering::Relaxed);
    }

    /// It hangs up on everybody who listens now, and takes whoever comes next.
    pub fn hangs_up(&self) {
        self.state.hung_up.fetch_add(1, Ordering::Relaxed);
    }

    /// It keeps every line, and says nothing.
    pub fn stalls(&self, stalled: bool) {
        self.state.is_stalled.store(stalled, Ordering::Relaxed);
    }

    /// How often it was asked for anything.
    pub fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl Drop for OwnStation {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        self.goes_away(true);
        // Wakes the one that waits for callers.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, mut line: TcpStream) {
        if self.is_away.load(Ordering::Relaxed) {
            return;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(path) = asked_for(&line) {
            // Whoever hangs up is not missed.
            let _ = self.answer(&mut line, &path);
        }
    }

    fn answer(&self, line: &mut TcpStream, path: &str) -> io::Result<()> {
        let stream = |kind: &str| {
            format!(
                "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nicy-name: Own\r\nicy-br: 32\r\n\r\n"
            )
        };
        match path {
            "/mp3" => self.endless(line, &stream("audio/mpeg"), MP3),
            "/aac" => self.endless(line, &stream("audio/aacp"), AAC),
            "/ogg" => self.endless(line, &stream("application/ogg"), VORBIS),
            "/opus" => self.endless(line, &stream("audio/ogg"), OPUS),
            "/icy" => self.endless(line, "ICY 200 OK\r\nicy-name: Own\r\n\r\n", MP3),
            "/lies" => self.endless(line, &stream("text/html"), MP3),
            "/short" => whole(line, "audio/mpeg", &[MP3, MP3].concat()),
            "/ts.m3u8" => self.playlist(line, "ts", ""),
            "/fmp4.m3u8" => self.playlist(line, "m4s", "#EXT-X-MAP:URI=\"init.mp4\"\n"),
            "/packed.m3u8" => self.playlist(line, "aac", ""),
            "/master.m3u8" => whole(
                line,
                "application/vnd.apple.mpegurl",
                b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\nts.m3u8\n",
            ),
            "/list.pls" => {
                let list = format!("[playlist]\nFile1=http://{}/mp3\n", line.local_addr()?);
                whole(line, "audio/x-scpls", list.as_bytes())
            }
            "/init.mp4" => whole(line, "audio/mp4", INIT),
            "/page" => whole(
                line,
                "audio/mpeg",
                "<html>Trang web</html>".repeat(50).as_bytes(),
            ),
            "/garbage" => whole(line, "audio/mpeg", &noise(300_000)),
            "/huge" => {
                line.write_all(
                    b"HTTP/1.0 200 OK\r\nContent-Type: application/x-mpegurl\r\n\r\n#EXTM3U\n",
                )?;
                (0..100_000).try_for_each(|_| line.write_all(&[b'#'; 1_000]))
            }
            _ => self.numbered(line, path),
        }
    }

    /// `/redirect/N` leads on; `/N.ts` and its like are segments.
    fn numbered(&self, line: &mut TcpStream, path: &str) -> io::Result<()> {
        if let Some(n) = path
            .strip_prefix("/redirect/")
            .and_then(|n| n.parse::<u32>().ok())
        {
            let to = match n {
                0 => "/mp3".to_owned(),
                n => format!("/redirect/{}", n - 1),
            };
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            return line.write_all(head.as_bytes());
        }
        let segment = path.trim_start_matches('/').split_once('.');
        let segment = segment.and_then(|(n, form)| Some((n.parse::<usize>().ok()? % 3, form)));
        match segment {
            Some((n, "ts")) => whole(line, "video/mp2t", TS[n]),
            Some((n, "m4s")) => whole(line, "video/iso.segment", FMP4[n]),
            Some((n, "aac")) => {
                let stamp = b"ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0com.apple.streaming.transportStreamTimestamp\0\0\0\0\0\0\0\0\0";
                let mut bytes = stamp[..10 + 63].to_vec();
                bytes.extend(third(n));
                whole(line, "audio/aac", &bytes)
            }
            _ => line.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    /// A burst, and then as fast as it sounds.
    fn endless(&self, line: &mut TcpStream, head: &str, sound: &[u8]) -> io::Result<()> {
        // Counted, so that a line that looks late ends all the same.
        let hung_up = self.hung_up.load(Ordering::Relaxed);
        line.write_all(head.as_bytes())?;
        let step = sound.len() / 3 / STEPS_PER_S as usize;
        let mut steps = sound.chunks(step).cycle();
        for n in 0.. {
            let is_over = self.hung_up.load(Ordering::Relaxed) != hung_up;
            if is_over || self.is_away.load(Ordering::Relaxed) {
                return Ok(());
            }
            if n > BURST_S * STEPS_PER_S {
                thread::sleep(Duration::from_secs(1) / STEPS_PER_S);
            }
            if !self.is_stalled.load(Ordering::Relaxed) {
                line.write_all(steps.next().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// A segment a second, all the time.
    #[expect(
        clippy::disallowed_methods,
        reason = "a station goes with the time of the world"
    )]
    fn playlist(&self, line: &mut TcpStream, form: &str, map: &str) -> io::Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let newest = now.map_or(0, |now| now.as_secs()) % 1_000_000;
        let first = newest.saturating_sub(LISTED - 1);
        let segments = (first..=newest).map(|n| format!("#EXTINF:1.0,\n{n}.{form}\n"));
        let list = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{map}{}",
            segments.collect::<String>()
        );
        whole(line, "application/vnd.apple.mpegurl", list.as_bytes())
    }
}

/// A third of the packed sound, in whole frames.
fn third(n: usize) -> Vec<u8> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(head) = AAC.get(at..at + 7) {
        let length =
            usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5]) >> 5;
        frames.push(&AAC[at..(at + length).min(AAC.len())]);
        at += length.max(7);
    }
    let each = frames.len() / 3;
    frames[n * each..(n + 1) * each].concat()
}

fn asked_for(line: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(line.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut header = String::new();
    while reader.read_line(&mut header).ok()? > 2 {
        header.clear();
    }
    first.split(' ').nth(1).map(str::to_owned)
}

fn whole(line: &mut TcpStream, kind: &str, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    line.write_all(head.as_bytes())?;
    line.write_all(body)
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // No byte begins a frame.
        (state as u8) & 0x7f
    };
    (0..bytes).map(|_| next()).collect()
}
