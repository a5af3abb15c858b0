//! Whom the poles believe, from the first start on: a pole that hears all that the office says believes it, through every
//! change of keys; and nobody who stole the office's key is believed in an emergency.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, DEFAULT_EMERGENCY_VALID_S, Priority, Source, When},
    channel::Channel,
    envelope::{Refusal, countersign, seal},
    head::Head,
    live::{Stream, StreamKind},
    programme::Programme,
    root::{EmergencyBy, Root},
    speaker_config::SpeakerConfig,
    time::WallTime,
    topic::Topic,
    trust::{Anchor, NotEndorsed, RootTaken, Trust},
};

use super::super::{
    NewBulletin, Store, StoreError,
    testing::{NOON, TestStore, bulletin, empty, some_audio, village},
};
use crate::{
    keyfile,
    live::stream_key,
    logic::{
        Effect, Input, Office, Reading, Settings, TrustState,
        approval::Stage,
        relay::RelayPlan,
        testing::{HOST, Phone},
        trust::{
            Former, NotTaken, OVERLAP_S, ROOT_KEY_STAYS_S, ROOT_LIFE_S, Warning, next_root,
            rotate_office, rotate_root,
        },
    },
};

const DAY_S: i64 = 24 * 3_600;

async fn root_key(store: &Store) -> SigningKey {
    let here = store.root_key_here().await.expect("read");
    here.expect("it is still here").1
}
fn root(store: &Store) -> Root {
    store.standing().root().expect("a root").clone()
}
/// As `keys rotate-office` does.
async fn rotate(store: &TestStore, name: &str, former: Former) -> SigningKey {
    let key = keyfile::make();
    keyfile::write_new(&store.dir.path().join(name), &key).expect("a new file");
    let next = rotate_office(&root(store), key.verifying_key(), former, store.now());
    let bytes = seal(&next, &root_key(store).await);
    assert!(store.install_root(&bytes).await.expect("taken").other_key);
    key
}
/// One passkey of Lan's is needed from now on.
async fn by_passkey(store: &TestStore, phone: &Phone) {
    let mut next = next_root(&root(store), store.now());
    next.emergency.by = EmergencyBy::Passkey;
    next.emergency.relying_party = HOST.into();
    next.approvers = vec![phone.approver("Lan", &[], store.now().plus_s(365 * DAY_S))];
    let bytes = seal(&next, &root_key(store).await);
    store.install_root(&bytes).await.expect("taken");
}

/// The office's logic as the engine feeds it, and a pole that hears all it says.
struct Line {
    office: Office,
    pole: Trust,
}

impl Line {
    async fn begin(store: &TestStore) -> Self {
        let own = store.office();
        let office = Office::new(Settings::new(own.epoch, 1, own.key), []);
        let pole = Trust::new(Anchor::RootKey(store.root_key().expect("a key")));
        let mut line = Self { office, pole };
        line.tell(store).await;
        let out = line.office.handle(Input::Connected, line.now(store));
        line.hear(&out, store.now());
        line
    }
    fn now(&self, store: &TestStore) -> Reading {
        use crate::clock::Clock;
        store.clock.reading()
    }
    /// As the loader does after a new root.
    async fn tell(&mut self, store: &TestStore) -> Vec<(Topic, String)> {
        let standing = store.standing();
        let mut inputs = vec![Input::Trust(Box::new(TrustState {
            roots: { standing.roots.iter() }
                .map(|(n, bytes)| (*n, bytes.clone().into()))
                .collect(),
            approvers: Vec::new(),
            key: standing.office.key.clone(),
        }))];
        for speaker in store.speakers().await.expect("read") {
            let config = store.speaker_config(&speaker).await.expect("read");
            inputs.push(Input::Config(Box::new(config.expect("there"))));
        }
        for channel in store.channels().await.expect("read") {
            let state = store.channel(&channel).await.expect("read");
            let command = None;
            inputs.push(Input::Channel { state, command });
        }
        let mut signers = Vec::new();
        for input in inputs {
            let out = self.office.handle(input, self.now(store));
            signers.extend(self.hear(&out, store.now()));
        }
        signers
    }
    /// Everything must be believed.
    fn hear(&mut self, out: &[Effect], now: WallTime) -> Vec<(Topic, String)> {
        let mut signers = Vec::new();
        for effect in out {
            let Effect::Publish { topic, payload } = effect else {
                continue;
            };
            let now = Some(now);
            let signer = match topic {
                Topic::Root(_) => {
                    // One that was enrolled today begins with the first root of the key that it was given.
                    if let Err(error) = self.pole.take_root(payload) {
                        assert_eq!((error, self.pole.root_version()), (Refusal::NotSigned, 0));
                    }
                    continue;
                }
                Topic::Head => {
                    let head = self.pole.open::<Head>(payload, now).expect("believed");
                    assert_eq!(head.document.root_version, self.pole.root_version());
                    assert!(head.document.expires > now);
                    head.signer
                }
                Topic::Programme(channel) => {
                    let opened = { self.pole.open_on::<Programme>(payload, channel, now) };
                    let opened = opened.expect("believed");
                    assert!(opened.document.expires > now);
                    for b in &opened.document.bulletins {
                        assert_eq!(self.pole.endorsed(b, channel, now), Ok(()));
                    }
                    opened.signer
                }
                Topic::Config(_) => {
                    let opened = self.pole.open::<SpeakerConfig>(payload, now);
                    opened.expect("believed").signer
                }
                _ => continue,
            };
            signers.push((topic.clone(), signer.to_string()));
        }
        signers
    }
}

async fn add(store: &TestStore, priority: Priority, seconds: i64) -> Bulletin {
    let (audio, manifest) = some_audio(store).await;
    let now = store.now();
    let when = When::Now {
        at: now,
        date: "2026-11-24".into(),
    };
    let b = Bulletin {
        priority,
        valid_until: Some(now.plus_s(seconds)),
        ..bulletin(manifest, when, now)
    };
    let new = NewBulletin {
        bulletin: b.clone(),
        audio: Some(audio),
        relay: None,
        targets: vec![channel()],
        skip_holidays: false,
        supersedes: None,
        made_by: None,
        ask: None,
    };
    store.add_bulletin(new, None).await.expect("added");
    b
}
fn channel() -> Channel {
    "area.ban-chuong".parse().expect("a channel")
}

#[tokio::test]
async fn the_first_start_makes_a_root_and_the_next_ones_keep_it() {
    let store = empty().await;
    let first = root(&store);
    assert_eq!(
        (first.version, first.emergency.by),
        (1, EmergencyBy::Office)
    );
    assert_eq!(first.expires, NOON.plus_s(ROOT_LIFE_S));
    let key = root_key(&store).await.verifying_key();
    assert_eq!(store.root_key().expect("a key"), key);
    let mut pole = Trust::new(Anchor::RootKey(key));
    let roots = store.roots();
    assert_eq!((roots.len(), roots[0].0), (1, 1));
    let taken = pole.take_root(&roots[0].1);
    assert!(matches!(taken, Ok(RootTaken::New { .. })));
    store.close().await;
    let again = Store::open(store.dir.path(), store.clock.clone()).await;
    let again = again.expect("opened");
    assert_eq!(again.roots(), roots);
    assert_eq!(again.office().public_key(), store.office().public_key());
}

#[tokio::test]
async fn an_office_from_before_roots_keeps_its_key() {
    let store = empty().await;
    let key = store.office().public_key();
    // As it was: a database without a root, and no root key.
    sqlx::query("DELETE FROM roots")
        .execute(&store.inner.writer)
        .await
        .expect("deleted");
    store.close().await;
    std::fs::remove_file(store.dir.path().join("root.key")).expect("removed");
    let again = Store::open(store.dir.path(), store.clock.clone()).await;
    let again = again.expect("opened");
    assert_eq!(again.office().public_key(), key);
    assert_eq!(root(&again).office[0].key.to_string(), key);
    assert!(again.root_key_here().await.expect("read").is_some());
}

#[tokio::test]
async fn a_pole_believes_all_that_the_office_says_through_every_change_of_keys() {
    let store = village().await;
    add(&store, Priority::Ordinary, 400 * DAY_S).await;
    let mut line = Line::begin(&store).await;
    let first = store.office().public_key();

    // A new key for the office; the former one is believed for a month more.
    rotate(&store, "office-2.key", Former::For(OVERLAP_S)).await;
    assert_ne!(store.office().public_key(), first);
    let told = line.tell(&store).await;
    assert!(
        told.iter()
            .any(|(topic, _)| matches!(topic, Topic::Programme(_)))
    );
    assert_eq!(
        told.iter()
            .filter(|(t, _)| matches!(t, Topic::Config(_)))
            .count(),
        3
    );
    let signers: std::collections::BTreeSet<_> = told.iter().map(|(_, by)| by).collect();
    assert_eq!(signers.len(), 1, "all of it by the new key");

    // That one is stolen: nothing that it signed is believed, and all is signed anew.
    let stolen = rotate(&store, "office-3.key", Former::For(OVERLAP_S)).await;
    line.tell(&store).await;
    let mut held_back = line.pole.clone();
    rotate(&store, "office-4.key", Former::Gone).await;
    line.tell(&store).await;
    let forged = seal(
        &store
            .speaker_config(&store.speakers().await.expect("read")[0])
            .await
            .expect("read")
            .expect("there"),
        &stolen,
    );
    let believed = line.pole.open::<SpeakerConfig>(&forged, Some(store.now()));
    assert_eq!(believed.err(), Some(Refusal::NotSigned));

    // A new root key, signed by both.
    let (old, new) = (root_key(&store).await, keyfile::make());
    let next = rotate_root(
        &root(&store),
        &loa_protocol::envelope::KeyId::of(&old.verifying_key()),
        new.verifying_key(),
        store.now(),
    );
    let alone = store.install_root(&seal(&next, &old)).await;
    assert!(matches!(alone, Err(StoreError::Trust(NotTaken::NotSigned))));
    let both = countersign::<Root>(&seal(&next, &old), &new).expect("signed");
    store.install_root(&both).await.expect("taken");
    assert_eq!(store.root_key().expect("a key"), new.verifying_key());
    assert!(
        store.root_key_here().await.expect("read").is_none(),
        "the former signs nothing"
    );
    line.tell(&store).await;
    assert_eq!(line.pole.root_version(), 5);
    // A pole that slept through two roots catches up, and so does one that is enrolled today.
    for (_, bytes) in store.roots() {
        let _ = held_back.take_root(&bytes);
    }
    assert_eq!(held_back.root_version(), 5);
    Line::begin(&store).await;
    assert!(!store.install_root(&both).await.expect("known").is_new);
}

#[tokio::test]
async fn what_poles_would_refuse_is_not_published() {
    let store = empty().await;
    let (key, now) = (root_key(&store).await, store.now());
    let next = next_root(&root(&store), now);
    let ask = async |root: &Root, key: &SigningKey| match store.install_root(&seal(root, key)).await
    {
        Err(StoreError::Trust(why)) => Some(why),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    };
    assert_eq!(
        ask(&next, &store.office().key).await,
        Some(NotTaken::NotSigned)
    );
    let far = Root {
        version: 4,
        ..next.clone()
    };
    assert_eq!(
        ask(&far, &key).await,
        Some(NotTaken::NotNext { next: 2, given: 4 })
    );
    let again = Root {
        version: 1,
        made: now.plus_s(1),
        ..next.clone()
    };
    assert_eq!(ask(&again, &key).await, Some(NotTaken::Older));
    let mute = Root {
        office: vec![],
        ..next.clone()
    };
    assert_eq!(ask(&mute, &key).await, Some(NotTaken::BreaksRule));
    let nobody = rotate_office(
        &root(&store),
        keyfile::make().verifying_key(),
        Former::Gone,
        now,
    );
    assert_eq!(ask(&nobody, &key).await, Some(NotTaken::NoOfficeKey));
    assert!(matches!(
        store.install_root(b"noise").await,
        Err(StoreError::Trust(NotTaken::Unreadable(_)))
    ));
    assert_eq!(store.roots().len(), 1);
    assert_eq!(ask(&next, &key).await, None);
}

#[tokio::test]
async fn whoever_stole_the_offices_key_cannot_raise_an_emergency() {
    let store = village().await;
    let phone = Phone::new("lan");
    by_passkey(&store, &phone).await;
    let line = Line::begin(&store).await;
    let stolen = store.office().key;
    let (_, manifest) = some_audio(&store).await;
    let now = store.now();
    let when = When::Now {
        at: now,
        date: "2026-11-24".into(),
    };
    let mut b = Bulletin {
        priority: Priority::Emergency,
        valid_until: Some(now.plus_s(600)),
        ..bulletin(manifest, when, now)
    };
    let said = |b: &Bulletin| {
        let programme = Programme {
            channel: channel(),
            version: Default::default(),
            made: now,
            expires: None,
            silence_before: None,
            bulletins: vec![b.clone()],
        };
        // The programme itself is believed: it has the office's signature.
        let bytes = seal(&programme, &stolen);
        let opened = line
            .pole
            .open_on::<Programme>(&bytes, &channel(), Some(now));
        let programme = opened.expect("signed by the office").document;
        line.pole
            .endorsed(&programme.bulletins[0], &channel(), Some(now))
    };
    assert_eq!(said(&b), Err(NotEndorsed::Missing));
    // The thief's own phone, and the approver's name on it.
    let until = now.plus_s(2_400);
    let challenge = loa_protocol::endorsement::challenge(&b, &[channel()], until);
    let mut assertion = Phone::new("thief").sign(&challenge.0);
    for credential in [assertion.credential.clone(), phone.credential.clone()] {
        assertion.credential = credential;
        b.endorsement = Some(Box::new(loa_protocol::endorsement::Endorsement {
            targets: vec![channel()],
            until,
            assertions: vec![assertion.clone()],
        }));
        assert_eq!(said(&b), Err(NotEndorsed::TooFew));
    }
    // Nor can a root be made with it that names the thief.
    let mut next = next_root(&root(&store), now);
    next.emergency.by = EmergencyBy::Office;
    let mut pole = line.pole.clone();
    assert_eq!(
        pole.take_root(&seal(&next, &stolen)),
        Err(Refusal::NotSigned)
    );
}

#[tokio::test]
async fn an_alarm_on_air_waits_for_approvers_when_the_rule_changes() {
    let store = village().await;
    let b = add(&store, Priority::Emergency, DEFAULT_EMERGENCY_VALID_S).await;
    let other = add(&store, Priority::Priority, 600).await;
    by_passkey(&store, &Phone::new("lan")).await;
    let kept = store.bulletin(&b.id).await.expect("read");
    assert_eq!(kept.stage, Stage::Awaiting);
    assert_eq!(kept.endorsing.expect("it waits").until, NOON.plus_s(2_400));
    let programme = store.channel(&channel()).await.expect("read");
    let ids: Vec<_> = programme.bulletins.iter().map(|b| &b.id).collect();
    assert_eq!(ids, [&other.id]);
    Line::begin(&store).await;
}

#[tokio::test]
async fn a_programme_is_signed_anew_each_week() {
    let store = village().await;
    add(&store, Priority::Ordinary, 400 * DAY_S).await;
    let generation = async || {
        store
            .channel(&channel())
            .await
            .expect("read")
            .version
            .generation
    };
    assert_eq!(store.renew_programmes().await.expect("none"), []);
    let before = generation().await;
    assert_eq!(store.renew_programmes().await.expect("none"), []);
    store.clock.pass_s(7 * DAY_S);
    assert_eq!(
        store.renew_programmes().await.expect("renewed"),
        [channel()]
    );
    assert_eq!(generation().await, before + 1);
}

#[tokio::test]
async fn the_root_key_is_missed_here_after_a_week() {
    let store = empty().await;
    assert_eq!(store.trust_warnings().await.expect("read"), []);
    store.clock.pass_s(ROOT_KEY_STAYS_S + 1);
    let told = store.trust_warnings().await.expect("read");
    assert_eq!(told, [Warning::RootKeyHere]);
    std::fs::remove_file(store.dir.path().join("root.key")).expect("taken away");
    assert_eq!(store.trust_warnings().await.expect("read"), []);
}

#[tokio::test]
async fn a_root_that_another_process_installed_is_noticed() {
    let store = empty().await;
    let other = Store::open(store.dir.path(), store.clock.clone()).await;
    let other = other.expect("opened");
    let bytes = seal(
        &next_root(&root(&store), store.now()),
        &root_key(&store).await,
    );
    other.install_root(&bytes).await.expect("taken");
    assert_eq!(root(&store).version, 1);
    assert!(store.refresh_trust().await.expect("read"));
    assert_eq!(root(&store).version, 2);
    assert!(!store.refresh_trust().await.expect("read"));
}

#[test]
fn a_head_is_made_anew_each_hour() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut office = Office::new(Settings::new(1, 3, key.clone()), []);
    let at = |s: u64| Reading {
        mono_us: s * 1_000_000,
        wall: NOON.plus_s(s as i64),
    };
    let ring = loa_protocol::envelope::Keyring::new([key.verifying_key()]);
    let mut heads = |input, s| -> Vec<Head> {
        let out = office.handle(input, at(s));
        let payloads = out.iter().filter_map(|effect| match effect {
            Effect::Publish {
                topic: Topic::Head,
                payload,
            } => Some(payload),
            _ => None,
        });
        payloads
            .map(|p| loa_protocol::envelope::open(p, &ring).expect("signed"))
            .collect()
    };
    let first = heads(Input::Connected, 0);
    assert_eq!(first[0].version.generation, 3 << 20);
    assert_eq!(first[0].expires, Some(NOON.plus_s(26 * 3_600)));
    assert_eq!(heads(Input::Tick, 3_599), []);
    let next = heads(Input::Tick, 3_600);
    assert_eq!(next[0].version.generation, (3 << 20) + 1);
    assert_eq!(next[0].expires, Some(NOON.plus_s(27 * 3_600)));
}

#[tokio::test]
async fn relays_go_with_the_office_s_new_key_and_stand_as_they_stood() {
    let store = empty().await;
    let (_, manifest) = some_audio(&store).await;
    let at = When::At {
        at: "2026-11-25T05:00".into(),
    };
    let mut b = bulletin(manifest, at, store.now());
    let stream = |store: &Store| Stream {
        kind: StreamKind::Relay,
        key: stream_key(&store.office().key, &b.id)
            .verifying_key()
            .to_bytes(),
        delay_ms: 1_500,
        duration_ms: 1_800_000,
        ended: None,
        url: None,
    };
    let before = stream(&store);
    b.source = Source::Stream(before.clone());
    let plan = RelayPlan {
        url: "https://radio.vn/vov".into(),
        fallback: None,
    };
    let new = NewBulletin {
        bulletin: b.clone(),
        audio: None,
        relay: Some(plan.clone()),
        targets: vec![channel()],
        skip_holidays: false,
        supersedes: None,
        made_by: None,
        ask: None,
    };
    store.add_bulletin(new, None).await.expect("added");
    assert!(store.renew_stream_keys().await.expect("looked").is_empty());
    let relays = store.relays().await.expect("read");
    assert_eq!(relays.len(), 1);
    assert_eq!((&relays[0].1, &relays[0].0.audio), (&plan, &None));

    rotate(&store, "office-2.key", Former::For(DAY_S)).await;
    assert_eq!(
        store.renew_stream_keys().await.expect("renewed"),
        [channel()]
    );
    let kept = store.bulletin(&b.id).await.expect("read");
    assert_eq!(kept.bulletin.stream(), Some(&stream(&store)));
    assert_ne!(kept.bulletin.stream(), Some(&before));
    assert_eq!((kept.bulletin.revision, kept.stage), (2, Stage::Planned));
    assert_eq!(kept.relay, Some(plan));
    let programme = store.channel(&channel()).await.expect("read");
    assert_eq!(programme.bulletins[0].revision, 2);
    assert_eq!(kept.targets[0].generation, programme.version.generation);
}
