//! Deciding about a bulletin, and taking it off the air for a while. Each is one transaction: what was decided on is what is
//! there, however many decide and edit at once.

use loa_protocol::{bulletin::Bulletin, channel::Channel, id::BulletinId, time::WallTime};
use sqlx::SqliteConnection;

use super::{
    Decision, Kept, Result, Store, StoreError, UserId,
    bulletin_row::{write, write_said_title, write_stage},
};
use crate::logic::{
    approval::{Stage, Verdict, decide},
    endorsement::on_air,
};

/// A second person's word.
#[derive(Clone, Debug)]
pub struct Word<'a> {
    pub by: &'a UserId,
    /// Of the form that this person saw, and for which it is known that he may decide.
    pub digest: &'a str,
    /// `None` approves; otherwise it is sent back for this reason.
    pub returned_for: Option<String>,
}

impl Store {
    /// Returns it with the channels that it took the superseded one from.
    pub async fn decide_bulletin(
        &self,
        id: &BulletinId,
        word: Word<'_>,
    ) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let old = self.load_bulletin(&mut tx, id).await?;
        let digest = old.digest();
        let case = old.case(&digest);
        decide(&case, word.by, true, word.digest, now).map_err(StoreError::Undecided)?;
        let decision = Decision {
            verdict: match word.returned_for {
                None => Verdict::Approved,
                Some(_) => Verdict::Returned,
            },
            by: word.by.clone(),
            at: now,
            digest,
            reason: word.returned_for,
        };
        let plea = old.plea.as_ref();
        let mut superseded = Vec::new();
        match decision.verdict {
            Verdict::Returned => {
                write_stage(&mut tx, id, Stage::Returned, plea, Some(&decision)).await?;
                touch(&mut tx, id, now).await?;
            }
            Verdict::Approved => {
                superseded = self.let_on_air(&mut tx, &old, Some(&decision), now).await?;
            }
        }
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, superseded))
    }

    /// With this word on it, when all that it waits for is there; otherwise the word is kept and it goes on waiting. Says which
    /// channels had the one that it superseded.
    pub(super) async fn let_on_air(
        &self,
        db: &mut SqliteConnection,
        old: &Kept,
        decision: Option<&Decision>,
        now: WallTime,
    ) -> Result<Vec<Channel>> {
        let id = &old.bulletin.id;
        let plea = old.plea.as_ref();
        let endorsement = match &old.endorsing {
            None => None,
            Some(endorsing) => match self.enough(db, old, endorsing, now).await? {
                None => {
                    write_stage(db, id, Stage::Awaiting, plea, decision).await?;
                    touch(db, id, now).await?;
                    return Ok(Vec::new());
                }
                enough => enough,
            },
        };
        let bulletin = on_air(&old.bulletin, old.approve_by(), endorsement, now);
        write(
            db,
            &bulletin,
            old.audio.as_ref(),
            old.own_except.as_deref(),
            now,
        )
        .await?;
        write_stage(db, id, Stage::Planned, plea, decision).await?;
        write_said_title(db, id, &bulletin.title).await?;
        let targets = old.channels();
        let left = self
            .settle(db, &bulletin, Stage::Planned, &[], &targets, now)
            .await?;
        Ok(left.superseded)
    }

    /// Takes a planned one off the air; what was said to it stays. Says which channels had it.
    pub async fn pause_bulletin(&self, id: &BulletinId) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let old = self.load_bulletin(&mut tx, id).await?;
        let left = match old.stage {
            Stage::Paused => Vec::new(),
            Stage::Planned => {
                let (plea, decision) = (old.plea.as_ref(), old.decision.as_ref());
                write_stage(&mut tx, id, Stage::Paused, plea, decision).await?;
                touch(&mut tx, id, now).await?;
                let targets = old.channels();
                let left = self
                    .settle(
                        &mut tx,
                        &old.bulletin,
                        Stage::Paused,
                        &targets,
                        &targets,
                        now,
                    )
                    .await?;
                left.own
            }
            _ => return Err(StoreError::Changed { id: id.to_string() }),
        };
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, left))
    }

    /// Puts a paused one on the air again; what was due meanwhile is not said.
    pub async fn resume_bulletin(&self, id: &BulletinId) -> Result<(Kept, bool)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let old = self.load_bulletin(&mut tx, id).await?;
        match old.stage {
            Stage::Planned => return Ok((old, false)),
            Stage::Paused => {}
            _ => return Err(StoreError::Changed { id: id.to_string() }),
        }
        let bulletin = Bulletin {
            revision: old.bulletin.revision + 1,
            since: now,
            ..old.bulletin.clone()
        };
        write(
            &mut tx,
            &bulletin,
            old.audio.as_ref(),
            old.own_except.as_deref(),
            now,
        )
        .await?;
        let (plea, decision) = (old.plea.as_ref(), old.decision.as_ref());
        write_stage(&mut tx, id, Stage::Planned, plea, decision).await?;
        self.settle(
            &mut tx,
            &bulletin,
            Stage::Planned,
            &[],
            &old.channels(),
            now,
        )
        .await?;
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, true))
    }
}

pub(super) async fn touch(db: &mut SqliteConnection, id: &BulletinId, now: WallTime) -> Result<()> {
    sqlx::query("UPDATE bulletins SET changed = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.as_micros())
        .execute(db)
        .await?;
    Ok(())
}
