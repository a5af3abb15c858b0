//! Makes speakers' next certificates, one after another, beside the loop.
//!
//! Bound: [`WAITING`] wishes wait; a further one is dropped, and its speaker asks again.

use std::sync::Arc;

use bytes::Bytes;
use loa_protocol::id::SpeakerId;
use tokio::sync::mpsc;

use super::{Change, EngineHandle};
use crate::{
    clock::Clock,
    logic::{Input, identity::Way},
    pki::{Authority, RenewalError, renew},
    store::Store,
};

const WAITING: usize = 256;

#[derive(Debug)]
pub(super) struct Renewer {
    asked: mpsc::Sender<(SpeakerId, Bytes)>,
}

impl Renewer {
    /// Its task ends when the renewer is dropped.
    pub(super) fn start(
        store: Store,
        authority: Option<Authority>,
        clock: Arc<dyn Clock>,
        handle: EngineHandle,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        let (asked, mut to_do) = mpsc::channel::<(SpeakerId, Bytes)>(WAITING);
        if let Some(authority) = authority {
            tokio::spawn(async move {
                while let Some((speaker, payload)) = to_do.recv().await {
                    let now = clock.now();
                    match renew(&store, &authority, &speaker, &payload, Way::Line, now).await {
                        Ok(renewed) => {
                            // The roster first: the speaker may come with it at once.
                            handle.changed(Change::Speakers(vec![speaker])).await;
                            let made = Input::CertificateMade(Box::new(renewed.document));
                            if inputs.send(made).await.is_err() {
                                return;
                            }
                        }
                        Err(error @ (RenewalError::Refused(_) | RenewalError::Request(_))) => {
                            tracing::warn!(%speaker, %error, "no next certificate");
                        }
                        Err(error) => {
                            tracing::error!(%speaker, %error, "no next certificate; it asks again");
                        }
                    }
                }
            });
        }
        Self { asked }
    }

    pub(super) fn ask(&self, speaker: SpeakerId, payload: Bytes) {
        if self.asked.try_send((speaker, payload)).is_err() {
            tracing::debug!("a wish for a certificate was dropped");
        }
    }
}
