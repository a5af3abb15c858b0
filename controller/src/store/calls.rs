//! Live calls: who spoke, from when to when, why it ended, and what became of the recording.

use std::collections::HashSet;

use loa_protocol::{
    bulletin::{Bulletin, Chime, Source},
    channel::Channel,
    id::{AreaId, BulletinId},
    live::{FRAME_MS, Stream, StreamKind},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    AudioId, Claim, Kept, NewAudio, NewBulletin, Result, Store, UserId, audio, bulletin_row,
    bulletins,
    convert::{from_json, from_word, number, parse, stored, wall, word},
    error::not_found,
    idempotency, reach,
};
use crate::logic::{approval::Stage, call::CallEnd};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    pub bulletin: BulletinId,
    /// From when on one could speak.
    pub began: WallTime,
    /// When the last of it had been spoken; `None`: it goes on.
    pub ended: Option<WallTime>,
    pub reason: Option<CallEnd>,
    pub speaker: Option<UserId>,
    /// 20 ms each.
    pub frames: u64,
    /// Frames that never came to the office.
    pub holes: u64,
    pub audio: Option<AudioId>,
    /// Says it again to whoever did not hear it.
    pub replay: Option<BulletinId>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnded {
    pub at: WallTime,
    pub why: CallEnd,
    pub frames: u64,
    pub holes: u64,
}

#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Only what somebody in or below this area hears.
    pub area: Option<AreaId>,
    /// After this one in the order of the list: newest first.
    pub after: Option<(WallTime, BulletinId)>,
    pub limit: u32,
}

#[derive(FromRow)]
struct Row {
    bulletin: String,
    began: i64,
    ended: Option<i64>,
    reason: Option<String>,
    speaker: Option<String>,
    frames: i64,
    holes: i64,
    audio: Option<String>,
    replay: Option<String>,
}

impl TryFrom<Row> for CallRow {
    type Error = super::StoreError;
    fn try_from(row: Row) -> Result<CallRow> {
        let reason = row.reason.as_deref();
        Ok(CallRow {
            bulletin: parse("bulletin", &row.bulletin)?,
            began: wall(row.began),
            ended: row.ended.map(wall),
            reason: reason.map(|text| from_word("reason", text)).transpose()?,
            speaker: row.speaker.map(UserId::new),
            frames: number("frames", row.frames)?,
            holes: number("holes", row.holes)?,
            audio: row
                .audio
                .as_deref()
                .map(|text| parse("audio", text))
                .transpose()?,
            replay: row
                .replay
                .as_deref()
                .map(|text| parse("bulletin", text))
                .transpose()?,
        })
    }
}

/// `SELECT` of every live call, followed by the rest of the statement. Static, as sqlx wants it.
macro_rules! select_calls {
    ($with:literal, $rest:literal) => {
        concat!(
            $with,
            " SELECT calls.bulletin, began, ended, calls.reason, speaker, frames, holes, calls.audio, calls.replay \
             FROM calls JOIN bulletins ON bulletins.id = calls.bulletin AND relay IS NULL ",
            $rest
        )
    };
}

/// How long a stream is to sound, chime counted: of a call what was said, when it is over; of a relay its window.
pub(super) async fn due_ms(
    db: &mut SqliteConnection,
    bulletin: &BulletinId,
) -> Result<Option<i64>> {
    let row: Option<(String, String, Option<i64>)> = sqlx::query_as(
        "SELECT stream, chime, (SELECT (frames + holes) * $2 FROM calls \
         WHERE calls.bulletin = bulletins.id AND ended IS NOT NULL LIMIT 1) \
         FROM bulletins WHERE id = $1 AND stream IS NOT NULL",
    )
    .bind(bulletin.as_str())
    .bind(stored(FRAME_MS))
    .fetch_optional(db)
    .await?;
    let Some((stream, chime, said_ms)) = row else {
        return Ok(None);
    };
    let stream: Stream = from_json("stream", &stream)?;
    let chime: Chime = from_word("chime", &chime)?;
    let sound_ms = match stream.kind {
        StreamKind::Live => said_ms,
        StreamKind::Relay => Some(stored(stream.duration_ms)),
    };
    Ok(sound_ms.map(|ms| ms + stored(chime.duration_ms())))
}

/// Without the targets all of whose speakers were told to be silent since the call began; `None`: no target is left.
async fn unsilenced(
    db: &mut SqliteConnection,
    call: &BulletinId,
    mut replay: NewBulletin,
) -> Result<Option<NewBulletin>> {
    let stopped: Vec<String> = sqlx::query_scalar(
        "SELECT channel FROM channels \
         WHERE silence_before >= (SELECT began FROM calls WHERE bulletin = $1)",
    )
    .bind(call.as_str())
    .fetch_all(&mut *db)
    .await?;
    if stopped.is_empty() {
        return Ok(Some(replay));
    }
    let mut silent = HashSet::new();
    for channel in &stopped {
        let channel: Channel = parse("channel", channel)?;
        let reached = reach::reached(db, &channel).await?;
        silent.extend(reached.speakers.into_iter().map(|(id, _)| id));
    }
    let mut left = Vec::with_capacity(replay.targets.len());
    for target in &replay.targets {
        let speakers = reach::reached(db, target).await?.speakers;
        let is_heard = speakers.is_empty() || speakers.iter().any(|(id, _)| !silent.contains(id));
        if is_heard && !stopped.contains(&target.to_string()) {
            left.push(target.clone());
        }
    }
    replay.targets = left;
    Ok((!replay.targets.is_empty()).then_some(replay))
}

impl Store {
    /// A call, as a bulletin and as what it is. `began`: from when on one may speak.
    pub async fn add_call(
        &self,
        new: NewBulletin,
        began: WallTime,
        claim: Option<&Claim>,
    ) -> Result<Kept> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let id = new.bulletin.id.clone();
        self.add_in(&mut tx, &new, now).await?;
        sqlx::query("INSERT INTO calls (bulletin, began, speaker) VALUES ($1, $2, $3)")
            .bind(id.as_str())
            .bind(began.as_micros())
            .bind(new.made_by.as_ref().map(UserId::as_str))
            .execute(&mut *tx)
            .await?;
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        let kept = self.load_bulletin(&mut tx, &id).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Its end, for the books and for the poles; in which nothing was said it is cancelled, too: the chime need not sound to its
    /// end. Returns the channels whose programmes say so now; `None`: it had ended before.
    pub async fn end_call(
        &self,
        id: &BulletinId,
        ended: CallEnded,
    ) -> Result<Option<Vec<Channel>>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let done = sqlx::query(
            "UPDATE calls SET ended = $2, reason = $3, frames = $4, holes = $5 \
             WHERE bulletin = $1 AND ended IS NULL",
        )
        .bind(id.as_str())
        .bind(ended.at.as_micros())
        .bind(word(&ended.why))
        .bind(stored(ended.frames))
        .bind(stored(ended.holes))
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        let kept = self.load_bulletin(&mut tx, id).await?;
        let channels = self.say_ended(&mut tx, &kept, ended.at, now).await?;
        if ended.frames == 0 {
            let kept = self.load_bulletin(&mut tx, id).await?;
            bulletins::cancel(&mut tx, &kept, now).await?;
        }
        tx.commit().await?;
        Ok(Some(channels))
    }

    /// The next revision of the bulletin: nothing of it sounds that is spoken later.
    async fn say_ended(
        &self,
        db: &mut SqliteConnection,
        kept: &Kept,
        at: WallTime,
        now: WallTime,
    ) -> Result<Vec<Channel>> {
        let Some(stream) = kept.bulletin.stream() else {
            return Ok(Vec::new());
        };
        let ended = Bulletin {
            revision: kept.bulletin.revision + 1,
            source: Source::Stream(Stream {
                ended: Some(at),
                ..stream.clone()
            }),
            ..kept.bulletin.clone()
        };
        bulletin_row::write(db, &ended, None, None, now).await?;
        let channels = kept.channels();
        if kept.stage == Stage::Planned {
            self.settle(db, &ended, kept.stage, &channels, &channels, now)
                .await?;
        }
        Ok(channels)
    }

    /// The recording (its content's file is in place and on disk already), and what says it again, if anything does. Returns the id of
    /// that; `None`: the call was cancelled meanwhile, or everybody whom it is for was told to be silent since it began.
    pub async fn keep_call(
        &self,
        id: &BulletinId,
        recording: NewAudio,
        replay: Option<NewBulletin>,
    ) -> Result<Option<BulletinId>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        audio::insert_audio(&mut tx, &recording, now).await?;
        let call = self.load_bulletin(&mut tx, id).await?;
        let replay = match replay {
            Some(replay) if call.stage != Stage::Cancelled => {
                unsilenced(&mut tx, id, replay).await?
            }
            _ => None,
        };
        if let Some(replay) = &replay {
            self.add_in(&mut tx, replay, now).await?;
        }
        sqlx::query("UPDATE calls SET audio = $2, replay = $3 WHERE bulletin = $1")
            .bind(id.as_str())
            .bind(recording.id.as_str())
            .bind(replay.as_ref().map(|replay| replay.bulletin.id.as_str()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(replay.map(|replay| replay.bulletin.id))
    }

    pub async fn call(&self, id: &BulletinId) -> Result<CallRow> {
        let row: Option<Row> =
            sqlx::query_as(select_calls!("", "WHERE calls.bulletin = $1 LIMIT 1"))
                .bind(id.as_str())
                .fetch_optional(self.readers())
                .await?;
        row.ok_or_else(|| not_found("call", id))?.try_into()
    }

    /// Newest first.
    pub async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRow>> {
        let after = filter.after.as_ref();
        let rows: Vec<Row> = sqlx::query_as(select_calls!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             up (id, parent) AS (SELECT id, parent FROM areas WHERE id = $1 \
             UNION SELECT areas.id, areas.parent FROM areas JOIN up ON areas.id = up.parent)",
            "WHERE ($1 IS NULL OR EXISTS (SELECT 1 FROM bulletin_targets \
               WHERE bulletin = calls.bulletin AND channel IN ( \
               SELECT 'area.' || id FROM below UNION SELECT 'area.' || id FROM up \
               UNION SELECT 'speaker.' || id FROM speakers WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || id FROM speaker_groups WHERE area IN (SELECT id FROM below) \
               UNION SELECT 'group.' || group_id FROM group_members JOIN speakers ON speakers.id = group_members.speaker \
                 WHERE area IN (SELECT id FROM below)))) \
             AND ($2 IS NULL OR (began, calls.bulletin) < ($2, $3)) \
             ORDER BY began DESC, calls.bulletin DESC LIMIT $4"
        ))
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(after.map(|(began, _)| began.as_micros()))
        .bind(after.map(|(_, id)| id.to_string()))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(CallRow::try_from).collect()
    }

    /// Calls that had no end when the office was last there, or whose recording was not kept.
    pub async fn unfinished_calls(&self) -> Result<Vec<CallRow>> {
        let rows: Vec<Row> = sqlx::query_as(select_calls!(
            "",
            "WHERE ended IS NULL OR (calls.audio IS NULL AND frames > 0)"
        ))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(CallRow::try_from).collect()
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::{bulletin::When, content::Manifest, live::Replay};

    use super::*;
    use crate::{
        chance,
        store::{
            AudioSource,
            testing::{NOON, TestStore, bulletin, village},
        },
    };

    fn channel(text: &str) -> Channel {
        text.parse().unwrap()
    }

    fn at_noon() -> When {
        When::Now {
            at: NOON,
            date: "2026-11-24".into(),
        }
    }

    fn new(bulletin: Bulletin, audio: Option<AudioId>, targets: &[&str]) -> NewBulletin {
        NewBulletin {
            bulletin,
            audio,
            relay: None,
            targets: targets.iter().map(|target| channel(target)).collect(),
            skip_holidays: false,
            supersedes: None,
            made_by: None,
            ask: None,
        }
    }

    /// One that began at noon, and is over.
    async fn call(store: &TestStore, targets: &[&str]) -> BulletinId {
        let bytes = chance::bytes::<1024>();
        let mut call = bulletin(Manifest::of(&bytes, 10_000), at_noon(), NOON);
        call.source = Source::Stream(Stream {
            kind: StreamKind::Live,
            key: [7; 32],
            delay_ms: 300,
            duration_ms: 600_000,
            ended: None,
            url: None,
        });
        let id = call.id.clone();
        let new = new(call, None, targets);
        store.add_call(new, NOON, None).await.unwrap();
        let ended = CallEnded {
            at: NOON.plus_s(10),
            why: CallEnd::Released,
            frames: 500,
            holes: 0,
        };
        store.end_call(&id, ended).await.unwrap();
        id
    }

    /// Keeps its recording, and says who hears it again.
    async fn heard_again(store: &TestStore, id: &BulletinId, targets: &[&str]) -> Vec<String> {
        let bytes = chance::bytes::<1024>();
        let manifest = Manifest::of(&bytes, 10_000);
        let recording = NewAudio {
            id: AudioId::new(chance::id('a')).unwrap(),
            manifest: manifest.clone(),
            source: AudioSource::Live,
            title: "Nói trực tiếp".into(),
            format: "Opus, 48000 Hz, mono".into(),
            original_bytes: 1_024,
            loudness_lufs: None,
            text: None,
            spoken: None,
            voice: None,
            speed: None,
            made_by: None,
        };
        let mut replay = bulletin(manifest, at_noon(), NOON);
        replay.replay = Some(Box::new(Replay {
            of: id.clone(),
            least_ms: 9_000,
        }));
        let replay = new(replay, Some(recording.id.clone()), targets);
        let again = store.keep_call(id, recording, Some(replay)).await.unwrap();
        let row = store.call(id).await.unwrap();
        assert!(row.audio.is_some());
        assert_eq!(row.replay, again);
        let Some(again) = again else {
            return Vec::new();
        };
        let kept = store.bulletin(&again).await.unwrap();
        kept.channels().iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_call_that_was_cancelled_while_its_recording_was_made_is_not_said_again() {
        let store = village().await;
        let targets = ["area.ban-chuong"];
        let id = call(&store, &targets).await;
        store.cancel_bulletin(&id).await.unwrap();
        assert_eq!(heard_again(&store, &id, &targets).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_call_is_not_said_again_where_everything_was_stopped_since() {
        let store = village().await;
        let targets = ["area.ban-chuong", "area.khuoi-meo"];
        let stop = async |at: &str, when: WallTime| {
            store.stop(&[channel(at)], when).await.unwrap();
            let id = call(&store, &targets).await;
            heard_again(&store, &id, &targets).await
        };
        let after = NOON.plus_s(12);
        assert_eq!(stop("area.sang-moc", NOON.plus_s(-1)).await, targets);
        let left = ["area.ban-chuong"];
        assert_eq!(stop("speaker.khuoi-meo-1", after).await, left);
        // The other pole there is still to hear it; this one has it silenced by its plan.
        assert_eq!(stop("speaker.ban-chuong-1", after).await, left);
        assert_eq!(stop("area.sang-moc", after).await, [""; 0]);
    }
}
