//! The village of a seed: areas, groups, poles, the calendar, and how rough life is there.

use jiff::{
    civil::{Date, DateTime, date},
    tz::TimeZone,
};
use loa_agent::logic::port::KernelClock;
use loa_protocol::{
    channel::Channel,
    id::SpeakerId,
    quiet_hours::DayWindow,
    speaker_config::{SpeakerConfig, VolumePlan},
    time::WallTime,
};

use super::{
    Micros,
    chance::Chance,
    database::{Database, version},
    disk::Disk,
    machine::{ClockKind, Machine},
    pole::Pole,
};

#[derive(Debug)]
pub struct Town {
    pub zone: &'static str,
    pub tz: TimeZone,
    /// Civil midnight of the first day.
    pub begin: WallTime,
    pub first_day: Date,
    /// All channels that anybody can be told things on.
    pub channels: Vec<Channel>,
    pub groups: Vec<Channel>,
}

/// A week in Thái Nguyên; or two in which the clocks change.
const WEEKS: [(&str, Date); 3] = [
    ("Asia/Ho_Chi_Minh", date(2026, 11, 23)),
    ("Europe/Berlin", date(2026, 10, 22)),
    ("Europe/Berlin", date(2027, 3, 25)),
];

impl Town {
    pub fn found(chance: &mut Chance, base: &mut Database) -> (Self, Vec<Pole>) {
        let week = match chance.below(10) {
            0 => 1,
            1 => 2,
            _ => 0,
        };
        let (zone, first_day) = WEEKS[week];
        let tz = TimeZone::get(zone).expect("the bundled database has it");
        let midnight = tz.to_timestamp(first_day.at(0, 0, 0, 0));
        let begin = WallTime::from(midnight.expect("our century"));
        let count = match chance.below(20) {
            0..=11 => chance.between(2, 3),
            12..=16 => chance.between(3, 5),
            17..=18 => chance.between(6, 9),
            _ => chance.between(10, 20),
        };
        let channel = |text: String| -> Channel { text.parse().expect("a good name") };
        let hamlets = chance.between(1, 3);
        let groups: Vec<Channel> = (0..chance.below(3))
            .map(|g| channel(format!("group.g{g}")))
            .collect();
        let mut channels = vec![
            channel("area.vo-nhai".into()),
            channel("area.sang-moc".into()),
        ];
        channels.extend((0..hamlets).map(|h| channel(format!("area.hamlet-{h}"))));
        channels.extend(groups.iter().cloned());
        let mut town = Self {
            zone,
            tz,
            begin,
            first_day,
            channels,
            groups,
        };
        let mut poles = Vec::new();
        for n in 0..count {
            let id: SpeakerId = format!("pole-{n}").parse().expect("a good name");
            let own = Channel::Speaker(id.clone());
            town.channels.push(own.clone());
            let mut follows = vec![
                own,
                channel(format!("area.hamlet-{}", chance.below(hamlets))),
                channel("area.sang-moc".into()),
                channel("area.vo-nhai".into()),
            ];
            for group in &town.groups {
                if chance.per_mille(500) {
                    follows.push(group.clone());
                }
            }
            base.configs
                .insert(id.clone(), town.config(&id, follows, chance));
            poles.push(town.pole(id, n, chance));
        }
        (town, poles)
    }

    fn config(&self, id: &SpeakerId, channels: Vec<Channel>, chance: &mut Chance) -> SpeakerConfig {
        SpeakerConfig {
            speaker: id.clone(),
            version: version(1),
            made: self.begin,
            name: id.to_string(),
            channels,
            zone: self.zone.into(),
            quiet_hours: quiet_hours(chance),
            volume: VolumePlan::default(),
            muted: false,
            limits: None,
            since: self.begin,
            delay_trim_ms: chance.pick(&[0, 0, 0, 0, 250, -300]),
            self_test_at: None,
            orders: Vec::new(),
        }
    }

    fn pole(&self, id: SpeakerId, n: u64, chance: &mut Chance) -> Pole {
        let kind = chance.pick(&[ClockKind::Network, ClockKind::Battery, ClockKind::None]);
        let store = format!("store-{n}").parse().expect("a good name");
        let ppm = chance.between(0, 40) as i64 - 20;
        let machine = Machine::new(0, ppm, WallTime::EPOCH, KernelClock::default());
        let mut pole = Pole::new(id, kind, ppm, Disk::new(store), machine);
        pole.clock_error_us = match kind {
            ClockKind::Network => chance.between(0, 10_000) as i64 - 5_000,
            // Most battery clocks are set well, some are minutes off.
            _ if chance.per_mille(850) => chance.between(0, 200_000) as i64 - 100_000,
            _ => chance.between(0, 600_000_000) as i64 - 300_000_000,
        };
        pole
    }

    pub fn wall(&self, now: Micros) -> WallTime {
        self.begin.plus_us(now as i64)
    }

    pub fn civil(&self, at: WallTime) -> DateTime {
        self.tz.to_datetime(at.timestamp())
    }

    /// By the clock on the wall, not by the protocol's own reading of windows.
    pub fn is_quiet(&self, windows: &[DayWindow], at: WallTime) -> bool {
        let civil = self.civil(at);
        let minute = i32::from(civil.hour()) * 60 + i32::from(civil.minute());
        let read = |text: &str| -> i32 {
            let (h, m) = text.split_once(':').expect("HH:MM");
            h.parse::<i32>().expect("digits") * 60 + m.parse::<i32>().expect("digits")
        };
        windows.iter().any(|w| {
            let (from, to) = (read(&w.from), read(&w.to));
            if from < to {
                (from..to).contains(&minute)
            } else {
                minute >= from || minute < to
            }
        })
    }
}

pub fn quiet_hours(chance: &mut Chance) -> Vec<DayWindow> {
    let window = |from, to| DayWindow::new(from, to).expect("a good window");
    match chance.below(5) {
        0 => vec![],
        1 => vec![window("21:30", "05:00"), window("11:45", "13:15")],
        2 => vec![window("20:30", "06:10")],
        _ => vec![window("22:00", "05:00")],
    }
}
