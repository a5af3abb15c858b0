//! What the office publishes, in sentences.

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Repeat, Status, When},
    content::Manifest,
    envelope::{Keyring, open},
    speaker_config::VolumePlan,
};

use super::*;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}
fn ring() -> Keyring {
    Keyring::new([key().verifying_key()])
}
fn book() -> Book {
    Book::new(&Settings::new(1, 1, key()))
}
fn bulletin(id: &str, priority: Priority) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: id.parse().expect("a good name"),
        revision: 1,
        title: "Bản tin sáng".into(),
        priority,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(id.as_bytes(), 1_000)),
        replay: None,
        chime: Chime::None,
        volume: 100,
        when: When::At {
            at: "2026-11-24T05:30".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: WallTime::EPOCH,
        valid_until: None,
    }
}
fn state(generation: u64, bulletins: Vec<Bulletin>) -> ChannelState {
    ChannelState {
        channel: "area.ban-chuong".parse().expect("a good channel"),
        version: Version {
            epoch: 1,
            generation,
        },
        silence_before: None,
        bulletins,
    }
}
fn published(effects: &[Effect]) -> Vec<Programme> {
    effects
        .iter()
        .filter_map(|e| match e {
            Effect::Publish {
                topic: Topic::Programme(_),
                payload,
            } => Some(open(payload, &ring()).expect("signed and readable")),
            _ => None,
        })
        .collect()
}
fn take(book: &mut Book, state: ChannelState) -> Vec<Effect> {
    let mut out = Vec::new();
    book.channel(state, None, WallTime::EPOCH, &mut out);
    out
}

#[test]
fn a_channel_is_published_once_for_every_version() {
    let mut book = book();
    let news = bulletin("news", Priority::Ordinary);
    let out = take(&mut book, state(5, vec![news.clone()]));
    assert_eq!(published(&out)[0].bulletins, [news]);
    assert_eq!(take(&mut book, state(5, vec![])), []);
    assert_eq!(take(&mut book, state(4, vec![])), []);
    assert_eq!(
        published(&take(&mut book, state(6, vec![])))[0].bulletins,
        []
    );
}

#[test]
fn the_short_document_goes_before_the_whole_programme() {
    let mut out = Vec::new();
    let flood = bulletin("flood", Priority::Emergency);
    book().channel(
        state(1, vec![flood.clone()]),
        Some(Command::Start {
            bulletin: Box::new(flood),
        }),
        WallTime::EPOCH,
        &mut out,
    );
    let topics: Vec<String> = out
        .iter()
        .filter_map(|e| match e {
            Effect::Publish { topic, .. } => Some(topic.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        topics,
        [
            "loa/v1/channel/area.ban-chuong/now",
            "loa/v1/channel/area.ban-chuong/programme"
        ]
    );
}

#[test]
fn one_bulletin_that_breaks_a_rule_does_not_cost_the_village_its_programme() {
    let bad = Bulletin {
        volume: 101,
        ..bulletin("bad", Priority::Ordinary)
    };
    let good = bulletin("good", Priority::Ordinary);
    let out = take(&mut book(), state(1, vec![bad, good.clone()]));
    assert_eq!(published(&out)[0].bulletins, [good]);
    assert!(
        out.iter()
            .any(|e| matches!(e, Effect::Log(LogLine::LeftOut { .. })))
    );
}

#[test]
fn a_programme_that_is_too_long_for_the_wire_keeps_its_emergency() {
    let long = |i: usize| Bulletin {
        title: "a".repeat(5_000),
        ..bulletin(&format!("n{i}"), Priority::Ordinary)
    };
    let mut all: Vec<Bulletin> = (0..400).map(long).collect();
    all.push(bulletin("flood", Priority::Emergency));
    let out = take(&mut book(), state(1, all));
    let programme = &published(&out)[0];
    assert!(
        programme.bulletins.len() > 150,
        "{}",
        programme.bulletins.len()
    );
    assert_eq!(programme.bulletins[0].id.as_str(), "flood");
}

#[test]
fn a_content_is_known_while_a_programme_names_it() {
    let mut book = book();
    let news = bulletin("news", Priority::Ordinary);
    let content = news.manifest().expect("audio").content;
    take(&mut book, state(1, vec![news]));
    assert!(book.known(&content).is_some_and(|k| !k.is_urgent()));
    take(&mut book, state(2, vec![]));
    assert_eq!(book.known(&content), None);
}

#[test]
fn the_app_is_told_which_bulletins_changed_but_not_at_the_start() {
    let mut book = book();
    let notices = |out: Vec<Effect>| -> Vec<Notice> {
        out.into_iter()
            .filter_map(|e| match e {
                Effect::Notice(n) => Some(n),
                _ => None,
            })
            .collect()
    };
    let (a, b) = (
        bulletin("a", Priority::Ordinary),
        bulletin("b", Priority::Ordinary),
    );
    assert_eq!(notices(take(&mut book, state(1, vec![a.clone(), b]))), []);
    let a2 = Bulletin { revision: 2, ..a };
    let expected = ["b", "a"].map(|id| Notice::Bulletin(id.parse().expect("a good name")));
    assert_eq!(notices(take(&mut book, state(2, vec![a2]))), expected);
}

#[test]
fn a_speaker_that_was_taken_away_leaves_no_document_behind() {
    let mut book = book();
    let mut out = Vec::new();
    let config = SpeakerConfig {
        speaker: "khuoi-meo".parse().expect("a good name"),
        version: Version {
            epoch: 1,
            generation: 1,
        },
        made: WallTime::EPOCH,
        name: "Khuổi Mèo".into(),
        channels: vec![],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![],
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    };
    book.config(&config, &mut out);
    book.config(&config, &mut out);
    assert_eq!(out.len(), 1);
    out.clear();
    book.remove_speaker(&config.speaker, &mut out);
    let cleared = |e: &Effect| matches!(e, Effect::Publish { payload, .. } if payload.is_empty());
    assert!(out.len() == 4 && out.iter().all(cleared));
    assert_eq!(book.topics(), []);
}
