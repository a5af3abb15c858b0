//! The office's program: plans bulletins, brings them to the speakers, and keeps account of what was heard.
//!
//! `logic` decides and touches nothing; everything else carries out. `app` puts the parts together.

pub mod act;
pub mod agent_config;
pub mod app;
pub mod audio;
pub mod auth;
pub mod authority;
pub mod binary;
pub mod broker;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod engine;
pub mod http;
pub mod keyfile;
pub mod link;
pub mod live;
pub mod logic;
pub mod notify;
pub mod pki;
pub mod qr;
pub mod reports;
pub mod rounds;
pub mod speech;
pub mod sticker;
pub mod store;
pub mod watch;
