//! Documents as speakers send them, for tests.

use loa_protocol::{
    status::{ClockState, SpeakerStatus},
    time::Trust,
};

/// Online, with nothing to tell.
pub(crate) fn status(speaker: &str) -> SpeakerStatus {
    SpeakerStatus {
        speaker: speaker.parse().expect("a good name"),
        online: true,
        store: "s1".parse().expect("a name"),
        boot: 1,
        agent: "loa-agent 0.1".into(),
        at: None,
        clock: ClockState {
            trust: Trust::Synced,
            ..ClockState::default()
        },
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "wav".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    }
}
