//! The administrative tree. Depth, names and places in it change by decree, so they are data.

use std::collections::HashMap;

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Result, Store, StoreError, alarms,
    convert::{from_word, number, parse, wall, word},
    error::{not_found, taken},
    idempotency,
    slug::free_name,
};
use crate::logic::approval::Approval;

/// Deepest tree, in nodes from the root down.
pub const MAX_DEPTH: usize = 16;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub id: AreaId,
    pub name: String,
    /// What the law calls it there and then: province, commune, hamlet …
    pub kind: Option<String>,
    /// The official code, when it has one.
    pub code: Option<String>,
    pub parent: Option<AreaId>,
    /// Whether what is said to it needs a second person; `None`: as in the area above.
    pub approval: Option<Approval>,
    pub made: WallTime,
}

/// An area's place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub parent: Option<AreaId>,
    pub approval: Option<Approval>,
    /// In it, not below.
    pub speakers: usize,
}

#[derive(Clone, Debug, Default)]
pub struct NewArea {
    /// Made from the name when there is none.
    pub id: Option<AreaId>,
    pub name: String,
    pub kind: Option<String>,
    pub code: Option<String>,
    pub parent: Option<AreaId>,
    pub approval: Option<Approval>,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AreaChange {
    pub name: Option<String>,
    pub kind: Option<Option<String>>,
    pub code: Option<Option<String>>,
    pub parent: Option<Option<AreaId>>,
    pub approval: Option<Option<Approval>>,
}

const TAKEN: &str = "SELECT 1 FROM areas WHERE id = $1";

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    kind: Option<String>,
    code: Option<String>,
    parent: Option<String>,
    approval: Option<String>,
    made: i64,
}

impl TryFrom<Row> for Area {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Area> {
        Ok(Area {
            id: parse("area", &row.id)?,
            name: row.name,
            kind: row.kind,
            code: row.code,
            parent: row
                .parent
                .as_deref()
                .map(|p| parse("area", p))
                .transpose()?,
            approval: row
                .approval
                .as_deref()
                .map(|a| from_word("approval", a))
                .transpose()?,
            made: wall(row.made),
        })
    }
}

impl Store {
    /// All areas, or those below `below` with itself, by name.
    pub async fn areas(&self, below: Option<&AreaId>) -> Result<Vec<Area>> {
        let rows: Vec<Row> = match below {
            None => sqlx::query_as(
                "SELECT id, name, kind, code, parent, approval, made FROM areas ORDER BY name, id",
            )
            .fetch_all(self.readers())
            .await?,
            Some(top) => {
                sqlx::query_as(
                    "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
                     UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
                     SELECT id, name, kind, code, parent, approval, made FROM areas \
                     WHERE id IN (SELECT id FROM below) ORDER BY name, id",
                )
                .bind(top.as_str())
                .fetch_all(self.readers())
                .await?
            }
        };
        rows.into_iter().map(Area::try_from).collect()
    }

    pub async fn area(&self, id: &AreaId) -> Result<Area> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, name, kind, code, parent, approval, made FROM areas WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.readers())
        .await?;
        row.ok_or_else(|| not_found("area", id))?.try_into()
    }

    /// Every area with what is above it and what it sets for approval.
    pub async fn tree(&self) -> Result<HashMap<AreaId, Node>> {
        let rows: Vec<(String, Option<String>, Option<String>, i64)> = sqlx::query_as(
            "SELECT id, parent, approval, (SELECT COUNT(*) FROM speakers WHERE area = areas.id AND removed IS NULL) \
             FROM areas",
        )
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(id, parent, approval, speakers)| {
                let node = Node {
                    parent: parent.map(|p| parse("area", &p)).transpose()?,
                    approval: approval.map(|a| from_word("approval", &a)).transpose()?,
                    speakers: number("speakers", speakers)?,
                };
                Ok((parse("area", &id)?, node))
            })
            .collect()
    }

    /// The area and all above it, itself first. Empty when it does not exist.
    pub async fn lineage(&self, id: &AreaId) -> Result<Vec<AreaId>> {
        lineage(&mut *self.readers().acquire().await?, id).await
    }

    pub async fn add_area(&self, new: NewArea, claim: Option<&Claim>) -> Result<Area> {
        let mut tx = self.begin().await?;
        let now = self.now();
        if let Some(parent) = &new.parent {
            let above = lineage(&mut tx, parent).await?;
            if above.is_empty() {
                return Err(not_found("area", parent));
            }
            if above.len() >= MAX_DEPTH {
                return Err(StoreError::TooDeep { most: MAX_DEPTH });
            }
        }
        let id = match new.id {
            Some(id) => id,
            None => {
                let free = free_name(&mut tx, "area", &new.name, TAKEN).await?;
                parse("area", &free)?
            }
        };
        sqlx::query(
            "INSERT INTO areas (id, name, kind, code, parent, approval, made) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.as_str())
        .bind(&new.name)
        .bind(&new.kind)
        .bind(&new.code)
        .bind(new.parent.as_ref().map(AreaId::as_str))
        .bind(new.approval.as_ref().map(word))
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(taken("area", &id))?;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        tx.commit().await?;
        Ok(Area {
            id,
            name: new.name,
            kind: new.kind,
            code: new.code,
            parent: new.parent,
            approval: new.approval,
            made: now,
        })
    }

    /// Also says which speakers follow other channels now, because the node hangs elsewhere.
    pub async fn change_area(
        &self,
        id: &AreaId,
        change: AreaChange,
    ) -> Result<(Area, Vec<SpeakerId>)> {
        let mut tx = self.begin().await?;
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, name, kind, code, parent, approval, made FROM areas WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let old: Area = row.ok_or_else(|| not_found("area", id))?.try_into()?;
        let new = Area {
            id: old.id.clone(),
            name: change.name.unwrap_or(old.name),
            kind: change.kind.unwrap_or(old.kind),
            code: change.code.unwrap_or(old.code),
            parent: change.parent.unwrap_or_else(|| old.parent.clone()),
            approval: change.approval.unwrap_or(old.approval),
            made: old.made,
        };
        let mut moved = Vec::new();
        if new.parent != old.parent {
            if let Some(parent) = &new.parent {
                check_place(&mut tx, id, parent).await?;
            }
            let speakers: Vec<String> = sqlx::query_scalar(
                "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
                 UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
                 SELECT id FROM speakers WHERE removed IS NULL AND area IN (SELECT id FROM below)",
            )
            .bind(id.as_str())
            .fetch_all(&mut *tx)
            .await?;
            for speaker in speakers {
                moved.push(parse("speaker", &speaker)?);
            }
        }
        let before = match moved.is_empty() {
            true => None,
            false => Some(alarms::heard(&mut tx, self.now()).await?),
        };
        sqlx::query(
            "UPDATE areas SET name = $2, kind = $3, code = $4, parent = $5, approval = $6 WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(&new.name)
        .bind(&new.kind)
        .bind(&new.code)
        .bind(new.parent.as_ref().map(AreaId::as_str))
        .bind(new.approval.as_ref().map(word))
        .execute(&mut *tx)
        .await?;
        if let Some(before) = before {
            alarms::must_not_widen(&mut tx, &before, self.now(), "area", id).await?;
        }
        for speaker in &moved {
            super::speakers::bump(&mut tx, speaker, self.now(), true).await?;
        }
        tx.commit().await?;
        Ok((new, moved))
    }

    /// Only an empty one goes.
    pub async fn delete_area(&self, id: &AreaId) -> Result<()> {
        let mut tx = self.begin().await?;
        // Removed speakers are kept for their history only: it goes to the area above, and so do templates.
        sqlx::query(
            "UPDATE speakers SET area = (SELECT parent FROM areas WHERE id = $1) \
             WHERE area = $1 AND removed IS NOT NULL \
             AND EXISTS (SELECT 1 FROM areas WHERE id = $1 AND parent IS NOT NULL)",
        )
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE templates SET area = (SELECT parent FROM areas WHERE id = $1) WHERE area = $1",
        )
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        let used_by: Option<String> = sqlx::query_scalar(
            "SELECT 'areas' FROM areas WHERE parent = $1 \
             UNION ALL SELECT 'speakers' FROM speakers WHERE area = $1 \
             UNION ALL SELECT 'groups' FROM speaker_groups WHERE area = $1 \
             UNION ALL SELECT 'users' FROM users WHERE area = $1 \
             UNION ALL SELECT 'bulletins' FROM bulletin_targets JOIN bulletins ON id = bulletin \
             WHERE channel = $2 AND ((state IN ('planned', 'paused') AND (ends IS NULL OR ends > $3)) \
               OR (state = 'awaiting' AND (approve_by IS NULL OR approve_by >= $3))) LIMIT 1",
        )
        .bind(id.as_str())
        .bind(format!("area.{id}"))
        .bind(self.now().as_micros())
        .fetch_optional(&mut *tx)
        .await?;
        let kinds = ["areas", "speakers", "groups", "users", "bulletins"];
        let by = kinds.into_iter().find(|k| Some(*k) == used_by.as_deref());
        if let Some(by) = by {
            return Err(StoreError::InUse {
                what: "area",
                id: id.to_string(),
                by,
            });
        }
        let gone = sqlx::query("DELETE FROM areas WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        if gone.rows_affected() == 0 {
            return Err(not_found("area", id));
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The area and all above it, itself first.
pub(super) async fn lineage(db: &mut SqliteConnection, id: &AreaId) -> Result<Vec<AreaId>> {
    let rows: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE up (id, parent, height) AS ( \
         SELECT id, parent, 0 FROM areas WHERE id = $1 \
         UNION ALL SELECT areas.id, areas.parent, up.height + 1 FROM areas JOIN up ON areas.id = up.parent \
         WHERE up.height < 64) \
         SELECT id FROM up ORDER BY height",
    )
    .bind(id.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|id| parse("area", id)).collect()
}

/// May `id`, with all below it, hang under `parent`?
async fn check_place(db: &mut SqliteConnection, id: &AreaId, parent: &AreaId) -> Result<()> {
    let above = lineage(db, parent).await?;
    if above.is_empty() {
        return Err(not_found("area", parent));
    }
    if above.contains(id) {
        return Err(StoreError::Cycle {
            area: id.to_string(),
        });
    }
    let height: i64 = sqlx::query_scalar(
        "WITH RECURSIVE below (id, height) AS (SELECT id, 1 FROM areas WHERE id = $1 \
         UNION ALL SELECT areas.id, below.height + 1 FROM areas JOIN below ON areas.parent = below.id \
         WHERE below.height < 64) \
         SELECT MAX(height) FROM below",
    )
    .bind(id.as_str())
    .fetch_one(db)
    .await?;
    if above.len() + usize::try_from(height).unwrap_or(usize::MAX) > MAX_DEPTH {
        return Err(StoreError::TooDeep { most: MAX_DEPTH });
    }
    Ok(())
}
