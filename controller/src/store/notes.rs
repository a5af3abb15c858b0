//! What speakers told besides their playouts, laid out for the board and for the speaker's page.

use std::collections::HashMap;

use loa_protocol::{
    event::{Event, What},
    id::{SpeakerId, StoreId},
    telemetry::Hearing,
    time::WallTime,
};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use super::{
    Result, Store,
    convert::{from_json, json, parse, stored, wall, word},
};
use crate::logic::facts::is_output_fault;

/// What kind of thing was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Booted,
    SelfTested,
    Fault,
    Mains,
    Stalled,
    /// It ceased to be heard, or is heard again.
    Hearing,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Self::Booted,
        Self::SelfTested,
        Self::Fault,
        Self::Mains,
        Self::Stalled,
        Self::Hearing,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Booted => "booted",
            Self::SelfTested => "self_tested",
            Self::Fault => "fault",
            Self::Mains => "mains",
            Self::Stalled => "stalled",
            Self::Hearing => "hearing",
        }
    }
}

/// One thing that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub speaker: SpeakerId,
    pub at: WallTime,
    pub kind: Kind,
    /// How it differs from others of its kind: `crashed`, `not_heard`, a fault's code, `gone` …
    pub word: String,
}

#[derive(FromRow)]
struct Row {
    speaker: String,
    happened: i64,
    kind: String,
    word: String,
}

impl Row {
    fn told(self) -> Result<Option<Told>> {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == self.kind) else {
            return Ok(None);
        };
        Ok(Some(Told {
            speaker: parse("speaker", &self.speaker)?,
            at: wall(self.happened),
            kind,
            word: self.word,
        }))
    }
}

/// Notes what is worth it. A playout's hearing is only when it differs from the last one's.
pub(super) async fn note(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    event: &Event,
) -> Result<()> {
    let (kind, known) = match &event.what {
        What::Booted { after, .. } => {
            let ended = after.as_ref().map(|after| word(&after.ended));
            (Kind::Booted, ended.unwrap_or_default())
        }
        What::SelfTested { test } => (Kind::SelfTested, test.hearing.word().to_owned()),
        What::Fault { code, .. } => (Kind::Fault, code.chars().take(64).collect()),
        What::Mains { present: true } => (Kind::Mains, "present".to_owned()),
        What::Mains { present: false } => (Kind::Mains, "gone".to_owned()),
        What::Stalled { .. } => (Kind::Stalled, String::new()),
        What::Heard { listened } => {
            let hearing = listened.hearing;
            let last = last_hearing(db, speaker).await?;
            let is_news = match hearing {
                Hearing::NotHeard => last.as_deref() != Some(hearing.word()),
                Hearing::Heard => last.as_deref() == Some(Hearing::NotHeard.word()),
                Hearing::NoMicrophone | Hearing::Unclear => false,
            };
            if !is_news {
                return Ok(());
            }
            (Kind::Hearing, hearing.word().to_owned())
        }
        What::Started { .. }
        | What::Suspended { .. }
        | What::Ended { .. }
        | What::LineLost { .. }
        | What::LineBack { .. } => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO notes (speaker, store, number, happened, kind, word, what) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(speaker.as_str())
    .bind(store.as_str())
    .bind(stored(event.number))
    .bind(event.at.as_micros())
    .bind(kind.word())
    .bind(known)
    .bind(json(&event.what))
    .execute(db)
    .await?;
    Ok(())
}

async fn last_hearing(db: &mut SqliteConnection, speaker: &SpeakerId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "SELECT word FROM notes WHERE speaker = $1 AND kind = 'hearing' ORDER BY happened DESC LIMIT 1",
    )
    .bind(speaker.as_str())
    .fetch_optional(db)
    .await?)
}

impl Store {
    /// Of one speaker, the latest first: when it told, and what.
    pub async fn notes_of(
        &self,
        speaker: &SpeakerId,
        kind: Kind,
        from: WallTime,
        to: WallTime,
        limit: u32,
    ) -> Result<Vec<(WallTime, What)>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT happened, what FROM notes WHERE speaker = $1 AND kind = $2 AND happened >= $3 \
             AND happened < $4 ORDER BY happened DESC, number DESC LIMIT $5",
        )
        .bind(speaker.as_str())
        .bind(kind.word())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(at, what)| Ok((wall(*at), from_json("event", what)?)))
            .collect()
    }

    /// Of all speakers, the latest first.
    pub async fn notes_since(
        &self,
        kinds: &[Kind],
        from: WallTime,
        limit: u32,
    ) -> Result<Vec<Told>> {
        let mut told = Vec::new();
        for kind in kinds {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT speaker, happened, kind, word FROM notes WHERE kind = $1 AND happened >= $2 \
                 ORDER BY happened DESC LIMIT $3",
            )
            .bind(kind.word())
            .bind(from.as_micros())
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await?;
            for row in rows {
                told.extend(row.told()?);
            }
        }
        told.sort_by(|a, b| (b.at, &b.speaker).cmp(&(a.at, &a.speaker)));
        Ok(told)
    }

    /// The last thing of each of these kinds that each speaker told since `from`.
    pub async fn notes_last(
        &self,
        kinds: &[Kind],
        from: WallTime,
        of: Option<&SpeakerId>,
    ) -> Result<HashMap<SpeakerId, Vec<Told>>> {
        let mut last: HashMap<SpeakerId, Vec<Told>> = HashMap::new();
        for kind in kinds {
            let mut sql = QueryBuilder::<Sqlite>::new(
                "SELECT notes.speaker, notes.happened, notes.kind, MAX(notes.word) AS word FROM notes \
                 JOIN (SELECT speaker, MAX(happened) AS happened FROM notes WHERE kind = ",
            );
            sql.push_bind(kind.word())
                .push(" AND happened >= ")
                .push_bind(from.as_micros());
            if let Some(speaker) = of {
                sql.push(" AND speaker = ").push_bind(speaker.as_str());
            }
            sql.push(
                " GROUP BY speaker) AS last ON notes.speaker = last.speaker AND notes.happened = last.happened \
                 WHERE notes.kind = ",
            )
            .push_bind(kind.word())
            .push(" GROUP BY notes.speaker, notes.happened, notes.kind");
            let rows: Vec<Row> = sql.build_query_as().fetch_all(self.readers()).await?;
            for row in rows {
                if let Some(told) = row.told()? {
                    last.entry(told.speaker.clone()).or_default().push(told);
                }
            }
        }
        Ok(last)
    }

    /// When each last told of a fault of its output since `from`.
    pub async fn output_faults(
        &self,
        from: WallTime,
        of: Option<&SpeakerId>,
    ) -> Result<HashMap<SpeakerId, WallTime>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT speaker, word, MAX(happened) FROM notes WHERE kind = 'fault' AND happened >= $1 \
             AND ($2 IS NULL OR speaker = $2) GROUP BY speaker, word",
        )
        .bind(from.as_micros())
        .bind(of.map(SpeakerId::as_str))
        .fetch_all(self.readers())
        .await?;
        let mut last: HashMap<SpeakerId, WallTime> = HashMap::new();
        for (speaker, _, at) in rows.iter().filter(|(_, code, _)| is_output_fault(code)) {
            let known = last.entry(parse("speaker", speaker)?).or_insert(wall(*at));
            *known = (*known).max(wall(*at));
        }
        Ok(last)
    }

    /// When speakers were muted (or, `false`, not any more), the latest first.
    pub async fn mutes_since(
        &self,
        from: WallTime,
        limit: u32,
    ) -> Result<Vec<(SpeakerId, WallTime, bool)>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT speaker, happened, muted FROM mutes WHERE happened >= $1 ORDER BY happened DESC LIMIT $2",
        )
        .bind(from.as_micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(speaker, at, muted)| Ok((parse("speaker", speaker)?, wall(*at), *muted != 0)))
            .collect()
    }
}
