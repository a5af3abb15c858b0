//! Mutated and replayed envelopes by the million, against all that opens one: the trust of a pole whose root was replaced
//! twice, the real agent that believes by it, what the office demands of a pole's own word, and an approval by passkey.
//!
//! Counted is what is accepted and is not, byte for byte, what its signer made, on its own topic, and new.

use std::thread;

use ed25519_dalek::SigningKey;
use loa_agent::logic::{
    Identity,
    port::{Input, Write},
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    certificate::{Certificate, Renewal},
    channel::Channel,
    clock::{ClockReply, ClockRequest},
    content::{Bitmap, Manifest, Wants},
    endorsement::{Endorsement, challenge},
    envelope::{Document, Keyring, countersign, open, seal},
    event::{Ack, Events},
    head::Head,
    programme::{Command, Now, Programme, Version},
    root::{Approvers, AreaKey, EmergencyBy, EmergencyRule, OfficeKey, PublicKey, Root, Scope},
    speaker_config::{SpeakerConfig, VolumePlan},
    time::WallTime,
    topic::Topic,
    trust::{Anchor, Trust},
};

use crate::{
    target::{Target, identity, pole, wall},
    village::{Passkey, RELYING_PARTY, any_key, chance::Chance},
};

/// What came of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub tried: u64,
    /// Goal: none.
    pub accepted: u64,
    /// Genuine and new ones among them, which have to be accepted: else nothing is proven.
    pub genuine: u64,
}

/// So many on two threads, from this seed.
///
/// # Panics
/// When a thread does, and when what is genuine is not believed.
pub fn bombard(seed: u64, count: u64) -> Tally {
    let halves = [(seed, count / 2), (seed ^ 0x5eed, count - count / 2)];
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let threads: Vec<_> = halves
            .iter()
            .map(|(seed, count)| scope.spawn(|| Range::new(*seed).shoot(*count)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<Tally>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    });
    tallies
        .into_iter()
        .fold(Tally::default(), |sum, one| Tally {
            tried: sum.tried + one.tried,
            accepted: sum.accepted + one.accepted,
            genuine: sum.genuine + one.genuine,
        })
}

fn t(s: i64) -> WallTime {
    wall(0).plus_s(s)
}

/// Something that was said, and where.
struct Said {
    topic: Topic,
    bytes: Vec<u8>,
    /// Whoever opens it.
    opens: fn(&Range, &[u8]) -> bool,
}

/// One pole in the middle of its life, and all that was ever said to it and by it.
struct Range {
    chance: Chance,
    trust: Trust,
    target: Target,
    poles_ring: Keyring,
    said: Vec<Said>,
    alarm: Bulletin,
    channel: Channel,
    office: SigningKey,
    generation: u64,
}

fn by_trust<D: Document>(range: &Range, bytes: &[u8]) -> bool {
    range.trust.open::<D>(bytes, Some(t(0))).is_ok()
}
fn by_channel<D: Document>(range: &Range, bytes: &[u8]) -> bool {
    let opened = range.trust.open_on::<D>(bytes, &range.channel, Some(t(0)));
    opened.is_ok()
}
fn by_pole_key<D: Document>(range: &Range, bytes: &[u8]) -> bool {
    open::<D>(bytes, &range.poles_ring).is_ok()
}
fn by_root(range: &Range, bytes: &[u8]) -> bool {
    // What is in force is known, and no news.
    let mut trust = range.trust.clone();
    let before = trust.root_version();
    trust.take_root(bytes).is_ok() && trust.root_version() != before
}
fn by_area(range: &Range, bytes: &[u8]) -> bool {
    let area = "sang-moc".parse().expect("a good name");
    let taken = range.trust.clone().take_approvers(&area, bytes, Some(t(0)));
    taken == Ok(true)
}

impl Range {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let [root_key, area_key, retired, office, own] =
            std::array::from_fn(|_| any_key(&mut chance));
        let passkey = Passkey::make();
        let root = |version: u32, office: &SigningKey| {
            let root = Root {
                version,
                made: t(-1_000),
                expires: t(365 * 86_400),
                roots: vec![PublicKey::new(root_key.verifying_key())],
                needed: 1,
                office: vec![OfficeKey {
                    key: PublicKey::new(office.verifying_key()),
                    scope: Scope::all(),
                    expires: t(365 * 86_400),
                }],
                areas: vec![AreaKey {
                    key: PublicKey::new(area_key.verifying_key()),
                    area: "sang-moc".parse().expect("a good name"),
                    expires: t(365 * 86_400),
                }],
                emergency: EmergencyRule {
                    by: EmergencyBy::Passkey,
                    needed: 1,
                    relying_party: RELYING_PARTY.into(),
                },
                approvers: vec![passkey.approver(t(0))],
            };
            let bytes = seal(&root, &root_key);
            countersign::<Root>(&bytes, &root_key).unwrap_or(bytes)
        };
        let roots = [root(1, &retired), root(2, &retired), root(3, &office)];
        let mut trust = Trust::new(Anchor::RootKey(root_key.verifying_key()));
        for root in &roots {
            trust.take_root(root).expect("a good root");
        }
        let channel: Channel = "area.sang-moc".parse().expect("a good name");
        let alarm = alarm(&passkey, &channel);
        trust
            .endorsed(&alarm, &channel, Some(t(0)))
            .expect("it is approved");
        let mut said: Vec<Said> = Vec::new();
        for (place, bytes) in roots.iter().enumerate() {
            said.push(Said {
                topic: Topic::Root(place as u32 + 1),
                bytes: bytes.clone(),
                opens: by_root,
            });
        }
        // Everything twice by the key in force, the older first, and once by the one that was given up.
        for (key, generation) in [(&retired, 9), (&office, 1), (&office, 2)] {
            said.extend(said_by_office(key, generation, &channel, &alarm));
        }
        said.push(said_of_approvers(&area_key, &passkey));
        said.extend(said_by_pole(&own));
        let target = Target::new(Identity {
            roots: roots.to_vec(),
            signing: Some(own.clone()),
            ..identity(Anchor::RootKey(root_key.verifying_key()))
        });
        let mut range = Self {
            chance,
            trust,
            target,
            poles_ring: Keyring::new([own.verifying_key()]),
            said,
            alarm,
            channel,
            office,
            generation: 2,
        };
        for place in 0..range.said.len() {
            let said = &range.said[place];
            let (topic, bytes) = (said.topic.clone(), said.bytes.clone());
            range.hears(topic, bytes);
        }
        // What the trust itself has to know of, as the agent does.
        let area = "sang-moc".parse().expect("a good name");
        let approvers = range
            .said
            .iter()
            .find(|s| matches!(s.topic, Topic::Approvers(_)));
        let bytes = approvers.map(|s| s.bytes.clone()).unwrap_or_default();
        range
            .trust
            .take_approvers(&area, &bytes, Some(t(0)))
            .expect("good approvers");
        range
    }

    fn shoot(mut self, count: u64) -> Tally {
        let mut tally = Tally::default();
        for n in 0..count {
            tally.tried += 1;
            // Now and then the office says something new: the pole still listens.
            if n % 5_000 == 0 {
                tally.genuine += 1;
                assert!(self.hears_news(), "what is genuine and new is believed");
                continue;
            }
            tally.accepted += u64::from(match self.chance.below(10) {
                0..4 => self.opens_a_mutant(),
                4..6 => self.agent_takes_a_mutant(),
                6..8 => self.agent_takes_what_it_knew(),
                8 => self.agent_takes_what_was_for_others(),
                _ => self.takes_a_mutant_of_an_approval(),
            });
        }
        tally
    }

    /// Did the agent believe it?
    fn hears(&mut self, topic: Topic, payload: Vec<u8>) -> bool {
        let (topic, given) = (topic.to_string(), payload.clone());
        self.target.pass_us(1);
        // Nothing of it is to sound.
        let written = self
            .target
            .gets(Input::Message { topic, payload }, |_| None);
        written.iter().any(|write| match write {
            Write::PutDocument { name, bytes } => !name.starts_with("own:") && *bytes == given,
            Write::ForgetEvents { .. } => true,
            _ => false,
        })
    }

    fn hears_news(&mut self) -> bool {
        self.generation += 1;
        let programme = programme(&self.channel, self.generation, &self.alarm);
        let topic = Topic::Programme(self.channel.clone());
        let bytes = seal(&programme, &self.office);
        self.hears(topic, bytes)
    }

    fn any(&mut self) -> usize {
        self.chance.index(self.said.len())
    }

    /// Wounded so that it is not any of those that were said.
    fn mutant(&mut self, place: usize) -> Vec<u8> {
        loop {
            let mut bytes = self.said[place].bytes.clone();
            for _ in 0..self.chance.pick(&[1, 1, 1, 2, 5]) {
                let at = self.chance.index(bytes.len().max(1));
                match self.chance.below(12) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), self.chance.draw() as u8),
                    2 if !bytes.is_empty() => drop(bytes.remove(at)),
                    3 => {
                        // The beginning of one, the end of another.
                        let other = self.any();
                        let other = &self.said[other].bytes;
                        bytes.truncate(at);
                        bytes.extend_from_slice(&other[at.min(other.len())..]);
                    }
                    _ if !bytes.is_empty() => bytes[at] ^= 1 << self.chance.below(8),
                    _ => {}
                }
            }
            if self.said.iter().all(|said| said.bytes != bytes) {
                return bytes;
            }
        }
    }

    fn opens_a_mutant(&mut self) -> bool {
        let place = self.any();
        let bytes = self.mutant(place);
        (self.said[place].opens)(self, &bytes)
    }

    fn agent_takes_a_mutant(&mut self) -> bool {
        let place = self.any();
        let topic = self.said[place].topic.clone();
        let bytes = self.mutant(place);
        self.hears(topic, bytes)
    }

    /// Genuine, and not new: it was overtaken, its key was given up, or it is known.
    fn agent_takes_what_it_knew(&mut self) -> bool {
        let place = self.any();
        let said = &self.said[place];
        let (topic, bytes) = (said.topic.clone(), said.bytes.clone());
        self.hears(topic, bytes)
    }

    /// Genuine, on another's topic.
    fn agent_takes_what_was_for_others(&mut self) -> bool {
        let (place, other) = (self.any(), self.any());
        let bytes = self.said[place].bytes.clone();
        let topic = match self.chance.below(3) {
            0 => Topic::Programme("area.khuoi-meo".parse().expect("a good name")),
            1 => Topic::Config("khuoi-meo-1".parse().expect("a good name")),
            _ => self.said[other].topic.clone(),
        };
        self.hears(topic, bytes)
    }

    /// Of the form that is approved, or of what the passkey gave.
    fn takes_a_mutant_of_an_approval(&mut self) -> bool {
        let mut alarm = self.alarm.clone();
        let draw = self.chance.draw();
        let flip = |bytes: &mut Vec<u8>| {
            let at = (draw >> 8) as usize % bytes.len();
            bytes[at] ^= 1 << (draw & 7);
        };
        let Some(endorsement) = alarm.endorsement.as_mut() else {
            return true;
        };
        let how = self.chance.below(10);
        match (how, endorsement.assertions.first_mut()) {
            (0, Some(given)) => flip(&mut given.signature),
            (1, Some(given)) => flip(&mut given.client_data),
            (2, Some(given)) => flip(&mut given.authenticator_data),
            (3, Some(given)) => flip(&mut given.credential),
            (4, _) => endorsement.until = endorsement.until.plus_us((draw >> 1) as i64 | 1),
            (5, _) => endorsement.targets.push(Channel::Speaker(pole())),
            (6, _) => {
                alarm.source = loa_protocol::bulletin::Source::Content(Manifest::of(
                    &draw.to_le_bytes(),
                    5_000,
                ))
            }
            (7, _) => alarm.repeat.times += 1 + (draw % 50) as u16,
            (8, _) => alarm.volume = alarm.volume.wrapping_add(1 + (draw % 200) as u8),
            _ => alarm.id = format!("b{draw}").parse().expect("a good name"),
        }
        let channel = self.channel.clone();
        self.trust.endorsed(&alarm, &channel, Some(t(0))).is_ok()
    }
}

fn version(generation: u64) -> Version {
    Version {
        epoch: 1,
        generation,
    }
}

fn alarm(passkey: &Passkey, channel: &Channel) -> Bulletin {
    let mut alarm = Bulletin {
        id: "lu-quet".parse().expect("a good name"),
        revision: 1,
        title: "Lũ quét".into(),
        priority: Priority::Emergency,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(b"flood", 5_000)),
        replay: None,
        chime: Chime::Alert,
        volume: 100,
        when: When::At {
            at: "2030-01-01T05:30".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: None,
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: t(-86_400),
        valid_until: Some(t(200 * 86_400)),
        endorsement: None,
    };
    let (targets, until) = (vec![channel.clone()], t(200 * 86_400));
    let signs = challenge(&alarm, &targets, until);
    alarm.endorsement = Some(Box::new(Endorsement {
        targets,
        until,
        assertions: vec![passkey.signs(&signs.0)],
    }));
    alarm
}

fn programme(channel: &Channel, generation: u64, alarm: &Bulletin) -> Programme {
    Programme {
        channel: channel.clone(),
        version: version(generation),
        made: t(-60),
        expires: Some(t(45 * 86_400)),
        silence_before: None,
        bulletins: vec![alarm.clone()],
    }
}

fn said_by_office(
    key: &SigningKey,
    generation: u64,
    channel: &Channel,
    alarm: &Bulletin,
) -> Vec<Said> {
    let head = Head {
        version: version(generation),
        made: t(-60),
        root_version: 3,
        expires: Some(t(26 * 3_600)),
        audit: None,
        reconnect_jitter_s: 30,
    };
    let config = SpeakerConfig {
        speaker: pole(),
        version: version(generation),
        made: t(-60),
        name: "Bản Chương 1".into(),
        channels: vec![Channel::Speaker(pole()), channel.clone()],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: Vec::new(),
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: t(-86_400),
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    };
    // Older than the programme of its generation, so that it is not new either.
    let now = Now {
        channel: channel.clone(),
        version: version(generation),
        made: t(-60),
        command: Command::Cancel {
            bulletin: "tin-cu".parse().expect("a good name"),
        },
    };
    let ack = Ack {
        speaker: pole(),
        store: "s1".parse().expect("a good name"),
        // Nothing that is new to anybody.
        through: 0,
    };
    let reply = ClockReply {
        speaker: pole(),
        nonce: generation,
        received: t(0),
        sent: t(0),
    };
    let certificate = Certificate {
        speaker: pole(),
        certificate: vec![7; 300],
        authorities: vec![],
    };
    vec![
        Said {
            topic: Topic::Head,
            bytes: seal(&head, key),
            opens: by_trust::<Head>,
        },
        Said {
            topic: Topic::Config(pole()),
            bytes: seal(&config, key),
            opens: by_trust::<SpeakerConfig>,
        },
        Said {
            topic: Topic::Programme(channel.clone()),
            bytes: seal(&programme(channel, generation, alarm), key),
            opens: by_channel::<Programme>,
        },
        Said {
            topic: Topic::Now(channel.clone()),
            bytes: seal(&now, key),
            opens: by_channel::<Now>,
        },
        Said {
            topic: Topic::Ack(pole()),
            bytes: seal(&ack, key),
            opens: by_trust::<Ack>,
        },
        Said {
            topic: Topic::ClockReply(pole()),
            bytes: seal(&reply, key),
            opens: by_trust::<ClockReply>,
        },
        Said {
            topic: Topic::Certificate(pole()),
            bytes: seal(&certificate, key),
            opens: by_trust::<Certificate>,
        },
    ]
}

fn said_of_approvers(area_key: &SigningKey, passkey: &Passkey) -> Said {
    let channel: Channel = "area.sang-moc".parse().expect("a good name");
    let mut approver = passkey.approver(t(0));
    approver.channels = vec![channel];
    let area: loa_protocol::id::AreaId = "sang-moc".parse().expect("a good name");
    let approvers = Approvers {
        area: area.clone(),
        version: 1,
        made: t(-60),
        expires: t(86_400 * 90),
        approvers: vec![approver],
    };
    Said {
        topic: Topic::Approvers(area),
        bytes: seal(&approvers, area_key),
        opens: by_area,
    }
}

/// What a pole says of itself, under the key of its certificate.
fn said_by_pole(own: &SigningKey) -> Vec<Said> {
    let events = Events {
        speaker: pole(),
        store: "s1".parse().expect("a good name"),
        events: Vec::new(),
    };
    let wants = Wants {
        speaker: pole(),
        wants: vec![loa_protocol::content::Want {
            content: Manifest::of(b"flood", 5_000).content,
            missing: Bitmap::default(),
            urgent: false,
        }],
    };
    let request = ClockRequest {
        speaker: pole(),
        nonce: 7,
    };
    let renewal = Renewal {
        speaker: pole(),
        request: vec![7; 200],
    };
    vec![
        Said {
            topic: Topic::Events(pole()),
            bytes: seal(&events, own),
            opens: by_pole_key::<Events>,
        },
        Said {
            topic: Topic::Want(pole()),
            bytes: seal(&wants, own),
            opens: by_pole_key::<Wants>,
        },
        Said {
            topic: Topic::Clock(pole()),
            bytes: seal(&request, own),
            opens: by_pole_key::<ClockRequest>,
        },
        Said {
            topic: Topic::Renewal(pole()),
            bytes: seal(&renewal, own),
            opens: by_pole_key::<Renewal>,
        },
    ]
}
