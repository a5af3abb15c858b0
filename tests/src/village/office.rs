//! The office: the real controller's logic, fed from the naive database as the engine feeds it.

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use loa_controller::logic::{Effect, Input, Office, Reading, Settings};
use loa_protocol::{
    channel::Channel,
    event::Event,
    id::{SpeakerId, StoreId},
    programme::Command,
    topic::Topic,
};

use super::{
    Happening, Micros, SECOND, Village,
    database::EPOCH,
    library::Parcel,
    pipe::{Client, ConnId, Word},
    sabotage::Sabotage,
};

#[derive(Debug)]
pub struct House {
    pub key: SigningKey,
    pub run: Option<OfficeRun>,
    lives: u64,
    pub bytes_per_s: u32,
    /// While this holds the database is slow, and fails now and then.
    pub sick_until: Micros,
    /// Blocks sent over all runs.
    pub blocks_sent: u64,
}

#[derive(Debug)]
pub struct OfficeRun {
    pub life: u64,
    pub office: Office,
    conn: Option<ConnId>,
    tick_at: Micros,
    second: Micros,
    in_second: u32,
}

const MOST_IN_A_SECOND: u32 = 20_000;

impl House {
    pub fn new(key: SigningKey, bytes_per_s: u32) -> Self {
        Self {
            key,
            run: None,
            lives: 0,
            bytes_per_s,
            sick_until: 0,
            blocks_sent: 0,
        }
    }
}

impl Village {
    fn office_reading(&self) -> Reading {
        Reading {
            mono_us: 1_000_000 + self.now,
            wall: self.wall(),
        }
    }

    /// The office starts: everything is read from the database.
    pub(super) fn start_office(&mut self) {
        if self.office.run.is_some() {
            return;
        }
        self.diary
            .write(self.now, format_args!("the office starts"));
        self.base.head_generation += 1;
        let mut settings = Settings::new(EPOCH, self.base.head_generation, self.office.key.clone());
        settings.bytes_per_s = self.office.bytes_per_s;
        let office = Office::new(settings, self.base.acked());
        self.office.lives += 1;
        let life = self.office.lives;
        self.office.run = Some(OfficeRun {
            life,
            office,
            conn: None,
            tick_at: Micros::MAX,
            second: 0,
            in_second: 0,
        });
        let channels: Vec<Channel> = self.base.channels.keys().cloned().collect();
        for channel in channels {
            self.office_learns_channel(&channel, None);
        }
        let configs: Vec<_> = self.base.configs.values().cloned().collect();
        for config in configs {
            self.office_gets(Input::Config(Box::new(config)));
        }
        let soon = self.now + self.chance.between(10_000, SECOND);
        self.at(soon, Happening::OfficeConnects { life });
    }

    /// SIGKILL or a power cut; what waits for the database is there or not.
    pub(super) fn kill_office(&mut self) {
        let Some(run) = self.office.run.take() else {
            return;
        };
        self.diary
            .write(self.now, format_args!("the office is gone"));
        self.figures.office_restarts += 1;
        self.office.blocks_sent += run.office.figures().blocks_sent;
        self.office_tape.online_until(self.now);
        if let Some(conn) = run.conn {
            self.broker_drops(conn);
        }
    }

    pub(super) fn office_life(&self) -> Option<u64> {
        self.office.run.as_ref().map(|run| run.life)
    }

    pub(super) fn office_learns_channel(&mut self, channel: &Channel, command: Option<Command>) {
        let state = self.base.channel(channel);
        self.office_gets(Input::Channel { state, command });
    }

    pub(super) fn office_learns_config(&mut self, speaker: &SpeakerId) {
        let config = self.base.configs[speaker].clone();
        self.office_gets(Input::Config(Box::new(config)));
    }

    fn office_gets(&mut self, input: Input) {
        let at = self.office_reading();
        let now = self.now;
        let Some(run) = self.office.run.as_mut() else {
            return;
        };
        if run.second != now / SECOND {
            (run.second, run.in_second) = (now / SECOND, 0);
        }
        run.in_second += 1;
        if run.in_second == MOST_IN_A_SECOND {
            let deadline = run.office.next_deadline();
            return self.breaks(format!(
                "the office runs in circles: {deadline:?} at {at:?}"
            ));
        }
        self.figures.inputs += 1;
        let effects = run.office.handle(input, at);
        self.office_performs(effects);
        self.retick_office();
    }

    fn retick_office(&mut self) {
        let now = self.now;
        let Some(run) = self.office.run.as_mut() else {
            return;
        };
        let Some(deadline) = run.office.next_deadline() else {
            run.tick_at = Micros::MAX;
            return;
        };
        let at = deadline.saturating_sub(1_000_000).max(now + 200);
        if run.tick_at != at {
            run.tick_at = at;
            let life = run.life;
            self.at(at, Happening::OfficeTick { life });
        }
    }

    pub(super) fn office_tick(&mut self) {
        let due = matches!(&self.office.run, Some(run) if run.tick_at == self.now);
        if due {
            if let Some(run) = self.office.run.as_mut() {
                run.tick_at = Micros::MAX;
            }
            self.office_gets(Input::Tick);
        }
    }

    fn office_performs(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Subscribe { filters } => self.office_says(Word::Subscribe(filters)),
                Effect::Publish { topic, payload } => {
                    let parcel = self.library.parcel(&topic, &payload);
                    self.office_says(Word::Publish { topic, parcel });
                }
                Effect::SendBlock { content, index } => {
                    if let Some(bytes) = self.library.block(&content, index) {
                        *self.blocks_sent.entry(content).or_default() += 1;
                        let topic = Topic::Block { content, index };
                        let parcel = Parcel { bytes, paper: None };
                        self.office_says(Word::Publish { topic, parcel });
                    }
                }
                Effect::StoreEvents {
                    speaker,
                    store,
                    events,
                    ..
                } => self.office_stores(speaker, store, events),
                // In this village nobody lives as long as a certificate.
                Effect::Renew { .. }
                | Effect::KeyInUse { .. }
                | Effect::StoreStatus { .. }
                | Effect::StorePresence { .. }
                | Effect::Notice(_)
                | Effect::Log(_) => {}
            }
        }
    }

    fn office_says(&mut self, word: Word) {
        if let Some(conn) = self.office.run.as_ref().and_then(|run| run.conn) {
            self.say(conn, word);
        }
    }

    fn office_stores(&mut self, speaker: SpeakerId, store: StoreId, events: Vec<Event>) {
        // A speaker may tell only what its disk holds for good: else it could tell something else tomorrow.
        let pole = self.poles.iter().find(|pole| pole.id == speaker);
        let honest = pole.is_some_and(|pole| {
            pole.disk.store == store
                && events
                    .iter()
                    .all(|e| pole.disk.history.get(&e.number) == Some(e))
        });
        if !honest {
            return self.breaks(format!(
                "{speaker} tells events that its disk does not hold"
            ));
        }
        let sick = self.now < self.office.sick_until;
        let wait = if sick {
            self.chance.between(100_000, 20 * SECOND)
        } else {
            self.chance.between(500, 50_000)
        };
        let fails = sick && self.chance.per_mille(300);
        let Some(life) = self.office_life() else {
            return;
        };
        if self.sabotage == Some(Sabotage::AcknowledgeUnstored) && self.chance.per_mille(20) {
            let through = events.last().map_or(0, |e| e.number);
            self.base.pretend(&speaker, through);
            return self.office_gets(Input::EventsStored {
                speaker,
                store,
                through,
            });
        }
        self.at(
            self.now + wait,
            Happening::DatabaseAnswers {
                life,
                speaker,
                store,
                events,
                fails,
            },
        );
    }

    pub(super) fn database_answers(
        &mut self,
        life: u64,
        speaker: SpeakerId,
        store: StoreId,
        events: Vec<Event>,
        fails: bool,
    ) {
        let alive = self.office_life() == Some(life);
        // A transaction of an office that is gone may have got through.
        if fails || (!alive && self.chance.per_mille(500)) {
            if alive {
                self.office_gets(Input::EventsFailed { speaker, store });
            }
            return;
        }
        match self.base.record(&speaker, &store, &events) {
            Ok(through) if alive => self.office_gets(Input::EventsStored {
                speaker,
                store,
                through,
            }),
            Ok(_) => {}
            Err(what) => self.breaks(what),
        }
    }

    pub(super) fn office_connects(&mut self) {
        if self.office.run.as_ref().is_none_or(|r| r.conn.is_some()) {
            return;
        }
        let conn = self.pipe_connect(Client::Office, None);
        let Some(run) = self.office.run.as_mut() else {
            return;
        };
        match conn {
            Some(conn) => {
                run.conn = Some(conn);
                self.office_tape.online_from(self.now);
                self.diary
                    .write(self.now, format_args!("the office has a line"));
                self.publish_roots();
                self.office_gets(Input::Connected);
            }
            None => {
                let life = run.life;
                let at = self.now + self.chance.between(SECOND / 5, 5 * SECOND);
                self.at(at, Happening::OfficeConnects { life });
            }
        }
    }

    pub(super) fn office_loses_line(&mut self, conn: ConnId) {
        let Some(run) = self.office.run.as_mut().filter(|r| r.conn == Some(conn)) else {
            return;
        };
        run.conn = None;
        self.office_tape.online_until(self.now);
        let life = run.life;
        self.diary
            .write(self.now, format_args!("the office has no line any more"));
        self.office_gets(Input::Disconnected);
        let at = self.now + self.chance.between(SECOND / 5, 3 * SECOND);
        self.at(at, Happening::OfficeConnects { life });
    }

    pub(super) fn office_hears(&mut self, conn: ConnId, topic: &str, parcel: &Parcel) {
        if self
            .office
            .run
            .as_ref()
            .is_some_and(|r| r.conn == Some(conn))
        {
            let input = Input::Message {
                topic: topic.to_owned(),
                payload: Bytes::copy_from_slice(&parcel.bytes),
            };
            self.office_gets(input);
        }
    }

    pub(super) fn is_office_online(&self) -> bool {
        self.office.run.as_ref().is_some_and(|r| r.conn.is_some())
    }

    pub(super) fn total_blocks_sent(&self) -> u64 {
        let now = self.office.run.as_ref();
        self.office.blocks_sent + now.map_or(0, |run| run.office.figures().blocks_sent)
    }
}
