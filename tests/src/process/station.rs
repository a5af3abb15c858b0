//! Another station: its programme as MP3 over HTTP, as it is on the air now, to whoever asks.

use std::{
    net::Ipv4Addr,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use loa_audio::wav::write_mono_s16;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{clock::now_us, recording::RATE};

/// Of the stream.
const BYTES_PER_S: i64 = 64_000 / 8;
/// What a new listener gets at once, as stations have it.
const BURST_US: i64 = 1_000_000;
const TICK: Duration = Duration::from_millis(100);

type Agents = Arc<Mutex<Vec<String>>>;

/// It is on the air until it is dropped.
#[derive(Debug)]
pub struct Station {
    port: u16,
    /// When the first frame of its programme was on the air.
    pub began_us: i64,
    /// What each listener said that it is.
    agents: Agents,
    /// Without a sender its thread ends.
    on_air: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Station {
    /// On the air with this programme from now on.
    ///
    /// # Panics
    /// When ffmpeg does not make it, or there is no port for it.
    #[track_caller]
    pub fn start(folder: &Path, programme: &[f32]) -> Self {
        let (wav, mp3) = (folder.join("station.wav"), folder.join("station.mp3"));
        write_mono_s16(&wav, RATE as u32, programme).expect("the programme can be written");
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y", "-i"])
            .arg(&wav)
            .args([
                "-c:a",
                "libmp3lame",
                "-b:a",
                "64k",
                "-write_xing",
                "0",
                "-id3v2_version",
                "0",
            ])
            .arg(&mp3)
            .status()
            .expect("ffmpeg is installed");
        assert!(made.success(), "ffmpeg makes the station's stream");
        let bytes: Arc<[u8]> = std::fs::read(&mp3).expect("it was made").into();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (on_air, ended) = watch::channel(());
        let began_us = now_us();
        let agents = Agents::default();
        let all = listen(listener, bytes, began_us, Arc::clone(&agents), ended);
        Self {
            port,
            began_us,
            agents,
            on_air: Some(on_air),
            thread: Some(std::thread::spawn(move || runtime.block_on(all))),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/song.mp3", self.port)
    }

    /// How many listeners said that they are this program.
    pub fn listeners(&self, program: &str) -> usize {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        agents.iter().filter(|a| a.starts_with(program)).count()
    }

    /// How much of its programme was on the air before this time, in frames.
    pub fn place(&self, at_us: i64) -> usize {
        usize::try_from(at_us - self.began_us).unwrap_or(0) * RATE / 1_000_000
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.on_air.take());
        if let Some(thread) = self.thread.take() {
            // It panicked only if a test did.
            let _ = thread.join();
        }
    }
}

async fn listen(
    listener: TcpListener,
    bytes: Arc<[u8]>,
    began_us: i64,
    agents: Agents,
    mut ended: watch::Receiver<()>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((listener, _)) = accepted {
                tokio::spawn(serve(listener, Arc::clone(&bytes), began_us, Arc::clone(&agents)));
            },
            changed = ended.changed() => if changed.is_err() { return },
        }
    }
}

/// Until the listener goes, or the programme is over.
async fn serve(
    mut listener: TcpStream,
    bytes: Arc<[u8]>,
    began_us: i64,
    agents: Agents,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if listener.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request);
    let agent = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("user-agent")
            .then(|| value.trim())
    });
    let agent = agent.unwrap_or_default().to_owned();
    agents
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(agent);
    listener
        .write_all(
            b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-name: Loa\r\nicy-br: 64\r\n\r\n",
        )
        .await?;
    let place = || -> usize {
        let bytes_on_air = (now_us() - began_us) * BYTES_PER_S / 1_000_000;
        usize::try_from(bytes_on_air).unwrap_or(0).min(bytes.len())
    };
    let burst = usize::try_from(BURST_US * BYTES_PER_S / 1_000_000).unwrap_or(0);
    let mut from = place().saturating_sub(burst);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while from < bytes.len() {
        tick.tick().await;
        let to = place();
        listener.write_all(&bytes[from..to]).await?;
        from = to;
    }
    Ok(())
}
