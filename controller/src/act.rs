//! What somebody is doing at this moment, for the audit log: who, from where, what, to what.
//!
//! It travels with the task. Whoever comes to know a part of it says so ([`by`], [`on`], [`with`]); the store writes it down in
//! the transaction that carries the change out, once. Without one (the office's own rounds, the poles' reports) nothing is
//! written. What is spawned on the way takes it along by [`carried`].

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;

use crate::logic::audit::details;

/// Most ids that one entry names.
const MAX_SUBJECTS: usize = 8;
/// Longest id that is written down, in characters.
const MAX_SUBJECT: usize = 80;

tokio::task_local! {
    static ACT: Act;
}

/// Something that somebody does. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Act {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    known: Known,
    body: Option<Bytes>,
    is_written: bool,
}

/// What is written down of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub user: Option<String>,
    pub session: Option<String>,
    pub address: Option<String>,
    pub action: String,
    pub subjects: Vec<String>,
    pub details: String,
}

impl Act {
    /// `action`: what it is called in the log, such as `POST /bulletins`.
    pub fn new(action: impl Into<String>) -> Self {
        let known = Known {
            user: None,
            session: None,
            address: None,
            action: action.into(),
            subjects: Vec::new(),
            details: "{}".to_owned(),
        };
        Self {
            inner: Arc::new(Mutex::new(Inner {
                known,
                body: None,
                is_written: false,
            })),
        }
    }

    /// A command at the machine itself.
    pub fn at_the_machine(action: impl Into<String>) -> Self {
        let act = Self::new(action);
        act.lock().known.user = Some(format!("cli:{}", unix_name()));
        act
    }

    /// Something that a speaker asked for.
    pub fn of_speaker(speaker: &loa_protocol::id::SpeakerId, action: impl Into<String>) -> Self {
        let act = Self::new(action);
        act.lock().known.user = Some(format!("speaker:{speaker}"));
        act.subject(speaker.as_str());
        act
    }

    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Self {
        self.lock().known.address = address.map(|ip| ip.to_canonical().to_string());
        self
    }

    #[must_use]
    pub fn to(self, subject: &str) -> Self {
        self.subject(subject);
        self
    }

    /// JSON, in place of a request's body; nothing in it is secret.
    #[must_use]
    pub fn detailed(self, details: &serde_json::Value) -> Self {
        self.lock().known.details = details.to_string();
        self
    }

    /// Does this in its name.
    pub async fn doing<T>(&self, work: impl Future<Output = T>) -> T {
        ACT.scope(self.clone(), work).await
    }

    /// What is to be written down, unless it was.
    pub(crate) fn unwritten(&self) -> Option<Known> {
        let inner = self.lock();
        (!inner.is_written).then(|| {
            let mut known = inner.known.clone();
            if let Some(body) = &inner.body {
                known.details = details(body);
            }
            known
        })
    }

    /// It is on disk.
    pub(crate) fn written(&self) {
        self.lock().is_written = true;
    }

    fn subject(&self, id: &str) {
        let mut inner = self.lock();
        let subjects = &mut inner.known.subjects;
        // An id has neither spaces nor line breaks; what is no id must not look like several.
        let id: String = id
            .chars()
            .map(|c| {
                if c.is_whitespace() || c.is_control() {
                    '_'
                } else {
                    c
                }
            })
            .take(MAX_SUBJECT)
            .collect();
        if !id.is_empty() && subjects.len() < MAX_SUBJECTS && !subjects.contains(&id) {
            subjects.push(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change of it is one assignment: a poisoned one is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this task does, when it is somebody's doing.
pub fn current() -> Option<Act> {
    ACT.try_with(Act::clone).ok()
}

/// It is this user's, in this session.
pub fn by(user: &str, session: Option<&str>) {
    if let Some(act) = current() {
        let mut inner = act.lock();
        inner.known.user = Some(user.to_owned());
        inner.known.session = session.map(str::to_owned);
    }
}

/// It concerns this too.
pub fn on(subject: &str) {
    if let Some(act) = current() {
        act.subject(subject);
    }
}

/// This is what was asked for, word by word. What is secret in it is left out when it is written down.
pub fn with(body: Bytes) {
    if let Some(act) = current() {
        act.lock().body = Some(body);
    }
}

/// For what is spawned: it goes on in the name of whoever spawned it.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let act = current();
    async move {
        match act {
            Some(act) => act.doing(work).await,
            None => work.await,
        }
    }
}

/// Who gave the command: by the number of whoever is behind `sudo`, and its name where the machine has one.
fn unix_name() -> String {
    let own = rustix::process::getuid().as_raw();
    let asked = std::env::var("SUDO_UID").ok().filter(|_| own == 0);
    let id = asked.and_then(|id| id.parse().ok()).unwrap_or(own);
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, id).unwrap_or_else(|| id.to_string())
}

fn name_of(passwd: &str, id: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == id && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_that_the_machine_gives_it() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\ncan-bo:x:1000:1000::/home/can-bo:/bin/sh\n";
        assert_eq!(name_of(passwd, 1_000).as_deref(), Some("can-bo"));
        assert_eq!(name_of(passwd, 7), None);
    }

    #[tokio::test]
    async fn what_is_spawned_goes_on_in_the_same_name() {
        let act = Act::new("POST /audio");
        act.doing(async {
            by("u1", Some("s1"));
            let work = carried(async { on("a b") });
            tokio::spawn(work).await.expect("no panic");
        })
        .await;
        let known = act.unwritten().expect("unwritten");
        assert_eq!(known.user.as_deref(), Some("u1"));
        assert_eq!(known.subjects, ["a_b"]);
        act.written();
        assert_eq!(act.unwritten(), None);
    }
}
