//! Looks after what runs out: certificates of the office, and the list of revocations that brokers elsewhere read.

use std::{sync::Arc, time::Duration};

use loa_protocol::time::WallTime;
use tokio_util::sync::CancellationToken;

use super::{Authority, Identity, PkiError, Shown, files};
use crate::{clock::Clock, store::Store};

/// A revocation is in the list so soon, whoever made it.
const LOOK: Duration = Duration::from_secs(5);
/// The list is made anew so often though nothing changed, in seconds.
const LIST_AGE_S: i64 = 86_400;
/// And the certificate with which the controller goes to a broker elsewhere, in seconds.
const CLIENT_AGE_S: i64 = 30 * 86_400;

/// The list of revocations beside the authority's own files.
#[derive(Debug, Default)]
pub struct Revocations {
    told: Option<(WallTime, Vec<String>)>,
}

impl Revocations {
    /// Writes `crl.pem` when it does not say what the database says, or is a day old.
    pub async fn refresh(
        &mut self,
        store: &Store,
        authority: &Authority,
        now: WallTime,
    ) -> Result<(), PkiError> {
        let revoked = store.certificates_revoked().await?;
        let serials: Vec<String> = revoked.iter().map(|one| one.serial.clone()).collect();
        let stands = self.told.as_ref().is_some_and(|(at, told)| {
            *told == serials && now >= *at && now < at.plus_s(LIST_AGE_S)
        });
        if stands {
            return Ok(());
        }
        // Microseconds grow as the number of a list has to.
        let number = u64::try_from(now.as_micros()).unwrap_or(0);
        let text = authority.revocations(&revoked, number, now)?;
        files::write_public(&store.data_dir().join("crl.pem"), &text)?;
        self.told = Some((now, serials));
        Ok(())
    }
}

/// The list as it stands now, for a command that ends at once.
pub async fn refresh_revocations(
    store: &Store,
    authority: &Authority,
    now: WallTime,
) -> Result<(), PkiError> {
    Revocations::default().refresh(store, authority, now).await
}

/// Until `stop`. `client`: what the controller shows to a broker elsewhere, made anew every month.
pub async fn keep(
    identity: Identity,
    store: Store,
    client: Option<Arc<Shown>>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut revocations = Revocations::default();
    let mut client_made = clock.now();
    // Told once, until it is another or none.
    let mut told = None;
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = clock.now();
        let renewed = identity.renew(now);
        let listed = revocations.refresh(&store, identity.authority(), now).await;
        let shown = match &client {
            Some(shown) if now >= client_made.plus_s(CLIENT_AGE_S) => {
                client_made = now;
                change_client(identity.authority(), shown, now)
            }
            _ => Ok(()),
        };
        let trouble = renewed.and(listed).and(shown).err().map(|e| e.to_string());
        if trouble != told
            && let Some(trouble) = &trouble
        {
            tracing::error!("certificates: {trouble}");
        }
        told = trouble;
    }
}

fn change_client(authority: &Authority, shown: &Shown, now: WallTime) -> Result<(), PkiError> {
    let pair = authority.controller(now)?;
    shown.change(&pair.chain, &pair.key)
}
