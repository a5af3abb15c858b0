//! The wire is a promise: one sealed example of every document, byte for byte. `LOA_BLESS=1` writes them anew;
//! a change of an old one needs a new wire version.

use std::{collections::BTreeMap, fmt::Debug, fs, path::PathBuf};

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status, When},
    clock::{ClockReply, ClockRequest},
    content::{Bitmap, Manifest, Sha, Want, Wants},
    envelope::{Document, Keyring, open, open_unsigned, seal, seal_unsigned},
    event::{Ack, After, Event, Events, LineTrouble, RunEnd, What},
    head::Head,
    live::{Replay, Stream, StreamKind, Streamed},
    playout::{Interruption, Miss, Outcome, Playout, PlayoutId, Skip},
    programme::{Command, Now, Programme, Version},
    quiet_hours::DayWindow,
    speaker_config::{Order, OrderKind, SpeakerConfig, VolumePlan, VolumeWindow},
    status::{ClockState, Next, Partial, Sounding, SpeakerStatus},
    telemetry::{
        DataUse, Ear, EarKind, Hearing, Listened, Network, NetworkKind, Power, SelfTest, Telemetry,
    },
    time::{Trust, WallTime},
};

const NOW: WallTime = WallTime::from_millis(1_795_496_400_000);
const VERSION: Version = Version {
    epoch: 1,
    generation: 42,
};

/// The secret key of these examples: 32 bytes of 0x07. Nobody else may use it.
fn office() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn hold<D: Document + PartialEq + Debug>(name: &str, document: &D, signed: bool) {
    let bytes = if signed {
        seal(document, &office())
    } else {
        seal_unsigned(document)
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.hex"));
    let lines: String = hex::encode(&bytes)
        .as_bytes()
        .chunks(100)
        .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
        .collect();
    if std::env::var_os("LOA_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder to write to");
        fs::write(&path, &lines).expect("a file to write to");
    }
    let golden = fs::read_to_string(&path).expect("a golden file");
    assert_eq!(golden, lines, "{name} is not written as it was");
    let bytes = hex::decode(golden.replace('\n', "")).expect("hex digits");
    let back: D = if signed {
        open(&bytes, &Keyring::new([office().verifying_key()])).expect("our own signature")
    } else {
        open_unsigned(&bytes).expect("our own bytes")
    };
    assert_eq!(&back, document);
}

fn bulletin(name: &str, when: When) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: name.parse().expect("a good name"),
        revision: 2,
        title: "Tiêm phòng".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&[5; 20_000], 5_000)),
        replay: None,
        chime: Chime::Rise,
        volume: 100,
        when,
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat {
            times: 2,
            every_s: 600,
        },
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 900,
        since: NOW,
        valid_until: Some(NOW.plus_s(86_400)),
    }
}

fn playout() -> Playout {
    Playout {
        streamed: None,
        id: PlayoutId {
            occurrence: "b1/2026-11-24/0/0".parse().expect("a good id"),
            attempt: 0,
        },
        revision: 2,
        title: "Tiêm phòng".into(),
        priority: Priority::Emergency,
        status: Status::Exercise,
        planned: NOW,
        started: Some(NOW.plus_us(700)),
        ended: Some(NOW.plus_s(3)),
        error_us: Some(700),
        sounded_ms: 2_999,
        cuts: 1,
        trust: Trust::Synced,
        outcome: Some(Outcome::Interrupted(Interruption::PowerCut)),
    }
}

#[test]
fn the_offices_documents_are_written_as_they_were() {
    hold(
        "head",
        &Head {
            version: VERSION,
            made: NOW,
            root_version: 0,
            expires: None,
            audit: None,
            reconnect_jitter_s: 30,
        },
        true,
    );
    hold(
        "config",
        &SpeakerConfig {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            version: VERSION,
            made: NOW,
            name: "Bản Chương 1".into(),
            channels: vec!["area.sang-moc".parse().expect("a good channel")],
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: vec![DayWindow::new("22:00", "05:00").expect("a good window")],
            volume: VolumePlan {
                by_time: vec![VolumeWindow {
                    window: DayWindow::new("05:00", "06:30").expect("a good window"),
                    percent: 50,
                }],
                ..VolumePlan::default()
            },
            muted: false,
            limits: None,
            since: NOW,
            delay_trim_ms: -20,
            self_test_at: None,
            orders: Vec::new(),
        },
        true,
    );
    let rule = When::Rule {
        start: "2026-11-24T05:30".into(),
        rrule: "FREQ=DAILY".into(),
        except: vec!["2026-12-25".into()],
    };
    let at = When::At {
        at: "2026-11-24T05:30".into(),
    };
    hold(
        "programme",
        &Programme {
            expires: None,
            channel: "area.sang-moc".parse().expect("a good channel"),
            version: VERSION,
            made: NOW,
            silence_before: Some(NOW),
            bulletins: vec![bulletin("b1", rule), bulletin("b2", at)],
        },
        true,
    );
    let now = When::Now {
        at: NOW,
        date: "2026-11-24".into(),
    };
    for (name, command) in [
        (
            "now_start",
            Command::Start {
                bulletin: Box::new(bulletin("b3", now)),
            },
        ),
        (
            "now_cancel",
            Command::Cancel {
                bulletin: "b3".parse().expect("a good name"),
            },
        ),
        ("now_stop", Command::Stop { before: NOW }),
    ] {
        let channel = "speaker.ban-chuong-1".parse().expect("a good channel");
        hold(
            name,
            &Now {
                channel,
                version: VERSION,
                made: NOW,
                command,
            },
            true,
        );
    }
    hold(
        "ack",
        &Ack {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            store: "s1".parse().expect("a good name"),
            through: 17,
        },
        true,
    );
    hold(
        "clock_reply",
        &ClockReply {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            nonce: u64::MAX,
            received: NOW,
            sent: NOW.plus_us(80),
        },
        true,
    );
}

#[test]
fn a_speakers_documents_are_written_as_they_were() {
    let speaker = || "ban-chuong-1".parse().expect("a good name");
    let store = || "s1".parse().expect("a good name");
    hold(
        "clock",
        &ClockRequest {
            speaker: speaker(),
            nonce: 9,
        },
        false,
    );
    let mut missing = Bitmap::default();
    [0, 9].into_iter().for_each(|i| missing.insert(i));
    hold(
        "want",
        &Wants {
            speaker: speaker(),
            wants: vec![Want {
                content: Sha::of(b"x"),
                missing,
                urgent: true,
            }],
        },
        false,
    );
    let what = [
        What::Booted {
            boot: 3,
            agent: "loa-agent 0.1.0".into(),
            after: None,
        },
        What::Started { playout: playout() },
        What::Suspended {
            playout: playout(),
            by: Some("b2/2026-11-24/0/0".parse().expect("a good id")),
        },
        What::Ended { playout: playout() },
        What::Fault {
            code: "disk".into(),
            detail: "no room".into(),
        },
    ];
    hold(
        "events",
        &Events {
            speaker: speaker(),
            store: store(),
            events: (1..)
                .zip(what)
                .map(|(number, what)| Event {
                    number,
                    at: NOW,
                    trust: Trust::Held,
                    what,
                })
                .collect(),
        },
        false,
    );
    hold(
        "status",
        &SpeakerStatus {
            speaker: speaker(),
            online: true,
            store: store(),
            boot: 3,
            agent: "loa-agent 0.1.0".into(),
            at: Some(NOW),
            clock: ClockState {
                trust: Trust::Synced,
                offset_us: Some(-120),
                error_us: Some(300),
            },
            config: Some(VERSION),
            programmes: BTreeMap::from([(
                "area.sang-moc".parse().expect("a good channel"),
                VERSION,
            )]),
            held: vec![Sha::of(b"x")],
            partial: vec![Partial {
                content: Sha::of(b"y"),
                blocks_held: 1,
                blocks: 2,
            }],
            sounding: Some(Sounding {
                streamed: None,
                occurrence: "b1/2026-11-24/0/0".parse().expect("a good id"),
                title: "Tiêm phòng".into(),
                since: NOW,
            }),
            next: Some(Next {
                occurrence: "b2/2026-11-24/0/1".parse().expect("a good id"),
                title: "Nhạc".into(),
                planned: NOW.plus_s(60),
            }),
            muted: false,
            output: "wav".into(),
            last_event: 5,
            acked: 2,
            refused: BTreeMap::from([("not_signed".into(), 1)]),
            disk_free_bytes: Some(1 << 30),
            uptime_s: 61,
            limits: None,
            governor_quiet: vec![],
            governor_zone: None,
            used: None,
            telemetry: None,
            audit: None,
        },
        false,
    );
}

fn listened() -> Listened {
    Listened {
        playout: playout().id,
        at: NOW.plus_s(3),
        hearing: Hearing::NotHeard,
        clarity_centi: Some(140),
        delay_us: None,
    }
}

fn self_test() -> SelfTest {
    SelfTest {
        at: NOW,
        hearing: Hearing::Heard,
        clarity_centi: Some(912),
        delay_us: Some(6_400),
        asked: true,
        trouble: None,
    }
}

#[test]
fn what_a_speaker_measures_is_written_as_it_was() {
    let telemetry = Telemetry {
        machine_uptime_s: Some(86_400),
        machine_boot: Some("0d3b1c0a-8b1e-4d0f-9f0e-2f9c4a3d5e6f".into()),
        starts_1h: 1,
        temperature_mc: Some(-5_250),
        load_centi: Some(42),
        processors: Some(4),
        memory_total_bytes: Some(1 << 30),
        memory_available_bytes: Some(1 << 29),
        disk_total_bytes: Some(8 << 30),
        content_bytes: 40_000,
        content_quota_bytes: 512_000_000,
        network: Some(Network {
            kind: NetworkKind::Cellular,
            interface: "wwan0".into(),
            signal_dbm: Some(-87),
            signal_percent: Some(60),
            operator: Some("Viettel".into()),
            cell: Some("452-04-1A2B".into()),
        }),
        data: Some(DataUse {
            month: jiff::civil::date(2026, 11, 1),
            received_bytes: 734_003_200,
            sent_bytes: 1_048_576,
        }),
        power: Some(Power {
            mains: Some(false),
            battery_percent: Some(87),
            battery_mv: Some(12_650),
        }),
        volume: Some(80),
        last_sound: Some(NOW),
        ear: Ear {
            kind: EarKind::Microphone,
            trouble: Some("no such device".into()),
            last_test: Some(self_test()),
            last_heard: Some(listened()),
        },
    };
    hold(
        "status_measured",
        &SpeakerStatus {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            online: true,
            store: "s1".parse().expect("a good name"),
            boot: 3,
            agent: "loa-agent 0.1.0".into(),
            at: Some(NOW),
            clock: ClockState::default(),
            config: None,
            programmes: BTreeMap::new(),
            held: vec![],
            partial: vec![],
            sounding: None,
            next: None,
            muted: false,
            output: "wav".into(),
            last_event: 5,
            acked: 2,
            refused: BTreeMap::new(),
            disk_free_bytes: None,
            uptime_s: 61,
            limits: None,
            governor_quiet: vec![],
            governor_zone: None,
            used: None,
            telemetry: Some(Box::new(telemetry)),
            audit: None,
        },
        false,
    );
}

#[test]
fn the_events_of_the_watch_are_written_as_they_were() {
    let booted = |ended, alive| What::Booted {
        boot: 4,
        agent: "loa-agent 0.1.0".into(),
        after: Some(After { ended, alive }),
    };
    let since = NOW.plus_s(-600);
    let what = [
        booted(RunEnd::First, None),
        booted(RunEnd::PowerCut, Some(NOW)),
        booted(RunEnd::Reboot, Some(NOW)),
        booted(RunEnd::Stopped, Some(NOW)),
        booted(RunEnd::Crashed, Some(NOW)),
        booted(RunEnd::Ordered, Some(NOW)),
        What::Heard {
            listened: listened(),
        },
        What::SelfTested { test: self_test() },
        What::LineLost {
            since,
            trouble: LineTrouble::NoNetwork,
        },
        What::LineBack {
            since,
            trouble: LineTrouble::NoOffice,
        },
        What::LineBack {
            since,
            trouble: LineTrouble::Unknown,
        },
        What::Stalled { since },
        What::Mains { present: false },
    ];
    hold(
        "events_watch",
        &Events {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            store: "s1".parse().expect("a good name"),
            events: (1..)
                .zip(what)
                .map(|(number, what)| Event {
                    number,
                    at: NOW,
                    trust: Trust::Synced,
                    what,
                })
                .collect(),
        },
        false,
    );
}

#[test]
fn orders_are_written_as_they_were() {
    let order = |number, what| Order {
        number,
        what,
        until: NOW.plus_s(600),
    };
    hold(
        "config_orders",
        &SpeakerConfig {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            version: VERSION,
            made: NOW,
            name: "Bản Chương 1".into(),
            channels: vec!["speaker.ban-chuong-1".parse().expect("a good channel")],
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: vec![],
            volume: VolumePlan::default(),
            muted: false,
            limits: None,
            since: NOW,
            delay_trim_ms: 0,
            self_test_at: Some("09:05".into()),
            orders: vec![order(7, OrderKind::SelfTest), order(8, OrderKind::Restart)],
        },
        true,
    );
}

fn streamed() -> Streamed {
    Streamed {
        frames: 1_480,
        lost: 12,
        late: 3,
        refused: 1,
        concealed_ms: 300,
        delay_p50_ms: 500,
        delay_p95_ms: 505,
        delay_max_ms: 512,
        depth_min_ms: 40,
        depth_p50_ms: 380,
    }
}

#[test]
fn what_is_said_while_it_is_made_is_written_as_it_was() {
    let now = When::Now {
        at: NOW,
        date: "2026-11-24".into(),
    };
    let stream = |kind, ended, url| {
        Source::Stream(Stream {
            kind,
            key: office().verifying_key().to_bytes(),
            delay_ms: 500,
            duration_ms: 600_000,
            ended,
            url,
        })
    };
    let call = Bulletin {
        source: stream(StreamKind::Live, Some(NOW.plus_s(30)), None),
        ..bulletin("call-1", now.clone())
    };
    let relay = Bulletin {
        source: stream(
            StreamKind::Relay,
            None,
            Some("https://vov.example/1.mp3".into()),
        ),
        ..bulletin(
            "relay-1",
            When::At {
                at: "2026-11-24T05:00".into(),
            },
        )
    };
    let replay = Bulletin {
        replay: Some(Box::new(Replay {
            of: "call-1".parse().expect("a good name"),
            least_ms: 27_000,
        })),
        ..bulletin("again-1", now)
    };
    hold(
        "programme_live",
        &Programme {
            expires: None,
            channel: "area.sang-moc".parse().expect("a good channel"),
            version: VERSION,
            made: NOW,
            silence_before: None,
            bulletins: vec![call, relay, replay],
        },
        true,
    );
    let outcomes = [
        Outcome::Completed,
        Outcome::Interrupted(Interruption::Starved),
        Outcome::Skipped(Skip::HeardLive),
        Outcome::Missed(Miss::NoStream),
    ];
    let events = (1..).zip(outcomes).map(|(number, outcome)| Event {
        number,
        at: NOW,
        trust: Trust::Synced,
        what: What::Ended {
            playout: Playout {
                outcome: Some(outcome),
                streamed: (number < 3).then(|| Box::new(streamed())),
                ..playout()
            },
        },
    });
    hold(
        "events_live",
        &Events {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            store: "s1".parse().expect("a good name"),
            events: events.collect(),
        },
        false,
    );
}
