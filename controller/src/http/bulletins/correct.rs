//! Taking back what was said: the wrong bulletin ends, and a correction is said at once to the same people.

use axum::{extract::State, response::Response};
use loa_protocol::{
    bulletin::{Bulletin, OnPreempt, Priority, Source},
    id::BulletinId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        AppState,
        error::{ApiError, ErrorEnvelope},
        extract::{Body, Id},
        guard::Signed,
        idempotency::{self, Key, Secrecy},
        messages::{Code, Lang},
        reach::Reach,
        speech::copy,
    },
    draft::{self, BulletinBody, MAX_TITLE, WhenBody},
    make, may_end, must_speak, need, new_id, show, sound,
    view::BulletinView,
    withdraw,
};
use crate::{
    audio::About,
    logic::{
        approval::{Ask, TakenBack, Verdict, is_alarm, taking_back},
        endorsement::is_needed,
    },
    store::{Audio, AudioSource, BulletinState, Claim, Kept, NewBulletin},
};

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectBody {
    /// What is right. Without it the office's prepared sentence says that the bulletin does not hold; that
    /// needs no approval where it was on air as it is (an alarm for many hamlets: once, within a day).
    #[schema(example = "Cuộc họp xóm là 19 giờ, không phải 17 giờ.")]
    pub text: Option<String>,
}

/// Correct a bulletin that was on air: it is cancelled (what sounds is ended), and a correction is said now to the same
/// targets, with priority `priority`, or as an emergency when it was one and no approver need sign that: a false alarm is taken
/// back at once. An emergency in other words than the prepared ones asks for a fresh proof.
#[utoipa::path(post, path = "/bulletins/{id}/correct", tag = "bulletins", request_body = CorrectBody,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn correct(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    Id(id): Id<BulletinId>,
    key: Key,
    body: Body<CorrectBody>,
) -> Result<Response, ApiError> {
    // The path is part of what is asked.
    let hash = format!("{id} {}", body.sha256);
    let claim = key.claim(&signed.user.id, "POST /bulletins/{id}/correct", &hash);
    let shown = |id| show(&state, &signed, id);
    if let Some(before) = idempotency::before(&state, claim.as_ref(), shown).await? {
        return Ok(before);
    }
    let old = state.store.bulletin(&id).await?;
    if state.calls.shown(&id).is_some() {
        return Err(Code::CallGoesOn.into());
    }
    may_end(&state, &signed, &old, old.bulletin.priority).await?;
    let priority = correcting(&state, &old.bulletin)?;
    must_speak(&state, &signed, priority, &old.channels()).await?;
    let Some(said_title) = old.said_title.clone() else {
        return Err(Code::NotAired.into());
    };
    let own = body.value.text.as_deref().map(str::trim);
    let own = own.filter(|text| !text.is_empty());
    // Words of one's own are an alarm anew; taking one back in the prepared ones waits for nothing.
    if own.is_some() && is_alarm(priority, old.bulletin.status) {
        signed.must_be_fresh(&state)?;
    }
    let make = async |claim: Option<Claim>| {
        // First of all the wrong one is silent; what is right may take its time to be spoken.
        if old.state(state.clock.now()) != BulletinState::Ended {
            let (_, left) = state.store.cancel_bulletin(&id).await?;
            withdraw(&state, &id, left).await;
        }
        let text = match own {
            Some(text) => text.to_owned(),
            None => state
                .config
                .defaults
                .correction
                .replace("{title}", &said_title),
        };
        let title = format!("Đính chính: {}", old.bulletin.title);
        let title: String = title.chars().take(MAX_TITLE).collect();
        let audio = speak(&state, &signed, &text, &title).await?;
        let mut new = said_now(&state, &signed, &old, audio, title, priority).await?;
        let mut reach = Reach::open(&state).await?;
        let heard = reach.heard(&state, &new.targets).await?;
        let asked = need(&state, &signed, &mut reach, &new.bulletin, &heard, None).await?;
        new.ask = match own {
            Some(_) => asked,
            None => taking_back(asked, &taken_back(&state, &old).await?, state.clock.now()),
        };
        tracing::info!(bulletin = %id, by = %signed.user.username, "bulletin corrected");
        make(&state, &signed, lang, new, claim).await
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, |id| {
        show(&state, &signed, id)
    })
    .await
}

/// An emergency would have to wait for approvers' signatures, and whoever is frightened waits with it.
fn correcting(state: &AppState, old: &Bulletin) -> Result<Priority, ApiError> {
    let standing = state.store.standing();
    let waits = is_needed(&standing.root()?.emergency, old);
    Ok(match waits {
        true => Priority::Priority,
        false => old.priority.max(Priority::Priority),
    })
}

async fn taken_back(state: &AppState, old: &Kept) -> Result<TakenBack, ApiError> {
    let approved = old.decision.as_ref().map(|said| said.verdict) == Some(Verdict::Approved);
    let ask = old.plea.as_ref().map(|plea| plea.ask);
    Ok(TakenBack {
        stands: ask.is_none() || approved,
        wide: ask == Some(Ask::WideEmergency) && approved,
        ends: old.ends,
        corrected: state.store.is_corrected(old).await?,
    })
}

async fn speak(
    state: &AppState,
    signed: &Signed,
    text: &str,
    title: &str,
) -> Result<Audio, ApiError> {
    let said = state.studio.say(text, None, 1.0).await?;
    let received = copy(state, &said.path).await?;
    let about = About {
        source: AudioSource::Speech,
        title: title.to_owned(),
        text: Some(text.to_owned()),
        spoken: Some(said.words),
        voice: None,
        speed: None,
        made_by: Some(signed.user.id.clone()),
    };
    let hint = Some("wav".to_owned());
    Ok(state.shelf.keep(received, hint, about, None).await?)
}

async fn said_now(
    state: &AppState,
    signed: &Signed,
    old: &Kept,
    audio: Audio,
    title: String,
    priority: Priority,
) -> Result<NewBulletin, ApiError> {
    let status = old.bulletin.status;
    let asked = BulletinBody {
        title,
        audio: audio.id.to_string(),
        relay: None,
        priority,
        targets: Vec::new(),
        when: WhenBody {
            now: Some(true),
            ..WhenBody::default()
        },
        zone: Some(old.bulletin.zone.clone()),
        lateness_s: None,
        on_preempt: OnPreempt::default(),
        repeat: None,
        chime: None,
        volume: Some(i64::from(old.bulletin.volume)),
        order: None,
        max_duration_s: None,
        valid_until: None,
        status,
        supersedes: None,
        skip_holidays: false,
    };
    let manifest = sound(state, &audio, status).await?;
    let zone = &state.config.defaults.zone;
    let now = state.clock.now();
    Ok(NewBulletin {
        bulletin: draft::new(&asked, new_id()?, Source::Content(manifest), zone, now)?,
        audio: Some(audio.id),
        relay: None,
        targets: old.channels(),
        skip_holidays: false,
        supersedes: Some(old.bulletin.id.clone()),
        made_by: Some(signed.user.id.clone()),
        ask: None,
    })
}
