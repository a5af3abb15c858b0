//! No bytes from outside can panic the office or a pole: a million of them in the suite, as many as you like in `make fuzz`.
//!
//! Inputs are the golden documents and real configurations, mutated; and, now and then, plain noise.
//! `LOA_FUZZ` sets how many, `LOA_SEED` where chance begins; both are printed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use loa_agent::logic::{
    Agent, Identity, Pace,
    port::{Input, Reading, Stored},
};
use loa_controller::logic::{
    office::Office,
    port::{Input as OfficeInput, Reading as OfficeReading, Settings},
};
use loa_protocol::{
    certificate::{Certificate, Renewal},
    clock::{ClockReply, ClockRequest},
    content::{Manifest, Wants},
    envelope::{Keyring, open, open_unsigned},
    event::{Ack, Events},
    head::Head,
    programme::{Now, Programme},
    recurrence::Recurrence,
    root::Approvers,
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
    trust::{Anchor, RootTaken, Trust},
};

/// xorshift64*: chance that can be played again.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n.max(1)
    }
    /// One to four small wounds: a bit, a byte, a cut, a doubling, a splice, an extreme number.
    fn wound(&mut self, bytes: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(out.len());
            match self.below(8) {
                0 | 1 if !out.is_empty() => out[at] ^= 1 << self.below(8),
                2 if !out.is_empty() => out[at] = self.next() as u8,
                3 => out.truncate(at),
                4 => {
                    let end = at + self.below(out.len() - at + 1).min(64);
                    let piece = out[at..end].to_vec();
                    out.splice(at..at, piece);
                }
                5 if !others.is_empty() => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len());
                    out.truncate(at);
                    out.extend_from_slice(&other[from..]);
                }
                6 if at + 9 <= out.len() => {
                    out[at] = 0x1b;
                    out[at + 1..at + 9].copy_from_slice(&[0xff; 8]);
                }
                _ => out.insert(at.min(out.len()), self.next() as u8),
            }
        }
        out
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every golden document, by name.
fn golden() -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("protocol/tests/golden");
    let mut all: Vec<_> = fs::read_dir(folder)
        .expect("the golden documents")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a golden document");
            let name = path.file_stem().expect("a name").to_string_lossy();
            let bytes = hex(&text.replace('\n', ""));
            (name.into_owned(), bytes)
        })
        .collect();
    all.sort();
    assert!(all.len() >= 12, "the golden documents are gone");
    all
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex digits"))
        .collect()
}

/// The key of the golden documents; its secret half is 32 bytes of 7.
fn keyring() -> Keyring {
    Keyring::new([office_key().verifying_key()])
}
fn office_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

/// Runs `one` for this share of all inputs. A panic in it fails the test, with the seed printed before.
fn bombard(name: &str, share: f64, mut one: impl FnMut(&mut Chance)) {
    let n = (setting("LOA_FUZZ", 1_000_000) as f64 * share) as u64;
    let seed = setting("LOA_SEED", 0x1_0a5e_ed5e);
    println!("{name}: {n} inputs, LOA_SEED={seed}");
    let mut chance = Chance(seed | 1);
    for _ in 0..n {
        one(&mut chance);
    }
}

#[test]
fn no_document_breaks_its_decoder_and_no_wounded_one_is_believed() {
    let golden = golden();
    let bytes: Vec<Vec<u8>> = golden.iter().map(|(_, b)| b.clone()).collect();
    let ring = keyring();
    let mut believed = 0u64;
    bombard("documents", 0.6, |chance| {
        let (name, good) = &golden[chance.below(golden.len())];
        let bad = chance.wound(good, &bytes);
        if bad == *good {
            return;
        }
        let signed = match name.as_str() {
            "head" | "head_audit" => open::<Head>(&bad, &ring).is_ok(),
            "root" => {
                let anchor = Anchor::RootKey(office_key().verifying_key());
                let taken = Trust::new(anchor).take_root(&bad);
                matches!(taken, Ok(RootTaken::New { .. }))
            }
            "approvers" => open::<Approvers>(&bad, &ring).is_ok(),
            "certificate" => open::<Certificate>(&bad, &ring).is_ok(),
            "renewal" => open::<Renewal>(&bad, &ring).is_ok(),
            "config" => open::<SpeakerConfig>(&bad, &ring).is_ok(),
            "programme" | "programme_endorsed" => open::<Programme>(&bad, &ring).is_ok(),
            "ack" => open::<Ack>(&bad, &ring).is_ok(),
            "clock_reply" => open::<ClockReply>(&bad, &ring).is_ok(),
            "clock" => {
                let _ = open_unsigned::<ClockRequest>(&bad);
                false
            }
            "want" => {
                let _ = open_unsigned::<Wants>(&bad);
                false
            }
            "events" => {
                let _ = open_unsigned::<Events>(&bad);
                false
            }
            "status" => {
                let _ = open_unsigned::<SpeakerStatus>(&bad);
                false
            }
            _ => open::<Now>(&bad, &ring).is_ok(),
        };
        // A splice may put a whole good document of the same type together again.
        believed += u64::from(signed && !bytes.contains(&bad));
    });
    assert_eq!(believed, 0);
}

#[test]
fn no_message_breaks_a_pole() {
    let golden = golden();
    let bytes: Vec<Vec<u8>> = golden.iter().map(|(_, b)| b.clone()).collect();
    let topics = topics();
    let speaker: loa_protocol::id::SpeakerId = "ban-chuong-1".parse().expect("a good name");
    let at = |step: u64| Reading {
        mono_us: 1_000_000 + step * 1_000,
        system: WallTime::from_millis(1_795_496_400_000).plus_ms(step as i64),
    };
    let identity = Identity {
        speaker,
        anchor: Anchor::OneKey(office_key().verifying_key()),
        roots: Vec::new(),
        signing: None,
        agent: "loa-agent test".into(),
        output: "none".into(),
        content_quota_bytes: 1 << 20,
        seed: 1,
        built: WallTime::EPOCH,
        pace: Pace::default(),
        governor: Default::default(),
        machine_boot: None,
        fetches_relays: false,
    };
    let stored = Stored {
        store: "s1".parse().expect("a good name"),
        boot: 1,
        documents: vec![],
        ledger: vec![],
        events: vec![],
        last_event: 0,
        contents: vec![],
        known_time: None,
    };
    let (mut agent, _) = Agent::new(identity, stored, at(0));
    agent.handle(Input::Connected, at(1));
    let mut step = 2;
    bombard("messages to a pole", 0.2, |chance| {
        step += 1;
        // One in eight is whole, so that the wounded ones meet an agent that has something.
        let good = &bytes[chance.below(bytes.len())];
        let payload = if chance.below(8) == 0 {
            good.clone()
        } else {
            chance.wound(good, &bytes)
        };
        let topic = topics[chance.below(topics.len())].clone();
        for effect in agent.handle(Input::Message { topic, payload }, at(step)) {
            if let loa_agent::logic::port::Effect::Commit { ticket, .. } = effect {
                agent.handle(Input::Committed { ticket }, at(step));
            }
        }
    });
}

#[test]
fn no_message_breaks_the_office() {
    let golden = golden();
    let bytes: Vec<Vec<u8>> = golden.iter().map(|(_, b)| b.clone()).collect();
    let topics = topics();
    let mut office = Office::new(Settings::new(1, 1, office_key()), []);
    let mut step = 0u64;
    bombard("messages to the office", 0.1, |chance| {
        step += 1;
        let at = OfficeReading {
            mono_us: step * 1_000,
            wall: WallTime::from_millis(1_795_496_400_000).plus_ms(step as i64),
        };
        if step == 1 {
            office.handle(OfficeInput::Connected, at);
        }
        let which = chance.below(bytes.len());
        let payload = chance.wound(&bytes[which], &bytes);
        let topic = topics[chance.below(topics.len())].clone();
        office.handle(
            OfficeInput::Message {
                topic,
                payload: payload.into(),
            },
            at,
        );
    });
}

fn topics() -> Vec<String> {
    let speaker = || "ban-chuong-1".parse().expect("a good name");
    let area = || "area.sang-moc".parse().expect("a good channel");
    let mut topics: Vec<String> = [
        Topic::Head,
        Topic::Root(3),
        Topic::Approvers("khuoi-meo".parse().expect("a good name")),
        Topic::Renewal(speaker()),
        Topic::Certificate(speaker()),
        Topic::Config(speaker()),
        Topic::Programme(area()),
        Topic::Programme("speaker.ban-chuong-1".parse().expect("a good channel")),
        Topic::Now(area()),
        Topic::Now("speaker.ban-chuong-1".parse().expect("a good channel")),
        Topic::Block {
            content: Manifest::of(&[5; 20_000], 5_000).content,
            index: 1,
        },
        Topic::Status(speaker()),
        Topic::Events(speaker()),
        Topic::Ack(speaker()),
        Topic::Want(speaker()),
        Topic::Clock(speaker()),
        Topic::ClockReply(speaker()),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    topics.extend(["", "loa/v1", "loa/v2/head", "loa/v1/speaker//x", "#"].map(String::from));
    topics
}

#[test]
fn no_text_breaks_a_schedule_or_a_configuration() {
    let rules: Vec<Vec<u8>> = [
        "FREQ=DAILY;INTERVAL=2;COUNT=10",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261231T235959;WKST=SU",
        "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1;BYHOUR=5,17;BYMINUTE=30",
        "FREQ=YEARLY;BYWEEKNO=20;BYYEARDAY=-1",
    ]
    .map(|rule| rule.as_bytes().to_vec())
    .into();
    bombard("schedules", 0.08, |chance| {
        let which = chance.below(rules.len());
        let text = chance.wound(&rules[which], &rules);
        let text = String::from_utf8_lossy(&text);
        if let Ok(rule) = Recurrence::parse("2026-11-24T05:30", &text, &[], "Asia/Ho_Chi_Minh") {
            let from = WallTime::from_millis(1_795_496_400_000).timestamp();
            let _ = rule.occurrences_from(from).take(3).count();
        }
    });
    let office = fs::read(repository().join("config/controller.toml")).expect("shipped");
    bombard("configurations", 0.01, |chance| {
        let text = chance.wound(&office, &[]);
        let text = String::from_utf8_lossy(&text);
        let _ = loa_controller::config::Config::parse(&text, Path::new("controller.toml"));
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.toml");
    let pole = fs::read(repository().join("config/agent.toml")).expect("shipped");
    bombard("configurations of a pole", 0.005, |chance| {
        fs::write(&path, chance.wound(&pole, &[])).expect("room to write");
        let _ = loa_agent::config::Config::load(&path);
    });
}

#[test]
fn no_file_breaks_the_decoder() {
    let folder = tempfile::tempdir().expect("a folder");
    let wav = folder.path().join("tone.wav");
    let tone: Vec<f32> = (0..24_000).map(|i| (i as f32 * 0.06).sin() * 0.5).collect();
    loa_audio::wav::write_mono_s16(&wav, 48_000, &tone).expect("room to write");
    let mut samples = vec![("wav", fs::read(&wav).expect("just written"))];
    for (extension, codec) in [
        ("mp3", "libmp3lame"),
        ("m4a", "aac"),
        ("ogg", "libvorbis"),
        ("opus", "libopus"),
        ("webm", "libopus"),
        ("flac", "flac"),
    ] {
        let path = folder.path().join(format!("tone.{extension}"));
        let done = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(&wav)
            .args(["-c:a", codec])
            .arg(&path)
            .status()
            .expect("ffmpeg is installed by scripts/setup.sh test");
        assert!(done.success(), "ffmpeg made no {extension}");
        samples.push((extension, fs::read(path).expect("just written")));
    }
    let bytes: Vec<Vec<u8>> = samples.iter().map(|(_, b)| b.clone()).collect();
    bombard("audio files", 0.02, |chance| {
        let (extension, good) = &samples[chance.below(samples.len())];
        let bad = chance.wound(good, &bytes);
        let _ = loa_audio::decode::fuzz_one(&bad, Some(extension));
    });
}

/// The short form of a figure.
#[test]
fn no_mutated_or_replayed_envelope_is_accepted() {
    let seed = setting("LOA_SEED", 0x1_0a5e_ed5e);
    let count = setting("LOA_FUZZ", 1_000_000) / 10;
    println!("envelopes: {count}, LOA_SEED={seed}");
    let tally = loa_tests::mutants::bombard(seed, count);
    assert_eq!(tally.accepted, 0, "{tally:?}");
    assert!(tally.genuine > 0, "{tally:?}");
}

/// The short form of another.
#[test]
fn no_forged_replayed_or_late_packet_reaches_the_player() {
    let seed = setting("LOA_SEED", 0x11_5ea1);
    let count = setting("LOA_FUZZ", 1_000_000) / 25;
    println!("packets: {count}, LOA_SEED={seed}");
    let tally = loa_tests::live_mutants::bombard(seed, count);
    assert_eq!(tally.sounded, 0, "{tally:?}");
    println!("{tally:?}");
}
