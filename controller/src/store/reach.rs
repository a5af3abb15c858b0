//! Whom a channel reaches, in short: for rights, approval and counts.

use std::collections::HashMap;

use loa_protocol::{
    channel::Channel,
    id::{AreaId, SpeakerId},
};

use sqlx::SqliteConnection;

use super::{Result, Store, UserId, convert::parse};

/// A channel as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// `None`: there is no such area, group or speaker (any more).
    pub name: Option<String>,
    /// The area that it is, or belongs to.
    pub area: Option<AreaId>,
    /// Everybody who follows it now, with the area of each.
    pub speakers: Vec<(SpeakerId, AreaId)>,
}

impl Store {
    pub async fn reached(&self, channel: &Channel) -> Result<Reached> {
        reached(&mut *self.readers().begin().await?, channel).await
    }

    /// Everybody's name.
    pub async fn names(&self) -> Result<HashMap<UserId, String>> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT id, name FROM users")
            .fetch_all(self.readers())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, name)| (UserId::new(id), name))
            .collect())
    }
}

/// To be asked within a transaction.
pub(super) async fn reached(db: &mut SqliteConnection, channel: &Channel) -> Result<Reached> {
    let (thing, followers, id) = match channel {
        Channel::Area(id) => (
            "SELECT name, id FROM areas WHERE id = $1",
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
             SELECT id, area FROM speakers WHERE removed IS NULL AND area IN (SELECT id FROM below)",
            id.as_str(),
        ),
        Channel::Group(id) => (
            "SELECT name, area FROM speaker_groups WHERE id = $1",
            "SELECT speakers.id, area FROM speakers JOIN group_members ON speaker = speakers.id \
             WHERE removed IS NULL AND group_id = $1",
            id.as_str(),
        ),
        Channel::Speaker(id) => (
            "SELECT name, area FROM speakers WHERE id = $1 AND removed IS NULL",
            "SELECT id, area FROM speakers WHERE id = $1 AND removed IS NULL",
            id.as_str(),
        ),
    };
    let found: Option<(String, String)> = sqlx::query_as(thing)
        .bind(id)
        .fetch_optional(&mut *db)
        .await?;
    let speakers: Vec<(String, String)> = sqlx::query_as(followers)
        .bind(id)
        .fetch_all(&mut *db)
        .await?;
    let (name, area) = found.unzip();
    Ok(Reached {
        name,
        area: area.map(|area| parse("area", &area)).transpose()?,
        speakers: speakers
            .iter()
            .map(|(id, area)| Ok((parse("speaker", id)?, parse("area", area)?)))
            .collect::<Result<_>>()?,
    })
}
