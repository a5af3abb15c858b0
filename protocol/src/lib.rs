//! What office and pole must agree on: the words, the rules, and the wire between them.
//!
//! Nothing here does anything: no socket, no disk, no clock, no chance. Time is an argument.

pub mod arbitration;
pub mod bulletin;
pub mod certificate;
pub mod channel;
pub mod clock;
pub mod content;
pub mod endorsement;
pub mod envelope;
pub mod event;
pub mod head;
pub mod id;
pub mod limits;
pub mod live;
pub mod passkey;
pub mod playout;
pub mod preview;
pub mod programme;
pub mod quiet_hours;
pub mod recurrence;
pub mod root;
pub mod sounded;
pub mod speaker_config;
pub mod status;
pub mod telemetry;
pub mod time;
pub mod topic;
pub mod trust;

/// The version in every topic and in every envelope. A reader refuses, and counts, any other.
pub const WIRE_VERSION: u8 = 1;
