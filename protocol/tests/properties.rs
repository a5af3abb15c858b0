//! What must hold for every input: topics and envelopes round-trip, no mutated envelope verifies, arbitration is total.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    arbitration::{Candidate, Decision, Rules, State, rank},
    bulletin::{OnPreempt, Priority, Status},
    channel::Channel,
    content::{Bitmap, Manifest, Sha, Wants},
    envelope::{Keyring, open, open_unsigned, seal},
    event::{Ack, Events},
    head::Head,
    limits::Governor,
    programme::{Now, Programme, Version},
    quiet_hours::DayWindow,
    sounded::Sounded,
    speaker_config::{SpeakerConfig, VolumePlan},
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
};
use proptest::prelude::*;

fn id() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,20}"
}

fn channel() -> impl Strategy<Value = Channel> {
    (prop_oneof!["area", "group", "speaker"], id())
        .prop_map(|(kind, id)| format!("{kind}.{id}").parse().expect("built to be good"))
}

fn topic() -> impl Strategy<Value = Topic> {
    let speaker = id().prop_map(|id| id.parse().expect("built to be good"));
    prop_oneof![
        Just(Topic::Head),
        (0..7usize, speaker).prop_map(|(kind, s)| match kind {
            0 => Topic::Config(s),
            1 => Topic::Status(s),
            2 => Topic::Events(s),
            3 => Topic::Ack(s),
            4 => Topic::Want(s),
            5 => Topic::Clock(s),
            _ => Topic::ClockReply(s),
        }),
        channel().prop_map(Topic::Programme),
        channel().prop_map(Topic::Now),
        (any::<[u8; 32]>(), any::<u32>()).prop_map(|(sha, index)| Topic::Block {
            content: Sha(sha),
            index
        }),
    ]
}

fn head() -> Head {
    Head {
        version: Version {
            epoch: 3,
            generation: 41,
        },
        made: WallTime::from_millis(1_795_496_400_000),
        root_version: 0,
        expires: None,
        audit: None,
        reconnect_jitter_s: 30,
    }
}

/// Where nothing was set at the pole, and nothing has sounded.
fn decide(candidates: &[Candidate], config: &SpeakerConfig, now: WallTime) -> Decision {
    let rules = Rules {
        config,
        governor: &Governor::default(),
        sounded: &Sounded::default(),
    };
    loa_protocol::arbitration::decide(candidates, &rules, None, now, 0)
}

fn office() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn config() -> SpeakerConfig {
    SpeakerConfig {
        speaker: "p".parse().expect("a good name"),
        version: Version::default(),
        made: WallTime::EPOCH,
        name: "P".into(),
        channels: vec![],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![DayWindow::new("22:00", "05:00").expect("a good window")],
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

prop_compose! {
    fn candidate()(
        name in 0..40u8,
        priority in prop_oneof![Just(Priority::Ordinary), Just(Priority::Priority), Just(Priority::Emergency)],
        status in prop_oneof![Just(Status::Actual), Just(Status::Exercise)],
        order in 0..3u32,
        planned in 0..200i64,
        lateness in 0..100i64,
        valid in proptest::option::of(0..300i64),
        state in 0..3u8,
        since in 0..200i64,
        ready in any::<bool>(),
    ) -> Candidate {
        let t = |s: i64| WallTime::from_millis(1_795_496_400_000).plus_s(s);
        Candidate {
            id: format!("b{name}/2026-11-24/0/0").parse().expect("built to be good"),
            priority,
            status,
            order,
            planned: t(planned),
            start_by: t(planned + lateness),
            valid_until: valid.map(t),
            on_preempt: OnPreempt::Resume,
            remaining_ms: 10_000,
            state: match state { 0 => State::Waiting, 1 => State::Sounding, _ => State::Suspended { since: t(since) } },
            ready: ready || state == 1,
            arrived: WallTime::EPOCH,
            running_since: WallTime::EPOCH,
        }
    }
}

/// At most one sounds, and names are unique: what a pole really holds.
fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(candidate(), 0..12).prop_map(|mut all| {
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.dedup_by(|a, b| a.id == b.id);
        let mut sounding = false;
        for c in &mut all {
            if c.state == State::Sounding && std::mem::replace(&mut sounding, true) {
                c.state = State::Waiting;
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_topic_is_read_as_it_was_written(topic in topic()) {
        prop_assert_eq!(topic.to_string().parse::<Topic>(), Ok(topic));
    }

    #[test]
    fn no_text_breaks_the_topic_reader(text in "(loa/v1/)?[a-z0-9/.+#-]{0,60}|.{0,60}") {
        if let Ok(topic) = text.parse::<Topic>() {
            prop_assert_eq!(topic.to_string(), text);
        }
    }

    #[test]
    fn a_mutated_envelope_never_verifies(
        at in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<bool>(), tail in prop::collection::vec(any::<u8>(), 0..3)
    ) {
        let ring = Keyring::new([office().verifying_key()]);
        let good = seal(&head(), &office());
        let mut bytes = good.clone();
        let i = at.index(bytes.len());
        if cut { bytes.truncate(i); bytes.extend(tail) } else { bytes[i] ^= 1 << bit }
        if bytes != good {
            prop_assert!(open::<Head>(&bytes, &ring).is_err());
        }
    }

    #[test]
    fn no_bytes_break_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let ring = Keyring::new([office().verifying_key()]);
        let _ = open::<Programme>(&bytes, &ring);
        let _ = open::<Now>(&bytes, &ring);
        let _ = open_unsigned::<SpeakerStatus>(&bytes);
        let _ = open_unsigned::<Events>(&bytes);
        let _ = open_unsigned::<Ack>(&bytes);
        let _ = open_unsigned::<Wants>(&bytes);
    }

    #[test]
    fn arbitration_is_total_and_each_candidate_is_placed_once(all in candidates(), now in 0..300i64) {
        let now = WallTime::from_millis(1_795_496_400_000).plus_s(now);
        let d = decide(&all, &config(), now);
        // Asking in another order gives the same answer.
        let mut turned = all.clone();
        turned.reverse();
        prop_assert_eq!(&d, &decide(&turned, &config(), now));
        // Nothing is both chosen and over, nothing over twice, all of them known.
        for (id, _) in &d.over {
            prop_assert!(Some(id) != d.sound.as_ref());
            prop_assert_eq!(d.over.iter().filter(|(other, _)| other == id).count(), 1);
            prop_assert!(all.iter().any(|c| c.id == *id));
        }
        // Nothing that may sound outranks the chosen one.
        if let Some(chosen) = d.sound.as_ref().and_then(|id| all.iter().find(|c| c.id == *id)) {
            prop_assert!(chosen.ready && chosen.planned <= now || chosen.state != State::Waiting);
            for other in &all {
                let may = other.ready && other.planned <= now
                    && (other.state == State::Sounding || other.start_by.min(other.valid_until.unwrap_or(WallTime::MAX)) >= now)
                    && matches!(other.state, State::Waiting | State::Sounding);
                if may { prop_assert!(rank(chosen, other).is_le()); }
            }
        }
        // Applying the decision and asking again changes nothing more.
        let rest: Vec<Candidate> = all
            .iter()
            .filter(|c| !d.over.iter().any(|(id, _)| *id == c.id))
            .map(|c| Candidate {
                state: if Some(&c.id) == d.sound.as_ref() { State::Sounding }
                       else if c.state == State::Sounding { State::Suspended { since: now } }
                       else { c.state },
                ..c.clone()
            })
            .collect();
        let again = decide(&rest, &config(), now);
        prop_assert_eq!(&again.sound, &d.sound);
    }

    #[test]
    fn a_bitmap_is_a_set(indices in prop::collection::btree_set(0..500u32, 0..60)) {
        let mut map = Bitmap::default();
        indices.iter().for_each(|i| map.insert(*i));
        prop_assert_eq!(map.iter().collect::<Vec<_>>(), indices.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(map.count() as usize, indices.len());
    }

    #[test]
    fn each_block_is_known_and_no_other(length in 1..60_000usize, byte in any::<prop::sample::Index>()) {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
        let manifest = Manifest::of(&bytes, 1_000);
        prop_assert!(manifest.check().is_ok());
        for (index, block) in bytes.chunks(manifest.block_bytes as usize).enumerate() {
            prop_assert!(manifest.check_block(index as u32, block).is_ok());
            let mut wrong = block.to_vec();
            wrong[byte.index(block.len())] ^= 1;
            prop_assert!(manifest.check_block(index as u32, &wrong).is_err());
        }
        prop_assert!(manifest.check_block(manifest.block_count(), &bytes).is_err());
    }
}
