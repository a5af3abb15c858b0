//! Alerts: what of the speakers' present state somebody should look after, who is told of it, and in which words.
//!
//! Everything here is level-triggered: it holds what is against what the database says is open, so a restart neither
//! loses nor repeats an alert. `judge` finds what opens and closes, `telling` who hears of it when, `words` how it is said.

pub mod address;
mod condition;
mod id;
mod judge;
mod kind;
mod rules;
pub mod telling;
pub mod words;

pub use address::{Address, AddressError, By};
pub use condition::{Condition, Down, Measures, Sounded, measures};
pub use id::{AlertId, MessageId, RepairId, RuleId};
pub use judge::{Around, CALM_S, Change, JOIN_AFTER_S, Judge, Member, OpenAlert};
pub use kind::{Kind, Severity};
pub use rules::{Rule, RuleBody, Rules};
