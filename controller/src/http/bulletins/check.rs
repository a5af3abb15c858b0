//! Looking before speaking: what a bulletin would be, and who would have to approve it. Nothing is stored.

use axum::{Json, extract::State};
use loa_protocol::{
    bulletin::{Bulletin, Source},
    channel::Channel,
    content::Manifest,
    time::WallTime,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
        schema::{SchemaType, Type},
    },
};

use super::{
    super::{
        AppState,
        error::{ApiError, ErrorEnvelope},
        extract::Body,
        guard::Signed,
        instant::Instant,
        messages::{Code, Lang},
        reach::Reach,
    },
    approvers::approvers,
    audio,
    draft::{self, BulletinBody},
    must_speak, need, new_id, relay, superseded, targets,
    view::Warning,
    warnings,
};
use crate::{
    logic::{
        approval::{Ask, Stage},
        endorsement::is_needed,
        relay::RelayPlan,
    },
    store::{AudioId, Kept, Target},
};

/// Starts that are shown.
const STARTS: usize = 5;
/// Longest bulletin, in seconds.
const MAX_DURATION_S: f64 = 14_400.0;

/// As for `POST /bulletins`, but without `audio` when there is none yet: `duration_s` stands in its place.
#[derive(Debug)]
pub struct CheckBody {
    has_audio: bool,
    duration_s: Option<f64>,
    bulletin: BulletinBody,
}

impl<'de> Deserialize<'de> for CheckBody {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut fields = serde_json::Map::deserialize(d)?;
        let duration_s = match fields.remove("duration_s") {
            None => None,
            Some(value) => serde_json::from_value(value).map_err(D::Error::custom)?,
        };
        let has_audio = fields.get("audio").is_some_and(|audio| !audio.is_null());
        if !has_audio {
            fields.insert("audio".into(), "".into());
        }
        let bulletin = serde_json::from_value(fields.into()).map_err(D::Error::custom)?;
        Ok(Self {
            has_audio,
            duration_s,
            bulletin,
        })
    }
}

impl PartialSchema for CheckBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = BulletinBody::schema();
        if let RefOr::T(Schema::Object(form)) = &mut schema {
            form.required.retain(|name| name != "audio");
            let duration_s = ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::Number, Type::Null]))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
                .minimum(Some(0.0))
                .maximum(Some(MAX_DURATION_S))
                .description(Some("In place of `audio`, in seconds."));
            form.properties
                .insert("duration_s".into(), duration_s.into());
        }
        schema
    }
}

impl ToSchema for CheckBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        BulletinBody::schemas(schemas);
    }
}

#[derive(Serialize, ToSchema)]
pub struct Checked {
    /// Without the chime; with the sentence that says that it is an exercise or a test.
    pub duration_s: f64,
    /// Speakers that would say it.
    pub speakers: usize,
    /// In the order of `targets`.
    pub target_names: Vec<String>,
    /// Areas with speakers that would say it.
    pub hamlets: usize,
    /// The next planned starts, at most 5.
    pub starts: Vec<Instant>,
    /// The approval that it would need.
    pub ask: Option<Ask>,
    /// Names of people who could give it, at most 5.
    pub approvers: Vec<String>,
    /// Approvers' passkeys would have to sign it before it sounds.
    pub endorsement_needed: bool,
    pub warnings: Vec<Warning>,
}

/// What would come of it? Refused as `POST /bulletins` would be.
#[utoipa::path(post, path = "/bulletins/check", tag = "bulletins", request_body = CheckBody,
    responses((status = 200, body = Checked), (status = "default", body = ErrorEnvelope)))]
pub async fn check(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    body: Body<CheckBody>,
) -> Result<Json<Checked>, ApiError> {
    let CheckBody {
        has_audio,
        duration_s,
        bulletin: asked,
    } = body.value;
    let channels = targets(&asked.targets)?;
    must_speak(&state, &signed, asked.priority, &channels).await?;
    let id = new_id()?;
    let (relay, source, duration_ms) = match &asked.relay {
        Some(relay) if !has_audio => {
            let (source, plan) = relay::planned(&state, &signed, relay, &id).await?;
            let duration_ms = relay.duration_s.unsigned_abs() * 1_000;
            (Some(plan), source, duration_ms)
        }
        Some(_) => return Err(Code::AudioOrRelay.into()),
        None => {
            let own_ms = match has_audio {
                true => audio(&state, &signed, &asked.audio).await?.duration_ms,
                false => milliseconds(duration_s.unwrap_or(0.0))?,
            };
            let duration_ms = own_ms + foreword_ms(&state, &asked).await?;
            // The sound itself does not matter here, and may not be there yet.
            let manifest = Manifest::of(&[0], duration_ms);
            (None, Source::Content(manifest), duration_ms)
        }
    };
    let now = state.clock.now();
    let zone = &state.config.defaults.zone;
    let bulletin = draft::new(&asked, id, source, zone, now)?;
    superseded(&state, &signed, asked.supersedes.as_deref()).await?;
    let mut reach = Reach::open(&state).await?;
    let heard = reach.heard(&state, &channels).await?;
    let ask = need(&state, &signed, &mut reach, &bulletin, &heard, None).await?;
    let skip_holidays = draft::skips_holidays(Some(asked.skip_holidays), false, &bulletin)?;
    let bulletin = state.store.as_told(&bulletin, skip_holidays).await?;
    if skip_holidays {
        draft::settle(&bulletin, now)?;
    }
    let from = bulletin.since.min(now);
    let starts = bulletin
        .planned(from, WallTime::MAX, STARTS)
        .unwrap_or_default();
    let approvers = match ask {
        Some(ask) => approvers(&state, &signed, ask, &bulletin, &heard).await?,
        None => Vec::new(),
    };
    let standing = state.store.standing();
    let endorsement_needed = is_needed(&standing.root()?.emergency, &bulletin);
    let nobody = ask.filter(|_| approvers.is_empty());
    let audio = match &relay {
        Some(_) => None,
        None => {
            Some(AudioId::new("a0000000000000000").map_err(|error| ApiError::internal(&error))?)
        }
    };
    let kept = imagined(bulletin, audio, relay, channels, now);
    let mut warnings = warnings::of(&state, &kept, now, lang).await?;
    warnings.extend(nobody.map(|_| Warning::new(Code::WarnNobodyApproves, lang, Vec::new())));
    Ok(Json(Checked {
        duration_s: duration_ms as f64 / 1_000.0,
        speakers: heard.speakers,
        target_names: heard.names.clone(),
        hamlets: heard.hamlets.len(),
        starts: starts.into_iter().map(|p| p.at.into()).collect(),
        ask,
        approvers,
        endorsement_needed,
        warnings,
    }))
}

fn milliseconds(duration_s: f64) -> Result<u64, ApiError> {
    if (0.0..=MAX_DURATION_S).contains(&duration_s) {
        Ok((duration_s * 1_000.0).round() as u64)
    } else {
        Err(ApiError::new(Code::DurationInvalid).with("max", MAX_DURATION_S))
    }
}

/// How long the sentence before an exercise or a test is.
async fn foreword_ms(state: &AppState, asked: &BulletinBody) -> Result<u64, ApiError> {
    let Some(sentence) = super::foreword(state, asked.status) else {
        return Ok(0);
    };
    let said = state.studio.say(sentence, None, 1.0).await?;
    Ok(state.shelf.foreword_ms(said.path).await?)
}

/// As it would be kept.
pub fn imagined(
    bulletin: Bulletin,
    audio: Option<AudioId>,
    relay: Option<RelayPlan>,
    channels: Vec<Channel>,
    now: WallTime,
) -> Kept {
    let targets = channels.into_iter().map(|channel| Target {
        channel,
        generation: 0,
    });
    Kept {
        bulletin,
        audio,
        relay,
        stage: Stage::Planned,
        plea: None,
        decision: None,
        endorsing: None,
        said_title: None,
        words: None,
        ends: None,
        own_except: None,
        supersedes: None,
        made_by: None,
        made: now,
        changed: now,
        targets: targets.collect(),
    }
}
