//! One pole on its village day: the agent, a disk that may be slow or broken, a player, a line, and an office that signs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::Bulletin,
    clock::{ClockReply, ClockRequest},
    content::{Bitmap, ContentId, Wants},
    envelope::{Document, open_unsigned, seal},
    event::{Ack, Event, Events, What},
    limits::Governor,
    playout::{Outcome, Playout, PlayoutId},
    programme::{Now, Programme},
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
    trust::Anchor,
};

use super::village_player::VillagePlayer;
use crate::logic::{
    Agent, Identity, Pace,
    port::{
        CertificateStep, Effect, HeldContent, Input, KernelClock, LedgerRow, LogLine, Machine,
        PlayerCommand, Reading, Stored, Write,
    },
};

pub use super::office::*;

/// What survives a loss of power.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub boot: u64,
    pub documents: BTreeMap<String, Vec<u8>>,
    pub ledger: BTreeMap<PlayoutId, LedgerRow>,
    pub events: BTreeMap<u64, Event>,
    pub last_event: u64,
    pub contents: BTreeMap<ContentId, HeldContent>,
    pub known_time: Option<WallTime>,
    /// Which run of the machine it is in.
    pub machine: u32,
    /// Whom it believes to begin with, when it is not the one key of the office.
    pub anchor: Option<Anchor>,
    pub signing: Option<SigningKey>,
    /// Everything ever written, for the tests.
    pub told: Vec<Event>,
}

impl Disk {
    fn write(&mut self, write: Write) {
        match write {
            Write::PutDocument { name, bytes } => drop(self.documents.insert(name, bytes)),
            Write::RemoveDocument { name } => drop(self.documents.remove(&name)),
            Write::PutLedger(row) => {
                let id = row.playout.id.clone();
                if let Some(old) = self.ledger.get(&id)
                    && let Some(outcome) = old.playout.outcome
                {
                    assert_eq!(row.playout.outcome, Some(outcome), "{id:?} has one outcome");
                }
                self.ledger.insert(id, row);
            }
            Write::PruneLedger { planned_before } => self.ledger.retain(|_, row| {
                row.playout.outcome.is_none() || row.playout.planned >= planned_before
            }),
            Write::AppendEvent(event) => {
                assert_eq!(event.number, self.last_event + 1, "numbers have no holes");
                self.last_event = event.number;
                self.told.push(event.clone());
                self.events.insert(event.number, event);
            }
            Write::ForgetEvents { through } => {
                self.events.retain(|n, _| *n > through);
                self.last_event = self.last_event.max(through);
            }
            Write::KnownTime(at) => self.known_time = Some(at),
        }
    }
    fn stored(&self) -> Stored {
        Stored {
            store: "store-1".parse().unwrap(),
            boot: self.boot,
            documents: self.documents.clone().into_iter().collect(),
            ledger: self.ledger.values().cloned().collect(),
            events: self.events.values().cloned().collect(),
            last_event: self.last_event,
            contents: self.contents.clone().into_iter().collect(),
            known_time: self.known_time,
        }
    }
}

pub struct Pole {
    pub agent: Agent,
    pub disk: Disk,
    pub player: VillagePlayer,
    pub mono_us: u64,
    /// System clock less monotonic clock.
    pub system_us: i64,
    /// Commits wait here instead of being done.
    pub hold_commits: bool,
    pub fail_commits: bool,
    pub held_commits: VecDeque<(u64, Vec<Write>)>,
    /// Blocks wait here instead of being stored.
    pub hold_blocks: bool,
    pub held_blocks: VecDeque<Effect>,
    pub fail_finish: bool,
    pub published: Vec<(Topic, Vec<u8>)>,
    pub subscribed: BTreeSet<String>,
    pub unsubscribed: Vec<String>,
    pub commands: Vec<PlayerCommand>,
    pub evicted: Vec<ContentId>,
    pub log: Vec<LogLine>,
    pub commits: usize,
    pub steps: usize,
    depth: usize,
    pub quota: u64,
    pub governor: Governor,
    /// The program ended by itself.
    pub wants_to_run_again: bool,
    pub certificate_steps: Vec<CertificateStep>,
}

impl Default for Pole {
    fn default() -> Self {
        Self::new()
    }
}

impl Pole {
    /// At noon, with an undoubted clock, offline, with an empty disk.
    pub fn new() -> Self {
        Self::on(Disk::default(), 64 << 20)
    }
    /// The same, with the audio of these on its disk.
    pub fn holding(bulletins: &[Bulletin]) -> Self {
        let complete = |b: &Bulletin| {
            (
                b.manifest().expect("audio").content,
                HeldContent::Complete {
                    bytes: b.manifest().expect("audio").length,
                },
            )
        };
        let contents = bulletins.iter().map(complete).collect();
        Self::on(
            Disk {
                contents,
                ..Disk::default()
            },
            64 << 20,
        )
    }
    /// The same, following its area, with this programme and its audio.
    pub fn with(bulletins: Vec<Bulletin>) -> Self {
        let mut pole = Self::holding(&bulletins);
        pole.hears_config(&config(1));
        pole.hears_programme(&programme(area(), 1, bulletins));
        pole
    }
    /// The same as [`Pole::with`], with limits of its own.
    pub fn governed(governor: Governor, bulletins: Vec<Bulletin>) -> Self {
        Self::governed_holding(governor, bulletins, &[])
    }
    /// The same, with the audio of these, too.
    pub fn governed_holding(
        governor: Governor,
        bulletins: Vec<Bulletin>,
        coming: &[Bulletin],
    ) -> Self {
        let all = [&bulletins, coming].concat();
        let mut pole = Self::holding(&all);
        // So that its player knows an end from a limit.
        let real = all.iter().map(|b| b.manifest().expect("audio"));
        pole.player.real_ms = real.map(|m| (m.content, m.duration_ms)).collect();
        pole.hears_config(&config(1));
        pole.hears_programme(&programme(area(), 1, bulletins));
        pole.agent.governed.own = governor.clone();
        pole.governor = governor;
        pole
    }
    pub fn on(disk: Disk, quota: u64) -> Self {
        let mut pole = Self::untrusted(disk, quota);
        pole.input(Input::KernelClock(KernelClock {
            synced: true,
            held: false,
        }));
        pole
    }
    /// Nobody has set its clock, which shows the time nevertheless.
    pub fn untrusted(mut disk: Disk, quota: u64) -> Self {
        disk.boot += 1;
        let mono_us = 1_000_000;
        let system_us = t(0).as_micros() - mono_us as i64;
        let reading = Reading {
            mono_us,
            system: t(0),
        };
        let (agent, effects) = Agent::new(
            identity(quota, &disk, &Governor::default()),
            disk.stored(),
            reading,
        );
        let mut pole = Self {
            agent,
            disk,
            player: VillagePlayer::default(),
            mono_us,
            system_us,
            hold_commits: false,
            fail_commits: false,
            held_commits: VecDeque::new(),
            hold_blocks: false,
            held_blocks: VecDeque::new(),
            fail_finish: false,
            published: Vec::new(),
            subscribed: BTreeSet::new(),
            unsubscribed: Vec::new(),
            commands: Vec::new(),
            evicted: Vec::new(),
            log: Vec::new(),
            commits: 0,
            steps: 0,
            depth: 0,
            quota,
            governor: Governor::default(),
            wants_to_run_again: false,
            certificate_steps: Vec::new(),
        };
        pole.perform(effects);
        pole
    }

    pub fn reading(&self) -> Reading {
        Reading {
            mono_us: self.mono_us,
            system: WallTime::from_micros(self.mono_us as i64 + self.system_us),
        }
    }
    /// The monotonic instant of `t(s)` by the system clock.
    pub fn mono(&self, s: i64) -> u64 {
        (t(s).as_micros() - self.system_us) as u64
    }

    pub fn input(&mut self, input: Input) {
        let effects = self.agent.handle(input, self.reading());
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut inputs = VecDeque::new();
        for effect in effects {
            match effect {
                Effect::Subscribe { filters } => self.subscribed.extend(filters),
                Effect::Unsubscribe { filters } => {
                    self.subscribed.retain(|f| !filters.contains(f));
                    self.unsubscribed.extend(filters);
                }
                Effect::Publish { topic, payload } => self.published.push((topic, payload)),
                Effect::Commit { ticket, writes } => {
                    self.commits += 1;
                    self.held_commits.push_back((ticket, writes));
                    if self.fail_commits {
                        self.held_commits.pop_back();
                        inputs.push_back(Input::CommitFailed {
                            ticket,
                            detail: "disk full".into(),
                        });
                    } else if !self.hold_commits {
                        inputs.extend(self.do_commit());
                    }
                }
                block @ Effect::StoreBlock { .. } => {
                    self.held_blocks.push_back(block);
                    if !self.hold_blocks {
                        inputs.extend(self.do_block());
                    }
                }
                Effect::FinishContent { content } => {
                    if self.fail_finish {
                        self.disk.contents.remove(&content);
                        inputs.push_back(Input::ContentBad {
                            content,
                            detail: "wrong hash".into(),
                        });
                    } else {
                        self.disk
                            .contents
                            .insert(content, HeldContent::Complete { bytes: 40_000 });
                        inputs.push_back(Input::ContentReady { content });
                    }
                }
                Effect::EvictContent { content } => {
                    self.disk.contents.remove(&content);
                    self.evicted.push(content);
                }
                Effect::Player(command) => {
                    self.commands.push(command.clone());
                    if let PlayerCommand::Play(play) = &command {
                        assert!(
                            self.disk.ledger.contains_key(&play.playout),
                            "its row is durable first"
                        );
                    }
                    let told = self.player.command(command, self.mono_us);
                    inputs.extend(told.into_iter().map(Input::Player));
                }
                Effect::ShowStatus(_) => {}
                Effect::Log(line) => self.log.push(line),
                Effect::Certificate(step) => self.certificate_steps.push(step),
                Effect::End => self.wants_to_run_again = true,
            }
        }
        self.depth += 1;
        assert!(
            self.depth < 60,
            "one thing leads to another without end: {:?}",
            inputs
        );
        for input in inputs {
            self.input(input);
        }
        self.depth -= 1;
    }

    fn do_commit(&mut self) -> Option<Input> {
        let (ticket, writes) = self.held_commits.pop_front()?;
        writes.into_iter().for_each(|w| self.disk.write(w));
        Some(Input::Committed { ticket })
    }
    pub fn commit_held(&mut self) {
        self.hold_commits = false;
        while let Some(input) = self.do_commit() {
            self.input(input);
        }
    }
    fn do_block(&mut self) -> Option<Input> {
        let Some(Effect::StoreBlock { content, index, .. }) = self.held_blocks.pop_front() else {
            return None;
        };
        let held = self
            .disk
            .contents
            .entry(content)
            .or_insert(HeldContent::Partial {
                held: Bitmap::default(),
            });
        if let HeldContent::Partial { held } = held {
            held.insert(index);
        }
        Some(Input::BlockStored { content, index })
    }
    pub fn store_held_blocks(&mut self) {
        while let Some(input) = self.do_block() {
            self.input(input);
        }
    }

    /// Lets time go by until `t(s)` by the present system clock.
    pub fn run_to(&mut self, s: i64) {
        self.run_until(self.mono(s));
    }
    pub fn run_s(&mut self, s: u64) {
        self.run_until(self.mono_us + s * 1_000_000);
    }
    pub fn run_until(&mut self, end_us: u64) {
        loop {
            let deadline = self.agent.next_deadline().map(|(at, _)| at);
            let next = [deadline, self.player.next()]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(u64::MAX);
            if next > end_us {
                break;
            }
            self.steps += 1;
            assert!(
                self.steps < 3_000_000,
                "it does not spin: {:?}",
                self.agent.next_deadline()
            );
            self.mono_us = self.mono_us.max(next);
            let told = self.player.advance(self.mono_us);
            if told.is_empty() {
                self.input(Input::Tick);
            }
            told.into_iter()
                .for_each(|event| self.input(Input::Player(event)));
        }
        self.mono_us = end_us;
        self.input(Input::Tick);
    }

    /// The power fails, and comes back after `s` seconds; the clock is right again at once.
    pub fn loses_power(mut self, s: u64) -> Self {
        self.disk.machine += 1;
        self.begins_again(s)
    }
    /// The program dies, and begins again after `s` seconds on the same run of the machine.
    pub fn begins_again(mut self, s: u64) -> Self {
        self.hold_commits = false;
        self.held_commits.clear();
        let mut again = Self::untrusted_after(self, s);
        again.input(Input::KernelClock(KernelClock {
            synced: true,
            held: false,
        }));
        again
    }
    /// The same, and the clock is nothing worth.
    pub fn untrusted_after(old: Self, s: u64) -> Self {
        let quota = old.quota;
        let mut disk = old.disk;
        disk.boot += 1;
        let mono_us = old.mono_us + s * 1_000_000;
        let system = WallTime::from_micros(mono_us as i64 + old.system_us);
        let (agent, effects) = Agent::new(
            identity(quota, &disk, &old.governor),
            disk.stored(),
            Reading { mono_us, system },
        );
        let mut pole = Self {
            agent,
            disk,
            mono_us,
            player: VillagePlayer::default(),
            commands: Vec::new(),
            wants_to_run_again: false,
            certificate_steps: Vec::new(),
            ..old
        };
        pole.perform(effects);
        pole
    }

    // What the office does.

    pub fn hears<D: Document>(&mut self, topic: Topic, document: &D) {
        self.hears_from(&key(1), topic, document);
    }
    pub fn hears_from<D: Document>(&mut self, from: &SigningKey, topic: Topic, document: &D) {
        let payload = seal(document, from);
        self.hears_bytes(topic, payload);
    }
    pub fn hears_bytes(&mut self, topic: Topic, payload: Vec<u8>) {
        self.input(Input::Message {
            topic: topic.to_string(),
            payload,
        });
    }
    pub fn hears_config(&mut self, config: &SpeakerConfig) {
        self.hears(Topic::Config(SPEAKER.parse().unwrap()), config);
    }
    pub fn hears_programme(&mut self, programme: &Programme) {
        self.hears(Topic::Programme(programme.channel.clone()), programme);
    }
    pub fn hears_now(&mut self, now: &Now) {
        self.hears(Topic::Now(now.channel.clone()), now);
    }
    pub fn hears_ack(&mut self, through: u64) {
        let speaker = SPEAKER.parse().unwrap();
        let ack = Ack {
            speaker,
            store: "store-1".parse().unwrap(),
            through,
        };
        self.hears(Topic::Ack(SPEAKER.parse().unwrap()), &ack);
    }
    pub fn hears_block(&mut self, name: &str, index: u32) {
        let bytes = audio(name);
        let content = loa_protocol::content::Sha::of(&bytes);
        let payload = bytes
            .chunks(16 * 1024)
            .nth(index as usize)
            .unwrap()
            .to_vec();
        self.input(Input::Message {
            topic: Topic::Block { content, index }.to_string(),
            payload,
        });
    }
    /// Answers the last clock request, `trip_us` after it left in each direction, by an office clock that shows `office` now.
    pub fn hears_the_time(&mut self, office: WallTime) {
        let request: ClockRequest = self
            .last_published(|t| matches!(t, Topic::Clock(_)))
            .unwrap();
        let reply = ClockReply {
            speaker: SPEAKER.parse().unwrap(),
            nonce: request.nonce,
            received: office,
            sent: office,
        };
        self.hears(Topic::ClockReply(SPEAKER.parse().unwrap()), &reply);
    }
    // What one finds.

    pub fn last_published<D: Document>(&self, on: impl Fn(&Topic) -> bool) -> Option<D> {
        let (_, payload) = self.published.iter().rev().find(|(topic, _)| on(topic))?;
        Some(open_unsigned(payload).unwrap())
    }
    pub fn status(&self) -> SpeakerStatus {
        self.agent.status(self.reading())
    }
    pub fn wants(&self) -> Vec<Wants> {
        let wants = self
            .published
            .iter()
            .filter(|(t, _)| matches!(t, Topic::Want(_)));
        wants.map(|(_, p)| open_unsigned(p).unwrap()).collect()
    }
    pub fn batches(&self) -> Vec<Events> {
        let events = self
            .published
            .iter()
            .filter(|(t, _)| matches!(t, Topic::Events(_)));
        events.map(|(_, p)| open_unsigned(p).unwrap()).collect()
    }
    pub fn sounding(&self) -> Option<String> {
        self.player.now.as_ref().map(|p| p.title.clone())
    }
    /// Everything that sounded: title, from and to in seconds of `t`, and the place where it began in seconds.
    pub fn heard(&self) -> Vec<(String, f64, f64, f64)> {
        let s = |us: u64| (us as f64 + self.system_us as f64 - t(0).as_micros() as f64) / 1e6;
        let sounds = self.player.sounds.iter();
        sounds
            .map(|p| {
                (
                    p.title.clone(),
                    s(p.from_us),
                    p.to_us.map_or(-1.0, s),
                    p.from_ms as f64 / 1e3,
                )
            })
            .collect()
    }
    pub fn rows(&self, name: &str) -> Vec<Playout> {
        let rows = self.disk.ledger.values().map(|row| row.playout.clone());
        rows.filter(|p| p.id.occurrence.bulletin.as_str() == name)
            .collect()
    }
    /// Outcomes of all rows of a bulletin.
    pub fn outcomes(&self, name: &str) -> Vec<Outcome> {
        self.rows(name)
            .into_iter()
            .filter_map(|p| p.outcome)
            .collect()
    }
    /// The events of a bulletin in order: `started`, `suspended`, `ended`.
    pub fn story(&self, name: &str) -> Vec<&'static str> {
        let of = |p: &Playout| p.id.occurrence.bulletin.as_str() == name;
        let told = self.disk.told.iter().filter_map(|e| match &e.what {
            What::Started { playout } if of(playout) => Some("started"),
            What::Suspended { playout, .. } if of(playout) => Some("suspended"),
            What::Ended { playout } if of(playout) => Some("ended"),
            _ => None,
        });
        told.collect()
    }
    /// What was told of gaps, mains, starts and self-tests, in order.
    pub fn watch(&self) -> Vec<What> {
        let told = self.disk.told.iter().map(|e| e.what.clone());
        told.filter(|what| {
            !matches!(
                what,
                What::Started { .. }
                    | What::Suspended { .. }
                    | What::Ended { .. }
                    | What::Fault { .. }
            )
        })
        .collect()
    }
    /// The same without the starts of the program.
    pub fn gaps(&self) -> Vec<What> {
        let mut told = self.watch();
        told.retain(|what| !matches!(what, What::Booted { .. }));
        told
    }
    pub fn reads(&mut self, machine: Machine) {
        self.input(Input::Machine(Box::new(machine)));
    }
    /// Names of the office's documents on the disk.
    pub fn office_documents(&self) -> Vec<&str> {
        let names = self.disk.documents.keys().map(String::as_str);
        names.filter(|name| !name.starts_with("own:")).collect()
    }
    pub fn refused(&self, word: &str) -> u64 {
        self.status().refused.get(word).copied().unwrap_or(0)
    }
    /// What the faults of this code said.
    pub fn told(&self, code: &str) -> Vec<&str> {
        let told = self.disk.told.iter().filter_map(|e| match &e.what {
            What::Fault { code: c, detail } if c == code => Some(detail.as_str()),
            _ => None,
        });
        told.collect()
    }
    pub fn faults(&self, code: &str) -> usize {
        let is_it = |e: &&Event| matches!(&e.what, What::Fault { code: c, .. } if c == code);
        self.disk.told.iter().filter(is_it).count()
    }
}

fn identity(quota: u64, disk: &Disk, governor: &Governor) -> Identity {
    Identity {
        speaker: SPEAKER.parse().unwrap(),
        anchor: disk
            .anchor
            .clone()
            .unwrap_or(Anchor::OneKey(key(1).verifying_key())),
        roots: Vec::new(),
        signing: disk.signing.clone(),
        agent: "loa-agent test".into(),
        output: "test".into(),
        content_quota_bytes: quota,
        seed: 7,
        built: t(-365 * 86_400),
        pace: Pace::default(),
        governor: governor.clone(),
        machine_boot: Some(format!("machine-{}", disk.machine)),
        fetches_relays: false,
    }
}
