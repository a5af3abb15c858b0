//! What a new board needs to become a speaker: a code, where to bring it, and by what to know the office.

use loa_protocol::{id::SpeakerId, time::WallTime};

use super::{EnrolmentCode, Identity};
use crate::store::{Store, StoreError};

/// One code that is out. Holds a secret: it is shown once and not logged.
#[derive(Clone)]
pub struct Enrolment {
    pub code: EnrolmentCode,
    pub expires: WallTime,
    /// How a speaker reaches the office, without a slash at the end.
    pub office: String,
    pub fingerprint: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Enrolment {
    /// A new code for this speaker; one that was out is worth nothing any more.
    pub async fn open(
        store: &Store,
        identity: &Identity,
        office: String,
        speaker: &SpeakerId,
    ) -> Result<Self, StoreError> {
        let code = EnrolmentCode::make();
        let expires = store.new_enrolment(speaker, &code.hash()).await?;
        Ok(Self {
            code,
            expires,
            office,
            fingerprint: identity.fingerprint(),
        })
    }

    /// What the square says, and what `loa-agent enrol` takes.
    pub fn text(&self) -> String {
        let Self {
            code,
            office,
            fingerprint,
            ..
        } = self;
        format!("{office}/enrol#{code}.{fingerprint}")
    }
}
