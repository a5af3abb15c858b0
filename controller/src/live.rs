//! Sound as it is made, from the office's side: calls from a phone, and relays of other stations.
//!
//! `air` gives frames their numbers and signatures and sends them to the poles; what is said and when a call ends is decided in
//! [`logic`](crate::logic).

pub mod air;
pub mod calls;
mod ending;
mod recorder;
pub mod relay;
mod running;
mod voice;

pub use air::{Air, stream_key};
pub use calls::Calls;
pub use ending::least_ms;
pub use relay::Relays;
pub use voice::Spoken;
