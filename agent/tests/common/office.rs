//! An office with a key of its own, behind a real Mosquitto, and a real agent process.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    content::{Manifest, Wants},
    envelope::{Document, open_unsigned, seal},
    event::{Ack, Event, Events},
    id::SpeakerId,
    programme::{Programme, Version},
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
};
use rumqttc::{AsyncClient, Event as MqttEvent, Incoming, MqttOptions, PublishOptions, QoS};
use tokio::sync::mpsc;

use super::{PATIENCE, wait_for};

/// Ends the process with the test, however that ends.
pub struct Ends(pub Child);
impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nothing listens on. Below the range from which the kernel gives ports to clients, so that a broker that is
/// down for a while finds its port still free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    // Programs that begin together have neighbouring numbers, and each takes some ports in a row.
    let own = (u64::from(std::process::id()) * 101 % u64::from(COUNT)) as u16;
    (0..COUNT)
        .map(|_| FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// `None`, and a word about it, when there is no Mosquitto on the machine.
pub fn start_broker(folder: &Path, port: u16) -> Option<Ends> {
    let config = folder.join("mosquitto.conf");
    let text =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 2000000\n");
    std::fs::write(&config, text).expect("writes");
    let program = ["/usr/sbin/mosquitto", "mosquitto"].into_iter().find(|p| {
        Command::new(p)
            .arg("-h")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    });
    let Some(program) = program else {
        println!("SKIPPED: there is no mosquitto on this machine; `make test` installs it");
        return None;
    };
    let broker = Command::new(program)
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto starts");
    let broker = Ends(broker);
    wait_for("the broker", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    Some(broker)
}

/// The speaker's side: its folder, its configuration and its process.
pub struct Pole {
    pub folder: PathBuf,
    pub config: PathBuf,
}

impl Pole {
    pub fn new(folder: &Path, port: u16, key: &SigningKey) -> Self {
        let config = folder.join("agent.toml");
        let key = hex::encode(key.verifying_key().as_bytes());
        let text = format!(
            "speaker = \"ban-chuong-1\"\ndata_dir = \"data\"\n\
             [office]\naddress = \"127.0.0.1:{port}\"\nkey = \"{key}\"\nreconnect_max_s = 1\n\
             [output]\nkind = \"wav\"\ndirectory = \"wav\"\n[clock]\nsource = \"system\"\n\
             [governor]\nquiet_hours = []\n"
        );
        std::fs::write(&config, text).expect("writes");
        Self {
            folder: folder.into(),
            config,
        }
    }
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loa-agent"));
        command.arg(name).arg("--config").arg(&self.config);
        command
    }
    pub fn start(&self) -> Ends {
        Ends(self.command("run").spawn().expect("the agent starts"))
    }
    pub fn wav(&self) -> PathBuf {
        self.folder.join("wav")
    }
}

pub fn signal(process: &Ends, signal: i32) {
    let pid = i32::try_from(process.0.id()).expect("a process id");
    // SAFETY: a process that this test started and has not waited for yet.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

pub struct Office {
    key: SigningKey,
    client: AsyncClient,
    messages: mpsc::Receiver<(Topic, Vec<u8>)>,
    /// What it has to give when it is asked.
    pub audio: Vec<(Manifest, Vec<u8>)>,
    /// All events, in order, each once.
    pub events: Vec<Event>,
    pub status: Option<SpeakerStatus>,
}

pub fn speaker() -> SpeakerId {
    "ban-chuong-1".parse().expect("a name")
}

impl Office {
    pub async fn open(port: u16, key: SigningKey) -> Self {
        let mut options = MqttOptions::new("office", ("127.0.0.1", port));
        options.set_max_packet_size(Some(2_000_000));
        let (client, mut poll) = AsyncClient::builder(options).capacity(1000).build();
        let mut taken = Vec::new();
        for filter in Topic::office_filters() {
            taken.push(
                client
                    .subscribe_tracked(filter, QoS::AtLeastOnce)
                    .await
                    .expect("queued"),
            );
        }
        let (told, messages) = mpsc::channel(1000);
        tokio::spawn(async move {
            loop {
                match poll.poll().await {
                    Ok(MqttEvent::Incoming(Incoming::Publish(publish))) => {
                        let topic = std::str::from_utf8(&publish.topic)
                            .expect("text")
                            .parse()
                            .expect("ours");
                        if told.send((topic, publish.payload.to_vec())).await.is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        for filter in taken {
            filter
                .wait_completion_async()
                .await
                .expect("the broker takes it");
        }
        Self {
            key,
            client,
            messages,
            audio: vec![],
            events: vec![],
            status: None,
        }
    }

    pub async fn say<D: Document>(&self, topic: Topic, document: &D) {
        self.send(topic, seal(document, &self.key)).await;
    }

    async fn send(&self, topic: Topic, payload: Vec<u8>) {
        let qos = if topic.qos() == 0 {
            QoS::AtMostOnce
        } else {
            QoS::AtLeastOnce
        };
        let options = PublishOptions::new(qos).retain(topic.is_retained());
        self.client
            .publish(topic.to_string(), payload, options)
            .await
            .expect("queued");
    }

    /// Answers wants and acknowledges events until `done` says so.
    pub async fn serve_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let serve = async {
            while !done(self) {
                let (topic, payload) = self.messages.recv().await.expect("the line holds");
                self.take(topic, &payload).await;
            }
        };
        if tokio::time::timeout(PATIENCE, serve).await.is_err() {
            panic!(
                "waited in vain for {what}; events: {:#?}; status: {:#?}",
                self.events, self.status
            );
        }
    }

    async fn take(&mut self, topic: Topic, payload: &[u8]) {
        match topic {
            Topic::Status(_) => self.status = Some(open_unsigned(payload).expect("a status")),
            Topic::Want(_) => {
                let wants: Wants = open_unsigned(payload).expect("wants");
                for want in wants.wants {
                    let Some((manifest, bytes)) =
                        self.audio.iter().find(|(m, _)| m.content == want.content)
                    else {
                        continue;
                    };
                    for index in want.missing.iter() {
                        let (offset, span) = manifest.block_span(index).expect("a block of it");
                        let block = bytes[offset as usize..][..span as usize].to_vec();
                        let content = want.content;
                        self.send(Topic::Block { content, index }, block).await;
                    }
                }
            }
            Topic::Events(_) => {
                let batch: Events = open_unsigned(payload).expect("events");
                for event in batch.events {
                    let next = self.events.len() as u64 + 1;
                    if event.number == next {
                        self.events.push(event);
                    } else {
                        assert!(event.number < next, "a hole before event {}", event.number);
                    }
                }
                let ack = Ack {
                    speaker: speaker(),
                    store: batch.store,
                    through: self.events.len() as u64,
                };
                self.say(Topic::Ack(speaker()), &ack).await;
            }
            _ => {}
        }
    }
}

pub fn speaker_config() -> SpeakerConfig {
    SpeakerConfig {
        speaker: speaker(),
        version: Version {
            epoch: 1,
            generation: 1,
        },
        made: WallTime::EPOCH,
        name: "Bản Chương 1".into(),
        channels: vec!["area.ban-chuong".parse().expect("a channel")],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![],
        volume: loa_protocol::speaker_config::VolumePlan {
            percent: 100,
            ..Default::default()
        },
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

pub fn programme(generation: u64, bulletins: Vec<Bulletin>) -> Programme {
    Programme {
        expires: None,
        channel: "area.ban-chuong".parse().expect("a channel"),
        version: Version {
            epoch: 1,
            generation,
        },
        made: WallTime::EPOCH,
        silence_before: None,
        bulletins,
    }
}

/// For now: `at`, in Việt Nam.
pub fn bulletin(id: &str, priority: Priority, manifest: &Manifest, at: WallTime) -> Bulletin {
    let day = at.plus_s(7 * 3600).to_string();
    Bulletin {
        endorsement: None,
        id: id.parse().expect("a name"),
        revision: 1,
        title: format!("Bản tin {id}"),
        priority,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(manifest.clone()),
        replay: None,
        chime: Chime::None,
        volume: 100,
        when: When::Now {
            at,
            date: day[..10].to_owned(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(600),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: WallTime::EPOCH,
        valid_until: None,
    }
}

/// Audio as an office would have it: its manifest, its bytes, and the frames that should be heard.
pub fn audio(folder: &Path, seed: u64, seconds: f64) -> (Manifest, Vec<u8>, Vec<f32>) {
    let path = folder.join(format!("audio-{seed}.wav"));
    loa_audio::wav::write_mono_s16(&path, 48_000, &super::speech(seed, seconds)).expect("writes");
    let bytes = std::fs::read(&path).expect("reads");
    let (_, frames) = loa_audio::wav::read_mono(&path).expect("reads");
    (
        Manifest::of(&bytes, (seconds * 1_000.0) as u64),
        bytes,
        frames,
    )
}

/// Waits for the end of a process.
pub fn exit_code(process: &mut Ends, within: Duration) -> Option<i32> {
    let give_up = loa_agent::clock::mono_us() + within.as_micros() as u64;
    wait_for("the process to end", || {
        match process.0.try_wait().expect("a child") {
            Some(status) => Some(status.code()),
            None if loa_agent::clock::mono_us() > give_up => panic!("it does not end"),
            None => None,
        }
    })
}
