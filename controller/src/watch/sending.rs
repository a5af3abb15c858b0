//! Tells people what waits in the outbox: each address by itself and in order, tried again while nobody takes it, and many
//! in one message when many come together.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    http::AppState,
    logic::{
        Notice,
        alerts::{
            Address,
            telling::{MOST_REFUSALS, MOST_TRIES, Pace, next_try, pace},
            words::{self, Style, Told},
        },
    },
    notify::{Failure, Message, NotifyError},
    store::{AlertRow, Outgoing, SendOutcome, StoreError},
};

/// How often it looks into the outbox.
const LOOK: Duration = Duration::from_secs(2);
/// Messages of one look.
const BATCH: u32 = 1_000;
/// Addresses told at the same time.
const AT_ONCE: usize = 8;
/// The minute of `pace`, in seconds.
const MINUTE_S: i64 = 60;

pub(super) async fn run(sender: Sender, stop: CancellationToken) {
    let mut due = tokio::time::interval(LOOK);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = due.tick() => {}
        }
        if let Err(error) = sender.send_due().await {
            tracing::warn!(%error, "the outbox of alerts could not be read; trying again");
        }
    }
}

/// The outbox's other end.
#[derive(Clone, Debug)]
pub struct Sender {
    state: AppState,
}

impl Sender {
    pub fn new(state: AppState) -> Self {
        Self { state }
    }

    /// Tells what is due now, each address once at most when it does not answer.
    pub async fn send_due(&self) -> Result<(), StoreError> {
        let store = &self.state.store;
        let waiting = store.outgoing(BATCH).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let minute_ago = self.state.clock.now().plus_s(-MINUTE_S);
        let sent = store.sent_since(minute_ago).await?;
        let mut by_address: BTreeMap<Address, Vec<Outgoing>> = BTreeMap::new();
        for message in waiting {
            by_address
                .entry(message.address.clone())
                .or_default()
                .push(message);
        }
        let each = by_address.into_iter().map(|(address, messages)| {
            let sent = sent.get(&address).copied().unwrap_or_default();
            self.tell(address, messages, sent)
        });
        let results: Vec<Result<(), StoreError>> =
            stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().collect()
    }

    async fn tell(
        &self,
        address: Address,
        messages: Vec<Outgoing>,
        sent_last_minute: usize,
    ) -> Result<(), StoreError> {
        let mut known: Vec<(Outgoing, AlertRow)> = Vec::with_capacity(messages.len());
        for message in messages {
            match self.state.store.alert(&message.alert).await {
                Ok(alert) => known.push((message, alert)),
                Err(StoreError::NotFound { .. }) => {
                    let store = &self.state.store;
                    store.told(&[message], &SendOutcome::Dropped).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let style = style(&self.state);
        let told = |(message, alert): &(Outgoing, AlertRow)| told(message, alert);
        let mut rest = known.as_slice();
        match pace(known.len(), sent_last_minute) {
            Pace::Wait => return Ok(()),
            Pace::Together => {
                let all: Vec<Told> = known.iter().map(told).collect();
                self.try_it(&address, &words::digest(&all, style), rest)
                    .await?;
            }
            Pace::Each => {
                while let [one, ..] = rest {
                    let message = words::message(&told(one), style);
                    // Who does not answer is not asked again for each of them.
                    let failed = self.try_it(&address, &message, &rest[..1]).await?;
                    rest = &rest[1..];
                    if let Some(error) = failed {
                        self.failed(&address, rest, &error).await?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// One message, which says these. Returns why it was not taken.
    async fn try_it(
        &self,
        address: &Address,
        message: &Message,
        these: &[(Outgoing, AlertRow)],
    ) -> Result<Option<NotifyError>, StoreError> {
        match self.state.notifier.tell(address, message).await {
            Ok(()) => {
                let outgoing: Vec<Outgoing> = these.iter().map(|(m, _)| m.clone()).collect();
                self.state.store.told(&outgoing, &SendOutcome::Sent).await?;
                for (message, alert) in these {
                    self.state.engine.notify(Notice::Alert {
                        alert: message.alert.clone(),
                        speakers: alert.speakers.iter().map(|s| s.speaker.clone()).collect(),
                    });
                }
            }
            Err(error) => {
                self.failed(address, these, &error).await?;
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    async fn failed(
        &self,
        address: &Address,
        these: &[(Outgoing, AlertRow)],
        error: &NotifyError,
    ) -> Result<(), StoreError> {
        let now = self.state.clock.now();
        for (message, _) in these {
            let tries = message.tries + 1;
            let most = match error.kind {
                Failure::Refused => MOST_REFUSALS,
                Failure::Unreached | Failure::Settings => MOST_TRIES,
            };
            let words = error.text.clone();
            let outcome = if tries >= most {
                tracing::warn!(way = address.by.word(), %error, "an alert could not be told, and is not tried again");
                SendOutcome::GivenUp { error: words }
            } else {
                if tries == 1 {
                    tracing::warn!(way = address.by.word(), %error, "an alert could not be told; trying again");
                }
                SendOutcome::Later {
                    at: next_try(tries, error.retry_after_s, now),
                    error: words,
                }
            };
            let one = std::slice::from_ref(message);
            self.state.store.told(one, &outcome).await?;
        }
        Ok(())
    }
}

/// Language, zone and address of the app, as the operator set them.
pub(crate) fn style(state: &AppState) -> Style<'_> {
    Style {
        language: state.config.alerts.language,
        zone: &state.config.defaults.zone,
        url: state.config.server.public_url.as_deref(),
    }
}

fn told(message: &Outgoing, alert: &AlertRow) -> Told {
    let over = alert.closed.is_some();
    Told {
        id: alert.id.to_string(),
        event: message.event,
        kind: alert.kind,
        severity: alert.severity,
        cause: alert.cause,
        area: alert.area.as_ref().map(ToString::to_string),
        area_name: alert.area_name.clone(),
        speakers: alert
            .speakers
            .iter()
            .filter(|one| over || one.back.is_none())
            .map(|one| (one.speaker.to_string(), one.name.clone()))
            .collect(),
        began: alert.began,
        closed: alert.closed,
        value: alert.value,
        limit: alert.limit,
    }
}
