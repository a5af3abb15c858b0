//! Changing a bulletin, and what that does to an approval.

use axum::{Json, extract::State};
use loa_protocol::{
    bulletin::{Bulletin, Source},
    id::BulletinId,
    live::StreamKind,
};

use super::{
    super::{
        AppState,
        error::{ApiError, ErrorEnvelope},
        extract::{Body, Id},
        guard::Signed,
        messages::{Code, Lang},
        reach::Reach,
    },
    announce, approvers, audio,
    draft::{self, BulletinPatch},
    may_end, must_speak, need, relay, sound, targets,
    view::{BulletinView, tell},
    warnings, withdraw,
};
use crate::{
    logic::{
        approval::{self as logic, Fate, Stage},
        endorsement::is_needed,
    },
    store::{BulletinChange, Kept},
};

/// A live call is what is spoken, and nothing else.
pub fn must_be_no_call(bulletin: &Bulletin) -> Result<(), ApiError> {
    let live = bulletin.stream().map(|stream| stream.kind) == Some(StreamKind::Live);
    match live {
        true => Err(Code::CallStays.into()),
        false => Ok(()),
    }
}

/// Change a bulletin. What is not named stays as it is. A change of when, zone or repeat plans anew from now on; what has
/// sounded is not said again. A change of anything but the title ends an approval: whether a new one is needed goes by
/// whoever changes it, and until it is given the bulletin is off the air. An emergency in earnest asks for a fresh proof.
#[utoipa::path(patch, path = "/bulletins/{id}", tag = "bulletins", params(("id" = String, Path)),
    request_body = BulletinPatch,
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    Id(id): Id<BulletinId>,
    body: Body<BulletinPatch>,
) -> Result<Json<BulletinView>, ApiError> {
    let patch = body.value;
    let old = state.store.bulletin(&id).await?;
    must_be_no_call(&old.bulletin)?;
    let priority = patch.priority.unwrap_or(old.bulletin.priority);
    let highest = priority.max(old.bulletin.priority);
    may_end(&state, &signed, &old, highest).await?;
    let channels = match &patch.targets {
        Some(texts) => {
            let channels = targets(texts)?;
            must_speak(&state, &signed, priority, &channels).await?;
            channels
        }
        None => old.channels(),
    };
    let status = patch.status.unwrap_or(old.bulletin.status);
    let was_alarm = logic::is_alarm(old.bulletin.priority, old.bulletin.status);
    if was_alarm || logic::is_alarm(priority, status) {
        signed.must_be_fresh(&state)?;
    }
    let mut plan = old.relay.clone();
    let (audio_id, source) = match (patch.audio.as_deref(), &old.audio) {
        (None, None) if status == old.bulletin.status && patch.relay.is_some() => {
            // A relay stays one, and what is said stays what is said.
            let (Some(asked), Some(_)) = (&patch.relay, &old.relay) else {
                return Err(Code::StreamStays.into());
            };
            let (source, new) = relay::planned(&state, &signed, asked, &id).await?;
            plan = Some(new);
            (None, source)
        }
        _ if patch.relay.is_some() => return Err(Code::StreamStays.into()),
        (None, _) if status == old.bulletin.status => {
            (old.audio.clone(), old.bulletin.source.clone())
        }
        (_, None) => return Err(ApiError::from(Code::StreamStays)),
        (text, Some(kept)) => {
            let audio = match text {
                Some(text) => audio(&state, &signed, text).await?,
                None => state.store.audio(kept).await?,
            };
            let manifest = sound(&state, &audio, status).await?;
            (Some(audio.id), Source::Content(manifest))
        }
    };
    let now = state.clock.now();
    // The calendar's days are laid over it again when it is kept.
    let made = Kept {
        bulletin: old.as_made(),
        ..old.clone()
    };
    let mut new = draft::amended(&made, &patch, source, now)?;
    let skipped = old.own_except.is_some();
    let skips = draft::skips_holidays(patch.skip_holidays, skipped, &new)?;
    let replanned = new.when != made.bulletin.when || !skipped;
    if skips && replanned {
        draft::settle(&state.store.as_told(&new, true).await?, now)?;
    }
    if skipped && !skips {
        // Holidays that are over were skipped: no pole is to find that it missed them.
        new.since = now;
    }
    let before = old.channels();
    let voided = skips != skipped
        || logic::voids(
            (&made.bulletin, &before, old.relay.as_ref()),
            (&new, &channels, plan.as_ref()),
        );
    let nothing = new == made.bulletin && !voided && audio_id == old.audio;
    if nothing && old.stage != Stage::Returned {
        return Ok(Json(tell(&state, &signed, &old).await?));
    }
    let mut reach = Reach::open(&state).await?;
    let heard = reach.heard(&state, &channels).await?;
    let need = need(&state, &signed, &mut reach, &new, &heard, Some(&old)).await?;
    let fate = logic::fate(old.stage, voided, need);
    let said = matches!(old.stage, Stage::Planned | Stage::Paused);
    let mut new = Bulletin {
        revision: old.bulletin.revision + 1,
        ..new
    };
    let signs = is_needed(&state.store.standing().root()?.emergency, &new);
    match fate {
        // The poles that have begun would not say it again.
        Fate::Asks(_) if said && old.bulletin.is_now() => return Err(Code::OnAir.into()),
        Fate::Free if signs && said && old.bulletin.is_now() => return Err(Code::OnAir.into()),
        Fate::Asks(_) | Fate::Free if !said => logic::at_once(&mut new, now),
        _ => {}
    }
    let change = BulletinChange {
        seen: &old,
        bulletin: &new,
        audio: audio_id.as_ref(),
        relay: plan.as_ref(),
        targets: &channels,
        skip_holidays: skips,
        fate,
        by: Some(&signed.user.id),
    };
    let (kept, left) = state.store.change_bulletin(change).await?;
    announce(&state, &kept, now).await;
    if !left.is_empty() {
        withdraw(&state, &id, left).await;
    }
    tracing::info!(bulletin = %id, by = %signed.user.username, stage = ?kept.stage, "bulletin changed");
    let mut warnings = warnings::of(&state, &kept, now, lang).await?;
    warnings.extend(approvers::warn(&state, &signed, &kept, lang).await?);
    Ok(Json(tell(&state, &signed, &kept).await?.warned(warnings)))
}
