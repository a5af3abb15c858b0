//! The office's API as a person's program uses it: signed in, JSON in and out, files as multipart.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::Value;
use ureq::http::Request;

use super::clock::now_us;

/// No answer comes later than this, or it is none.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// A client with its cookies and one open connection.
#[derive(Debug)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// When its head arrived, in microseconds of Unix time.
    pub at_us: i64,
}

impl Answer {
    /// The body as JSON, null when there is none.
    ///
    /// # Panics
    /// When the status tells of an error; the text has what the office says about it.
    #[track_caller]
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert!(
            (200..300).contains(&self.status),
            "the office answers {}: {text}",
            self.status
        );
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The code in the error envelope; empty when there is none.
    pub fn error_code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Http {
    pub fn new(base: impl Into<String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        Self {
            agent,
            base: base.into(),
        }
    }

    /// What its session goes by, as a header has it.
    pub fn cookie(&self) -> String {
        let jar = self.agent.cookie_jar_lock();
        let all = jar
            .iter()
            .map(|one| format!("{}={}", one.name(), one.value()));
        all.collect::<Vec<_>>().join("; ")
    }

    /// One call to `/api/v1{path}`. Every creation has a key of its own.
    ///
    /// # Panics
    /// When there is no answer at all.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        match body {
            Some(body) => self.send(
                method,
                path,
                "application/json",
                body.to_string().into_bytes(),
            ),
            None if method == "POST" => self.send(method, path, "application/json", b"{}".to_vec()),
            None => self
                .try_call(method, path)
                .unwrap_or_else(|error| panic!("{method} {path}: {error}")),
        }
    }

    /// A call without a body; an error when the office cannot be reached.
    ///
    /// # Errors
    /// The line's.
    pub fn try_call(&self, method: &str, path: &str) -> Result<Answer, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .body(())?;
        read(self.agent.run(request)?)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).json()
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", path, Some(body)).json()
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Value {
        self.call("PATCH", path, Some(body)).json()
    }

    /// Sends a file as a browser's form does.
    #[track_caller]
    pub fn upload(&self, path: &str, name: &str, file: &[u8]) -> Answer {
        const BOUNDARY: &str = "loa-test-1f0c3a97";
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let body = [
            head.as_bytes(),
            file,
            format!("\r\n--{BOUNDARY}--\r\n").as_bytes(),
        ]
        .concat();
        self.send(
            "POST",
            path,
            &format!("multipart/form-data; boundary={BOUNDARY}"),
            body,
        )
    }

    /// As [`Http::upload`], from disk.
    #[track_caller]
    pub fn upload_file(&self, path: &str, file: &Path) -> Answer {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes =
            std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.upload(path, &name, &bytes)
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        static KEY: AtomicU64 = AtomicU64::new(1);
        let key = format!(
            "test-{}-{}",
            std::process::id(),
            KEY.fetch_add(1, Ordering::Relaxed)
        );
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .header("Content-Type", content_type)
            .header("Idempotency-Key", key)
            .body(body)
            .expect("a request");
        let answer = self.agent.run(request).and_then(read);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let at_us = now_us();
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .read_to_vec()?;
    Ok(Answer {
        status: response.status().as_u16(),
        body,
        at_us,
    })
}
