//! The demo's own calls of the HTTP API, made in process: the same router, the same checks, no socket.

use std::{fmt, str::FromStr};

use anyhow::{Context, anyhow, bail};
use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use loa_protocol::{content::ContentId, id::BulletinId};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::village::ZONE;
use crate::{app::App, auth, chance, logic::permissions::Role, store::NewUser};

pub const USERNAME: &str = "demo";
/// Answers of the API are far smaller.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

pub struct Api {
    router: Router,
    password: String,
    token: String,
}

/// Audio as the API told of it.
pub struct Audio {
    id: String,
    pub content: ContentId,
    pub duration_ms: i64,
    loudness_lufs: Option<f64>,
}

impl fmt::Display for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.duration_ms as f64 / 1_000.0)?;
        match self.loudness_lufs {
            Some(lufs) => write!(f, " of sound at {lufs:.1} LUFS"),
            None => f.write_str(" of silence"),
        }
    }
}

impl Api {
    /// Makes the demo's user, with a password of its own, and signs in.
    pub async fn sign_in(app: &App) -> anyhow::Result<Self> {
        let password = chance::token()[..12].to_owned();
        let user = NewUser {
            username: USERNAME.into(),
            name: "Quản trị".into(),
            role: Role::Administrator,
            area: None,
            password_hash: None,
        };
        auth::add_user(app.store(), user, Some(password.clone()), None).await?;
        let mut api = Self {
            router: app.router(),
            password,
            token: String::new(),
        };
        let credentials = json!({ "username": USERNAME, "password": api.password });
        let session = api.post("/api/v1/session", &credentials).await?;
        api.token = text(&session, "token")?.to_owned();
        Ok(api)
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// `approval`: whose bulletins need a second person there; `None`: as in the area above.
    pub async fn add_area(
        &self,
        id: &str,
        name: &str,
        parent: Option<&str>,
        approval: Option<&str>,
    ) -> anyhow::Result<()> {
        let area = json!({ "id": id, "name": name, "parent": parent, "approval": approval });
        self.post("/api/v1/areas", &area).await.map(drop)
    }

    /// Somebody with the demo's password.
    pub async fn add_person(
        &self,
        username: &str,
        name: &str,
        role: &str,
        area: &str,
    ) -> anyhow::Result<()> {
        let person = json!({
            "username": username, "name": name, "role": role, "area": area, "password": self.password,
        });
        self.post("/api/v1/users", &person).await.map(drop)
    }

    /// Words that are said often, for the whole of `area`.
    pub async fn add_template(&self, title: &str, words: &str, area: &str) -> anyhow::Result<()> {
        let template = json!({ "title": title, "text": words, "area": area });
        self.post("/api/v1/templates", &template).await.map(drop)
    }

    /// Its hamlet bears the same id; `place` is in degrees north and east.
    pub async fn add_speaker(&self, id: &str, name: &str, place: (f64, f64)) -> anyhow::Result<()> {
        let speaker = json!({
            "id": id, "name": name, "area": id, "zone": ZONE, "latitude": place.0, "longitude": place.1,
        });
        self.post("/api/v1/speakers", &speaker).await.map(drop)
    }

    /// The text of a sticker for this speaker's board.
    pub async fn sticker(&self, id: &str) -> anyhow::Result<String> {
        let path = format!("/api/v1/speakers/{id}/enrolment");
        let given = self.post(&path, &json!({})).await?;
        Ok(text(&given, "text")?.to_owned())
    }

    pub async fn speak(&self, words: &str) -> anyhow::Result<Audio> {
        let made = self
            .post("/api/v1/audio/speech", &json!({ "text": words }))
            .await?;
        Audio::read(&made)
    }

    pub async fn upload(&self, name: &str, bytes: &[u8]) -> anyhow::Result<Audio> {
        let boundary = chance::token();
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: audio/mpeg\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        Audio::read(&self.call("/api/v1/audio", &kind, body).await?)
    }

    pub async fn say_now(
        &self,
        title: &str,
        audio: &Audio,
        target: String,
    ) -> anyhow::Result<BulletinId> {
        self.bulletin(title, audio, target, json!({ "now": true }), "rise")
            .await
    }

    /// `civil`: by the village's clock, for instance 2026-11-24T05:30:00.
    pub async fn plan_at(
        &self,
        title: &str,
        audio: &Audio,
        target: String,
        civil: &str,
    ) -> anyhow::Result<BulletinId> {
        self.bulletin(title, audio, target, json!({ "at": civil }), "none")
            .await
    }

    /// Every day; `civil` is the first time, by the village's clock.
    pub async fn plan_daily(
        &self,
        title: &str,
        audio: &Audio,
        target: String,
        civil: &str,
    ) -> anyhow::Result<BulletinId> {
        let when = json!({ "rrule": "FREQ=DAILY", "start": civil });
        self.bulletin(title, audio, target, when, "rise").await
    }

    async fn bulletin(
        &self,
        title: &str,
        audio: &Audio,
        target: String,
        when: Value,
        chime: &str,
    ) -> anyhow::Result<BulletinId> {
        let bulletin = json!({
            "title": title,
            "audio": audio.id,
            "priority": "ordinary",
            "targets": [target],
            "when": when,
            "chime": chime,
        });
        let made = self.post("/api/v1/bulletins", &bulletin).await?;
        Ok(text(&made, "id")?.parse()?)
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(path, "application/json", body.to_string().into_bytes())
            .await
    }

    async fn call(&self, path: &str, kind: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_LENGTH, body.len())
            .header(header::ACCEPT_LANGUAGE, "en");
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let answer = self
            .router
            .clone()
            .oneshot(request.body(Body::from(body))?)
            .await?;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), MAX_ANSWER_BYTES).await?;
        let value: Value =
            serde_json::from_slice(&body).with_context(|| format!("the answer of {path}"))?;
        if !status.is_success() {
            let message = value["error"]["message"]
                .as_str()
                .unwrap_or("no reason given");
            bail!("POST {path}: {status}: {message}");
        }
        Ok(value)
    }
}

impl Audio {
    fn read(view: &Value) -> anyhow::Result<Self> {
        let seconds = view["duration_s"]
            .as_f64()
            .ok_or_else(|| anyhow!("audio without duration_s"))?;
        Ok(Self {
            id: text(view, "id")?.to_owned(),
            content: ContentId::from_str(text(view, "sha256")?)?,
            duration_ms: (seconds * 1_000.0) as i64,
            loudness_lufs: view["loudness_lufs"].as_f64(),
        })
    }
}

fn text<'a>(view: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    view[key]
        .as_str()
        .ok_or_else(|| anyhow!("the API's answer lacks {key:?}"))
}
