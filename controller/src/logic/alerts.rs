//! Alerts: what of the speakers' present state somebody should look after, who is told of it, and in which words.
//!
//! Everything here is level-triggered: it holds what is against what the database says is open, so a restart neither
//! loses nor repeats an alert.

pub mod address;

pub use address::{Address, AddressError, By};
