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
    error::not_found,
    holidays, idempotency,
};

/// A bulletin as the office keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub bulletin: Bulletin,
    pub audio: AudioId,
    pub cancelled: bool,
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
    Cancelled,
    /// Nothing of it is left.
    Ended,
}

impl Kept {
    pub fn state(&self, now: WallTime) -> BulletinState {
        match (self.cancelled, self.ends) {
            (true, _) => BulletinState::Cancelled,
            (false, Some(ends)) if ends <= now => BulletinState::Ended,
            _ => BulletinState::Planned,
        }
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
    pub audio: AudioId,
    pub targets: Vec<Channel>,
    /// The calendar's days become exceptions of the rule.
    pub skip_holidays: bool,
    /// Cancelled in the same transaction.
    pub supersedes: Option<BulletinId>,
    pub made_by: Option<UserId>,
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
            Some(BulletinState::Cancelled) => "cancelled",
            Some(BulletinState::Ended) => "ended",
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
               OR ($2 = 'planned' AND state = 'planned' AND (ends IS NULL OR ends > $3)) \
               OR ($2 = 'ended' AND state = 'planned' AND ends <= $3)) \
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

    /// Returns it with the channels of what it supersedes.
    pub async fn add_bulletin(
        &self,
        new: NewBulletin,
        claim: Option<&Claim>,
    ) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let id = &new.bulletin.id;
        let mut left = Vec::new();
        if let Some(older) = &new.supersedes {
            let kept = self.load_bulletin(&mut tx, older).await?;
            if !kept.cancelled {
                left = kept.channels();
                cancel(&mut tx, older, &left, now).await?;
            }
        }
        let (bulletin, own) =
            holidays::skipping(&mut tx, &new.bulletin, new.skip_holidays, &[], now).await?;
        bulletin_row::write(&mut tx, &bulletin, &new.audio, own.as_deref(), now).await?;
        sqlx::query("UPDATE bulletins SET supersedes = $2, made_by = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(new.supersedes.as_ref().map(BulletinId::as_str))
            .bind(new.made_by.as_ref().map(UserId::as_str))
            .execute(&mut *tx)
            .await?;
        self.set_targets(&mut tx, id, &new.targets, now).await?;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left))
    }

    /// Replaces the revision before `bulletin.revision`; [`StoreError::Changed`] when that is not the present one.
    /// Its exceptions are those of a person; with `skip_holidays` the calendar's are laid over them here.
    /// Returns it with the channels it is not for any more.
    pub async fn change_bulletin(
        &self,
        bulletin: &Bulletin,
        audio: &AudioId,
        targets: &[Channel],
        skip_holidays: bool,
    ) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let id = &bulletin.id;
        let old = self.load_bulletin(&mut tx, id).await?;
        if old.cancelled {
            return Err(StoreError::Cancelled { id: id.to_string() });
        }
        if old.bulletin.revision + 1 != bulletin.revision {
            return Err(StoreError::Changed { id: id.to_string() });
        }
        let left: Vec<Channel> = old
            .channels()
            .into_iter()
            .filter(|channel| !targets.contains(channel))
            .collect();
        for channel in &left {
            channels::bump(&mut tx, channel).await?;
        }
        let told = holidays::exceptions_of(&old.bulletin);
        let (bulletin, own) =
            holidays::skipping(&mut tx, bulletin, skip_holidays, told, now).await?;
        bulletin_row::write(&mut tx, &bulletin, audio, own.as_deref(), now).await?;
        self.set_targets(&mut tx, id, targets, now).await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left))
    }

    /// Cancelling twice is the same as once; `false`: it was cancelled already.
    pub async fn cancel_bulletin(&self, id: &BulletinId) -> Result<(Kept, bool)> {
        let mut tx = self.begin().await?;
        let old = self.load_bulletin(&mut tx, id).await?;
        if old.cancelled {
            return Ok((old, false));
        }
        cancel(&mut tx, id, &old.channels(), self.now()).await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, true))
    }

    async fn set_targets(
        &self,
        db: &mut SqliteConnection,
        id: &BulletinId,
        targets: &[Channel],
        now: WallTime,
    ) -> Result<()> {
        sqlx::query("DELETE FROM bulletin_targets WHERE bulletin = $1")
            .bind(id.as_str())
            .execute(&mut *db)
            .await?;
        for channel in targets {
            let generation = channels::bump(db, channel).await?;
            sqlx::query(
                "INSERT INTO bulletin_targets (bulletin, channel, generation) VALUES ($1, $2, $3)",
            )
            .bind(id.as_str())
            .bind(channel.to_string())
            .bind(generation)
            .execute(&mut *db)
            .await?;
            self.must_fit(db, channel, now).await?;
        }
        Ok(())
    }

    async fn load_bulletin(&self, db: &mut SqliteConnection, id: &BulletinId) -> Result<Kept> {
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
        let manifest = self.manifest_in(db, &row.content()?).await?;
        row.kept((*manifest).clone(), targets)
    }
}

async fn cancel(
    db: &mut SqliteConnection,
    id: &BulletinId,
    channels: &[Channel],
    now: WallTime,
) -> Result<()> {
    sqlx::query("UPDATE bulletins SET state = 'cancelled', changed = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.as_micros())
        .execute(&mut *db)
        .await?;
    for channel in channels {
        channels::bump(db, channel).await?;
    }
    Ok(())
}
