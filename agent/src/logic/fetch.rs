//! Getting audio here: says what is missing, takes blocks that are what their manifest names, and asks again when
//! nothing comes, after 3 s and then ever more seldom up to a minute, each pole at its own moment.

use loa_protocol::{
    bulletin::Priority,
    content::{ContentId, Wants},
    topic::Topic,
};

use super::{
    Agent, Effect,
    content::{Contents, Need, Rank},
    port::LogLine,
};

const FIRST_PAUSE_US: u64 = 3_000_000;
const LAST_PAUSE_US: u64 = 60_000_000;
/// The shortest time between two askings because blocks had to be dropped.
const DROPPED_PAUSE_US: u64 = 200_000;

impl Contents {
    /// The line is new: ask at once for all that is missing.
    pub fn ask_again(&mut self, now_us: u64) {
        let is_any_wanted = self.wanted().next().is_some();
        self.ask.at = is_any_wanted.then_some(now_us);
        self.ask.pause_us = FIRST_PAUSE_US;
    }
}

impl Agent {
    pub(super) fn tend_contents(&mut self) {
        if std::mem::take(&mut self.contents.stale) {
            self.review_needs();
        }
        for content in self.contents.take_whole() {
            self.out.push(Effect::FinishContent { content });
        }
        let now_us = self.now.mono_us;
        if self.connected && self.contents.ask.at.is_some_and(|at| at <= now_us) {
            let wants = self.contents.wants();
            let pause_us = self
                .contents
                .ask
                .pause_us
                .clamp(FIRST_PAUSE_US, LAST_PAUSE_US);
            self.contents.ask.pause_us = pause_us.saturating_mul(2).min(LAST_PAUSE_US);
            self.contents.ask.at = Some(now_us + self.chance.around(pause_us));
            if !wants.is_empty() {
                let speaker = self.identity.speaker.clone();
                let topic = Topic::Want(speaker.clone());
                self.say(topic, &Wants { speaker, wants });
            }
        }
        if self.contents.wanted().next().is_none() {
            self.contents.ask.at = None;
        }
    }

    /// What is needed changed: what is asked for, and what has to make room, may too.
    fn review_needs(&mut self) {
        let before: Vec<ContentId> = self.contents.wanted().collect();
        let (gone, fits) = self.contents.set_needed(self.needs());
        for content in gone {
            self.out.push(Effect::EvictContent { content });
        }
        if !fits {
            self.fault(
                "quota",
                "there is no room for all audio of the week; the nearest air times win",
            );
        }
        let after: Vec<ContentId> = self.contents.wanted().collect();
        let filters = |some: &[ContentId], less: &[ContentId]| -> Vec<String> {
            let only = some.iter().filter(|content| !less.contains(content));
            only.map(|content| Topic::blocks_filter(*content)).collect()
        };
        let (left, joined) = (filters(&before, &after), filters(&after, &before));
        if self.connected && !left.is_empty() {
            self.out.push(Effect::Unsubscribe { filters: left });
        }
        if !joined.is_empty() {
            if self.connected {
                self.out.push(Effect::Subscribe { filters: joined });
            }
            self.contents.ask_again(self.now.mono_us);
        }
    }

    fn needs(&self) -> Vec<Need> {
        let need = |bulletin, rank| Need {
            bulletin,
            rank,
            admitted: false,
        };
        let acts = self.stage.acts.values();
        let mut needs: Vec<Need> = acts
            .map(|act| need(act.bulletin.clone(), Rank::OnStage))
            .collect();
        for (id, at) in self.agenda.nearest_air_times(self.now.wall) {
            if let Some(known) = self.agenda.known(id) {
                let rank = match known.bulletin.priority {
                    Priority::Emergency => Rank::Emergency(at),
                    _ => Rank::Later(at),
                };
                needs.push(need(known.bulletin.clone(), rank));
            }
        }
        needs
            .retain(|need| need.bulletin.manifest().is_some() && !self.is_needless(&need.bulletin));
        needs
    }

    pub(super) fn block_came(&mut self, content: ContentId, index: u32, bytes: &[u8]) {
        match self.contents.take_block(content, index, bytes) {
            Err(()) => {
                self.report.refused("wrong_block");
                self.fault(
                    "wrong_block",
                    &format!("block {index} of {content} is not what its manifest names"),
                );
            }
            Ok(None) => {}
            Ok(Some((offset, length))) => {
                self.out.push(Effect::StoreBlock {
                    content,
                    index,
                    offset,
                    length,
                    bytes: bytes.to_vec(),
                });
                self.contents.ask.pause_us = FIRST_PAUSE_US;
                let pause_us = self.chance.around(FIRST_PAUSE_US);
                self.contents.ask.at = Some(self.now.mono_us + pause_us);
            }
        }
    }

    pub(super) fn block_stored(&mut self, content: ContentId, index: u32) {
        self.contents.block_settled(&content, index, true);
        if self.contents.ask.dropped && !self.contents.is_storing() {
            self.contents.ask.dropped = false;
            self.contents.ask.at = Some(self.now.mono_us + DROPPED_PAUSE_US);
        }
    }

    pub(super) fn block_failed(&mut self, content: ContentId, index: u32, detail: &str) {
        self.contents.block_settled(&content, index, false);
        self.fault(
            "content",
            &format!("block {index} of {content} cannot be stored: {detail}"),
        );
    }

    pub(super) fn content_ready(&mut self, content: ContentId) {
        if self.contents.ready(content) {
            self.out.push(Effect::Log(LogLine::ContentReady {
                content: content.to_string(),
            }));
            self.report.changed();
            self.stage.dirty = true;
        }
    }

    pub(super) fn content_bad(&mut self, content: ContentId, detail: &str) {
        self.contents.lost(content);
        self.fault(
            "content",
            &format!("{content} is not whole any more: {detail}"),
        );
        self.report.changed();
        self.stage.dirty = true;
    }
}
