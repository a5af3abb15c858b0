//! Makes speakers' next certificates, and revokes the former ones when the next are in use: one after another, beside the loop.
//!
//! Bound: [`WAITING`] wishes wait; a further one is dropped, and its speaker asks again.

use std::sync::Arc;

use bytes::Bytes;
use ed25519_dalek::VerifyingKey;
use loa_protocol::id::SpeakerId;
use tokio::sync::mpsc;

use super::{Change, EngineHandle};
use crate::{
    act::Act,
    clock::Clock,
    logic::{Input, identity::Way},
    pki::{Authority, RenewalError, renew},
    store::Store,
};

const WAITING: usize = 256;

#[derive(Debug)]
enum Wish {
    Renew(SpeakerId, Bytes),
    InUse(SpeakerId, VerifyingKey),
}

#[derive(Debug)]
pub(super) struct Renewer {
    wishes: mpsc::Sender<Wish>,
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
        let (wishes, to_do) = mpsc::channel(WAITING);
        if let Some(authority) = authority {
            let desk = Desk {
                store,
                authority,
                clock,
                handle,
                inputs,
            };
            tokio::spawn(desk.run(to_do));
        }
        Self { wishes }
    }

    pub(super) fn renew(&self, speaker: SpeakerId, payload: Bytes) {
        self.ask(Wish::Renew(speaker, payload));
    }

    /// The speaker signs with this key, which is newer than another that it holds.
    pub(super) fn in_use(&self, speaker: SpeakerId, key: VerifyingKey) {
        self.ask(Wish::InUse(speaker, key));
    }

    fn ask(&self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            tracing::debug!("a wish about a certificate was dropped");
        }
    }
}

struct Desk {
    store: Store,
    authority: Authority,
    clock: Arc<dyn Clock>,
    handle: EngineHandle,
    inputs: mpsc::Sender<Input>,
}

impl Desk {
    async fn run(self, mut to_do: mpsc::Receiver<Wish>) {
        while let Some(wish) = to_do.recv().await {
            match wish {
                Wish::Renew(speaker, payload) => {
                    let act = Act::of_speaker(&speaker, "renew");
                    act.doing(self.renew(speaker, &payload)).await;
                }
                Wish::InUse(speaker, key) => {
                    let act = Act::of_speaker(&speaker, "use certificate");
                    act.doing(self.in_use(speaker, &key)).await;
                }
            }
        }
    }

    async fn renew(&self, speaker: SpeakerId, payload: &[u8]) {
        let now = self.clock.now();
        let renewed = renew(
            &self.store,
            &self.authority,
            &speaker,
            payload,
            Way::Line,
            now,
        );
        match renewed.await {
            Ok(renewed) => {
                // The roster first: the speaker may come with it at once.
                self.handle.changed(Change::Speakers(vec![speaker])).await;
                let made = Input::CertificateMade(Box::new(renewed.document));
                // Fails only when the engine ends.
                let _ = self.inputs.send(made).await;
            }
            Err(error @ (RenewalError::Refused(_) | RenewalError::Request(_))) => {
                tracing::warn!(%speaker, %error, "no next certificate");
            }
            Err(error) => {
                tracing::error!(%speaker, %error, "no next certificate; it asks again");
            }
        }
    }

    async fn in_use(&self, speaker: SpeakerId, key: &VerifyingKey) {
        let key = hex::encode(key.as_bytes());
        match self.store.certificate_used(&speaker, &key).await {
            Ok(true) => {
                tracing::info!(%speaker, "the former certificate is revoked: the next is in use");
                self.handle.changed(Change::Speakers(vec![speaker])).await;
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%speaker, %error, "the former certificate stays until it runs out");
            }
        }
    }
}
