//! Outages: kept as `logic/outages` makes them, and made again when a transition or a word of the journal comes.
//!
//! Only the time that can have changed is made again: from the last instant before it at which the speaker was there to
//! the first one after it. Between two such instants an outage depends on nothing outside.

use std::collections::HashMap;

use loa_protocol::{
    event::Event,
    id::{AreaId, SpeakerId, StoreId},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Store, StoreError,
    areas::MAX_DEPTH,
    convert::{from_json, from_word, json, parse, stored, wall},
    runs,
};
use crate::logic::outages::{Entry, MOST_BACK_US, Outage, SLACK_US, Seen, Span, derive};

/// Most outages in one answer about one speaker, the latest ones.
const MOST: i64 = 10_000;

#[derive(FromRow)]
struct Row {
    speaker: String,
    began: i64,
    ended: Option<i64>,
    cause: String,
    told: i64,
    cell: Option<String>,
    area: String,
}

impl Row {
    fn outage(self, above: &Above) -> Result<Outage> {
        Ok(Outage {
            speaker: parse("speaker", &self.speaker)?,
            began: wall(self.began),
            ended: self.ended.map(wall),
            cause: from_word("cause", &self.cause)?,
            told: self.told != 0,
            cell: self.cell,
            lineage: above.lineage(&self.area)?,
        })
    }
}

/// Every area's parent.
struct Above(HashMap<String, Option<String>>);

impl Above {
    async fn read(db: &mut SqliteConnection) -> Result<Self> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as("SELECT id, parent FROM areas")
            .fetch_all(db)
            .await?;
        Ok(Self(rows.into_iter().collect()))
    }

    fn lineage(&self, area: &str) -> Result<Vec<AreaId>> {
        let mut lineage = Vec::new();
        let mut next = Some(area);
        while let Some(id) = next.filter(|_| lineage.len() < MAX_DEPTH) {
            lineage.push(parse("area", id)?);
            next = self.0.get(id).and_then(Option::as_deref);
        }
        Ok(lineage)
    }
}

impl Store {
    /// Of one speaker, those of which any part lies in `from..to`, in order of time.
    pub async fn outages_of(
        &self,
        speaker: &SpeakerId,
        from: WallTime,
        to: WallTime,
    ) -> Result<Vec<Outage>> {
        let mut tx = self.readers().begin().await?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT speaker, began, ended, cause, told, COALESCE(outages.cell, speakers.cell) AS cell, area FROM outages \
             JOIN speakers ON speakers.id = speaker \
             WHERE speaker = $1 AND began < $3 AND (ended IS NULL OR ended > $2) \
             ORDER BY began DESC LIMIT $4",
        )
        .bind(speaker.as_str())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(MOST)
        .fetch_all(&mut *tx)
        .await?;
        let mut outages = complete(&mut tx, rows).await?;
        outages.reverse();
        Ok(outages)
    }

    /// Those that last, of speakers that there are, in order of time.
    pub async fn open_outages(&self) -> Result<Vec<Outage>> {
        let mut tx = self.readers().begin().await?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT speaker, began, ended, cause, told, COALESCE(outages.cell, speakers.cell) AS cell, area FROM outages \
             JOIN speakers ON speakers.id = speaker \
             WHERE ended IS NULL AND removed IS NULL ORDER BY began, speaker",
        )
        .fetch_all(&mut *tx)
        .await?;
        complete(&mut tx, rows).await
    }

    /// Of all speakers, those of which any part lies in `from..to`, in order of time.
    pub async fn outages_between(&self, from: WallTime, to: WallTime) -> Result<Vec<Outage>> {
        let mut tx = self.readers().begin().await?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT speaker, began, ended, cause, told, COALESCE(outages.cell, speakers.cell) AS cell, area FROM outages \
             JOIN speakers ON speakers.id = speaker \
             WHERE began < $2 AND (ended IS NULL OR ended > $1) ORDER BY began, speaker",
        )
        .bind(from.as_micros())
        .bind(to.as_micros())
        .fetch_all(&mut *tx)
        .await?;
        complete(&mut tx, rows).await
    }
}

async fn complete(db: &mut SqliteConnection, rows: Vec<Row>) -> Result<Vec<Outage>> {
    let above = Above::read(db).await?;
    rows.into_iter().map(|row| row.outage(&above)).collect()
}

/// Keeps what explains something. Returns the time it speaks of.
pub(super) async fn note(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    event: &Event,
    received: WallTime,
) -> Result<Option<(WallTime, WallTime)>> {
    let Some(entry) = Entry::of(event) else {
        return Ok(None);
    };
    sqlx::query(
        "INSERT INTO journal (speaker, store, number, since, until, what, received) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(speaker.as_str())
    .bind(store.as_str())
    .bind(stored(event.number))
    .bind(entry.since.as_micros())
    .bind(entry.until.map(WallTime::as_micros))
    .bind(json(&entry.told))
    .bind(received.as_micros())
    .execute(db)
    .await?;
    Ok(Some((entry.since, entry.until.unwrap_or(entry.since))))
}

/// Makes a speaker's outages again, as far as what happened in `from..=to` can have changed them.
pub(super) async fn refresh(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    from: WallTime,
    to: WallTime,
) -> Result<()> {
    let removed: Option<Option<i64>> =
        sqlx::query_scalar("SELECT removed FROM speakers WHERE id = $1")
            .bind(speaker.as_str())
            .fetch_optional(&mut *db)
            .await?;
    let Some(removed) = removed else {
        return Ok(());
    };
    let begins: Option<i64> = online(
        db,
        "SELECT MAX(happened) FROM presence_transitions \
         WHERE speaker = $1 AND presence = 'online' AND happened < $2",
        speaker,
        from.plus_us(-SLACK_US),
    )
    .await?;
    let ends: Option<i64> = online(
        db,
        "SELECT MIN(happened) FROM presence_transitions \
         WHERE speaker = $1 AND presence = 'online' AND happened > $2",
        speaker,
        to.plus_us(SLACK_US),
    )
    .await?;
    let seen = seen(db, speaker, begins, ends).await?;
    let Some(first) = seen.first() else {
        return Ok(());
    };
    let lowest = first.heard.map_or(first.at, |heard| heard.min(first.at));
    let (lowest, highest) = (lowest.as_micros(), ends.unwrap_or(i64::MAX));
    let runs = runs::between(db, lowest, highest).await?;
    let entries = entries(db, speaker, lowest, highest).await?;
    let spans = derive(&seen, &runs, &entries, removed.map(wall));
    replace(db, speaker, lowest, highest, &spans).await
}

async fn online(
    db: &mut SqliteConnection,
    sql: &'static str,
    speaker: &SpeakerId,
    at: WallTime,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar(sql)
        .bind(speaker.as_str())
        .bind(at.as_micros())
        .fetch_one(db)
        .await?)
}

async fn seen(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<Vec<Seen>> {
    type Transition = (i64, String, Option<i64>, Option<i64>, Option<String>);
    let rows: Vec<Transition> = sqlx::query_as(
        "SELECT happened, presence, heard, mains, cell FROM presence_transitions \
         WHERE speaker = $1 AND happened >= $2 AND happened <= $3 ORDER BY happened",
    )
    .bind(speaker.as_str())
    .bind(from.unwrap_or(i64::MIN))
    .bind(to.unwrap_or(i64::MAX))
    .fetch_all(db)
    .await?;
    let transition = |(at, presence, heard, mains, cell): Transition| {
        Ok(Seen {
            at: wall(at),
            presence: from_word("presence", &presence)?,
            heard: heard.map(wall),
            mains: mains.map(|mains| mains != 0),
            cell,
        })
    };
    rows.into_iter().map(transition).collect()
}

async fn entries(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    from: i64,
    to: i64,
) -> Result<Vec<Entry>> {
    let rows: Vec<(i64, Option<i64>, String)> = sqlx::query_as(
        "SELECT since, until, what FROM journal WHERE speaker = $1 AND since >= $2 AND since <= $3 \
         AND (until IS NULL OR until >= $4) ORDER BY since, number",
    )
    .bind(speaker.as_str())
    .bind(from.saturating_sub(MOST_BACK_US + SLACK_US))
    .bind(to.saturating_add(SLACK_US))
    .bind(from.saturating_sub(SLACK_US))
    .fetch_all(db)
    .await?;
    let entry = |(since, until, told): (i64, Option<i64>, String)| {
        Ok::<_, StoreError>(Entry {
            since: wall(since),
            until: until.map(wall),
            told: from_json("journal", &told)?,
        })
    };
    rows.into_iter().map(entry).collect()
}

async fn replace(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    from: i64,
    to: i64,
    spans: &[Span],
) -> Result<()> {
    sqlx::query("DELETE FROM outages WHERE speaker = $1 AND began >= $2 AND began < $3")
        .bind(speaker.as_str())
        .bind(from)
        .bind(to)
        .execute(&mut *db)
        .await?;
    for span in spans {
        sqlx::query(
            "INSERT INTO outages (speaker, began, ended, cause, told, cell) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (speaker, began) DO UPDATE SET ended = excluded.ended, cause = excluded.cause, \
             told = excluded.told, cell = excluded.cell",
        )
        .bind(speaker.as_str())
        .bind(span.began.as_micros())
        .bind(span.ended.map(WallTime::as_micros))
        .bind(span.cause.word())
        .bind(i64::from(span.told))
        .bind(&span.cell)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
