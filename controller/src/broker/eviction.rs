//! Ends the connections of those who would not be let in any more: a removed speaker, or one whose
//! certificate was revoked or ran out, or whose token was replaced.

use std::time::Duration;

use rmqtt::{context::ServerContext, types::Id};

use super::{Gate, HANDSHAKE_PATIENCE, clip};

/// How soon somebody is looked at again who was just connecting.
const AGAIN: Duration = Duration::from_millis(100);

/// Asks about every connection after each change. Ends when nothing can change any more.
pub(super) async fn watch(context: ServerContext, gate: Gate) {
    let mut changes = gate.allow.changes();
    // Who was let in just before a change may arrive just after it: one more look when every handshake is over.
    let mut stragglers = false;
    let mut look_again = None;
    loop {
        let changed = match look_again {
            Some(wait) => tokio::time::timeout(wait, changes.changed()).await,
            None => Ok(changes.changed().await),
        };
        match changed {
            Ok(Err(_)) => return,
            Ok(Ok(())) => stragglers = true,
            Err(_) => {}
        }
        look_again = if !look(&context, &gate).await {
            Some(AGAIN)
        } else {
            std::mem::take(&mut stragglers).then_some(HANDSHAKE_PATIENCE)
        };
    }
}

/// `false` when somebody could not be looked at, because it was just connecting.
async fn look(context: &ServerContext, gate: &Gate) -> bool {
    let ids: Vec<Id> = {
        let sessions = context.extends.shared().await;
        sessions.iter().map(|entry| entry.id()).collect()
    };
    let mut all_seen = true;
    for id in ids {
        let entry = context.extends.shared().await.entry(id.clone());
        let Some(session) = entry.session() else {
            continue;
        };
        match session.connect_info().await {
            Ok(connect) if gate.admit(&connect).is_none() => {}
            _ => continue,
        }
        // Under the lock of its name, so that it is never the one who comes back in this moment that is thrown out.
        let Ok(mut locked) = entry.try_lock().await else {
            all_seen = false;
            continue;
        };
        if locked.session().is_none_or(|now| now.id != session.id) {
            continue;
        }
        match locked.kick(true, true, true).await {
            Ok(_) => {
                tracing::info!(client = %clip(&id.client_id), "connection ended: it would not be let in any more");
            }
            Err(error) => {
                tracing::warn!(client = %clip(&id.client_id), %error, "a connection that should end did not; trying again");
                all_seen = false;
            }
        }
    }
    all_seen
}
