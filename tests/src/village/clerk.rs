//! The people of the office: what they announce, change, cancel and silence in a week, by chance, and often at the
//! worst moment. They do what the HTTP side does: change the database, then tell the office's logic.

use jiff::{Span, civil::Weekday};
use loa_protocol::{
    bulletin::{
        Bulletin, Chime, DEFAULT_EMERGENCY_VALID_S, OnPreempt, Priority, Repeat, Status,
        default_lateness_s,
    },
    channel::Channel,
    id::{BulletinId, SpeakerId},
    programme::Command,
    speaker_config::SpeakerConfig,
    time::WallTime,
};

use super::{
    DAY, Happening, Micros, SECOND, Village,
    database::{Kept, version},
    pattern::Pattern,
    town::quiet_hours,
};

/// So many living bulletins are enough for a village.
const ENOUGH: usize = 25;
pub(super) const HOURS: [i8; 12] = [2, 5, 6, 7, 9, 11, 12, 15, 17, 18, 20, 21];
pub(super) const MINUTES: [i8; 6] = [0, 0, 15, 30, 30, 45];

impl Village {
    pub(super) fn clerk_begins(&mut self) {
        for _ in 0..self.chance.between(2, 5) {
            self.announce_rule();
        }
        self.next_act();
    }

    fn next_act(&mut self) {
        let pause = DAY / self.climate.acts_a_day;
        let at = self.now + self.chance.between(SECOND, 2 * pause);
        self.at(at, Happening::ClerkActs);
    }

    pub(super) fn clerk_acts(&mut self) {
        if self.healed {
            return;
        }
        self.next_act();
        if self.office.run.is_none() {
            return;
        }
        match self.chance.below(100) {
            0..24 => self.announce_once(),
            24..38 => self.announce_now(),
            38..43 => self.raise_alarm(),
            43..49 => self.announce_rule(),
            49..58 => {
                if let Some(id) = self.any_living() {
                    self.cancel(&id);
                }
            }
            58..78 => {
                if let Some(id) = self.any_living() {
                    self.edit(&id);
                }
            }
            78..81 => {
                let channel = self.chance.pick(&self.town.channels);
                self.stop(channel);
            }
            81..87 => {
                let p = self.chance.index(self.poles.len());
                self.mute(p);
            }
            87..90 => {
                let windows = quiet_hours(&mut self.chance);
                let p = self.chance.index(self.poles.len());
                self.configure(p, |config| config.quiet_hours = windows);
            }
            90..92 => self.regroup(),
            _ => {
                // Everything at once.
                for _ in 0..3 {
                    self.announce_once();
                }
            }
        }
    }

    /// Somebody acts on just what sounds on this pole.
    pub(super) fn clerk_interferes(&mut self, p: usize) {
        if self.healed || self.office.run.is_none() {
            return;
        }
        let sounding = self.poles[p].run.as_ref().and_then(|run| {
            let current = run.player.current.as_ref()?;
            Some(current.play.playout.occurrence.bulletin.clone())
        });
        let Some(id) = sounding else { return };
        match self.chance.below(6) {
            0 | 1 => self.cancel(&id),
            2 => self.edit(&id),
            3 => {
                let config = &self.base.configs[&self.poles[p].id];
                let channel = self.chance.pick(&config.channels);
                self.stop(channel);
            }
            4 => self.mute(p),
            _ => self.raise_alarm(),
        }
    }

    fn any_living(&mut self) -> Option<BulletinId> {
        let living: Vec<&BulletinId> = self
            .base
            .bulletins
            .iter()
            .filter(|(_, kept)| !kept.cancelled)
            .map(|(id, _)| id)
            .collect();
        (!living.is_empty()).then(|| living[self.chance.index(living.len())].clone())
    }

    fn is_enough(&self) -> bool {
        let wall = self.wall();
        let living = self.base.bulletins.values().filter(|kept| {
            let last = kept.bulletin.last_planned().ok().flatten();
            !kept.cancelled && last.is_none_or(|last| last > wall)
        });
        living.count() >= ENOUGH
    }

    fn targets(&mut self) -> Vec<Channel> {
        let mut targets = vec![self.chance.pick(&self.town.channels)];
        if self.chance.per_mille(250) {
            let other = self.chance.pick(&self.town.channels);
            if other != targets[0] {
                targets.push(other);
            }
        }
        targets
    }

    fn new_bulletin(&mut self, priority: Priority, pattern: Pattern) -> Kept {
        let wall = self.wall();
        self.last_bulletin += 1;
        let is_now = matches!(pattern, Pattern::Now { .. });
        let mut lateness_s = default_lateness_s(priority, is_now);
        if self.chance.per_mille(150) && priority != Priority::Emergency {
            lateness_s = Some(self.chance.between(5, 1_800) as u32);
        }
        let valid_until = match priority {
            Priority::Emergency if is_now => Some(wall.plus_s(DEFAULT_EMERGENCY_VALID_S)),
            // An emergency by a rule is an exercise of the siren, and has its lateness.
            Priority::Emergency => {
                lateness_s = Some(300);
                None
            }
            _ if self.chance.per_mille(100) => {
                Some(wall.plus_s(self.chance.between(600, 5 * 86_400) as i64))
            }
            _ => None,
        };
        let repeat = if self.chance.per_mille(200) {
            Repeat {
                times: self.chance.between(2, 4) as u16,
                every_s: self.chance.pick(&[30, 90, 300, 1_200]),
            }
        } else {
            Repeat::default()
        };
        let bulletin = Bulletin {
            endorsement: None,
            id: format!("b{}", self.last_bulletin)
                .parse()
                .expect("a good name"),
            revision: 1,
            title: format!("Bản tin số {}", self.last_bulletin),
            priority,
            status: self
                .chance
                .pick(&[Status::Actual, Status::Actual, Status::Exercise]),
            order: self.chance.below(3) as u32,
            source: loa_protocol::bulletin::Source::Content(self.library.record(&mut self.chance)),
            replay: None,
            chime: self.chance.pick(&[
                Chime::None,
                Chime::Rise,
                Chime::Bell,
                Chime::Alert,
                Chime::Exercise,
            ]),
            volume: self.chance.between(40, 100) as u8,
            when: pattern.when(),
            zone: self.town.zone.into(),
            repeat,
            lateness_s,
            on_preempt: self.chance.pick(&[
                OnPreempt::Resume,
                OnPreempt::Resume,
                OnPreempt::Restart,
                OnPreempt::Drop,
            ]),
            max_duration_s: self.chance.pick(&[3_600, 3_600, 600, 20]),
            since: wall,
            valid_until,
        };
        Kept {
            bulletin,
            pattern,
            targets: self.targets(),
            cancelled: false,
        }
    }

    fn priority(&mut self) -> Priority {
        self.chance.pick(&[
            Priority::Ordinary,
            Priority::Ordinary,
            Priority::Ordinary,
            Priority::Priority,
        ])
    }

    fn announce_rule(&mut self) {
        if self.is_enough() {
            return;
        }
        let today = self.town.civil(self.wall()).date();
        let mut hours = vec![self.chance.pick(&HOURS)];
        while self.chance.per_mille(400) {
            hours.push(self.chance.pick(&HOURS));
        }
        hours.sort_unstable();
        hours.dedup();
        let days = match self.chance.below(3) {
            0 => {
                let mut days: Vec<Weekday> = (0..3)
                    .map(|_| self.chance.between(0, 6) as i8)
                    .filter_map(|d| Weekday::from_monday_zero_offset(d).ok())
                    .collect();
                days.sort_by_key(|d| d.to_monday_zero_offset());
                days.dedup();
                days
            }
            _ => Vec::new(),
        };
        let back = self.chance.below(4) as i64;
        let except = if self.chance.per_mille(200) {
            vec![today.saturating_add(Span::new().days(self.chance.between(0, 6) as i64))]
        } else {
            Vec::new()
        };
        let pattern = Pattern::Rule {
            start: today.saturating_sub(Span::new().days(back)),
            every: self.chance.pick(&[1, 1, 1, 2]),
            days,
            hours,
            minute: self.chance.pick(&MINUTES),
            count: self.chance.per_mille(200).then_some(9),
            except,
        };
        let priority = if self.chance.per_mille(60) {
            Priority::Emergency
        } else {
            self.priority()
        };
        let kept = self.new_bulletin(priority, pattern);
        self.publish(kept, false);
    }

    /// Some minutes to some days ahead, on a round minute; often the very minute of something else.
    fn some_time_ahead(&mut self) -> WallTime {
        let others: Vec<WallTime> = self
            .poles
            .iter()
            .filter_map(|pole| Some(pole.run.as_ref()?.agent.agenda().last()?.0))
            .filter(|at| *at > self.wall())
            .collect();
        if !others.is_empty() && self.chance.per_mille(250) {
            return self.chance.pick(&others);
        }
        let minutes = match self.chance.below(3) {
            0 => self.chance.between(1, 20),
            1 => self.chance.between(20, 600),
            _ => self.chance.between(600, 3 * 1440),
        };
        self.wall().plus_s(minutes as i64 * 60)
    }

    fn announce_once(&mut self) {
        if self.is_enough() {
            return;
        }
        let at = self.some_time_ahead();
        let civil = self.town.civil(at);
        let civil = civil.date().at(civil.hour(), civil.minute(), 0, 0);
        let priority = self.priority();
        let kept = self.new_bulletin(priority, Pattern::Once { civil });
        let urgent = self.chance.per_mille(300);
        self.publish(kept, urgent);
    }

    fn now_pattern(&self) -> Pattern {
        let at = self.wall();
        Pattern::Now {
            at,
            date: self.town.civil(at).date(),
        }
    }

    fn announce_now(&mut self) {
        let priority = self.priority();
        let pattern = self.now_pattern();
        let kept = self.new_bulletin(priority, pattern);
        self.publish(kept, true);
    }

    fn raise_alarm(&mut self) {
        let pattern = self.now_pattern();
        let kept = self.new_bulletin(Priority::Emergency, pattern);
        self.publish(kept, true);
    }

    pub(super) fn publish(&mut self, kept: Kept, urgent: bool) {
        let kept = self.endorse(kept);
        let bulletin = &kept.bulletin;
        self.diary.write(
            self.now,
            format_args!(
                "the clerk: {} r{} {:?} {:?} x{} every {} s, late {:?} s, until {:?}, for {:?}",
                bulletin.id,
                bulletin.revision,
                bulletin.priority,
                bulletin.when,
                bulletin.repeat.times,
                bulletin.repeat.every_s,
                bulletin.lateness_s,
                bulletin.valid_until,
                kept.targets
            ),
        );
        self.figures.acts += 1;
        let command = urgent.then(|| Command::Start {
            bulletin: Box::new(kept.bulletin.clone()),
        });
        let targets = kept.targets.clone();
        let touched = self.base.put(self.now, kept);
        for channel in touched {
            // A channel that it left gets no word of it but the programme.
            let command = command.clone().filter(|_| targets.contains(&channel));
            self.office_learns_channel(&channel, command);
        }
    }

    fn cancel(&mut self, id: &BulletinId) {
        self.figures.acts += 1;
        self.diary
            .write(self.now, format_args!("the clerk cancels {id}"));
        let urgent = self.chance.per_mille(800);
        for channel in self.base.cancel(self.now, id) {
            let command = urgent.then(|| Command::Cancel {
                bulletin: id.clone(),
            });
            self.office_learns_channel(&channel, command);
        }
    }

    fn edit(&mut self, id: &BulletinId) {
        let Some(mut kept) = self.base.bulletins.get(id).cloned() else {
            return;
        };
        let is_spoken = kept.bulletin.stream().is_some() || kept.bulletin.replay.is_some();
        if kept.cancelled || is_spoken {
            return;
        }
        let wall = self.wall();
        let is_now = matches!(kept.pattern, Pattern::Now { .. });
        match self.chance.below(10) {
            0..6 if !is_now => {
                // Moved, often just after it sounded, sometimes to where it would sound again.
                match &mut kept.pattern {
                    Pattern::Rule {
                        hours,
                        minute,
                        except,
                        ..
                    } => {
                        if self.chance.per_mille(700) {
                            *minute = self.chance.pick(&[0, 10, 20, 30, 40, 50]);
                        } else {
                            let today = self.town.civil(wall).date();
                            let ahead = Span::new().days(self.chance.between(0, 2) as i64);
                            except.push(today.saturating_add(ahead));
                            hours[0] = (hours[0] - self.chance.between(0, 2) as i8).max(0);
                        }
                    }
                    Pattern::Once { civil } => {
                        let minutes = self.chance.between(0, 120) as i64 - 45;
                        *civil = civil.saturating_add(Span::new().minutes(minutes));
                    }
                    Pattern::Now { .. } => {}
                }
                kept.bulletin.when = kept.pattern.when();
                kept.bulletin.since = wall;
            }
            6..8 => {
                kept.bulletin.source =
                    loa_protocol::bulletin::Source::Content(self.library.record(&mut self.chance))
            }
            8 => kept.targets = self.targets(),
            _ => {
                kept.bulletin.title.push_str(" (sửa)");
                kept.bulletin.order = self.chance.below(3) as u32;
            }
        }
        kept.bulletin.revision += 1;
        self.figures.edits += 1;
        let urgent = self.chance.per_mille(200);
        self.publish(kept, urgent);
    }

    fn stop(&mut self, channel: Channel) {
        let at = self.wall();
        self.diary
            .write(self.now, format_args!("the clerk stops all on {channel}"));
        self.figures.stops += 1;
        self.base.stop(self.now, at, std::slice::from_ref(&channel));
        let command = self
            .chance
            .per_mille(900)
            .then_some(Command::Stop { before: at });
        self.office_learns_channel(&channel, command);
    }

    fn mute(&mut self, p: usize) {
        let muted = !self.base.configs[&self.poles[p].id].muted;
        self.configure(p, |config| config.muted = muted);
        if muted {
            let back = self.now + self.chance.between(SECOND, 8 * 3600 * SECOND);
            self.at(back, Happening::Unmute { pole: p });
        }
    }

    pub(super) fn unmute(&mut self, p: usize) {
        if self.base.configs[&self.poles[p].id].muted {
            self.configure(p, |config| config.muted = false);
        }
    }

    fn configure(&mut self, p: usize, change: impl FnOnce(&mut SpeakerConfig)) {
        let (id, made) = (self.poles[p].id.clone(), self.wall());
        let Some(config) = self.base.configs.get_mut(&id) else {
            return;
        };
        change(config);
        config.version = version(config.version.generation + 1);
        config.made = made;
        self.diary.write(
            self.now,
            format_args!(
                "the clerk: {id} muted {} quiet {:?} follows {:?} since {}",
                config.muted, config.quiet_hours, config.channels, config.since
            ),
        );
        self.figures.acts += 1;
        self.tell_config(&id);
    }

    fn tell_config(&mut self, id: &SpeakerId) {
        if self.office.run.is_some() {
            self.office_learns_config(id);
        }
    }

    /// Somebody joins a group, or leaves it.
    fn regroup(&mut self) {
        if self.town.groups.is_empty() {
            return;
        }
        let group = self.chance.pick(&self.town.groups);
        let p = self.chance.index(self.poles.len());
        let wall = self.wall();
        self.configure(p, |config| {
            match config.channels.iter().position(|c| *c == group) {
                Some(place) => {
                    config.channels.remove(place);
                }
                None => {
                    config.channels.push(group);
                    config.since = wall;
                }
            }
        });
    }

    /// When an act lies so close to a sound, it is often about it.
    pub(super) fn maybe_interfere(&mut self, p: usize, length: Micros) {
        if self.chance.per_mille(self.climate.interferes) {
            let at = self.now + self.chance.below(length.max(1));
            self.at(at, Happening::ClerkInterferes { pole: p });
        }
    }
}
