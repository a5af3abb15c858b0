//! The month's report and the figures of any span of days: gathered from what is counted, shown as JSON, CSV and as a
//! spreadsheet, and sent by mail once a month.

mod config;
pub mod csv;
pub mod gather;
pub mod mail;
pub mod sheet;
pub mod view;
mod words;

pub use config::ReportConfig;
pub use gather::{Gathered, Reported, ReportedArea, Span, gather};

#[cfg(test)]
use crate::logic::figures::Figures;
#[cfg(test)]
mod tests;
