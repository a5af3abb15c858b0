//! Rules of alerts: one of a kind for each area.

use loa_protocol::{id::AreaId, time::WallTime};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Result, Store, StoreError, UserId,
    convert::{from_json, from_word, json, number, parse, wall, word},
    error::{not_found, taken},
    idempotency,
};
use crate::{
    chance,
    logic::alerts::{Rule, RuleBody, RuleId, Rules},
};

/// Most rules of one office.
pub const MAX_RULES: i64 = 2_000;

#[derive(Clone, Debug, PartialEq)]
pub struct KeptRule {
    pub rule: Rule,
    /// `None`: it came with the office.
    pub changed_by: Option<UserId>,
    pub changed: WallTime,
}

#[derive(FromRow)]
struct Row {
    id: String,
    area: Option<String>,
    kind: String,
    enabled: i64,
    after_s: i64,
    threshold: Option<f64>,
    repeat_s: Option<i64>,
    escalate_s: Option<i64>,
    tell: String,
    escalate_to: String,
    changed_by: Option<String>,
    changed: i64,
}

impl TryFrom<Row> for KeptRule {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<KeptRule> {
        let area = row.area.as_deref();
        let seconds = |s: Option<i64>| s.map(|s| number("seconds", s)).transpose();
        Ok(KeptRule {
            rule: Rule {
                id: parse("rule", &row.id)?,
                body: RuleBody {
                    area: area.map(|id| parse("area", id)).transpose()?,
                    kind: from_word("kind", &row.kind)?,
                    enabled: row.enabled != 0,
                    after_s: number("after", row.after_s)?,
                    limit: row.threshold,
                    repeat_s: seconds(row.repeat_s)?,
                    escalate_s: seconds(row.escalate_s)?,
                    tell: from_json("tell", &row.tell)?,
                    escalate_to: from_json("escalate_to", &row.escalate_to)?,
                },
            },
            changed_by: row.changed_by.map(UserId::new),
            changed: wall(row.changed),
        })
    }
}

impl Store {
    /// Those for everywhere first, then by area; of areas in, below and above `area`; `None`: all.
    pub async fn alert_rules(&self, area: Option<&AreaId>) -> Result<Vec<KeptRule>> {
        let rows: Vec<Row> = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent) \
             SELECT id, area, kind, enabled, after_s, threshold, repeat_s, escalate_s, tell, escalate_to, changed_by, \
             changed FROM alert_rules WHERE $1 IS NULL OR area IS NULL \
             OR area IN (SELECT id FROM below) OR area IN (SELECT id FROM up) \
             ORDER BY COALESCE(area, ''), id",
        )
        .bind(area.map(AreaId::as_str))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(KeptRule::try_from).collect()
    }

    /// All, to be asked which one holds.
    pub async fn rules(&self) -> Result<Rules> {
        let all = self.alert_rules(None).await?;
        Ok(Rules::new(all.into_iter().map(|kept| kept.rule).collect()))
    }

    pub async fn alert_rule(&self, id: &RuleId) -> Result<KeptRule> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    /// Its area must be there, and must have no rule of this kind yet.
    pub async fn add_alert_rule(
        &self,
        body: &RuleBody,
        by: &UserId,
        claim: Option<&Claim>,
    ) -> Result<KeptRule> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM alert_rules")
            .fetch_one(&mut *tx)
            .await?;
        if count >= MAX_RULES {
            return Err(StoreError::TooMany {
                what: "rules",
                most: MAX_RULES,
            });
        }
        let id = RuleId::of(chance::bytes());
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        write(&mut tx, &id, body, by, now).await?;
        let kept = load(&mut tx, &id).await?;
        tx.commit().await?;
        Ok(kept)
    }

    pub async fn change_alert_rule(
        &self,
        id: &RuleId,
        body: &RuleBody,
        by: &UserId,
    ) -> Result<KeptRule> {
        let mut tx = self.begin().await?;
        load(&mut tx, id).await?;
        write(&mut tx, id, body, by, self.now()).await?;
        let kept = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(kept)
    }

    pub async fn delete_alert_rule(&self, id: &RuleId) -> Result<()> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM alert_rules WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        match gone.rows_affected() {
            0 => Err(not_found("rule", id)),
            _ => tx.commit().await,
        }
    }
}

async fn load(db: &mut SqliteConnection, id: &RuleId) -> Result<KeptRule> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, area, kind, enabled, after_s, threshold, repeat_s, escalate_s, tell, escalate_to, changed_by, \
         changed FROM alert_rules WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.ok_or_else(|| not_found("rule", id))?.try_into()
}

async fn write(
    db: &mut SqliteConnection,
    id: &RuleId,
    body: &RuleBody,
    by: &UserId,
    now: WallTime,
) -> Result<()> {
    if let Some(area) = &body.area {
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM areas WHERE id = $1")
            .bind(area.as_str())
            .fetch_optional(&mut *db)
            .await?;
        known.ok_or_else(|| not_found("area", area))?;
    }
    let kind = word(&body.kind);
    sqlx::query(
        "INSERT INTO alert_rules (id, area, kind, enabled, after_s, threshold, repeat_s, escalate_s, tell, \
         escalate_to, made_by, made, changed_by, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $12) \
         ON CONFLICT (id) DO UPDATE SET area = excluded.area, kind = excluded.kind, enabled = excluded.enabled, \
         after_s = excluded.after_s, threshold = excluded.threshold, repeat_s = excluded.repeat_s, \
         escalate_s = excluded.escalate_s, tell = excluded.tell, escalate_to = excluded.escalate_to, \
         changed_by = excluded.changed_by, changed = excluded.changed",
    )
    .bind(id.as_str())
    .bind(body.area.as_ref().map(AreaId::as_str))
    .bind(&kind)
    .bind(i64::from(body.enabled))
    .bind(i64::from(body.after_s))
    .bind(body.limit)
    .bind(body.repeat_s.map(i64::from))
    .bind(body.escalate_s.map(i64::from))
    .bind(json(&body.tell))
    .bind(json(&body.escalate_to))
    .bind(by.as_str())
    .bind(now.as_micros())
    .execute(db)
    .await
    .map_err(taken("rule", kind))?;
    Ok(())
}
