//! The speaker's program: keeps the programme, its audio and its ledger on disk, plays on time, and tells what it did.
//!
//! [`logic`] decides and knows no disk, socket, clock or sound card. The rest performs, and decides nothing:
//! [`runtime`] carries what happens to the logic and what it wants to [`link`] (the broker), [`store`] (SQLite),
//! [`content`] (files), [`audio`] (the thread that plays), [`sensors`] (the thread that measures), [`identity`] (key and
//! certificate) and [`health`] (the status file).

pub mod audio;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod content;
pub mod enrol;
pub mod health;
pub mod identity;
pub mod link;
pub mod logic;
pub mod office_http;
pub mod runtime;
pub mod sensors;
pub mod store;

/// Name and version, as the status and the log tell them.
pub const AGENT: &str = concat!("loa-agent ", env!("CARGO_PKG_VERSION"));
