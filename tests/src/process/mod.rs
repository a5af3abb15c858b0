//! A village of real processes on this machine: a controller, a broker, agents, a sound server; and what they left behind.
//!
//! [`Village`] starts everything in a temporary folder and ends everything when dropped, a panic included. Nothing here
//! sleeps for a guessed time: [`clock::wait_until`] waits for a state, with a deadline.
//! Everything in it panics with a sentence when the village does not do as it should: it is for tests and benches only.

pub mod browser;
pub mod chance;
pub mod clock;
pub mod commune;
pub mod figures;
pub mod http;
pub mod journal;
pub mod line;
pub mod measure;
pub mod mosquitto;
pub mod mqtt;
pub mod office;
pub mod passport;
pub mod phone;
pub mod pole;
pub mod program;
pub mod pulse;
pub mod recording;
pub mod sockets;
pub mod sound;
pub mod station;
pub mod village;

pub use self::{
    clock::{now_us, wait_until},
    office::{Broker, LineKind},
    village::{Output, Village},
};
