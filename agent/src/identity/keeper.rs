//! What a renewal does: makes the next key, asks over HTTPS where the line is closed, and keeps what the office gave, durably.
//!
//! The key that waits for its certificate is only in memory: a pole whose power fails meanwhile makes another.

use std::{path::PathBuf, sync::Arc};

use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, watch};

use super::{
    Identity,
    certificate::SpeakerCertificate,
    key::Key,
    pem,
    pinned::{self, Expect},
};
use crate::{
    enrol,
    logic::port::{CertificateNews as News, CertificateStep as Step, Input},
    office_http::{self, OfficeUrl},
};

/// What is asked waits behind what is being done: the logic asks one thing at a time.
const WAITING: usize = 4;

#[derive(Debug)]
pub struct Keeper(mpsc::Sender<Step>);

impl Keeper {
    /// `None`: it will be answered later.
    pub fn perform(&self, step: Step) -> Option<Input> {
        let is_full = self.0.try_send(step).is_err();
        is_full.then(|| {
            Input::Certificate(News::Failed {
                detail: "too much is asked of the identity at once".into(),
            })
        })
    }
}

/// The identity in use changes when a certificate was renewed.
pub fn start(
    identity: Arc<Identity>,
    data_dir: PathBuf,
) -> (
    Keeper,
    watch::Receiver<Arc<Identity>>,
    mpsc::Receiver<Input>,
) {
    let (asks, mut waiting) = mpsc::channel(WAITING);
    let (answers, inputs) = mpsc::channel(WAITING);
    let (current, seen) = watch::channel(identity);
    tokio::spawn(async move {
        let mut work = Work {
            current,
            next: None,
            data_dir,
        };
        while let Some(step) = waiting.recv().await {
            let news = match work.perform(step).await {
                Ok(news) => news,
                Err(detail) => News::Failed { detail },
            };
            if answers.send(Input::Certificate(news)).await.is_err() {
                return;
            }
        }
    });
    (Keeper(asks), seen, inputs)
}

struct Work {
    current: watch::Sender<Arc<Identity>>,
    next: Option<Arc<Key>>,
    data_dir: PathBuf,
}

impl Work {
    async fn perform(&mut self, step: Step) -> Result<News, String> {
        match step {
            Step::MakeKey => {
                let key = Key::make().map_err(|error| error.to_string())?;
                let speaker = self.current.borrow().speaker().to_string();
                let request = key.request(Some(&speaker)).map_err(|e| e.to_string())?;
                self.next = Some(Arc::new(key));
                Ok(News::KeyMade {
                    request: request.der().to_vec(),
                })
            }
            Step::Keep { certificate } => self.keep(CertificateDer::from(certificate)).await,
            Step::AskOffice { renewal } => {
                // Nobody signed that answer: the certificate proves itself by who made it.
                let certificate = self.ask_office(renewal).await?;
                self.keep(certificate).await
            }
            // The line's business.
            Step::Reconnect => Err("the identity has no line".into()),
        }
    }

    async fn ask_office(&self, renewal: Vec<u8>) -> Result<CertificateDer<'static>, String> {
        let office = self.current.borrow().office.url.clone();
        let url = OfficeUrl::parse(&office).map_err(|error| error.to_string())?;
        // The office's HTTPS certificate may have changed in the months that this pole was dark.
        let tls = pinned::client_config(Expect::AnyAnswer).map_err(|error| error.to_string())?;
        let answer = office_http::post(&url, "/api/v1/renew", "application/cbor", renewal, tls)
            .await
            .map_err(|error| error.to_string())?;
        let given = enrol::read(answer.status, &answer.body).map_err(|error| error.to_string())?;
        pem::one(given.certificate.as_bytes())
            .ok_or_else(|| "the office's answer has no certificate".into())
    }

    /// Checks everything, writes it, and only then uses it. The authorities stay those of the enrolment.
    async fn keep(&mut self, certificate: CertificateDer<'static>) -> Result<News, String> {
        let key = self.next.clone().ok_or("no key waits for a certificate")?;
        let current = self.current.borrow().clone();
        let read = SpeakerCertificate::read(certificate.clone()).map_err(|e| e.to_string())?;
        if read.speaker != *current.speaker() {
            return Err("the certificate is another speaker's".into());
        }
        let signing = key.signing().clone();
        let next = Identity::new(
            key,
            certificate,
            current.authorities.clone(),
            current.office.clone(),
            current.roots.clone(),
        )
        .map_err(|misfit| misfit.to_string())?;
        let next = Arc::new(next);
        let (stored, data_dir) = (Arc::clone(&next), self.data_dir.clone());
        tokio::task::spawn_blocking(move || stored.store(&data_dir))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("the identity cannot be written: {error}"))?;
        self.next = None;
        let life = next.certificate.life;
        self.current.send_replace(next);
        Ok(News::Certified {
            life,
            signing: Box::new(signing),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::Authority;

    fn work(identity: Identity, data_dir: PathBuf) -> Work {
        Work {
            current: watch::Sender::new(Arc::new(identity)),
            next: None,
            data_dir,
        }
    }
    fn keep(certificate: CertificateDer<'_>) -> Step {
        Step::Keep {
            certificate: certificate.to_vec(),
        }
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_on_disk_before_it_is_used_and_only_for_the_key_that_waits() {
        let data = tempfile::tempdir().expect("a folder");
        let office = Authority::new();
        let first = office.enrol("ban-chuong-1");
        first.store(data.path()).expect("written");
        let mut work = work(first, data.path().into());
        let made = work.perform(Step::MakeKey).await;
        assert!(matches!(made, Ok(News::KeyMade { .. })), "{made:?}");
        let key = work.next.clone().expect("it waits");

        // A replay of an older answer, another speaker's, and a stranger's work change nothing, and the key still waits.
        let older = work.current.borrow().certificate.der.clone();
        let stranger = Authority::new();
        for wrong in [
            keep(older),
            keep(office.certify(&key, "khuoi-meo")),
            keep(stranger.certify(&key, "ban-chuong-1")),
        ] {
            assert!(work.perform(wrong).await.is_err());
        }
        let good = keep(office.certify(&key, "ban-chuong-1"));
        let Ok(News::Certified { signing, .. }) = work.perform(good).await else {
            panic!("it is good");
        };
        assert_eq!(signing.verifying_key(), key.public());
        let stored = Identity::load(data.path()).expect("right").expect("there");
        assert_eq!(stored.key.public(), key.public());
        assert_eq!(work.current.borrow().key.public(), key.public());
    }
}
