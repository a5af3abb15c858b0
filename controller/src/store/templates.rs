//! What is said often: title, words or recording, and how, ready to be sent again. A template belongs to an area, or to
//! everybody.

use std::fmt;

use loa_protocol::{
    bulletin::{Chime, Priority, Status},
    channel::Channel,
    id::{AreaId, IdError},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    AudioId, Claim, Result, Store, StoreError, UserId,
    convert::{from_json, from_word, json, number, parse, wall, word},
    error::not_found,
    idempotency,
};

/// Most templates of one office.
pub const MAX_TEMPLATES: i64 = 1_000;

/// `t` and 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TemplateId(String);

impl TemplateId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::str::FromStr for TemplateId {
    type Err = IdError;
    fn from_str(text: &str) -> std::result::Result<Self, IdError> {
        let fits = text.len() == 17 && text.starts_with('t') && text.is_ascii();
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                given: text.chars().take(80).collect(),
            })
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub id: TemplateId,
    pub body: TemplateBody,
    pub made_by: Option<UserId>,
    pub made: WallTime,
    pub changed: WallTime,
}

/// What a template says.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateBody {
    /// `None`: for everybody.
    pub area: Option<AreaId>,
    pub title: String,
    pub text: Option<String>,
    pub voice: Option<String>,
    /// 1 is normal.
    pub speed: Option<f64>,
    pub audio: Option<AudioId>,
    pub priority: Priority,
    pub status: Status,
    /// `None`: by priority.
    pub chime: Option<Chime>,
    pub volume: Option<u8>,
    pub targets: Vec<Channel>,
}

#[derive(Clone, Debug)]
pub struct NewTemplate {
    pub id: TemplateId,
    pub body: TemplateBody,
    pub made_by: Option<UserId>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    area: Option<String>,
    title: String,
    typed: Option<String>,
    voice: Option<String>,
    speed: Option<f64>,
    audio: Option<String>,
    priority: String,
    status: String,
    chime: Option<String>,
    volume: Option<i64>,
    targets: String,
    made_by: Option<String>,
    made: i64,
    changed: i64,
}

impl TryFrom<Row> for Template {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Template> {
        let (area, audio) = (row.area.as_deref(), row.audio.as_deref());
        let chime = row.chime.as_deref();
        Ok(Template {
            id: parse("template", &row.id)?,
            body: TemplateBody {
                area: area.map(|id| parse("area", id)).transpose()?,
                title: row.title,
                text: row.typed,
                voice: row.voice,
                speed: row.speed,
                audio: audio.map(|id| parse("audio", id)).transpose()?,
                priority: from_word("priority", &row.priority)?,
                status: from_word("status", &row.status)?,
                chime: chime.map(|word| from_word("chime", word)).transpose()?,
                volume: row.volume.map(|v| number("volume", v)).transpose()?,
                targets: from_json("targets", &row.targets)?,
            },
            made_by: row.made_by.map(UserId::new),
            made: wall(row.made),
            changed: wall(row.changed),
        })
    }
}

impl Store {
    /// By title: those of areas in, below and above `area`, and everybody's; `None`: all.
    pub async fn templates(&self, area: Option<&AreaId>) -> Result<Vec<Template>> {
        let rows: Vec<Row> = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent) \
             SELECT id, area, title, typed, voice, speed, audio, priority, status, chime, volume, targets, made_by, \
             made, changed FROM templates WHERE $1 IS NULL OR area IS NULL \
             OR area IN (SELECT id FROM below) OR area IN (SELECT id FROM up) ORDER BY title, id",
        )
        .bind(area.map(AreaId::as_str))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Template::try_from).collect()
    }

    pub async fn template(&self, id: &TemplateId) -> Result<Template> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    /// Area and recording must be there.
    pub async fn add_template(&self, new: NewTemplate, claim: Option<&Claim>) -> Result<Template> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM templates")
            .fetch_one(&mut *tx)
            .await?;
        if count >= MAX_TEMPLATES {
            return Err(StoreError::TooManyTemplates {
                most: MAX_TEMPLATES,
            });
        }
        write(&mut tx, &new.id, &new.body, now).await?;
        sqlx::query("UPDATE templates SET made_by = $2 WHERE id = $1")
            .bind(new.id.as_str())
            .bind(new.made_by.as_ref().map(UserId::as_str))
            .execute(&mut *tx)
            .await?;
        idempotency::claim(&mut tx, claim, new.id.as_str(), now).await?;
        let template = load(&mut tx, &new.id).await?;
        tx.commit().await?;
        Ok(template)
    }

    pub async fn change_template(&self, id: &TemplateId, body: &TemplateBody) -> Result<Template> {
        let mut tx = self.begin().await?;
        load(&mut tx, id).await?;
        write(&mut tx, id, body, self.now()).await?;
        let template = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(template)
    }

    pub async fn delete_template(&self, id: &TemplateId) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM templates WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}

async fn load(db: &mut SqliteConnection, id: &TemplateId) -> Result<Template> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, area, title, typed, voice, speed, audio, priority, status, chime, volume, targets, made_by, \
         made, changed FROM templates WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.ok_or_else(|| not_found("template", id))?.try_into()
}

/// Everything but who made it; `made` and `changed` are `now` in a new row.
async fn write(
    db: &mut SqliteConnection,
    id: &TemplateId,
    body: &TemplateBody,
    now: WallTime,
) -> Result<()> {
    if let Some(area) = &body.area {
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM areas WHERE id = $1")
            .bind(area.as_str())
            .fetch_optional(&mut *db)
            .await?;
        known.ok_or_else(|| not_found("area", area))?;
    }
    sqlx::query(
        "INSERT INTO templates (id, area, title, typed, voice, speed, audio, priority, status, chime, volume, \
         targets, made, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) \
         ON CONFLICT (id) DO UPDATE SET area = excluded.area, title = excluded.title, typed = excluded.typed, \
         voice = excluded.voice, speed = excluded.speed, audio = excluded.audio, priority = excluded.priority, \
         status = excluded.status, chime = excluded.chime, volume = excluded.volume, targets = excluded.targets, \
         changed = excluded.changed",
    )
    .bind(id.as_str())
    .bind(body.area.as_ref().map(AreaId::as_str))
    .bind(&body.title)
    .bind(&body.text)
    .bind(&body.voice)
    .bind(body.speed)
    .bind(body.audio.as_ref().map(AudioId::as_str))
    .bind(word(&body.priority))
    .bind(word(&body.status))
    .bind(body.chime.as_ref().map(word))
    .bind(body.volume.map(i64::from))
    .bind(json(&body.targets))
    .bind(now.as_micros())
    .execute(db)
    .await?;
    Ok(())
}
