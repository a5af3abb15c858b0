//! Trying a station before it is relayed: does it answer, and how loud is it?

use axum::{Json, extract::State};
use loa_protocol::bulletin::Priority;
use loa_station::Away;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState, bulletins,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::Signed,
    messages::{Code, Lang},
};
use crate::{
    live::relay::{Tried, attempt},
    logic::permissions::Action,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StationBody {
    #[schema(example = "https://stream.example.vn/vov1/playlist.m3u8")]
    pub url: String,
}

#[derive(Serialize, ToSchema)]
pub struct StationView {
    /// It is heard.
    pub ok: bool,
    /// What came of it, for people.
    pub detail: String,
    /// Such as "MP3, 44100 Hz, stereo".
    pub codec: Option<String>,
    pub bitrate_kbps: Option<u32>,
    /// What it calls itself.
    pub title: Option<String>,
    /// How loud it comes, in LUFS (dB of full scale); it is brought to -16. `null` where it is silent.
    pub level_dbfs: Option<f64>,
}

/// Try a station: ten seconds at most. Only a few at a time.
#[utoipa::path(post, path = "/relays/try", tag = "bulletins", request_body = StationBody,
    responses((status = 200, body = StationView), (status = "default", body = ErrorEnvelope)))]
pub async fn try_station(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    body: Body<StationBody>,
) -> Result<Json<StationView>, ApiError> {
    signed.must_somewhere(Action::Speak(Priority::Ordinary))?;
    let address = bulletins::relay::address(&state, &body.value.url)?;
    let place = state.tries.clone().try_acquire_owned();
    let _place = place.map_err(|_| ApiError {
        retry_after_s: Some(10),
        ..ApiError::new(Code::Busy)
    })?;
    let tried = attempt(&state.relays, &address.to_string()).await;
    let tried = tried.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(shown(tried, lang)))
}

fn shown(tried: Tried, lang: Lang) -> StationView {
    let Tried {
        away,
        about,
        codec,
        loudness_lufs,
    } = tried;
    let ok = away.is_none();
    let (code, status) = match &away {
        None if loudness_lufs.is_none() => (Code::StationQuiet, None),
        None => (Code::StationHeard, None),
        Some(away) => said(away),
    };
    let values: Vec<_> = status
        .map(|s| ("status", s.to_string()))
        .into_iter()
        .collect();
    StationView {
        ok,
        detail: code.text(lang, &values),
        codec: codec.filter(|_| ok),
        bitrate_kbps: about.bitrate_kbps,
        title: about.name,
        level_dbfs: loudness_lufs.map(|lufs| (f64::from(lufs) * 10.0).round() / 10.0),
    }
}

/// The words for it.
fn said(away: &Away) -> (Code, Option<u16>) {
    let code = match away {
        Away::Address => Code::StationAddress,
        Away::UnknownHost => Code::StationUnknownHost,
        Away::Private => Code::StationPrivate,
        Away::Unreachable(_) => Code::StationUnreachable,
        Away::NotSafe(_) => Code::StationNotSafe,
        Away::Refused(status) => return (Code::StationRefused, Some(*status)),
        Away::Redirects => Code::StationRedirects,
        Away::NotHttp | Away::TooLarge => Code::StationNotHttp,
        Away::Locked => Code::StationLocked,
        Away::Stalled | Away::Stopped => Code::StationStalled,
        Away::Ended => Code::StationEnded,
        Away::NotSound(_) => Code::StationNotSound,
    };
    (code, None)
}
