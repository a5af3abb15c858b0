//! The people.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::id::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, chosen_id, given, name},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    messages::Code,
};
use crate::{
    auth,
    logic::permissions::{Action, Role, may},
    store::{NewUser, StoreError, User, UserChange, UserId},
};

#[derive(Serialize, ToSchema)]
pub struct UserView {
    pub id: String,
    pub username: String,
    pub name: String,
    pub role: Role,
    /// Rights hold here and below; without it in the whole tree.
    pub area: Option<String>,
    /// Without one only a setup link lets this person in.
    pub has_password: bool,
    pub made: Instant,
    /// Only in the answer that made it, and only once: `/setup?token=…`, by which the person sets a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub setup_link: Option<String>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username,
            name: user.name,
            role: user.role,
            area: user.area.map(|a| a.to_string()),
            has_password: user.has_password,
            made: user.made.into(),
            setup_link: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Users {
    pub users: Vec<UserView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUserBody {
    pub username: String,
    /// As others see it; the username when there is none.
    pub name: Option<String>,
    pub role: Role,
    /// Rights hold here and below; without it in the whole tree.
    pub area: Option<String>,
    /// Without one the answer holds a setup link.
    #[schema(format = Password, min_length = 8)]
    pub password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    pub name: Option<String>,
    pub role: Option<Role>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub area: Option<Option<String>>,
    #[schema(format = Password, min_length = 8)]
    pub password: Option<String>,
}

pub fn check_username(username: &str) -> Result<(), ApiError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_@".contains(&b);
    if (2..=64).contains(&username.len()) && username.bytes().all(fits) {
        Ok(())
    } else {
        Err(Code::UsernameInvalid.into())
    }
}

/// May this person govern people of that area?
async fn must_govern(
    state: &AppState,
    signed: &Signed,
    area: Option<&AreaId>,
) -> Result<(), ApiError> {
    match area {
        Some(area) => signed.must(state, Action::Govern, area).await,
        None => signed.must_in(Action::Govern, &[]),
    }
}

fn unknown_area(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound { what: "area", id } => {
            ApiError::new(Code::AreaUnknown).with("id", id)
        }
        error => error.into(),
    }
}

/// All people whom I may govern.
#[utoipa::path(get, path = "/users", tag = "users",
    responses((status = 200, body = Users), (status = "default", body = ErrorEnvelope)))]
pub async fn list(State(state): State<AppState>, signed: Signed) -> Result<Json<Users>, ApiError> {
    signed.must_somewhere(Action::Govern)?;
    let mut users = Vec::new();
    for user in state.store.users().await? {
        let lineage = match &user.area {
            Some(area) => state.store.lineage(area).await?,
            None => Vec::new(),
        };
        if may(&signed.actor, Action::Govern, &lineage) {
            users.push(user.into());
        }
    }
    Ok(Json(Users { users }))
}

/// Add a person. Without a password the answer holds a one-time link to set one. Asks for a fresh proof.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUserBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = UserView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewUserBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /users", &body.sha256);
    let asked = body.value;
    check_username(&asked.username)?;
    let area: Option<AreaId> = chosen_id(asked.area.as_deref())?;
    must_govern(&state, &signed, area.as_ref()).await?;
    signed.must_be_fresh(&state)?;
    let new = NewUser {
        name: name(asked.name.as_deref().unwrap_or(&asked.username))?,
        username: asked.username,
        role: asked.role,
        area,
        password_hash: None,
    };
    let make = async |claim: Option<crate::store::Claim>| {
        let (user, token) = auth::add_user(&state.store, new, asked.password, claim.as_ref())
            .await
            .map_err(|error| match error {
                auth::AuthError::Store(error) => unknown_area(error),
                error => error.into(),
            })?;
        Ok(UserView {
            setup_link: token.map(|token| format!("/setup?token={token}")),
            ..user.into()
        })
    };
    let show = async |id: String| Ok(state.store.user(&UserId::new(id)).await?.into());
    idempotency::create(&state, claim, Secrecy::Secret, make, show).await
}

pub async fn load(state: &AppState, signed: &Signed, id: &UserId) -> Result<User, ApiError> {
    let user = state.store.user(id).await?;
    must_govern(state, signed, user.area.as_ref()).await?;
    Ok(user)
}

#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = UserView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<Json<UserView>, ApiError> {
    Ok(Json(load(&state, &signed, &UserId::new(id)).await?.into()))
}

/// Change a person. A new password, role or area ends the person's sessions, but the one in which somebody changes the own
/// password. Asks for a fresh proof, but for the own name.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(("id" = String, Path)), request_body = UserPatch,
    responses((status = 200, body = UserView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
    body: Body<UserPatch>,
) -> Result<Json<UserView>, ApiError> {
    let id = UserId::new(id);
    let patch = body.value;
    // Everybody may change the own name and password, nothing else of it.
    let own = id == signed.user.id && patch.role.is_none() && patch.area.is_none();
    let user = if own {
        signed.user.clone()
    } else {
        load(&state, &signed, &id).await?
    };
    let area = match &patch.area {
        None => None,
        Some(area) => {
            let area: Option<AreaId> = chosen_id(area.as_deref())?;
            must_govern(&state, &signed, area.as_ref()).await?;
            Some(area)
        }
    };
    if !own || patch.password.is_some() {
        signed.must_be_fresh(&state)?;
    }
    let password_hash = match patch.password {
        None => None,
        Some(password) => {
            auth::check_password(&user.username, &password)?;
            Some(auth::hash_password(password).await)
        }
    };
    let change = UserChange {
        name: patch.name.as_deref().map(name).transpose()?,
        role: patch.role,
        area,
        password_hash,
        keep_session: own.then_some(signed.session.id),
    };
    let user = state
        .store
        .change_user(&id, change)
        .await
        .map_err(unknown_area)?;
    Ok(Json(user.into()))
}

/// Remove a person. Asks for a fresh proof.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    let id = UserId::new(id);
    load(&state, &signed, &id).await?;
    signed.must_be_fresh(&state)?;
    state.store.delete_user(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct SetupLink {
    /// `/setup?token=…`, good for one password within 7 days.
    pub setup_link: String,
}

/// A new one-time link for somebody who forgot the password; older ones stop working. Asks for a fresh proof.
#[utoipa::path(post, path = "/users/{id}/setup_link", tag = "users", params(("id" = String, Path)),
    responses((status = 201, body = SetupLink), (status = "default", body = ErrorEnvelope)))]
pub async fn setup_link(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<(StatusCode, Json<SetupLink>), ApiError> {
    let id = UserId::new(id);
    load(&state, &signed, &id).await?;
    signed.must_be_fresh(&state)?;
    let token = crate::chance::token();
    state
        .store
        .replace_setup_token(&id, &auth::token_hash(&token))
        .await?;
    let link = SetupLink {
        setup_link: format!("/setup?token={token}"),
    };
    Ok((StatusCode::CREATED, Json(link)))
}
