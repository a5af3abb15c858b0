//! Approvers' signatures on alarms: asked for in the transaction that makes or changes one, taken when the pole's own code
//! takes them, and the alarm goes on air with the one that makes them enough.

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    endorsement::{Assertion, Endorsement},
    id::BulletinId,
    root::Root,
    time::WallTime,
    trust::Trust,
};
use sqlx::SqliteConnection;

use super::{
    Decision, Kept, Result, Store, UserId,
    bulletin_row::{Row, select_bulletins, write, write_stage},
    channels,
    convert::{from_json, json, wall},
};
use crate::{
    binary,
    logic::{
        approval::{self, Stage, Verdict, decide},
        endorsement::{Form, Unendorsed, bounded, enough, holds, is_needed, take, until},
    },
};

/// What an alarm waits for, or waited for, besides a second person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsing {
    /// It sounds no longer than this; under the signatures.
    pub until: WallTime,
    /// Nobody may sign after this.
    pub approve_by: Option<WallTime>,
    /// In order of time.
    pub given: Vec<Given>,
}

/// One approver's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub user: UserId,
    /// As the poles know this approver.
    pub name: String,
    pub at: WallTime,
    pub assertion: Assertion,
}

/// A form that approvers' passkeys must sign.
#[derive(Debug)]
pub(super) struct ToBeSigned {
    pub form: Bulletin,
    until: WallTime,
    approve_by: Option<WallTime>,
}

impl Endorsing {
    pub fn assertions(&self) -> Vec<Assertion> {
        self.given.iter().map(|g| g.assertion.clone()).collect()
    }
}

impl Kept {
    /// What an approver's passkey signs; `None`: nothing is to be signed.
    pub fn challenge(&self) -> Option<[u8; 32]> {
        let until = self.endorsing.as_ref()?.until;
        let targets = self.channels();
        let form = Form {
            bulletin: &self.bulletin,
            targets: &targets,
            until,
        };
        Some(form.challenge())
    }
}

impl Store {
    /// `None`: by the rule in force nobody need sign this.
    pub(super) async fn to_be_signed(
        &self,
        db: &mut SqliteConnection,
        bulletin: &Bulletin,
        skip_holidays: bool,
        now: WallTime,
    ) -> Result<Option<ToBeSigned>> {
        let standing = self.trust_in(db).await?;
        if !is_needed(&standing.root()?.emergency, bulletin) {
            return Ok(None);
        }
        if skip_holidays {
            return Err(Unendorsed::FollowsCalendar.into());
        }
        Ok(Some(asked(bulletin, now)))
    }

    pub(super) async fn enough(
        &self,
        db: &mut SqliteConnection,
        kept: &Kept,
        endorsing: &Endorsing,
        now: WallTime,
    ) -> Result<Option<Endorsement>> {
        let standing = self.trust_in(db).await?;
        let targets = kept.channels();
        let form = Form {
            bulletin: &kept.bulletin,
            targets: &targets,
            until: endorsing.until,
        };
        Ok(enough(&standing.trust, &form, &endorsing.assertions(), now))
    }

    /// Takes one approver's signature. `may_approve`: he may also be the second person; `digest`: of the form that he saw.
    /// Returns it with the channels that it took the superseded one from.
    pub async fn endorse_bulletin(
        &self,
        id: &BulletinId,
        by: &UserId,
        assertion: Assertion,
        may_approve: bool,
        digest: &str,
    ) -> Result<(Kept, Vec<Channel>)> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut kept = self.load_bulletin(&mut tx, id).await?;
        let present = kept.digest();
        let word = decide(&kept.case(&present), by, may_approve, digest, now);
        let standing = self.trust_in(&mut tx).await?;
        let targets = kept.channels();
        let waits = kept.stage == Stage::Awaiting;
        let Some(endorsing) = kept.endorsing.as_mut().filter(|_| waits) else {
            return Err(Unendorsed::NotAwaited.into());
        };
        if let Some(by) = endorsing.approve_by.filter(|by| now > *by) {
            return Err(Unendorsed::TooLate { by }.into());
        }
        let form = Form {
            bulletin: &kept.bulletin,
            targets: &targets,
            until: endorsing.until,
        };
        let before = endorsing.assertions();
        let approver = take(&standing.trust, &form, &before, &assertion, now)?;
        let given = Given {
            user: by.clone(),
            name: approver.name.clone(),
            at: now,
            assertion,
        };
        insert(&mut tx, id, &given).await?;
        endorsing.given.push(given);
        let decision = match word {
            Ok(()) => Some(Decision {
                verdict: Verdict::Approved,
                by: by.clone(),
                at: now,
                digest: present,
                reason: None,
            }),
            // Not the second person's, but still an approver's.
            Err(_) => kept.decision.clone(),
        };
        let approved = kept.is_approved() || word.is_ok();
        let mut superseded = Vec::new();
        if approved {
            superseded = self
                .let_on_air(&mut tx, &kept, decision.as_ref(), now)
                .await?;
        }
        let kept = self.load_bulletin(&mut tx, id).await?;
        tx.commit().await?;
        Ok((kept, superseded))
    }

    /// After a new root: alarms on air that no pole lets sound any more wait for approvers, and so do those that waited for a
    /// second person only. Says which channels have something no more.
    pub(super) async fn ask_again(
        &self,
        db: &mut SqliteConnection,
        root: &Root,
        trust: &Trust,
        now: WallTime,
    ) -> Result<Vec<Channel>> {
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE priority = 'emergency' AND status = 'actual' AND ( \
               (state IN ('planned', 'paused') AND (ends IS NULL OR ends > $1)) \
               OR (state = 'awaiting' AND endorse_until IS NULL AND (approve_by IS NULL OR approve_by >= $1)))"
        ))
        .bind(now.as_micros())
        .fetch_all(&mut *db)
        .await?;
        let mut left = Vec::new();
        for row in rows {
            let old = self.complete(db, &row).await?;
            let targets = old.channels();
            let on_air = matches!(old.stage, Stage::Planned | Stage::Paused);
            if !is_needed(&root.emergency, &old.bulletin)
                || (on_air && holds(trust, &old.bulletin, &targets, now))
            {
                continue;
            }
            let signed = asked(&old.bulletin, now);
            let form = Bulletin {
                revision: old.bulletin.revision + 1,
                ..signed.form.clone()
            };
            // The days that it leaves out are those of now: what is signed cannot follow the calendar.
            write(db, &form, old.audio.as_ref(), None, now).await?;
            let (plea, decision) = (old.plea.as_ref(), old.decision.as_ref());
            write_stage(db, &form.id, Stage::Awaiting, plea, decision).await?;
            ask(db, &form.id, Some(&signed)).await?;
            if old.stage == Stage::Planned {
                for channel in targets {
                    channels::bump(db, &channel).await?;
                    left.push(channel);
                }
            }
        }
        left.sort();
        left.dedup();
        Ok(left)
    }
}

fn asked(bulletin: &Bulletin, now: WallTime) -> ToBeSigned {
    let until = until(bulletin, now);
    let mut form = bounded(bulletin, until);
    form.endorsement = None;
    ToBeSigned {
        approve_by: approval::approve_by(&form, now),
        form,
        until,
    }
}

/// Whatever was signed before is forgotten. `None`: nothing is to be signed.
pub(super) async fn ask(
    db: &mut SqliteConnection,
    id: &BulletinId,
    signed: Option<&ToBeSigned>,
) -> Result<()> {
    sqlx::query("DELETE FROM endorsements WHERE bulletin = $1")
        .bind(id.as_str())
        .execute(&mut *db)
        .await?;
    let until = signed.map(|signed| signed.until.as_micros());
    let approve_by = signed.and_then(|signed| signed.approve_by);
    sqlx::query(
        "UPDATE bulletins SET endorse_until = $2, endorsement = NULL, approve_by = COALESCE(approve_by, $3) \
         WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(until)
    .bind(approve_by.map(WallTime::as_micros))
    .execute(&mut *db)
    .await?;
    Ok(())
}

async fn insert(db: &mut SqliteConnection, id: &BulletinId, given: &Given) -> Result<()> {
    sqlx::query(
        "INSERT INTO endorsements (bulletin, credential, user_id, name, given, assertion) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.as_str())
    .bind(binary::text(&given.assertion.credential))
    .bind(given.user.as_str())
    .bind(&given.name)
    .bind(given.at.as_micros())
    .bind(json(&given.assertion))
    .execute(db)
    .await?;
    Ok(())
}

/// In order of time.
pub(super) async fn given(db: &mut SqliteConnection, bulletin: &str) -> Result<Vec<Given>> {
    let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
        "SELECT user_id, name, given, assertion FROM endorsements WHERE bulletin = $1 ORDER BY given, credential",
    )
    .bind(bulletin)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(user, name, at, assertion)| {
            Ok(Given {
                user: UserId::new(user),
                name,
                at: wall(at),
                assertion: from_json("assertion", &assertion)?,
            })
        })
        .collect()
}
