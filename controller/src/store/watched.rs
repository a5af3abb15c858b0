//! What the watch needs to know of every speaker, in few columns.

use std::{collections::HashMap, sync::Arc};

use loa_protocol::id::{AreaId, SpeakerId};

use super::{
    Result, Store,
    convert::{number, parse, wall},
};
use crate::logic::alerts::Sounded;

/// A playout tells of its speaker for so long, in seconds.
const SOUNDED_S: i64 = 24 * 3_600;

#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub speaker: SpeakerId,
    /// Its area, the nearest first; the same one for all of an area.
    pub lineage: Arc<[AreaId]>,
    /// The office has heard of it at some time: before, nobody misses it.
    pub was_heard: bool,
    /// What its SIM may use in a month, in megabytes (10^6), where somebody has said so.
    pub data_plan_mb: Option<u64>,
    /// Its mast as a person named it, where the modem does not.
    pub cell: Option<String>,
}

impl Store {
    /// All speakers.
    pub async fn watched(&self) -> Result<Vec<Watched>> {
        let tree = self.tree().await?;
        type Row = (String, String, Option<i64>, Option<i64>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, area, first_heard, data_plan_mb, cell FROM speakers WHERE removed IS NULL ORDER BY id",
        )
        .fetch_all(self.readers())
        .await?;
        let mut lineages: HashMap<String, Arc<[AreaId]>> = HashMap::new();
        let mut watched = Vec::with_capacity(rows.len());
        for (id, area, first_heard, plan, cell) in rows {
            let lineage = match lineages.get(&area) {
                Some(lineage) => lineage.clone(),
                None => {
                    let mut lineage: Vec<AreaId> = Vec::new();
                    let mut next = Some(parse::<AreaId>("area", &area)?);
                    while let Some(id) = next.filter(|id| !lineage.contains(id)) {
                        next = tree.get(&id).and_then(|node| node.parent.clone());
                        lineage.push(id);
                    }
                    let lineage: Arc<[AreaId]> = lineage.into();
                    lineages.insert(area, lineage.clone());
                    lineage
                }
            };
            watched.push(Watched {
                speaker: parse("speaker", &id)?,
                lineage,
                was_heard: first_heard.is_some(),
                data_plan_mb: plan.map(|mb| number("data plan", mb)).transpose()?,
                cell,
            });
        }
        Ok(watched)
    }

    /// How the last playout of each speaker went that tells whether it sounds: not one that a rule or a person kept silent,
    /// and not one that fell into a time without power. `of`: of one speaker only.
    pub async fn last_sounded(
        &self,
        of: Option<&SpeakerId>,
    ) -> Result<HashMap<SpeakerId, Sounded>> {
        let now = self.now();
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT speaker, planned, outcome FROM (SELECT speaker, planned, outcome, \
             ROW_NUMBER() OVER (PARTITION BY speaker ORDER BY planned DESC, occurrence DESC, attempt DESC) AS place \
             FROM playouts WHERE planned > $1 AND planned <= $2 AND ($3 IS NULL OR speaker = $3) \
             AND (outcome IN ('completed', 'pre_empted', 'interrupted', 'failed', 'unreported') \
             OR (outcome = 'missed' AND reason IN ('no_content', 'clock_untrusted')))) AS told WHERE place = 1",
        )
        .bind(now.plus_s(-SOUNDED_S).as_micros())
        .bind(now.as_micros())
        .bind(of.map(SpeakerId::as_str))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(speaker, planned, outcome)| {
                let last = Sounded {
                    planned: wall(planned),
                    well: !matches!(outcome.as_str(), "failed" | "missed" | "unreported"),
                };
                Ok((parse("speaker", &speaker)?, last))
            })
            .collect()
    }
}
