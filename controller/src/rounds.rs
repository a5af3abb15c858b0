//! What the office does by itself, now and then: it notes that it runs, writes down what was not told of, and sends the
//! month's report. Each round is small and may fail; the next one follows.

use std::time::Duration;

use loa_protocol::time::WallTime;
use tokio::time::MissedTickBehavior;

use crate::{
    http::AppState,
    logic::{Notice, due::TOLD_WITHIN_S},
    reports::mail,
};

/// How often it notes that it runs.
const ALIVE: Duration = Duration::from_secs(30);
/// Of these rounds every so many look for what was not told of, and for mail.
const LOOK: u32 = 2;
/// Most notices of one look; whoever watches asks for the rest.
const NOTICES: usize = 200;
/// Most passes of one look.
const PASSES: usize = 40;

/// `run`: what [`begin_run`](crate::store::Store::begin_run) gave. Never ends.
pub async fn rounds(state: AppState, run: WallTime) {
    let mut due = tokio::time::interval(ALIVE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0_u32.. {
        due.tick().await;
        if let Err(error) = state.store.keep_run(run).await {
            tracing::warn!(%error, "the office could not note that it runs");
        }
        if !round.is_multiple_of(LOOK) {
            continue;
        }
        for act in state.failures.over(state.clock.mono_us()) {
            if let Err(error) = state.store.note(&act).await {
                tracing::warn!(%error, "sign-ins that failed were not written down");
            }
        }
        if let Err(error) = look(&state, run).await {
            tracing::warn!(%error, "what was not told of could not be written down; trying again");
        }
        if let Err(error) = mail::send_due(&state).await {
            tracing::warn!(%error, "the month's report could not be made; trying again");
        }
    }
}

/// Not before everybody had time to tell of what was while the office was away.
pub async fn look(state: &AppState, run: WallTime) -> Result<(), crate::store::StoreError> {
    if state.clock.now() < run.plus_s(TOLD_WITHIN_S) {
        return Ok(());
    }
    for _ in 0..PASSES {
        let swept = state.store.sweep_unreported().await?;
        for one in swept.found.into_iter().take(NOTICES) {
            state.engine.notify(Notice::Playout {
                speaker: one.speaker,
                occurrence: one.occurrence,
            });
        }
        if !swept.more {
            break;
        }
    }
    Ok(())
}
