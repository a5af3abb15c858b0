//! Which certificates speakers were given, which of them hold, and the one-time codes by which a board becomes a speaker.

use loa_protocol::{id::SpeakerId, time::WallTime};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Speaker, Store, StoreError,
    convert::{parse, wall},
    error::{not_found, taken},
    speakers,
};

/// How long a one-time code may be used, in seconds.
pub const ENROLMENT_LIFE_S: i64 = 7 * 86_400;
/// A certificate that ran out so long ago is forgotten, in seconds: nobody may renew by it any more.
const FORGET_S: i64 = 800 * 86_400;

/// A certificate as the office keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Hex.
    pub serial: String,
    pub speaker: SpeakerId,
    /// The Ed25519 public key in it, hex.
    pub key: String,
    pub made: WallTime,
    pub expires: WallTime,
    pub revoked: Option<(WallTime, Reason)>,
}

/// Why a certificate is worth nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The speaker was retired.
    Retired,
    /// Another board was enrolled in its place.
    Replaced,
    /// The speaker uses its next certificate.
    Renewed,
    /// Its speaker asked again for another: it never got this one. No longer done, for a wish can be said again by others.
    Lost,
}

impl Reason {
    pub fn word(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Replaced => "replaced",
            Self::Renewed => "renewed",
            Self::Lost => "lost",
        }
    }

    fn of(word: &str) -> Result<Self> {
        [Self::Retired, Self::Replaced, Self::Renewed, Self::Lost]
            .into_iter()
            .find(|reason| reason.word() == word)
            .ok_or_else(|| StoreError::Damaged(format!("reason {word:?} of a revocation")))
    }
}

#[derive(FromRow)]
struct Row {
    serial: String,
    speaker: String,
    key: String,
    made: i64,
    expires: i64,
    revoked: Option<i64>,
    reason: Option<String>,
}

impl TryFrom<Row> for Certificate {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let revoked = match (row.revoked, row.reason) {
            (Some(at), Some(reason)) => Some((wall(at), Reason::of(&reason)?)),
            _ => None,
        };
        Ok(Self {
            speaker: parse("speaker", &row.speaker)?,
            serial: row.serial,
            key: row.key,
            made: wall(row.made),
            expires: wall(row.expires),
            revoked,
        })
    }
}

impl Store {
    /// A new one-time code for this speaker, of which only the hash is kept; one that was out is worth nothing from now on.
    /// Returns until when it may be used.
    pub async fn new_enrolment(&self, id: &SpeakerId, code_hash: &str) -> Result<WallTime> {
        let mut tx = self.begin().await?;
        let now = self.now();
        speakers::load(&mut tx, id).await?;
        let expires = now.plus_s(ENROLMENT_LIFE_S);
        sqlx::query(
            "INSERT INTO enrolments (speaker, code_hash, made, expires) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (speaker) DO UPDATE SET code_hash = excluded.code_hash, made = excluded.made, \
             expires = excluded.expires",
        )
        .bind(id.as_str())
        .bind(code_hash)
        .bind(now.as_micros())
        .bind(expires.as_micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(expires)
    }

    /// Until when the code that is out for this speaker may be used; `None`: none is.
    pub async fn enrolment(&self, id: &SpeakerId) -> Result<Option<WallTime>> {
        let expires: Option<i64> = sqlx::query_scalar(
            "SELECT expires FROM enrolments WHERE speaker = $1 AND expires > $2",
        )
        .bind(id.as_str())
        .bind(self.now().as_micros())
        .fetch_optional(self.readers())
        .await?;
        Ok(expires.map(wall))
    }

    /// Whose code this is, while it may be used.
    pub async fn enrolling(&self, code_hash: &str) -> Result<Option<Speaker>> {
        let mut db = self.readers().acquire().await?;
        match enrolling(&mut db, code_hash, self.now()).await? {
            Some(id) => Ok(Some(speakers::load(&mut db, &id).await?)),
            None => Ok(None),
        }
    }

    /// Uses up the code: the certificate is the speaker's only one from now on, and its token, if it had one, is gone.
    /// Fails when the code is not (any more) this speaker's.
    pub async fn enrol(&self, code_hash: &str, new: &Certificate) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        if enrolling(&mut tx, code_hash, now).await?.as_ref() != Some(&new.speaker) {
            return Err(not_found("enrolment", &new.speaker));
        }
        sqlx::query("DELETE FROM enrolments WHERE code_hash = $1")
            .bind(code_hash)
            .execute(&mut *tx)
            .await?;
        revoke_all(&mut tx, &new.speaker, Reason::Replaced, now).await?;
        insert(&mut tx, new).await?;
        sqlx::query("UPDATE speakers SET token_hash = '' WHERE id = $1")
            .bind(new.speaker.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The next certificate of a speaker that holds `by`, and what it is as PEM. Fails when `by` was revoked meanwhile.
    pub async fn renew(&self, by: &str, new: &Certificate, pem: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let holds: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM certificates JOIN speakers ON speakers.id = certificates.speaker \
             WHERE serial = $1 AND speaker = $2 AND revoked IS NULL AND removed IS NULL",
        )
        .bind(by)
        .bind(new.speaker.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if holds.is_none() {
            return Err(not_found("certificate", by));
        }
        insert(&mut tx, new).await?;
        sqlx::query("UPDATE certificates SET pem = $2 WHERE serial = $1")
            .bind(&new.serial)
            .bind(pem)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was given as this certificate, for whoever asks for it again; `None`: it is not kept.
    pub async fn certificate_pem(&self, serial: &str) -> Result<Option<String>> {
        let pem: Option<Option<String>> =
            sqlx::query_scalar("SELECT pem FROM certificates WHERE serial = $1")
                .bind(serial)
                .fetch_optional(self.readers())
                .await?;
        Ok(pem.flatten())
    }

    /// The speaker speaks with this key: what it was given before the newest certificate of that key is worth nothing any
    /// more. Returns whether anything was revoked.
    pub async fn certificate_used(&self, id: &SpeakerId, key: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE certificates SET revoked = $3, reason = $4 WHERE speaker = $1 AND revoked IS NULL AND key <> $2 \
             AND made <= (SELECT MAX(made) FROM certificates WHERE speaker = $1 AND key = $2 AND revoked IS NULL)",
        )
        .bind(id.as_str())
        .bind(key)
        .bind(self.now().as_micros())
        .bind(Reason::Renewed.word())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            // Nothing was done, so nothing is to be told of it.
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// All that this speaker was given, latest first; also of one that was retired.
    pub async fn certificates(&self, id: &SpeakerId) -> Result<Vec<Certificate>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT serial, speaker, key, made, expires, revoked, reason FROM certificates \
             WHERE speaker = $1 ORDER BY made DESC, serial",
        )
        .bind(id.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Certificate::try_from).collect()
    }

    /// Those that hold: not revoked, not run out, of speakers that there are.
    pub async fn certificates_in_force(&self) -> Result<Vec<Certificate>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT serial, speaker, key, certificates.made, expires, revoked, reason FROM certificates \
             JOIN speakers ON speakers.id = certificates.speaker \
             WHERE removed IS NULL AND revoked IS NULL AND expires > $1 ORDER BY speaker, certificates.made",
        )
        .bind(self.now().as_micros())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Certificate::try_from).collect()
    }

    /// Those that were revoked before they ran out, which the list of revocations names.
    pub async fn certificates_revoked(&self) -> Result<Vec<Certificate>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT serial, speaker, key, made, expires, revoked, reason FROM certificates \
             WHERE revoked IS NOT NULL AND expires > $1 ORDER BY revoked, serial",
        )
        .bind(self.now().as_micros())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Certificate::try_from).collect()
    }
}

async fn enrolling(
    db: &mut SqliteConnection,
    code_hash: &str,
    now: WallTime,
) -> Result<Option<SpeakerId>> {
    let id: Option<String> =
        sqlx::query_scalar("SELECT speaker FROM enrolments WHERE code_hash = $1 AND expires > $2")
            .bind(code_hash)
            .bind(now.as_micros())
            .fetch_optional(db)
            .await?;
    id.map(|id| parse("speaker", &id)).transpose()
}

async fn insert(db: &mut SqliteConnection, new: &Certificate) -> Result<()> {
    sqlx::query(
        "INSERT INTO certificates (serial, speaker, key, made, expires) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&new.serial)
    .bind(new.speaker.as_str())
    .bind(&new.key)
    .bind(new.made.as_micros())
    .bind(new.expires.as_micros())
    .execute(db)
    .await
    .map_err(taken("certificate", &new.serial))?;
    Ok(())
}

/// All that the speaker holds, and the code that is out for it.
pub(super) async fn revoke_all(
    db: &mut SqliteConnection,
    id: &SpeakerId,
    reason: Reason,
    now: WallTime,
) -> Result<()> {
    sqlx::query(
        "UPDATE certificates SET revoked = $2, reason = $3 WHERE speaker = $1 AND revoked IS NULL",
    )
    .bind(id.as_str())
    .bind(now.as_micros())
    .bind(reason.word())
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM enrolments WHERE speaker = $1")
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets codes that nobody used, and what ran out long ago.
pub(super) async fn tidy(db: &mut SqliteConnection, now: WallTime) -> Result<()> {
    sqlx::query("DELETE FROM enrolments WHERE expires <= $1")
        .bind(now.as_micros())
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM certificates WHERE expires <= $1")
        .bind(now.plus_s(-FORGET_S).as_micros())
        .execute(db)
        .await?;
    Ok(())
}
