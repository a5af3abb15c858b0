//! The measurements behind the figures. Tests run them small, the bench runs them whole.

pub mod apart;
pub mod audit;
pub mod cost;
pub mod crowd;
pub mod dead_pole;
pub mod decode;
pub mod emergency;
pub mod hearing;
pub mod icecast;
pub mod likeness;
pub mod listeners;
pub mod live;
pub mod live_drift;
pub mod mouth;
pub mod now;
pub mod report;
pub mod start;
pub mod statuses;
pub mod strangers;
