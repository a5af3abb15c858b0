//! What a report names: the speakers that there were, and what was repaired.

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};

use super::{
    Result, Store,
    convert::{parse, wall},
};

/// A speaker as a report knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: SpeakerId,
    pub name: String,
    pub area: AreaId,
    pub zone: String,
    pub made: WallTime,
    /// When the office first heard of it; `None`: never.
    pub first_heard: Option<WallTime>,
    pub removed: Option<WallTime>,
}

/// What became of the repair list in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    pub opened: u64,
    pub closed: u64,
    /// From opening to closing, of those closed: the one in the middle.
    pub median_s: Option<i64>,
}

impl Store {
    /// In and below `below` (or all), by name, also those that were removed.
    pub async fn known_speakers(&self, below: Option<&AreaId>) -> Result<Vec<Known>> {
        type Row = (
            String,
            String,
            String,
            String,
            i64,
            Option<i64>,
            Option<i64>,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
             SELECT id, name, area, zone, made, first_heard, removed FROM speakers \
             WHERE $1 IS NULL OR area IN (SELECT id FROM below) ORDER BY name, id",
        )
        .bind(below.map(AreaId::as_str))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(id, name, area, zone, made, first_heard, removed)| {
                Ok(Known {
                    id: parse("speaker", &id)?,
                    name,
                    area: parse("area", &area)?,
                    zone,
                    made: wall(made),
                    first_heard: first_heard.map(wall),
                    removed: removed.map(wall),
                })
            })
            .collect()
    }

    /// Opened and closed in `from..to`.
    pub async fn repaired(
        &self,
        below: Option<&AreaId>,
        from: WallTime,
        to: WallTime,
    ) -> Result<Repaired> {
        let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
             SELECT opened, done FROM repairs WHERE opened < $3 AND (done IS NULL OR done >= $2) \
             AND ($1 IS NULL OR speaker IN (SELECT id FROM speakers WHERE area IN (SELECT id FROM below)))",
        )
        .bind(below.map(AreaId::as_str))
        .bind(from.as_micros())
        .bind(to.as_micros())
        .fetch_all(self.readers())
        .await?;
        let within = |at: i64| (from.as_micros()..to.as_micros()).contains(&at);
        let mut took: Vec<i64> = rows
            .iter()
            .filter_map(|(opened, done)| Some(done.filter(|at| within(*at))? - opened))
            .collect();
        took.sort_unstable();
        let opened = rows.iter().filter(|(opened, _)| within(*opened)).count();
        Ok(Repaired {
            opened: opened as u64,
            closed: took.len() as u64,
            median_s: took.get(took.len() / 2).map(|us| us / 1_000_000),
        })
    }
}
