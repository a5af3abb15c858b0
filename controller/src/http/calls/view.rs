//! Live calls as the API shows them.

use std::collections::BTreeMap;

use loa_protocol::{
    bulletin::{Priority, Status, When},
    id::BulletinId,
    live::FRAME_MS,
    time::WallTime,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{AppState, error::ApiError, instant::Instant, messages::Code},
    heard::{self, Of, PoleHeard},
};
use crate::{
    live::least_ms,
    logic::{Presence, call::CallEnd},
    store::{CallRow, Kept, Speaker},
};

#[derive(Debug, Serialize, ToSchema)]
pub struct CallView {
    /// Of the bulletin that it is.
    #[schema(example = "b0123456789abcdef")]
    pub id: String,
    pub title: String,
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
    pub priority: Priority,
    pub status: Status,
    pub state: CallState,
    /// When the chime begins.
    pub starts_at: Instant,
    /// What is captured from then on is said.
    pub speak_at: Instant,
    /// From mouth to horn.
    pub delay_ms: u32,
    /// It ends by itself after so much speech.
    pub longest_s: u32,
    /// From when on something was said; `null`: nothing yet.
    pub began: Option<Instant>,
    /// When the last of it had been spoken.
    pub ended: Option<Instant>,
    pub reason: Option<CallEnd>,
    /// Who spoke; `null`: no user any more.
    pub by: Option<CallBy>,
    /// Speakers that it is for, each counted once.
    pub of: usize,
    /// Of them, how many are there now.
    pub online: usize,
    /// The recording, once there is one.
    pub audio: Option<String>,
    /// The bulletin that says the recording where the call was not heard.
    pub replay: Option<String>,
    /// What was said, holes counted.
    pub duration_s: f64,
    /// What of it never came to the office.
    pub holes_ms: u64,
    /// Each speaker; not in a list of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub poles: Option<Vec<PoleHeard>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The chime is still to sound, or sounds.
    Ringing,
    OnAir,
    Ended,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CallBy {
    pub id: String,
    pub name: Option<String>,
}

pub async fn show(state: &AppState, kept: &Kept, with_poles: bool) -> Result<CallView, ApiError> {
    let b = &kept.bulletin;
    let row = state.store.call(&b.id).await?;
    let Some(stream) = b.stream() else {
        return Err(ApiError::not_found("call", &b.id));
    };
    let now = state.clock.now();
    let on = state.calls.shown(&b.id).filter(|on| on.ended.is_none());
    let (frames, holes) = match on {
        Some(on) => (on.frames, on.holes),
        None => (row.frames, row.holes),
    };
    let call_state = match on {
        None => CallState::Ended,
        Some(_) if now < row.began => CallState::Ringing,
        Some(_) => CallState::OnAir,
    };
    let mut speakers: BTreeMap<_, Speaker> = BTreeMap::new();
    for channel in kept.channels() {
        for speaker in state.store.followers(&channel).await? {
            speakers.insert(speaker.id.clone(), speaker);
        }
    }
    let mut speakers: Vec<Speaker> = speakers.into_values().collect();
    speakers.sort_by(|a, b| a.name.cmp(&b.name));
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id)).speakers;
    let online =
        |(presence, _): &(crate::logic::PresenceView, _)| presence.presence == Presence::Online;
    let replay = match &row.replay {
        Some(id) => Some(state.store.bulletin(id).await?),
        None => None,
    };
    let chime_ms = b.chime.duration_ms();
    let poles = match with_poles {
        false => None,
        true => {
            let until = replay.as_ref().and_then(|kept| kept.bulletin.valid_until);
            let of = Of {
                call: &b.id,
                replay: row.replay.as_ref(),
                goes_on: on.is_some(),
                may_come: until.is_some_and(|until| now < until),
                chime_ms,
                least_ms: least_ms(chime_ms, frames),
            };
            Some(heard::poles(state, of, &speakers).await?)
        }
    };
    let names = state.store.names().await?;
    Ok(CallView {
        id: b.id.to_string(),
        title: b.title.clone(),
        targets: kept.channels().iter().map(ToString::to_string).collect(),
        priority: b.priority,
        status: b.status,
        state: call_state,
        starts_at: starts_at(kept).into(),
        speak_at: row.began.into(),
        delay_ms: stream.delay_ms,
        longest_s: u32::try_from(stream.duration_ms / 1_000).unwrap_or(u32::MAX),
        began: (frames > 0).then_some(row.began.into()),
        ended: row.ended.map(Instant),
        reason: row.reason,
        by: row.speaker.as_ref().map(|id| CallBy {
            id: id.to_string(),
            name: names.get(id).cloned(),
        }),
        of: speakers.len(),
        online: seen.iter().filter(|one| online(one)).count(),
        audio: row.audio.as_ref().map(ToString::to_string),
        replay: row.replay.as_ref().map(ToString::to_string),
        duration_s: ((frames + holes) * FRAME_MS) as f64 / 1_000.0,
        holes_ms: holes * FRAME_MS,
        poles,
    })
}

fn starts_at(kept: &Kept) -> WallTime {
    match kept.bulletin.when {
        When::Now { at, .. } => at,
        _ => kept.made,
    }
}

pub fn write_cursor(row: &CallRow) -> String {
    hex::encode(format!("{} {}", row.began.as_micros(), row.bulletin))
}

pub fn read_cursor(text: &str) -> Result<(WallTime, BulletinId), ApiError> {
    let parse = || {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (began, id) = text.split_once(' ')?;
        Some((WallTime::from_micros(began.parse().ok()?), id.parse().ok()?))
    };
    parse().ok_or(Code::CursorInvalid.into())
}
