//! Every decision of the office: pure, synchronous, given the time. No socket, no disk, no clock, no tokio.
//!
//! [`Office::handle`] takes one [`Input`] and answers with [`Effect`]s; [`Office::next_deadline`] says when it wants
//! to be asked again. What it decides, each in its own file:
//! `programmes` (what should be true, signed), `delivery` (which block goes out next), `presence` (who is there),
//! `intake` (what speakers tell, and when they may forget it), `permissions` (who may do what), `approval` (what needs a
//! second person), `days` (what speakers will play), `holidays` (on which days a rule is not said), `outages` (who was away and
//! why), `due` (what should have been told by now), `figures` (what somebody signs), `facts` (what is known of a pole: powered,
//! connected, healthy, audible), `identity` (who gets its next certificate), `board` (the same area by area), `hours` (what is kept
//! of their telemetry), `calendar`, `program` (what people call the browser that signed in), `audit` (whether the log of who changed
//! what is whole), `trust` (whom the poles are told to believe), `endorsement` (what approvers' passkeys must have signed),
//! `call` (what of a live call goes on the air, and when it is over).

pub mod alerts;
pub mod approval;
pub mod audit;
pub mod board;
pub mod calendar;
pub mod call;
pub mod days;
pub mod delivery;
pub mod due;
pub mod endorsement;
pub mod facts;
pub mod figures;
pub mod holidays;
pub mod hours;
pub mod identity;
pub mod incidents;
pub mod intake;
pub mod office;
pub mod outages;
pub mod permissions;
pub mod port;
pub mod presence;
pub mod program;
pub mod programmes;
pub mod relay;
pub mod trust;

pub use office::Office;
pub use port::{
    ChannelState, Effect, Figures, Input, LogLine, Notice, Reading, Settings, TrustState,
};
pub use presence::{Presence, PresenceView};

#[cfg(test)]
pub(crate) mod testing;
