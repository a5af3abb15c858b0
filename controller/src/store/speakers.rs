//! The poles, and what each is told about itself.

use std::collections::HashMap;

use jiff::civil::Date;
use loa_protocol::{
    channel::Channel,
    id::{AreaId, GroupId, SpeakerId},
    limits::Limits,
    programme::Version,
    quiet_hours::DayWindow,
    speaker_config::{MAX_CHANNELS, SpeakerConfig, VolumePlan},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Reason, Result, Store, StoreError, alarms, areas, certificates,
    convert::{from_json, json, number, parse, wall},
    error::{not_found, taken},
    figures, idempotency, orders, outages,
    slug::free_name,
};
use crate::broker::{TokenHash, token_hash};

/// One pole as the office keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Speaker {
    pub id: SpeakerId,
    pub name: String,
    pub area: AreaId,
    /// Degrees, WGS 84.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub zone: String,
    pub quiet_hours: Vec<DayWindow>,
    pub volume: VolumePlan,
    pub muted: bool,
    /// On top of the pole's own; the stricter holds.
    pub limits: Option<Limits>,
    pub delay_trim_ms: i16,
    /// `HH:MM` of the daily self-test.
    pub self_test_at: Option<String>,
    /// Megabytes (10^6 bytes) that its SIM may use in a month.
    pub data_plan_mb: Option<u32>,
    /// The last day of the plan.
    pub data_plan_ends: Option<Date>,
    /// The mast as the operator knows it, where the modem does not tell.
    pub cell: Option<String>,
    /// Counts the versions of its configuration.
    pub generation: u64,
    /// What was planned before this is not its business.
    pub since: WallTime,
    pub made: WallTime,
    pub changed: WallTime,
}

#[derive(Clone, Debug)]
pub struct NewSpeaker {
    /// Made from the name when there is none.
    pub id: Option<SpeakerId>,
    pub name: String,
    pub area: AreaId,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub zone: String,
    pub quiet_hours: Vec<DayWindow>,
    pub volume: VolumePlan,
    pub limits: Option<Limits>,
    pub delay_trim_ms: i16,
    pub self_test_at: Option<String>,
}

impl NewSpeaker {
    /// With the defaults of a new pole: no quiet hours, 80 percent, a self-test before noon.
    pub fn named(name: impl Into<String>, area: AreaId) -> Self {
        Self {
            id: None,
            name: name.into(),
            area,
            latitude: None,
            longitude: None,
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: Vec::new(),
            volume: VolumePlan::default(),
            limits: None,
            delay_trim_ms: 0,
            self_test_at: Some("11:45".into()),
        }
    }
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct SpeakerChange {
    pub name: Option<String>,
    pub area: Option<AreaId>,
    /// Latitude and longitude together.
    pub place: Option<Option<(f64, f64)>>,
    pub zone: Option<String>,
    pub quiet_hours: Option<Vec<DayWindow>>,
    pub volume: Option<VolumePlan>,
    pub muted: Option<bool>,
    pub limits: Option<Option<Limits>>,
    pub delay_trim_ms: Option<i16>,
    pub self_test_at: Option<Option<String>>,
    pub data_plan_mb: Option<Option<u32>>,
    pub data_plan_ends: Option<Option<Date>>,
    pub cell: Option<Option<String>>,
}

const COLUMNS: &str = "SELECT id, name, area, latitude, longitude, zone, quiet_hours, volume, muted, \
     delay_trim_ms, self_test_at, data_plan_mb, data_plan_ends, cell, limits, generation, since, made, changed FROM speakers WHERE removed IS NULL ORDER BY name, id";
const BELOW: &str = "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
     UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
     SELECT id, name, area, latitude, longitude, zone, quiet_hours, volume, muted, \
     delay_trim_ms, self_test_at, data_plan_mb, data_plan_ends, cell, limits, generation, since, made, changed FROM speakers \
     WHERE removed IS NULL AND area IN (SELECT id FROM below) ORDER BY name, id";
const ONE: &str = "SELECT id, name, area, latitude, longitude, zone, quiet_hours, volume, muted, \
     delay_trim_ms, self_test_at, data_plan_mb, data_plan_ends, cell, limits, generation, since, made, changed FROM speakers WHERE removed IS NULL AND id = $1";

/// A removed one counts.
const TAKEN: &str = "SELECT 1 FROM speakers WHERE id = $1";

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    area: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    zone: String,
    quiet_hours: String,
    volume: String,
    muted: i64,
    delay_trim_ms: i64,
    self_test_at: Option<String>,
    data_plan_mb: Option<i64>,
    data_plan_ends: Option<String>,
    cell: Option<String>,
    limits: Option<String>,
    generation: i64,
    since: i64,
    made: i64,
    changed: i64,
}

impl TryFrom<Row> for Speaker {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Speaker> {
        Ok(Speaker {
            id: parse("speaker", &row.id)?,
            name: row.name,
            area: parse("area", &row.area)?,
            latitude: row.latitude,
            longitude: row.longitude,
            zone: row.zone,
            quiet_hours: from_json("quiet hours", &row.quiet_hours)?,
            volume: from_json("volume", &row.volume)?,
            muted: row.muted != 0,
            delay_trim_ms: number("delay trim", row.delay_trim_ms)?,
            self_test_at: row.self_test_at,
            data_plan_mb: row
                .data_plan_mb
                .map(|mb| number("data plan", mb))
                .transpose()?,
            data_plan_ends: row
                .data_plan_ends
                .map(|day| parse("data plan", &day))
                .transpose()?,
            cell: row.cell,
            limits: row
                .limits
                .map(|limits| from_json("limits", &limits))
                .transpose()?,
            generation: number("generation", row.generation)?,
            since: wall(row.since),
            made: wall(row.made),
            changed: wall(row.changed),
        })
    }
}

impl Store {
    /// All speakers there are.
    pub async fn speakers(&self) -> Result<Vec<SpeakerId>> {
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT id FROM speakers WHERE removed IS NULL ORDER BY id")
                .fetch_all(self.readers())
                .await?;
        ids.iter().map(|id| parse("speaker", id)).collect()
    }

    /// All speakers, or those in and below `below`, by name.
    pub async fn speakers_below(&self, below: Option<&AreaId>) -> Result<Vec<Speaker>> {
        let rows: Vec<Row> = match below {
            None => sqlx::query_as(COLUMNS).fetch_all(self.readers()).await?,
            Some(top) => {
                sqlx::query_as(BELOW)
                    .bind(top.as_str())
                    .fetch_all(self.readers())
                    .await?
            }
        };
        rows.into_iter().map(Speaker::try_from).collect()
    }

    pub async fn speaker(&self, id: &SpeakerId) -> Result<Speaker> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    /// The speakers that follow a channel now.
    pub async fn followers(&self, channel: &Channel) -> Result<Vec<Speaker>> {
        match channel {
            Channel::Area(area) => self.speakers_below(Some(area)).await,
            Channel::Speaker(id) => match self.speaker(id).await {
                Ok(speaker) => Ok(vec![speaker]),
                Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
                Err(error) => Err(error),
            },
            Channel::Group(group) => {
                let rows: Vec<Row> = sqlx::query_as(
                    "SELECT speakers.id, name, area, latitude, longitude, zone, quiet_hours, volume, muted, \
                     delay_trim_ms, self_test_at, data_plan_mb, data_plan_ends, cell, limits, generation, since, made, changed FROM speakers \
                     JOIN group_members ON group_members.speaker = speakers.id \
                     WHERE removed IS NULL AND group_id = $1 ORDER BY name, speakers.id",
                )
                .bind(group.as_str())
                .fetch_all(self.readers())
                .await?;
                rows.into_iter().map(Speaker::try_from).collect()
            }
        }
    }

    /// What the speaker is told about itself; `None` when there is no such speaker (any more).
    pub async fn speaker_config(&self, id: &SpeakerId) -> Result<Option<SpeakerConfig>> {
        // One transaction: channels and version must belong together.
        let mut tx = self.readers().begin().await?;
        let speaker = match load(&mut tx, id).await {
            Ok(speaker) => speaker,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let channels = channels_of(&mut tx, id, &speaker.area).await?;
        let orders = orders::open(&mut tx, id, self.now()).await?;
        let config = config(speaker, channels, self.standing().office.epoch);
        Ok(Some(SpeakerConfig { orders, ..config }))
    }

    /// The hash of the token of each speaker that has one, by which a broker without TLS knows it.
    pub async fn mqtt_tokens(&self) -> Result<HashMap<SpeakerId, TokenHash>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, token_hash FROM speakers WHERE removed IS NULL AND token_hash <> ''",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(id, hash)| {
                let mut bytes = [0; 32];
                hex::decode_to_slice(hash, &mut bytes)
                    .map_err(|e| StoreError::Damaged(format!("token of {id}: {e}")))?;
                Ok((parse("speaker", id)?, bytes))
            })
            .collect()
    }

    /// `token`: its secret, of which only the hash is kept.
    pub async fn add_speaker(
        &self,
        new: NewSpeaker,
        token: &str,
        claim: Option<&Claim>,
    ) -> Result<Speaker> {
        let mut tx = self.begin().await?;
        let now = self.now();
        if areas::lineage(&mut tx, &new.area).await?.is_empty() {
            return Err(not_found("area", &new.area));
        }
        let before = alarms::heard(&mut tx, now).await?;
        let id = match new.id {
            Some(id) => id,
            None => {
                let free = free_name(&mut tx, "speaker", &new.name, TAKEN).await?;
                parse("speaker", &free)?
            }
        };
        sqlx::query(
            "INSERT INTO speakers (id, name, area, latitude, longitude, zone, quiet_hours, volume, muted, \
             delay_trim_ms, token_hash, self_test_at, limits, generation, since, made, changed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $12, $13, 1, $11, $11, $11)",
        )
        .bind(id.as_str())
        .bind(&new.name)
        .bind(new.area.as_str())
        .bind(new.latitude)
        .bind(new.longitude)
        .bind(&new.zone)
        .bind(json(&new.quiet_hours))
        .bind(json(&new.volume))
        .bind(i64::from(new.delay_trim_ms))
        .bind(hex::encode(token_hash(token.as_bytes())))
        .bind(now.as_micros())
        .bind(&new.self_test_at)
        .bind(new.limits.as_ref().map(json))
        .execute(&mut *tx)
        .await
        .map_err(taken("speaker", &id))?;
        alarms::must_not_widen(&mut tx, &before, now, "area", &new.area).await?;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        let speaker = load(&mut tx, &id).await?;
        tx.commit().await?;
        Ok(speaker)
    }

    pub async fn change_speaker(&self, id: &SpeakerId, change: SpeakerChange) -> Result<Speaker> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let old = load(&mut tx, id).await?;
        let mut new = old.clone();
        new.name = change.name.unwrap_or(new.name);
        new.area = change.area.unwrap_or(new.area);
        if let Some(place) = change.place {
            new.latitude = place.map(|(latitude, _)| latitude);
            new.longitude = place.map(|(_, longitude)| longitude);
        }
        new.zone = change.zone.unwrap_or(new.zone);
        new.quiet_hours = change.quiet_hours.unwrap_or(new.quiet_hours);
        new.volume = change.volume.unwrap_or(new.volume);
        new.muted = change.muted.unwrap_or(new.muted);
        new.limits = change.limits.unwrap_or(new.limits);
        new.delay_trim_ms = change.delay_trim_ms.unwrap_or(new.delay_trim_ms);
        new.self_test_at = change.self_test_at.unwrap_or(new.self_test_at);
        new.data_plan_mb = change.data_plan_mb.unwrap_or(new.data_plan_mb);
        new.data_plan_ends = change.data_plan_ends.unwrap_or(new.data_plan_ends);
        new.cell = change.cell.unwrap_or(new.cell);
        if new == old {
            return Ok(old);
        }
        let moved = new.area != old.area;
        if moved && areas::lineage(&mut tx, &new.area).await?.is_empty() {
            return Err(not_found("area", &new.area));
        }
        let before = match moved {
            true => Some(alarms::heard(&mut tx, now).await?),
            false => None,
        };
        sqlx::query(
            "UPDATE speakers SET name = $2, area = $3, latitude = $4, longitude = $5, zone = $6, \
             quiet_hours = $7, volume = $8, muted = $9, delay_trim_ms = $10, self_test_at = $11, data_plan_mb = $12, \
             data_plan_ends = $13, cell = $14, limits = $15 WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(&new.name)
        .bind(new.area.as_str())
        .bind(new.latitude)
        .bind(new.longitude)
        .bind(&new.zone)
        .bind(json(&new.quiet_hours))
        .bind(json(&new.volume))
        .bind(i64::from(new.muted))
        .bind(i64::from(new.delay_trim_ms))
        .bind(&new.self_test_at)
        .bind(new.data_plan_mb.map(i64::from))
        .bind(new.data_plan_ends.map(|day| day.to_string()))
        .bind(&new.cell)
        .bind(new.limits.as_ref().map(json))
        .execute(&mut *tx)
        .await?;
        if new.muted != old.muted {
            sqlx::query(
                "INSERT INTO mutes (speaker, happened, muted) VALUES ($1, $2, $3) \
                 ON CONFLICT (speaker, happened) DO UPDATE SET muted = excluded.muted",
            )
            .bind(id.as_str())
            .bind(now.as_micros())
            .bind(i64::from(new.muted))
            .execute(&mut *tx)
            .await?;
        }
        if let Some(before) = before {
            alarms::must_not_widen(&mut tx, &before, now, "speaker", id).await?;
        }
        if new.zone != old.zone {
            figures::recount_all(&mut tx, id).await?;
        }
        bump(&mut tx, id, now, moved).await?;
        let speaker = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(speaker)
    }

    /// The old token is worth nothing from now on.
    pub async fn change_token(&self, id: &SpeakerId, token: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let done =
            sqlx::query("UPDATE speakers SET token_hash = $2 WHERE id = $1 AND removed IS NULL")
                .bind(id.as_str())
                .bind(hex::encode(token_hash(token.as_bytes())))
                .execute(&mut *tx)
                .await?;
        match done.rows_affected() {
            0 => Err(not_found("speaker", id)),
            _ => tx.commit().await,
        }
    }

    /// It leaves its groups and cannot connect any more; its history stays, and its name is not given again.
    pub async fn remove_speaker(&self, id: &SpeakerId) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        load(&mut tx, id).await?;
        sqlx::query("DELETE FROM group_members WHERE speaker = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE speakers SET removed = $2, token_hash = '' WHERE id = $1")
            .bind(id.as_str())
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        certificates::revoke_all(&mut tx, id, Reason::Retired, now).await?;
        outages::refresh(&mut tx, id, now, now).await?;
        sqlx::query("DELETE FROM speaker_status WHERE speaker = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Without orders: those are for the speaker alone.
pub(super) fn config(speaker: Speaker, channels: Vec<Channel>, epoch: u64) -> SpeakerConfig {
    SpeakerConfig {
        speaker: speaker.id,
        version: Version {
            epoch,
            generation: speaker.generation,
        },
        made: speaker.changed,
        name: speaker.name,
        channels,
        zone: speaker.zone,
        quiet_hours: speaker.quiet_hours,
        volume: speaker.volume,
        muted: speaker.muted,
        limits: speaker.limits,
        since: speaker.since,
        delay_trim_ms: speaker.delay_trim_ms,
        self_test_at: speaker.self_test_at,
        orders: Vec::new(),
    }
}

/// A new version of a speaker's configuration. `joined`: it follows a channel that it did not follow before; what was
/// planned there earlier is not its business. Fails when there is no such speaker.
pub(super) async fn bump(
    db: &mut SqliteConnection,
    id: &SpeakerId,
    now: WallTime,
    joined: bool,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE speakers SET generation = generation + 1, changed = $2, \
         since = CASE WHEN $3 = 1 THEN $2 ELSE since END WHERE id = $1 AND removed IS NULL",
    )
    .bind(id.as_str())
    .bind(now.as_micros())
    .bind(i64::from(joined))
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(not_found("speaker", id));
    }
    if joined {
        let area: String = sqlx::query_scalar("SELECT area FROM speakers WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(&mut *db)
            .await?;
        let channels = channels_of(db, id, &parse("area", &area)?).await?;
        if channels.len() > MAX_CHANNELS {
            return Err(StoreError::TooManyChannels {
                speaker: id.to_string(),
                most: MAX_CHANNELS,
            });
        }
    }
    Ok(())
}

/// Its own, its area's with all above, its groups'.
async fn channels_of(
    db: &mut SqliteConnection,
    id: &SpeakerId,
    area: &AreaId,
) -> Result<Vec<Channel>> {
    let mut channels = vec![Channel::Speaker(id.clone())];
    let above = areas::lineage(db, area).await?;
    channels.extend(above.into_iter().map(Channel::Area));
    let groups: Vec<String> = sqlx::query_scalar(
        "SELECT group_id FROM group_members WHERE speaker = $1 ORDER BY group_id",
    )
    .bind(id.as_str())
    .fetch_all(&mut *db)
    .await?;
    for group in groups {
        channels.push(Channel::Group(parse::<GroupId>("group", &group)?));
    }
    Ok(channels)
}

pub(super) async fn load(db: &mut SqliteConnection, id: &SpeakerId) -> Result<Speaker> {
    let row: Option<Row> = sqlx::query_as(ONE)
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.ok_or_else(|| not_found("speaker", id))?.try_into()
}
