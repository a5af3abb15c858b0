//! The measurements behind the figures. Tests run them small, the bench runs them whole.

pub mod cost;
pub mod decode;
pub mod emergency;
pub mod likeness;
pub mod now;
pub mod report;
pub mod start;
