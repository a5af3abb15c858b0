//! Sentences about one pole: a fake office speaks to it, a fake disk and a fake player serve it, in imagined time.
#![allow(clippy::unwrap_used, reason = "tests")]

mod any_input;
mod audio_fetching;
mod clock_trust;
mod documents;
mod ear;
mod events;
mod governor;
mod hostile_packets;
mod live_office;
mod office;
mod orders;
mod playing;
mod pole;
mod preemption;
mod relays;
mod renewal;
mod replays;
mod restart;
mod status;
mod streams;
mod telemetry;
mod trust;
mod turned_clock;
mod village_player;
mod watch;
