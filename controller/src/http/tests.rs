//! The API without a socket: requests go straight to the router, changes come out where the engine would be.

mod alarms;
mod alerts;
mod app;
mod approval;
mod audit;
pub(super) mod authenticator;
mod bulletins;
mod calls;
mod corrections;
mod days;
mod description;
mod ecosystem;
mod endorsement;
mod enrolment;
mod exercises;
mod holidays;
mod library;
mod recordings;
mod relays;
mod reports;
mod rights;
mod sign_in_codes;
mod sign_in_passkeys;
mod sign_in_proof;
mod sign_in_sessions;
mod templates;
mod village;
pub(super) mod watch;
mod watching;

use std::sync::atomic::{AtomicBool, Ordering};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::AppState;
use crate::{
    auth,
    clock::Clock,
    config::Config,
    engine::{Change, EngineHandle},
    logic::permissions::Role,
    pki::Identity,
    store::{
        NewUser,
        testing::{self, TestStore, area},
    },
};

const PASSWORD: &str = "đường về làng";

pub struct Office {
    pub village: TestStore,
    pub state: AppState,
    pub router: Router,
    pub changes: mpsc::Receiver<Change>,
    /// An administrator of everything.
    pub chief: String,
    /// The next call succeeds and changes nothing.
    nothing_changes: AtomicBool,
}

impl Office {
    pub fn nothing_will_change(&self) {
        self.nothing_changes.store(true, Ordering::Relaxed);
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Status and error code, for comparing.
    pub fn refusal(&self) -> (u16, &str) {
        let code = self.body["error"]["code"].as_str().unwrap_or("none");
        (self.status.as_u16(), code)
    }
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }
}

/// The sample village, with an office and its chief.
pub async fn office() -> Office {
    // Most of these tests are about poles that have a token.
    let mut config = Config::default();
    config.mqtt.tls = false;
    office_with(config).await
}

pub async fn office_with(config: Config) -> Office {
    let village = testing::village().await;
    let (engine, changes) = EngineHandle::detached();
    let dir = village.store.data_dir();
    let identity = Identity::open(&config, dir, config.server.listen, village.clock.now())
        .expect("an identity");
    let (store, clock) = (village.store.clone(), village.clock.clone());
    let state = AppState::new(store, engine, config, clock, identity)
        .await
        .expect("a state");
    let mut office = Office {
        router: super::router(state.clone()),
        village,
        state,
        changes,
        chief: String::new(),
        nothing_changes: AtomicBool::new(false),
    };
    office.chief = office.somebody("chief", Role::Administrator, None).await;
    office
}

impl Office {
    /// A new user who is signed in: the token.
    pub async fn somebody(&self, username: &str, role: Role, at: Option<&str>) -> String {
        let new = NewUser {
            username: username.into(),
            name: username.into(),
            role,
            area: at.map(area),
            password_hash: None,
        };
        auth::add_user(&self.village, new, Some(PASSWORD.into()), None)
            .await
            .expect("a user");
        let asked = json!({ "username": username, "password": PASSWORD });
        let answer = self.post("", "/api/v1/session", &asked).await.ok();
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Time has passed, and this person shows once more who it is.
    pub async fn prove(&self, token: &str) {
        let asked = json!({ "password": PASSWORD });
        self.post(token, "/api/v1/session/proof", &asked).await.ok();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let entries = audit::length(self).await;
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
        description::check(&method, &path, parts.status.as_u16(), &body);
        let changes = !self.nothing_changes.swap(false, Ordering::Relaxed);
        if audit::must_tell(&method, &path, &parts) {
            let told = audit::length(self).await;
            assert_eq!(
                told > entries,
                changes,
                "{method} {path}: a change leaves an entry in the audit log, and nothing else does"
            );
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn call(
        &self,
        method: &str,
        token: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.send(request(method, token, path, body)).await
    }
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", token, path, None).await
    }
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", token, path, Some(body)).await
    }
    pub async fn patch(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("PATCH", token, path, Some(body)).await
    }
    pub async fn delete(&self, token: &str, path: &str) -> Answer {
        self.call("DELETE", token, path, None).await
    }

    /// Ten seconds of audio, ready for bulletins.
    pub async fn audio(&self) -> String {
        testing::some_audio(&self.village).await.0.to_string()
    }

    /// What the engine was told since the last look.
    pub fn told(&mut self) -> Vec<Change> {
        let mut told = Vec::new();
        while let Ok(change) = self.changes.try_recv() {
            told.push(change);
        }
        told
    }
}

pub fn request(method: &str, token: &str, path: &str, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    // English, so that the tests are read by everybody; Vietnamese has its own test.
    request = request.header(header::ACCEPT_LANGUAGE, "en");
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .expect("a request")
}

/// The same with one more header.
pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request
        .headers_mut()
        .insert(name, value.parse().expect("a header"));
    request
}
