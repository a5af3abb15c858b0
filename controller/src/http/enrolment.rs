//! How a board becomes a speaker: the office gives out a code, the board brings it back with a key, and gets a certificate.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loa_protocol::{certificate::Renewal, envelope::open_unsigned, id::SpeakerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id},
    guard::{Address, Signed, is_same_origin},
    instant::Instant,
    messages::Code,
    speakers::load,
};
use crate::{
    act,
    engine::Change,
    logic::{identity::Way, permissions::Action},
    pki::{Enrolment, EnrolmentCode, RenewalError, public_key_of_pem, renew},
    qr, sticker,
    store::{Speaker, Store, StoreError},
};

/// What is guessed at when somebody tries codes, and when somebody tries renewals; no user's name has a null in it.
pub const ENROLLING: &str = "\0enrol";
const RENEWING: &str = "\0renew";

#[derive(Serialize, ToSchema)]
pub struct EnrolmentView {
    /// For `loa-agent enrol`; told only here.
    #[schema(example = "7K3M-Q2XD-90FT")]
    pub code: String,
    pub expires: Instant,
    /// What the square says: address, code and fingerprint in one.
    pub text: String,
    /// The square, as an SVG element.
    pub qr: String,
    /// The office's address.
    pub office: String,
    /// By which the board knows the office: SHA-256, hex.
    pub fingerprint: String,
}

async fn open(state: &AppState, id: &SpeakerId) -> Result<Enrolment, ApiError> {
    let office = state.config.base_url(state.config.server.listen);
    Ok(Enrolment::open(&state.store, &state.identity, office, id).await?)
}

/// A one-time code by which a board becomes this speaker.
///
/// It holds for a week; one that was out ends. When it is used, whatever board was this speaker before is shut out at once.
/// Asks for a fresh proof.
#[utoipa::path(post, path = "/speakers/{id}/enrolment", tag = "speakers", params(("id" = String, Path)),
    responses((status = 201, body = EnrolmentView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
) -> Result<(StatusCode, Json<EnrolmentView>), ApiError> {
    load(&state, &signed, &id, Action::Build).await?;
    signed.must_be_fresh(&state)?;
    let opened = open(&state, &id).await?;
    let text = opened.text();
    let view = EnrolmentView {
        code: opened.code.to_string(),
        expires: opened.expires.into(),
        qr: qr::svg(&text).ok_or_else(too_long)?,
        text,
        office: opened.office,
        fingerprint: opened.fingerprint,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

fn too_long() -> ApiError {
    ApiError::internal(&"server.public_url is too long for a QR code")
}

/// A sticker to print (A6), with a new one-time code; one that was out ends. Asks for a fresh proof.
#[utoipa::path(get, path = "/speakers/{id}/sticker", tag = "speakers", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/html"), (status = "default", body = ErrorEnvelope)))]
pub async fn print(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // It ends the code that is out: no picture on another site's page does that.
    if !is_same_origin(&headers) {
        return Err(Code::CrossSite.into());
    }
    let speaker = load(&state, &signed, &id, Action::Build).await?;
    signed.must_be_fresh(&state)?;
    let areas = area_names(&state.store, &speaker).await?;
    let opened = open(&state, &id).await?;
    let page = sticker::page(&speaker, &areas, &opened).ok_or_else(too_long)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, sticker::policy()),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
    ];
    Ok((headers, page).into_response())
}

/// Its area's and those above, from the nearest.
pub async fn area_names(store: &Store, speaker: &Speaker) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for area in store.lineage(&speaker.area).await? {
        names.push(store.area(&area).await?.name);
    }
    Ok(names)
}

#[derive(Serialize, ToSchema)]
pub struct CertificateView {
    pub serial: String,
    pub made: Instant,
    pub expires: Instant,
    pub revoked: Option<Instant>,
    /// Why it was revoked: `retired`, `replaced` (by another board), `renewed` or `lost` (it never arrived).
    pub reason: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
pub struct OpenEnrolment {
    pub expires: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct Certificates {
    /// Latest first.
    pub certificates: Vec<CertificateView>,
    /// The code that is out.
    pub enrolment: Option<OpenEnrolment>,
}

/// The certificates that this speaker was given.
#[utoipa::path(get, path = "/speakers/{id}/certificates", tag = "speakers", params(("id" = String, Path)),
    responses((status = 200, body = Certificates), (status = "default", body = ErrorEnvelope)))]
pub async fn certificates(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
) -> Result<Json<Certificates>, ApiError> {
    load(&state, &signed, &id, Action::See).await?;
    let given = state.store.certificates(&id).await?;
    let enrolment = state.store.enrolment(&id).await?;
    Ok(Json(Certificates {
        certificates: given
            .into_iter()
            .map(|one| CertificateView {
                serial: one.serial,
                made: one.made.into(),
                expires: one.expires.into(),
                revoked: one.revoked.map(|(at, _)| at.into()),
                reason: one.revoked.map(|(_, reason)| reason.word()),
            })
            .collect(),
        enrolment: enrolment.map(|expires| OpenEnrolment {
            expires: expires.into(),
        }),
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    pub code: String,
    /// PKCS #10 in PEM, of an Ed25519 key. Nothing but the key is taken of it.
    pub request: String,
    /// The program that asks, for the log.
    #[serde(default)]
    pub agent: String,
}

#[derive(Serialize, ToSchema)]
pub struct EnrolledView {
    pub speaker: String,
    pub name: String,
    /// `host:port`.
    pub broker: String,
    /// The office's address.
    pub office: String,
    /// PEM.
    pub certificate: String,
    /// PEM: whom to believe on the other end of the line.
    pub authorities: String,
    /// The root key that the speaker pins: Ed25519, 64 hex digits.
    pub root_key: String,
    /// The root documents, sealed, base64url without padding.
    pub roots: Vec<String>,
}

async fn enrolled(
    state: &AppState,
    speaker: Speaker,
    certificate: String,
) -> Result<Json<EnrolledView>, ApiError> {
    let (root_key, roots) = roots(state)?;
    Ok(Json(EnrolledView {
        speaker: speaker.id.to_string(),
        name: speaker.name,
        broker: state.config.broker_address(),
        office: state.config.base_url(state.config.server.listen),
        certificate,
        authorities: state.identity.authority().pem().to_owned(),
        root_key,
        roots,
    }))
}

/// What a speaker believes first, and what leads from there to today.
fn roots(state: &AppState) -> Result<(String, Vec<String>), ApiError> {
    let key = state.store.root_key()?;
    let roots = state.store.roots();
    let encoded = roots.iter().map(|(_, root)| URL_SAFE_NO_PAD.encode(root));
    Ok((hex::encode(key.as_bytes()), encoded.collect()))
}

/// Slower and slower for one address; nobody is locked out.
pub fn throttled(state: &AppState, at: &str, Address(from): Address) -> Result<(), ApiError> {
    let guess = state.throttle.guess(at, from, state.clock.mono_us());
    guess.map_err(|wait_s| ApiError {
        retry_after_s: Some(wait_s),
        ..ApiError::new(Code::TooManyGuesses).with("wait_s", wait_s)
    })
}

/// A board becomes a speaker: a code and a key in, a certificate out. No session is needed.
#[utoipa::path(post, path = "/enrol", tag = "speakers", security(()), request_body = EnrolBody,
    responses((status = 201, body = EnrolledView), (status = "default", body = ErrorEnvelope)))]
pub async fn enrol(
    State(state): State<AppState>,
    from: Address,
    body: Body<EnrolBody>,
) -> Result<(StatusCode, Json<EnrolledView>), ApiError> {
    throttled(&state, ENROLLING, from)?;
    let asked = body.value;
    let code = EnrolmentCode::parse(&asked.code).ok_or(Code::EnrolCodeWrong)?;
    let speaker = state.store.enrolling(&code.hash()).await?;
    let speaker = speaker.ok_or(Code::EnrolCodeWrong)?;
    act::on(speaker.id.as_str());
    // Who has a code guesses no more.
    state.throttle.right(ENROLLING, from.0);
    let key = public_key_of_pem(&asked.request)
        .map_err(|error| ApiError::new(Code::EnrolRequestWrong).with("reason", error))?;
    let now = state.clock.now();
    let issued = state
        .identity
        .authority()
        .speaker(&speaker.id, &key, now)
        .map_err(|error| ApiError::internal(&error))?;
    let stored = state.store.enrol(&code.hash(), &issued.kept).await;
    stored.map_err(|error| match error {
        // Somebody was quicker with the same code.
        StoreError::NotFound { .. } => Code::EnrolCodeWrong.into(),
        error => ApiError::from(error),
    })?;
    let agent: String = asked.agent.chars().take(60).collect();
    tracing::info!(speaker = %speaker.id, serial = issued.kept.serial, ?agent, from = ?from.0, "a speaker was enrolled");
    let id = speaker.id.clone();
    state.engine.changed(Change::Speakers(vec![id])).await;
    let view = enrolled(&state, speaker, issued.pem).await?;
    Ok((StatusCode::CREATED, view))
}

/// The next certificate for a speaker whose own ran out while it was away. No session is needed.
///
/// The body is the same sealed document that goes over the line (`docs/protocol.md`), signed by the key of the newest
/// certificate that the speaker has.
#[utoipa::path(post, path = "/renew", tag = "speakers", security(()),
    request_body(content = String, content_type = "application/cbor"),
    responses((status = 201, body = EnrolledView), (status = "default", body = ErrorEnvelope)))]
pub async fn renew_over_https(
    State(state): State<AppState>,
    from: Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<EnrolledView>), ApiError> {
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/cbor") {
        return Err(ApiError::new(Code::MediaType).with("wanted", "application/cbor"));
    }
    throttled(&state, RENEWING, from)?;
    let wish: Renewal = open_unsigned(&body).map_err(|_| Code::RenewalRefused)?;
    let speaker = match state.store.speaker(&wish.speaker).await {
        // Who asks in a name that is nobody's learns no more than who asks in another's.
        Err(StoreError::NotFound { .. }) => return Err(Code::RenewalRefused.into()),
        found => found?,
    };
    act::on(speaker.id.as_str());
    let authority = state.identity.authority();
    let now = state.clock.now();
    let renewed = renew(&state.store, authority, &speaker.id, &body, Way::Web, now).await;
    let renewed = renewed.map_err(|error| match error {
        RenewalError::Refused(why) => {
            tracing::warn!(speaker = %speaker.id, %why, from = ?from.0, "no next certificate");
            Code::RenewalRefused.into()
        }
        RenewalError::Request(why) => ApiError::new(Code::EnrolRequestWrong).with("reason", why),
        RenewalError::Store(error) => error.into(),
        RenewalError::Pki(error) => ApiError::internal(&error),
    })?;
    state.throttle.right(RENEWING, from.0);
    let id = speaker.id.clone();
    state.engine.changed(Change::Speakers(vec![id])).await;
    let view = enrolled(&state, speaker, renewed.pem).await?;
    Ok((StatusCode::CREATED, view))
}
