//! Hand-picked sets of speakers. A group belongs to an area: who may arrange that area may arrange the group.

use loa_protocol::{
    id::{AreaId, GroupId, SpeakerId},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Result, Store, StoreError, alarms,
    convert::{parse, wall},
    error::{not_found, taken},
    idempotency,
    slug::free_name,
    speakers,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub area: AreaId,
    pub members: Vec<SpeakerId>,
    pub made: WallTime,
}

#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Made from the name when there is none.
    pub id: Option<GroupId>,
    pub name: String,
    pub area: AreaId,
    pub members: Vec<SpeakerId>,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    pub name: Option<String>,
    pub members: Option<Vec<SpeakerId>>,
    /// Whoever changes it would need a second person to speak to some who join.
    pub asks: bool,
}

const TAKEN: &str = "SELECT 1 FROM speaker_groups WHERE id = $1";

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    area: String,
    made: i64,
}

impl Store {
    /// All groups with their members, by name.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let mut db = self.readers().acquire().await?;
        let rows: Vec<Row> =
            sqlx::query_as("SELECT id, name, area, made FROM speaker_groups ORDER BY name, id")
                .fetch_all(&mut *db)
                .await?;
        let mut groups = Vec::with_capacity(rows.len());
        for row in rows {
            groups.push(with_members(&mut db, row).await?);
        }
        Ok(groups)
    }

    pub async fn group(&self, id: &GroupId) -> Result<Group> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    pub async fn add_group(&self, new: NewGroup, claim: Option<&Claim>) -> Result<Group> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let area: Option<i64> = sqlx::query_scalar("SELECT 1 FROM areas WHERE id = $1")
            .bind(new.area.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if area.is_none() {
            return Err(not_found("area", &new.area));
        }
        let id = match new.id {
            Some(id) => id,
            None => {
                let free = free_name(&mut tx, "group", &new.name, TAKEN).await?;
                parse("group", &free)?
            }
        };
        sqlx::query("INSERT INTO speaker_groups (id, name, area, made) VALUES ($1, $2, $3, $4)")
            .bind(id.as_str())
            .bind(&new.name)
            .bind(new.area.as_str())
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .map_err(taken("group", &id))?;
        set_members(&mut tx, &id, &[], &new.members, now).await?;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        let group = load(&mut tx, &id).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Also says which speakers follow other channels now.
    pub async fn change_group(
        &self,
        id: &GroupId,
        change: GroupChange,
    ) -> Result<(Group, Vec<SpeakerId>)> {
        let mut tx = self.begin().await?;
        let old = load(&mut tx, id).await?;
        if let Some(name) = &change.name {
            sqlx::query("UPDATE speaker_groups SET name = $2 WHERE id = $1")
                .bind(id.as_str())
                .bind(name)
                .execute(&mut *tx)
                .await?;
        }
        if change.asks {
            must_not_be_spoken_to(&mut tx, id, self.now()).await?;
        }
        let before = alarms::heard(&mut tx, self.now()).await?;
        let moved = match &change.members {
            Some(members) => set_members(&mut tx, id, &old.members, members, self.now()).await?,
            None => Vec::new(),
        };
        alarms::must_not_widen(&mut tx, &before, self.now(), "group", id).await?;
        let group = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok((group, moved))
    }

    /// Refused while a bulletin that is not over is for it. Says whose channels changed.
    pub async fn delete_group(&self, id: &GroupId) -> Result<Vec<SpeakerId>> {
        let mut tx = self.begin().await?;
        let old = load(&mut tx, id).await?;
        let spoken_to: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM bulletin_targets JOIN bulletins ON bulletins.id = bulletin_targets.bulletin \
             WHERE channel = $1 AND ((state IN ('planned', 'paused') AND (ends IS NULL OR ends > $2)) \
               OR (state = 'awaiting' AND (approve_by IS NULL OR approve_by >= $2))) LIMIT 1",
        )
        .bind(format!("group.{id}"))
        .bind(self.now().as_micros())
        .fetch_optional(&mut *tx)
        .await?;
        if spoken_to.is_some() {
            return Err(StoreError::InUse {
                what: "group",
                id: id.to_string(),
                by: "bulletins",
            });
        }
        let moved = set_members(&mut tx, id, &old.members, &[], self.now()).await?;
        sqlx::query("DELETE FROM speaker_groups WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(moved)
    }
}

/// What was said to a group without a second person must not come to those who are spoken to by two only.
async fn must_not_be_spoken_to(
    db: &mut SqliteConnection,
    id: &GroupId,
    now: WallTime,
) -> Result<()> {
    let spoken_to: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM bulletin_targets JOIN bulletins ON bulletins.id = bulletin_targets.bulletin \
         WHERE channel = $1 AND state IN ('planned', 'paused') AND (ends IS NULL OR ends > $2) LIMIT 1",
    )
    .bind(format!("group.{id}"))
    .bind(now.as_micros())
    .fetch_optional(db)
    .await?;
    match spoken_to {
        None => Ok(()),
        Some(_) => Err(StoreError::InUse {
            what: "group",
            id: id.to_string(),
            by: "bulletins",
        }),
    }
}

async fn load(db: &mut SqliteConnection, id: &GroupId) -> Result<Group> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, name, area, made FROM speaker_groups WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *db)
            .await?;
    with_members(db, row.ok_or_else(|| not_found("group", id))?).await
}

async fn with_members(db: &mut SqliteConnection, row: Row) -> Result<Group> {
    let members: Vec<String> = sqlx::query_scalar(
        "SELECT speaker FROM group_members WHERE group_id = $1 ORDER BY speaker",
    )
    .bind(&row.id)
    .fetch_all(db)
    .await?;
    Ok(Group {
        id: parse("group", &row.id)?,
        name: row.name,
        area: parse("area", &row.area)?,
        members: members
            .iter()
            .map(|m| parse("speaker", m))
            .collect::<Result<_>>()?,
        made: wall(row.made),
    })
}

/// Returns those who joined or left.
async fn set_members(
    db: &mut SqliteConnection,
    id: &GroupId,
    old: &[SpeakerId],
    new: &[SpeakerId],
    now: WallTime,
) -> Result<Vec<SpeakerId>> {
    let mut moved = Vec::new();
    for speaker in old.iter().filter(|s| !new.contains(s)) {
        sqlx::query("DELETE FROM group_members WHERE group_id = $1 AND speaker = $2")
            .bind(id.as_str())
            .bind(speaker.as_str())
            .execute(&mut *db)
            .await?;
        speakers::bump(db, speaker, now, false).await?;
        moved.push(speaker.clone());
    }
    for speaker in new.iter().filter(|s| !old.contains(s)) {
        if moved.contains(speaker) {
            continue;
        }
        sqlx::query(
            "INSERT INTO group_members (group_id, speaker) \
             SELECT $1, id FROM speakers WHERE id = $2 AND removed IS NULL",
        )
        .bind(id.as_str())
        .bind(speaker.as_str())
        .execute(&mut *db)
        .await?;
        // Fails when there is no such speaker.
        speakers::bump(db, speaker, now, true).await?;
        moved.push(speaker.clone());
    }
    Ok(moved)
}
