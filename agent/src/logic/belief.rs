//! Whom this speaker believes, as it changes: root documents and further approvers come and are kept, time runs out, and
//! whatever is not believed any more is forgotten. A head that does not come any more is told of: somebody holds the
//! office's word back.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::{
    channel::Channel,
    envelope::{Refusal, open_unsigned},
    id::{AreaId, BulletinId},
    root::Root,
    speaker_config::SpeakerConfig,
    time::WallTime,
    topic::Topic,
    trust::RootTaken,
};
use serde::{Deserialize, Serialize};

use super::{
    Agent, Effect, FAULT_PAUSE_US,
    clock::SureNote,
    judge::{Judge, LeftOut},
    memory::Note,
    port::{LogLine, Write},
};

/// A head that has been out of date for so long, with the line up for as long, does not come any more.
const FROZEN_AFTER_S: i64 = 600;
/// And is told of again after this.
const FROZEN_AGAIN_US: u64 = 6 * 3_600_000_000;
/// Most bulletins of which it is remembered that they were told of as left out.
const MAX_LEFT_OUT: usize = 256;

/// What is watched about the trust.
#[derive(Debug, Default)]
pub struct Belief {
    /// Counts whatever may change a verdict on a bulletin.
    state: u64,
    /// Something of it changed, or the clock did.
    is_stale: bool,
    /// When the next thing runs out that something hangs on.
    next_expiry: Option<WallTime>,
    /// Since when the line is up, monotonic.
    up_since_us: Option<u64>,
    frozen_told_us: Option<u64>,
    /// Bulletins that are left out, and why; `true` once that was told.
    left_out: BTreeMap<BulletinId, (LeftOut, bool)>,
    left_out_told_us: Option<u64>,
}

/// The rules of a configuration that is not believed any more: it still keeps this speaker quiet.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RulesNote(pub SpeakerConfig);

impl Note for RulesNote {
    const NAME: &'static str = "own:rules";
}

impl Belief {
    /// The clock is not what it was, or is trusted only now.
    pub fn time_changed(&mut self) {
        self.is_stale = true;
    }
    pub fn line_is_up(&mut self, now_us: u64) {
        self.up_since_us = Some(now_us);
    }
    pub fn line_is_down(&mut self) {
        self.up_since_us = None;
    }
}

pub fn root_name(version: u32) -> String {
    format!("root:{version}")
}
pub fn approvers_name(area: &AreaId) -> String {
    format!("approvers:{area}")
}

impl Agent {
    /// The time by which something is too old, or while nobody knows the time one that is surely past; `None` for what is on the
    /// disk already.
    pub(super) fn time_of(&self, live: bool) -> Option<WallTime> {
        let now = match self.now.is_trusted() {
            true => self.now.wall,
            false => self.clock.surely_past(),
        };
        live.then_some(now)
    }

    pub(super) fn root_came(&mut self, version: u32, bytes: &[u8]) -> Result<(), Refusal> {
        if self.documents.was_seen(&root_name(version), bytes) {
            return Ok(());
        }
        if open_unsigned::<Root>(bytes)?.version != version {
            return Err(Refusal::WrongScope);
        }
        let areas: BTreeSet<AreaId> = self.trust.approver_areas().cloned().collect();
        let RootTaken::New { taken, gone } = self.trust.take_root(bytes)? else {
            return Ok(());
        };
        for (version, bytes) in taken {
            self.keep(root_name(version), &bytes, true);
            self.out.push(Effect::Log(LogLine::Root { version }));
        }
        let left = areas.iter().filter(|area| !self.trust.has_approvers(area));
        let needless = left.map(approvers_name).collect();
        self.forget_documents(needless);
        self.clock_knows_the_root();
        if !gone.is_empty() {
            // The office's clock, too, was only as good as its key.
            let known = self.clock.doubt(self.now.mono_us);
            self.commits.put(Write::KnownTime(known));
            self.forget_documents(vec![SureNote::NAME.into()]);
            if self.connected {
                self.clock.connected(self.now.mono_us);
            }
            self.look_at_clock(self.reading);
        }
        self.forget_distrusted();
        self.belief.is_stale = true;
        self.report.changed();
        // What came before this root, and was not believed then, is still with the broker.
        if self.connected {
            self.subscribe();
        }
        Ok(())
    }

    fn clock_knows_the_root(&mut self) {
        if let Some(root) = self.trust.root() {
            self.clock.not_before(root.made);
        }
    }

    pub(super) fn approvers_came(
        &mut self,
        area: &AreaId,
        bytes: &[u8],
        live: bool,
    ) -> Result<(), Refusal> {
        let name = approvers_name(area);
        if self.documents.was_seen(&name, bytes) {
            return Ok(());
        }
        // Of an area that was left they stay, so that an older list is stale when it is followed again.
        if live && !self.documents.follows(&Channel::Area(area.clone())) {
            return Err(Refusal::WrongScope);
        }
        if self.trust.take_approvers(area, bytes, self.time_of(live))? {
            self.keep(name, bytes, live);
            self.belief.is_stale = true;
        }
        Ok(())
    }

    /// Whatever was signed by a key that may not do so any more is forgotten, on the disk too.
    fn forget_distrusted(&mut self) {
        let forgotten = self.documents.forget_distrusted(&self.trust);
        if forgotten.names.is_empty() {
            return;
        }
        self.stage.distrusted.extend(forgotten.bulletins);
        if forgotten.head {
            self.doubt_checkpoint();
        }
        if forgotten.config {
            self.keep_rules();
            self.forget_orders();
        }
        self.forget_documents(forgotten.names);
    }

    /// The configuration in force binds although nobody vouches for it.
    pub(super) fn keep_rules(&mut self) {
        let note = RulesNote(self.documents.config.clone());
        self.keep_note(&note);
    }

    /// The programmes changed, or what is thought of them: the agenda takes over what they now hold together.
    pub(super) fn take_over_programmes(&mut self, live: bool) {
        let arrived = live.then_some(self.now.mono_us);
        let judge = Judge {
            trust: &self.trust,
            state: self.belief.state,
            ledger: &self.ledger,
            now: self.now.is_trusted().then_some(self.now.wall),
        };
        let effective = self.documents.effective(&judge);
        self.stage.distrusted.extend(effective.distrusted());
        self.note_left_out(&effective.left_out);
        self.agenda
            .replace(effective.all, arrived, self.now.wall, &self.ledger);
        let own = self.documents.next_expiry(self.now.wall);
        let keys = self.trust.next_expiry(self.now.wall);
        self.belief.next_expiry = [own, keys].into_iter().flatten().min();
        self.plan_changed();
    }

    fn note_left_out(&mut self, left_out: &BTreeMap<BulletinId, LeftOut>) {
        let told = std::mem::take(&mut self.belief.left_out);
        let faulty = left_out.iter().filter(|(_, why)| **why != LeftOut::Over);
        self.belief.left_out = faulty
            .take(MAX_LEFT_OUT)
            .map(|(id, why)| {
                let was_told = told.get(id).is_some_and(|(w, told)| w == why && *told);
                (id.clone(), (*why, was_told))
            })
            .collect();
    }

    pub(super) fn tend_belief(&mut self) {
        let due = self.belief.next_expiry.filter(|_| self.now.is_trusted());
        if self.belief.is_stale || due.is_some_and(|at| self.now.wall > at) {
            self.belief.is_stale = false;
            self.belief.state += 1;
            self.take_over_programmes(true);
        }
        self.tell_left_out();
        self.tell_frozen();
    }

    fn tell_left_out(&mut self) {
        let now_us = self.now.mono_us;
        let waits = |at: u64| now_us < at.saturating_add(FAULT_PAUSE_US);
        let untold = self.belief.left_out.iter_mut();
        let mut untold: Vec<_> = untold.filter(|(_, (_, told))| !*told).collect();
        if untold.is_empty() || self.belief.left_out_told_us.is_some_and(waits) {
            return;
        }
        let mut why = Vec::new();
        for (id, (reason, told)) in &mut untold {
            *told = true;
            why.push(format!("{id}: {reason}"));
        }
        self.belief.left_out_told_us = Some(now_us);
        self.fault("not_endorsed", &format!("left out: {}", why.join("; ")));
    }

    /// When the head will have been out of date for too long, monotonic; `None` while nobody can tell.
    fn frozen_at(&self) -> Option<u64> {
        let up_since_us = self.belief.up_since_us.filter(|_| self.now.is_trusted())?;
        let grace_us = FROZEN_AFTER_S.unsigned_abs() * 1_000_000;
        let patient = up_since_us.saturating_add(grace_us);
        let stale = match &self.documents.head {
            Some(head) => self.now.mono_at(head.expires?.plus_s(FROZEN_AFTER_S)),
            // An office with a root always has a head.
            None => self.trust.root().map(|_| 0)?,
        };
        let again = self.belief.frozen_told_us;
        let again = again.map_or(0, |at| at.saturating_add(FROZEN_AGAIN_US));
        Some(patient.max(stale).max(again))
    }

    fn tell_frozen(&mut self) {
        if self.frozen_at().is_none_or(|at| self.now.mono_us < at) {
            return;
        }
        self.belief.frozen_told_us = Some(self.now.mono_us);
        let last = self.documents.head.as_ref().map(|head| head.made);
        let last = last.map_or("none came yet".into(), |made| {
            format!("the last one was made at {made}")
        });
        let detail = format!(
            "the office's word is held back: the line is up, but no new head comes; {last}"
        );
        self.fault("frozen", &detail);
    }

    /// When to look again, monotonic.
    pub(super) fn belief_deadline(&self) -> Option<u64> {
        let expiry = self.belief.next_expiry.filter(|_| self.now.is_trusted());
        let expiry = expiry.map(|at| self.now.mono_at(at.plus_us(1)));
        let is_untold = self.belief.left_out.values().any(|(_, told)| !told);
        let told_us = self.belief.left_out_told_us.unwrap_or(0);
        let left_out = is_untold.then(|| told_us.saturating_add(FAULT_PAUSE_US));
        let all = [expiry, left_out, self.frozen_at()];
        all.into_iter().flatten().min()
    }

    /// Everything that is to be heard: first whom to believe.
    pub(super) fn subscribe(&mut self) {
        let roots = vec![Topic::ROOTS.to_owned()];
        self.out.push(Effect::Subscribe { filters: roots });
        let own = &self.identity.speaker;
        let mut filters: Vec<String> = vec![
            Topic::Head.to_string(),
            Topic::Config(own.clone()).to_string(),
            Topic::Ack(own.clone()).to_string(),
            Topic::ClockReply(own.clone()).to_string(),
        ];
        filters.extend(self.certificate_topic().map(|topic| topic.to_string()));
        let channels = self.documents.channels();
        filters.extend(channels.flat_map(super::inbox::channel_filters));
        filters.extend(self.contents.wanted().map(Topic::blocks_filter));
        let without = self.left_filters();
        filters.retain(|filter| !without.contains(filter));
        self.streams.unheard = without;
        self.out.push(Effect::Subscribe { filters });
    }

    /// Begins with the roots that were stored and those that it was given; gives the names of stored ones that are none.
    pub(super) fn restore_roots(&mut self, stored: Vec<(String, Vec<u8>)>) -> Vec<String> {
        let mut stored: Vec<(u32, Vec<u8>)> = stored
            .into_iter()
            .map(|(name, bytes)| {
                let version = name.strip_prefix("root:").and_then(|v| v.parse().ok());
                (version.unwrap_or(u32::MAX), bytes)
            })
            .collect();
        stored.sort();
        let mut needless: BTreeSet<u32> = stored.iter().map(|(version, _)| *version).collect();
        for (_, bytes) in stored {
            if let Ok(RootTaken::New { taken, .. }) = self.trust.take_root(&bytes) {
                for (version, bytes) in taken {
                    needless.remove(&version);
                    self.documents.note_seen(&root_name(version), &bytes);
                }
            }
        }
        for bytes in std::mem::take(&mut self.identity.roots) {
            if let Ok(RootTaken::New { taken, .. }) = self.trust.take_root(&bytes) {
                for (version, bytes) in taken {
                    needless.remove(&version);
                    self.keep(root_name(version), &bytes, true);
                }
            }
        }
        self.clock_knows_the_root();
        needless.into_iter().map(root_name).collect()
    }

    /// No configuration on the disk is believed: what is known of the rules of the last one binds.
    pub(super) fn restore_rules(&mut self, note: Option<RulesNote>, refused: Option<&[u8]>) {
        let distrusted = || {
            let config: SpeakerConfig = open_unsigned(refused?).ok()?;
            (config.speaker == self.identity.speaker).then_some(config)
        };
        let Some(mut config) = note.map(|note| note.0).or_else(distrusted) else {
            return;
        };
        config.version = Default::default();
        config.orders.clear();
        self.documents.hold_to(config);
        self.keep_rules();
    }
}
