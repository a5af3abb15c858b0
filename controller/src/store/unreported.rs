//! What was due and of which nothing was told, written down as just that, for everybody for whom it was.
//!
//! A pass goes on where the last one ended, by a mark in the database: downtime of the office loses nothing. Whatever a
//! speaker tells later takes the row's place.

use std::collections::BTreeMap;

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    id::{AreaId, GroupId, SpeakerId},
    playout::OccurrenceId,
    time::WallTime,
};

use super::{
    Result, Store,
    bulletin_row::{Row, select_bulletins},
    convert::{parse, stored, wall, word},
    figures,
    playouts::{self, UNREPORTED_STORE},
};
use crate::logic::due::{Due, TOLD_WITHIN_S, due};

/// Where the next pass begins, in the table `office`.
const MARK: &str = "unreported_through";
/// Longest time that one pass looks at.
const PASS_S: i64 = 86_400;
/// Rows written in one transaction: others wait for the writer meanwhile.
const BATCH: usize = 500;

/// One that was not told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreported {
    pub speaker: SpeakerId,
    pub occurrence: OccurrenceId,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub struct Swept {
    pub found: Vec<Unreported>,
    /// There is more to look at now.
    pub more: bool,
}

impl Store {
    /// One pass. The first one ever begins now: what was before, nobody watched.
    pub async fn sweep_unreported(&self) -> Result<Swept> {
        let now = self.now();
        let mark: Option<i64> = sqlx::query_scalar("SELECT value FROM office WHERE name = $1")
            .bind(MARK)
            .fetch_optional(self.readers())
            .await?;
        let Some(after) = mark.map(wall) else {
            self.set_mark(now.plus_s(-TOLD_WITHIN_S)).await?;
            return Ok(Swept::default());
        };
        let mut through = now.min(after.plus_s(PASS_S));
        if through <= after {
            return Ok(Swept::default());
        }
        let mut swept = Swept::default();
        for (bulletin, channels) in self.on_air(after).await? {
            let (due, complete) = due(&bulletin, after, through);
            // All are looked at up to the same instant, so that one mark is enough.
            through = through.min(complete);
            for one in due {
                for channel in &channels {
                    let found = self.note_unreported(&bulletin, channel, &one).await?;
                    swept.found.extend(found);
                }
            }
        }
        self.set_mark(through).await?;
        swept.more = through < now && through > after;
        Ok(swept)
    }

    async fn set_mark(&self, at: WallTime) -> Result<()> {
        sqlx::query(
            "INSERT INTO office (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(MARK)
        .bind(at.as_micros())
        .execute(&self.inner.writer)
        .await?;
        Ok(())
    }

    /// Every bulletin of which something may have been due since `after`, each once, with all channels it is for.
    async fn on_air(&self, after: WallTime) -> Result<Vec<(Bulletin, Vec<Channel>)>> {
        let mut tx = self.readers().begin().await?;
        let ended = after.plus_s(-PASS_S).as_micros();
        let targets: Vec<(String, String)> = sqlx::query_as(
            "SELECT bulletin, channel FROM bulletin_targets JOIN bulletins ON bulletins.id = bulletin \
             WHERE state = 'planned' AND (ends IS NULL OR ends > $1) ORDER BY bulletin, channel",
        )
        .bind(ended)
        .fetch_all(&mut *tx)
        .await?;
        let mut channels: BTreeMap<String, Vec<Channel>> = BTreeMap::new();
        for (bulletin, channel) in targets {
            let channel = parse("channel", &channel)?;
            channels.entry(bulletin).or_default().push(channel);
        }
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE state = 'planned' AND (ends IS NULL OR ends > $1) ORDER BY bulletins.id"
        ))
        .bind(ended)
        .fetch_all(&mut *tx)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let source = self.source_in(&mut tx, &row).await?;
            let bulletin = row.bulletin(source)?;
            let channels = channels.remove(bulletin.id.as_str()).unwrap_or_default();
            all.push((bulletin, channels));
        }
        Ok(all)
    }

    /// Of everybody who followed the channel then and has no row of this occurrence. In as many transactions as it takes.
    async fn note_unreported(
        &self,
        bulletin: &Bulletin,
        channel: &Channel,
        due: &Due,
    ) -> Result<Vec<Unreported>> {
        let mut found = Vec::new();
        loop {
            let mut tx = self.begin().await?;
            let speakers: Vec<String> = sqlx::query_scalar(
                "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
                 UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
                 SELECT id FROM speakers WHERE since <= $4 AND (removed IS NULL OR removed > $4) \
                 AND (area IN (SELECT id FROM below) OR id = $2 \
                   OR id IN (SELECT speaker FROM group_members WHERE group_id = $3)) \
                 AND NOT EXISTS (SELECT 1 FROM playouts WHERE speaker = speakers.id AND occurrence = $5) \
                 ORDER BY id LIMIT $6",
            )
            .bind(match channel {
                Channel::Area(area) => Some(AreaId::as_str(area)),
                _ => None,
            })
            .bind(match channel {
                Channel::Speaker(speaker) => Some(SpeakerId::as_str(speaker)),
                _ => None,
            })
            .bind(match channel {
                Channel::Group(group) => Some(GroupId::as_str(group)),
                _ => None,
            })
            .bind(due.planned.as_micros())
            .bind(due.occurrence.to_string())
            .bind(stored(BATCH as u64))
            .fetch_all(&mut *tx)
            .await?;
            let full = speakers.len() == BATCH;
            let due_ms = match bulletin.stream() {
                None => Some(stored(bulletin.length_ms())),
                Some(_) => playouts::due_ms(&mut tx, &bulletin.id).await?,
            };
            for speaker in speakers {
                let speaker: SpeakerId = parse("speaker", &speaker)?;
                sqlx::query(
                    "INSERT INTO playouts (speaker, occurrence, attempt, bulletin, revision, title, priority, status, \
                     planned, sounded_ms, cuts, trust, outcome, store, number, due_ms) \
                     VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, 0, 0, 'untrusted', 'unreported', $9, 0, $10)",
                )
                .bind(speaker.as_str())
                .bind(due.occurrence.to_string())
                .bind(bulletin.id.as_str())
                .bind(i64::from(bulletin.revision))
                .bind(&bulletin.title)
                .bind(word(&bulletin.priority))
                .bind(word(&bulletin.status))
                .bind(due.planned.as_micros())
                .bind(UNREPORTED_STORE)
                .bind(due_ms)
                .execute(&mut *tx)
                .await?;
                figures::recount(&mut tx, &speaker, [due.planned]).await?;
                found.push(Unreported {
                    speaker,
                    occurrence: due.occurrence.clone(),
                });
            }
            tx.commit().await?;
            if !full {
                return Ok(found);
            }
        }
    }
}
