//! Everything the app shows live, as server-sent events.
//!
//! An event says what changed, not how: the app reads it again. `resync` says that some were lost: read everything.

use std::{collections::HashSet, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use loa_protocol::id::SpeakerId;
use serde_json::json;
use tokio::sync::broadcast;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    guard::Signed,
    messages::Code,
    watchers::{Full, Place},
};
use crate::{logic::Notice, logic::permissions::Action};

/// So that proxies and phones do not take silence for death.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this and the browser comes back: rights and sessions are looked at again.
const LIFE: Duration = Duration::from_secs(30 * 60);

struct Watcher {
    state: AppState,
    signed: Signed,
    notices: broadcast::Receiver<Notice>,
    /// The speakers in reach; `None`: all.
    speakers: Option<HashSet<SpeakerId>>,
    _place: Place,
}

/// Watch what happens. Events: `speaker`, `playout`, `bulletin`, `alert`, `repair`, `event`, `resync`, each with JSON data.
#[utoipa::path(get, path = "/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = String),
        (status = "default", body = ErrorEnvelope)))]
pub async fn events(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    signed.must_somewhere(Action::See)?;
    let place = state.watchers.enter(&signed.user.id);
    let place = place.map_err(|full| ApiError {
        retry_after_s: Some(30),
        ..match full {
            Full::Of(most) => ApiError::new(Code::TooManyWatching).with("most", most),
            Full::All => ApiError::new(Code::Busy),
        }
    })?;
    let closing = state.closing();
    let mut watcher = Watcher {
        notices: state.engine.notices(),
        state,
        signed,
        speakers: None,
        _place: place,
    };
    watcher.look_again().await?;
    let end = async move {
        tokio::select! {
            () = closing.cancelled() => {}
            () = tokio::time::sleep(LIFE) => {}
        }
    };
    let hello = stream::once(async { Event::default().event("resync").data("{}") });
    let events = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((event, watcher))
    });
    let events = hello.chain(events).take_until(Box::pin(end)).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

impl Watcher {
    /// `None`: the engine has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let notice = match self.notices.recv().await {
                Ok(notice) => notice,
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    // Best effort: until the next time the old reach holds.
                    let _ = self.look_again().await;
                    return Some(Event::default().event("resync").data("{}"));
                }
            };
            if self.concerns(&notice).await {
                return Some(word(&notice));
            }
        }
    }

    async fn look_again(&mut self) -> Result<(), ApiError> {
        if let Some(area) = &self.signed.actor.area {
            let speakers = self.state.store.speakers_below(Some(area)).await?;
            self.speakers = Some(speakers.into_iter().map(|s| s.id).collect());
        }
        Ok(())
    }

    async fn concerns(&mut self, notice: &Notice) -> bool {
        let Some(area) = self.signed.actor.area.clone() else {
            return true;
        };
        let speaker = match notice {
            Notice::Bulletin(id) => {
                let concerns = self.state.store.concerns(id, &area).await;
                return concerns.unwrap_or(false);
            }
            Notice::Speaker(id) => {
                // It may be new, or have moved.
                let known = self.speakers.as_ref().is_some_and(|all| all.contains(id));
                if !known
                    && let Ok(speaker) = self.state.store.speaker(id).await
                    && let Ok(lineage) = self.state.store.lineage(&speaker.area).await
                    && lineage.contains(&area)
                {
                    self.speakers.get_or_insert_default().insert(id.clone());
                }
                id
            }
            Notice::Alert { speakers, .. } => {
                let seen = self.speakers.as_ref();
                return seen.is_some_and(|all| speakers.iter().any(|one| all.contains(one)));
            }
            Notice::Playout { speaker, .. }
            | Notice::Repair { speaker, .. }
            | Notice::Event { speaker, .. } => speaker,
        };
        self.speakers
            .as_ref()
            .is_some_and(|all| all.contains(speaker))
    }
}

fn word(notice: &Notice) -> Event {
    let (name, data) = match notice {
        Notice::Speaker(id) => ("speaker", json!({ "speaker": id })),
        Notice::Playout {
            speaker,
            occurrence,
        } => (
            "playout",
            json!({ "speaker": speaker, "occurrence": occurrence, "bulletin": occurrence.bulletin }),
        ),
        Notice::Bulletin(id) => ("bulletin", json!({ "bulletin": id })),
        Notice::Alert { alert, .. } => ("alert", json!({ "alert": alert })),
        Notice::Repair { repair, .. } => ("repair", json!({ "repair": repair })),
        Notice::Event {
            speaker,
            at,
            code,
            detail,
        } => (
            "event",
            json!({ "speaker": speaker, "at": at.to_string(), "code": code, "detail": detail }),
        ),
    };
    Event::default().event(name).data(data.to_string())
}
