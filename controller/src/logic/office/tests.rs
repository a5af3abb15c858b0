//! The office and its speakers, in sentences.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    channel::Channel,
    content::{Bitmap, Manifest, Want},
    envelope::{Keyring, open, seal, seal_unsigned},
    event::{Event, What},
    programme::{Programme, Version},
    speaker_config::{SpeakerConfig, VolumePlan},
    status::ClockState,
    time::{Trust, WallTime},
};
use proptest::prelude::*;

use super::*;
use crate::logic::port::ChannelState;

fn at(ms: u64) -> Reading {
    Reading {
        mono_us: (1_000 + ms) * 1_000,
        wall: WallTime::from_millis(1_795_496_400_000 + ms as i64),
    }
}
fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}
fn pole() -> SpeakerId {
    "ban-chuong".parse().expect("a good name")
}
fn store() -> StoreId {
    "s1".parse().expect("a good name")
}
fn config(generation: u64) -> SpeakerConfig {
    SpeakerConfig {
        speaker: pole(),
        version: Version {
            epoch: 1,
            generation,
        },
        made: WallTime::EPOCH,
        name: "Bản Chương".into(),
        channels: vec![Channel::Speaker(pole())],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![],
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}
fn programme(generation: u64) -> Input {
    Input::Channel {
        state: ChannelState {
            channel: Channel::Speaker(pole()),
            version: Version {
                epoch: 1,
                generation,
            },
            silence_before: None,
            bulletins: vec![],
        },
        command: None,
    }
}
/// An office that knows the one speaker, with its line up.
fn office() -> Office {
    let mut office = Office::new(Settings::new(1, 3, key()), []);
    office.handle(Input::Config(Box::new(config(1))), at(0));
    office.handle(Input::Connected, at(0));
    office
}
fn status(online: bool, acked: u64) -> SpeakerStatus {
    SpeakerStatus {
        speaker: pole(),
        online,
        store: store(),
        boot: 1,
        agent: "loa-agent 0.1.0".into(),
        at: None,
        clock: ClockState::default(),
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "wav".into(),
        last_event: 3,
        acked,
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
fn events(numbers: std::ops::RangeInclusive<u64>) -> Events {
    Events {
        speaker: pole(),
        store: store(),
        events: numbers
            .map(|number| Event {
                number,
                at: WallTime::EPOCH,
                trust: Trust::Synced,
                what: What::Booted {
                    boot: number,
                    agent: "loa-agent".into(),
                    after: None,
                },
            })
            .collect(),
    }
}
fn says<D: Document>(office: &mut Office, topic: Topic, document: &D, at: Reading) -> Vec<Effect> {
    let input = Input::Message {
        topic: topic.to_string(),
        payload: seal_unsigned(document).into(),
    };
    office.handle(input, at)
}
fn published<D: Document>(effects: &[Effect], topic: &Topic) -> Vec<D> {
    let ring = Keyring::new([key().verifying_key()]);
    effects
        .iter()
        .filter_map(|e| match e {
            Effect::Publish { topic: t, payload } if t == topic => {
                Some(open(payload, &ring).expect("signed by the office and readable"))
            }
            _ => None,
        })
        .collect()
}
fn acks(effects: &[Effect]) -> Vec<u64> {
    let documents: Vec<Ack> = published(effects, &Topic::Ack(pole()));
    documents.into_iter().map(|ack| ack.through).collect()
}
fn stored(effects: &[Effect]) -> usize {
    effects
        .iter()
        .filter(|e| matches!(e, Effect::StoreEvents { .. }))
        .count()
}

#[test]
fn a_broker_that_came_back_empty_is_told_everything_again() {
    let mut office = office();
    office.handle(programme(4), at(1));
    office.handle(Input::Disconnected, at(2));
    // Changed while nobody could hear it.
    assert!(
        !office
            .handle(programme(5), at(3))
            .iter()
            .any(|e| matches!(e, Effect::Publish { .. }))
    );
    let out = office.handle(Input::Connected, at(4));
    assert!(matches!(&out[0], Effect::Subscribe { filters } if filters.len() == 5));
    let own = Topic::Programme(Channel::Speaker(pole()));
    let programmes: Vec<Programme> = published(&out, &own);
    assert_eq!(
        programmes
            .iter()
            .map(|p| p.version.generation)
            .collect::<Vec<_>>(),
        [5]
    );
    assert_eq!(
        published::<SpeakerConfig>(&out, &Topic::Config(pole())).len(),
        1
    );
    assert_eq!(
        published::<loa_protocol::head::Head>(&out, &Topic::Head).len(),
        1
    );
}

#[test]
fn how_far_the_audit_log_went_travels_in_a_newer_head_and_once() {
    use loa_protocol::{
        content::Sha,
        head::{Checkpoint, Head},
    };
    let mut office = office();
    let checkpoint = |entries: u64| Checkpoint {
        entries,
        hash: Sha::of(&entries.to_be_bytes()),
    };
    // Whatever came before: the next words show what a change adds.
    office.handle(Input::Connected, at(1));
    let mut heads = Vec::new();
    for (n, entries) in [(2, 3), (3, 3), (4, 5)] {
        let out = office.handle(Input::Checkpoint(checkpoint(entries)), at(n));
        heads.push(published::<Head>(&out, &Topic::Head));
    }
    let told: Vec<_> = heads.iter().flatten().map(|head| head.audit).collect();
    assert_eq!(told, [Some(checkpoint(3)), Some(checkpoint(5))]);
    assert!(heads[1].is_empty() && heads[0][0].version < heads[2][0].version);
}

#[test]
fn a_province_is_told_again_in_steps_and_not_in_one_flood() {
    let mut office = Office::new(Settings::new(1, 1, key()), []);
    for i in 0..450 {
        let speaker: SpeakerId = format!("loa-{i}").parse().expect("a good name");
        let config = SpeakerConfig {
            speaker,
            ..config(1)
        };
        office.handle(Input::Config(Box::new(config)), at(0));
    }
    let configs = |out: Vec<Effect>| {
        let is = |e: &&Effect| {
            matches!(
                e,
                Effect::Publish {
                    topic: Topic::Config(_),
                    ..
                }
            )
        };
        out.iter().filter(is).count()
    };
    assert_eq!(configs(office.handle(Input::Connected, at(0))), 200);
    assert_eq!(configs(office.handle(Input::Tick, at(50))), 0);
    let next = office.next_deadline().expect("there is more to say");
    assert_eq!(next, at(100).mono_us);
    assert_eq!(configs(office.handle(Input::Tick, at(100))), 200);
    assert_eq!(configs(office.handle(Input::Tick, at(200))), 50);
    // Then only the watch over silence is left.
    assert_eq!(office.next_deadline(), Some(at(90_000).mono_us));
}

#[test]
fn a_speaker_may_forget_its_events_only_when_the_database_has_them() {
    let mut office = office();
    let out = says(&mut office, Topic::Events(pole()), &events(1..=3), at(10));
    assert_eq!((stored(&out), acks(&out)), (1, vec![]));
    let out = office.handle(
        Input::EventsStored {
            speaker: pole(),
            store: store(),
            through: 3,
        },
        at(20),
    );
    assert_eq!(acks(&out), [3]);
    // The acknowledgement was lost: the same events again are acknowledged again and not stored again.
    let out = says(&mut office, Topic::Events(pole()), &events(1..=3), at(30));
    assert_eq!((stored(&out), acks(&out)), (0, vec![3]));
}

#[test]
fn events_that_the_database_refused_are_taken_again_later() {
    let mut office = office();
    for _ in 0..crate::logic::intake::MAX_IN_HAND + 2 {
        says(&mut office, Topic::Events(pole()), &events(1..=3), at(10));
    }
    let full = says(&mut office, Topic::Events(pole()), &events(1..=3), at(11));
    assert_eq!(stored(&full), 0);
    let failed = Input::EventsFailed {
        speaker: pole(),
        store: store(),
    };
    assert_eq!(acks(&office.handle(failed, at(12))), [0; 0]);
    let out = says(&mut office, Topic::Events(pole()), &events(1..=3), at(13));
    assert_eq!(stored(&out), 1);
}

#[test]
fn events_with_a_hole_or_in_disorder_are_refused() {
    let mut office = office();
    let mut holed = events(1..=3);
    holed.events.remove(1);
    let mut none = events(1..=1);
    none.events.clear();
    let zero = events(0..=2);
    for batch in [holed, none, zero] {
        let out = says(&mut office, Topic::Events(pole()), &batch, at(10));
        assert_eq!((stored(&out), acks(&out)), (0, vec![]));
    }
    assert_eq!(office.figures().refused["breaks_rule"], 3);
}

#[test]
fn a_speaker_that_missed_its_acknowledgement_gets_it_again_with_its_status() {
    let mut office = Office::new(Settings::new(1, 1, key()), [(pole(), store(), 3)]);
    office.handle(Input::Config(Box::new(config(1))), at(0));
    assert_eq!(acks(&office.handle(Input::Connected, at(0))), [3]);
    let out = says(&mut office, Topic::Status(pole()), &status(true, 2), at(1));
    assert_eq!(acks(&out), [3]);
    let out = says(&mut office, Topic::Status(pole()), &status(true, 3), at(2));
    assert_eq!(acks(&out), [0; 0]);
}

#[test]
fn nobody_speaks_for_another_and_a_stranger_is_not_heard() {
    let mut office = office();
    let khuoi_meo: SpeakerId = "khuoi-meo".parse().expect("a good name");
    let known = SpeakerConfig {
        speaker: khuoi_meo.clone(),
        ..config(1)
    };
    office.handle(Input::Config(Box::new(known)), at(0));
    // Its own topic, another's name.
    let out = says(&mut office, Topic::Events(khuoi_meo), &events(1..=3), at(1));
    assert_eq!(stored(&out), 0);
    let stranger: SpeakerId = "stranger".parse().expect("a good name");
    let as_stranger = SpeakerStatus {
        speaker: stranger.clone(),
        ..status(true, 0)
    };
    says(
        &mut office,
        Topic::Status(stranger.clone()),
        &as_stranger,
        at(2),
    );
    assert_eq!(office.presence(&stranger), None);
    assert_eq!(office.figures().refused["wrong_scope"], 1);
    assert_eq!(office.figures().refused["unknown_speaker"], 1);
}

#[test]
fn a_pole_with_a_certificate_is_heard_only_with_its_own_signature() {
    let own = SigningKey::from_bytes(&[8; 32]);
    let mut office = office();
    let keys = |keys: &[&SigningKey]| Input::SpeakerKeys {
        speaker: pole(),
        keys: keys.iter().map(|k| k.verifying_key()).collect(),
    };
    let is_taken = |office: &mut Office, bytes: Vec<u8>| {
        let input = Input::Message {
            topic: Topic::Events(pole()).to_string(),
            payload: bytes.into(),
        };
        stored(&office.handle(input, at(1))) == 1
    };
    office.handle(keys(&[&own]), at(1));
    // Unsigned, by another pole, and by the office's own key.
    assert!(!is_taken(&mut office, seal_unsigned(&events(1..=3))));
    for stranger in [SigningKey::from_bytes(&[9; 32]), key()] {
        assert!(!is_taken(&mut office, seal(&events(1..=3), &stranger)));
    }
    assert_eq!(office.figures().refused["not_signed"], 3);
    assert!(is_taken(&mut office, seal(&events(1..=3), &own)));
    // While it renews its certificate either key counts; once that is revoked the old one does not.
    let next = SigningKey::from_bytes(&[10; 32]);
    office.handle(keys(&[&own, &next]), at(2));
    office.handle(keys(&[&next]), at(2));
    assert!(!is_taken(&mut office, seal(&events(4..=5), &own)));
    // With no certificate left nothing counts, and least of all what nobody signed.
    office.handle(keys(&[]), at(3));
    assert!(!is_taken(&mut office, seal(&events(4..=5), &next)));
    assert!(!is_taken(&mut office, seal_unsigned(&events(4..=5))));
}

#[test]
fn the_last_will_turns_a_speaker_off_without_overwriting_its_last_status() {
    let mut office = office();
    let on = says(&mut office, Topic::Status(pole()), &status(true, 0), at(1));
    assert!(on.iter().any(|e| matches!(e, Effect::StoreStatus { .. })));
    let off = says(&mut office, Topic::Status(pole()), &status(false, 0), at(2));
    assert!(!off.iter().any(|e| matches!(e, Effect::StoreStatus { .. })));
    let presence = office.presence(&pole()).map(|v| v.presence);
    assert_eq!(presence, Some(Presence::Offline));
}

#[test]
fn a_dead_pole_shows_within_ninety_seconds() {
    let mut office = office();
    says(
        &mut office,
        Topic::Status(pole()),
        &status(true, 0),
        at(1_000),
    );
    let due = office.next_deadline().expect("somebody is watched");
    assert!(due <= at(91_000).mono_us);
    let out = office.handle(Input::Tick, at(91_000));
    assert!(out.contains(&Effect::StorePresence {
        speaker: pole(),
        presence: Presence::Silent,
        at: at(91_000).wall
    }));
}

#[test]
fn a_clock_request_is_answered_with_the_office_s_time_and_signature() {
    let mut office = office();
    let request = ClockRequest {
        speaker: pole(),
        nonce: 42,
    };
    let out = says(&mut office, Topic::Clock(pole()), &request, at(77));
    let replies: Vec<ClockReply> = published(&out, &Topic::ClockReply(pole()));
    assert_eq!((replies[0].nonce, replies[0].received), (42, at(77).wall));
}

#[test]
fn what_a_speaker_misses_is_sent_to_it() {
    use loa_protocol::bulletin::*;
    let mut office = office();
    let manifest = Manifest::of(&vec![5; 40_000], 1_000);
    let Input::Channel { mut state, command } = programme(2) else {
        unreachable!("it is a channel")
    };
    state.bulletins.push(Bulletin {
        endorsement: None,
        id: "flood".parse().expect("a good name"),
        revision: 1,
        title: "Báo động lũ".into(),
        priority: Priority::Emergency,
        status: Status::Exercise,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(manifest.clone()),
        replay: None,
        chime: Chime::Alert,
        volume: 100,
        when: When::At {
            at: "2026-11-24T05:30".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: None,
        on_preempt: OnPreempt::Resume,
        max_duration_s: 60,
        since: WallTime::EPOCH,
        valid_until: None,
    });
    office.handle(Input::Channel { state, command }, at(1));
    let wants = Wants {
        speaker: pole(),
        wants: vec![Want {
            content: manifest.content,
            missing: Bitmap::full(3),
            urgent: true,
        }],
    };
    let out = says(&mut office, Topic::Want(pole()), &wants, at(2));
    let sent: Vec<u32> = out
        .iter()
        .filter_map(|e| match e {
            Effect::SendBlock { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [0, 1, 2]);
    assert_eq!(office.figures().bytes_sent, 40_000);

    // The disk has lost it: said once, and not tried for every speaker that asks.
    let unreadable = || Input::ContentUnreadable {
        content: manifest.content,
        detail: "gone".into(),
    };
    assert_eq!(office.handle(unreadable(), at(3)).len(), 1);
    assert_eq!(office.handle(unreadable(), at(3)), []);
    assert_eq!(says(&mut office, Topic::Want(pole()), &wants, at(4)), []);
    let later = says(&mut office, Topic::Want(pole()), &wants, at(61_000));
    assert_eq!(later.len(), 3);
}

proptest! {
    #[test]
    fn no_bytes_from_outside_make_the_office_panic(
        topics in prop::collection::vec("(loa/v1/speaker/ban-chuong/(status|events|want|clock)|[a-z/+#0-9.]{0,40}|\\PC{0,20})", 1..20),
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut office = office();
        for (i, topic) in topics.into_iter().enumerate() {
            let mut payload = payload.clone();
            let turn = i % payload.len().max(1);
            payload.rotate_left(turn);
            let out = office.handle(Input::Message { topic, payload: payload.into() }, at(i as u64));
            prop_assert!(stored(&out) == 0);
        }
    }

    /// A real document with some of its bytes changed: refused or understood, never a panic, and never acknowledged.
    #[test]
    fn a_damaged_document_is_refused_or_understood(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0..3,
    ) {
        let mut office = office();
        let (topic, bytes) = match kind {
            0 => (Topic::Events(pole()), seal_unsigned(&events(1..=3))),
            1 => (Topic::Status(pole()), seal_unsigned(&status(true, 0))),
            _ => (Topic::Want(pole()), seal_unsigned(&Wants {
                speaker: pole(),
                wants: vec![Want { content: loa_protocol::content::Sha::of(b"x"), missing: Bitmap::full(9), urgent: false }],
            })),
        };
        let mut bytes = bytes;
        for (place, byte) in changes {
            let i = place.index(bytes.len());
            bytes[i] = byte;
        }
        let out = office.handle(Input::Message { topic: topic.to_string(), payload: bytes.into() }, at(1));
        prop_assert_eq!(acks(&out), Vec::<u64>::new());
    }
}

/// A broker may let an older document overtake a newer one and keep the older.
#[test]
fn a_speaker_that_still_holds_an_older_programme_is_told_again() {
    let mut office = office();
    office.handle(programme(1), at(1));
    office.handle(programme(2), at(1));
    let mut told = |s: u64, generation: u64| {
        let version = |generation| Version {
            epoch: 1,
            generation,
        };
        let status = SpeakerStatus {
            config: Some(version(1)),
            programmes: [(Channel::Speaker(pole()), version(generation))].into(),
            ..status(true, 3)
        };
        let message = Input::Message {
            topic: Topic::Status(pole()).to_string(),
            payload: seal_unsigned(&status).into(),
        };
        let effects = office.handle(message, at(s * 1_000));
        let again = |e: &&Effect| {
            matches!(
                e,
                Effect::Publish {
                    topic: Topic::Programme(_),
                    ..
                }
            )
        };
        effects.iter().filter(again).count()
    };
    assert_eq!(told(2, 1), 0, "the newer one may be on its way");
    assert_eq!(told(20, 1), 0);
    assert_eq!(told(62, 1), 1);
    assert_eq!(told(63, 1), 0, "not again at once");
    assert_eq!(told(122, 2), 0, "it has it");
}
