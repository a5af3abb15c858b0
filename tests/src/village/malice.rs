//! A broker that is no honest pipe: it drops, replays (days later, too), reorders, mixes, forges, floods, holds back, and
//! begins new connections with old documents. It has keys of its own, and online keys that the office gave up; in some
//! villages it has even stolen the one in force.
//!
//! What it must never achieve is looked at in `watch` at every start; `heal` makes an honest broker of it, and then the
//! village must come to peace as any other.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, OnPreempt, Priority, Repeat, Status, When},
    channel::Channel,
    content::Sha,
    envelope::seal,
    head::Head,
    limits::{Governor, Limits},
    programme::{Command, Now, Programme, Version},
    quiet_hours::DayWindow,
    speaker_config::{SpeakerConfig, VolumePlan},
    topic::Topic,
};

use super::{
    Happening, Micros, SECOND, Village, chance::Chance, keys::any_key, library::Parcel,
    pipe::Client, sabotage::Sabotage,
};

const MINUTE: Micros = 60 * SECOND;
/// Of all that was ever said, so much is kept to be said again.
const MEMORY: usize = 1_500;
/// Most messages of one flood.
const FLOOD: u64 = 100;

/// How hostile the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hostility {
    /// It has the office's online key.
    pub has_key: bool,
    /// The office has an offline root; without it, one key.
    pub has_root: bool,
    /// An emergency needs a passkey.
    pub needs_passkey: bool,
    /// The online key is changed in the middle of the week.
    pub rotates: bool,
}

impl Hostility {
    /// Every fourth broker has stolen the key.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x6d61_6c69_6365);
        let has_key = seed.is_multiple_of(4);
        let has_root = has_key || chance.per_mille(750);
        Self {
            has_key,
            has_root,
            needs_passkey: has_root && (has_key || chance.per_mille(500)),
            rotates: has_root && chance.per_mille(500),
        }
    }
}

#[derive(Debug)]
pub struct Malice {
    pub is: Hostility,
    /// Its own, that nobody believes.
    own: SigningKey,
    memory: Vec<(Topic, Parcel)>,
    /// In a thousand of what goes down, whatever its quality of service.
    pub drop: u64,
    /// Nothing of these topics gets down until then.
    held_back: Vec<(Option<Client>, &'static str, Micros)>,
    forged: u64,
    pace: Micros,
}

impl Malice {
    pub fn new(is: Hostility, chance: &mut Chance) -> Self {
        Self {
            is,
            own: any_key(chance),
            memory: Vec::new(),
            drop: chance.pick(&[0, 10, 50, 200]),
            held_back: Vec::new(),
            forged: 0,
            pace: chance.pick(&[6, 15, 40]) * MINUTE,
        }
    }

    pub fn remember(&mut self, topic: &Topic, parcel: &Parcel, chance: &mut Chance) {
        let kept = (topic.clone(), parcel.clone());
        if self.memory.len() < MEMORY {
            self.memory.push(kept);
        } else if chance.per_mille(300) {
            let place = chance.index(MEMORY);
            self.memory[place] = kept;
        }
    }

    pub fn holds_back(&self, client: Client, topic: &str, now: Micros) -> bool {
        self.held_back.iter().any(|(of, part, until)| {
            now < *until && of.is_none_or(|c| c == client) && topic.contains(part)
        })
    }
}

/// What the poles of a village are given where they stand, when their broker has the office's key.
pub fn governor(zone: &str) -> Governor {
    Governor {
        limits: Limits {
            session_minutes: Some(15),
            hour_minutes: Some(20),
            day_minutes: Some(90),
            emergency_hour_minutes: Some(6),
            longest_item_s: Some(400),
            most_repeats: Some(3),
            volume_ceiling: Some(80),
        },
        quiet_hours: vec![DayWindow::new("22:30", "04:30").expect("a good window")],
        zone: zone.into(),
    }
}

impl Village {
    pub(super) fn malice_begins(&mut self) {
        if self.malice.is_some() {
            self.next_malice();
        }
        if let Some(malice) = &self.malice
            && malice.is.rotates
        {
            let at = self.malice_chance.between(self.end / 4, self.end * 3 / 4);
            self.at(at, Happening::Rotate);
        }
    }

    fn next_malice(&mut self) {
        let pace = self.malice.as_ref().map_or(0, |malice| malice.pace);
        let at = self.now + self.malice_chance.between(SECOND, 2 * pace);
        self.at(at, Happening::Malice);
    }

    pub(super) fn malice_ends(&mut self) {
        let Some(malice) = &mut self.malice else {
            return;
        };
        malice.drop = 0;
        malice.held_back.clear();
        malice.memory.clear();
        if malice.is.has_key {
            self.rotate();
        }
        // What it kept and what it said is worth nothing: an honest broker takes its place.
        self.broker_dies(3 * SECOND);
    }

    pub(super) fn malice_acts(&mut self) {
        if self.healed {
            return;
        }
        self.next_malice();
        self.figures.malices += 1;
        match self.malice_chance.below(10) {
            0 | 1 => self.replay(),
            2 => self.mix(),
            3 | 4 => self.mutate(),
            5 | 6 => self.forge(),
            7 => self.flood(),
            8 => self.hold_back(),
            _ => self.rewind(),
        }
        self.memory_is_bounded();
    }

    fn any_memory(&mut self) -> Option<(Topic, Parcel)> {
        let memory = &self.malice.as_ref()?.memory;
        (!memory.is_empty()).then(|| memory[self.malice_chance.index(memory.len())].clone())
    }

    fn replay(&mut self) {
        for _ in 0..self.malice_chance.between(1, 8) {
            if let Some((topic, parcel)) = self.any_memory() {
                self.broker_gives(&topic, &topic.to_string(), &parcel);
            }
        }
    }

    /// What was said on one topic, or to one pole, on another.
    fn mix(&mut self) {
        for _ in 0..self.malice_chance.between(1, 8) {
            let (Some((_, parcel)), Some((topic, _))) = (self.any_memory(), self.any_memory())
            else {
                return;
            };
            self.broker_gives(&topic, &topic.to_string(), &parcel);
        }
    }

    fn mutate(&mut self) {
        for _ in 0..self.malice_chance.between(1, 8) {
            if let Some((topic, parcel)) = self.any_mutant() {
                self.broker_gives(&topic, &topic.to_string(), &parcel);
            }
        }
    }

    /// Something genuine with some bits turned, cut short, or with something behind it. For what a pole says of itself the
    /// line vouches, or its key, which is another test's matter.
    fn any_mutant(&mut self) -> Option<(Topic, Parcel)> {
        let (topic, parcel) = self.any_memory()?;
        let chance = &mut self.malice_chance;
        let (at, bit) = (chance.draw(), chance.below(8));
        let how = chance.below(10);
        if is_said_by_poles(&topic) || parcel.bytes.is_empty() {
            return None;
        }
        let mut bytes = parcel.bytes.to_vec();
        let at = (at % bytes.len() as u64) as usize;
        match how {
            0 => bytes.truncate(at),
            1 => bytes.push(at as u8),
            _ => bytes[at] ^= 1 << bit,
        }
        let (bytes, paper) = (bytes.into(), None);
        Some((topic, Parcel { bytes, paper }))
    }

    /// A document of its own making, well formed, under whatever key it has.
    fn forge(&mut self) {
        let Some((topic, bytes)) = self.forgery() else {
            return;
        };
        let parcel = Parcel {
            bytes: bytes.into(),
            paper: None,
        };
        let text = topic.to_string();
        if self.malice_chance.per_mille(300) {
            self.broker_takes(topic, parcel);
        } else {
            self.broker_gives(&topic, &text, &parcel);
        }
    }

    /// Its own key, one that the office gave up and that every pole knows to be given up, or the stolen one.
    fn some_key(&mut self) -> Option<SigningKey> {
        let malice = self.malice.as_ref()?;
        if self.sabotage == Some(Sabotage::LendTheKey) {
            return Some(self.office.key.clone());
        }
        if malice.is.has_key && self.malice_chance.per_mille(700) {
            return Some(self.office.key.clone());
        }
        let malice = self.malice.as_ref()?;
        let keys = self.keys.as_ref();
        let newest = keys.map_or(0, |keys| keys.roots.len());
        let name = format!("root:{newest}");
        let mut poles = self.poles.iter();
        let knows = poles.all(|pole| pole.disk.documents.contains_key(&name));
        let retired = keys.and_then(|keys| keys.retired.last()).filter(|_| knows);
        Some(retired.unwrap_or(&malice.own).clone())
    }

    fn forgery(&mut self) -> Option<(Topic, Vec<u8>)> {
        let p = self.malice_chance.index(self.poles.len());
        let key = self.some_key()?;
        let wall = self.wall();
        let own = self.poles[p].id.clone();
        let followed = self.base.configs.get(&own)?.channels.clone();
        let channel = self.malice_chance.pick(&followed);
        let malice = self.malice.as_mut()?;
        malice.forged += 1;
        // Counted far ahead, so that the office's own word seems old.
        let version = Version {
            epoch: self.malice_chance.pick(&[1, 1, 2]),
            generation: 1_000_000 + malice.forged,
        };
        Some(match self.malice_chance.below(7) {
            0 => {
                let head = Head {
                    version,
                    made: wall,
                    root_version: 9,
                    expires: None,
                    audit: None,
                    reconnect_jitter_s: 1,
                };
                (Topic::Head, seal(&head, &key))
            }
            1 => {
                let config = SpeakerConfig {
                    speaker: own.clone(),
                    version,
                    made: wall,
                    name: "forged".into(),
                    channels: followed,
                    // Where it is day now.
                    zone: "Pacific/Honolulu".into(),
                    quiet_hours: Vec::new(),
                    volume: VolumePlan {
                        percent: 100,
                        ceiling: 100,
                        ..VolumePlan::default()
                    },
                    muted: false,
                    limits: None,
                    since: self.town.begin,
                    delay_trim_ms: 0,
                    self_test_at: None,
                    orders: Vec::new(),
                };
                (Topic::Config(own), seal(&config, &key))
            }
            2 | 3 => {
                let bulletins = (0..self.malice_chance.between(1, 4))
                    .filter_map(|_| self.forged_bulletin(&channel))
                    .collect();
                let programme = Programme {
                    channel: channel.clone(),
                    version,
                    made: wall,
                    expires: None,
                    silence_before: None,
                    bulletins,
                };
                (Topic::Programme(channel), seal(&programme, &key))
            }
            _ => {
                let bulletin = Box::new(self.forged_bulletin(&channel)?);
                let now = Now {
                    channel: channel.clone(),
                    version,
                    made: wall,
                    command: Command::Start { bulletin },
                };
                (Topic::Now(channel), seal(&now, &key))
            }
        })
    }

    /// Loud, long, often, and at night; with audio that the poles have. Sometimes a genuine alarm with its approval, and
    /// something about it changed.
    fn forged_bulletin(&mut self, channel: &Channel) -> Option<Bulletin> {
        let wall = self.wall();
        let number = {
            let malice = self.malice.as_mut()?;
            malice.forged += 1;
            malice.forged
        };
        let all = self.base.bulletins.values().map(|k| &k.bulletin);
        let all: Vec<&Bulletin> = all
            .filter(|b| b.manifest().is_some() && b.replay.is_none())
            .collect();
        if all.is_empty() {
            return None;
        }
        let chance = &mut self.malice_chance;
        let approved: Vec<&&Bulletin> = all.iter().filter(|b| b.endorsement.is_some()).collect();
        let when_now = When::Now {
            at: wall,
            date: self.town.civil(wall).date().to_string(),
        };
        if !approved.is_empty() && chance.per_mille(400) {
            let mut altered = (**approved[chance.index(approved.len())]).clone();
            let other = all[chance.index(all.len())];
            match chance.below(6) {
                0 if other.source != altered.source => altered.source = other.source.clone(),
                1 => altered.valid_until = Some(wall.plus_s(20 * 86_400)),
                2 => altered.id = format!("forged-{number}").parse().ok()?,
                3 => {
                    altered.repeat = Repeat {
                        times: 50,
                        every_s: 60,
                    }
                }
                4 => {
                    let endorsement = altered.endorsement.as_mut()?;
                    endorsement.targets.push(channel.clone());
                    endorsement.until = wall.plus_s(30 * 86_400);
                }
                _ => altered.endorsement = None,
            }
            altered.revision += 1_000;
            return Some(altered);
        }
        let alarm = chance.per_mille(400);
        let ahead = chance.between(0, 18 * 3_600) as i64;
        let civil = self.town.civil(wall.plus_s(ahead));
        let mut bulletin = all[chance.index(all.len())].clone();
        bulletin.id = format!("forged-{number}").parse().ok()?;
        bulletin.revision = 1;
        bulletin.title = "forged".into();
        bulletin.priority = if alarm {
            Priority::Emergency
        } else {
            Priority::Ordinary
        };
        bulletin.status = Status::Actual;
        bulletin.volume = 100;
        bulletin.when = if chance.per_mille(600) {
            when_now
        } else {
            When::At {
                at: civil
                    .date()
                    .at(civil.hour(), civil.minute(), 0, 0)
                    .to_string(),
            }
        };
        bulletin.zone = self.town.zone.into();
        bulletin.repeat = Repeat {
            times: chance.between(1, 20) as u16,
            every_s: chance.pick(&[0, 10, 60, 600]),
        };
        bulletin.lateness_s = Some(chance.pick(&[60, 3_600, 20_000]));
        bulletin.on_preempt = OnPreempt::Restart;
        bulletin.max_duration_s = 14_400;
        bulletin.since = self.town.begin;
        bulletin.valid_until = None;
        Some(bulletin)
    }

    /// All at once, to all who listen to one topic: garbage, mutants, old things.
    fn flood(&mut self) {
        let count = self.malice_chance.between(FLOOD / 5, FLOOD);
        let p = self.malice_chance.index(self.poles.len());
        for _ in 0..count {
            let thing = match self.malice_chance.below(3) {
                0 => self.any_memory(),
                1 => self.any_mutant(),
                _ => {
                    let length = self.malice_chance.between(0, 300);
                    let bytes: Vec<u8> = (0..length)
                        .map(|_| self.malice_chance.draw() as u8)
                        .collect();
                    let own = self.poles[p].id.clone();
                    let index = self.malice_chance.below(9) as u32;
                    let content = Sha::of(&bytes);
                    let topic = self.malice_chance.pick(&[
                        Topic::Config(own.clone()),
                        Topic::Programme(Channel::Speaker(own.clone())),
                        Topic::Ack(own.clone()),
                        Topic::ClockReply(own),
                        Topic::Root(index),
                        Topic::Block { content, index },
                    ]);
                    let (bytes, paper) = (bytes.into(), None);
                    Some((topic, Parcel { bytes, paper }))
                }
            };
            if let Some((topic, parcel)) = thing.filter(|(topic, _)| !is_said_by_poles(topic)) {
                self.broker_gives(&topic, &topic.to_string(), &parcel);
            }
        }
    }

    fn hold_back(&mut self) {
        let p = self.malice_chance.index(self.poles.len());
        let of = self.malice_chance.per_mille(700).then_some(Client::Pole(p));
        let part = self.malice_chance.pick(&[
            "",
            "/programme",
            "/now",
            "/config",
            "/head",
            "/root/",
            "/content/",
            "/ack",
        ]);
        let until = self.now + self.malice_chance.between(10 * SECOND, 300 * MINUTE);
        if let Some(malice) = &mut self.malice {
            malice.held_back.retain(|(_, _, until)| *until > self.now);
            if malice.held_back.len() < 8 {
                malice.held_back.push((of, part, until));
            }
        }
    }

    /// New connections begin with an old document, or with none.
    fn rewind(&mut self) {
        for _ in 0..self.malice_chance.between(1, 6) {
            let Some((topic, parcel)) = self.any_memory() else {
                return;
            };
            let none = self.malice_chance.per_mille(300);
            if topic.is_retained() && !is_said_by_poles(&topic) {
                self.pipe.retain(topic, (!none).then_some(parcel));
            }
        }
        let p = self.malice_chance.index(self.poles.len());
        self.break_line(Client::Pole(p));
    }

    /// Whatever it says, no pole keeps more than what it follows.
    fn memory_is_bounded(&mut self) {
        let roots = self.keys.as_ref().map_or(0, |keys| keys.roots.len());
        let too_many = self.poles.iter().find_map(|pole| {
            let channels = 4 + self.town.channels.len();
            let most = 24 + roots + channels * (2 + 64);
            let documents = &pole.disk.documents;
            let largest = documents.values().map(Vec::len).max().unwrap_or(0);
            (documents.len() > most || largest > 4 * 1024 * 1024).then(|| {
                let id = &pole.id;
                format!(
                    "{id} keeps {} documents, {largest} bytes one",
                    documents.len()
                )
            })
        });
        if let Some(what) = too_many {
            self.breaks(what);
        }
    }

    /// Did the office itself ever say this, in just this form?
    pub(super) fn is_genuine(&self, bulletin: &str, revision: u32, content: &Sha) -> bool {
        self.base.revisions.iter().any(|r| {
            let b = &r.kept.bulletin;
            b.id.as_str() == bulletin
                && b.revision == revision
                && b.manifest().is_some_and(|m| m.content == *content)
        })
    }

    /// Does the broker hold the office's key? Then whatever is signed may be its own.
    pub(super) fn is_key_stolen(&self) -> bool {
        self.malice.as_ref().is_some_and(|malice| malice.is.has_key)
    }

    /// The rule's own sentences, on the sounds that really were, by the clock of the wall.
    pub(super) fn keeps_to_governor(&self, p: usize) -> Result<(), String> {
        if !self.is_key_stolen() {
            return Ok(());
        }
        let limits = governor(self.town.zone).limits;
        let sounds = &self.poles[p].tape.sounds;
        let Some(last) = sounds.last() else {
            return Ok(());
        };
        let hour = 3_600 * SECOND;
        let since = last.to.saturating_sub(hour);
        let sum = |emergency: bool| -> Micros {
            let of = sounds.iter().filter(|s| s.in_earnest == emergency);
            of.map(|s| (s.to - s.silent).saturating_sub(s.from.max(since)))
                .sum()
        };
        // A quartz is fast or slow by some millionths, and a player stops a moment after it is told to.
        let most = |minutes: Option<u16>| Micros::from(minutes.unwrap_or(60)) * MINUTE + 2 * SECOND;
        if sum(false) > most(limits.hour_minutes) {
            return Err(format!("{} s sounded within an hour", sum(false) / SECOND));
        }
        if sum(true) > most(limits.emergency_hour_minutes) {
            return Err(format!(
                "{} s of emergencies in an hour",
                sum(true) / SECOND
            ));
        }
        Ok(())
    }

    /// Of what is meant: for the diary.
    pub(super) fn hostility(&self) -> String {
        let of = |malice: &Malice| {
            let Malice { is, drop, pace, .. } = malice;
            format!("{is:?}, drops {drop}, acts every {} s", pace / SECOND)
        };
        self.malice.as_ref().map_or_else(String::new, of)
    }
}

fn is_said_by_poles(topic: &Topic) -> bool {
    matches!(
        topic,
        Topic::Status(_) | Topic::Events(_) | Topic::Want(_) | Topic::Clock(_) | Topic::Renewal(_)
    )
}
