//! What really was at one pole, instant by instant: the reference judges by this and by the office's plans alone.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{channel::Channel, content::ContentId, id::StoreId, playout::PlayoutId};

use super::{Micros, beliefs::Beliefs, library::Paper};

#[derive(Debug, Default)]
pub struct Tape {
    awake: Spans,
    online: Spans,
    clock_right: Spans,
    /// It was believed and far from the truth.
    deceived: Spans,
    /// The clock was last seen at …
    clock_seen: Micros,
    /// … and showed so much more than the monotonic clock, in microseconds; since when.
    offset: (i64, Micros),
    /// The last offset seen, and when the clock last took a step of more than a second.
    set: (i64, Micros),
    /// The agent's clock stepped, or its trust changed.
    pub steps: Vec<Micros>,
    /// Disk or player were made to fail or to be slow.
    pub trouble: Vec<Micros>,
    pub configs: Vec<(Micros, Option<Arc<Paper>>)>,
    programmes: BTreeMap<Channel, Vec<(Micros, u64)>>,
    audio: BTreeMap<ContentId, Vec<(Micros, bool)>>,
    pub sounds: Vec<Sound>,
}

/// One piece that sounded.
#[derive(Clone, Debug)]
pub struct Sound {
    pub store: StoreId,
    pub playout: PlayoutId,
    pub piece: u32,
    /// Of an emergency that is no exercise.
    pub in_earnest: bool,
    pub from: Micros,
    pub to: Micros,
    /// Nothing of it was heard for so long before that.
    pub silent: Micros,
    /// The place in chime and content at which it ended, in milliseconds.
    pub end_ms: u64,
}

#[derive(Debug, Default)]
struct Spans {
    past: Vec<(Micros, Micros)>,
    since: Option<Micros>,
}

impl Spans {
    fn open(&mut self, now: Micros) {
        self.since.get_or_insert(now);
    }
    fn close(&mut self, now: Micros) {
        if let Some(since) = self.since.take() {
            self.past.push((since, now));
        }
    }
    fn all(&self) -> impl Iterator<Item = (Micros, Micros)> {
        let last = self.since.map(|since| (since, Micros::MAX));
        self.past.iter().copied().chain(last)
    }
    /// One span holds it all.
    fn hold(&self, from: Micros, to: Micros) -> bool {
        self.all().any(|(a, b)| a <= from && to <= b)
    }
    fn touch(&self, from: Micros, to: Micros) -> bool {
        self.all().any(|(a, b)| a <= to && from <= b)
    }
}

impl Tape {
    pub fn awake_from(&mut self, now: Micros) {
        self.awake.open(now);
    }
    pub fn awake_until(&mut self, now: Micros) {
        self.awake.close(now);
        self.clock_right.close(self.clock_seen.min(now));
        self.deceived.close(now);
    }
    pub fn online_from(&mut self, now: Micros) {
        self.online.open(now);
    }
    pub fn online_until(&mut self, now: Micros) {
        self.online.close(now);
    }

    /// Did the agent's clock, which has this offset now, take a step of more than a second since?
    pub fn was_set(&self, offset_us: i64, since: Micros) -> bool {
        offset_us.abs_diff(self.set.0) > 1_000_000 || self.set.1 >= since
    }

    /// The agent's clock, looked at now.
    pub fn clock(&mut self, now: Micros, offset_us: i64, right: bool, deceived: bool) {
        if offset_us.abs_diff(self.set.0) > 1_000_000 {
            self.set.1 = now;
        }
        self.set.0 = offset_us;
        if offset_us.abs_diff(self.offset.0) > 1_000 {
            self.offset = (offset_us, now);
        }
        if right {
            self.clock_right.open(now);
        } else {
            // It was right when it was last seen; since then nobody knows.
            self.clock_right.close(self.clock_seen.min(now));
        }
        if deceived {
            self.deceived.open(self.clock_seen.min(now));
        } else {
            self.deceived.close(now);
        }
        self.clock_seen = now;
    }

    pub fn beliefs(&mut self, now: Micros, beliefs: &Beliefs) {
        let same = |a: &Option<Arc<Paper>>, b: &Option<Arc<Paper>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if !self
            .configs
            .last()
            .is_some_and(|(_, last)| same(last, &beliefs.config))
        {
            self.configs.push((now, beliefs.config.clone()));
        }
        for (channel, told) in &beliefs.channels {
            let generation = told.version().map_or(0, |v| v.generation);
            let known = self.programmes.entry(channel.clone()).or_default();
            if known.last().is_none_or(|(_, last)| *last != generation) {
                known.push((now, generation));
            }
        }
    }

    pub fn audio(&mut self, now: Micros, content: ContentId, ready: bool) {
        self.audio.entry(content).or_default().push((now, ready));
    }

    pub fn is_awake(&self, from: Micros, to: Micros) -> bool {
        self.awake.hold(from, to)
    }
    pub fn is_off(&self, from: Micros, to: Micros) -> bool {
        !self.awake.touch(from, to)
    }
    /// When it woke up next after an instant.
    pub fn wakes_after(&self, at: Micros) -> Option<Micros> {
        self.awake.all().map(|(a, _)| a).find(|a| *a > at)
    }
    pub fn is_online(&self, from: Micros, to: Micros) -> bool {
        self.online.hold(from, to)
    }
    pub fn is_clock_right(&self, from: Micros, to: Micros) -> bool {
        self.clock_right.hold(from, to) && !self.steps.iter().any(|at| (from..=to).contains(at))
    }
    /// Was its clock neither set nor corrected since?
    pub fn is_clock_steady_since(&self, at: Micros) -> bool {
        self.offset.1 < at
    }
    /// What it believed was never far from the truth.
    pub fn is_never_deceived(&self, from: Micros, to: Micros) -> bool {
        !self.deceived.touch(from, to)
    }
    pub fn has_trouble(&self, from: Micros, to: Micros) -> bool {
        self.trouble.iter().any(|at| (from..=to).contains(at))
    }
    /// The configuration, when it was one and the same all the time.
    pub fn config(&self, from: Micros, to: Micros) -> Option<&Arc<Paper>> {
        let before = self.configs.iter().rposition(|(at, _)| *at <= from)?;
        match self.configs.get(before + 1) {
            Some((at, _)) if *at <= to => None,
            _ => self.configs[before].1.as_ref(),
        }
    }
    /// Generation of a channel's programme that the speaker held at an instant.
    pub fn generation(&self, channel: &Channel, at: Micros) -> u64 {
        let known = self.programmes.get(channel).map_or(&[][..], |k| k);
        let before = known.iter().rev().find(|(t, _)| *t <= at);
        before.map_or(0, |(_, generation)| *generation)
    }
    pub fn has_audio(&self, content: &ContentId, from: Micros, to: Micros) -> bool {
        let known = self.audio.get(content).map_or(&[][..], |k| k);
        let before = known.iter().rev().find(|(t, _)| *t <= from);
        before.is_some_and(|(_, ready)| *ready)
            && !known
                .iter()
                .any(|(t, ready)| !ready && (from..=to).contains(t))
    }
}
