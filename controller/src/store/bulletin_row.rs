//! A bulletin as its row in the database, there and back.

use loa_protocol::{
    bulletin::{Bulletin, BulletinError, Repeat, Source},
    content::ContentId,
    id::BulletinId,
    live::Stream,
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    AudioId, Result, StoreError, UserId,
    bulletins::{Decision, Kept, Plea, Target},
    convert::{from_json, from_word, json, number, parse, wall, word},
    endorsements::{Endorsing, Given},
    holidays,
};
use crate::logic::{approval::Stage, relay::RelayPlan};

/// `SELECT` of everything in [`Row`], followed by the rest of the statement. Static, as sqlx wants it.
macro_rules! select_bulletins {
    ($with:literal, $rest:literal) => {
        concat!(
            $with,
            " SELECT bulletins.id, revision, title, audio, content, priority, status, rank, chime, volume, due, zone, \
             repeat_times, repeat_every_s, lateness_s, on_preempt, max_duration_s, since, valid_until, state, ends, \
             supersedes, made_by, made, changed, own_except, ask, asked_by, asked, approve_by, verdict, decided_by, decided, \
             decided_digest, reason, said_title, endorse_until, endorsement, stream, replay, relay, \
             (SELECT COALESCE(typed, spoken) FROM audio WHERE audio.id = bulletins.audio) AS words FROM bulletins ",
            $rest
        )
    };
}
pub(super) use select_bulletins;

#[derive(FromRow)]
pub(super) struct Row {
    pub id: String,
    revision: i64,
    title: String,
    audio: Option<String>,
    content: Option<String>,
    priority: String,
    status: String,
    rank: i64,
    chime: String,
    volume: i64,
    due: String,
    zone: String,
    repeat_times: i64,
    repeat_every_s: i64,
    lateness_s: Option<i64>,
    on_preempt: String,
    max_duration_s: i64,
    since: i64,
    valid_until: Option<i64>,
    pub state: String,
    pub ends: Option<i64>,
    supersedes: Option<String>,
    made_by: Option<String>,
    made: i64,
    changed: i64,
    own_except: Option<String>,
    ask: Option<String>,
    asked_by: Option<String>,
    asked: Option<i64>,
    approve_by: Option<i64>,
    verdict: Option<String>,
    decided_by: Option<String>,
    decided: Option<i64>,
    decided_digest: Option<String>,
    reason: Option<String>,
    said_title: Option<String>,
    endorse_until: Option<i64>,
    endorsement: Option<String>,
    stream: Option<String>,
    replay: Option<String>,
    relay: Option<String>,
    words: Option<String>,
}

impl Row {
    /// `None`: it is a stream.
    pub(super) fn content(&self) -> Result<Option<ContentId>> {
        let content = self.content.as_deref();
        content.map(|text| parse("content", text)).transpose()
    }

    pub(super) fn stream(&self) -> Result<Option<Stream>> {
        let stream = self.stream.as_deref();
        stream.map(|text| from_json("stream", text)).transpose()
    }

    pub(super) fn bulletin(&self, source: Source) -> Result<Bulletin> {
        Ok(Bulletin {
            endorsement: self
                .endorsement
                .as_deref()
                .map(|text| from_json("endorsement", text))
                .transpose()?,
            id: parse("bulletin", &self.id)?,
            revision: number("revision", self.revision)?,
            title: self.title.clone(),
            priority: from_word("priority", &self.priority)?,
            status: from_word("status", &self.status)?,
            order: number("order", self.rank)?,
            source,
            replay: self
                .replay
                .as_deref()
                .map(|text| from_json("replay", text))
                .transpose()?,
            chime: from_word("chime", &self.chime)?,
            volume: number("volume", self.volume)?,
            when: from_json("when", &self.due)?,
            zone: self.zone.clone(),
            repeat: Repeat {
                times: number("repeat times", self.repeat_times)?,
                every_s: number("repeat every", self.repeat_every_s)?,
            },
            lateness_s: self.lateness_s.map(|s| number("lateness", s)).transpose()?,
            on_preempt: from_word("on_preempt", &self.on_preempt)?,
            max_duration_s: number("max duration", self.max_duration_s)?,
            since: wall(self.since),
            valid_until: self.valid_until.map(wall),
        })
    }

    pub(super) fn relay(&self) -> Result<Option<RelayPlan>> {
        let relay = self.relay.as_deref();
        relay.map(|text| from_json("relay", text)).transpose()
    }

    fn plea(&self) -> Result<Option<Plea>> {
        let Some(ask) = &self.ask else {
            return Ok(None);
        };
        Ok(Some(Plea {
            ask: from_word("ask", ask)?,
            by: self.asked_by.clone().map(UserId::new),
            at: wall(self.asked.unwrap_or(self.made)),
            approve_by: self.approve_by.map(wall),
        }))
    }

    fn decision(&self) -> Result<Option<Decision>> {
        let (Some(verdict), Some(by), Some(at)) = (&self.verdict, &self.decided_by, self.decided)
        else {
            return Ok(None);
        };
        Ok(Some(Decision {
            verdict: from_word("verdict", verdict)?,
            by: UserId::new(by),
            at: wall(at),
            digest: self.decided_digest.clone().unwrap_or_default(),
            reason: self.reason.clone(),
        }))
    }

    /// An alarm whose form approvers' passkeys must have signed.
    pub(super) fn is_signed(&self) -> bool {
        self.endorse_until.is_some()
    }

    /// `given`: by whom it is signed so far.
    pub(super) fn kept(
        &self,
        source: Source,
        targets: Vec<Target>,
        given: Vec<Given>,
    ) -> Result<Kept> {
        Ok(Kept {
            bulletin: self.bulletin(source)?,
            audio: self
                .audio
                .as_deref()
                .map(|text| parse::<AudioId>("audio", text))
                .transpose()?,
            relay: self.relay()?,
            stage: from_word("state", &self.state)?,
            plea: self.plea()?,
            decision: self.decision()?,
            said_title: self.said_title.clone(),
            words: self.words.clone(),
            ends: self.ends.map(wall),
            supersedes: self
                .supersedes
                .as_deref()
                .map(|id| parse("bulletin", id))
                .transpose()?,
            made_by: self.made_by.clone().map(UserId::new),
            made: wall(self.made),
            changed: wall(self.changed),
            own_except: self
                .own_except
                .as_deref()
                .map(|own| from_json("exceptions", own))
                .transpose()?,
            endorsing: self.endorse_until.map(|until| Endorsing {
                until: wall(until),
                approve_by: self.approve_by.map(wall),
                given,
            }),
            targets,
        })
    }
}

/// When the last of it is over, if ever; what may still go on after a cut is not counted.
pub(super) fn ends(bulletin: &Bulletin) -> std::result::Result<Option<WallTime>, BulletinError> {
    if let Some(stream) = bulletin.stream() {
        // Bound to its time: however late a pole joins it, it ends for all together.
        let length_ms = i64::try_from(bulletin.length_ms()).unwrap_or(i64::MAX);
        let planned = match bulletin.last_planned()? {
            Some(at) => Some(at.plus_ms(length_ms)),
            None => bulletin.valid_until,
        };
        let spoken = stream.ended.filter(|_| bulletin.is_now());
        let spoken = spoken.map(|at| at.plus_ms(i64::from(stream.delay_ms)));
        return Ok([planned, spoken].into_iter().flatten().min());
    }
    let last = match bulletin.last_planned()? {
        Some(at) => bulletin.start_by(at),
        None => bulletin.valid_until.unwrap_or(WallTime::MAX),
    };
    let length_ms = i64::try_from(bulletin.length_ms()).unwrap_or(i64::MAX);
    Ok((last < WallTime::MAX).then(|| last.plus_ms(length_ms)))
}

/// Everything but id, state, supersedes, who made it, and approval; `made` and `changed` are `now` in a new row.
/// `own_except`: where the rule skips holidays, what a person took out of it.
pub(super) async fn write(
    db: &mut SqliteConnection,
    bulletin: &Bulletin,
    audio: Option<&AudioId>,
    own_except: Option<&[String]>,
    now: WallTime,
) -> Result<()> {
    // A holiday may go from the calendar again: the end is that of the rule without any.
    let longest = own_except.map(|own| holidays::without(bulletin, own));
    let ends = ends(longest.as_ref().unwrap_or(bulletin));
    let ends = ends.map_err(|e| StoreError::Damaged(e.to_string()))?;
    sqlx::query(
        "INSERT INTO bulletins (id, revision, title, audio, content, priority, status, rank, chime, volume, due, \
         zone, repeat_times, repeat_every_s, lateness_s, on_preempt, max_duration_s, since, valid_until, state, \
         ends, own_except, made, changed, endorsement, stream, replay) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'planned', \
         $20, $21, $22, $22, $23, $24, $25) \
         ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, title = excluded.title, \
         audio = excluded.audio, content = excluded.content, priority = excluded.priority, \
         status = excluded.status, rank = excluded.rank, chime = excluded.chime, volume = excluded.volume, \
         due = excluded.due, zone = excluded.zone, repeat_times = excluded.repeat_times, \
         repeat_every_s = excluded.repeat_every_s, lateness_s = excluded.lateness_s, \
         on_preempt = excluded.on_preempt, max_duration_s = excluded.max_duration_s, since = excluded.since, \
         valid_until = excluded.valid_until, ends = excluded.ends, own_except = excluded.own_except, \
         changed = excluded.changed, endorsement = excluded.endorsement, stream = excluded.stream, \
         replay = excluded.replay",
    )
    .bind(bulletin.id.as_str())
    .bind(i64::from(bulletin.revision))
    .bind(&bulletin.title)
    .bind(audio.map(AudioId::as_str))
    .bind(bulletin.manifest().map(|m| m.content.to_string()))
    .bind(word(&bulletin.priority))
    .bind(word(&bulletin.status))
    .bind(i64::from(bulletin.order))
    .bind(word(&bulletin.chime))
    .bind(i64::from(bulletin.volume))
    .bind(json(&bulletin.when))
    .bind(&bulletin.zone)
    .bind(i64::from(bulletin.repeat.times))
    .bind(i64::from(bulletin.repeat.every_s))
    .bind(bulletin.lateness_s.map(i64::from))
    .bind(word(&bulletin.on_preempt))
    .bind(i64::from(bulletin.max_duration_s))
    .bind(bulletin.since.as_micros())
    .bind(bulletin.valid_until.map(WallTime::as_micros))
    .bind(ends.map(WallTime::as_micros))
    .bind(own_except.map(|own| json(&own)))
    .bind(now.as_micros())
    .bind(bulletin.endorsement.as_ref().map(json))
    .bind(bulletin.stream().map(json))
    .bind(bulletin.replay.as_ref().map(json))
    .execute(db)
    .await?;
    Ok(())
}

/// Whence a relay comes.
pub(super) async fn write_relay(
    db: &mut SqliteConnection,
    id: &BulletinId,
    relay: Option<&RelayPlan>,
) -> Result<()> {
    sqlx::query("UPDATE bulletins SET relay = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(relay.map(json))
        .execute(db)
        .await?;
    Ok(())
}

/// How it stands, with what is asked for and what was said to it.
pub(super) async fn write_stage(
    db: &mut SqliteConnection,
    id: &BulletinId,
    stage: Stage,
    plea: Option<&Plea>,
    decision: Option<&Decision>,
) -> Result<()> {
    sqlx::query(
        "UPDATE bulletins SET state = $2, ask = $3, asked_by = $4, asked = $5, \
         approve_by = COALESCE($6, CASE WHEN endorse_until IS NULL THEN NULL ELSE approve_by END), verdict = $7, \
         decided_by = $8, decided = $9, decided_digest = $10, reason = $11 WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(word(&stage))
    .bind(plea.map(|p| word(&p.ask)))
    .bind(plea.and_then(|p| p.by.as_ref()).map(UserId::as_str))
    .bind(plea.map(|p| p.at.as_micros()))
    .bind(plea.and_then(|p| p.approve_by).map(WallTime::as_micros))
    .bind(decision.map(|d| word(&d.verdict)))
    .bind(decision.map(|d| d.by.as_str()))
    .bind(decision.map(|d| d.at.as_micros()))
    .bind(decision.map(|d| d.digest.as_str()))
    .bind(decision.and_then(|d| d.reason.as_deref()))
    .execute(db)
    .await?;
    Ok(())
}

/// This title is what a prepared correction will say.
pub(super) async fn write_said_title(
    db: &mut SqliteConnection,
    id: &BulletinId,
    title: &str,
) -> Result<()> {
    sqlx::query("UPDATE bulletins SET said_title = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(title)
        .execute(db)
        .await?;
    Ok(())
}
