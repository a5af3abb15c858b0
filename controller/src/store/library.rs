//! The library: recordings found again, renamed, put out of sight, and in the end forgotten.

use loa_protocol::{id::AreaId, time::WallTime};

use super::{
    Audio, AudioId, AudioSource, Result, Store, UserId,
    audio::{Row, folded, load, select_audio},
    convert::{parse, word},
    fold,
};

/// Recordings forgotten in one transaction.
const BATCH: i64 = 200;

/// Whose recordings, and which.
#[derive(Clone, Debug)]
pub struct AudioFilter {
    /// Who asks: the own are always shown.
    pub user: UserId,
    /// Those of people in, below and above it; `None`: all.
    pub area: Option<AreaId>,
    /// Found in title and text, with or without marks.
    pub text: Option<String>,
    pub source: Option<AudioSource>,
    /// After this one in the order of the list: newest first.
    pub after: Option<(WallTime, AudioId)>,
    pub limit: u32,
}

impl Store {
    /// Newest first, without those put out of sight. One whose maker is no user any more is everybody's.
    pub async fn audio_list(&self, filter: &AudioFilter) -> Result<Vec<Audio>> {
        // What is folded has no `%` and no `_` in it.
        let pattern = filter.text.as_deref().map(fold);
        let pattern = pattern.filter(|text| !text.is_empty());
        let rows: Vec<Row> = sqlx::query_as(select_audio!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent)",
            "WHERE hidden IS NULL \
             AND ($1 IS NULL OR made_by = $2 OR users.area IS NULL \
               OR users.area IN (SELECT id FROM below) OR users.area IN (SELECT id FROM up)) \
             AND ($3 IS NULL OR folded LIKE $3) AND ($4 IS NULL OR source = $4) \
             AND ($5 IS NULL OR (audio.made, audio.id) < ($5, $6)) \
             ORDER BY audio.made DESC, audio.id DESC LIMIT $7"
        ))
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(filter.user.as_str())
        .bind(pattern.map(|text| format!("%{text}%")))
        .bind(filter.source.as_ref().map(word))
        .bind(filter.after.as_ref().map(|(made, _)| made.as_micros()))
        .bind(filter.after.as_ref().map(|(_, id)| id.as_str()))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Audio::try_from).collect()
    }

    /// May somebody of this area listen to it? The own; those of the library (also out of sight); and what is in a bulletin
    /// or template that concerns the area.
    pub async fn may_hear(&self, id: &AudioId, user: &UserId, area: &AreaId) -> Result<bool> {
        let row: Option<i64> = sqlx::query_scalar(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $3 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $3 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent), \
             near (id) AS (SELECT id FROM below UNION SELECT id FROM up) \
             SELECT 1 FROM audio LEFT JOIN users ON users.id = audio.made_by WHERE audio.id = $1 AND ( \
               audio.made_by = $2 OR users.area IS NULL OR users.area IN (SELECT id FROM near) \
               OR EXISTS (SELECT 1 FROM templates WHERE templates.audio = $1 \
                 AND (templates.area IS NULL OR templates.area IN (SELECT id FROM near))) \
               OR EXISTS (SELECT 1 FROM bulletins JOIN bulletin_targets ON bulletin = bulletins.id \
                 WHERE bulletins.audio = $1 AND channel IN ( \
                   SELECT 'area.' || id FROM near \
                   UNION SELECT 'speaker.' || id FROM speakers WHERE area IN (SELECT id FROM below) \
                   UNION SELECT 'group.' || id FROM speaker_groups WHERE area IN (SELECT id FROM below) \
                   UNION SELECT 'group.' || group_id FROM group_members JOIN speakers ON speakers.id = speaker \
                     WHERE area IN (SELECT id FROM below))))",
        )
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(area.as_str())
        .fetch_optional(self.readers())
        .await?;
        Ok(row.is_some())
    }

    pub async fn rename_audio(&self, id: &AudioId, title: &str) -> Result<Audio> {
        let mut tx = self.begin().await?;
        let old = load(&mut tx, id).await?;
        sqlx::query("UPDATE audio SET title = $2, folded = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(title)
            .bind(folded(title, old.text.as_deref()))
            .execute(&mut *tx)
            .await?;
        let new = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Out of the library; bulletins and templates keep it. Twice is the same as once.
    pub async fn hide_audio(&self, id: &AudioId) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE audio SET hidden = $2 WHERE id = $1 AND hidden IS NULL")
            .bind(id.as_str())
            .bind(self.now().as_micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// Forgets recordings that were put out of sight before `before` and that nothing names, with what came in for them.
    /// The canonical content's file stays until the next start: the same sound may just be coming in again.
    pub async fn forget_audio(&self, before: WallTime) -> Result<usize> {
        let mut tx = self.begin().await?;
        let forgotten: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, content FROM audio WHERE hidden <= $1 \
             AND NOT EXISTS (SELECT 1 FROM bulletins WHERE bulletins.audio = audio.id) \
             AND NOT EXISTS (SELECT 1 FROM templates WHERE templates.audio = audio.id) \
             AND NOT EXISTS (SELECT 1 FROM bulletins WHERE relay ->> '$.fallback.audio' = audio.id) LIMIT $2",
        )
        .bind(before.as_micros())
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        for (id, content) in &forgotten {
            sqlx::query("UPDATE calls SET audio = NULL WHERE audio = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM audio WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "DELETE FROM contents WHERE id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM audio WHERE content = $1) \
                 AND NOT EXISTS (SELECT 1 FROM bulletins WHERE content = $1) \
                 AND NOT EXISTS (SELECT 1 FROM bulletins WHERE relay ->> '$.fallback.content' = $1)",
            )
            .bind(content)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        for (id, _) in &forgotten {
            let path = self.original_path(&parse("audio", id)?);
            // One that stays is removed at the next start.
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!(path = %path.display(), %error, "a forgotten recording was not removed");
            }
        }
        Ok(forgotten.len())
    }
}
