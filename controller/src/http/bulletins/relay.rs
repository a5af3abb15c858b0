//! Relays as the API takes and shows them.

use loa_protocol::{
    bulletin::{Bulletin, Priority, Source, Status},
    id::BulletinId,
    live::{Stream, StreamKind},
    time::WallTime,
};
use loa_station::{Address, Reach};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{AppState, error::ApiError, guard::Signed, instant::Instant, messages::Code},
    audio,
};
use crate::{
    live::stream_key,
    logic::relay::{DELAY_MS, Fallback, RelayPlan, RelayState, overlaps},
    store::{BulletinState, Kept},
};

/// Shortest and longest window, in seconds.
const DURATION_S: std::ops::RangeInclusive<i64> = 10..=14_400;

/// Another station's programme, in place of `audio`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayBody {
    /// Where the station is: `http` or `https`; MP3, AAC, Ogg, or HLS.
    #[schema(example = "https://stream.example.vn/vov1/playlist.m3u8")]
    pub url: String,
    /// How long its window is; it ends with it, whatever is being said.
    #[schema(minimum = 10, maximum = 14400)]
    pub duration_s: i64,
    /// A recording that sounds once while the station is away; without one it is silent then.
    pub fallback: Option<String>,
    /// Poles that are set up for it fetch the station themselves, and have what the office sends as their second way.
    #[serde(default)]
    pub by_poles: bool,
}

#[derive(Serialize, ToSchema)]
pub struct StreamView {
    pub kind: StreamKind,
    /// It is over since then.
    pub ended: Option<Instant>,
    /// Where poles may fetch it themselves.
    pub url: Option<String>,
    pub relay: Option<RelayView>,
}

#[derive(Serialize, ToSchema)]
pub struct RelayView {
    pub url: String,
    pub duration_s: f64,
    pub fallback: Option<String>,
    pub by_poles: bool,
    pub state: RelayState,
    /// Why the station is away: `unknown_host`, `private`, `unreachable`, `not_safe`, `refused`, `redirects`, `not_http`,
    /// `too_large`, `locked`, `stalled`, `ended`, `not_sound`, `office`.
    pub detail: Option<String>,
    pub since: Instant,
}

/// Reads the address of a station; one that is plainly in a private network is refused at once.
pub fn address(state: &AppState, text: &str) -> Result<Address, ApiError> {
    let address = Address::parse(text).map_err(|_| ApiError::from(Code::StationAddress))?;
    let reach = match state.config.relay.private {
        true => Reach::Everywhere,
        false => Reach::Public,
    };
    if !address.may_be_reached(reach) {
        return Err(Code::StationPrivate.into());
    }
    Ok(address)
}

/// What a relay is to the poles, and to the office.
pub async fn planned(
    state: &AppState,
    signed: &Signed,
    asked: &RelayBody,
    bulletin: &BulletinId,
) -> Result<(Source, RelayPlan), ApiError> {
    let url = address(state, &asked.url)?.to_string();
    if !DURATION_S.contains(&asked.duration_s) {
        let refused = ApiError::new(Code::RelayDuration).with("least", DURATION_S.start());
        return Err(refused.with("most", DURATION_S.end()));
    }
    let fallback = match &asked.fallback {
        None => None,
        Some(text) => {
            let audio = audio(state, signed, text).await?;
            Some(Fallback {
                audio: audio.id.to_string(),
                content: audio.content,
            })
        }
    };
    let key = stream_key(&state.store.office().key, bulletin);
    let stream = Stream {
        kind: StreamKind::Relay,
        key: key.verifying_key().to_bytes(),
        delay_ms: DELAY_MS,
        duration_ms: asked.duration_s.unsigned_abs() * 1_000,
        ended: None,
        url: asked.by_poles.then(|| url.clone()),
    };
    Ok((Source::Stream(stream), RelayPlan { url, fallback }))
}

/// What a relay cannot be: nobody knows beforehand what another station says.
pub fn fits(b: &Bulletin) -> Result<(), ApiError> {
    let relay = b.stream().filter(|s| s.kind == StreamKind::Relay);
    let Some(relay) = relay else {
        return Ok(());
    };
    let least_s = relay.duration_ms.div_ceil(1_000);
    match () {
        () if b.is_now() => Err(Code::RelayNow.into()),
        () if b.priority == Priority::Emergency || b.status != Status::Actual => {
            Err(Code::RelayOrdinary.into())
        }
        // Both would be on the air at once.
        () if overlaps(b, relay.duration_ms) => {
            Err(ApiError::new(Code::RelayRepeat).with("least", least_s))
        }
        () => Ok(()),
    }
}

/// How a bulletin's stream stands; `None`: it has none.
pub fn shown(state: &AppState, kept: &Kept, now: WallTime) -> Option<StreamView> {
    let stream = kept.bulletin.stream()?;
    let relay = kept.relay.as_ref().map(|plan| {
        let standing = state.relays.standing(&kept.bulletin.id);
        let (at, detail, since) = match standing {
            Some(standing) => (standing.state, standing.detail, standing.since),
            None => (idle(kept, now), None, kept.changed),
        };
        RelayView {
            url: plan.url.clone(),
            duration_s: stream.duration_ms as f64 / 1_000.0,
            fallback: plan.fallback.as_ref().map(|f| f.audio.clone()),
            by_poles: stream.url.is_some(),
            state: at,
            detail: detail.map(str::to_owned),
            since: since.into(),
        }
    });
    Some(StreamView {
        kind: stream.kind,
        ended: stream.ended.map(Instant),
        url: stream.url.clone(),
        relay,
    })
}

/// No window of it is on.
fn idle(kept: &Kept, now: WallTime) -> RelayState {
    let next = kept.bulletin.planned(now, WallTime::MAX, 1);
    let is_ahead = next.is_ok_and(|next| !next.is_empty());
    let ended = matches!(
        kept.state(now),
        BulletinState::Cancelled | BulletinState::Ended | BulletinState::Lapsed
    );
    match is_ahead && !ended {
        true => RelayState::Waiting,
        false => RelayState::Over,
    }
}
