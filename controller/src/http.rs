//! The HTTP API: JSON under `/api/v1`, described by an OpenAPI document that is generated from the same code.
//!
//! One file per resource, one function per call. A call reads, asks [`may`](crate::logic::permissions::may), changes the
//! store in one transaction, tells the engine, and answers. Refusals are worded in one place (`messages`, `error`).
//!
//! Bounds: a JSON body has at most [`MAX_BODY_BYTES`], an upload what the configuration says; lists come in pages;
//! [`MAX_WATCHERS`] watch the events at a time, [`MAX_WATCHERS_EACH`] of them one person's; one more is refused. Connections have
//! theirs in `server`.

mod about;
mod acting;
mod alert_rules;
mod alerts;
mod areas;
mod audio;
mod audio_content;
mod audit;
mod board;
mod bulletins;
mod calendars;
mod caller;
mod calls;
mod days;
mod description;
mod enrolment;
mod error;
mod events;
mod extract;
mod facts;
mod groups;
mod guard;
mod health;
mod holidays;
mod idempotency;
mod identity;
mod instant;
mod library;
mod me;
mod messages;
mod metrics;
mod microphone;
mod now;
mod orders;
mod page;
mod passkey_sign_in;
mod passkeys;
mod playouts;
mod preview;
mod proof;
mod reach;
mod readiness;
mod relays;
mod repairs;
mod reports;
mod scanned;
mod server;
mod session;
mod sessions;
mod setup;
mod speaker_status;
mod speakers;
mod speech;
mod stop;
mod telemetry;
mod templates;
mod totp;
mod trust;
mod user_access;
mod users;
mod watch;
mod watchers;
mod webauthn;

use std::{io, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::IntoResponse,
    routing::get,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    audio::{AudioError, Shelf, apart::Apart},
    auth::{Challenges, Failures, Throttle, token_hash},
    clock::Clock,
    config::{Config, LimitsConfig},
    engine::{Change, EngineHandle},
    live::{Calls, Relays, calls::Desk},
    notify::Notifier,
    pki::Identity,
    speech::{SpeechError, Studio},
    store::{Store, StoreError},
};

use description::Description;
use error::ApiError;
use messages::Code;

pub use enrolment::area_names;
pub use instant::Instant;
pub use messages::Lang;
pub use reports::{month_ends, month_of};
pub use server::{Patience, serve};

/// Largest JSON body.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// Most listeners to `/events`.
pub const MAX_WATCHERS: usize = 256;
/// Most of them that are one person's, on all phones and pages.
pub const MAX_WATCHERS_EACH: usize = 12;
/// Most addresses tried at a time.
const MAX_TRIES: usize = 2;
/// What multipart adds to a file.
const MULTIPART_BYTES: u64 = 1024 * 1024;

/// What every call may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    shared: Arc<Shared>,
}

/// What [`AppState`] shares.
pub struct Shared {
    pub(crate) store: Store,
    pub(crate) engine: EngineHandle,
    pub(crate) studio: Arc<Studio>,
    pub(crate) shelf: Shelf,
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) throttle: Throttle,
    pub(crate) failures: Failures,
    /// What passkeys were asked to sign.
    pub(crate) challenges: Challenges,
    pub(crate) notifier: Notifier,
    /// What listens to other stations.
    pub(crate) relays: Relays,
    /// Tries of an address under way.
    pub(crate) tries: Arc<Semaphore>,
    /// Hash of the token that opens `/metrics` to others than this machine.
    pub(crate) metrics_token: Option<String>,
    pub(crate) watchers: watchers::Watchers,
    pub(crate) closing: CancellationToken,
    /// Who speaks live.
    pub(crate) calls: Calls,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Why the API cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the folder for recordings: {0}")]
    Audio(#[from] AudioError),
    #[error("relays: {0}")]
    Relay(#[from] loa_station::Away),
    #[error("text to speech: {0}")]
    Speech(#[from] SpeechError),
    #[error("metrics.token_file {path}: {source}", path = path.display())]
    MetricsToken { path: PathBuf, source: io::Error },
    #[error("metrics.token_file {path} is empty: put a long random word into it", path = .0.display())]
    MetricsTokenEmpty(PathBuf),
}

impl AppState {
    /// Also clears away recordings that were never finished.
    pub async fn new(
        store: Store,
        engine: EngineHandle,
        config: Config,
        clock: Arc<dyn Clock>,
        identity: Identity,
    ) -> Result<AppState, StateError> {
        let studio = Arc::new(Studio::open(
            &config.speech,
            &store.data_dir().join("speech"),
        )?);
        let metrics_token = metrics_token(&config)?;
        let limits = &config.limits;
        let apart = apart(limits).await?;
        let relays = Relays::new(config.relay.private, apart.clone())?;
        let shelf = Shelf::open(
            store.clone(),
            apart,
            u64::from(limits.upload_mb) * 1_000_000,
            limits.max_audio_minutes * 60,
        )
        .await?;
        let closing = CancellationToken::new();
        let desk = Desk {
            store: store.clone(),
            engine: engine.clone(),
            shelf: shelf.clone(),
            studio: studio.clone(),
            clock: clock.clone(),
            config: config.live.clone(),
        };
        let calls = Calls::new(desk, closing.clone());
        calls.recover().await.map_err(AudioError::from)?;
        Ok(AppState {
            shared: Arc::new(Shared {
                notifier: Notifier::new(&config),
                relays,
                tries: Arc::new(Semaphore::new(MAX_TRIES)),
                store,
                engine,
                studio,
                shelf,
                config,
                identity,
                clock,
                throttle: Throttle::default(),
                failures: Failures::default(),
                challenges: Challenges::default(),
                metrics_token,
                watchers: watchers::Watchers::default(),
                closing,
                calls,
            }),
        })
    }

    /// Cancel it, and those who watch the events are hung up on.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }
}

/// Where recordings are read. Says once what this machine lacks to fence that in.
async fn apart(limits: &LimitsConfig) -> Result<Apart, AudioError> {
    #[cfg(test)]
    if true {
        return Ok(Apart::here());
    }
    let memory_bytes = u64::from(limits.decode_memory_mb) * 1_000_000;
    let apart = Apart::find(memory_bytes, u64::from(limits.decode_minutes) * 60)?;
    match apart.probe().await {
        Ok(fences) if fences.landlock && fences.seccomp => {}
        Ok(fences) => tracing::warn!(
            landlock = fences.landlock,
            seccomp = fences.seccomp,
            "recordings are read in a process of their own, but this kernel or container does not fence it in fully"
        ),
        // What is planned is said all the same.
        Err(error) => tracing::error!(
            %error,
            "recordings cannot be read here: until that is mended, every new one is refused"
        ),
    }
    Ok(apart)
}

/// Its hash: the token itself need not stay in memory.
fn metrics_token(config: &Config) -> Result<Option<String>, StateError> {
    let Some(path) = &config.metrics.token_file else {
        return Ok(None);
    };
    let token = std::fs::read_to_string(path).map_err(|source| StateError::MetricsToken {
        path: path.clone(),
        source,
    })?;
    match token.trim() {
        "" => Err(StateError::MetricsTokenEmpty(path.clone())),
        token => Ok(Some(token_hash(token))),
    }
}

fn described(upload_bytes: u64) -> OpenApiRouter<AppState> {
    let upload_bytes = usize::try_from(upload_bytes + MULTIPART_BYTES).unwrap_or(usize::MAX);
    let upload = OpenApiRouter::new()
        .routes(routes!(audio::upload))
        .layer(DefaultBodyLimit::max(upload_bytes));
    let api = OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(passkey_sign_in::challenge))
        .routes(routes!(passkey_sign_in::sign_in))
        .routes(routes!(proof::by_password))
        .routes(routes!(proof::challenge))
        .routes(routes!(proof::by_passkey))
        .routes(routes!(me::me))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(passkeys::list, passkeys::create))
        .routes(routes!(passkeys::challenge))
        .routes(routes!(passkeys::delete))
        .routes(routes!(totp::begin, totp::delete))
        .routes(routes!(totp::confirm))
        .routes(routes!(setup::set_up))
        .routes(routes!(about::about))
        .routes(routes!(areas::list, areas::create))
        .routes(routes!(areas::read, areas::change, areas::delete))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::read, groups::change, groups::delete))
        .routes(routes!(speakers::list, speakers::create))
        .routes(routes!(speakers::read, speakers::change, speakers::delete))
        .routes(routes!(speakers::new_token))
        .routes(routes!(speakers::retire))
        .routes(routes!(enrolment::create))
        .routes(routes!(enrolment::print))
        .routes(routes!(enrolment::certificates))
        .routes(routes!(enrolment::enrol))
        .routes(routes!(scanned::scanned))
        .routes(routes!(enrolment::renew_over_https))
        .routes(routes!(speakers::presence))
        .routes(routes!(preview::preview))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::read, users::change, users::delete))
        .routes(routes!(users::setup_link))
        .routes(routes!(user_access::reset_factors))
        .routes(routes!(user_access::end_sessions))
        .routes(routes!(speech::speak))
        .routes(routes!(speech::voices))
        .routes(routes!(library::list))
        .routes(routes!(audio::read, library::change, library::hide))
        .routes(routes!(audio_content::content))
        .routes(routes!(bulletins::list, bulletins::create))
        .routes(routes!(bulletins::read, bulletins::change::change))
        .routes(routes!(bulletins::cancel))
        .routes(routes!(bulletins::approval::approve))
        .routes(routes!(bulletins::approval::send_back))
        .routes(routes!(bulletins::endorse::endorse))
        .routes(routes!(bulletins::approval::pause))
        .routes(routes!(bulletins::approval::resume))
        .routes(routes!(bulletins::check::check))
        .routes(routes!(bulletins::correct::correct))
        .routes(routes!(relays::try_station))
        .routes(routes!(templates::list, templates::create))
        .routes(routes!(templates::change, templates::delete))
        .routes(routes!(holidays::list, holidays::create))
        .routes(routes!(holidays::delete))
        .routes(routes!(calls::list, calls::create))
        .routes(routes!(calls::check::check))
        .routes(routes!(calls::read))
        .routes(routes!(calls::end))
        .routes(routes!(microphone::microphone))
        .routes(routes!(stop::stop))
        .routes(routes!(now::now))
        .routes(routes!(board::board))
        .routes(routes!(watch::watch))
        .routes(routes!(telemetry::history))
        .routes(routes!(orders::create))
        .routes(routes!(calendars::of_speaker))
        .routes(routes!(calendars::of_area))
        .routes(routes!(calendars::list, calendars::create))
        .routes(routes!(calendars::delete))
        .routes(routes!(calendars::by_secret))
        .routes(routes!(days::days))
        .routes(routes!(playouts::list))
        .routes(routes!(reports::availability))
        .routes(routes!(reports::availability_csv))
        .routes(routes!(reports::monthly))
        .routes(routes!(reports::monthly_csv))
        .routes(routes!(reports::monthly_xlsx))
        .routes(routes!(alert_rules::list, alert_rules::create))
        .routes(routes!(alert_rules::change, alert_rules::delete))
        .routes(routes!(alert_rules::try_address))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::count))
        .routes(routes!(alerts::read))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(repairs::list, repairs::create))
        .routes(routes!(repairs::change))
        .routes(routes!(trust::read))
        .routes(routes!(trust::draft))
        .routes(routes!(trust::install_root))
        .routes(routes!(trust::install_approvers))
        .routes(routes!(events::events))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .merge(upload);
    let mut all = OpenApiRouter::with_openapi(Description::openapi())
        .nest("/api/v1", api)
        .routes(routes!(health::healthz))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics));
    description::complete(all.get_openapi_mut());
    all
}

/// Deletes what need not be kept, tells the poles of holidays that came near, and signs programmes anew before they expire. To
/// be called about once an hour.
pub async fn tidy(state: &AppState) -> Result<(), StoreError> {
    state.store.tidy().await?;
    let replanned = state.store.replan_holidays().await?;
    holidays::announce(state, replanned).await;
    let renewed = state.store.renew_programmes().await?;
    if !renewed.is_empty() {
        state.engine.changed(Change::Channels(renewed, None)).await;
    }
    Ok(())
}

/// The description of the API, as `/api/v1/openapi.json` gives it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described(0).into_openapi()
}

/// The same as text. Sorted by name, so that it differs only where the API does.
pub fn openapi_text() -> serde_json::Result<String> {
    // A map of JSON values is sorted.
    let sorted = serde_json::to_value(openapi())?;
    Ok(serde_json::to_string_pretty(&sorted)? + "\n")
}

/// Whether the app was built into this program; plain pages stand in for it otherwise.
pub const HAS_APP: bool = page::IS_BUILT;

/// Everything that is served.
pub fn router(state: AppState) -> Router {
    let (router, openapi) = described(state.shelf.max_bytes()).split_for_parts();
    let openapi = Arc::new(openapi);
    let site = page::Site::new(&state.config.web);
    // Browsers may be told never to come without HTTPS again where they believe the certificate by themselves: one that the operator
    // brought, or the proxy's. Not on "localhost", which belongs to other programs too.
    let believed = state.identity.is_publicly_known()
        || (state.config.is_https() && state.identity.web().is_none());
    let https_only = believed && state.config.relying_party() != "localhost";
    router
        .route(
            "/api/v1/openapi.json",
            get(move || {
                let openapi = openapi.clone();
                async move { Json(&*openapi).into_response() }
            }),
        )
        .fallback(move |request: Request| {
            let answer = site.serve(&request);
            async move { answer }
        })
        .method_not_allowed_fallback(async || ApiError::new(Code::MethodNotAllowed))
        .layer(middleware::from_fn(acting::acting))
        .layer(middleware::from_fn(guard::same_origin))
        .layer(middleware::from_fn_with_state(
            error::Https(https_only),
            error::finish,
        ))
        .with_state(state)
}

#[cfg(test)]
mod tests;
