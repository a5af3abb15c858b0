//! Speech: what is typed is read out rightly, and engines are kept on a short leash.
#![allow(clippy::unwrap_used, reason = "tests")]

mod engine;
mod properties;
mod reading;
