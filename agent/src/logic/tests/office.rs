//! What the office of these sentences writes: bulletins, programmes, `now`s, a configuration.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    channel::Channel,
    content::Manifest,
    programme::{Command, Now, Programme, Version},
    quiet_hours::DayWindow,
    speaker_config::SpeakerConfig,
    time::WallTime,
};

use crate::logic::documents::default_config;

pub const SPEAKER: &str = "ban-chuong-1";
pub const ZONE: &str = "Asia/Ho_Chi_Minh";

/// `s` seconds after 2026-11-24T12:00:00+07:00.
pub fn t(s: i64) -> WallTime {
    WallTime::from_millis(1_795_496_400_000).plus_s(s)
}
/// The same as civil time.
pub fn civil(s: i64) -> String {
    let zoned = t(s).timestamp().in_tz(ZONE).unwrap();
    zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
pub fn area() -> Channel {
    "area.sang-moc".parse().unwrap()
}
pub fn own() -> Channel {
    format!("speaker.{SPEAKER}").parse().unwrap()
}
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}
pub fn version(generation: u64) -> Version {
    Version {
        epoch: 1,
        generation,
    }
}

/// Audio of so many seconds; its bytes are two blocks and a bit.
pub fn audio(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(40_000).collect()
}
pub fn bulletin(name: &str, priority: Priority, when: When) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: name.parse().unwrap(),
        revision: 1,
        title: name.into(),
        priority,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&audio(name), 30_000)),
        replay: None,
        chime: Chime::None,
        volume: 100,
        when,
        zone: ZONE.into(),
        repeat: Repeat::default(),
        lateness_s: loa_protocol::bulletin::default_lateness_s(priority, false),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 3_600,
        since: t(-86_400),
        valid_until: None,
    }
}
pub fn at(name: &str, s: i64) -> Bulletin {
    bulletin(name, Priority::Ordinary, When::At { at: civil(s) })
}
pub fn at_priority(name: &str, s: i64) -> Bulletin {
    bulletin(name, Priority::Priority, When::At { at: civil(s) })
}
pub fn emergency_at(name: &str, s: i64) -> Bulletin {
    Bulletin {
        valid_until: Some(t(s + 1_800)),
        ..bulletin(name, Priority::Emergency, When::At { at: civil(s) })
    }
}
fn when_now(s: i64) -> When {
    When::Now {
        at: t(s),
        date: "2026-11-24".into(),
    }
}
pub fn said_now(name: &str, s: i64) -> Bulletin {
    Bulletin {
        lateness_s: Some(600),
        ..bulletin(name, Priority::Ordinary, when_now(s))
    }
}
pub fn emergency_now(name: &str, s: i64) -> Bulletin {
    Bulletin {
        valid_until: Some(t(s + 1_800)),
        ..bulletin(name, Priority::Emergency, when_now(s))
    }
}
pub fn programme(channel: Channel, generation: u64, bulletins: Vec<Bulletin>) -> Programme {
    Programme {
        expires: None,
        channel,
        version: version(generation),
        made: t(-3_600),
        silence_before: None,
        bulletins,
    }
}
pub fn now(generation: u64, s: i64, command: Command) -> Now {
    Now {
        channel: area(),
        version: version(generation),
        made: t(s),
        command,
    }
}
pub fn start(bulletin: Bulletin) -> Command {
    Command::Start {
        bulletin: Box::new(bulletin),
    }
}
pub fn config(generation: u64) -> SpeakerConfig {
    SpeakerConfig {
        version: version(generation),
        made: t(-3_600),
        channels: vec![area(), own()],
        quiet_hours: vec![DayWindow::new("22:00", "05:00").unwrap()],
        ..default_config(&SPEAKER.parse().unwrap())
    }
}
