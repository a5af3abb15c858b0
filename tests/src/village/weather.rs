//! What goes wrong: power, lines, broker, office, disks, clocks, and lies on the wire, each as often as the seed's
//! climate says; some of it aimed at the worst moment.

use loa_agent::logic::port::{Input, KernelClock};
use loa_protocol::{content::Wants, envelope::open_unsigned, time::WallTime, topic::Topic};

use super::{
    DAY, Happening, Micros, SECOND, Village,
    chance::Chance,
    library::Parcel,
    machine::{ClockKind, Machine},
    pipe::{Badness, Client},
};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    PowerCut,
    Kill,
    Restart,
    CableCut,
    LineBreak,
    ClockStep,
    DiskSlow,
    DiskFull,
    BrokerDies,
    OfficeDies,
    OfficeLine,
    DatabaseSick,
    OldNews,
    Nonsense,
}

/// How often, on each pole or in the whole village, in a hundred days.
const RATES: [(Trouble, bool, [u64; 3]); 14] = [
    (Trouble::PowerCut, true, [0, 60, 300]),
    (Trouble::Kill, true, [0, 20, 100]),
    (Trouble::Restart, true, [0, 20, 60]),
    (Trouble::CableCut, true, [0, 60, 200]),
    (Trouble::LineBreak, true, [10, 50, 150]),
    (Trouble::ClockStep, true, [0, 15, 80]),
    (Trouble::DiskSlow, true, [0, 15, 60]),
    (Trouble::DiskFull, true, [0, 8, 30]),
    (Trouble::BrokerDies, false, [5, 40, 100]),
    (Trouble::OfficeDies, false, [5, 60, 200]),
    (Trouble::OfficeLine, false, [5, 30, 100]),
    (Trouble::DatabaseSick, false, [0, 30, 80]),
    (Trouble::OldNews, false, [100, 200, 600]),
    (Trouble::Nonsense, false, [20, 60, 200]),
];

#[derive(Clone, Copy, Debug)]
pub struct Climate {
    rates: usize,
    pub acts_a_day: u64,
    /// In a thousand of each occasion:
    pub player_fails: u64,
    pub bad_content: u64,
    cut_at_commit: u64,
    cut_while_sounding: u64,
    pub interferes: u64,
}

impl Climate {
    /// Calm, changeable or stormy.
    pub fn of(chance: &mut Chance) -> (Self, Badness) {
        let rates = match chance.below(10) {
            0..2 => 0,
            2..7 => 1,
            _ => 2,
        };
        let acts_a_day = chance.between(6, 14);
        let by = |calm, changeable, stormy| [calm, changeable, stormy][rates];
        let badness = Badness {
            drop: match rates {
                0 => 5,
                _ => chance.pick(&[10, 50, 150, 300]),
            },
            twice: by(5, 20, 50),
            reorder: by(0, 10, 40),
            slow_ms: chance.pick(&[30, 100, 100, 300, 900]),
        };
        let climate = Self {
            rates,
            acts_a_day,
            player_fails: by(0, 5, 20),
            bad_content: by(0, 5, 20),
            cut_at_commit: by(0, 10, 40),
            cut_while_sounding: by(0, 10, 40),
            interferes: by(5, 30, 60),
        };
        (climate, badness)
    }
}

impl Village {
    pub(super) fn weather_begins(&mut self) {
        for (trouble, _, _) in RATES {
            self.next_trouble(trouble);
        }
    }

    fn next_trouble(&mut self, trouble: Trouble) {
        let rate = RATES.iter().find(|(t, _, _)| *t == trouble);
        let Some((_, of_each, rates)) = rate else {
            return;
        };
        let mut rate = rates[self.climate.rates];
        if *of_each {
            rate *= self.poles.len() as u64;
        }
        if let Some(pause) = (100 * DAY).checked_div(rate) {
            let at = self.now + self.chance.between(SECOND, 2 * pause);
            self.at(at, Happening::Trouble(trouble));
        }
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if self.healed {
            return;
        }
        self.next_trouble(trouble);
        let p = self.chance.index(self.poles.len());
        match trouble {
            Trouble::PowerCut => self.power_cut(p),
            Trouble::Kill => self.kill(p),
            Trouble::Restart => {
                self.shut_down(p);
                let at = self.now + self.chance.between(SECOND, 20 * SECOND);
                self.at(at, Happening::KillAndStart { pole: p });
            }
            Trouble::CableCut => self.cable_cut(p),
            Trouble::LineBreak => self.break_line(Client::Pole(p)),
            Trouble::ClockStep => self.clock_step(p),
            Trouble::DiskSlow => self.disk_spell(p, false),
            Trouble::DiskFull => self.disk_spell(p, true),
            Trouble::BrokerDies => {
                let back = self.spell(SECOND, 20 * MINUTE);
                self.broker_dies(back);
            }
            Trouble::OfficeDies => {
                self.kill_office();
                let back = self.spell(2 * SECOND, 3 * HOUR);
                self.at(self.now + back, Happening::OfficeStarts);
            }
            Trouble::OfficeLine => self.break_line(Client::Office),
            Trouble::DatabaseSick => {
                self.office.sick_until = self.now + self.spell(10 * SECOND, 30 * MINUTE);
            }
            Trouble::OldNews => self.old_news(),
            Trouble::Nonsense => self.nonsense(),
        }
    }

    /// Mostly short, sometimes long.
    fn spell(&mut self, shortest: Micros, longest: Micros) -> Micros {
        let long = self.chance.per_mille(300);
        let longest = if long {
            longest
        } else {
            shortest + longest / 12
        };
        self.chance.between(shortest, longest)
    }

    pub(super) fn power_cut(&mut self, p: usize) {
        if self.healed || !self.poles[p].powered {
            return;
        }
        let id = &self.poles[p].id;
        self.diary
            .write(self.now, format_args!("{id}: power is cut"));
        self.figures.power_cuts += 1;
        self.kill_agent(p);
        self.poles[p].powered = false;
        self.poles[p].cut_at = self.now;
        let dark = self.spell(2 * SECOND, 10 * HOUR);
        self.at(self.now + dark, Happening::PowerBack { pole: p });
    }

    pub(super) fn power_back(&mut self, p: usize) {
        if self.poles[p].powered {
            return;
        }
        let (now, truth) = (self.now, self.wall());
        let stale = self.chance.below(3 * DAY);
        let shows = self.chance.below(3);
        let pole = &mut self.poles[p];
        let (shows, kernel) = match pole.kind {
            ClockKind::Battery => (
                truth.plus_us(pole.clock_error_us),
                KernelClock {
                    synced: false,
                    held: true,
                },
            ),
            // Without a battery a board begins in 1970, or where it was last shut down, or when its image was made.
            _ if shows == 0 => (WallTime::EPOCH, KernelClock::default()),
            _ if shows == 1 => (self.town.wall(pole.cut_at), KernelClock::default()),
            _ => (truth.plus_us(-(stale as i64)), KernelClock::default()),
        };
        pole.machine = Machine::new(now, pole.ppm, shows, kernel);
        pole.powered = true;
        let id = &pole.id;
        self.diary
            .write(now, format_args!("{id} has power, its clock shows {shows}"));
        let boot = self.chance.between(2 * SECOND, 40 * SECOND);
        self.at(now + boot, Happening::AgentStarts { pole: p });
        if self.poles[p].kind == ClockKind::Network {
            let wait = self.spell(5 * SECOND, HOUR);
            self.at(now + boot + wait, Happening::TimeComes { pole: p });
        }
    }

    /// SIGKILL, a crash: the program only; systemd starts it again.
    fn kill(&mut self, p: usize) {
        if self.poles[p].run.is_some() {
            let id = &self.poles[p].id;
            self.diary.write(self.now, format_args!("{id} is killed"));
            self.figures.kills += 1;
            self.kill_agent(p);
            let at = self.now + self.chance.between(SECOND, 5 * SECOND);
            self.at(at, Happening::AgentStarts { pole: p });
        }
    }

    /// It was asked to end; now it has to.
    pub(super) fn kill_and_start(&mut self, p: usize) {
        self.kill_agent(p);
        self.start_agent(p);
    }

    fn cable_cut(&mut self, p: usize) {
        if self.poles[p].cable_cut {
            return;
        }
        let now = self.now;
        self.poles[p].cable_cut = true;
        self.figures.partitions += 1;
        let id = &self.poles[p].id;
        self.diary
            .write(now, format_args!("the cable of {id} is cut"));
        let conn = self
            .pipe
            .conns
            .iter_mut()
            .find(|(_, c)| c.client == Client::Pole(p));
        if let Some((conn, c)) = conn {
            c.cut = true;
            let conn = *conn;
            // Each side notices by its own keep-alive.
            let (a, b) = (
                self.chance.between(SECOND, 45 * SECOND),
                self.chance.between(SECOND, 45 * SECOND),
            );
            self.at(now + a, Happening::PoleLosesLine { pole: p, conn });
            self.at(now + b, Happening::BrokerNotices { conn });
            self.poles[p].tape.online_until(now);
        }
        let out = self.spell(5 * SECOND, 8 * HOUR);
        self.at(now + out, Happening::CableBack { pole: p });
    }

    /// The system clock jumps; for a board with network time it is put right again later.
    fn clock_step(&mut self, p: usize) {
        let (now, at) = (self.now, self.reading(p));
        let s = match self.chance.below(3) {
            0 => self.chance.between(2, 60),
            1 => self.chance.between(60, 1_800),
            _ => self.chance.between(1_800, 9 * 3_600),
        };
        let by = self.chance.sign(s as i64);
        let pole = &mut self.poles[p];
        if !pole.powered {
            return;
        }
        let id = &pole.id;
        self.diary.write(
            now,
            format_args!("the system clock of {id} jumps by {by} s"),
        );
        self.figures.clock_steps += 1;
        pole.machine.set(now, at.system.plus_s(by));
        pole.tape.steps.push(now);
        self.note_clock(p);
        let wait = self.spell(20 * SECOND, 4 * HOUR);
        self.at(now + wait, Happening::TimeComes { pole: p });
    }

    /// Network time is there, or somebody sets the battery clock.
    pub(super) fn time_comes(&mut self, p: usize) {
        let (now, truth) = (self.now, self.wall());
        let pole = &mut self.poles[p];
        if !pole.powered {
            return;
        }
        match pole.kind {
            ClockKind::Network => pole.machine.discipline(pole.clock_error_us),
            ClockKind::Battery => pole.machine.set(now, truth.plus_us(pole.clock_error_us)),
            ClockKind::None => return,
        }
        pole.tape.steps.push(now);
        let kernel = pole.machine.kernel;
        self.note_clock(p);
        self.agent_gets(p, Input::KernelClock(kernel));
    }

    fn disk_spell(&mut self, p: usize, full: bool) {
        let until = self.now + self.spell(5 * SECOND, HOUR);
        let now = self.now;
        let pole = &mut self.poles[p];
        let id = &pole.id;
        self.diary.write(
            now,
            format_args!("the disk of {id} is {}", if full { "full" } else { "slow" }),
        );
        if full {
            pole.disk.failing_until = until;
        } else {
            pole.disk.slow_until = until;
        }
        pole.tape
            .trouble
            .extend((now..=until).step_by(SECOND as usize));
    }

    /// The broker says again what it said before.
    fn old_news(&mut self) {
        let place = self.chance.index(64);
        if let Some((topic, parcel)) = self.pipe.any_old(place) {
            self.figures.lies += 1;
            self.is_asked_again(&topic, &parcel);
            self.broker_gives(&topic, &topic.to_string(), &parcel);
        }
    }

    /// The office sends once more what a speaker lacked long ago.
    fn is_asked_again(&mut self, topic: &Topic, parcel: &Parcel) {
        if !matches!(topic, Topic::Want(_)) {
            return;
        }
        let old = open_unsigned::<Wants>(&parcel.bytes);
        for want in old.into_iter().flat_map(|old| old.wants) {
            *self.lost_blocks.entry(want.content).or_default() += u64::from(want.missing.count());
        }
    }

    /// Something that nobody signed, or that somebody else did.
    fn nonsense(&mut self) {
        let place = self.chance.index(64);
        let Some((topic, parcel)) = self.pipe.any_old(place) else {
            return;
        };
        self.figures.lies += 1;
        let mut bytes = parcel.bytes.to_vec();
        if bytes.is_empty() {
            return;
        }
        let at = self.chance.index(bytes.len());
        bytes[at] ^= 1 << self.chance.below(8);
        if self.chance.per_mille(200) {
            bytes.truncate(at);
        }
        if matches!(topic, Topic::Status(_) | Topic::Events(_) | Topic::Want(_)) {
            // For what a speaker says, the line itself vouches; a broker that lies there is believed.
            return;
        }
        let parcel = Parcel {
            bytes: bytes.into(),
            paper: None,
        };
        self.broker_gives(&topic, &topic.to_string(), &parcel);
    }

    /// Power goes just after the row is durable, within the time in which the sound is armed.
    pub(super) fn weather_at_commit(&mut self, p: usize) {
        if self.chance.per_mille(self.climate.cut_at_commit) {
            let at = self.now + self.chance.between(0, 450_000);
            self.figures.cuts_at_commit += 1;
            self.at(at, Happening::PowerCut { pole: p });
        }
    }

    /// Power goes while it sounds, or somebody interferes.
    pub(super) fn weather_at_start(&mut self, p: usize) {
        let length = 60 * SECOND;
        if self.chance.per_mille(self.climate.cut_while_sounding) {
            let at = self.now + self.chance.below(length / 2);
            self.at(at, Happening::PowerCut { pole: p });
        }
        self.maybe_interfere(p, length / 3);
    }

    /// Everything is put right and stays so.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.diary.write(self.now, format_args!("all is put right"));
        self.pipe.badness = Badness {
            slow_ms: 30,
            ..Badness::default()
        };
        self.climate = Climate {
            player_fails: 0,
            bad_content: 0,
            cut_at_commit: 0,
            cut_while_sounding: 0,
            interferes: 0,
            ..self.climate
        };
        self.office.sick_until = 0;
        self.pipe.up = true;
        self.malice_ends();
        self.start_office();
        for p in 0..self.poles.len() {
            self.poles[p].cable_cut = false;
            self.poles[p].disk.slow_until = 0;
            self.poles[p].disk.failing_until = 0;
            self.power_back(p);
            self.start_agent(p);
            let pole = &mut self.poles[p];
            pole.clock_error_us = 0;
            pole.machine.discipline(0);
            pole.tape.steps.push(self.now);
            let kernel = pole.machine.kernel;
            self.agent_gets(p, Input::KernelClock(kernel));
        }
    }
}
