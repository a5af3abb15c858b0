//! Who am I, what may I do, by what do I show who I am, and whose word an emergency takes.

use axum::{Json, extract::State};
use loa_protocol::{bulletin::Priority, id::AreaId, root::EmergencyBy};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    bulletins::EmergencyByView,
    error::{ApiError, ErrorEnvelope},
    guard::Signed,
    instant::Instant,
    users::UserView,
};
use crate::logic::{
    approval::Ask,
    permissions::{Action, may},
};

#[derive(Serialize, ToSchema)]
pub struct MeView {
    pub user: UserView,
    pub rights: Rights,
    pub security: SecurityView,
    pub emergency: EmergencyRule,
}

/// Whose word an emergency in earnest takes on the poles.
#[derive(Serialize, ToSchema)]
pub struct EmergencyRule {
    /// `office`: the office's own key is enough, the weaker rule. `passkey`: approvers' passkeys must have signed.
    #[schema(value_type = EmergencyByView)]
    pub by: EmergencyBy,
    /// How many different approvers.
    pub needed: u8,
}

/// What this person may do in the own area and below.
#[derive(Serialize, ToSchema)]
pub struct Rights {
    /// Priorities that this person may speak with.
    pub speak: Vec<Priority>,
    /// What this person may approve that others made.
    pub approve: Vec<Ask>,
    /// Stop, mute.
    pub silence: bool,
    /// Change speakers and groups.
    pub arrange: bool,
    /// Add and remove areas and speakers.
    pub build: bool,
    /// Add and remove people.
    pub govern: bool,
}

#[derive(Serialize, ToSchema)]
pub struct SecurityView {
    /// Signing in takes a code from an authenticator program, or a passkey.
    pub totp: bool,
    pub passkeys: u32,
    /// How many are left.
    pub recovery_codes: u32,
    /// Until then nothing asks for a proof again.
    pub proved_until: Instant,
}

/// Who am I, and what may I do?
#[utoipa::path(get, path = "/me", tag = "session",
    responses((status = 200, body = MeView), (status = "default", body = ErrorEnvelope)))]
pub async fn me(State(state): State<AppState>, signed: Signed) -> Result<Json<MeView>, ApiError> {
    let own: Vec<AreaId> = signed.actor.area.iter().cloned().collect();
    let can = |action| may(&signed.actor, action, &own);
    let priorities = [Priority::Ordinary, Priority::Priority, Priority::Emergency];
    let rights = Rights {
        speak: priorities
            .into_iter()
            .filter(|p| can(Action::Speak(*p)))
            .collect(),
        approve: Ask::ALL
            .into_iter()
            .filter(|ask| can(Action::Approve(*ask)))
            .collect(),
        silence: can(Action::Silence),
        arrange: can(Action::Arrange),
        build: can(Action::Build),
        govern: can(Action::Govern),
    };
    let security = SecurityView {
        totp: signed.factors.totp,
        passkeys: signed.factors.passkeys,
        recovery_codes: signed.factors.recovery_codes,
        proved_until: signed.session.proved_until().into(),
    };
    let standing = state.store.standing();
    let emergency = &standing.root()?.emergency;
    Ok(Json(MeView {
        user: signed.user.into(),
        rights,
        security,
        emergency: EmergencyRule {
            by: emergency.by,
            needed: emergency.needed,
        },
    }))
}
