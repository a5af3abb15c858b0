//! The audit log: who changed what, and whether the log is still what it was.

use std::collections::HashMap;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Params, page_size},
    guard::Signed,
    instant::{self, Instant},
    messages::Code,
};
use crate::{
    logic::{audit::Kept, permissions::Action},
    store::AuditFilter,
};

/// Whole logs walked along at a time: each keeps a reader of the database and a processor busy for seconds.
static VERIFYING: Semaphore = Semaphore::const_new(1);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A user's id, `cli:` and a name, `speaker:` and an id.
    user: Option<String>,
    /// The id of what it was done to.
    subject: Option<String>,
    /// At or after (RFC 3339).
    from: Option<String>,
    /// Before.
    to: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct AuditLog {
    /// Latest first.
    pub entries: Vec<EntryView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct EntryView {
    pub number: u64,
    pub at: Instant,
    /// A user's id; `cli:` and who gave a command at the machine itself; `speaker:` and an id. `null`: nobody was signed in.
    pub user: Option<String>,
    /// The user's name; `null` also when that person is no user any more.
    pub name: Option<String>,
    pub session: Option<String>,
    pub address: Option<String>,
    /// The call or the command; `sign_in_failed`.
    #[schema(example = "POST /bulletins/{id}/approve")]
    pub action: String,
    /// The ids of what it was done to, with spaces between them.
    pub subject: String,
    /// What was asked for, without what is secret.
    #[schema(value_type = Object)]
    pub details: Value,
    /// Of this entry and all before it.
    pub hash: String,
}

#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// How many entries are in order, from the first on.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: String,
    /// Nothing was changed, and no speaker saw anything else.
    pub ok: bool,
    /// The first entry that is not what was written.
    pub broken_at: Option<u64>,
    /// What the speakers saw of the log, each the longest.
    pub witnesses: Vec<WitnessView>,
}

#[derive(Serialize, ToSchema)]
pub struct WitnessView {
    pub speaker: String,
    /// `null`: it is no speaker of the office any more.
    pub name: Option<String>,
    /// How long the log was.
    pub entries: u64,
    /// `false`: the log was longer then, or another.
    pub agrees: bool,
}

/// Who changed what, when, and from where.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Filter),
    responses((status = 200, body = AuditLog), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Filter>,
) -> Result<Json<AuditLog>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    let limit = page_size(asked.limit)?;
    let before = asked.cursor.as_deref().map(str::parse).transpose();
    let filter = AuditFilter {
        user: asked.user,
        subject: asked.subject,
        from: asked.from.as_deref().map(instant::parse).transpose()?,
        to: asked.to.as_deref().map(instant::parse).transpose()?,
        before: before.map_err(|_| ApiError::new(Code::CursorInvalid))?,
        limit,
    };
    let kept = state.store.audit_entries(&filter).await?;
    let full = kept.len() == limit as usize;
    let next = kept.last().filter(|_| full);
    let next = next.map(|kept| kept.entry.number.to_string());
    let users = state.store.users().await?;
    let names: HashMap<&str, &str> = users
        .iter()
        .map(|user| (user.id.as_str(), user.name.as_str()))
        .collect();
    Ok(Json(AuditLog {
        entries: kept.into_iter().map(|kept| view(kept, &names)).collect(),
        next,
    }))
}

fn view(kept: Kept, names: &HashMap<&str, &str>) -> EntryView {
    let Kept { entry, hash, .. } = kept;
    let name = entry.user.as_deref().and_then(|user| {
        let own = user.split_once(':').map(|(_, name)| name);
        own.or_else(|| names.get(user).copied())
    });
    EntryView {
        number: entry.number,
        at: entry.at.into(),
        name: name.map(str::to_owned),
        user: entry.user,
        session: entry.session,
        address: entry.address,
        action: entry.action,
        subject: entry.subject,
        // What is no JSON any more is shown as it is: the hash says that somebody changed it.
        details: serde_json::from_str(&entry.details)
            .unwrap_or_else(|_| serde_json::json!({ "unreadable": entry.details })),
        hash: hash.to_string(),
    }
}

/// Is the log what it was? Walks along all of it, and asks what the speakers saw. Takes some seconds where it is long.
#[utoipa::path(get, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = Verification), (status = "default", body = ErrorEnvelope)))]
pub async fn verify(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<Verification>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    let _turn = VERIFYING.acquire().await;
    let verified = state.store.verify_audit(1).await?;
    let ok = verified.is_ok();
    let speakers = state.store.speakers_below(None).await?;
    let names: HashMap<_, _> = speakers
        .into_iter()
        .map(|speaker| (speaker.id, speaker.name))
        .collect();
    let witnesses = verified.witnesses.into_iter().map(|witness| WitnessView {
        name: names.get(&witness.speaker).cloned(),
        speaker: witness.speaker.to_string(),
        entries: witness.saw.entries,
        agrees: witness.agrees,
    });
    Ok(Json(Verification {
        entries: verified.last.entries,
        head: verified.last.hash.to_string(),
        ok,
        broken_at: verified.broken.map(|(number, _)| number),
        witnesses: witnesses.collect(),
    }))
}
