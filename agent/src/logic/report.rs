//! What the speaker says of itself: whole each time, a second after a change at the latest, and every minute.

use std::collections::BTreeMap;

use loa_protocol::{
    status::{Next, Partial, Sounding, SpeakerStatus},
    time::Moment,
    topic::Topic,
};

use super::{
    Agent, Effect, Pace,
    ledger::{MAX_TITLE_BYTES, shortened},
};

/// Changes that follow each other faster are told together.
const CALM_US: u64 = 1_000_000;
/// While a stream sounds, somebody may want to know how it fares.
const STREAMING_US: u64 = 5_000_000;
/// Most contents named in one status; those of the nearest air times.
pub const MAX_HELD: usize = 500;
/// Most unfinished contents named in one status.
pub const MAX_PARTIAL: usize = 100;

#[derive(Debug)]
pub struct Report {
    pub disk_free_bytes: Option<u64>,
    /// By word; the words are few and ours.
    refused: BTreeMap<&'static str, u64>,
    told_us: Option<u64>,
    is_changed: bool,
    /// A stream sounds.
    pub is_streaming: bool,
    began_us: u64,
}

impl Report {
    pub fn new(began_us: u64) -> Self {
        Self {
            disk_free_bytes: None,
            refused: BTreeMap::new(),
            told_us: None,
            is_changed: true,
            is_streaming: false,
            began_us,
        }
    }

    pub fn refused(&mut self, word: &'static str) {
        *self.refused.entry(word).or_default() += 1;
    }

    /// Something in the status is not what it was.
    pub fn changed(&mut self) {
        self.is_changed = true;
    }

    /// The whole is to be told now, changed or not.
    pub fn due_now(&mut self) {
        self.told_us = None;
    }

    pub fn deadline(&self, pace: &Pace) -> u64 {
        let pause_us = if self.is_changed {
            CALM_US
        } else if self.is_streaming {
            STREAMING_US
        } else {
            u64::from(pace.status_s) * 1_000_000
        };
        self.told_us.map_or(0, |told| told.saturating_add(pause_us))
    }
}

impl Agent {
    pub(super) fn tend_status(&mut self) {
        let now_us = self.now.mono_us;
        if now_us < self.report.deadline(&self.identity.pace) {
            return;
        }
        self.report.told_us = Some(now_us);
        self.report.is_changed = false;
        let status = self.build_status(self.now);
        if self.connected {
            let topic = Topic::Status(self.identity.speaker.clone());
            self.say(topic, &status);
        }
        self.out.push(Effect::ShowStatus(Box::new(status)));
    }

    pub(super) fn build_status(&self, moment: Moment) -> SpeakerStatus {
        let mut refused: BTreeMap<String, u64> = self
            .report
            .refused
            .iter()
            .map(|(word, count)| ((*word).to_owned(), *count))
            .collect();
        if self.outbox.faults_dropped() > 0 {
            refused.insert("faults_dropped".into(), self.outbox.faults_dropped());
        }
        let config_known = self.documents.config_known;
        SpeakerStatus {
            speaker: self.identity.speaker.clone(),
            online: true,
            store: self.store.clone(),
            boot: self.boot,
            agent: self.identity.agent.clone(),
            at: Some(moment.wall),
            clock: self.clock.state(moment),
            config: config_known.then_some(self.documents.config.version),
            programmes: self
                .documents
                .programmes()
                .map(|(c, v)| (c.clone(), v))
                .collect(),
            held: self.contents.held_of_needed().take(MAX_HELD).collect(),
            partial: self
                .contents
                .partial_of_needed()
                .take(MAX_PARTIAL)
                .map(|(content, blocks_held, blocks)| Partial {
                    content,
                    blocks_held,
                    blocks,
                })
                .collect(),
            sounding: self.stage.sounding().map(|(act, begun_us)| Sounding {
                occurrence: act.id().occurrence.clone(),
                title: act.row.playout.title.clone(),
                since: moment.wall_at(begun_us),
                streamed: act.row.playout.streamed.clone(),
            }),
            next: self.next(),
            muted: self.documents.config.muted,
            output: self.identity.output.clone(),
            last_event: self.outbox.last(),
            acked: self.outbox.acked(),
            refused,
            disk_free_bytes: self.report.disk_free_bytes,
            uptime_s: moment.mono_us.saturating_sub(self.report.began_us) / 1_000_000,
            limits: Some(self.limits()),
            governor_quiet: self.governed.own.quiet_hours.clone(),
            governor_zone: Some(self.governed.own.zone.clone()),
            used: Some(self.used(moment)),
            telemetry: Some(Box::new(self.telemetry(moment))),
            audit: self.witness.checkpoint(),
        }
    }

    fn next(&self) -> Option<Next> {
        let (planned, id) = self
            .agenda
            .iter()
            .find(|(_, id)| !self.stage.acts.contains_key(*id))?;
        let known = self.agenda.known(&id.bulletin)?;
        Some(Next {
            occurrence: id.clone(),
            title: shortened(&known.bulletin.title, MAX_TITLE_BYTES),
            planned,
        })
    }
}
