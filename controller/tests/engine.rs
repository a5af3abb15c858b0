//! The engine between a real database, a real broker and a pole that speaks the wire: what goes in at one end comes out
//! at the other, whole, signed, and again when the broker forgot it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use loa_controller::{
    broker::{Broker, BrokerConfig, CONTROLLER_USERNAME, LoaAdmission, Roster, SpeakerTokens},
    clock::{Clock, SystemClock},
    engine::{Change, Engine, EngineHandle, EngineOptions, Urgent},
    link::{LinkOptions, MAX_PACKET_BYTES},
    logic::{Notice, Presence},
    store::{AudioId, AudioSource, NewArea, NewAudio, NewBulletin, NewSpeaker, Store},
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    channel::Channel,
    clock::{ClockReply, ClockRequest},
    content::{Bitmap, Manifest, Want, Wants},
    envelope::{Document, Keyring, open, seal_unsigned},
    event::{Ack, Event, Events, What},
    id::SpeakerId,
    programme::{Command, Now, Programme},
    speaker_config::SpeakerConfig,
    status::{ClockState, SpeakerStatus},
    time::{Trust, WallTime},
    topic::Topic,
};
use rumqttc::{AsyncClient, Event as MqttEvent, MqttOptions, Packet, PublishOptions, QoS};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

const PATIENCE: Duration = Duration::from_secs(15);
const OFFICE_PASSWORD: &str = "office password";
const TOKEN: &str = "token of ban-chuong";

struct Village {
    store: Store,
    broker: Option<Broker>,
    tokens: SpeakerTokens,
    address: SocketAddr,
    engine: Engine,
    handle: EngineHandle,
    keys: Keyring,
    _folder: tempfile::TempDir,
}

fn pole_id() -> SpeakerId {
    "ban-chuong".parse().unwrap()
}
fn area() -> Channel {
    "area.ban-chuong".parse().unwrap()
}

async fn start_broker(listen: SocketAddr, tokens: SpeakerTokens) -> Broker {
    Broker::start(BrokerConfig {
        listen,
        max_packet_bytes: MAX_PACKET_BYTES,
        max_connections: 100,
        allow: Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), tokens)),
        tls: None,
    })
    .await
    .unwrap()
}

async fn village() -> Village {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(folder.path(), clock.clone()).await.unwrap();
    let hamlet = NewArea {
        name: "Bản Chương".into(),
        ..NewArea::default()
    };
    let hamlet = store.add_area(hamlet, None).await.unwrap();
    let pole = NewSpeaker {
        id: Some(pole_id()),
        ..NewSpeaker::named("Bản Chương", hamlet.id)
    };
    store.add_speaker(pole, TOKEN, None).await.unwrap();
    let tokens = SpeakerTokens::default();
    let broker = start_broker((Ipv4Addr::LOCALHOST, 0).into(), tokens.clone()).await;
    let address = broker.address();
    let engine = Engine::start(EngineOptions {
        store: store.clone(),
        clock,
        link: LinkOptions {
            host: address.ip().to_string(),
            port: address.port(),
            client_id: CONTROLLER_USERNAME.into(),
            username: CONTROLLER_USERNAME.into(),
            password: OFFICE_PASSWORD.into(),
            tls: None,
        },
        tokens: tokens.clone(),
        roster: Roster::default(),
        authority: None,
        bytes_per_s: 4_000_000,
        reconnect_jitter_s: 1,
    })
    .await
    .unwrap();
    Village {
        keys: Keyring::new([store.office().key.verifying_key()]),
        handle: engine.handle(),
        store,
        broker: Some(broker),
        tokens,
        address,
        engine,
        _folder: folder,
    }
}

impl Village {
    /// Adds an audio of these bytes and a bulletin about it for the hamlet.
    async fn add_bulletin(&self, name: &str, audio: &[u8]) -> Bulletin {
        let manifest = Manifest::of(audio, 1_000);
        let id = AudioId::new(format!("a{:0>16}", hex::encode(&name.as_bytes()[..1]))).unwrap();
        std::fs::write(self.store.content_path(&manifest.content), audio).unwrap();
        let new = NewAudio {
            id: id.clone(),
            manifest: manifest.clone(),
            source: AudioSource::Upload,
            title: name.into(),
            format: "test".into(),
            original_bytes: audio.len() as u64,
            loudness_lufs: None,
            text: None,
            spoken: None,
            voice: None,
            speed: None,
            made_by: None,
        };
        self.store.add_audio(new, None).await.unwrap();
        let at = SystemClock.now();
        let bulletin = Bulletin {
            endorsement: None,
            id: name.parse().unwrap(),
            revision: 1,
            title: "Bản tin".into(),
            priority: Priority::Ordinary,
            status: Status::Test,
            order: 0,
            source: loa_protocol::bulletin::Source::Content(manifest),
            replay: None,
            chime: Chime::None,
            volume: 100,
            when: When::Now {
                at,
                date: at.timestamp().to_string()[..10].to_owned(),
            },
            zone: "Asia/Ho_Chi_Minh".into(),
            repeat: Repeat::default(),
            lateness_s: Some(600),
            on_preempt: OnPreempt::Resume,
            max_duration_s: 60,
            since: at,
            valid_until: None,
        };
        let new = NewBulletin {
            bulletin: bulletin.clone(),
            audio: Some(id),
            relay: None,
            targets: vec![area()],
            skip_holidays: false,
            supersedes: None,
            ask: None,
            made_by: None,
        };
        self.store.add_bulletin(new, None).await.unwrap();
        bulletin
    }

    async fn say_now(&self, bulletin: &Bulletin) {
        let urgent = Urgent::Start(bulletin.id.clone());
        self.handle
            .changed(Change::Channels(vec![area()], Some(urgent)))
            .await;
    }

    async fn end(self) {
        self.engine.stop().await;
        if let Some(broker) = self.broker {
            broker.stop().await;
        }
        self.store.close().await;
    }
}

/// One pole on the wire.
struct Pole {
    client: AsyncClient,
    inbox: mpsc::UnboundedReceiver<(String, Vec<u8>)>,
    task: JoinHandle<()>,
    keys: Keyring,
    config: Option<SpeakerConfig>,
    passed_over: Vec<(String, Vec<u8>)>,
}

impl Drop for Pole {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pole {
    async fn connect(village: &Village) -> Self {
        Self::connect_as(village, "ban-chuong", TOKEN).await
    }

    /// Tries until it is let in, then listens to everything that a pole may.
    async fn connect_as(village: &Village, id: &str, token: &str) -> Self {
        let address = village.address;
        let mut options = MqttOptions::new(id, (address.ip().to_string(), address.port()));
        options
            .set_credentials(id, token.to_owned())
            .set_max_packet_size(Some(MAX_PACKET_BYTES));
        let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
        let up = async {
            loop {
                match events.poll().await {
                    Ok(MqttEvent::Incoming(Packet::ConnAck(_))) => return,
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        timeout(PATIENCE, up).await.unwrap();
        let (to_inbox, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                if let MqttEvent::Incoming(Packet::Publish(message)) = event {
                    let topic = String::from_utf8(message.topic.to_vec()).unwrap();
                    let _ = to_inbox.send((topic, message.payload.to_vec()));
                }
            }
        });
        for filter in [
            "loa/v1/head".to_owned(),
            "loa/v1/channel/#".to_owned(),
            "loa/v1/content/#".to_owned(),
            format!("loa/v1/speaker/{id}/config"),
            format!("loa/v1/speaker/{id}/ack"),
            format!("loa/v1/speaker/{id}/clock/reply"),
        ] {
            client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        }
        let mut pole = Self {
            client,
            inbox,
            task,
            keys: village.keys.clone(),
            config: None,
            passed_over: Vec::new(),
        };
        // The office speaks only after it has begun to listen.
        let own = Topic::Config(id.parse().unwrap());
        pole.config = Some(pole.document(own).await);
        pole
    }

    /// The earliest message that `wanted` takes; others wait for their turn.
    async fn next<T>(&mut self, mut wanted: impl FnMut(&Topic, &[u8]) -> Option<T>) -> T {
        let mut take = |(topic, payload): &(String, Vec<u8>)| {
            topic.parse().ok().and_then(|topic| wanted(&topic, payload))
        };
        if let Some((i, found)) =
            (self.passed_over.iter().enumerate()).find_map(|(i, m)| Some((i, take(m)?)))
        {
            self.passed_over.remove(i);
            return found;
        }
        let found = async {
            loop {
                let message = self.inbox.recv().await.expect("the line is up");
                match take(&message) {
                    Some(found) => return found,
                    None => self.passed_over.push(message),
                }
            }
        };
        timeout(PATIENCE, found).await.expect("it came in time")
    }

    async fn document<D: Document>(&mut self, topic: Topic) -> D {
        let keys = self.keys.clone();
        self.next(|t, payload| {
            (*t == topic).then(|| open(payload, &keys).expect("signed by the office"))
        })
        .await
    }

    async fn says<D: Document>(&self, topic: Topic, document: &D) {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(topic.is_retained());
        let payload = seal_unsigned(document);
        self.client
            .publish(topic.to_string(), payload, options)
            .await
            .unwrap();
    }
}

fn status(online: bool) -> SpeakerStatus {
    SpeakerStatus {
        speaker: pole_id(),
        online,
        store: "s1".parse().unwrap(),
        boot: 1,
        agent: "a pole of this test".into(),
        at: None,
        clock: ClockState::default(),
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "none".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    }
}

/// Waits until it is so.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_office_says_now_reaches_the_pole_first_short_then_whole() {
    let village = village().await;
    let mut pole = Pole::connect(&village).await;
    let config = pole.config.take().unwrap();
    assert!(config.channels.contains(&area()));
    let bulletin = village.add_bulletin("news", b"some audio").await;
    village.say_now(&bulletin).await;
    let now: Now = pole.document(Topic::Now(area())).await;
    assert!(matches!(now.command, Command::Start { bulletin: b } if b.id == bulletin.id));
    let programme: Programme = pole.document(Topic::Programme(area())).await;
    assert_eq!(programme.version, now.version);
    assert_eq!(programme.bulletins[0].id, bulletin.id);
    village.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_killed_and_came_back_empty_is_told_everything_again() {
    let mut village = village().await;
    let bulletin = village.add_bulletin("news", b"some audio").await;
    village.say_now(&bulletin).await;
    let mut pole = Pole::connect(&village).await;
    let before: Programme = pole.document(Topic::Programme(area())).await;
    drop(pole);
    village.broker.take().unwrap().stop().await;
    let handle = village.handle.clone();
    until("the office sees that the line is down", || {
        !handle.line_up()
    })
    .await;
    village.broker = Some(start_broker(village.address, village.tokens.clone()).await);
    until("the office is back", || handle.line_up()).await;
    let mut pole = Pole::connect(&village).await;
    let after: Programme = pole.document(Topic::Programme(area())).await;
    assert_eq!(before, after);
    village.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pole_gets_every_block_that_it_misses() {
    let village = village().await;
    let audio: Vec<u8> = (0..100_000_u32)
        .flat_map(|i| (i as u16).to_le_bytes())
        .collect();
    let bulletin = village.add_bulletin("news", &audio).await;
    village.say_now(&bulletin).await;
    let mut pole = Pole::connect(&village).await;
    let _: Programme = pole.document(Topic::Programme(area())).await;
    let blocks = bulletin.manifest().expect("audio").block_count();
    let wants = Wants {
        speaker: pole_id(),
        wants: vec![Want {
            content: bulletin.manifest().expect("audio").content,
            missing: Bitmap::full(blocks),
            urgent: false,
        }],
    };
    pole.says(Topic::Want(pole_id()), &wants).await;
    let mut missing: std::collections::BTreeSet<u32> = (0..blocks).collect();
    while !missing.is_empty() {
        let index = pole
            .next(|topic, payload| match topic {
                Topic::Block { index, .. } => {
                    bulletin
                        .manifest()
                        .expect("audio")
                        .check_block(*index, payload)
                        .expect("the right bytes");
                    Some(*index)
                }
                _ => None,
            })
            .await;
        missing.remove(&index);
    }
    until("the counts show it", || {
        village.handle.figures().blocks_sent == u64::from(blocks)
    })
    .await;
    assert_eq!(village.handle.figures().bytes_sent, audio.len() as u64);
    village.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_acknowledged_once_the_database_has_them() {
    let village = village().await;
    let mut notices = village.handle.notices();
    let mut pole = Pole::connect(&village).await;
    let events = Events {
        speaker: pole_id(),
        store: "s1".parse().unwrap(),
        events: vec![Event {
            number: 1,
            at: WallTime::from_micros(5),
            trust: Trust::Synced,
            what: What::Fault {
                code: "output".into(),
                detail: "no sound device".into(),
            },
        }],
    };
    pole.says(Topic::Events(pole_id()), &events).await;
    let ack: Ack = pole.document(Topic::Ack(pole_id())).await;
    assert_eq!(ack.through, 1);
    let stored = village.store.acked().await.unwrap();
    assert_eq!(stored, [(pole_id(), "s1".parse().unwrap(), 1)]);
    let told = async {
        loop {
            if let Notice::Event { code, .. } = notices.recv().await.unwrap() {
                return code;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, told).await.unwrap(), "output");
    village.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_answers_for_the_time_and_sees_who_is_there() {
    let village = village().await;
    let mut pole = Pole::connect(&village).await;
    let request = ClockRequest {
        speaker: pole_id(),
        nonce: 99,
    };
    pole.says(Topic::Clock(pole_id()), &request).await;
    let reply: ClockReply = pole.document(Topic::ClockReply(pole_id())).await;
    assert_eq!(reply.nonce, 99);
    assert!(SystemClock.now().since_ms(reply.sent).abs() < 10_000);
    let presence = || village.handle.presence(&pole_id()).presence;
    pole.says(Topic::Status(pole_id()), &status(true)).await;
    until("online", || {
        presence() == Presence::Online && village.handle.status(&pole_id()).is_some()
    })
    .await;
    pole.says(Topic::Status(pole_id()), &status(false)).await;
    until("offline", || presence() == Presence::Offline).await;
    village.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pole_that_another_process_added_is_let_in_without_a_restart() {
    let village = village().await;
    let new = NewSpeaker {
        id: Some("khuoi-meo".parse().unwrap()),
        ..NewSpeaker::named("Khuổi Mèo", "ban-chuong".parse().unwrap())
    };
    village
        .store
        .add_speaker(new, "its token", None)
        .await
        .unwrap();
    let pole = Pole::connect_as(&village, "khuoi-meo", "its token").await;
    assert_eq!(pole.config.as_ref().unwrap().name, "Khuổi Mèo");
    village.end().await;
}
