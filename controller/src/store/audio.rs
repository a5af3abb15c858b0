//! What was recorded, uploaded or spoken, and the canonical content it became.

use std::{fmt, path::PathBuf, sync::Arc};

use loa_protocol::{
    bulletin::Source,
    content::{ContentId, Manifest},
    id::IdError,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};
use utoipa::ToSchema;

use super::{
    Claim, MANIFESTS, Result, Store, StoreError, UserId, bulletin_row,
    convert::{from_json, from_word, json, number, parse, stored, wall, word},
    error::not_found,
    fold, idempotency,
};

/// `a` and 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AudioId(String);

impl AudioId {
    /// Refuses what cannot be one: the text becomes part of a file's name.
    pub fn new(text: impl Into<String>) -> std::result::Result<Self, IdError> {
        let text = text.into();
        let fits = text.len() == 17
            && text.starts_with('a')
            && text[1..]
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text))
        } else {
            Err(IdError {
                given: text.chars().take(80).collect(),
            })
        }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for AudioId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::str::FromStr for AudioId {
    type Err = IdError;
    fn from_str(text: &str) -> std::result::Result<Self, IdError> {
        Self::new(text)
    }
}

/// Where audio came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudioSource {
    Upload,
    /// Text, spoken by an engine.
    Speech,
    /// Said live, as it was sent.
    Live,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    pub id: AudioId,
    pub content: ContentId,
    pub source: AudioSource,
    /// The file's name, or the text's beginning.
    pub title: String,
    /// What came in, in words: "AAC in MP4, 44100 Hz, stereo".
    pub format: String,
    pub original_bytes: u64,
    pub duration_ms: u64,
    /// Of the canonical content; `None` for silence.
    pub loudness_lufs: Option<f64>,
    /// The text as somebody typed it.
    pub text: Option<String>,
    /// The words given to the engine.
    pub spoken: Option<String>,
    pub voice: Option<String>,
    /// 1 is normal.
    pub speed: Option<f64>,
    pub made_by: Option<UserId>,
    /// `None` also when that person is no user any more.
    pub made_by_name: Option<String>,
    pub made: WallTime,
    /// Not shown in the library any more.
    pub hidden: bool,
    /// Bulletins that name it.
    pub uses: u64,
}

#[derive(Clone, Debug)]
pub struct NewAudio {
    pub id: AudioId,
    pub manifest: Manifest,
    pub source: AudioSource,
    pub title: String,
    pub format: String,
    pub original_bytes: u64,
    pub loudness_lufs: Option<f64>,
    pub text: Option<String>,
    pub spoken: Option<String>,
    pub voice: Option<String>,
    pub speed: Option<f64>,
    pub made_by: Option<UserId>,
}

/// `SELECT` of everything in [`Row`], followed by the rest of the statement. Static, as sqlx wants it.
macro_rules! select_audio {
    ($with:literal, $rest:literal) => {
        concat!(
            $with,
            " SELECT audio.id, content, source, title, format, original_bytes, duration_ms, loudness_lufs, typed, \
             spoken, voice, speed, made_by, users.name AS made_by_name, audio.made, hidden, \
             (SELECT COUNT(*) FROM bulletins WHERE bulletins.audio = audio.id) AS uses \
             FROM audio LEFT JOIN users ON users.id = made_by ",
            $rest
        )
    };
}
pub(super) use select_audio;

#[derive(FromRow)]
pub(super) struct Row {
    id: String,
    content: String,
    source: String,
    title: String,
    format: String,
    original_bytes: i64,
    duration_ms: i64,
    loudness_lufs: Option<f64>,
    typed: Option<String>,
    spoken: Option<String>,
    voice: Option<String>,
    speed: Option<f64>,
    made_by: Option<String>,
    made_by_name: Option<String>,
    made: i64,
    hidden: Option<i64>,
    uses: i64,
}

impl TryFrom<Row> for Audio {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Audio> {
        Ok(Audio {
            id: parse("audio", &row.id)?,
            content: parse("content", &row.content)?,
            source: from_word("source", &row.source)?,
            title: row.title,
            format: row.format,
            original_bytes: number("bytes", row.original_bytes)?,
            duration_ms: number("duration", row.duration_ms)?,
            loudness_lufs: row.loudness_lufs,
            text: row.typed,
            spoken: row.spoken,
            voice: row.voice,
            speed: row.speed,
            made_by: row.made_by.map(UserId::new),
            made_by_name: row.made_by_name,
            made: wall(row.made),
            hidden: row.hidden.is_some(),
            uses: number("uses", row.uses)?,
        })
    }
}

impl Store {
    /// Where a content's bytes are.
    pub fn content_path(&self, content: &ContentId) -> PathBuf {
        self.data_dir().join("content").join(content.to_string())
    }

    /// Where what came in is kept.
    pub fn original_path(&self, audio: &AudioId) -> PathBuf {
        self.data_dir().join("audio").join(format!("{audio}.orig"))
    }

    pub async fn audio(&self, id: &AudioId) -> Result<Audio> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    /// The file of the content must be in place and on disk already.
    pub async fn add_audio(&self, new: NewAudio, claim: Option<&Claim>) -> Result<Audio> {
        let mut tx = self.begin().await?;
        let now = self.now();
        insert_audio(&mut tx, &new, now).await?;
        idempotency::claim(&mut tx, claim, new.id.as_str(), now).await?;
        let audio = load(&mut tx, &new.id).await?;
        tx.commit().await?;
        Ok(audio)
    }

    pub async fn manifest(&self, content: &ContentId) -> Result<Manifest> {
        let mut db = self.readers().acquire().await?;
        Ok(Manifest::clone(&*self.manifest_in(&mut db, content).await?))
    }

    /// The content that was made of this sentence and then this content.
    pub async fn foreword(&self, sentence: &str, content: &ContentId) -> Result<Option<Manifest>> {
        let text: Option<String> = sqlx::query_scalar(
            "SELECT manifest FROM contents JOIN forewords ON whole = id WHERE sentence = $1 AND content = $2",
        )
        .bind(sentence)
        .bind(content.to_string())
        .fetch_optional(self.readers())
        .await?;
        text.map(|text| from_json("manifest", &text)).transpose()
    }

    /// The file of the whole must be in place and on disk already.
    pub async fn add_foreword(
        &self,
        sentence: &str,
        content: &ContentId,
        whole: &Manifest,
    ) -> Result<()> {
        let mut tx = self.begin_own().await?;
        insert_content(&mut tx, whole, self.now()).await?;
        sqlx::query(
            "INSERT INTO forewords (sentence, content, whole) VALUES ($1, $2, $3) \
             ON CONFLICT (sentence, content) DO UPDATE SET whole = excluded.whole",
        )
        .bind(sentence)
        .bind(content.to_string())
        .bind(whole.content.to_string())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// All names of contents and audio that the database knows: what else lies in the folders is a leftover.
    pub async fn file_names(&self) -> Result<(Vec<String>, Vec<String>)> {
        let contents = sqlx::query_scalar("SELECT id FROM contents")
            .fetch_all(self.readers())
            .await?;
        let audio = sqlx::query_scalar("SELECT id FROM audio")
            .fetch_all(self.readers())
            .await?;
        Ok((contents, audio))
    }

    /// What this bulletin sounds.
    pub(super) async fn source_in(
        &self,
        db: &mut SqliteConnection,
        row: &bulletin_row::Row,
    ) -> Result<Source> {
        match (row.content()?, row.stream()?) {
            (Some(content), _) => {
                let manifest = self.manifest_in(db, &content).await?;
                Ok(Source::Content((*manifest).clone()))
            }
            (None, Some(stream)) => Ok(Source::Stream(stream)),
            (None, None) => Err(StoreError::Damaged(format!(
                "bulletin {} has neither audio nor a stream",
                row.id
            ))),
        }
    }

    /// From memory when it was read before: a content's manifest never changes.
    pub(super) async fn manifest_in(
        &self,
        db: &mut SqliteConnection,
        content: &ContentId,
    ) -> Result<Arc<Manifest>> {
        let lock = || {
            let manifests = self.inner.manifests.lock();
            manifests.unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        if let Some(known) = lock().get(content) {
            return Ok(known.clone());
        }
        let text: Option<String> =
            sqlx::query_scalar("SELECT manifest FROM contents WHERE id = $1")
                .bind(content.to_string())
                .fetch_optional(db)
                .await?;
        let text = text.ok_or_else(|| not_found("content", content))?;
        let manifest: Arc<Manifest> = Arc::new(from_json("manifest", &text)?);
        let mut manifests = lock();
        if manifests.len() >= MANIFESTS {
            manifests.clear();
        }
        manifests.insert(*content, manifest.clone());
        Ok(manifest)
    }
}

pub(super) async fn insert_audio(
    db: &mut SqliteConnection,
    new: &NewAudio,
    now: WallTime,
) -> Result<()> {
    let content = new.manifest.content;
    insert_content(&mut *db, &new.manifest, now).await?;
    sqlx::query(
        "INSERT INTO audio (id, content, source, title, format, original_bytes, duration_ms, \
         loudness_lufs, typed, spoken, voice, speed, made_by, made, folded) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(new.id.as_str())
    .bind(content.to_string())
    .bind(word(&new.source))
    .bind(&new.title)
    .bind(&new.format)
    .bind(stored(new.original_bytes))
    .bind(stored(new.manifest.duration_ms))
    .bind(new.loudness_lufs)
    .bind(&new.text)
    .bind(&new.spoken)
    .bind(&new.voice)
    .bind(new.speed)
    .bind(new.made_by.as_ref().map(UserId::as_str))
    .bind(now.as_micros())
    .bind(folded(&new.title, new.text.as_deref()))
    .execute(&mut *db)
    .await?;
    Ok(())
}

async fn insert_content(
    db: &mut SqliteConnection,
    manifest: &Manifest,
    now: WallTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO contents (id, length, duration_ms, manifest, made) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(manifest.content.to_string())
    .bind(stored(manifest.length))
    .bind(stored(manifest.duration_ms))
    .bind(json(manifest))
    .bind(now.as_micros())
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn load(db: &mut SqliteConnection, id: &AudioId) -> Result<Audio> {
    let row: Option<Row> = sqlx::query_as(select_audio!("", "WHERE audio.id = $1"))
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.ok_or_else(|| not_found("audio", id))?.try_into()
}

/// What a search looks at.
pub(super) fn folded(title: &str, text: Option<&str>) -> String {
    fold(&format!("{title} {}", text.unwrap_or_default()))
}
