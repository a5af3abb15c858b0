//! Bulletins and whom they are for. Each change gives the programmes it touches a new generation, in the same transaction.

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    id::{AreaId, BulletinId},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use utoipa::ToSchema;

use super::{
    AudioId, Claim, Result, Store, StoreError, UserId,
    bulletin_row::{self, Row, select_bulletins},
    channels,
    convert::{number, parse},
    endorsements::{self, Endorsing},
    error::not_found,
    holidays, idempotency,
};
use crate::logic::{
    approval::{self, Ask, Case, Fate, Stage, Verdict},
    relay::RelayPlan,
};

/// An approval that is asked for, or was.
pub type Plea = approval::Plea<UserId>;

/// What the second person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub by: UserId,
    pub at: WallTime,
    /// Of the form that was decided on.
    pub digest: String,
    /// Why it was sent back.
    pub reason: Option<String>,
}

/// A bulletin as the office keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub bulletin: Bulletin,
    /// `None`: a stream.
    pub audio: Option<AudioId>,
    /// Of a relay.
    pub relay: Option<RelayPlan>,
    pub stage: Stage,
    /// `None`: the present form needs no approval.
    pub plea: Option<Plea>,
    /// To the present form, or (an approval) to one that differs in its title only.
    pub decision: Option<Decision>,
    /// `None`: no approver's passkey need have signed the present form.
    pub endorsing: Option<Endorsing>,
    /// The title when it was last let on air; `None`: it never was.
    pub said_title: Option<String>,
    /// What its audio says, when that was made from text.
    pub words: Option<String>,
    /// When the last of it is over; `None` for a rule without end.
    pub ends: Option<WallTime>,
    pub supersedes: Option<BulletinId>,
    pub made_by: Option<UserId>,
    pub made: WallTime,
    pub changed: WallTime,
    /// Of a rule that skips holidays: what a person took out of it. The bulletin's own exceptions are these and the holidays.
    pub own_except: Option<Vec<String>>,
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub channel: Channel,
    /// The channel's programme holds the present revision from this generation on.
    pub generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulletinState {
    /// Something of it is still to come, or may still go on.
    Planned,
    /// A second person has to approve it first.
    Awaiting,
    /// The second person sent it back, with a reason.
    Returned,
    /// Off the air until somebody resumes it.
    Paused,
    Cancelled,
    /// Nothing of it is left.
    Ended,
    /// Its time passed before anybody approved it: it is never said.
    Lapsed,
}

impl Kept {
    pub fn state(&self, now: WallTime) -> BulletinState {
        let over = self.ends.is_some_and(|ends| ends <= now);
        let approve_by = self.approve_by();
        let lapsed = approve_by.is_some_and(|by| by < now);
        match self.stage {
            Stage::Cancelled => BulletinState::Cancelled,
            Stage::Planned | Stage::Paused if over => BulletinState::Ended,
            Stage::Planned => BulletinState::Planned,
            Stage::Paused => BulletinState::Paused,
            Stage::Awaiting | Stage::Returned if lapsed => BulletinState::Lapsed,
            Stage::Awaiting => BulletinState::Awaiting,
            Stage::Returned => BulletinState::Returned,
        }
    }

    /// Until when what it waits for may be given; `None`: as long as it stands.
    pub fn approve_by(&self) -> Option<WallTime> {
        let plea = self.plea.as_ref().and_then(|plea| plea.approve_by);
        plea.or_else(|| self.endorsing.as_ref()?.approve_by)
    }

    /// Somebody said yes to the present form, or nobody needs to.
    pub fn is_approved(&self) -> bool {
        let approved = self.decision.as_ref().map(|said| said.verdict) == Some(Verdict::Approved);
        self.plea.is_none() || approved
    }

    /// On the desk of a second person. `digest`: of the present form.
    pub fn case<'a>(&'a self, digest: &'a str) -> Case<'a, UserId> {
        Case {
            stage: self.stage,
            made_by: self.made_by.as_ref(),
            // Yes is said once; it may still wait for signatures.
            plea: self.plea.as_ref().filter(|_| !self.is_approved()),
            digest,
        }
    }

    /// Of the present form; see [`approval::digest`].
    pub fn digest(&self) -> String {
        approval::digest(&self.bulletin, &self.channels(), self.relay.as_ref())
    }

    /// As a person made it: without the calendar's days.
    pub fn as_made(&self) -> Bulletin {
        match &self.own_except {
            Some(own) => holidays::without(&self.bulletin, own),
            None => self.bulletin.clone(),
        }
    }

    pub fn channels(&self) -> Vec<Channel> {
        self.targets.iter().map(|t| t.channel.clone()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct NewBulletin {
    pub bulletin: Bulletin,
    pub audio: Option<AudioId>,
    pub relay: Option<RelayPlan>,
    pub targets: Vec<Channel>,
    /// The calendar's days become exceptions of the rule.
    pub skip_holidays: bool,
    /// Cancelled in the transaction that lets this one on air.
    pub supersedes: Option<BulletinId>,
    pub made_by: Option<UserId>,
    /// The approval that it needs before it goes on air.
    pub ask: Option<Ask>,
}

/// The next form of a bulletin.
#[derive(Clone, Copy, Debug)]
pub struct BulletinChange<'a> {
    /// What the change was made from.
    pub seen: &'a Kept,
    pub bulletin: &'a Bulletin,
    pub audio: Option<&'a AudioId>,
    pub relay: Option<&'a RelayPlan>,
    pub targets: &'a [Channel],
    pub skip_holidays: bool,
    pub fate: Fate,
    pub by: Option<&'a UserId>,
}

#[derive(Clone, Debug, Default)]
pub struct BulletinFilter {
    /// Only what somebody in or below this area hears.
    pub area: Option<AreaId>,
    pub state: Option<BulletinState>,
    pub channel: Option<Channel>,
    /// After this one in the order of the list: newest first.
    pub after: Option<(WallTime, BulletinId)>,
    pub limit: u32,
}

impl Store {
    pub async fn bulletin(&self, id: &BulletinId) -> Result<Kept> {
        let mut db = self.readers().acquire().await?;
        self.load_bulletin(&mut db, id).await
    }

    /// Newest first.
    pub async fn bulletins(&self, filter: &BulletinFilter) -> Result<Vec<Kept>> {
        let state = match filter.state {
            None => "any",
            Some(BulletinState::Planned) => "planned",
            Some(BulletinState::Awaiting) => "awaiting",
            Some(BulletinState::Returned) => "returned",
            Some(BulletinState::Paused) => "paused",
            Some(BulletinState::Cancelled) => "cancelled",
            Some(BulletinState::Ended) => "ended",
            Some(BulletinState::Lapsed) => "lapsed",
        };
        let mut db = self.readers().acquire().await?;
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent)",
            "WHERE ($1 IS NULL OR EXISTS (SELECT 1 FROM bulletin_targets WHERE bulletin = bulletins.id AND channel IN ( \
               SELECT 'area.' || id FROM below UNION SELECT 'area.' || id FROM up \
               UNION SELECT 'speaker.' || id FROM speakers WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || id FROM speaker_groups WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || group_id FROM group_members JOIN speakers ON speakers.id = speaker \
                 WHERE area IN (SELECT id FROM below)))) \
             AND ($2 = 'any' OR ($2 = 'cancelled' AND state = 'cancelled') \
               OR ($2 IN ('planned', 'paused') AND state = $2 AND (ends IS NULL OR ends > $3)) \
               OR ($2 IN ('awaiting', 'returned') AND state = $2 AND (approve_by IS NULL OR approve_by >= $3)) \
               OR ($2 = 'lapsed' AND state IN ('awaiting', 'returned') AND approve_by < $3) \
               OR ($2 = 'ended' AND state IN ('planned', 'paused') AND ends <= $3)) \
             AND ($4 IS NULL OR EXISTS (SELECT 1 FROM bulletin_targets WHERE bulletin = bulletins.id AND channel = $4)) \
             AND ($5 IS NULL OR (made, bulletins.id) < ($5, $6)) \
             ORDER BY made DESC, bulletins.id DESC LIMIT $7"
        ))
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(state)
        .bind(self.now().as_micros())
        .bind(filter.channel.as_ref().map(Channel::to_string))
        .bind(filter.after.as_ref().map(|(made, _)| made.as_micros()))
        .bind(filter.after.as_ref().map(|(_, id)| id.to_string()))
        .bind(i64::from(filter.limit))
        .fetch_all(&mut *db)
        .await?;
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            kept.push(self.complete(&mut db, &row).await?);
        }
        Ok(kept)
    }

    /// Does anybody in or below this area hear it?
    pub async fn concerns(&self, bulletin: &BulletinId, area: &AreaId) -> Result<bool> {
        let row: Option<i64> = sqlx::query_scalar(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent) \
             SELECT 1 FROM bulletin_targets WHERE bulletin = $2 AND channel IN ( \
               SELECT 'area.' || id FROM below UNION SELECT 'area.' || id FROM up \
               UNION SELECT 'speaker.' || id FROM speakers WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || id FROM speaker_groups WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || group_id FROM group_members JOIN speakers ON speakers.id = speaker \
                 WHERE area IN (SELECT id FROM below)) LIMIT 1",
        )
        .bind(area.as_str())
        .bind(bulletin.as_str())
        .fetch_optional(self.readers())
        .await?;
        Ok(row.is_some())
    }

    /// Returns it with the channels that it took the superseded one from.
    pub async fn add_bulletin(
        &self,
        new: NewBulletin,
        claim: Option<&Claim>,
    ) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let left = self.add_in(&mut tx, &new, now).await?;
        let id = &new.bulletin.id;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left.superseded))
    }

    pub(super) async fn add_in(
        &self,
        tx: &mut SqliteConnection,
        new: &NewBulletin,
        now: WallTime,
    ) -> Result<Left> {
        let id = &new.bulletin.id;
        let signed = self
            .to_be_signed(tx, &new.bulletin, new.skip_holidays, now)
            .await?;
        let asked = signed.as_ref().map_or(&new.bulletin, |signed| &signed.form);
        let (bulletin, own) = holidays::skipping(tx, asked, new.skip_holidays, &[], now).await?;
        bulletin_row::write(tx, &bulletin, new.audio.as_ref(), own.as_deref(), now).await?;
        bulletin_row::write_relay(tx, id, new.relay.as_ref()).await?;
        sqlx::query("UPDATE bulletins SET supersedes = $2, made_by = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(new.supersedes.as_ref().map(BulletinId::as_str))
            .bind(new.made_by.as_ref().map(UserId::as_str))
            .execute(&mut *tx)
            .await?;
        let (stage, plea) = match new.ask {
            Some(ask) => (
                Stage::Awaiting,
                Some(plea(ask, &new.bulletin, new.made_by.as_ref(), now)),
            ),
            None if signed.is_some() => (Stage::Awaiting, None),
            None => (Stage::Planned, None),
        };
        bulletin_row::write_stage(tx, id, stage, plea.as_ref(), None).await?;
        endorsements::ask(tx, id, signed.as_ref()).await?;
        self.settle(tx, &new.bulletin, stage, &[], &new.targets, now)
            .await
    }

    /// Replaces what was seen; [`StoreError::Changed`] when it is not so any more, in whatever way.
    /// Its exceptions are those of a person; with `skip_holidays` the calendar's are laid over them here.
    /// Returns it with the channels that do not have it any more.
    pub async fn change_bulletin(
        &self,
        change: BulletinChange<'_>,
    ) -> Result<(Kept, Vec<Channel>)> {
        let BulletinChange {
            seen,
            bulletin,
            audio,
            relay,
            targets,
            skip_holidays,
            fate,
            by,
        } = change;
        let mut tx = self.begin().await?;
        let now = self.now();
        let id = &bulletin.id;
        let old = self.load_bulletin(&mut tx, id).await?;
        if old.stage == Stage::Cancelled {
            return Err(StoreError::Cancelled { id: id.to_string() });
        }
        let was_seen = (&old.bulletin, old.stage, &old.plea)
            == (&seen.bulletin, seen.stage, &seen.plea)
            && old.channels() == seen.channels();
        if !was_seen || old.bulletin.revision + 1 != bulletin.revision {
            return Err(StoreError::Changed { id: id.to_string() });
        }
        let (signed, stage) = match fate {
            // Only the title changes, and nobody signed that.
            Fate::Keeps => (None, old.stage),
            _ => {
                let signed = self
                    .to_be_signed(&mut tx, bulletin, skip_holidays, now)
                    .await?;
                let stage = match signed {
                    Some(_) => Stage::Awaiting,
                    None => old.stage.after(fate),
                };
                (signed, stage)
            }
        };
        let unsigned = Bulletin {
            endorsement: None,
            ..bulletin.clone()
        };
        let bulletin = match (&signed, fate) {
            (Some(signed), _) => &signed.form,
            (None, Fate::Keeps) => bulletin,
            (None, _) => &unsigned,
        };
        let told = holidays::exceptions_of(&old.bulletin);
        let (bulletin, own) =
            holidays::skipping(&mut tx, bulletin, skip_holidays, told, now).await?;
        let bulletin = &bulletin;
        bulletin_row::write(&mut tx, bulletin, audio, own.as_deref(), now).await?;
        bulletin_row::write_relay(&mut tx, id, relay).await?;
        let (plea, decision) = match fate {
            Fate::Keeps => (old.plea.clone(), old.decision.clone()),
            Fate::Asks(ask) => (Some(plea(ask, bulletin, by, now)), None),
            Fate::Free => (None, None),
        };
        bulletin_row::write_stage(&mut tx, id, stage, plea.as_ref(), decision.as_ref()).await?;
        if fate != Fate::Keeps {
            endorsements::ask(&mut tx, id, signed.as_ref()).await?;
        }
        let old_channels = match old.stage {
            Stage::Planned => old.channels(),
            _ => Vec::new(),
        };
        let left = self
            .settle(&mut tx, bulletin, stage, &old_channels, targets, now)
            .await?;
        if stage == Stage::Planned && fate != Fate::Keeps {
            bulletin_row::write_said_title(&mut tx, id, &bulletin.title).await?;
        }
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left.own))
    }

    /// Cancelling twice is the same as once. Says which channels had it.
    pub async fn cancel_bulletin(&self, id: &BulletinId) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let old = self.load_bulletin(&mut tx, id).await?;
        let left = cancel(&mut tx, &old, self.now()).await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left))
    }

    /// Brings targets and programmes to where `stage` wants them. `before`: the channels whose programmes have it.
    pub(super) async fn settle(
        &self,
        db: &mut SqliteConnection,
        bulletin: &Bulletin,
        stage: Stage,
        before: &[Channel],
        targets: &[Channel],
        now: WallTime,
    ) -> Result<Left> {
        let id = &bulletin.id;
        let on_air = stage == Stage::Planned;
        let mut left = Left::default();
        if on_air {
            let newly = self.load_bulletin(db, id).await?;
            if newly.said_title.is_none() {
                bulletin_row::write_said_title(db, id, &bulletin.title).await?;
            }
            // First, for it makes room.
            if let Some(older) = &newly.supersedes {
                let older = self.load_bulletin(db, older).await?;
                if older.state(now) != BulletinState::Ended {
                    left.superseded = cancel(db, &older, now).await?;
                }
            }
        }
        for channel in before {
            if !on_air || !targets.contains(channel) {
                channels::bump(db, channel).await?;
                left.own.push(channel.clone());
            }
        }
        sqlx::query("DELETE FROM bulletin_targets WHERE bulletin = $1")
            .bind(id.as_str())
            .execute(&mut *db)
            .await?;
        for channel in targets {
            // Generation 0: no programme has it.
            let generation = match on_air {
                true => channels::bump(db, channel).await?,
                false => 0,
            };
            sqlx::query(
                "INSERT INTO bulletin_targets (bulletin, channel, generation) VALUES ($1, $2, $3)",
            )
            .bind(id.as_str())
            .bind(channel.to_string())
            .bind(generation)
            .execute(&mut *db)
            .await?;
            if on_air {
                self.must_fit(db, channel, now).await?;
            }
        }
        Ok(left)
    }

    pub(super) async fn load_bulletin(
        &self,
        db: &mut SqliteConnection,
        id: &BulletinId,
    ) -> Result<Kept> {
        let row: Option<Row> = sqlx::query_as(select_bulletins!("", "WHERE bulletins.id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *db)
            .await?;
        self.complete(db, &row.ok_or_else(|| not_found("bulletin", id))?)
            .await
    }

    pub(super) async fn complete(&self, db: &mut SqliteConnection, row: &Row) -> Result<Kept> {
        let targets: Vec<(String, i64)> = sqlx::query_as(
            "SELECT channel, generation FROM bulletin_targets WHERE bulletin = $1 ORDER BY channel",
        )
        .bind(&row.id)
        .fetch_all(&mut *db)
        .await?;
        let targets = targets
            .into_iter()
            .map(|(channel, generation)| {
                Ok(Target {
                    channel: parse("channel", &channel)?,
                    generation: number("generation", generation)?,
                })
            })
            .collect::<Result<_>>()?;
        let source = self.source_in(db, row).await?;
        let given = match row.is_signed() {
            true => endorsements::given(db, &row.id).await?,
            false => Vec::new(),
        };
        row.kept(source, targets, given)
    }
}

/// Channels whose programmes have something no more.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The bulletin itself.
    pub own: Vec<Channel>,
    /// The one that it superseded.
    pub superseded: Vec<Channel>,
}

pub(super) fn plea(ask: Ask, bulletin: &Bulletin, by: Option<&UserId>, now: WallTime) -> Plea {
    Plea {
        ask,
        by: by.cloned(),
        at: now,
        approve_by: approval::approve_by(bulletin, now),
    }
}

/// Says which channels had it.
pub(super) async fn cancel(
    db: &mut SqliteConnection,
    kept: &Kept,
    now: WallTime,
) -> Result<Vec<Channel>> {
    if kept.stage == Stage::Cancelled {
        return Ok(Vec::new());
    }
    sqlx::query("UPDATE bulletins SET state = 'cancelled', changed = $2 WHERE id = $1")
        .bind(kept.bulletin.id.as_str())
        .bind(now.as_micros())
        .execute(&mut *db)
        .await?;
    if kept.stage != Stage::Planned {
        return Ok(Vec::new());
    }
    for channel in kept.channels() {
        channels::bump(db, &channel).await?;
    }
    Ok(kept.channels())
}
