//! When everything has been put right: is everything said, acknowledged, equal on both sides, and accounted for?

use std::collections::BTreeMap;

use loa_protocol::{
    channel::Channel,
    id::BulletinId,
    playout::{Interruption, OccurrenceId, Outcome, Playout, PlayoutId},
};

use super::{
    Micros, SECOND, Village, database::version, figures::Figures, library::Paper, pole::Pole,
};

impl Village {
    /// Why it is not yet at peace; `None`: nothing more is under way.
    pub(super) fn unquiet(&self) -> Option<String> {
        if !self.is_office_online() {
            return Some("the office has no line".into());
        }
        (0..self.poles.len()).find_map(|p| {
            let why = self.unquiet_pole(p)?;
            Some(format!("{}: {why}", self.poles[p].id))
        })
    }

    fn unquiet_pole(&self, p: usize) -> Option<String> {
        let pole = &self.poles[p];
        let Some(run) = pole.run.as_ref().filter(|_| pole.is_online()) else {
            return Some("has no line".into());
        };
        let status = run.agent.status(self.reading(p));
        let through = self.base.through(&pole.id);
        if status.acked != status.last_event || !pole.disk.events.is_empty() {
            return Some(format!(
                "event {} of {} is acknowledged, {} wait on the disk",
                status.acked,
                status.last_event,
                pole.disk.events.len()
            ));
        }
        if through != pole.disk.last_event {
            return Some(format!(
                "the office has {through} of {}",
                pole.disk.last_event
            ));
        }
        if status.sounding.is_some() || run.player.current.is_some() || !run.agent.is_quiescent() {
            return Some("is not at rest".into());
        }
        let config = &self.base.configs[&pole.id];
        if status.config != Some(config.version) {
            return Some(format!("has configuration {:?}", status.config));
        }
        for channel in &config.channels {
            let Some(row) = self.base.channels.get(channel) else {
                continue;
            };
            let newest = version(row.generation);
            let kept = pole.disk.documents.get(&format!("programme:{channel}"));
            let kept = kept.and_then(|bytes| self.library.paper(bytes));
            if !matches!(kept.as_deref(), Some(Paper::Programme(p)) if p.version == newest) {
                return Some(format!("has not kept {newest:?} of {channel} on its disk"));
            }
            if status.programmes.get(channel) != Some(&newest) {
                return Some(format!(
                    "has {:?} of {channel} instead of {newest:?}",
                    status.programmes.get(channel)
                ));
            }
        }
        let open = pole
            .disk
            .ledger
            .values()
            .find(|r| r.playout.outcome.is_none());
        if let Some(row) = open {
            return Some(format!("{:?} is not over", row.playout.id));
        }
        self.missing_audio(pole)
    }

    /// Audio of what is ahead within the week in which it is fetched.
    fn missing_audio(&self, pole: &Pole) -> Option<String> {
        let config = &self.base.configs[&pole.id];
        let wall = self.wall();
        let soon = wall.plus_s(3_600);
        let far = wall.plus_s(7 * 86_400 - 3_600);
        self.base.bulletins.values().find_map(|kept| {
            let concerns = kept.targets.iter().any(|t| config.channels.contains(t));
            let content = &kept.bulletin.manifest()?.content;
            if kept.cancelled || !concerns || pole.disk.is_complete(content) {
                return None;
            }
            let starts = self.starts(kept, 20);
            let needed = starts.iter().any(|(id, at)| {
                (soon..far).contains(at) && *at >= config.since && !self.is_accounted(pole, id)
            });
            needed.then(|| format!("lacks the audio of {}", kept.bulletin.id))
        })
    }

    fn is_accounted(&self, pole: &Pole, id: &OccurrenceId) -> bool {
        let first = PlayoutId {
            occurrence: id.clone(),
            attempt: 0,
        };
        let row = self.base.playouts.get(&(pole.id.clone(), first));
        row.is_some_and(|playout| playout.outcome.is_some())
    }

    /// The last judgement.
    pub(super) fn judge(&mut self) {
        let result = self
            .compare_books()
            .and_then(|()| self.all_accounted())
            .and_then(|()| self.sounds_agree())
            .and_then(|()| self.replays_are_owed());
        // A broker that holds back, and keys that are taken back, leave the rest without an opinion.
        let result = match self.malice {
            Some(_) => result.map(|()| Default::default()),
            None => result
                .and_then(|()| self.blocks_are_sane())
                .and_then(|()| self.compare()),
        };
        match result {
            Ok(verdicts) => {
                self.figures.verdicts = verdicts;
                self.count();
            }
            Err(what) => self.breaks(what),
        }
    }

    /// Nothing twice, nothing lost, and both ledgers say the same.
    fn compare_books(&self) -> Result<(), String> {
        for pole in &self.poles {
            let key = (pole.id.clone(), pole.disk.store.clone());
            let id = &pole.id;
            let none = BTreeMap::new();
            let stored = self.base.events.get(&key).unwrap_or(&none);
            if *stored != pole.disk.history {
                return Err(format!(
                    "{id} wrote {} events, the office has {}, and they are not the same",
                    pole.disk.history.len(),
                    stored.len()
                ));
            }
            let theirs: BTreeMap<&PlayoutId, &Playout> = pole
                .disk
                .ledger
                .iter()
                .map(|(id, row)| (id, &row.playout))
                .collect();
            let ours: BTreeMap<&PlayoutId, &Playout> = self
                .base
                .playouts
                .iter()
                .filter(|((speaker, _), _)| speaker == id)
                .map(|((_, id), playout)| (id, playout))
                .collect();
            for (playout, row) in &theirs {
                if ours.get(playout) != Some(row) {
                    let known = ours.get(playout);
                    return Err(format!(
                        "{id}'s ledger has {row:?}, the office has {known:?}"
                    ));
                }
            }
            for (playout, row) in &ours {
                if !theirs.contains_key(playout) {
                    return Err(format!("the office has {row:?}, {id}'s ledger has not"));
                }
                if row.outcome.is_none() {
                    return Err(format!("{id}: {playout:?} has no outcome"));
                }
                let cut = Outcome::Interrupted(Interruption::PowerCut);
                let before = PlayoutId {
                    attempt: playout.attempt.saturating_sub(1),
                    ..(*playout).clone()
                };
                if playout.attempt > 0 && ours.get(&before).and_then(|b| b.outcome) != Some(cut) {
                    return Err(format!("{id}: {playout:?} has more outcomes than one"));
                }
            }
        }
        Ok(())
    }

    /// Every occurrence due in the week has its outcome on every speaker that followed its channel all along.
    fn all_accounted(&self) -> Result<(), String> {
        let mut followed_since: BTreeMap<(&BulletinId, &Channel), Micros> = BTreeMap::new();
        for revision in &self.base.revisions {
            for target in &revision.kept.targets {
                let key = (&revision.kept.bulletin.id, target);
                followed_since.entry(key).or_insert(revision.from);
            }
        }
        for kept in self.base.bulletins.values().filter(|k| !k.cancelled) {
            let bulletin = &kept.bulletin;
            for (id, at) in self.starts(kept, 9) {
                let start_by = bulletin.start_by(at);
                if start_by.plus_s(600) > self.wall() {
                    continue;
                }
                for pole in &self.poles {
                    let config = &self.base.configs[&pole.id];
                    let concerns = at >= config.since
                        && kept.targets.iter().any(|t| {
                            let since = followed_since.get(&(&bulletin.id, t));
                            let since = since.map(|at| self.town.wall(*at));
                            config.channels.contains(t) && since.is_some_and(|s| s <= at)
                        });
                    if concerns && !self.is_accounted(pole, &id) {
                        return Err(format!("{}: {id:?} planned {at} has no outcome", pole.id));
                    }
                }
            }
        }
        Ok(())
    }

    /// What was told is what was sounded.
    fn sounds_agree(&self) -> Result<(), String> {
        for pole in &self.poles {
            let mut sounded: BTreeMap<&PlayoutId, (Micros, u64)> = BTreeMap::new();
            for sound in &pole.tape.sounds {
                let of = sounded.entry(&sound.playout).or_default();
                of.0 += sound.to - sound.from - sound.silent;
                of.1 += 1;
            }
            for (id, row) in &pole.disk.ledger {
                let (us, pieces) = sounded.get(id).copied().unwrap_or_default();
                let told = row.playout.sounded_ms;
                let wrong = match row.playout.outcome {
                    Some(Outcome::Skipped(_) | Outcome::Missed(_)) => pieces > 0 || told > 0,
                    Some(Outcome::Interrupted(Interruption::PowerCut)) => told * 1000 > us + 50_000,
                    // A board's clock is fast or slow by some millionths, and each piece is rounded.
                    Some(_) => (told * 1000).abs_diff(us) > 5_000 * (pieces + 1) + us / 10_000,
                    None => true,
                };
                if wrong {
                    let outcome = row.playout.outcome;
                    return Err(format!(
                        "{}: {id:?} is {outcome:?} with {told} ms; it sounded {} ms in {pieces} pieces",
                        pole.id,
                        us / 1000
                    ));
                }
                sounded.remove(id);
            }
            if let Some((id, _)) = sounded.first_key_value() {
                return Err(format!("{}: {id:?} sounded and no ledger knows", pole.id));
            }
        }
        Ok(())
    }

    fn blocks_are_sane(&self) -> Result<(), String> {
        let mut needed: BTreeMap<_, u64> = BTreeMap::new();
        for pole in &self.poles {
            for (content, shelf) in &pole.disk.contents {
                *needed.entry(*content).or_default() += u64::from(shelf.held.count());
            }
        }
        for (content, sent) in &self.blocks_sent {
            let needed = needed.get(content).copied().unwrap_or(0);
            let lost = self.lost_blocks.get(content).copied().unwrap_or(0);
            let sane = 2 * (needed + lost) + 16;
            if *sent > sane {
                return Err(format!(
                    "content {content} was sent in {sent} blocks; {needed} were needed and {lost} lost"
                ));
            }
        }
        Ok(())
    }

    fn count(&mut self) {
        let figures: &mut Figures = &mut self.figures;
        figures.playouts = self.base.playouts.len() as u64;
        figures.completed = self
            .base
            .playouts
            .values()
            .filter(|p| p.outcome == Some(Outcome::Completed))
            .count() as u64;
        figures.blocks_needed = self
            .poles
            .iter()
            .flat_map(|p| p.disk.contents.values())
            .map(|shelf| u64::from(shelf.held.count()))
            .sum();
        self.figures.blocks_sent = self.total_blocks_sent();
        debug_assert!(self.now > SECOND);
    }
}
