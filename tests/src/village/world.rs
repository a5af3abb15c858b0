//! The queue of what happens next, and the week itself.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use ed25519_dalek::SigningKey;
use loa_agent::logic::port::{Input, PlayerEvent};
use loa_protocol::{
    content::ContentId,
    event::Event,
    id::{BulletinId, SpeakerId, StoreId},
    time::WallTime,
};

use super::{
    Broken, DAY, Micros, SECOND,
    chance::Chance,
    database::Database,
    diary::Diary,
    figures::Figures,
    keys::Keys,
    library::{Library, Parcel},
    live::Live,
    malice::{Hostility, Malice},
    office::House,
    pipe::{ConnId, Pipe, Word},
    pole::Pole,
    relay::Relays,
    sabotage::Sabotage,
    tape::Tape,
    town::Town,
    weather::{Climate, Trouble},
};

#[derive(Debug)]
pub(super) enum Happening {
    Tick {
        pole: usize,
        life: u64,
    },
    PoleConnects {
        pole: usize,
        life: u64,
    },
    PoleLosesLine {
        pole: usize,
        conn: ConnId,
    },
    BrokerHears {
        conn: ConnId,
        word: Word,
    },
    ClientHears {
        conn: ConnId,
        topic: Arc<str>,
        parcel: Parcel,
    },
    BrokerNotices {
        conn: ConnId,
    },
    BrokerBack,
    DiskAnswers {
        pole: usize,
        life: u64,
    },
    WorkDone {
        pole: usize,
        life: u64,
    },
    Lie {
        pole: usize,
        life: u64,
        input: Box<Input>,
    },
    PlayerTurn {
        pole: usize,
        life: u64,
        turn: u64,
    },
    PlayerTells {
        pole: usize,
        life: u64,
        event: PlayerEvent,
    },
    PowerCut {
        pole: usize,
    },
    PowerBack {
        pole: usize,
    },
    AgentStarts {
        pole: usize,
    },
    KillAndStart {
        pole: usize,
    },
    CableBack {
        pole: usize,
    },
    TimeComes {
        pole: usize,
    },
    OfficeStarts,
    OfficeConnects {
        life: u64,
    },
    OfficeLosesLine {
        conn: ConnId,
    },
    OfficeTick {
        life: u64,
    },
    DatabaseAnswers {
        life: u64,
        speaker: SpeakerId,
        store: StoreId,
        events: Vec<Event>,
        fails: bool,
    },
    ClerkActs,
    ClerkInterferes {
        pole: usize,
    },
    Unmute {
        pole: usize,
    },
    CallBegins,
    /// Somebody speaks on.
    Speech {
        id: BulletinId,
    },
    /// A window of a relay goes on.
    RelaySends {
        window: usize,
    },
    Trouble(Trouble),
    Malice,
    Rotate,
    Heal,
    Look,
}

#[derive(Debug)]
struct Entry {
    at: Micros,
    number: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A week that went well.
#[derive(Clone, Debug)]
pub struct Lived {
    pub figures: Figures,
    pub diary_hash: u64,
}

#[derive(Debug)]
pub struct Village {
    pub(super) now: Micros,
    seed: u64,
    pub(super) end: Micros,
    pub(super) chance: Chance,
    queue: BinaryHeap<Reverse<Entry>>,
    numbered: u64,
    pub(super) town: Town,
    pub(super) climate: Climate,
    pub(super) base: Database,
    pub(super) office: House,
    pub(super) pipe: Pipe,
    /// `None`: one key, and no root.
    pub(super) keys: Option<Keys>,
    pub(super) malice: Option<Malice>,
    /// Of its own, so that the same seed brings the same weather.
    pub(super) malice_chance: Chance,
    pub(super) live: Live,
    pub(super) relays: Relays,
    pub(super) poles: Vec<Pole>,
    pub(super) library: Library,
    pub(super) last_bulletin: u64,
    /// Blocks that were under way and did not arrive, or were asked for again by an old word; and how many the office sent.
    pub(super) lost_blocks: BTreeMap<ContentId, u64>,
    pub(super) blocks_sent: BTreeMap<ContentId, u64>,
    pub(super) worst_drop: u64,
    pub(super) office_tape: Tape,
    pub(super) diary: Diary,
    pub(super) figures: Figures,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) healed: bool,
    pub(super) broken: Option<String>,
    done: bool,
}

/// How long after the week everything may take to be said and acknowledged.
const AFTER: Micros = DAY / 2;

impl Village {
    pub fn new(
        seed: u64,
        days: u64,
        sabotage: Option<Sabotage>,
        hostility: Option<Hostility>,
        aloud: bool,
    ) -> Self {
        let mut chance = Chance::new(seed);
        let mut base = Database::default();
        let (climate, badness) = Climate::of(&mut chance);
        let (town, poles) = Town::found(&mut chance, &mut base);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut malice_chance = Chance::new(seed ^ 0x0062_726f_6b65_7221);
        let keys = hostility
            .filter(|is| is.has_root)
            .map(|is| Keys::new(&mut malice_chance, is.needs_passkey));
        let malice = hostility.map(|is| Malice::new(is, &mut malice_chance));
        let bytes_per_s = chance.pick(&[4_000_000, 400_000, 40_000]);
        Self {
            now: 0,
            seed,
            end: days * DAY,
            chance,
            queue: BinaryHeap::new(),
            numbered: 0,
            town,
            climate,
            base,
            office: House::new(SigningKey::from_bytes(&key), bytes_per_s),
            pipe: Pipe::new(badness),
            keys,
            malice,
            malice_chance,
            live: Live::new(seed),
            relays: Relays::new(seed),
            poles,
            library: Library::default(),
            last_bulletin: 0,
            lost_blocks: BTreeMap::new(),
            blocks_sent: BTreeMap::new(),
            worst_drop: badness.drop,
            office_tape: Tape::default(),
            diary: Diary::new(aloud),
            figures: Figures::default(),
            sabotage,
            healed: false,
            broken: None,
            done: false,
        }
    }

    pub(super) fn wall(&self) -> WallTime {
        self.town.wall(self.now)
    }

    pub(super) fn at(&mut self, at: Micros, what: Happening) {
        self.numbered += 1;
        self.queue.push(Reverse(Entry {
            at: at.max(self.now),
            number: self.numbered,
            what,
        }));
    }

    /// The whole of it.
    pub fn live(mut self) -> Result<Lived, Box<Broken>> {
        let line = format!(
            "{} poles in {}, {:?}, {:?} {}",
            self.poles.len(),
            self.town.zone,
            self.climate,
            self.pipe.badness,
            self.hostility()
        );
        self.diary.write(0, format_args!("{line}"));
        self.figures.poles = self.poles.len() as u64;
        self.make_root();
        self.start_office();
        for p in 0..self.poles.len() {
            let at = self.chance.below(60 * SECOND);
            self.at(at, Happening::PowerBack { pole: p });
        }
        self.clerk_begins();
        self.weather_begins();
        self.malice_begins();
        self.calls_begin();
        self.relays_begin();
        self.at(self.end, Happening::Heal);
        while self.broken.is_none() && !self.done {
            let Some(Reverse(entry)) = self.queue.pop() else {
                break;
            };
            if entry.at > self.end + AFTER {
                let why = self.unquiet().unwrap_or_default();
                self.breaks(format!("half a day after the end there is no peace: {why}"));
                break;
            }
            self.now = entry.at;
            self.happens(entry.what);
        }
        if self.broken.is_none() {
            self.judge();
        }
        match self.broken.take() {
            None => Ok(Lived {
                diary_hash: self.diary.hash(),
                figures: self.figures,
            }),
            Some(what) => Err(Box::new(Broken {
                seed: self.seed,
                what,
                diary: self.diary.last_lines(40),
            })),
        }
    }

    fn is_life(&self, pole: usize, life: u64) -> bool {
        self.life(pole) == Some(life)
    }

    fn happens(&mut self, what: Happening) {
        use Happening as H;
        match what {
            H::Tick { pole, life } if self.is_life(pole, life) => self.tick(pole),
            H::PoleConnects { pole, life } if self.is_life(pole, life) => self.pole_connects(pole),
            H::DiskAnswers { pole, life } if self.is_life(pole, life) => self.disk_answers(pole),
            H::WorkDone { pole, life } if self.is_life(pole, life) => self.work_done(pole),
            H::Lie { pole, life, input } if self.is_life(pole, life) => {
                self.agent_gets(pole, *input);
            }
            H::PlayerTurn { pole, life, turn } if self.is_life(pole, life) => {
                self.player_turn(pole, turn);
            }
            H::PlayerTells { pole, life, event } if self.is_life(pole, life) => {
                self.player_tells(pole, event);
            }
            // Of a run that is over.
            H::Tick { .. }
            | H::PoleConnects { .. }
            | H::DiskAnswers { .. }
            | H::WorkDone { .. }
            | H::Lie { .. }
            | H::PlayerTurn { .. }
            | H::PlayerTells { .. } => {}
            H::PoleLosesLine { pole, conn } => self.pole_loses_line(pole, conn),
            H::BrokerHears { conn, word } => self.broker_hears(conn, word),
            H::ClientHears {
                conn,
                topic,
                parcel,
            } => self.client_hears(conn, &topic, &parcel),
            H::BrokerNotices { conn } => self.broker_drops(conn),
            H::BrokerBack => self.pipe.up = true,
            H::PowerCut { pole } => self.power_cut(pole),
            H::PowerBack { pole } => self.power_back(pole),
            H::AgentStarts { pole } => self.start_agent(pole),
            H::KillAndStart { pole } => self.kill_and_start(pole),
            H::CableBack { pole } => self.poles[pole].cable_cut = false,
            H::TimeComes { pole } => self.time_comes(pole),
            H::OfficeStarts => self.start_office(),
            H::OfficeConnects { life } if self.office_life() == Some(life) => {
                self.office_connects();
            }
            H::OfficeTick { life } if self.office_life() == Some(life) => self.office_tick(),
            H::OfficeConnects { .. } | H::OfficeTick { .. } => {}
            H::OfficeLosesLine { conn } => self.office_loses_line(conn),
            H::DatabaseAnswers {
                life,
                speaker,
                store,
                events,
                fails,
            } => self.database_answers(life, speaker, store, events, fails),
            H::ClerkActs => self.clerk_acts(),
            H::ClerkInterferes { pole } => self.clerk_interferes(pole),
            H::Unmute { pole } => self.unmute(pole),
            H::CallBegins => self.call_begins(),
            H::Speech { id } => self.speech(&id),
            H::RelaySends { window } => self.relay_sends(window),
            H::Trouble(trouble) => self.trouble(trouble),
            H::Malice => self.malice_acts(),
            H::Rotate => {
                if !self.healed {
                    self.rotate();
                }
            }
            H::Heal => {
                self.heal();
                self.at(self.now + DAY / 24, H::Look);
            }
            H::Look => {
                self.done = self.unquiet().is_none();
                self.at(self.now + 60 * SECOND, H::Look);
            }
        }
    }
}
